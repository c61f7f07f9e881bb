/* SPDX-License-Identifier: Apache-2.0 */
/* control_server_test.c -- /metrics, /healthz and /status over TCP and a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "metrics/metrics.h"
#include "receivers/control_server.h"
#include "support/temp_dir.h"

struct fixture {
    struct temp_dir dir;
    struct listener listeners[2];
    struct control_server *server;
    struct error err;
    bool healthy;
    enum status status_result;
    char heard[1 << 20];
    size_t heard_size;
};

static struct fixture fixture;

static bool is_healthy(void *context, char *why, size_t why_size)
{
    (void)context;
    if (!fixture.healthy)
        snprintf(why, why_size, "the journal is full");
    return fixture.healthy;
}

static enum status write_status(void *context, struct buf *out, struct error *err)
{
    (void)context;
    enum status st = buf_append(out, "{\"state\":\"running\"}", 19, err);
    if (st == ST_OK && fixture.status_result != ST_OK)
        st = error_set(err, fixture.status_result, "asked for by the test");
    return st;
}

static int setup(void **state)
{
    char address[LISTENER_NAME_MAX];
    const struct listener_settings settings = {.mode = 0600};
    const struct control_callbacks callbacks = {NULL, is_healthy, write_status};

    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    fixture.healthy = true;
    temp_dir_make(&fixture.dir);
    snprintf(address, sizeof(address), "unix:%.90s/c.sock", fixture.dir.path);
    if (listener_open("127.0.0.1:0", &settings, &fixture.listeners[0], &fixture.err) != ST_OK ||
        listener_open(address, &settings, &fixture.listeners[1], &fixture.err) != ST_OK)
        return -1;
    return control_server_start(fixture.listeners, 2, &callbacks, &fixture.server, &fixture.err) ==
                   ST_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    control_server_stop(fixture.server);
    listener_close(&fixture.listeners[0]);
    listener_close(&fixture.listeners[1]);
    temp_dir_remove(&fixture.dir);
    return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    size_t all = size * count;

    (void)context;
    assert_true(fixture.heard_size + all < sizeof(fixture.heard));
    memcpy(fixture.heard + fixture.heard_size, data, all);
    fixture.heard_size += all;
    fixture.heard[fixture.heard_size] = 0;
    return all;
}

static long ask(const char *method, const char *path, const char *unix_path)
{
    CURL *curl = curl_easy_init();
    char url[200];
    long http_status = 0;

    assert_non_null(curl);
    fixture.heard_size = 0;
    snprintf(url, sizeof(url), "http://%s%s", fixture.listeners[0].name, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    if (unix_path != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, unix_path);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "a body that nobody needs");
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_cleanup(curl);
    return http_status;
}

static void test_metrics_are_shown(void **state)
{
    (void)state;
    struct metric *metric =
        metric_register(METRIC_COUNTER, "telltale_test_total", "A test.", "kind=\"a\"");
    metric_add(metric, 42);
    assert_int_equal(ask("GET", "/metrics", NULL), 200);
    assert_non_null(strstr(fixture.heard, "# TYPE telltale_test_total counter\n"
                                          "telltale_test_total{kind=\"a\"} 42\n"));
}

static void test_health_says_why_not(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/healthz", NULL), 200);
    assert_string_equal(fixture.heard, "ok\n");
    fixture.healthy = false;
    assert_int_equal(ask("GET", "/healthz", fixture.listeners[1].path), 503);
    assert_string_equal(fixture.heard, "the journal is full\n");
}

static void test_status_is_what_the_daemon_says(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/status", fixture.listeners[1].path), 200);
    assert_string_equal(fixture.heard, "{\"state\":\"running\"}");
    fixture.status_result = ST_NO_MEMORY;
    assert_int_equal(ask("GET", "/status", NULL), 500);
    assert_int_equal(fixture.heard_size, 0);
}

static void test_other_paths_and_methods_are_refused(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/", NULL), 404);
    assert_int_equal(ask("POST", "/metrics", NULL), 405);
}

static void test_listening_socket_outlives_the_server(void **state)
{
    (void)state;
    const struct control_callbacks callbacks = {NULL, is_healthy, write_status};

    control_server_stop(fixture.server);
    fixture.server = NULL;
    assert_int_equal(
        control_server_start(fixture.listeners, 2, &callbacks, &fixture.server, &fixture.err),
        ST_OK);
    assert_int_equal(ask("GET", "/healthz", NULL), 200);
}

#define CONTROL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(test_metrics_are_shown),
        CONTROL_TEST(test_health_says_why_not),
        CONTROL_TEST(test_status_is_what_the_daemon_says),
        CONTROL_TEST(test_other_paths_and_methods_are_refused),
        CONTROL_TEST(test_listening_socket_outlives_the_server),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
