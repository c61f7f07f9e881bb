/* SPDX-License-Identifier: Apache-2.0 */
/* counting_sink.h -- a gRPC server that accepts every request and counts what came.
 *
 * It has a thread of its own and takes one call after the other, as the exporter sends them.
 * Functions are for any thread.
 */
#pragma once

#include <stdint.h>

#include "telltale/slice.h"

struct counting_sink;

struct sink_counts {
    uint64_t requests;
    uint64_t wire_bytes; /* of the messages, as they came */
    uint64_t records;
};

/* `address`: "unix:/path" or "127.0.0.1:port".  Failures abort. */
struct counting_sink *counting_sink_start(const char *address);
/* The same, and the sink's thread calls `visit` for each LogRecord before it answers. */
struct counting_sink *
counting_sink_start_visiting(const char *address, void (*visit)(void *context, struct slice record),
                             void *context);
struct sink_counts counting_sink_read(struct counting_sink *sink);
void counting_sink_stop(struct counting_sink *sink);
