/* SPDX-License-Identifier: Apache-2.0 */
/* util_test.c -- buffers, checksums and identifiers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "telltale/buf.h"
#include "util/crc32c.h"
#include "util/uuid.h"

static void test_buffer_stops_at_its_limit(void **state)
{
    (void)state;
    struct error err;
    struct buf buf;

    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, "12345678", 8, &err), ST_OK);
    assert_int_equal(buf_append(&buf, "abc", 3, &err), ST_LIMIT);
    assert_int_equal(buf.size, 8);
    assert_int_equal(buf_append(&buf, "ab", 2, &err), ST_OK);
    assert_memory_equal(buf.data, "12345678ab", 10);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX, &err), ST_LIMIT);
    buf_fini(&buf);
}

/* The check value that the CRC catalogues give for CRC-32C. */
static void test_crc32c_of_the_check_string(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

/* The definition, bit by bit. */
static uint32_t crc32c_by_bits(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static void test_crc32c_is_the_same_at_every_size_and_place(void **state)
{
    enum { SIZE_MAX_TESTED = 1600, PLACES = 9 };
    uint8_t data[SIZE_MAX_TESTED + PLACES];
    uint32_t noise = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        noise = noise * 1664525 + 1013904223;
        data[i] = (uint8_t)(noise >> 24);
    }
    for (size_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        const uint8_t *place = data + size % PLACES;
        uint32_t whole = crc32c_by_bits(place, size);
        assert_int_equal(crc32c(0, place, size), whole);
        assert_int_equal(crc32c(crc32c(0, place, size / 3), place + size / 3, size - size / 3),
                         whole);
    }
}

static void test_uuids_have_version_and_time(void **state)
{
    (void)state;
    struct error err;
    struct uuid_source source;
    char first[UUID_TEXT_SIZE];
    char second[UUID_TEXT_SIZE];

    assert_int_equal(uuid_source_init(&source, &err), ST_OK);
    uuid_source_next(&source, UINT64_C(0x0123456789ab) * 1000000, first);
    uuid_source_next(&source, UINT64_C(0x0123456789ab) * 1000000, second);
    assert_memory_equal(first, "01234567-89ab-7", 15);
    assert_non_null(memchr("89ab", first[19], 4));
    assert_memory_not_equal(first, second, UUID_TEXT_SIZE);
}

static void test_error_context_never_drops_the_cause(void **state)
{
    (void)state;
    struct error err;
    char long_name[300];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    assert_int_equal(error_set(&err, ST_IO, "cause"), ST_IO);
    assert_int_equal(error_context(&err, "open '%s'", "a"), ST_IO);
    assert_string_equal(err.text, "open 'a': cause");
    assert_int_equal(error_context(&err, "%s", long_name), ST_IO);
    assert_string_equal(err.text, "open 'a': cause");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_stops_at_its_limit),
        cmocka_unit_test(test_crc32c_of_the_check_string),
        cmocka_unit_test(test_crc32c_is_the_same_at_every_size_and_place),
        cmocka_unit_test(test_uuids_have_version_and_time),
        cmocka_unit_test(test_error_context_never_drops_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
