/* SPDX-License-Identifier: Apache-2.0 */
/* append_batch_test.c -- records laid out for the journal, and the groups they belong to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "journal/append_layout.h"
#include "journal/frame.h"

static const struct record_group plain_group = {.scope_logs_fields = {(const uint8_t *)"s", 1}};

static struct append_batch *new_batch(size_t size_limit)
{
    struct append_batch *batch;
    struct error err;
    assert_int_equal(append_batch_create(size_limit, &batch, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &plain_group, &err), ST_OK);
    return batch;
}

static void add_record(struct append_batch *batch, const char *text)
{
    struct error err;
    struct buf *buf;
    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    assert_int_equal(buf_append(buf, text, strlen(text), &err), ST_OK);
    append_batch_end(batch);
}

static void test_records_stand_at_aligned_places(void **state)
{
    (void)state;
    struct append_batch *batch = new_batch(1 << 20);

    add_record(batch, "abc");
    add_record(batch, "12345678");
    add_record(batch, "");
    assert_int_equal(append_batch_count(batch), 3);
    assert_int_equal(batch->records[0].offset, 0);
    assert_int_equal(batch->records[1].offset, 32);
    assert_int_equal(batch->records[2].offset, 64);
    assert_int_equal(batch->records[2].size, 0);
    assert_memory_equal(batch->frames.data + FRAME_HEADER_SIZE, "abc\0\0\0\0\0", 8);
    assert_memory_equal(batch->frames.data + 32 + FRAME_HEADER_SIZE, "12345678", 8);
    append_batch_destroy(batch);
}

static void test_cancelled_record_leaves_no_trace(void **state)
{
    (void)state;
    struct error err;
    struct buf *buf;
    struct append_batch *batch = new_batch(1 << 20);

    add_record(batch, "abc");
    size_t size = append_batch_size(batch);
    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    assert_int_equal(buf_append(buf, "gone", 4, &err), ST_OK);
    append_batch_cancel(batch);
    assert_int_equal(append_batch_size(batch), size);
    add_record(batch, "def");
    assert_int_equal(append_batch_count(batch), 2);
    assert_int_equal(batch->records[1].offset, 32);
    append_batch_destroy(batch);
}

static void test_full_batch_refuses_another_record(void **state)
{
    (void)state;
    struct error err;
    struct buf *buf;
    struct append_batch *batch = new_batch(64);

    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
    assert_int_equal(buf_append(buf, "0123456789012345678901234567890123456789", 40, &err), ST_OK);
    assert_int_equal(buf_append(buf, "x", 1, &err), ST_LIMIT);
    append_batch_end(batch);
    assert_int_equal(append_batch_begin(batch, &buf, &err), ST_LIMIT);
    append_batch_reset(batch);
    assert_int_equal(append_batch_count(batch), 0);
    assert_int_equal(append_batch_set_group(batch, &plain_group, &err), ST_OK);
    add_record(batch, "again");
    append_batch_destroy(batch);
}

/* Memory that an earlier use left behind must not let a record grow past its limit. */
static void test_record_over_the_limit_is_refused_in_a_large_batch(void **state)
{
    (void)state;
    struct error err;
    struct buf *buf;
    struct append_batch *batch = new_batch((size_t)RECORD_SIZE_MAX * 2);

    for (int round = 0; round < 2; round++) {
        assert_int_equal(append_batch_begin(batch, &buf, &err), ST_OK);
        assert_int_equal(buf_reserve(buf, RECORD_SIZE_MAX, &err), ST_OK);
        assert_int_equal(buf_reserve(buf, (size_t)RECORD_SIZE_MAX + 1, &err), ST_LIMIT);
        append_batch_cancel(batch);
        batch->frames.capacity = batch->frames.limit;
        batch->frames.data = realloc(batch->frames.data, batch->frames.limit);
        assert_non_null(batch->frames.data);
    }
    add_record(batch, "fits");
    assert_int_equal(batch->frames.capacity, batch->size_limit);
    append_batch_destroy(batch);
}

static void test_group_that_comes_again_is_found(void **state)
{
    (void)state;
    struct error err;
    struct append_batch *batch = new_batch(1 << 20);

    for (unsigned i = 0; i < 3000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "resource %u", i % 1000);
        struct record_group group = {.resource_logs_fields = slice_of_text(text)};
        assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
        assert_int_equal(batch->group, 1 + i % 1000);
    }
    assert_int_equal(batch->groups.count, 1001);
    append_batch_destroy(batch);
}

/* Where one field ends and the next begins makes a difference. */
static void test_groups_with_the_same_bytes_in_other_fields_differ(void **state)
{
    (void)state;
    struct error err;
    struct append_batch *batch = new_batch(1 << 20);
    struct record_group first = {.request_fields = SLICE("ab"), .scope_logs_fields = SLICE("c")};
    struct record_group second = {.request_fields = SLICE("a"), .scope_logs_fields = SLICE("bc")};

    assert_int_equal(append_batch_set_group(batch, &first, &err), ST_OK);
    assert_int_equal(append_batch_set_group(batch, &second, &err), ST_OK);
    assert_int_equal(batch->group, 2);
    assert_int_equal(append_batch_set_group(batch, &first, &err), ST_OK);
    assert_int_equal(batch->group, 1);
    append_batch_destroy(batch);
}

static void test_too_many_or_too_large_groups_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct append_batch *batch = new_batch(16 << 20);
    uint8_t *large = calloc(1, GROUP_SIZE_MAX);
    struct record_group group = {.resource_logs_fields = slice_of(large, GROUP_SIZE_MAX)};

    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_LIMIT);
    for (uint32_t i = 1; i < APPEND_GROUPS_MAX; i++) {
        group.resource_logs_fields = slice_of(&i, sizeof(i));
        assert_int_equal(append_batch_set_group(batch, &group, &err), ST_OK);
    }
    group.resource_logs_fields = SLICE("one more");
    assert_int_equal(append_batch_set_group(batch, &group, &err), ST_LIMIT);
    assert_int_equal(append_batch_set_group(batch, &plain_group, &err), ST_OK);
    free(large);
    append_batch_destroy(batch);
}

static void test_group_survives_encoding(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct record_group group = {.request_fields = SLICE("r"), .scope_logs_fields = SLICE("scope")};
    struct record_group again;
    size_t size = group_encoded_size(&group);

    group_put(bytes, &group);
    assert_true(group_get(slice_of(bytes, size), &again));
    assert_true(slice_equal(again.request_fields, group.request_fields));
    assert_int_equal(again.resource_logs_fields.size, 0);
    assert_true(slice_equal(again.scope_logs_fields, group.scope_logs_fields));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(group_get(slice_of(bytes, cut), &again));
    assert_false(group_get(slice_of(bytes, size + 1), &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_stand_at_aligned_places),
        cmocka_unit_test(test_cancelled_record_leaves_no_trace),
        cmocka_unit_test(test_full_batch_refuses_another_record),
        cmocka_unit_test(test_record_over_the_limit_is_refused_in_a_large_batch),
        cmocka_unit_test(test_group_that_comes_again_is_found),
        cmocka_unit_test(test_groups_with_the_same_bytes_in_other_fields_differ),
        cmocka_unit_test(test_too_many_or_too_large_groups_are_refused),
        cmocka_unit_test(test_group_survives_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
