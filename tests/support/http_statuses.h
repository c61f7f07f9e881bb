/* SPDX-License-Identifier: Apache-2.0 */
/* http_statuses.h -- what a destination's answer means for a small OTLP request over HTTP, status
 * by status: the table of docs/DELIVERY.md, as tests know it. */
#pragma once

#include "telltale/exporter.h"

struct http_status_meaning {
    int status;
    enum export_result plain;  /* with words that are no google.rpc.Status */
    enum export_result judged; /* with a google.rpc.Status */
    uint32_t plain_delay_ms;
    uint32_t judged_delay_ms;
    uint32_t asked_delay_ms; /* either, with Retry-After: 7 */
};

enum { HTTP_STATUS_COUNT = 34 };
extern const struct http_status_meaning http_status_meanings[HTTP_STATUS_COUNT];
