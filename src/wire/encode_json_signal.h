/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_signal.h -- the JSON of encode.h for spans and metrics.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "wire/json_put.h"

/* What stands before the first record of a group, up to the '[' of its list. */
void json_signal_put_group_start(struct json_put *json, const struct record_group *group);

/* See encode_otlp_json_line(). */
void json_signal_put_record(struct json_put *json, enum signal signal, struct slice record,
                            struct slice extra_attributes);
