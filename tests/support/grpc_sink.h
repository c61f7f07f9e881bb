/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_sink.h -- a gRPC server that answers from a script and remembers what it got.
 *
 * It has a thread of its own and takes one call after the other.  Failures inside it abort the
 * test.  Functions are for the thread that started it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

struct grpc_sink;

struct grpc_sink_settings {
    const char *address; /* "127.0.0.1:0", "unix:/path" */
    /* PEM texts; NULL: plain text */
    const char *cert;
    const char *key;
    const char *client_ca; /* asks for a client certificate below this; NULL: does not */
    bool discard;          /* requests are counted and not kept: for benchmarks */
};

struct grpc_sink_answer {
    int code;              /* grpc_status_code */
    const char *message;   /* NULL: empty */
    struct slice details;  /* google.rpc.Status for grpc-status-details-bin; empty: not sent */
    struct slice response; /* when the code is OK */
    bool hold;             /* takes the request and never answers */
};

enum { GRPC_SINK_HEADERS_MAX = 32 };

struct grpc_sink_header {
    char key[64];
    char value[256];
};

/* What arrived; good until the sink is stopped. */
struct grpc_sink_request {
    char path[128];
    struct slice body; /* decompressed */
    size_t wire_size;  /* of the body, as it came */
    bool compressed;
    struct grpc_sink_header headers[GRPC_SINK_HEADERS_MAX];
    size_t header_count;
};

struct grpc_sink *grpc_sink_start(const struct grpc_sink_settings *settings);
void grpc_sink_stop(struct grpc_sink *sink); /* accepts NULL */

/* The same, and gives the requests to `visit` when no more can come. */
void grpc_sink_stop_with(struct grpc_sink *sink,
                         void (*visit)(struct grpc_sink *sink, bool *context), bool *context);

int grpc_sink_port(const struct grpc_sink *sink);

/* The answers to the next calls, in turn; the last one is given for ever.  Copied, but for what
 * they point to.  Without a script every call is accepted with an empty response. */
void grpc_sink_script(struct grpc_sink *sink, const struct grpc_sink_answer *answers, size_t count);

size_t grpc_sink_count(struct grpc_sink *sink);
const struct grpc_sink_request *grpc_sink_request(struct grpc_sink *sink, size_t index);

/* The value of a header, NULL when it did not come. */
const char *grpc_sink_header(const struct grpc_sink_request *request, const char *key);
