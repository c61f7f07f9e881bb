/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_bench.h -- a receiver of OTLP/HTTP in front of a real journal, and a client of it, for the
 * tests of the one and the other.  Failures fail the test.
 *
 * Threads: the test's; the receiver has threads of its own.
 */
#pragma once

#include <curl/curl.h>

#include "net/listener.h"
#include "receivers/otlp_http_receiver.h"
#include "support/test_journal.h"

#define OTLP_BENCH_JSON "application/json"

enum { BODY_SIZE_MAX = 1 << 20, DECODED_SIZE_MAX = 2 << 20 };

struct otlp_bench {
    struct test_journal journal;
    struct temp_dir dir;
    struct listener listeners[2];
    struct admission admission;
    struct otlp_http_receiver *receiver;
    struct error err;
    struct buf scratch;
};

extern struct otlp_bench otlp_bench;

/* What the next one is made with. */
extern unsigned otlp_bench_signals;
extern unsigned int otlp_bench_connections; /* of a user; 0: as by default */

void otlp_bench_start(uint64_t journal_size, uint64_t pending_bytes_max);

/* For cmocka. */
int otlp_bench_make(void **state);
int otlp_bench_drop(void **state);

/* --- The client ------------------------------------------------------------------------------ */

struct otlp_reply {
    long http_status;
    char headers[4096];
    size_t headers_size;
    uint8_t body[8192];
    size_t body_size;
};

struct otlp_call {
    CURL *curl;
    struct curl_slist *headers;
    struct otlp_reply reply;
    struct slice body;
};

/* To the TCP listener.  `type` or `encoding` NULL: no such header.  `body` is borrowed until the
 * call is finished. */
void otlp_call_prepare(struct otlp_call *call, const char *path, const char *type,
                       const char *encoding, struct slice body);
void otlp_call_add_header(struct otlp_call *call, const char *name, const char *value);
void otlp_call_perform(struct otlp_call *call);
/* Of a call that was performed otherwise. */
void otlp_call_finish(struct otlp_call *call);

struct otlp_reply otlp_post(const char *path, const char *type, const char *encoding,
                            struct slice body);
struct otlp_reply otlp_post_text(const char *type, const char *text); /* to /v1/logs */
const char *otlp_reply_text(const struct otlp_reply *reply);

/* A request of one record with this body, in JSON; good until the next one. */
const char *otlp_one_record(const char *body);
