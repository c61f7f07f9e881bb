/* SPDX-License-Identifier: Apache-2.0 */
/* http_bench.h -- one HTTP client, one server for it, and a directory for their files. */
#pragma once

#include "support/http_sink.h"
#include "support/temp_dir.h"
#include "support/test_certs.h"
#include "telltale/http_client.h"

enum { PLENTY_MS = 30 * 1000, HTTP_BENCH_PATH_MAX = 256 };

struct http_bench {
    struct temp_dir dir;
    struct http_config config; /* with the defaults, but without compression */
    char endpoint[HTTP_BENCH_PATH_MAX];
    const char *token_scheme;
    struct http_client *client;
    struct http_sink *sink;
    struct http_response response;
    struct error err;
};

/* For cmocka. */
int http_bench_make(void **state);
int http_bench_drop(void **state);
int http_bench_ignore_sigpipe(void **state);

/* Starts the server, points the endpoint to it ("https://localhost" with a certificate), and
 * creates the client.  `settings` may be NULL. */
void http_bench_start(struct http_bench *bench, const struct http_sink_settings *settings);

/* Checks the configuration and makes a client of it, instead of the present one. */
void http_bench_create(struct http_bench *bench);

/* `bench->response` and `bench->err` are filled. */
enum http_transport http_bench_send(struct http_bench *bench, const struct http_request *request,
                                    uint64_t timeout_ms);
enum http_transport http_bench_post(struct http_bench *bench, const char *body);
