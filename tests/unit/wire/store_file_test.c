/* SPDX-License-Identifier: Apache-2.0 */
/* store_file_test.c -- names of closed files, and the place that a line tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "telltale/encode.h"
#include "telltale/store_file.h"
#include "wire/otlp.h"

static void test_names_are_read_back(void **state)
{
    (void)state;
    const struct store_file_name name = {
        .begun_unix_s = 1795214300, .first_sequence = 7, .last_sequence = UINT64_MAX};
    struct store_file_name again;
    char text[STORE_FILE_NAME_SIZE];

    store_file_name_format(&name, text);
    assert_string_equal(text, "20261120T223820Z-00000000000000000007-18446744073709551615.jsonl");
    assert_true(store_file_name_parse(text, &again));
    assert_int_equal(again.begun_unix_s, name.begun_unix_s);
    assert_int_equal(again.first_sequence, 7);
    assert_true(again.last_sequence == UINT64_MAX);
    assert_false(again.compressed);
    again.compressed = true;
    store_file_name_format(&again, text);
    assert_true(store_file_name_parse(text, &again));
    assert_true(again.compressed);
}

static void test_other_names_are_refused(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "active.jsonl",
        "20261120T223820Z-00000000000000000007-00000000000000000009",
        "20261120T223820Z-00000000000000000007-00000000000000000009.jsonl.zst.tmp",
        "20261120T223820Z-00000000000000000007-00000000000000000009.jsonlx",
        "20260631T223820Z-00000000000000000007-00000000000000000009.jsonl",
        "20261120T246060Z-00000000000000000007-00000000000000000009.jsonl",
        "20261120T223820Z-00000000000000000007-99999999999999999999.jsonl",
        "20261120T223820Z-0000000000000000000x-00000000000000000009.jsonl",
        "20261120 223820Z-00000000000000000007-00000000000000000009.jsonl",
    };
    struct store_file_name name;

    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(store_file_name_parse(others[i], &name));
}

static void test_names_compare_in_order_of_writing(void **state)
{
    (void)state;
    const struct store_file_name a = {.begun_unix_s = 10, .first_sequence = 5, .last_sequence = 9};
    struct store_file_name b = a;

    b.compressed = true;
    assert_int_equal(store_file_name_compare(&a, &b), 0);
    b.first_sequence = 10;
    assert_true(store_file_name_compare(&a, &b) < 0);
    b.begun_unix_s = 9;
    assert_true(store_file_name_compare(&a, &b) > 0);
}

static void make_extra(struct buf *extra, const char *id, int64_t sequence)
{
    struct error err;
    assert_int_equal(
        encode_attribute_text(SLICE(STORE_JOURNAL_ID_KEY), slice_of_text(id), extra, &err), ST_OK);
    assert_int_equal(encode_attribute_int(SLICE(STORE_JOURNAL_SEQUENCE_KEY), sequence, extra, &err),
                     ST_OK);
}

/* A sender that writes such attributes itself, in the record, the resource and the scope. */
static void test_a_sender_cannot_forge_the_place(void **state)
{
    (void)state;
    struct error err;
    struct buf forged;
    struct buf owner;
    struct buf extra;
    struct buf line;
    uint8_t fields[1024];
    struct store_place place;

    buf_init(&forged, 4096);
    buf_init(&owner, 4096);
    buf_init(&extra, 4096);
    buf_init(&line, 65536);
    make_extra(&forged, "ffffffffffffffffffffffffffffffff", 99);
    make_extra(&extra, "000102030405060708090a0b0c0d0e0f", 42);
    assert_int_equal(pb_append_text(&forged, RECORD_ATTRIBUTES, SLICE("x"),
                                    SLICE("\"}},{\"key\":\"agent.journal.sequence\",\"value\":"
                                          "{\"intValue\":\"99\"}}]}]}]}]}\n"),
                                    &err),
                     ST_OK);
    assert_int_equal(
        pb_append_int(&owner, RESOURCE_ATTRIBUTES, SLICE(STORE_JOURNAL_SEQUENCE_KEY), 99, &err),
        ST_OK);
    uint8_t *end = pb_put_bytes(fields, RESOURCE_LOGS_RESOURCE, buf_slice(&owner));
    const struct record_group group = {
        .resource_logs_fields = slice_of(fields, (size_t)(end - fields)),
        .scope_logs_fields = slice_of(fields, (size_t)(end - fields))};
    assert_int_equal(
        encode_otlp_json_line(&group, buf_slice(&forged), buf_slice(&extra), &line, &err), ST_OK);
    assert_true(store_line_place(buf_slice(&line), &place));
    assert_int_equal(place.sequence, 42);
    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++)
        assert_int_equal(place.journal_id[i], i);

    /* Without ours there is none: the forged ones do not stand where they must. */
    buf_clear(&line);
    assert_int_equal(encode_otlp_json_line(&group, buf_slice(&forged), SLICE_EMPTY, &line, &err),
                     ST_OK);
    assert_false(store_line_place(buf_slice(&line), &place));
    buf_fini(&forged);
    buf_fini(&owner);
    buf_fini(&extra);
    buf_fini(&line);
}

static void test_no_part_of_a_line_tells_a_place(void **state)
{
    (void)state;
    struct error err;
    struct buf extra;
    struct buf line;
    struct store_place place;
    const struct record_group group = {.request_fields = SLICE_EMPTY};

    buf_init(&extra, 4096);
    buf_init(&line, 65536);
    make_extra(&extra, "000102030405060708090a0b0c0d0e0f", 42);
    assert_int_equal(encode_otlp_json_line(&group, SLICE_EMPTY, buf_slice(&extra), &line, &err),
                     ST_OK);
    struct slice whole = buf_slice(&line);
    assert_true(store_line_place(whole, &place));
    whole.size--; /* the newline may be gone */
    assert_true(store_line_place(whole, &place));
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *part = malloc(size + 1); /* so that reading behind it is found out */
        assert_non_null(part);
        memcpy(part, whole.data, size);
        assert_false(store_line_place(slice_of(part, size), &place));
        free(part);
    }
    buf_fini(&extra);
    buf_fini(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_read_back),
        cmocka_unit_test(test_other_names_are_refused),
        cmocka_unit_test(test_names_compare_in_order_of_writing),
        cmocka_unit_test(test_a_sender_cannot_forge_the_place),
        cmocka_unit_test(test_no_part_of_a_line_tells_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
