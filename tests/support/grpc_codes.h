/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_codes.h -- what a destination's answer means for a small request, status by status: the
 * table of docs/DELIVERY.md, as tests know it. */
#pragma once

#include <grpc/grpc.h>

#include "telltale/exporter.h"

enum { GRPC_CODE_COUNT = GRPC_STATUS_UNAUTHENTICATED + 1 };

struct grpc_code_meaning {
    grpc_status_code code;
    enum export_result plain;      /* without RetryInfo */
    enum export_result with_delay; /* with RetryInfo of 7.5 s */
    uint32_t plain_delay_ms;
    uint32_t delay_ms;
};

/* In the order of the codes. */
extern const struct grpc_code_meaning grpc_code_meanings[GRPC_CODE_COUNT];
