/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_signal.h -- encode_otlp_json_line() for spans and metrics.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/batch.h"
#include "telltale/buf.h"
#include "telltale/error.h"

/* See encode_otlp_json_line(). */
MUST_CHECK enum status encode_json_signal(const struct record_group *group, struct slice record,
                                          struct slice extra_attributes, struct buf *out,
                                          struct error *err);
