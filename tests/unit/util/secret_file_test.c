/* SPDX-License-Identifier: Apache-2.0 */
/* secret_file_test.c -- files with keys and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/temp_dir.h"
#include "telltale/secret_file.h"

enum { LIMIT = 64 * 1024 };

struct bench {
    struct temp_dir dir;
    char path[TEMP_DIR_PATH_MAX + 16];
    struct buf out;
    struct error err;
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    temp_dir_make(&bench->dir);
    snprintf(bench->path, sizeof(bench->path), "%s/secret", bench->dir.path);
    buf_init(&bench->out, LIMIT);
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;

    secret_wipe(&bench->out);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

static void write_secret(struct bench *bench, size_t size)
{
    FILE *file = fopen(bench->path, "we");

    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        assert_int_not_equal(fputc((int)('a' + i % 26), file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void test_a_file_is_read_whole_or_not_at_all(void **state)
{
    static const size_t sizes[] = {0, 1, 255, 256, 16383, 16384, 16385, LIMIT - 1};
    struct bench *bench = *state;

    assert_int_equal(secret_file_read(bench->path, &bench->out, &bench->err), ST_IO);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        write_secret(bench, sizes[i]);
        secret_wipe(&bench->out);
        assert_int_equal(secret_file_read(bench->path, &bench->out, &bench->err), ST_OK);
        assert_int_equal(bench->out.size, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(bench->out.data[at], 'a' + at % 26);
    }
    write_secret(bench, LIMIT);
    secret_wipe(&bench->out);
    assert_int_equal(secret_file_read(bench->path, &bench->out, &bench->err), ST_LIMIT);
}

/* A buffer that grew was elsewhere before. */
static void test_a_key_is_read_to_where_it_stays(void **state)
{
    enum { KEY_SIZE = 3000, ENOUGH = 4096 };
    struct bench *bench = *state;

    write_secret(bench, KEY_SIZE);
    assert_int_equal(secret_file_read(bench->path, &bench->out, &bench->err), ST_OK);
    assert_true(bench->out.capacity <= ENOUGH);
}

static void test_what_has_no_room_moves_and_keeps_its_content(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(buf_append(&bench->out, "secret", 6, &bench->err), ST_OK);
    assert_int_equal(secret_reserve(&bench->out, 5000, &bench->err), ST_OK);
    assert_true(buf_room(&bench->out) >= 5000);
    assert_int_equal(secret_reserve(&bench->out, LIMIT, &bench->err), ST_LIMIT);
    assert_int_equal(secret_reserve(&bench->out, SIZE_MAX, &bench->err), ST_LIMIT);
    assert_true(slice_equal(buf_slice(&bench->out), SLICE("secret")));
}

/* Keys may have any bytes: only what editors leave goes. */
static void test_white_space_around_a_secret_is_not_of_it(void **state)
{
    (void)state;
    assert_true(slice_equal(secret_trim(SLICE(" \t a b\r\n\n")), SLICE("a b")));
    assert_true(slice_equal(secret_trim(SLICE("key\0")), SLICE("key\0")));
    assert_int_equal(secret_trim(SLICE(" \n")).size, 0);
    assert_int_equal(secret_trim(SLICE_EMPTY).size, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_read_whole_or_not_at_all),
        TEST(test_a_key_is_read_to_where_it_stays),
        TEST(test_what_has_no_room_moves_and_keeps_its_content),
        TEST(test_white_space_around_a_secret_is_not_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
