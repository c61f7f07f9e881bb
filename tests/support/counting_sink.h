/* SPDX-License-Identifier: Apache-2.0 */
/* counting_sink.h -- a gRPC server that accepts every request and counts what came.
 *
 * Each of its threads takes one call after the other.
 * Functions are for any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

struct counting_sink;

struct sink_counts {
    uint64_t requests;
    uint64_t wire_bytes; /* of the messages, as they came */
    uint64_t records;
};

enum { COUNTING_SINK_THREADS_MAX = 64 };

/* `address`: "unix:/path" or "127.0.0.1:port".  Failures abort. */
struct counting_sink *counting_sink_start(const char *address);

/* The same, with `threads` calls at one time, each answered `latency_ns` after it has come. */
struct counting_sink *counting_sink_start_far(const char *address, size_t threads,
                                              uint64_t latency_ns);

/* The same, and the sink's thread calls `visit` for each LogRecord before it answers. */
struct counting_sink *
counting_sink_start_visiting(const char *address, void (*visit)(void *context, struct slice record),
                             void *context);
struct sink_counts counting_sink_read(struct counting_sink *sink);

/* From now on each thread takes no more than this many records a second; 0: as many as come. */
void counting_sink_set_pace(struct counting_sink *sink, uint64_t records_per_second);
void counting_sink_stop(struct counting_sink *sink);
