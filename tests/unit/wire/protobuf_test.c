/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_test.c -- fields read and appended, against protobuf-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/otlp_oracle.h"

enum { BIG = 1 << 26 };

static enum pb_step first_step(struct slice bytes, struct pb_field *field)
{
    struct pb_walk walk = pb_walk_start(bytes);
    return pb_next(&walk, field);
}

static void test_fields_of_every_wire_type_are_read_back(void **state)
{
    (void)state;
    uint8_t bytes[200];
    uint8_t *at = pb_put_uint(bytes, 1, 300);
    at = pb_put_fixed64(at, 2, 0x1122334455667788);
    at = pb_put_fixed32(at, 3, 0xdeadbeef);
    at = pb_put_bytes(at, 400, SLICE("four hundred"));
    at = pb_put_uint(at, (1U << 29) - 1, UINT64_MAX);
    at = pb_put_bytes(at, 6, SLICE_EMPTY);

    struct pb_walk walk = pb_walk_start(slice_of(bytes, (size_t)(at - bytes)));
    struct pb_field field;
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 300);
    assert_int_equal(field.whole.size, 3);
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.type, WIRE_FIXED64);
    assert_int_equal(field.value, 0x1122334455667788);
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.type, WIRE_FIXED32);
    assert_int_equal(field.value, 0xdeadbeef);
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.number, 400);
    assert_true(slice_equal(field.bytes, SLICE("four hundred")));
    assert_int_equal(field.whole.size, 2 + 1 + 12);
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.number, (1U << 29) - 1);
    assert_true(field.value == UINT64_MAX);
    assert_int_equal(pb_next(&walk, &field), PB_FIELD);
    assert_int_equal(field.number, 6);
    assert_int_equal(field.bytes.size, 0);
    assert_int_equal(pb_next(&walk, &field), PB_END);
    assert_int_equal(pb_next(&walk, &field), PB_END);
}

static void test_varint_sizes_match_what_is_written(void **state)
{
    (void)state;
    uint8_t bytes[PB_VARINT_MAX];
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t values[] = {1ULL << bit, (1ULL << bit) - 1};
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            size_t size = (size_t)(pb_put_varint(bytes, values[i]) - bytes);
            assert_int_equal(size, pb_varint_size(values[i]));
        }
    }
    assert_int_equal(pb_varint_size(UINT64_MAX), PB_VARINT_MAX);
}

static void test_bytes_that_are_no_protobuf_are_refused(void **state)
{
    (void)state;
    static const struct slice broken[] = {
        SLICE("\x08"),                                         /* a tag and nothing */
        SLICE("\x88\x80\x80\x80\x80\x00\x01"),                 /* a tag of six bytes */
        SLICE("\x00\x01"),                                     /* field 0 */
        SLICE("\x02\x00"),                                     /* field 0, of bytes */
        SLICE("\x0e\x01"),                                     /* wire type 6 */
        SLICE("\x0f\x01"),                                     /* wire type 7 */
        SLICE("\x0a\x05"                                       /* a length beyond the end */
              "four"),                                         /**/
        SLICE("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* a huge one */
        SLICE("\x0a\xff\xff\xff\xff\x0f"),                     /* 4 GiB */
        SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), /* eleven bytes */
        SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* 65 bits */
        SLICE("\x09\x01\x02\x03\x04\x05\x06\x07"),             /* seven of eight bytes */
        SLICE("\x0d\x01\x02\x03"),                             /* three of four */
        SLICE("\x0b\x08\x01"),                                 /* a group without end */
        SLICE("\x0b\x08\x01\x14"),                             /* ended by another number */
        SLICE("\x0c"),                                         /* an end without start */
    };
    struct pb_field field;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        assert_int_equal(first_step(broken[i], &field), PB_BROKEN);
}

static void test_a_field_that_lacks_its_last_byte_is_refused(void **state)
{
    (void)state;
    static uint8_t payload[20000];
    static uint8_t bytes[sizeof(payload) + 16];
    for (size_t size = 1; size < sizeof(payload); size += 1 + size / 16) {
        struct pb_field field;
        uint8_t *end = pb_put_bytes(bytes, 1, slice_of(payload, size));
        size_t whole = (size_t)(end - bytes);
        assert_int_equal(first_step(slice_of(bytes, whole), &field), PB_FIELD);
        assert_int_equal(field.bytes.size, size);
        assert_int_equal(field.whole.size, whole);
        assert_int_equal(first_step(slice_of(bytes, whole - 1), &field), PB_BROKEN);
    }
}

static void test_groups_are_passed_on_whole(void **state)
{
    (void)state;
    struct pb_field field;
    struct slice group = SLICE("\x0b\x10\x05\x1b\x1c\x0c");
    assert_int_equal(first_step(group, &field), PB_FIELD);
    assert_int_equal(field.type, WIRE_GROUP_START);
    assert_true(slice_equal(field.whole, group));
    assert_true(slice_equal(field.bytes, SLICE("\x10\x05\x1b\x1c")));

    uint8_t nested[2 * 65];
    memset(nested, 0x0b, 65);
    memset(nested + 65, 0x0c, 65);
    assert_int_equal(first_step(slice_of(nested, sizeof(nested)), &field), PB_BROKEN);
    assert_int_equal(first_step(slice_of(nested + 1, sizeof(nested) - 2), &field), PB_FIELD);
}

static void test_appended_attributes_are_read_by_the_oracle(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    buf_init(&out, BIG);
    const struct slice texts[] = {SLICE("one"), SLICE_EMPTY, SLICE("three")};
    uint8_t any[] = {0x18, 0x2a}; /* int_value 42 */
    assert_int_equal(pb_append_text(&out, 6, SLICE("t"), SLICE("text"), &err), ST_OK);
    assert_int_equal(pb_append_int(&out, 6, SLICE("i"), INT64_MIN, &err), ST_OK);
    assert_int_equal(pb_append_double(&out, 6, SLICE("d"), -0.5, &err), ST_OK);
    assert_int_equal(pb_append_bool(&out, 6, SLICE("b"), true, &err), ST_OK);
    assert_int_equal(pb_append_any(&out, 6, SLICE("a"), slice_of(any, sizeof(any)), &err), ST_OK);
    assert_int_equal(pb_append_texts(&out, 6, SLICE("l"), texts, COUNT_OF(texts), &err), ST_OK);
    assert_int_equal(pb_append_texts(&out, 6, SLICE("e"), NULL, 0, &err), ST_OK);

    oracle_record *record = oracle_read_record(buf_slice(&out));
    assert_non_null(record);
    assert_int_equal(record->n_attributes, 7);
    assert_string_equal(record->attributes[0]->value->string_value, "text");
    assert_true(record->attributes[1]->value->int_value == INT64_MIN);
    assert_true(record->attributes[2]->value->double_value == -0.5);
    assert_true(record->attributes[3]->value->bool_value);
    assert_int_equal(record->attributes[4]->value->int_value, 42);
    assert_int_equal(record->attributes[5]->value->array_value->n_values, 3);
    assert_string_equal(record->attributes[5]->value->array_value->values[2]->string_value,
                        "three");
    assert_int_equal(record->attributes[6]->value->array_value->n_values, 0);
    assert_int_equal(protobuf_c_message_get_packed_size(&record->base), out.size);
    oracle_free(record);
    buf_fini(&out);
}

static void test_append_at_the_limit_changes_nothing(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    buf_init(&out, 40);
    assert_int_equal(pb_append_text(&out, 6, SLICE("k"), SLICE("v"), &err), ST_OK);
    size_t size = out.size;
    struct slice text = SLICE("a text that is longer than the room that is left");
    assert_int_equal(pb_append_text(&out, 6, SLICE("k"), text, &err), ST_LIMIT);
    assert_int_equal(pb_append_texts(&out, 6, SLICE("k"), &text, 1, &err), ST_LIMIT);
    assert_int_equal(out.size, size);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_every_wire_type_are_read_back),
        cmocka_unit_test(test_varint_sizes_match_what_is_written),
        cmocka_unit_test(test_bytes_that_are_no_protobuf_are_refused),
        cmocka_unit_test(test_a_field_that_lacks_its_last_byte_is_refused),
        cmocka_unit_test(test_groups_are_passed_on_whole),
        cmocka_unit_test(test_appended_attributes_are_read_by_the_oracle),
        cmocka_unit_test(test_append_at_the_limit_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
