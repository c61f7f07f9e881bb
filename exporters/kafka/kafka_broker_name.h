/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_broker_name.h -- how a broker is named in a configuration.
 *
 *     HOST[:PORT]      192.0.2.1[:PORT]      [2001:db8::1][:PORT]
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/error.h"

/* ST_INVALID: `text` is none of these; the message says why.  *ret_local: it is a loopback address,
 * or localhost. */
MUST_CHECK enum status kafka_broker_name_check(const char *text, bool *ret_local,
                                               struct error *err);
