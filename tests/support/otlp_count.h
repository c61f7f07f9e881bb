/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_count.h -- how many log records an OTLP request has.  Threads: any. */
#pragma once

#include <stdint.h>

#include "telltale/slice.h"

struct record_visitor {
    void (*visit)(void *context, struct slice record); /* NULL: nobody looks at records */
    void *context;                                     /* borrowed */
};

/* Calls the visitor, unless it is NULL, for each LogRecord.  Aborts if it is no such request. */
uint64_t otlp_count_records(struct slice request, const struct record_visitor *visitor);
