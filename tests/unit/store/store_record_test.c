/* SPDX-License-Identifier: Apache-2.0 */
/* store_record_test.c -- what agents sent, written as a line of a store, comes back. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/store_record.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"

enum { TEXT_SIZE_MAX = 64 << 20 };

struct counted {
    size_t records;
    size_t attributes;
    struct slice last_key;
    int64_t last_value;
    struct buf line; /* the record, encoded again */
};

static enum status count_record(void *context, const struct store_record_view *view,
                                struct error *err)
{
    struct counted *counted = context;
    const struct record_view *record = view->record;

    counted->records++;
    counted->attributes = record->attribute_count;
    if (record->attribute_count > 0) {
        const struct attribute_view *last = &record->attributes[record->attribute_count - 1];
        /* Points into static text, not into what is borrowed. */
        counted->last_key = slice_equal(last->key, SLICE(STORE_JOURNAL_SEQUENCE_KEY))
                                ? SLICE(STORE_JOURNAL_SEQUENCE_KEY)
                                : SLICE_EMPTY;
        counted->last_value = last->value.integer;
    }
    buf_clear(&counted->line);
    return encode_otlp_json_line(view->group, view->bytes, SLICE_EMPTY, &counted->line, err);
}

static struct store_record *make_reader(struct counted *counted)
{
    struct store_record *reader;
    struct error err;

    *counted = (struct counted){.records = 0};
    buf_init(&counted->line, TEXT_SIZE_MAX);
    assert_int_equal(store_record_create(&reader, &err), ST_OK);
    return reader;
}

static enum status read_text(struct store_record *reader, const char *text, struct counted *counted,
                             struct error *err)
{
    counted->records = 0;
    return store_record_read(reader, slice_of_text(text), count_record, counted, err);
}

/* --- The corpus ------------------------------------------------------------------------------- */

struct round_trip {
    struct store_record *reader;
    struct counted counted;
    struct record_group group;
    struct buf line;
    struct buf extra;
    int64_t sequence;
};

static struct round_trip trip;

static enum status trip_group(void *context, const struct record_group *group, struct error *err)
{
    (void)context;
    (void)err;
    trip.group = *group;
    return ST_OK;
}

/* The line of a record, read and encoded again, is the same line. */
static enum status trip_record(void *context, struct slice record, struct error *err)
{
    (void)context;
    buf_clear(&trip.line);
    buf_clear(&trip.extra);
    trip.sequence++;
    enum status st =
        encode_attribute_int(SLICE(STORE_JOURNAL_SEQUENCE_KEY), trip.sequence, &trip.extra, err);
    if (st == ST_OK)
        st = encode_otlp_json_line(&trip.group, record, buf_slice(&trip.extra), &trip.line, err);
    if (st == ST_OK)
        st =
            store_record_read(trip.reader, buf_slice(&trip.line), count_record, &trip.counted, err);
    if (st != ST_OK)
        return st;
    assert_int_equal(trip.counted.records, trip.sequence);
    assert_int_equal(trip.counted.last_key.size, sizeof(STORE_JOURNAL_SEQUENCE_KEY) - 1);
    assert_int_equal(trip.counted.last_value, trip.sequence);
    assert_int_equal(trip.counted.line.size, trip.line.size);
    assert_memory_equal(trip.counted.line.data, trip.line.data, trip.line.size);
    return ST_OK;
}

static int trip_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)ftw;
    const struct otlp_request_visitor visitor = {.on_group = trip_group, .on_record = trip_record};
    size_t size = strlen(path);
    struct error err;

    if (type != FTW_F || size < 4 || strcmp(path + size - 4, ".bin") != 0 ||
        strstr(path, "protobuf/") == NULL || strstr(path, "/logs/") == NULL)
        return 0;
    uint8_t *data = malloc((size_t)info->st_size);
    FILE *file = fopen(path, "rbe");
    assert_non_null(data);
    assert_non_null(file);
    assert_int_equal(fread(data, 1, (size_t)info->st_size, file), info->st_size);
    assert_int_equal(fclose(file), 0);
    enum status st = otlp_walk_request(slice_of(data, (size_t)info->st_size), &visitor, &err);
    if (st != ST_OK)
        fail_msg("%s: %s", path, err.text);
    free(data);
    return 0;
}

static void test_records_of_the_corpus_come_back(void **state)
{
    (void)state;
    trip.reader = make_reader(&trip.counted);
    buf_init(&trip.line, TEXT_SIZE_MAX);
    buf_init(&trip.extra, TEXT_SIZE_MAX);
    assert_int_equal(nftw(TEST_CORPUS_DIR, trip_file, 16, FTW_PHYS), 0);
    assert_true(trip.sequence > 100);
    buf_fini(&trip.line);
    buf_fini(&trip.extra);
    buf_fini(&trip.counted.line);
    store_record_destroy(trip.reader);
}

/* --- Lines that are not of ours -----------------------------------------------------------------
 */

static void test_a_line_may_hold_many_records(void **state)
{
    (void)state;
    struct counted counted;
    struct error err;
    struct store_record *reader = make_reader(&counted);

    assert_int_equal(
        read_text(reader,
                  "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"eventName\":\"a\"},"
                  "{\"eventName\":\"b\"}]},{\"logRecords\":[{\"eventName\":\"c\"}]}]},"
                  "{\"scopeLogs\":[{\"logRecords\":[{\"eventName\":\"d\",\"attributes\":[{\"key\":"
                  "\"k\",\"value\":{\"intValue\":5}}]}]}]}]}\n",
                  &counted, &err),
        ST_OK);
    assert_int_equal(counted.records, 4);
    assert_int_equal(counted.attributes, 1);
    assert_non_null(strstr((const char *)counted.line.data, "\"eventName\":\"d\""));
    buf_fini(&counted.line);
    store_record_destroy(reader);
}

static void test_other_lines_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "{",
        "[]",
        "hello",
        "{\"resourceLogs\":5}",
        "{\"resourceLogs\":[]} x",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"traceId\":\"xyz\"}]}]}]}",
    };
    struct counted counted;
    struct error err;
    struct store_record *reader = make_reader(&counted);

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_int_equal(read_text(reader, others[i], &counted, &err), ST_INVALID);
        assert_int_equal(counted.records, 0);
        assert_non_null(strstr(err.text, "byte "));
    }
    assert_int_equal(read_text(reader, "{}", &counted, &err), ST_OK);
    assert_int_equal(counted.records, 0);
    buf_fini(&counted.line);
    store_record_destroy(reader);
}

static void test_too_many_attributes_are_a_limit(void **state)
{
    (void)state;
    struct counted counted;
    struct error err;
    struct store_record *reader = make_reader(&counted);

    for (size_t count = 4096; count <= 4097; count++) {
        struct buf text;
        buf_init(&text, TEXT_SIZE_MAX);
        const struct slice head =
            SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"attributes\":[");
        assert_int_equal(buf_append(&text, head.data, head.size, &err), ST_OK);
        for (size_t i = 0; i < count; i++) {
            const struct slice one = SLICE("{\"key\":\"k\",\"value\":{\"boolValue\":true}},");
            assert_int_equal(buf_append(&text, one.data, one.size - (i + 1 == count), &err), ST_OK);
        }
        assert_int_equal(buf_append(&text, "]}]}]}]}", 9, &err), ST_OK);
        assert_int_equal(read_text(reader, (const char *)text.data, &counted, &err),
                         count == 4096 ? ST_OK : ST_LIMIT);
        assert_int_equal(counted.records, count == 4096);
        buf_fini(&text);
    }
    buf_fini(&counted.line);
    store_record_destroy(reader);
}

static enum status refuse(void *context, const struct store_record_view *view, struct error *err)
{
    (void)context;
    (void)view;
    return error_set(err, ST_STOPPING, "enough");
}

static void test_a_failure_of_the_callback_is_given_back(void **state)
{
    (void)state;
    struct counted counted;
    struct error err;
    struct store_record *reader = make_reader(&counted);

    assert_int_equal(store_record_read(reader,
                                       SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":"
                                             "[{},{}]}]}]}"),
                                       refuse, NULL, &err),
                     ST_STOPPING);
    buf_fini(&counted.line);
    store_record_destroy(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_of_the_corpus_come_back),
        cmocka_unit_test(test_a_line_may_hold_many_records),
        cmocka_unit_test(test_other_lines_are_refused_with_their_place),
        cmocka_unit_test(test_too_many_attributes_are_a_limit),
        cmocka_unit_test(test_a_failure_of_the_callback_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
