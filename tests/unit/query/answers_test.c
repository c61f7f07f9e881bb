/* SPDX-License-Identifier: Apache-2.0 */
/* answers_test.c -- what `around`, `report` and every format say of the recorded sessions, as
 * golden texts; and records that go through a store and a query unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "query/around.h"
#include "query/output_format.h"
#include "query/report_output.h"
#include "support/collected.h"
#include "support/golden.h"
#include "support/random_otlp.h"
#include "support/recorded_session.h"
#include "support/seen_record.h"
#include "telltale/encode.h"

enum { OUT_MAX = 64 << 20, COLUMNS = 110 };

static struct error err;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, OUT_MAX);
    return setenv("TZ", "UTC", 1);
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static void check_golden(const char *name)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/../unit/query/golden/%s", TEST_CORPUS_DIR, name);
    golden_check(path, buf_slice(&out));
}

/* --- Formats ------------------------------------------------------------------------------- */

static void write_record(void *context, const struct record_group *group,
                         const struct normalized *record)
{
    const struct store_record_view view = {
        .group = group, .bytes = buf_slice(&record->bytes), .record = &record->whole};

    assert_int_equal(output_record(context, &view, &out, &err), ST_OK);
}

static void write_all(const char *format, const char *fields)
{
    const struct output_options options = {.format = format, .fields = fields, .columns = COLUMNS};
    struct output *output = NULL;

    assert_int_equal(output_create(&options, &output, &err), ST_OK);
    assert_int_equal(output_head(output, &out, &err), ST_OK);
    const struct recorded_session_reader reader = {.on_record = write_record, .context = output};
    recorded_session_read("exfil", 1, &reader);
    output_destroy(output);
}

static void test_csv_of_a_session(void **state)
{
    (void)state;
    write_all("csv", NULL);
    check_golden("exfil.csv");
}

static void test_timesketch_of_a_session(void **state)
{
    (void)state;
    write_all("timesketch", NULL);
    /* What stands behind is the flat record, with ids that are new each time. */
    struct slice left = buf_slice(&out);
    struct buf heads;
    buf_init(&heads, OUT_MAX);
    while (left.size > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        assert_non_null(end);
        const uint8_t *flat = memmem(left.data, left.size, ",\"time\":", 8);
        assert_true(flat != NULL && flat < end);
        assert_int_equal(buf_append(&heads, left.data, (size_t)(flat - left.data), &err), ST_OK);
        assert_int_equal(buf_append(&heads, "\n", 1, &err), ST_OK);
        left = slice_from(left, (size_t)(end - left.data) + 1);
    }
    buf_fini(&out);
    out = heads;
    check_golden("exfil-timesketch.txt");
}

static void test_fields_of_a_session(void **state)
{
    static const char fields[] = "time,agent.event.kind,agent.outcome,process.command_line,summary";

    (void)state;
    write_all("table", fields);
    write_all("json", fields);
    check_golden("exfil-fields.txt");
}

static void test_every_shape_is_a_format(void **state)
{
    static const char *const formats[] = {"table",      "json", "ndjson", "otlp-json", "csv",
                                          "timesketch", "otel", "ecs",    "cim",       "ocsf"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        buf_clear(&out);
        write_all(formats[i], NULL);
        assert_true(out.size > 1000);
    }
    const struct output_options unknown = {.format = "parquet"};
    struct output *output = NULL;
    assert_int_equal(output_create(&unknown, &output, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "ecs"));
}

/* --- around, report ------------------------------------------------------------------------ */

static void add_to_around(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    const struct field_record seen = {.group = group, .view = &record->whole};

    assert_int_equal(around_add(context, &seen, buf_slice(&record->bytes), &err), ST_OK);
}

static void test_around_an_alert(void **state)
{
    /* 2026-11-20T21:23:28.6Z, in the middle of the session. */
    const struct around_question question = {.time_unix_ns = UINT64_C(1795209808600000000),
                                             .window_ns = UINT64_C(60000000000),
                                             .pid = -1,
                                             .file = "config/sample.env",
                                             .command = "rm -rf"};
    struct page page = {.out = &out, .columns = COLUMNS, .err = &err, .status = ST_OK};
    struct around *around = NULL;

    (void)state;
    assert_int_equal(around_create(&question, &around, &err), ST_OK);
    const struct recorded_session_reader reader = {.on_record = add_to_around, .context = around};
    recorded_session_read("exfil", 1, &reader);
    recorded_session_read("netproxy", 1, &reader);
    around_write(around, &page);
    assert_int_equal(page.status, ST_OK);
    around_destroy(around);
    check_golden("exfil-around.txt");
}

static void add_to_report(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    const struct field_record seen = {.group = group, .view = &record->whole};

    report_add(context, &seen);
}

static void test_report_of_sessions(void **state)
{
    struct page page = {.out = &out, .columns = COLUMNS, .err = &err, .status = ST_OK};
    const struct report_style blocks = {.rows_max = 3, .has_blocks = true};
    const struct report_style plain = {.rows_max = 100};
    struct report report;

    (void)state;
    assert_int_equal(report_init(&report, &err), ST_OK);
    const struct recorded_session_reader reader = {.on_record = add_to_report, .context = &report};
    recorded_session_read("exfil", 1, &reader);
    recorded_session_read("netproxy", 1, &reader);
    recorded_session_read_from("gemini-cli-0.61.0/grpc/mcpfail", 1, &reader);
    report_finish(&report);
    report_write(&report, &blocks, &page);
    page.columns = 40;
    report_write(&report, &plain, &page);
    assert_int_equal(report_write_json(&report, &plain, &out, &err), ST_OK);
    report_fini(&report);
    check_golden("report.txt");
}

static void add_made(struct report *report, const char *kind, const char *call, const char *key,
                     const char *value)
{
    static const struct record_group no_group;
    struct seen_record seen;

    seen_init(&seen);
    seen_add_texts(&seen, "agent.event.kind", kind, "agent.event.phase", "end", "session.id", "s",
                   "gen_ai.tool.call.id", call, "gen_ai.tool.name", "bash", "process.command_line",
                   "rm -rf /", "agent.decision.source", "user", key, value, (const char *)NULL);
    made_double(&seen.made, "agent.decision.latency_ms", 1500);
    const struct field_record record = {.group = &no_group, .view = seen_read(&seen)};
    report_add(report, &record);
    seen_fini(&seen);
}

static void test_what_was_denied_and_tried_again_is_friction(void **state)
{
    struct report report;

    (void)state;
    assert_int_equal(report_init(&report, &err), ST_OK);
    add_made(&report, "agent.approval", "a", "agent.decision.outcome", "deny");
    add_made(&report, "agent.tool", "a", "agent.outcome", "denied");
    add_made(&report, "agent.approval", "b", "agent.decision.outcome", "allow");
    add_made(&report, "agent.approval", "b", "agent.decision.outcome", "allow"); /* told twice */
    add_made(&report, "agent.tool", "b", "agent.outcome", "success");
    report_finish(&report);
    const struct tally *retried = &report.parts[REPORT_RETRIED];
    assert_int_equal(retried->count, 1);
    assert_string_equal(retried->rows[0].name, "bash rm -rf /");
    assert_true(retried->rows[0].values[0] == 1);
    const struct tally *asked = &report.parts[REPORT_ASKED];
    assert_true(asked->rows[0].values[0] == 2 && asked->rows[0].values[1] == 3.0);
    const struct tally *tools = &report.parts[REPORT_TOOLS];
    assert_true(tools->rows[0].values[0] == 2 && tools->rows[0].values[2] == 1);
    report_fini(&report);
}

static void test_names_without_end_are_others(void **state)
{
    struct tally tally;
    char name[32];

    (void)state;
    assert_int_equal(tally_init(&tally, &err), ST_OK);
    for (int i = 0; i < 3 * TALLY_ROWS_MAX; i++) {
        snprintf(name, sizeof(name), "name %d", i);
        tally_add(&tally, slice_of_text(name), 0, 1);
    }
    tally_sort(&tally, 0);
    assert_string_equal(tally.rows[0].name, "(others)");
    assert_true(tally.rows[0].values[0] == 2 * TALLY_ROWS_MAX);
    assert_int_equal(tally.count, TALLY_ROWS_MAX + 1);
    tally_fini(&tally);
}

/* --- Through a store and back ---------------------------------------------------------------- */

struct round {
    struct output *output;
    size_t records;
};

static enum status write_stored(void *context, const struct store_record_view *view,
                                struct error *ret)
{
    struct round *round = context;

    round->records++;
    return output_record(round->output, view, &out, ret);
}

/* A line of a store, read and asked for again as otlp-json, is the same line. */
static void test_what_is_asked_for_as_otlp_is_what_was_stored(void **state)
{
    const struct output_options options = {.format = "otlp-json"};
    struct random random = {.state = 20261121};
    struct store_record *reader = NULL;
    struct round round = {.records = 0};
    size_t stored = 0;

    (void)state;
    assert_int_equal(output_create(&options, &round.output, &err), ST_OK);
    assert_int_equal(store_record_create(&reader, &err), ST_OK);
    for (int i = 0; i < 300; i++) {
        struct collected collected;
        struct buf request, line;
        buf_init(&request, OUT_MAX);
        buf_init(&line, OUT_MAX);
        random_request(&random, &request);
        assert_int_equal(collected_read(&collected, buf_slice(&request), &err), ST_OK);
        for (size_t k = 0; k < collected.record_count; k++) {
            const struct record *record = &collected.records[k];
            buf_clear(&line);
            buf_clear(&out);
            assert_int_equal(encode_otlp_json_line(&collected.groups[record->group_index],
                                                   record->bytes, SLICE_EMPTY, &line, &err),
                             ST_OK);
            struct slice text = slice_of(line.data, line.size - 1);
            if (store_record_read(reader, text, write_stored, &round, &err) != ST_OK)
                continue; /* it nests deeper than is read */
            stored++;
            assert_true(slice_equal(buf_slice(&out), buf_slice(&line)));
        }
        collected_fini(&collected);
        buf_fini(&request);
        buf_fini(&line);
    }
    assert_true(stored > 100);
    assert_int_equal(round.records, stored);
    store_record_destroy(reader);
    output_destroy(round.output);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_csv_of_a_session),
        TEST(test_timesketch_of_a_session),
        TEST(test_fields_of_a_session),
        TEST(test_every_shape_is_a_format),
        TEST(test_around_an_alert),
        TEST(test_report_of_sessions),
        TEST(test_what_was_denied_and_tried_again_is_friction),
        TEST(test_names_without_end_are_others),
        TEST(test_what_is_asked_for_as_otlp_is_what_was_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
