/* SPDX-License-Identifier: Apache-2.0 */
/* http_memory_test.c -- an exporter over HTTP with each allocation failing in turn: what was not
 * sent is tried again, nothing is leaked, and afterwards all is as before. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "support/failing_alloc.h"
#include "support/http_sink.h"
#include "support/option.h"
#include "support/temp_dir.h"
#include "support/test_certs.h"
#include "telltale/exporter.h"
#include "util/clock.h"

extern const struct exporter_ops exporter_http;
extern const struct exporter_ops exporter_otlp_http;

static const struct exporter_ops *ops = &exporter_otlp_http;

enum { PLENTY_S = 30, BODY_MAX = 16 << 20 };

static const struct record records[] = {
    {.sequence = 1, .bytes = SLICE("\x2a\x07\x0a\x05hello")},
    {.sequence = 2, .bytes = SLICE("\x2a\x07\x0a\x05world")},
};
static const struct record_group group = {
    .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test")};
static const struct batch batch = {
    .records = records, .record_count = 2, .groups = &group, .group_count = 1};

/* libcurl's allocations fail like ours: these are led to failing_alloc.c, too. */
static void *curl_malloc(size_t size)
{
    return malloc(size);
}

static void *curl_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

static void *curl_realloc(void *memory, size_t size)
{
    return realloc(memory, size);
}

static char *curl_strdup(const char *text)
{
    return strdup(text);
}

struct scene {
    struct temp_dir dir;
    struct http_sink *sink;
    void *config;
    struct export_report report;
    struct error err;
};

static enum export_result send_batch(struct scene *scene, void *exporter)
{
    scene->report = (struct export_report){.rejected_count = 0};
    scene->err = (struct error){.status = ST_OK};
    return ops->send(exporter, &batch, clock_monotonic_ns() + PLENTY_S * NS_PER_S, &scene->report,
                     &scene->err);
}

/* The sink's threads allocate too, and may not fail. */
static const struct http_sink_settings unscripted = {.discard = true};

static bool run(void *context, unsigned at, unsigned length)
{
    const struct exporter_context exporter_context = {.name = "otlp_http/test", .state_dir = "/"};
    struct scene *scene = context;
    void *exporter = NULL;

    failing_alloc_begin(at, length);
    enum status st = ops->create(scene->config, &exporter_context, &exporter, &scene->err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK) {
        assert_int_equal(st, ST_NO_MEMORY);
        assert_null(exporter);
        return has_failed;
    }
    assert_int_equal(send_batch(scene, exporter), EXPORT_DONE);
    ops->destroy(exporter);
    return has_failed;
}

static void test_an_exporter_that_finds_no_memory_is_not_made(void **state)
{
    failing_alloc_try("OTLP/HTTP exporter, made", run, *state, 20);
}

/* With nobody listening, so that no other thread allocates. */
static bool run_unanswered(void *context, unsigned at, unsigned length)
{
    const struct exporter_context exporter_context = {.name = "otlp_http/test", .state_dir = "/"};
    struct scene *scene = context;
    void *exporter = NULL;

    assert_int_equal(ops->create(scene->config, &exporter_context, &exporter, &scene->err), ST_OK);
    failing_alloc_begin(at, length);
    enum export_result result = send_batch(scene, exporter);
    bool has_failed = failing_alloc_end();
    if (result != EXPORT_RETRY ||
        (scene->err.status != ST_IO && (!has_failed || scene->err.status != ST_NO_MEMORY)))
        fail_msg("allocation %u: %d, %s", at, (int)result, scene->err.text);
    assert_int_equal(send_batch(scene, exporter), EXPORT_RETRY);
    assert_int_equal(scene->err.status, ST_IO);
    ops->destroy(exporter);
    return has_failed;
}

static void test_a_request_that_finds_no_memory_is_tried_again(void **state)
{
    struct scene *scene = *state;

    option_set_text(ops, scene->config, "endpoint", "http://127.0.0.1:1");
    failing_alloc_try("OTLP/HTTP request, protobuf", run_unanswered, scene, 40);
    option_set_enum(ops, scene->config, "encoding", "json");
    option_set_enum(ops, scene->config, "compression", "zstd");
    failing_alloc_try("OTLP/HTTP request, JSON and zstd", run_unanswered, scene, 40);
}

/* What an intake takes, with templates, groups and a signature. */
static void test_intakes_meet_want_of_memory_alike(void **state)
{
    static const char *const presets[] = {"loki", "sentinel", "sumo"};
    struct scene *scene = *state;
    char key[TEST_PATH_MAX], endpoint[64];

    free(scene->config);
    ops = &exporter_http;
    scene->config = option_make_config(ops);
    test_certs_write(scene->dir.path, "key", "k", key);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", http_sink_port(scene->sink));
    option_set_text(ops, scene->config, "endpoint", endpoint);
    option_set_text(ops, scene->config, "hmac.secret_file", key);
    option_set_text(ops, scene->config, "hmac.header", "X-Signature");
    option_set_number(ops, scene->config, "compression_level", 1);
    option_set_number(ops, scene->config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, scene->config, "max_response_size", 4096);
    option_set_number(ops, scene->config, "max_groups", 4);
    option_set_enum(ops, scene->config, "preset", "loki");
    failing_alloc_try("HTTP exporter, made", run, scene, 20);
    option_set_text(ops, scene->config, "endpoint", "http://127.0.0.1:1");
    for (size_t i = 0; i < COUNT_OF(presets); i++) {
        option_set_enum(ops, scene->config, "preset", presets[i]);
        failing_alloc_try(presets[i], run_unanswered, scene, 40);
    }
}

static int make_scene(void **state)
{
    static char endpoint[64];
    static char token[TEST_PATH_MAX];
    static struct scene scene;

    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc, curl_strdup,
                             curl_calloc) != CURLE_OK)
        return 1;
    temp_dir_make(&scene.dir);
    test_certs_write(scene.dir.path, "token", "t-1", token);
    scene.sink = http_sink_start(&unscripted);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", http_sink_port(scene.sink));
    scene.config = option_make_config(ops);
    option_set_text(ops, scene.config, "endpoint", endpoint);
    option_set_text(ops, scene.config, "token_file", token);
    option_set_enum(ops, scene.config, "compression", "gzip");
    option_set_number(ops, scene.config, "compression_level", 1);
    option_set_number(ops, scene.config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, scene.config, "max_response_size", 4096);
    option_set_number(ops, scene.config, "max_body_size", BODY_MAX);
    *state = &scene;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

static int drop_scene(void **state)
{
    struct scene *scene = *state;

    http_sink_stop(scene->sink);
    free(scene->config);
    temp_dir_remove(&scene->dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_exporter_that_finds_no_memory_is_not_made),
        cmocka_unit_test(test_a_request_that_finds_no_memory_is_tried_again),
        cmocka_unit_test(test_intakes_meet_want_of_memory_alike),
    };
    return cmocka_run_group_tests(tests, make_scene, drop_scene);
}
