/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_properties.h -- the settings of librdkafka that a configuration makes.
 *
 * Threads: pure functions.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "kafka_config.h"

/* Checks the option `properties`: that librdkafka knows them, and that they are not ours. */
MUST_CHECK enum status kafka_properties_check(const struct kafka_config *config, struct error *err);

/* All of them but callbacks; reads the password.  On ST_OK the caller owns *ret.  ST_INVALID:
 * librdkafka refuses a value; ST_IO, ST_LIMIT: the file of the password. */
MUST_CHECK enum status kafka_properties_make(const struct kafka_config *config,
                                             rd_kafka_conf_t **ret, struct error *err);
