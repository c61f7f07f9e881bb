/* SPDX-License-Identifier: Apache-2.0 */
/* native_json_test.c -- lines of the Unix protocol to records: what each key becomes, what is
 * refused and what is said about it, and recorded JSON against cJSON.
 *
 * Every line is read from a heap block of exactly its size, so that the address sanitizer sees
 * a byte read too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/otlp_oracle.h"
#include "support/plain_json.h"
#include "support/recorded.h"
#include "wire/native_json.h"

enum { BIG = 1 << 27, OBSERVED = 1234567890, ATTRIBUTES_MAX = 1024 };

/* A line that was read. */
struct reading {
    struct native_scratch scratch;
    struct buf out;
    struct native_event event;
    struct record_view record;
    struct attribute_view attributes[ATTRIBUTES_MAX];
    struct error err;
};

static struct reading *reading_create(void)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    assert_non_null(reading);
    buf_init(&reading->out, BIG);
    return reading;
}

static void reading_destroy(struct reading *reading)
{
    buf_fini(&reading->out);
    free(reading);
}

static enum status read_exactly(struct slice line, const struct otlp_limits *limits,
                                struct reading *reading)
{
    uint8_t *copy = malloc(line.size > 0 ? line.size : 1);
    assert_non_null(copy);
    if (line.size > 0)
        memcpy(copy, line.data, line.size);
    enum status st =
        native_json_read(slice_of(copy, line.size), OBSERVED, limits, &reading->scratch,
                         &reading->out, &reading->event, &reading->err);
    free(copy);
    return st;
}

static struct slice record_of(const struct reading *reading)
{
    return slice_of(reading->out.data + reading->event.record_offset, reading->event.record_size);
}

static void take_record(struct reading *reading)
{
    assert_int_equal(otlp_read_record(record_of(reading), &otlp_limits_default, reading->attributes,
                                      ATTRIBUTES_MAX, &reading->record, &reading->err),
                     ST_OK);
}

static struct reading *read_line(struct slice line)
{
    struct reading *reading = reading_create();
    if (read_exactly(line, &otlp_limits_default, reading) != ST_OK)
        fail_msg("%.*s: %s", SLICE_ARG(line), reading->err.text);
    take_record(reading);
    return reading;
}

static void assert_refused_with(struct slice line, const struct otlp_limits *limits,
                                enum status status, const char *message)
{
    struct reading *reading = reading_create();
    assert_int_equal(buf_append(&reading->out, "before", 6, &reading->err), ST_OK);
    enum status st = read_exactly(line, limits, reading);
    if (st != status || strstr(reading->err.text, message) == NULL) {
        fail_msg("%.*s: status %d, '%s', not '%s'", (int)(line.size < 200 ? line.size : 200),
                 (const char *)line.data, (int)st, st == ST_OK ? "" : reading->err.text, message);
    }
    assert_int_equal(reading->out.size, 6);
    assert_memory_equal(reading->out.data, "before", 6);
    reading_destroy(reading);
}

static void assert_refused(struct slice line, enum status status, const char *message)
{
    assert_refused_with(line, &otlp_limits_default, status, message);
}

/* What the attributes of `line` are, in the form of plain_json.h. */
static void assert_attributes(struct slice line, const char *expected)
{
    struct reading *reading = read_line(line);
    struct buf plain;
    buf_init(&plain, BIG);
    plain_of_attributes(&reading->record, &plain);
    assert_int_equal(buf_append(&plain, "", 1, &reading->err), ST_OK);
    assert_string_equal((const char *)plain.data, expected);
    buf_fini(&plain);
    reading_destroy(reading);
}

static void append(struct buf *out, const char *text)
{
    struct error err;
    assert_int_equal(buf_append(out, text, strlen(text), &err), ST_OK);
}

static void append_times(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(out, text);
}

/* --- What becomes of a line ------------------------------------------------------------------ */

static void test_every_known_key_has_its_place(void **state)
{
    (void)state;
    struct reading *reading = read_line(SLICE(
        " { \"kind\" : \"agent.tool\" , \"time\":\"2026-11-20T17:46:40.5Z\",\"session\":\"s-1\","
        "\"severity\":\"Warning\",\"event\":\"tool.done\",\"dialect\":\"claude\","
        "\"body\":\"done\",\"attributes\":{\"a\":1,\"b\":{\"c\":true}},"
        "\"resource\":{\"host\":{\"name\":\"h\"}},\"extra\":\"x\" } \r\n"));
    assert_true(slice_equal(reading->event.kind, SLICE("agent.tool")));
    assert_true(slice_equal(reading->event.session, SLICE("s-1")));
    assert_true(slice_equal(reading->event.dialect, SLICE("claude")));
    assert_int_equal(reading->event.time_unix_nano, 1795196800500000000);
    assert_int_equal(reading->event.severity_number, 13);
    assert_int_equal(reading->record.time_unix_nano, 1795196800500000000);
    assert_int_equal(reading->record.observed_time_unix_nano, OBSERVED);
    assert_int_equal(reading->record.severity_number, 13);
    assert_true(slice_equal(reading->record.severity_text, SLICE("Warning")));
    assert_true(slice_equal(reading->record.event_name, SLICE("tool.done")));
    assert_int_equal(reading->record.body.type, ANY_TYPE_STRING);
    assert_true(slice_equal(reading->record.body.bytes, SLICE("done")));

    struct buf plain;
    buf_init(&plain, BIG);
    plain_of_attributes(&reading->record, &plain);
    assert_true(
        slice_equal(buf_slice(&plain), SLICE("session.id \"s-1\"\na 1\nb.c true\nextra \"x\"\n")));
    struct pb_walk walk = pb_walk_start(reading->event.resource_fields);
    struct pb_field field;
    struct attribute_view host;
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.number, RESOURCE_ATTRIBUTES);
    assert_int_equal(otlp_read_attribute(field.bytes, &host, &reading->err), ST_OK);
    assert_true(slice_equal(host.key, SLICE("host.name")));
    assert_true(slice_equal(host.value.bytes, SLICE("h")));
    assert_int_equal(pb_next(&walk, &field), PB_END);
    buf_fini(&plain);
    reading_destroy(reading);
}

static void test_empty_object_is_an_event(void **state)
{
    (void)state;
    struct reading *reading = read_line(SLICE("{}"));
    assert_int_equal(reading->event.kind.size, 0);
    assert_int_equal(reading->event.resource_fields.size, 0);
    assert_int_equal(reading->record.attribute_count, 0);
    assert_int_equal(reading->record.body.type, ANY_TYPE_NONE);
    assert_int_equal(reading->record.observed_time_unix_nano, OBSERVED);
    reading_destroy(reading);
}

static void test_null_is_an_absent_key(void **state)
{
    (void)state;
    struct reading *reading = read_line(
        SLICE("{\"kind\":null,\"time\":null,\"session\":null,\"body\":null,\"event\":null,"
              "\"attributes\":null,\"resource\":null,\"severity\":null,\"dialect\":null,"
              "\"x\":null,\"y\":{\"z\":null}}"));
    assert_int_equal(reading->record.attribute_count, 0);
    assert_int_equal(reading->record.body.type, ANY_TYPE_NONE);
    assert_int_equal(reading->event.time_unix_nano, 0);
    reading_destroy(reading);
}

static void test_objects_are_flattened_and_arrays_are_arrays(void **state)
{
    (void)state;
    assert_attributes(SLICE("{\"tool\":{\"name\":\"Bash\",\"input\":{\"n\":-5,\"f\":1.5}}}"),
                      "tool.name \"Bash\"\ntool.input.n -5\ntool.input.f 1.5\n");
    assert_attributes(SLICE("{\"a\":[1,\"x\",null,true,[2,[]],{\"k\":{\"l\":1},\"m\":null}]}"),
                      "a [1,\"x\",null,true,[2,[],],{k:{l:1,},},]\n");
    assert_attributes(SLICE("{\"a\":{}}"), "a {}\n");
    assert_attributes(SLICE("{\"a\":{\"b\":{}},\"c\":[{}]}"), "a.b {}\nc [{},]\n");
    assert_attributes(SLICE("{\"\":1,\"a\":{\"\":2,\"b\":{\"\":3}}}"), " 1\na. 2\na.b. 3\n");
    assert_attributes(SLICE("{\"a\":1,\"a\":2,\"attributes\":{\"a\":3},\"attributes\":{\"a\":4}}"),
                      "a 1\na 2\na 3\na 4\n");
    assert_attributes(SLICE("{\"attributes\":{\"kind\":\"k\",\"time\":5}}"),
                      "kind \"k\"\ntime 5\n");
    assert_attributes(SLICE("{\"a\\n\":{\"\\u00e9\":\"\\\"\"}}"), "a\n.\xc3\xa9 \"\"\"\n");
    assert_attributes(SLICE("{\"kinds\":1,\"Kind\":2,\"tim\":3,\"bodies\":4}"),
                      "kinds 1\nKind 2\ntim 3\nbodies 4\n");
}

static void test_numbers_keep_their_type(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        enum any_type type;
        int64_t integer;
        double number;
    } good[] = {
        {SLICE("{\"n\":9223372036854775807}"), ANY_TYPE_INT, INT64_MAX, 0},
        {SLICE("{\"n\":-9223372036854775808}"), ANY_TYPE_INT, INT64_MIN, 0},
        {SLICE("{\"n\":9223372036854775808}"), ANY_TYPE_DOUBLE, 0, 9223372036854775808.0},
        {SLICE("{\"n\":-0}"), ANY_TYPE_INT, 0, 0},
        {SLICE("{\"n\":4000.0}"), ANY_TYPE_DOUBLE, 0, 4000},
        {SLICE("{\"n\":1E2}"), ANY_TYPE_DOUBLE, 0, 100},
        {SLICE("{\"n\":0.1}"), ANY_TYPE_DOUBLE, 0, 0.1},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct reading *reading = read_line(good[i].json);
        const struct any_view *value = &reading->record.attributes[0].value;
        assert_int_equal(value->type, good[i].type);
        if (value->type == ANY_TYPE_INT)
            assert_int_equal(value->integer, good[i].integer);
        else
            assert_true(value->number == good[i].number);
        reading_destroy(reading);
    }
}

static void test_body_may_be_any_value(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        const char *plain;
    } good[] = {
        {SLICE("{\"body\":\"\"}"), "\"\""},
        {SLICE("{\"body\":5}"), "5"},
        {SLICE("{\"body\":false}"), "false"},
        {SLICE("{\"body\":[]}"), "[]"},
        {SLICE("{\"body\":{}}"), "{}"},
        {SLICE("{\"body\":{\"a\":{\"b\":[1]},\"c\":null}}"), "{a:{b:[1,],},}"},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct reading *reading = read_line(good[i].json);
        struct buf plain;
        buf_init(&plain, BIG);
        plain_of_any(&reading->record.body, &plain);
        assert_true(slice_equal(buf_slice(&plain), slice_of_text(good[i].plain)));
        buf_fini(&plain);
        reading_destroy(reading);
    }
}

static void test_nul_within_a_text_is_kept(void **state)
{
    (void)state;
    struct reading *reading = read_line(SLICE("{\"kind\":\"a\\u0000b\",\"body\":\"x\\u0000y\"}"));
    assert_true(slice_equal(reading->event.kind, SLICE("a\0b")));
    assert_true(slice_equal(reading->record.body.bytes, SLICE("x\0y")));
    reading_destroy(reading);
}

static void test_escaped_key_is_the_key_it_says(void **state)
{
    (void)state;
    struct reading *reading = read_line(SLICE("{\"\\u006bind\":\"k\"}"));
    assert_true(slice_equal(reading->event.kind, SLICE("k")));
    assert_int_equal(reading->record.attribute_count, 0);
    reading_destroy(reading);
}

static void test_times_come_in_three_forms(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        uint64_t unix_ns;
    } good[] = {
        {SLICE("{\"time\":\"2026-11-20T18:46:40+01:00\"}"), 1795196800000000000},
        {SLICE("{\"time\":1795196800000000001}"), 1795196800000000001},
        {SLICE("{\"time\":\"1795196800000000001\"}"), 1795196800000000001},
        {SLICE("{\"time\":18446744073709551615}"), UINT64_MAX},
        {SLICE("{\"time\":0}"), 0},
    };
    static const struct slice bad[] = {
        SLICE("{\"time\":\"yesterday\"}"),
        SLICE("{\"time\":\"\"}"),
        SLICE("{\"time\":-1}"),
        SLICE("{\"time\":1.5}"),
        SLICE("{\"time\":1e18}"),
        SLICE("{\"time\":true}"),
        SLICE("{\"time\":[]}"),
        SLICE("{\"time\":18446744073709551616}"),
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct reading *reading = read_line(good[i].json);
        assert_true(reading->event.time_unix_nano == good[i].unix_ns);
        assert_true(reading->record.time_unix_nano == good[i].unix_ns);
        reading_destroy(reading);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refused(bad[i], ST_INVALID, "byte 8: 'time' must be a time");
}

static void test_severities_have_numbers_and_names(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint32_t number;
        const char *text;
    } good[] = {
        {"1", 1, ""},
        {"24", 24, ""},
        {"\"trace\"", 1, "trace"},
        {"\"DEBUG\"", 5, "DEBUG"},
        {"\"Info\"", 9, "Info"},
        {"\"warn\"", 13, "warn"},
        {"\"error\"", 17, "error"},
        {"\"fatal\"", 21, "fatal"},
        {"\"TRACE2\"", 2, "TRACE2"},
        {"\"fatal4\"", 24, "fatal4"},
    };
    static const char *const bad[] = {"0",          "25",        "-1",
                                      "9.0",        "true",      "\"\"",
                                      "\"4\"",      "\"info5\"", "\"information\"",
                                      "\"info22\"", "\"info1\"", "[]"};
    char json[128];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        (void)snprintf(json, sizeof(json), "{\"severity\":%s}", good[i].json);
        struct reading *reading = read_line(slice_of_text(json));
        assert_int_equal(reading->event.severity_number, good[i].number);
        assert_int_equal(reading->record.severity_number, good[i].number);
        assert_true(slice_equal(reading->record.severity_text, slice_of_text(good[i].text)));
        reading_destroy(reading);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)snprintf(json, sizeof(json), "{\"severity\":%s}", bad[i]);
        assert_refused(slice_of_text(json), ST_INVALID, "byte 12: 'severity' must be a number");
    }
}

/* --- What is refused ------------------------------------------------------------------------- */

static void test_wrong_types_are_refused_by_name_and_byte(void **state)
{
    (void)state;
    assert_refused(SLICE("{\"kind\":5}"), ST_INVALID, "byte 8: 'kind' must be a string");
    assert_refused(SLICE("{\"kind\": {}}"), ST_INVALID, "byte 9: 'kind' must be a string");
    assert_refused(SLICE("{\"session\":[]}"), ST_INVALID, "byte 11: 'session' must be a string");
    assert_refused(SLICE("{\"event\":true}"), ST_INVALID, "byte 9: 'event' must be a string");
    assert_refused(SLICE("{\"dialect\":1}"), ST_INVALID, "byte 11: 'dialect' must be a string");
    assert_refused(SLICE("{\"attributes\":[]}"), ST_INVALID, "'attributes' must be an object");
    assert_refused(SLICE("{\"resource\":\"x\"}"), ST_INVALID, "'resource' must be an object");
    assert_refused(SLICE("{\"kind\":\"a\",\"kind\":\"b\"}"), ST_INVALID, "'kind' stands twice");
    assert_refused(SLICE("{\"body\":1,\"\\u0062ody\":2}"), ST_INVALID, "stands twice");
}

static void test_lines_that_are_not_one_object_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct slice json;
        const char *message;
    } bad[] = {
        {SLICE(""), "byte 0: must be an object"},
        {SLICE("   "), "byte 3: must be an object"},
        {SLICE("[]"), "byte 0: must be an object"},
        {SLICE("\"x\""), "byte 0: must be an object"},
        {SLICE("{} {}"), "byte 3: nothing may follow"},
        {SLICE("{},"), "byte 2: nothing may follow"},
        {SLICE("{\"a\":1,}"), "byte 7: a string must begin here"},
        {SLICE("{,}"), "byte 1: a string must begin here"},
        {SLICE("{\"a\" 1}"), "byte 5: ':' must follow"},
        {SLICE("{\"a\":1 \"b\":2}"), "byte 7: ',' or '}' must follow"},
        {SLICE("{\"a\":[1 2]}"), "byte 8: ',' or ']' must follow"},
        {SLICE("{\"a\":[1,]}"), "byte 8: not a value"},
        {SLICE("{\"a\":}"), "byte 5: not a value"},
        {SLICE("{\"kind\":}"), "byte 8: 'kind' must be a string"},
        {SLICE("{\"a\":01}"), "byte 7: not a number"},
        {SLICE("{\"a\":1.}"), "byte 7: not a number"},
        {SLICE("{\"a\":1e400}"), "byte 5: a number beyond the range"},
        {SLICE("{\"a\":NaN}"), "byte 5: not a value"},
        {SLICE("{\"a\":nul}"), "byte 5: not a value"},
        {SLICE("{\"a\":\"\\ud800\"}"), "byte 6: not an escape"},
        {SLICE("{\"a\":\"\xff\"}"), "byte 6: not UTF-8"},
        {SLICE("{\"a\":\"\t\"}"), "byte 6: a control character"},
        {SLICE("{\"\xc3\":1}"), "byte 2: not UTF-8"},
        {SLICE("{\"a\":\"\xed\xa0\x80\"}"), "byte 6: not UTF-8"},
        {SLICE("\xef\xbb\xbf{}"), "byte 0: must be an object"},
        {SLICE("{\"a\":1}\0"), "byte 7: nothing may follow"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refused(bad[i].json, ST_INVALID, bad[i].message);
}

static void test_event_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const struct slice lines[] = {
        SLICE("{\"kind\":\"agent.tool\",\"time\":\"2026-11-20T17:46:40.123456789Z\",\"session\":"
              "\"0193-5a\",\"tool\":{\"name\":\"Bash\",\"input\":{\"command\":\"ls \\u00e9 -la\","
              "\"n\":[1,-2.5e3,{\"k\":null}]}},\"ok\":true,\"severity\":\"info\"}"),
        SLICE("{\"body\":\"\xe6\x9d\xb1\xe4\xba\xac \\ud83d\\ude00 line one\\nline two, which is "
              "longer than a vector\",\"resource\":{\"a\":{\"b\":false}},\"event\":\"e\"}"),
        SLICE("{\"attributes\":{\"a\":{\"b\":{\"c\":{}}}},\"time\":1795196800000000000}"),
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        reading_destroy(read_line(lines[i]));
        for (size_t size = 0; size < lines[i].size; size++)
            assert_refused(slice_of(lines[i].data, size), ST_INVALID, "byte ");
    }
}

/* --- Limits ------------------------------------------------------------------------------------
 */

static void check_long_text(const char *key, size_t size_max)
{
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"");
    append(&line, key);
    append(&line, "\":\"");
    append_times(&line, "x", size_max);
    append(&line, "\"}");
    reading_destroy(read_line(buf_slice(&line)));
    line.size -= 2;
    append(&line, "x\"}");
    assert_refused(buf_slice(&line), ST_LIMIT, key);
    buf_fini(&line);
}

static void test_known_texts_have_longest_sizes(void **state)
{
    (void)state;
    check_long_text("kind", NATIVE_KIND_MAX);
    check_long_text("dialect", NATIVE_KIND_MAX);
    check_long_text("session", NATIVE_SESSION_MAX);
    check_long_text("event", 256);
}

/* Messages come to terminals: a key may not clear one, nor turn the direction of its writing. */
static void test_messages_show_no_character_that_acts(void **state)
{
    (void)state;
    static const struct otlp_limits shallow = {
        .record_size_max = BIG, .attribute_count_max = 1, .key_size_max = 128, .depth_max = 8};
    assert_refused_with(SLICE("{\"n\":1,\"a\xe2\x80\xae\xc2\x9b\xc3\xa9\x7f!\":1}"), &shallow,
                        ST_LIMIT, "'a??\xc3\xa9?!': too many attributes");
    assert_refused_with(
        SLICE("{\"n\":1,\"0123456789012345678901234567890123456789012345678901234567890123"
              "\xe2\x80\xae\":1}"),
        &shallow, ST_LIMIT,
        "'0123456789012345678901234567890123456789012345678901234567890123': too many");
    assert_refused_with(
        SLICE("{\"n\":1,\"012345678901234567890123456789012345678901234567890123456789012"
              "\xc3\xa9\":1}"),
        &shallow, ST_LIMIT,
        "'012345678901234567890123456789012345678901234567890123456789012': too many");
}

static void test_attributes_are_counted(void **state)
{
    (void)state;
    struct buf line;
    char text[64];
    buf_init(&line, BIG);
    append(&line, "{\"n\":null");
    for (int i = 0; i < 1024; i++) {
        (void)snprintf(text, sizeof(text), ",\"k%d\":%d", i, i);
        append(&line, text);
    }
    append(&line, "}");
    struct reading *reading = read_line(buf_slice(&line));
    assert_int_equal(reading->record.attribute_count, 1024);
    reading_destroy(reading);
    line.size--;
    append(&line, ",\"one\":[]}");
    assert_refused(buf_slice(&line), ST_LIMIT, "'one': too many attributes, the limit is 1024");
    line.size = 9;
    append_times(&line, ",\"a\":1", 100000);
    append(&line, "}");
    assert_refused(buf_slice(&line), ST_LIMIT, "'a': too many attributes");
    buf_fini(&line);
}

static void test_keys_have_a_longest_size(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"outer\":{\"");
    append_times(&line, "k", 1024 - 6);
    append(&line, "\":1}}");
    reading_destroy(read_line(buf_slice(&line)));
    line.size -= 5;
    append(&line, "k\":1}}");
    assert_refused(buf_slice(&line), ST_LIMIT, "the key is too long, the limit is 1024");
    buf_clear(&line);
    append(&line, "{\"");
    append_times(&line, "k", 1024);
    append(&line, "\":{\"\":1}}");
    assert_refused(buf_slice(&line), ST_LIMIT, "the key is too long");
    buf_clear(&line);
    append(&line, "{\"body\":{\"");
    append_times(&line, "k", 1025);
    append(&line, "\":1}}");
    assert_refused(buf_slice(&line), ST_LIMIT, "the key is too long");
    buf_fini(&line);
}

static void test_nesting_stops_at_its_depth(void **state)
{
    (void)state;
    static const char *const opens[] = {"{\"a\":", "[", "{\"a\":["};
    static const char *const closes[] = {"}", "]", "]}"};
    for (size_t shape = 0; shape < COUNT_OF(opens); shape++) {
        struct buf line;
        buf_init(&line, BIG);
        append(&line, "{\"x\":");
        append_times(&line, opens[shape], 30);
        append(&line, "1");
        append_times(&line, closes[shape], 30);
        append(&line, "}");
        reading_destroy(read_line(buf_slice(&line)));
        buf_clear(&line);
        append(&line, "{\"x\":");
        append_times(&line, opens[shape], 10000);
        assert_refused(buf_slice(&line), ST_LIMIT, "nested too deep");
        buf_clear(&line);
        append(&line, "{\"body\":");
        append_times(&line, opens[shape], 10000);
        assert_refused(buf_slice(&line), ST_LIMIT, "nested too deep");
        buf_fini(&line);
    }
}

static void test_record_of_the_deepest_nesting_can_be_read(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"body\":");
    append_times(&line, "[", 63);
    append(&line, "1");
    append_times(&line, "]", 63);
    append(&line, "}");
    reading_destroy(read_line(buf_slice(&line)));
    buf_clear(&line);
    append(&line, "{\"body\":");
    append_times(&line, "[", 64);
    append(&line, "1");
    append_times(&line, "]", 64);
    append(&line, "}");
    assert_refused(buf_slice(&line), ST_LIMIT, "nested too deep");
    buf_fini(&line);
}

static void test_records_have_a_largest_size(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"body\":\"");
    append_times(&line, "0123456789abcdef", 17 * 65536);
    append(&line, "\"}");
    assert_refused(buf_slice(&line), ST_LIMIT, "the record is over the limit of 16777216 bytes");
    buf_fini(&line);
}

/* A long path over many leaves is what makes a record longer than its line. */
static void test_long_paths_over_many_leaves_stop_at_the_record_size(void **state)
{
    (void)state;
    struct otlp_limits limits = otlp_limits_default;
    struct buf line;
    limits.record_size_max = 100000;
    buf_init(&line, BIG);
    append(&line, "{\"");
    append_times(&line, "p", 1000);
    append(&line, "\":{\"a\":1");
    append_times(&line, ",\"a\":1", 200);
    append(&line, "}}");
    assert_true(line.size < 3000);
    assert_refused_with(buf_slice(&line), &limits, ST_LIMIT, "the record is over the limit");
    reading_destroy(read_line(buf_slice(&line)));
    buf_fini(&line);
}

/* The limit is met to the byte, whatever is written last. */
static void test_record_size_is_checked_to_the_byte(void **state)
{
    (void)state;
    static const struct slice lines[] = {
        SLICE("{\"a\":\"0123456789\",\"b\":[1,2,3]}"),
        SLICE("{\"body\":{\"a\":[[[\"0123456789\"]]]}}"),
        SLICE("{\"session\":\"s\",\"severity\":\"info\",\"event\":\"e\",\"time\":5}"),
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct otlp_limits limits = otlp_limits_default;
        struct reading *reading = read_line(lines[i]);
        limits.record_size_max = reading->event.record_size;
        reading_destroy(reading);
        reading = reading_create();
        assert_int_equal(read_exactly(lines[i], &limits, reading), ST_OK);
        reading_destroy(reading);
        while (limits.record_size_max-- > 0)
            assert_refused_with(lines[i], &limits, ST_LIMIT, "the record is over the limit");
    }
}

static void test_resources_have_a_largest_size(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"resource\":{\"a\":\"");
    append_times(&line, "x", NATIVE_RESOURCE_MAX - 20);
    append(&line, "\"}}");
    struct reading *reading = read_line(buf_slice(&line));
    assert_true(reading->event.resource_fields.size > NATIVE_RESOURCE_MAX - 20);
    reading_destroy(reading);
    line.size -= 3;
    append_times(&line, "x", 30);
    append(&line, "\"}}");
    assert_refused(buf_slice(&line), ST_LIMIT, "the resource is over the limit of 65536 bytes");
    buf_fini(&line);
}

static void test_output_over_its_limit_is_refused(void **state)
{
    (void)state;
    struct reading *reading = reading_create();
    buf_fini(&reading->out);
    buf_init(&reading->out, 40);
    assert_int_equal(read_exactly(SLICE("{\"a\":\"0123456789012345678901234567890123456789\"}"),
                                  &otlp_limits_default, reading),
                     ST_LIMIT);
    assert_int_equal(reading->out.size, 0);
    reading_destroy(reading);
}

/* --- Against cJSON -----------------------------------------------------------------------------
 */

static const char *const known_keys[] = {"kind",     "time",     "session", "body",    "attributes",
                                         "resource", "severity", "event",   "dialect", NULL};

/* The record packs with protobuf-c to the same size: no length is longer than needed. */
static void assert_shortest(struct slice record)
{
    oracle_record *oracle = oracle_read_record(record);
    assert_non_null(oracle);
    assert_int_equal(protobuf_c_message_get_packed_size(&oracle->base), record.size);
    oracle_free(oracle);
}

static void check_against_cjson(struct slice line)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)line.data, line.size);
    assert_non_null(tree);
    struct reading *reading = read_line(line);
    struct buf ours, theirs;
    buf_init(&ours, BIG);
    buf_init(&theirs, BIG);
    plain_of_attributes(&reading->record, &ours);
    plain_of_members(tree, known_keys, &theirs);
    assert_true(theirs.size > 0);
    assert_true(slice_equal(buf_slice(&ours), buf_slice(&theirs)));
    assert_shortest(record_of(reading));
    buf_fini(&ours);
    buf_fini(&theirs);
    reading_destroy(reading);
    cJSON_Delete(tree);
}

/* OTLP requests are JSON objects like any other: arrays of objects, nested deep, of every size. */
static void test_recorded_json_is_what_cjson_makes_of_it(void **state)
{
    (void)state;
    static const char *const names[] = {
        "codex-0.169.0/http-json/exfil/logs/001.json",
        "codex-0.169.0/http-json/netproxy/logs/002.json",
        "gemini-cli-0.61.0/http-json/refactor/logs/001.json",
        "qwen-code-0.15.10/http-json/refactor/logs/001.json",
        "opencode-1.18.33/http-json/refactor/logs/004.json",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf json;
        buf_init(&json, BIG);
        recorded_read(names[i], &json);
        check_against_cjson(buf_slice(&json));
        buf_fini(&json);
    }
}

static void test_flat_and_nested_events_are_what_cjson_makes_of_them(void **state)
{
    (void)state;
    check_against_cjson(SLICE(
        "{\"mcp\":{\"server\":\"github\",\"arguments\":{\"query\":\"na\xc3\xafve\",\"limit\":17,"
        "\"labels\":[\"bug\",\"p2\"],\"filters\":{\"state\":\"open\",\"assignee\":null}}},"
        "\"duration_ms\":417.25,\"success\":true,\"seq\":18446744073709551616}"));
    struct buf line;
    buf_init(&line, BIG);
    append(&line, "{\"");
    append_times(&line, "long key ", 30);
    append(&line, "\":{\"inner\":{\"text\":\"");
    append_times(&line, "long text\\n", 3000);
    append(&line, "\",\"list\":[\"");
    append_times(&line, "element ", 2000);
    append(&line, "\",{\"k\":\"");
    append_times(&line, "member ", 1000);
    append(&line, "\"}]}}}");
    check_against_cjson(buf_slice(&line));
    buf_fini(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_known_key_has_its_place),
        cmocka_unit_test(test_empty_object_is_an_event),
        cmocka_unit_test(test_null_is_an_absent_key),
        cmocka_unit_test(test_objects_are_flattened_and_arrays_are_arrays),
        cmocka_unit_test(test_numbers_keep_their_type),
        cmocka_unit_test(test_body_may_be_any_value),
        cmocka_unit_test(test_nul_within_a_text_is_kept),
        cmocka_unit_test(test_escaped_key_is_the_key_it_says),
        cmocka_unit_test(test_times_come_in_three_forms),
        cmocka_unit_test(test_severities_have_numbers_and_names),
        cmocka_unit_test(test_wrong_types_are_refused_by_name_and_byte),
        cmocka_unit_test(test_lines_that_are_not_one_object_are_refused),
        cmocka_unit_test(test_event_cut_at_any_byte_is_refused),
        cmocka_unit_test(test_known_texts_have_longest_sizes),
        cmocka_unit_test(test_messages_show_no_character_that_acts),
        cmocka_unit_test(test_attributes_are_counted),
        cmocka_unit_test(test_keys_have_a_longest_size),
        cmocka_unit_test(test_nesting_stops_at_its_depth),
        cmocka_unit_test(test_record_of_the_deepest_nesting_can_be_read),
        cmocka_unit_test(test_records_have_a_largest_size),
        cmocka_unit_test(test_long_paths_over_many_leaves_stop_at_the_record_size),
        cmocka_unit_test(test_record_size_is_checked_to_the_byte),
        cmocka_unit_test(test_resources_have_a_largest_size),
        cmocka_unit_test(test_output_over_its_limit_is_refused),
        cmocka_unit_test(test_recorded_json_is_what_cjson_makes_of_it),
        cmocka_unit_test(test_flat_and_nested_events_are_what_cjson_makes_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
