/* SPDX-License-Identifier: Apache-2.0 */
/* http_bench.c -- see http_bench.h. */
#include "support/http_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/clock.h"

int http_bench_ignore_sigpipe(void **state)
{
    (void)state;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR; /* as the daemon does */
}

int http_bench_make(void **state)
{
    struct http_bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    temp_dir_make(&bench->dir);
    bench->config = (struct http_config){
        .endpoint = bench->endpoint,
        .connect_timeout_ns = 5 * NS_PER_S,
        .max_response_size = 4 << 20,
        .compression_level = 1,
        .max_body_size = 16 << 20,
    };
    *state = bench;
    return 0;
}

int http_bench_drop(void **state)
{
    struct http_bench *bench = *state;
    http_client_destroy(bench->client);
    http_sink_stop(bench->sink);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

void http_bench_create(struct http_bench *bench)
{
    const struct http_client_settings settings = {.config = &bench->config,
                                                  .token_scheme = bench->token_scheme};

    http_client_destroy(bench->client);
    bench->client = NULL;
    if (http_config_check(&bench->config, &bench->err) != ST_OK ||
        http_client_create(&settings, &bench->client, &bench->err) != ST_OK)
        fail_msg("%s", bench->err.text);
}

void http_bench_start(struct http_bench *bench, const struct http_sink_settings *settings)
{
    static const struct http_sink_settings plain = {.unix_path = NULL};

    if (settings == NULL)
        settings = &plain;
    bench->sink = http_sink_start(settings);
    snprintf(bench->endpoint, sizeof(bench->endpoint), "%s:%d",
             settings->cert != NULL ? "https://localhost" : "http://127.0.0.1",
             http_sink_port(bench->sink));
    http_bench_create(bench);
}

enum http_transport http_bench_send(struct http_bench *bench, const struct http_request *request,
                                    uint64_t timeout_ms)
{
    bench->err = (struct error){.status = ST_OK};
    return http_client_send(bench->client, request, clock_monotonic_ns() + timeout_ms * NS_PER_MS,
                            &bench->response, &bench->err);
}

enum http_transport http_bench_post(struct http_bench *bench, const char *body)
{
    const struct http_request request = {.content_type = "text/plain", .body = slice_of_text(body)};
    return http_bench_send(bench, &request, PLENTY_MS);
}
