/* SPDX-License-Identifier: Apache-2.0 */
/* intake_memory_test.c -- what reads, converts and normalizes, and the configuration, with each
 * allocation failing in turn: an error that says so, nothing leaked, and afterwards all is as
 * before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/config.h"
#include "deliver/exporter_list.h"
#include "receivers/native_intake.h"
#include "receivers/otlp_intake.h"
#include "support/failing_alloc.h"
#include "support/made_record.h"
#include "support/recorded.h"
#include "telltale/encode.h"
#include "wire/compress.h"
#include "wire/otlp_json.h"

enum { BATCH_SIZE = 64 << 20, OUTPUT_MAX = 64 << 20 };

static const uint64_t now_unix_ns = UINT64_C(1795209900000000000);

static void assert_no_memory(enum status st, const char *what, unsigned at)
{
    if (st != ST_NO_MEMORY)
        fail_msg("%s, allocation %u: status %d", what, at, (int)st);
}

/* --- OTLP ----------------------------------------------------------------------------------- */

struct otlp_bench {
    struct buf request;
    size_t record_count; /* that the request holds */
};

static enum status take_request(struct otlp_intake *intake, const struct otlp_bench *bench,
                                size_t *ret_count, struct error *err)
{
    const struct otlp_intake_input input = {.request = buf_slice(&bench->request),
                                            .transport = TRANSPORT_OTLP_HTTP_PROTOBUF,
                                            .now_unix_ns = now_unix_ns};
    struct otlp_intake_result result;
    struct append_batch *batch;

    enum status st = append_batch_create(BATCH_SIZE, &batch, err);
    if (st != ST_OK)
        return st;
    st = otlp_intake_add(intake, &input, batch, &result, err);
    if (st == ST_OK)
        *ret_count = append_batch_count(batch) - result.notes; /* it is the same request again */
    append_batch_destroy(batch);
    return st;
}

static bool run_otlp(void *context, unsigned at, unsigned length)
{
    const struct otlp_bench *bench = context;
    struct otlp_intake *intake = NULL;
    struct error err;
    size_t count = 0;

    failing_alloc_begin(at, length);
    enum status st = otlp_intake_create(&otlp_limits_default, &intake, &err);
    if (st == ST_OK)
        st = take_request(intake, bench, &count, &err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "OTLP", at);
    else
        assert_int_equal(count, bench->record_count); /* none is refused for want of memory */
    if (intake != NULL) {                             /* the next request is taken */
        assert_int_equal(take_request(intake, bench, &count, &err), ST_OK);
        assert_int_equal(count, bench->record_count);
    }
    otlp_intake_destroy(intake);
    return has_failed;
}

static void test_a_request_that_finds_no_memory_is_refused_and_the_next_is_taken(void **state)
{
    (void)state;
    struct otlp_bench bench;
    struct otlp_intake *intake;
    struct error err;

    buf_init(&bench.request, OUTPUT_MAX);
    recorded_read("codex-0.169.0/http-protobuf/exfil/logs/001.bin", &bench.request);
    assert_int_equal(otlp_intake_create(&otlp_limits_default, &intake, &err), ST_OK);
    assert_int_equal(take_request(intake, &bench, &bench.record_count, &err), ST_OK);
    assert_true(bench.record_count > 0);
    otlp_intake_destroy(intake);
    failing_alloc_try("OTLP request, normalized", run_otlp, &bench, 10);
    buf_fini(&bench.request);
}

/* --- Native events ---------------------------------------------------------------------------- */

static const char *const lines[] = {
    "{\"kind\":\"agent.tool\",\"session.id\":\"s-1\",\"gen_ai.tool.name\":\"bash\"}",
    "{\"kind\":\"agent.prompt\",\"session.id\":\"s-1\",\"prompt\":\"caf\\u00e9 \\\"x\\\"\","
    "\"resource\":{\"service.name\":\"demo\"},\"list\":[1,2.5,{\"a\":[true,null]}]}",
};

static size_t take_lines(struct native_intake *intake, struct append_batch *batch,
                         enum status *ret_st)
{
    struct error err;

    native_intake_use_batch(intake, batch);
    *ret_st = ST_OK;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        size_t before = append_batch_count(batch);
        enum status st =
            native_intake_add(intake, slice_of_text(lines[i]), made_peer(), now_unix_ns, &err);
        assert_int_equal(append_batch_count(batch), before + (st == ST_OK));
        *ret_st = st != ST_OK ? st : *ret_st;
    }
    return append_batch_count(batch);
}

static bool run_native(void *context, unsigned at, unsigned length)
{
    struct native_intake *intake = NULL;
    struct append_batch *batch = NULL;
    struct error err;

    (void)context;
    failing_alloc_begin(at, length);
    enum status st = native_intake_create(&otlp_limits_default, &intake, &err);
    if (st == ST_OK)
        st = append_batch_create(BATCH_SIZE, &batch, &err);
    if (st == ST_OK)
        (void)take_lines(intake, batch, &st);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "native", at);
    if (batch != NULL) {
        append_batch_reset(batch);
        assert_int_equal(take_lines(intake, batch, &st), COUNT_OF(lines));
    }
    append_batch_destroy(batch);
    native_intake_destroy(intake);
    return has_failed;
}

static void test_a_line_that_finds_no_memory_leaves_the_batch_as_it_was(void **state)
{
    (void)state;
    (void)made_peer(); /* is made once */
    failing_alloc_try("native lines, normalized", run_native, NULL, 10);
}

/* --- Conversions ------------------------------------------------------------------------------ */

static const char json_request[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"demo\"}}]},\"scopeLogs\":[{\"scope\":{\"name\":\"x\"},\"logRecords\":["
    "{\"timeUnixNano\":\"1795209900000000000\",\"body\":{\"stringValue\":\"hello\"},"
    "\"attributes\":[{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"5\"},"
    "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"bytesValue\":\"aGk=\"}}]}}]}}}]}]"
    "}]}]}";

/* gzip of "hello, hello, hello\n" */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa2,
                                 0xb8, 0x00, 0xe7, 0x42, 0x6e, 0x52, 0x14, 0x00, 0x00, 0x00};

static bool run_json(void *context, unsigned at, unsigned length)
{
    struct buf out;
    struct error err;

    (void)context;
    buf_init(&out, OUTPUT_MAX);
    failing_alloc_begin(at, length);
    enum status st =
        otlp_json_read_request(SLICE(json_request), SIGNAL_LOGS, &otlp_limits_default, &out, &err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "JSON", at);
    buf_fini(&out);
    return has_failed;
}

static bool run_lines(void *context, unsigned at, unsigned length)
{
    const struct record_group group = {.scope_logs_fields = SLICE("\x0a\x03\x0a\x01s")};
    const struct record record = {.sequence = 1, .bytes = SLICE("\x2a\x07\x0a\x05hello")};
    const struct batch batch = {
        .records = &record, .record_count = 1, .groups = &group, .group_count = 1};
    struct buf out;
    struct error err;

    (void)context;
    buf_init(&out, OUTPUT_MAX);
    failing_alloc_begin(at, length);
    enum status st = encode_otlp_json_line(&group, record.bytes, SLICE_EMPTY, &out, &err);
    if (st == ST_OK)
        st = encode_otlp_request(&batch, &out, &err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK)
        assert_no_memory(st, "lines", at);
    buf_fini(&out);
    return has_failed;
}

static bool run_inflate(void *context, unsigned at, unsigned length)
{
    struct buf out;
    struct error err;

    (void)context;
    buf_init(&out, OUTPUT_MAX);
    failing_alloc_begin(at, length);
    enum status st = content_decode(ENCODING_GZIP, slice_of(packed, sizeof(packed)), &out, &err);
    bool has_failed = failing_alloc_end();
    if (st == ST_INVALID)
        fail_msg("%s", err.text);
    if (st != ST_OK)
        assert_no_memory(st, "gzip", at);
    buf_fini(&out);
    return has_failed;
}

static void test_a_conversion_that_finds_no_memory_says_so(void **state)
{
    (void)state;
    failing_alloc_try("OTLP JSON to protobuf", run_json, NULL, 1);
    failing_alloc_try("protobuf to lines and requests", run_lines, NULL, 2);
    failing_alloc_try("inflating", run_inflate, NULL, 1);
}

/* --- Configuration ---------------------------------------------------------------------------- */

static const char good_config[] = "receivers:\n"
                                  "  unix:\n"
                                  "    path: /run/test/events.sock\n"
                                  "exporters:\n"
                                  "  file/a:\n"
                                  "    rotate:\n"
                                  "      size: 1MiB\n"
                                  "  'null':\n";
static const char bad_config[] = "receivers:\n"
                                 "  unixx:\n"
                                 "exporters:\n"
                                 "  file:\n"
                                 "    rotate:\n"
                                 "      size: 1 parsec\n";

static bool run_config(void *context, unsigned at, unsigned length)
{
    static const struct config_dirs dirs = {.run_dir = "/run/test", .state_dir = "/state/test"};
    const char *text = context;
    size_t exporter_count;
    const struct exporter_ops *const *exporters = exporter_list(&exporter_count);
    const struct config_source source = {.path = "test.yaml",
                                         .text = slice_of_text(text),
                                         .dirs = &dirs,
                                         .exporters = exporters,
                                         .exporter_count = exporter_count};
    const struct config *config = NULL;
    struct error err;
    struct buf report;

    buf_init(&report, OUTPUT_MAX);
    failing_alloc_begin(at, length);
    enum status st = config_load(&source, &config, &report, &err);
    bool has_failed = failing_alloc_end();
    enum status expected = text == bad_config ? ST_INVALID : ST_OK;
    if (st != expected)
        assert_no_memory(st, text, at);
    assert_true((st == ST_OK) == (config != NULL));
    config_destroy(config);
    buf_fini(&report);
    return has_failed;
}

static void test_a_configuration_that_finds_no_memory_is_not_half_loaded(void **state)
{
    (void)state;
    failing_alloc_try("configuration", run_config, (void *)good_config, 3);
    failing_alloc_try("configuration with mistakes", run_config, (void *)bad_config, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_that_finds_no_memory_is_refused_and_the_next_is_taken),
        cmocka_unit_test(test_a_line_that_finds_no_memory_leaves_the_batch_as_it_was),
        cmocka_unit_test(test_a_conversion_that_finds_no_memory_says_so),
        cmocka_unit_test(test_a_configuration_that_finds_no_memory_is_not_half_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
