/* SPDX-License-Identifier: Apache-2.0 */
/* load_test.c -- whole configurations: defaults, values, references, mistakes and files that
 * mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/config_print.h"
#include "config/config_value.h"
#include "support/demo_exporter.h"
#include "support/golden.h"
#include "support/temp_dir.h"

enum { REPORT_SIZE_MAX = 1024 * 1024 };

static const struct config_dirs test_dirs = {.run_dir = "/run/test", .state_dir = "/state/test"};

static enum status load(const char *text, size_t size, const struct config **ret,
                        struct buf *report)
{
    const struct config_source source = {
        .path = "test.yaml",
        .text = slice_of(text, size),
        .dirs = &test_dirs,
        .exporters = demo_exporters,
        .exporter_count = DEMO_EXPORTER_COUNT,
    };
    struct error err;

    buf_init(report, REPORT_SIZE_MAX);
    return config_load(&source, ret, report, &err);
}

static const struct config *must_load(const char *text)
{
    const struct config *config = NULL;
    struct buf report;

    enum status st = load(text, strlen(text), &config, &report);
    if (st != ST_OK)
        fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&report)));
    assert_int_equal(st, ST_OK);
    assert_int_equal(report.size, 0);
    buf_fini(&report);
    return config;
}

/* The text is refused, and the report has `expected` in it. */
static void must_fail_sized(const char *text, size_t size, const char *expected)
{
    const struct config *config = NULL;
    struct error err;
    struct buf report;

    assert_int_equal(load(text, size, &config, &report), ST_INVALID);
    assert_null(config);
    assert_int_equal(buf_append(&report, "", 1, &err), ST_OK);
    if (strstr((const char *)report.data, expected) == NULL)
        fprintf(stderr, "not '%s' but:\n%s\n", expected, (const char *)report.data);
    assert_non_null(strstr((const char *)report.data, expected));
    buf_fini(&report);
}

static void must_fail(const char *text, const char *expected)
{
    must_fail_sized(text, strlen(text), expected);
}

static void check_defaults(const struct config *config)
{
    const struct config_unix_receiver *unix_socket = &config->receivers.unix_socket;
    const struct config_otlp_http_receiver *http = &config->receivers.otlp_http;

    assert_string_equal(config->control_path, "/run/test/control.sock");
    assert_true(unix_socket->enabled);
    assert_string_equal(unix_socket->path, "/run/test/agent.sock");
    assert_int_equal(unix_socket->mode, 0660);
    assert_null(unix_socket->owner);
    assert_int_equal(unix_socket->max_event_size, 16 << 20);
    assert_int_equal(unix_socket->connections_max, 1024);
    assert_int_equal(unix_socket->connections_per_uid_max, 256);
    assert_true(http->enabled);
    assert_int_equal(http->listen.count, 2);
    assert_string_equal(http->listen.items[0], "127.0.0.1:4318");
    assert_int_equal(config->receivers.otlp_grpc.listen.count, 2);
    assert_string_equal(config->receivers.otlp_grpc.listen.items[0], "127.0.0.1:4317");
    assert_string_equal(config->receivers.otlp_grpc.listen.items[1],
                        "unix:/run/test/otlp-grpc.sock");
    assert_non_null(strstr(http->listen.items[1], "unix:/"));
    assert_non_null(strstr(http->listen.items[1], "/otlp-http.sock"));
    assert_int_equal(http->connections_per_uid_max, 256);
    assert_false(http->allow_remote_plaintext);
    assert_int_equal(http->max_request_size, 64 << 20);
    assert_int_equal(config->limits.depth, 64);
    assert_int_equal(config->limits.key_size, 1024);
    assert_int_equal(config->limits.in_flight, 64 << 20);
    assert_string_equal(config->journal.dir, "/state/test/journal");
    assert_int_equal(config->journal.max_size, UINT64_C(2) << 30);
    assert_int_equal(config->journal.max_delay, 2000000);
    assert_int_equal(config->journal.on_disk_full, CONFIG_DISK_REFUSE);
    assert_int_equal(config->telemetry.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->telemetry.metrics.listen.count, 0);
    assert_int_equal(config->shutdown.drain_timeout, UINT64_C(10000000000));
}

static void check_default_store(const struct config *config)
{
    assert_int_equal(config->exporter_count, 1);
    assert_string_equal(config->exporters[0].name, "file/forensic");
    assert_ptr_equal(config->exporters[0].ops, &demo_file_exporter);
    const struct demo_file_config *store = config->exporters[0].config;
    assert_string_equal(store->dir, "/state/test/store");
    assert_int_equal(config->exporters[0].delivery.batch.max_size, 1 << 20);
    assert_int_equal(config->exporters[0].delivery.timeout, UINT64_C(10000000000));
    assert_int_equal(config->exporters[0].delivery.retry.max, UINT64_C(30000000000));
}

static void test_requests_in_flight(void **state)
{
    (void)state;
    const struct config *config =
        must_load("exporters:\n"
                  "  demo/a: { endpoint: x }\n"
                  "  demo/b: { endpoint: x, requests_in_flight_max: 64 }\n"
                  "  file/a: { dir: /a }\n"
                  "  file/b: { dir: /b, requests_in_flight_max: 1 }\n"
                  "  queue/a: { dir: /a }\n"
                  "  queue/b: { dir: /a, requests_in_flight_max: 3 }\n");
    assert_int_equal(config->exporters[4].delivery.requests_in_flight_max, 1);
    assert_int_equal(config->exporters[5].delivery.requests_in_flight_max, 3);
    assert_int_equal(config->exporters[0].delivery.requests_in_flight_max, 4);
    assert_int_equal(config->exporters[1].delivery.requests_in_flight_max, 64);
    assert_int_equal(config->exporters[2].delivery.requests_in_flight_max, 1);
    assert_int_equal(config->exporters[3].delivery.requests_in_flight_max, 1);
    config_destroy(config);
    must_fail("exporters:\n"
              "  demo: { endpoint: x, requests_in_flight_max: 65 }\n",
              "test.yaml:2:48: exporters.demo.requests_in_flight_max: ");
    must_fail(
        "exporters:\n"
        "  file/b:\n"
        "    dir: /b\n"
        "    requests_in_flight_max: 2\n",
        "test.yaml:4:29: exporters.file/b: requests_in_flight_max must be 1 or absent: 'file' "
        "takes events in order");
}

static void test_a_filter_has_words_of_the_model(void **state)
{
    (void)state;
    const struct config *config =
        must_load("exporters:\n  file/a: { filter: { kinds: [agent.tool, agent.file], "
                  "exclude_kinds: [agent.pipeline], outcomes: [denied], min_severity: warn } }\n"
                  "  file/b: {}\n");
    const struct config_filter *filter = &config->exporters[0].delivery.filter;

    assert_int_equal(filter->kinds.count, 2);
    assert_string_equal(filter->kinds.items[1], "agent.file");
    assert_string_equal(filter->exclude_kinds.items[0], "agent.pipeline");
    assert_string_equal(filter->outcomes.items[0], "denied");
    assert_int_equal(config_filter_severity(filter), 13);
    assert_int_equal(config->exporters[1].delivery.filter.kinds.count, 0);
    assert_int_equal(config_filter_severity(&config->exporters[1].delivery.filter), 1);
    config_destroy(config);
    must_fail("exporters:\n  file/a: { filter: { kinds: [agent.tool, agent.fiel] } }\n",
              "test.yaml:2:43: exporters.file/a: filter.kinds: 'agent.fiel' is no kind of events; "
              "did you mean 'agent.file'?");
    must_fail("exporters:\n  file/a: { filter: { exclude_kinds: [tool] } }\n",
              "filter.exclude_kinds: 'tool' is no kind of events");
    must_fail("exporters:\n  file/a: { filter: { outcomes: [sucess] } }\n",
              "'sucess' is no outcome; did you mean 'success'?");
    must_fail("exporters:\n  file/a: { filter: { min_severity: warning } }\n",
              "unknown value 'warning'; did you mean 'warn'?");
    must_fail("exporters:\n  file/a: { filter: { kind: [agent.tool] } }\n",
              "unknown option 'kind'; did you mean 'kinds'?");
}

static void test_no_file_is_a_whole_configuration(void **state)
{
    const struct config_source source = {
        .dirs = &test_dirs,
        .exporters = demo_exporters,
        .exporter_count = DEMO_EXPORTER_COUNT,
    };
    const struct config *config;
    struct error err;
    struct buf report;

    (void)state;
    buf_init(&report, REPORT_SIZE_MAX);
    assert_int_equal(config_load(&source, &config, &report, &err), ST_OK);
    check_defaults(config);
    check_default_store(config);
    config_destroy(config);
}

static void test_empty_files_and_empty_sections_are_defaults(void **state)
{
    static const char *const texts[] = {
        "", "# nothing\n", "---\n...\n", "~", "{}", "receivers:\n  unix:\njournal: ~\nexporters:\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct config *config = must_load(texts[i]);
        check_defaults(config);
        check_default_store(config);
        config_destroy(config);
    }
}

static void test_values_of_the_file_arrive(void **state)
{
    static const char text[] = "receivers:\n"
                               "  unix: { enabled: false, mode: 600, group: agents }\n"
                               "  otlp_http:\n"
                               "    listen: [ '[::1]:4318', \"unix:/run/o.sock\" ]\n"
                               "exporters:\n"
                               "  demo/soc:\n"
                               "    endpoint: host:1\n"
                               "    compression: gzip\n"
                               "    headers: { x-a: '1', \"x b\": two }\n"
                               "    tls: { ca: /ca.pem }\n"
                               "    level: 3\n"
                               "    batch: { max_count: 7 }\n"
                               "    timeout: 3s\n"
                               "  demo: { endpoint: b }\n"
                               "telemetry: { log_level: warn }\n";
    const struct config *config = must_load(text);

    (void)state;
    assert_false(config->receivers.unix_socket.enabled);
    assert_int_equal(config->receivers.unix_socket.mode, 0600);
    assert_string_equal(config->receivers.unix_socket.group, "agents");
    assert_int_equal(config->receivers.otlp_http.listen.count, 2);
    assert_string_equal(config->receivers.otlp_http.listen.items[1], "unix:/run/o.sock");
    assert_int_equal(config->telemetry.log_level, LOG_LEVEL_WARN);
    assert_int_equal(config->exporter_count, 2);
    assert_string_equal(config->exporters[0].name, "demo/soc");
    assert_string_equal(config->exporters[1].name, "demo");
    const struct demo_config *demo = config->exporters[0].config;
    assert_string_equal(demo->endpoint, "host:1");
    assert_int_equal(demo->compression, 1);
    assert_int_equal(demo->headers.count, 2);
    assert_string_equal(demo->headers.pairs[1].key, "x b");
    assert_string_equal(demo->headers.pairs[1].value, "two");
    assert_string_equal(demo->tls.ca, "/ca.pem");
    assert_true(demo->tls.verify);
    assert_int_equal(demo->level, 3);
    assert_int_equal(config->exporters[0].delivery.batch.max_count, 7);
    assert_int_equal(config->exporters[0].delivery.batch.max_size, 1 << 20);
    assert_int_equal(config->exporters[0].delivery.timeout, UINT64_C(3000000000));
    config_destroy(config);
}

static void test_exporters_of_the_file_replace_the_default_store(void **state)
{
    const struct config *config = must_load("exporters: {}");

    (void)state;
    assert_int_equal(config->exporter_count, 0);
    config_destroy(config);
}

static void test_every_mistake_is_reported_with_its_place(void **state)
{
    static const char path[] = TEST_CORPUS_DIR "/config/mistakes.yaml";
    struct slice text = golden_read(path);
    const struct config *config = NULL;
    struct buf report;

    (void)state;
    (void)unsetenv("TELLTALE_TEST_NOT_SET");
    assert_int_equal(load((const char *)text.data, text.size, &config, &report), ST_INVALID);
    golden_check(TEST_CORPUS_DIR "/config/mistakes.txt", buf_slice(&report));
    buf_fini(&report);
    free((void *)text.data);
}

static void test_syntax_errors_have_a_place_and_do_not_hide_the_rest(void **state)
{
    (void)state;
    must_fail("limits: { depth: 3 }\njournal: [\n", "test.yaml:1:18: limits.depth: 3 is below");
    must_fail("limits: { depth: 3 }\njournal: [\n", "test.yaml:3:1: ");
    must_fail("a: b: c\n", "test.yaml:1:");
    must_fail("journal:\n\tdir: /x\n", "test.yaml:2:1: ");
    must_fail("[]", "test.yaml:1:1: needs a map of options, but this is a list");
    must_fail("just text", "test.yaml:1:1: needs a map of options, but this is a single value");
    must_fail("{}\n---\n{}\n", "test.yaml:2:1: a second document begins here");
}

static void test_what_is_not_text_is_not_parsed(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } bad[] = {
        {"a: \xff", "test.yaml:1:4: this is not a text file: not UTF-8"},
        {"a: \xc3", "1:4: this is not a text file: not UTF-8"},
        {"a: \xc0\xaf", "not UTF-8"},
        {"a: \xe0\x80\xaf", "not UTF-8"},
        {"a: \xed\xa0\x80", "not UTF-8"},
        {"a: \xf4\x90\x80\x80", "not UTF-8"},
        {"a: \x80", "not UTF-8"},
        {"\xff\xfe{\x01}", "not UTF-8"},
        {"# \x1b[31m", "test.yaml:1:3: this is not a text file: a control character"},
        {"# \xc2\x9b", "a control character"},
        {"# \x7f", "a control character"},
        {"%YAML 1.2\n---\n{}", "test.yaml:1:1: directives are not supported"},
        {"{}\n%YAML,", "test.yaml:2:1: directives are not supported"},
        {"\xef\xbb\xbf%YAML 1.2\n---\n", "directives are not supported"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        must_fail(bad[i].text, bad[i].expected);
    config_destroy(
        must_load("\xef\xbb\xbf# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 100%\r\n{}\r\n"));
}

static void test_what_is_required_is_asked_for_where_it_belongs(void **state)
{
    (void)state;
    must_fail("exporters:\n  demo/x: {}\n",
              "test.yaml:2:3: exporters.demo/x: the option 'endpoint' is required");
    must_fail("exporters:\n  demo/x:\n",
              "test.yaml:2:3: exporters.demo/x: the option 'endpoint' is required");
}

static void test_texts_can_stand_elsewhere(void **state)
{
    struct temp_dir dir;
    char text[1024];
    char path[256];

    (void)state;
    temp_dir_make(&dir);
    snprintf(path, sizeof(path), "%s/token", dir.path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("s3cret: ${env:HOME}\n\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("TELLTALE_TEST_ENDPOINT", "from: [env", 1), 0);
    snprintf(
        text, sizeof(text),
        "exporters: { demo: { endpoint: '${env:TELLTALE_TEST_ENDPOINT}', token: \"${file:%s}\","
        " headers: { a: '${env:TELLTALE_TEST_ENDPOINT}' } } }\n"
        "journal: { dir: '${run_dir}/j' }\n",
        path);
    const struct config *config = must_load(text);
    const struct demo_config *demo = config->exporters[0].config;
    assert_string_equal(demo->endpoint, "from: [env");
    assert_string_equal(demo->token, "s3cret: ${env:HOME}\n");
    assert_string_equal(demo->headers.pairs[0].value, "from: [env");
    assert_string_equal(config->journal.dir, "/run/test/j");
    config_destroy(config);
    temp_dir_remove(&dir);
}

static void test_references_that_lead_nowhere_are_mistakes(void **state)
{
    static const struct {
        const char *value;
        const char *expected;
    } bad[] = {
        {"${env:TELLTALE_TEST_NOT_SET}", "'TELLTALE_TEST_NOT_SET' is not set"},
        {"${file:/nonexistent/x}", "open '/nonexistent/x': No such file or directory"},
        {"${file:x}", "the path 'x' is not absolute"},
        {"${file:/dev/null}", "'/dev/null' is not a regular file"},
        {"${file:/}", "'/' is not a regular file"},
        {"${env:HOME}x", "text behind a reference"},
        {"${vault:x}", "unknown reference '${vault:x}'"},
        {"${env:HOME", "the reference has no end"},
        {"${}", "unknown reference"},
    };
    char text[256];

    (void)state;
    (void)unsetenv("TELLTALE_TEST_NOT_SET");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof(text), "receivers: { unix: { owner: '%s' } }", bad[i].value);
        must_fail(text, bad[i].expected);
    }
}

static void test_secrets_are_neither_quoted_nor_printed(void **state)
{
    const struct config *config = NULL;
    struct buf report;
    struct error err;

    (void)state;
    static const char wrong[] = "exporters:\n  demo:\n    endpoint: e\n    token: [ hunter2 ]\n";
    assert_int_equal(load(wrong, strlen(wrong), &config, &report), ST_INVALID);
    assert_non_null(memmem(report.data, report.size, "test.yaml:4:12: ", 16));
    assert_null(memmem(report.data, report.size, "hunter2", 7));
    buf_fini(&report);

    config = must_load("exporters:\n  demo:\n    endpoint: e\n    token: hunter2\n");
    struct buf out;
    buf_init(&out, REPORT_SIZE_MAX);
    assert_int_equal(config_print(config, &out, &err), ST_OK);
    assert_null(memmem(out.data, out.size, "hunter2", 7));
    assert_non_null(memmem(out.data, out.size, "token: \"(secret)\"", 17));
    buf_fini(&out);
    config_destroy(config);
}

static void test_what_is_printed_loads_as_the_same(void **state)
{
    const struct config *config = must_load(
        "receivers: { unix: { enabled: false, group: \"a\\\"b\\\\c\\u00e9\\n\" } }\n"
        "journal: { max_delay: 1500us, disk_reserve: 1000001 }\n"
        "telemetry: { metrics: { listen: [ '127.0.0.1:9464' ] } }\n"
        "exporters: { demo/x: { endpoint: '  spaced ', headers: { 'k: ': '#v' }, level: 9,"
        " compression: zstd, tls: { ca: /c, verify: false } }, demo/y: { endpoint: e },"
        " file: { dir: /x } }\n");
    struct buf first;
    struct buf second;
    struct error err;

    (void)state;
    buf_init(&first, REPORT_SIZE_MAX);
    buf_init(&second, REPORT_SIZE_MAX);
    assert_int_equal(config_print(config, &first, &err), ST_OK);
    config_destroy(config);
    assert_int_equal(buf_append(&first, "", 1, &err), ST_OK);
    config = must_load((const char *)first.data);
    assert_string_equal(config->receivers.unix_socket.group, "a\"b\\c\xc3\xa9\n");
    assert_int_equal(config->journal.max_delay, 1500000);
    assert_int_equal(config->journal.disk_reserve, 1000001);
    assert_int_equal(config_print(config, &second, &err), ST_OK);
    assert_int_equal(second.size, first.size - 1);
    assert_memory_equal(second.data, first.data, second.size);
    buf_fini(&first);
    buf_fini(&second);
    config_destroy(config);
}

static void test_rules_between_options_are_shown_where_the_file_breaks_them(void **state)
{
    (void)state;
    must_fail("journal: { max_size: 64MiB }\n", "test.yaml:1:22: journal.segment_size: two");
    must_fail("limits: { in_flight: 32MiB }\n",
              "test.yaml:1:22: receivers.otlp_http.max_request_size: a request must fit");
    must_fail("receivers: { otlp_grpc: { tls: { cert_file: /x } } }\n",
              "test.yaml:1:45: receivers.otlp_grpc.tls.cert_file: cert_file and key_file go");
    must_fail("receivers: { otlp_grpc: { tls: { client_ca_file: /x } } }\n",
              "client_ca_file needs cert_file");
    must_fail("receivers: { otlp_grpc: { listen: [ '0.0.0.0:4317' ] } }\n",
              "receivers.otlp_grpc.listen: '0.0.0.0:4317' can be reached");
    must_fail("receivers: { unix: { path: '${run_dir}/control.sock' } }\n",
              "test.yaml:1:28: receivers.unix.path: this is the control socket");
    must_fail("receivers: { unix: { connections_max: 5 } }\n", "test.yaml:1:39: ");
    must_fail("telemetry: { metrics: { listen: [ '0.0.0.0:9464' ] } }\n",
              "test.yaml:1:35: telemetry.metrics.listen: '0.0.0.0:9464' can be reached");
    config_destroy(must_load("telemetry: { metrics: { listen: [ '0.0.0.0:9464' ],"
                             " allow_remote_plaintext: true } }\n"));
}

static void test_trusted_upstreams_must_be_told_from_others(void **state)
{
    static const char tls[] = "tls: { cert_file: /c, key_file: /k, client_ca_file: /a }";
    char text[512];

    (void)state;
    must_fail("receivers: { otlp_grpc: { trusted_upstreams: { addresses: [ '127.0.0.1:1' ] } } }\n",
              "test.yaml:1:61: receivers.otlp_grpc.trusted_upstreams.addresses: '127.0.0.1:1' does "
              "not stand in listen");
    must_fail("receivers: { otlp_http: { listen: [ '0.0.0.0:1' ], allow_remote_plaintext: true,"
              " trusted_upstreams: { addresses: [ '0.0.0.0:1' ] } } }\n",
              "'0.0.0.0:1' can be reached from other machines, and no certificate");
    must_fail("receivers: { otlp_grpc: { listen: [ '0.0.0.0:1' ], tls: { cert_file: /c, key_file: "
              "/k }, trusted_upstreams: { addresses: [ '0.0.0.0:1' ] } } }\n",
              "no certificate is asked of senders");
    must_fail("receivers: { otlp_grpc: { listen: [ '127.0.0.1:1' ], tls: { cert_file: /c, key_file:"
              " /k }, trusted_upstreams: { addresses: [ '127.0.0.1:1' ], users: [ root ] } } }\n",
              "'127.0.0.1:1' does not tell the user of a sender");
    must_fail("receivers: { otlp_http: { trusted_upstreams: { users: [ a, b, c, d, e, f, g, h, i,"
              " j, k, l, m, n, o, p, q ] } } }\n",
              "receivers.otlp_http.trusted_upstreams.addresses: more than 16 users");
    snprintf(text, sizeof(text),
             "receivers: { otlp_grpc: { listen: [ '0.0.0.0:1', 'unix:/s' ], %s,"
             " trusted_upstreams: { addresses: [ '0.0.0.0:1', 'unix:/s' ], users: [ '7' ] } } }\n",
             tls);
    const struct config *config = must_load(text);
    assert_int_equal(config->receivers.otlp_grpc.trusted_upstreams.addresses.count, 2);
    assert_string_equal(config->receivers.otlp_grpc.trusted_upstreams.users.items[0], "7");
    assert_int_equal(config->receivers.otlp_http.trusted_upstreams.addresses.count, 0);
    config_destroy(config);
    config_destroy(must_load("receivers: { otlp_http: { listen: [ '0.0.0.0:1' ],"
                             " allow_remote_plaintext: true, trusted_upstreams: { addresses: ["
                             " '0.0.0.0:1' ], allow_unauthenticated: true } } }\n"));
}

static void test_numbers_stay_within_their_bounds(void **state)
{
    (void)state;
    must_fail("exporters: { demo: { endpoint: e, level: 0 } }", "0 is below the minimum of 1");
    must_fail("exporters: { demo: { endpoint: e, level: 10 } }", "10 is above the maximum of 9");
    must_fail("exporters: { demo: { endpoint: e, age: 999ms } }",
              "exporters.demo.age: 999ms is below the minimum of 1s");
    must_fail("limits: { key_size: 64MiB }", "64MiB is above the maximum of 64KiB");
    const struct config *config =
        must_load("exporters: { demo: { endpoint: e, level: 9, age: 100000d } }");
    const struct demo_config *demo = config->exporters[0].config;
    assert_int_equal(demo->level, 9);
    assert_int_equal(demo->age, UINT64_C(100000) * 86400 * 1000000000);
    config_destroy(config);
}

static void test_a_run_directory_too_deep_for_a_socket_is_a_mistake(void **state)
{
    struct config_dirs dirs = test_dirs;
    const struct config_source source = {.dirs = &dirs};
    const struct config *config;
    struct error err;
    struct buf report;

    (void)state;
    memset(dirs.run_dir, 'x', 120);
    dirs.run_dir[0] = '/';
    dirs.run_dir[120] = 0;
    buf_init(&report, REPORT_SIZE_MAX);
    assert_int_equal(config_load(&source, &config, &report, &err), ST_INVALID);
    assert_string_equal(err.text, "(defaults): 4 errors");
    buf_fini(&report);
}

static void test_files_that_cannot_be_read_are_not_configurations(void **state)
{
    struct config_source source = {.path = "/nonexistent/telltale.yaml", .dirs = &test_dirs};
    const struct config *config;
    struct error err;
    struct buf report;

    (void)state;
    buf_init(&report, REPORT_SIZE_MAX);
    assert_int_equal(config_load(&source, &config, &report, &err), ST_IO);
    assert_non_null(strstr(err.text, "No such file"));
    source.path = "/";
    assert_int_equal(config_load(&source, &config, &report, &err), ST_IO);
    assert_int_equal(report.size, 0);
}

/* Nine lines that would stand for a billion values. */
static void test_aliases_are_never_followed(void **state)
{
    (void)state;
    must_fail("a: &a [ x, x, x, x, x, x, x, x, x, x ]\n"
              "b: &b [ *a, *a, *a, *a, *a, *a, *a, *a, *a, *a ]\n"
              "c: &c [ *b, *b, *b, *b, *b, *b, *b, *b, *b, *b ]\n"
              "d: &d [ *c, *c, *c, *c, *c, *c, *c, *c, *c, *c ]\n",
              "test.yaml:2:9: anchors and aliases are not supported");
    must_fail("a:\n  - ? x:\t:\n", "test.yaml:2:5: keys behind '?' are not supported");
    must_fail("a:\t: ? x:\t:\n", "test.yaml:1:6: keys behind '?' are not supported");
    must_fail("? x:\t:", "write 'key: value'");
    must_fail("x: &a\n  <<: *a\n", "anchors and aliases are not supported");
}

static char *repeat(const char *unit, size_t count)
{
    size_t size = strlen(unit);
    char *text = malloc(size * count + 1);

    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, unit, size);
    text[size * count] = 0;
    return text;
}

static void test_hostile_sizes_are_bounded(void **state)
{
    static const struct {
        const char *unit;
        size_t count;
        const char *expected;
    } cases[] = {
        {"[", 100000, "nested too deeply"},
        {"{a: ", 100000, "nested too deeply"},
        {"- ", 100000, "nested too deeply"},
        {"- a\n", 100000, "the file has too many values"},
        {"? a\n", 200000, "keys behind '?' are not supported"},
        {"#", CONFIG_FILE_SIZE_MAX + 1, "the file is larger than 1048576 bytes"},
        {"a", 200000, "needs a map of options"},
    };
    char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        text = repeat(cases[i].unit, cases[i].count);
        must_fail(text, cases[i].expected);
        free(text);
    }
    must_fail_sized("a: \0b\n", 6, "test.yaml:1:4: this is not a text file: a control");
}

static void test_a_map_with_too_many_keys_ends_the_reading(void **state)
{
    char *text = malloc(20 * 1000);
    size_t size = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 1000; i++)
        size += (size_t)sprintf(text + size, "key%d: 1\n", i);
    must_fail(text, "the map has too many keys");
    must_fail(text, "and 401 more");
    free(text);
}

static void test_long_lines_and_control_characters_do_not_reach_the_terminal(void **state)
{
    char *text = repeat("{ \x1b[31m\x07: 1, ", 1);
    const struct config *config = NULL;
    struct buf report;

    (void)state;
    assert_int_equal(load(text, strlen(text), &config, &report), ST_INVALID);
    assert_null(memchr(report.data, 0x1b, report.size));
    assert_null(memchr(report.data, 0x07, report.size));
    buf_fini(&report);
    free(text);

    text = repeat("\"\\e[31m\": \"\\e\"\n", 1); /* escaped in the file, alive in the key */
    assert_int_equal(load(text, strlen(text), &config, &report), ST_INVALID);
    assert_null(memchr(report.data, 0x1b, report.size));
    buf_fini(&report);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_filter_has_words_of_the_model),
        cmocka_unit_test(test_no_file_is_a_whole_configuration),
        cmocka_unit_test(test_requests_in_flight),
        cmocka_unit_test(test_empty_files_and_empty_sections_are_defaults),
        cmocka_unit_test(test_values_of_the_file_arrive),
        cmocka_unit_test(test_exporters_of_the_file_replace_the_default_store),
        cmocka_unit_test(test_every_mistake_is_reported_with_its_place),
        cmocka_unit_test(test_syntax_errors_have_a_place_and_do_not_hide_the_rest),
        cmocka_unit_test(test_what_is_not_text_is_not_parsed),
        cmocka_unit_test(test_what_is_required_is_asked_for_where_it_belongs),
        cmocka_unit_test(test_texts_can_stand_elsewhere),
        cmocka_unit_test(test_references_that_lead_nowhere_are_mistakes),
        cmocka_unit_test(test_secrets_are_neither_quoted_nor_printed),
        cmocka_unit_test(test_what_is_printed_loads_as_the_same),
        cmocka_unit_test(test_rules_between_options_are_shown_where_the_file_breaks_them),
        cmocka_unit_test(test_trusted_upstreams_must_be_told_from_others),
        cmocka_unit_test(test_numbers_stay_within_their_bounds),
        cmocka_unit_test(test_a_run_directory_too_deep_for_a_socket_is_a_mistake),
        cmocka_unit_test(test_files_that_cannot_be_read_are_not_configurations),
        cmocka_unit_test(test_aliases_are_never_followed),
        cmocka_unit_test(test_hostile_sizes_are_bounded),
        cmocka_unit_test(test_a_map_with_too_many_keys_ends_the_reading),
        cmocka_unit_test(test_long_lines_and_control_characters_do_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
