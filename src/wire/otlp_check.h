/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_check.h -- whether a span or a metric may pass: every message within it is looked through.
 *
 * What common receivers refuse, and with it the whole request, is refused here alone: a known field
 * of another wire type, an id of another size, a value that is broken or nests too deep.  Unknown
 * fields pass.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

/* `record` is a Span or a Metric.  The limits of attributes hold for each message that has some:
 * the span, each of its events and links, each data point.  ST_CORRUPT, ST_LIMIT. */
MUST_CHECK enum status otlp_check_record(enum signal signal, struct slice record,
                                         const struct otlp_limits *limits, struct error *err);

/* Whether one with the same bytes tells of the same: a span has an id, and each data point of a
 * metric a time, as it must.  `record` has passed otlp_check_record(). */
bool otlp_is_told_apart(enum signal signal, struct slice record);
