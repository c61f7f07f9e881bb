/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_metric.h -- the shape of a Metric message, as far as we look into it.
 *
 * Threads: pure functions.
 */
#pragma once

enum {
    METRIC_GAUGE = 5,
    METRIC_SUM = 7,
    METRIC_HISTOGRAM = 9,
    METRIC_EXPONENTIAL_HISTOGRAM = 10,
    METRIC_SUMMARY = 11,
    METRIC_METADATA = 12,
    METRIC_DATA_POINTS = 1,        /* of all five kinds */
    DATA_POINT_TIME_UNIX_NANO = 3, /* likewise */
};
