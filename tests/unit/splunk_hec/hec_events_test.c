/* SPDX-License-Identifier: Apache-2.0 */
/* hec_events_test.c -- the body: the envelope of each event, what fits into a request, and the
 * options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "exporters/splunk_hec/hec_events.h"
#include "support/hec_bench.h"
#include "support/http_bench.h"
#include "support/option.h"
#include "wire/compress.h"

#define TAKEN "{\"text\":\"Success\",\"code\":0}"

static void answer_well(struct hec_bench *bench)
{
    const struct http_sink_answer answer = hec_bench_answer(200, TAKEN);
    http_sink_script(bench->sink, &answer, 1);
}

/* The body of the first request, or of the one that is sent now. */
static struct slice sent_body(struct hec_bench *bench)
{
    size_t index = http_sink_count(bench->sink);

    answer_well(bench);
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    return http_sink_request(bench->sink, index)->body;
}

static cJSON *first_event(struct hec_bench *bench)
{
    struct slice body = sent_body(bench);
    const char *end;

    cJSON *event = cJSON_ParseWithLengthOpts((const char *)body.data, body.size, &end, false);
    assert_non_null(event);
    return event;
}

static void assert_member(const cJSON *event, const char *key, const char *expected)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, key));

    if (expected == NULL)
        assert_null(text);
    else if (text == NULL || strcmp(text, expected) != 0)
        fail_msg("%s is '%s', not '%s'", key, text, expected);
}

/* --- The envelope ---------------------------------------------------------------------------- */

/* Splunk answers 200 to an unknown key and drops what follows it. */
static void test_the_envelope_has_documented_keys_only(void **state)
{
    static const char *const documented[] = {"time",  "host",  "source", "sourcetype",
                                             "index", "event", "fields"};
    struct hec_bench *bench = *state;

    bench->config.index = "agents";
    hec_bench_add(bench, "agent.tool", 0, 0);
    cJSON *event = first_event(bench);
    assert_int_equal(cJSON_GetArraySize(event), COUNT_OF(documented));
    for (size_t i = 0; i < COUNT_OF(documented); i++)
        assert_non_null(cJSON_GetObjectItemCaseSensitive(event, documented[i]));
    assert_member(event, "source", "telltale");
    assert_member(event, "sourcetype", "telltale:agent:tool");
    assert_member(event, "index", "agents");
    const cJSON *fields = cJSON_GetObjectItem(event, "fields");
    assert_int_equal(cJSON_GetArraySize(fields), 2);
    assert_member(fields, "telltale_kind", "agent.tool");
    assert_member(fields, "telltale_service", "s00");
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(event, "event")));
    assert_member(cJSON_GetObjectItem(event, "event"), "vendor_product", "Telltale");
    cJSON_Delete(event);
}

static void test_times_are_exact_decimals(void **state)
{
    static const struct {
        uint64_t unix_ns;
        const char *written;
    } cases[] = {
        {1700000000123456789, "{\"time\":1700000000.123456789,"},
        {1700000000000000001, "{\"time\":1700000000.000000001,"},
        {999999999, "{\"time\":0.999999999,"},
        {INT64_MAX, "{\"time\":9223372036.854775807,"},
        {0, "{\"host\":"},
    };
    struct hec_bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct made_record *made = &bench->made[0];
        made_init(made);
        made_fixed64(made, 1, cases[i].unix_ns);
        bench->records[0].bytes = buf_slice(&made->bytes);
        bench->batch.record_count = 1;
        struct slice body = sent_body(bench);
        if (!slice_starts_with(body, slice_of_text(cases[i].written)))
            fail_msg("%.*s", SLICE_ARG(body));
        made_fini(made);
    }
    bench->batch.record_count = 0;
}

static void test_the_sourcetype_follows_the_kind(void **state)
{
    static const struct {
        const char *kind, *sourcetype;
    } cases[] = {
        {"agent.tool", "telltale:agent:tool"},
        {"agent.network", "telltale:agent:network"},
        {"agent.other", "telltale:agent:other"},
        {NULL, "telltale:other"},
        {"Agent\"Tool", "telltale:other"},
        {"a.kind.of.so.many.letters.that.it.can.be.none.of.those.that.there.are.in.the.model",
         "telltale:other"},
    };
    struct hec_bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bench->batch.record_count = 0;
        hec_bench_add(bench, cases[i].kind, 0, 0);
        cJSON *event = first_event(bench);
        assert_member(event, "sourcetype", cases[i].sourcetype);
        cJSON_Delete(event);
        made_fini(&bench->made[0]);
    }
    bench->batch.record_count = 0;
    bench->config.sourcetype_per_kind = false;
    bench->config.sourcetype = "our \"type\"";
    hec_bench_add(bench, "agent.tool", 0, 0);
    exporter_splunk_hec.destroy(bench->exporter);
    bench->exporter = NULL;
    cJSON *event = first_event(bench);
    assert_member(event, "sourcetype", "our \"type\"");
    assert_member(event, "index", NULL);
    cJSON_Delete(event);
}

static void assert_host(struct hec_bench *bench, const char *host, const char *expected)
{
    struct made_record *made = &bench->made[0];

    made_init(made);
    if (host != NULL)
        made_text(made, "host.name", host);
    bench->records[0].bytes = buf_slice(&made->bytes);
    bench->batch.record_count = 1;
    cJSON *event = first_event(bench);
    assert_member(event, "host", expected);
    cJSON_Delete(event);
    made_fini(made);
    bench->batch.record_count = 0;
}

static void test_the_host_is_the_records_or_this_machine_or_the_configured_one(void **state)
{
    struct hec_bench *bench = *state;
    char own[256] = "", long_name[2000];

    assert_int_equal(gethostname(own, sizeof(own) - 1), 0);
    memset(long_name, 'h', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    assert_host(bench, "build-7", "build-7");
    assert_host(bench, "build-7", "build-7");
    assert_host(bench, "a\"b\\", "a\"b\\");
    assert_host(bench, NULL, own);
    assert_host(bench, long_name, own);
    assert_host(bench, "build-7", "build-7");
    exporter_splunk_hec.destroy(bench->exporter);
    bench->exporter = NULL;
    bench->config.host = "always";
    assert_host(bench, "build-7", "always");
}

static void test_values_that_are_long_stand_in_the_event_alone(void **state)
{
    static const char *const names[] = {"session", "tool"};
    struct hec_bench *bench = *state;
    struct made_record *made = &bench->made[0];
    char session[HEC_FIELD_VALUE_MAX + 2];

    memset(session, 's', sizeof(session) - 1);
    session[sizeof(session) - 1] = 0;
    bench->config.fields = (struct config_text_list){names, 2};
    made_init(made);
    made_text(made, "session.id", session);
    bench->records[0].bytes = buf_slice(&made->bytes);
    bench->batch.record_count = 1;
    cJSON *event = first_event(bench);
    assert_null(cJSON_GetObjectItem(event, "fields"));
    assert_member(cJSON_GetObjectItem(event, "event"), "session.id", session);
    cJSON_Delete(event);
}

static void test_an_event_can_have_the_form_of_opentelemetry(void **state)
{
    struct hec_bench *bench = *state;

    bench->config.shape = 1;
    hec_bench_add(bench, "agent.tool", 0, 1);
    cJSON *event = first_event(bench);
    const cJSON *inner = cJSON_GetObjectItem(event, "event");
    assert_non_null(cJSON_GetObjectItem(inner, "@timestamp"));
    assert_non_null(cJSON_GetObjectItem(inner, "resource"));
    assert_member(cJSON_GetObjectItem(event, "fields"), "telltale_service", "s01");
    cJSON_Delete(event);
}

static void test_bodies_are_compressed(void **state)
{
    struct hec_bench *bench = *state;
    struct error err;
    struct buf plain;

    bench->config.http.compression = HTTP_COMPRESSION_GZIP;
    hec_bench_add_many(bench, 20);
    struct slice body = sent_body(bench);
    buf_init(&plain, 1 << 20);
    assert_int_equal(content_decode(ENCODING_GZIP, body, &plain, &err), ST_OK);
    assert_true(slice_starts_with(buf_slice(&plain), SLICE("{\"time\":1700000000.123456789,")));
    assert_true(body.size < plain.size / 2);
    buf_fini(&plain);
}

/* --- What fits ------------------------------------------------------------------------------- */

static void test_what_does_not_fit_comes_again_at_once(void **state)
{
    struct hec_bench *bench = *state;
    int numbers[8];

    bench->config.http.max_body_size = 10000;
    answer_well(bench);
    for (size_t i = 0; i < 5; i++)
        hec_bench_add(bench, "agent.tool", 4000, (uint32_t)(i % 2));
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "DDAAA");
    assert_int_equal(hec_bench_numbers(bench, 0, numbers, 8), 2);
    assert_int_equal(numbers[0], 0);
    assert_int_equal(numbers[1], 1);
    assert_true(http_sink_request(bench->sink, 0)->body.size <= 10000);
}

static void test_an_event_that_is_larger_than_a_request_goes_alone(void **state)
{
    struct hec_bench *bench = *state;
    int numbers[8];

    bench->config.http.max_body_size = 10000;
    answer_well(bench);
    hec_bench_add(bench, "agent.tool", 20000, 0);
    hec_bench_add(bench, "agent.tool", 0, 0);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "DA");
    assert_int_equal(hec_bench_numbers(bench, 0, numbers, 8), 1);
}

static void test_an_event_beyond_the_limit_is_told_of_and_the_others_go(void **state)
{
    struct hec_bench *bench = *state;
    int numbers[8];

    bench->config.max_event_size = 5000;
    answer_well(bench);
    hec_bench_add(bench, "agent.tool", 0, 0);
    hec_bench_add(bench, "agent.tool", 20000, 0);
    hec_bench_add_broken(bench);
    hec_bench_add(bench, "agent.tool", 0, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "DLXD");
    assert_non_null(strstr(bench->words[1], "max_event_size"));
    assert_int_equal(hec_bench_numbers(bench, 0, numbers, 8), 2);
    assert_int_equal(numbers[1], 3);
}

static void test_nothing_is_sent_when_no_record_is_fit(void **state)
{
    struct hec_bench *bench = *state;

    bench->groups[1].resource_logs_fields = SLICE("\x0a\xff");
    hec_bench_add_broken(bench);
    hec_bench_add(bench, "agent.tool", 0, 1);
    hec_bench_add(bench, "agent.tool", 0, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_MIXED);
    assert_string_equal(hec_bench_told(bench), "XXX");
    assert_int_equal(http_sink_count(bench->sink), 0);
}

/* --- The options ----------------------------------------------------------------------------- */

static void test_the_endpoint_may_name_the_collectors_path_or_not(void **state)
{
    static const struct {
        const char *behind, *path;
    } cases[] = {
        {"", "/services/collector/event HTTP"},
        {"/", "/services/collector/event HTTP"},
        {"/services/collector", "/services/collector/event HTTP"},
        {"/services/collector/", "/services/collector/event HTTP"},
        {"/services/collector/event", "/services/collector/event HTTP"},
        {"/services/collector/event/1.0", "/services/collector/event HTTP"},
        {"/insert/splunk", "/insert/splunk/services/collector/event HTTP"},
        {"/proxy/services/collector/event", "/proxy/services/collector/event HTTP"},
        {"/p?a=1", "/p/services/collector/event?a=1 HTTP"},
    };
    struct hec_bench *bench = *state;

    answer_well(bench);
    hec_bench_add_many(bench, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(bench->endpoint, sizeof(bench->endpoint), "http://127.0.0.1:%d%s",
                 http_sink_port(bench->sink), cases[i].behind);
        exporter_splunk_hec.destroy(bench->exporter);
        bench->exporter = NULL;
        assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
        if (!hec_bench_went_to(bench, i, cases[i].path))
            fail_msg("%s: %s", cases[i].behind, http_sink_request(bench->sink, i)->head);
    }
}

static void test_the_token_goes_in_the_header_that_splunk_asks_for(void **state)
{
    struct hec_bench *bench = *state;
    struct temp_dir dir;
    char path[TEST_PATH_MAX], value[128];

    temp_dir_make(&dir);
    snprintf(path, sizeof(path), "%s/token", dir.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("11111111-2222-3333-4444-555555555555\n", file) > 0);
    assert_int_equal(fclose(file), 0);
    bench->config.http.token_file = path;
    answer_well(bench);
    hec_bench_add_many(bench, 1);
    assert_int_equal(hec_bench_send(bench), EXPORT_DONE);
    assert_true(
        http_sink_header(http_sink_request(bench->sink, 0), "authorization", value, sizeof(value)));
    assert_string_equal(value, "Splunk 11111111-2222-3333-4444-555555555555");
    temp_dir_remove(&dir);
}

static void assert_refused(struct hec_bench *bench, const char *words)
{
    assert_int_not_equal(exporter_splunk_hec.check(&bench->config, &bench->err), ST_OK);
    if (strstr(bench->err.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", bench->err.text, words);
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    static const char *const unknown[] = {"kind", "colour"};
    static const char *const twice[] = {"kind", "tool", "kind"};
    static const char *many[HEC_FIELDS_MAX + 1];
    struct hec_bench *bench = *state;
    const struct hec_config good = bench->config;
    char long_name[300];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    assert_int_equal(exporter_splunk_hec.check(&bench->config, &bench->err), ST_OK);
    bench->config.fields = (struct config_text_list){unknown, 2};
    assert_refused(bench, "fields: 'colour' is not one");
    bench->config.fields = (struct config_text_list){twice, 3};
    assert_refused(bench, "fields: 'kind' stands there twice");
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = hec_indexed_fields[i].name;
    bench->config.fields = (struct config_text_list){many, COUNT_OF(many)};
    assert_refused(bench, "limit 15");
    bench->config = good;
    bench->config.index = "";
    assert_refused(bench, "index: it is empty");
    bench->config = good;
    bench->config.source = long_name;
    assert_refused(bench, "source: longer than 255");
    bench->config = good;
    bench->config.ack_poll_interval_ns = bench->config.ack_timeout_ns + 1;
    assert_refused(bench, "ack_poll_interval");
    bench->config = good;
    bench->config.http.endpoint = "ftp://somewhere";
    assert_refused(bench, "ftp://somewhere");
    bench->config = good;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, hec_bench_make, hec_bench_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_envelope_has_documented_keys_only),
        TEST(test_times_are_exact_decimals),
        TEST(test_the_sourcetype_follows_the_kind),
        TEST(test_the_host_is_the_records_or_this_machine_or_the_configured_one),
        TEST(test_values_that_are_long_stand_in_the_event_alone),
        TEST(test_an_event_can_have_the_form_of_opentelemetry),
        TEST(test_bodies_are_compressed),
        TEST(test_what_does_not_fit_comes_again_at_once),
        TEST(test_an_event_that_is_larger_than_a_request_goes_alone),
        TEST(test_an_event_beyond_the_limit_is_told_of_and_the_others_go),
        TEST(test_nothing_is_sent_when_no_record_is_fit),
        TEST(test_the_endpoint_may_name_the_collectors_path_or_not),
        TEST(test_the_token_goes_in_the_header_that_splunk_asks_for),
        TEST(test_options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, http_bench_ignore_sigpipe, NULL);
}
