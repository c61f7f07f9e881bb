/* SPDX-License-Identifier: Apache-2.0 */
/* compress_test.c -- bodies that inflate, and bodies that want to harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "wire/compress.h"

enum { MEGABYTE = 1 << 20, BODY_MAX = MEGABYTE };

struct body {
    uint8_t *data; /* owned */
    size_t size;
};

static struct slice body_slice(const struct body *body)
{
    return slice_of(body->data, body->size);
}

/* Appends one stream of deflate, within gzip or zlib as `window_bits` says. */
static void add_deflate(struct body *body, const void *data, size_t size, int window_bits)
{
    body->data = realloc(body->data, body->size + BODY_MAX);
    z_stream stream = {.next_in = (void *)data,
                       .avail_in = (unsigned)size,
                       .next_out = body->data + body->size,
                       .avail_out = BODY_MAX};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    body->size += stream.total_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

static void add_gzip(struct body *body, const void *data, size_t size)
{
    add_deflate(body, data, size, 15 + 16);
}

/* Appends one zstd frame. */
static void add_zstd(struct body *body, const void *data, size_t size, int window_log)
{
    body->data = realloc(body->data, body->size + BODY_MAX);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log)));
    /* In two parts, so that the frame does not say its size beforehand. */
    ZSTD_inBuffer first = {data, size / 2, 0};
    ZSTD_inBuffer second = {(const char *)data + size / 2, size - size / 2, 0};
    ZSTD_outBuffer out = {body->data + body->size, BODY_MAX, 0};
    assert_false(ZSTD_isError(ZSTD_compressStream2(context, &out, &first, ZSTD_e_flush)));
    assert_int_equal(ZSTD_compressStream2(context, &out, &second, ZSTD_e_end), 0);
    body->size += out.pos;
    (void)ZSTD_freeCCtx(context); /* cannot fail */
}

static void add(struct body *body, enum content_encoding encoding, const void *data, size_t size)
{
    if (encoding == ENCODING_GZIP)
        add_gzip(body, data, size);
    else if (encoding == ENCODING_ZLIB)
        add_deflate(body, data, size, 15);
    else
        add_zstd(body, data, size, 0);
}

static const enum content_encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD, ENCODING_ZLIB};

static void test_names_of_encodings(void **state)
{
    (void)state;
    struct error err;
    enum content_encoding encoding;
    assert_int_equal(content_encoding_parse(SLICE_EMPTY, &encoding, &err), ST_OK);
    assert_int_equal(encoding, ENCODING_NONE);
    assert_int_equal(content_encoding_parse(SLICE("gZip"), &encoding, &err), ST_OK);
    assert_int_equal(encoding, ENCODING_GZIP);
    assert_int_equal(content_encoding_parse(SLICE("zstd"), &encoding, &err), ST_OK);
    assert_int_equal(encoding, ENCODING_ZSTD);
    assert_int_equal(content_encoding_parse(SLICE("Identity"), &encoding, &err), ST_OK);
    assert_int_equal(encoding, ENCODING_NONE);
    assert_int_equal(content_encoding_parse(SLICE("br"), &encoding, &err), ST_INVALID);
    assert_int_equal(content_encoding_parse(SLICE("gzip2"), &encoding, &err), ST_INVALID);
    assert_int_equal(content_encoding_parse(SLICE("gzi"), &encoding, &err), ST_INVALID);
}

static void test_plain_bodies_pass_within_the_limit(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    buf_init(&out, 5);
    assert_int_equal(content_decode(ENCODING_NONE, SLICE("123456"), &out, &err), ST_LIMIT);
    assert_int_equal(content_decode(ENCODING_NONE, SLICE("12345"), &out, &err), ST_OK);
    assert_true(slice_equal(buf_slice(&out), SLICE("12345")));
    buf_fini(&out);
}

static void test_members_and_frames_inflate_one_after_another(void **state)
{
    (void)state;
    uint8_t *data = malloc(MEGABYTE);
    for (size_t i = 0; i < MEGABYTE; i++)
        data[i] = (uint8_t)(i * i >> 7);
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        add(&body, encodings[i], "first", 5);
        add(&body, encodings[i], "", 0);
        add(&body, encodings[i], data, MEGABYTE);
        struct error err;
        struct buf out;
        buf_init(&out, 64 * MEGABYTE);
        assert_int_equal(buf_append(&out, "0", 1, &err), ST_OK);
        assert_int_equal(content_decode(encodings[i], body_slice(&body), &out, &err), ST_OK);
        assert_int_equal(out.size, 1 + 5 + MEGABYTE);
        assert_memory_equal(out.data, "0first", 6);
        assert_memory_equal(out.data + 6, data, MEGABYTE);
        buf_fini(&out);
        free(body.data);
    }
    free(data);
}

static void test_a_body_may_fill_the_limit_exactly(void **state)
{
    (void)state;
    uint8_t *data = calloc(1, 5000);
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        add(&body, encodings[i], data, 5000);
        for (size_t limit = 4990; limit < 5010; limit++) {
            struct error err;
            struct buf out;
            buf_init(&out, limit);
            enum status st = content_decode(encodings[i], body_slice(&body), &out, &err);
            assert_int_equal(st, limit < 5000 ? ST_LIMIT : ST_OK);
            assert_int_equal(out.size, limit < 5000 ? 0 : 5000);
            buf_fini(&out);
        }
        free(body.data);
    }
    free(data);
}

static void test_a_bomb_stops_at_the_limit(void **state)
{
    (void)state;
    enum { BOMB_SIZE = 80 * MEGABYTE, LIMIT = 4 * MEGABYTE };
    uint8_t *zeros = calloc(1, BOMB_SIZE);
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        add(&body, encodings[i], zeros, BOMB_SIZE);
        assert_true(body.size < 100000);
        struct error err;
        struct buf out;
        buf_init(&out, LIMIT);
        assert_int_equal(buf_append(&out, "kept", 4, &err), ST_OK);
        assert_int_equal(content_decode(encodings[i], body_slice(&body), &out, &err), ST_LIMIT);
        assert_true(out.capacity <= LIMIT);
        assert_true(slice_equal(buf_slice(&out), SLICE("kept")));
        buf_fini(&out);
        free(body.data);
    }
    free(zeros);
}

static void test_a_claimed_size_is_not_believed(void **state)
{
    (void)state;
    struct body body = {NULL, 0};
    add_gzip(&body, "small", 5);
    memset(body.data + body.size - 4, 0x03, 4); /* says 50 MB */
    struct error err;
    struct buf out;
    buf_init(&out, 64 * MEGABYTE);
    assert_int_equal(content_decode(ENCODING_GZIP, body_slice(&body), &out, &err), ST_INVALID);
    assert_true(out.capacity < MEGABYTE);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
    free(body.data);
}

static void test_a_window_over_eight_megabytes_is_refused(void **state)
{
    (void)state;
    uint8_t *data = calloc(1, 64 * MEGABYTE);
    for (int window_log = 23; window_log <= 24; window_log++) {
        struct body body = {NULL, 0};
        struct error err;
        struct buf out;
        buf_init(&out, 80 * MEGABYTE);
        add_zstd(&body, data, (size_t)64 * MEGABYTE, window_log);
        assert_int_equal(content_decode(ENCODING_ZSTD, body_slice(&body), &out, &err),
                         window_log == 23 ? ST_OK : ST_INVALID);
        buf_fini(&out);
        free(body.data);
    }
    free(data);
}

static void test_every_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        add(&body, encodings[i], "some text, some text, some text again", 37);
        for (size_t size = 0; size < body.size; size++) {
            struct error err;
            struct buf out;
            buf_init(&out, MEGABYTE);
            assert_int_equal(content_decode(encodings[i], slice_of(body.data, size), &out, &err),
                             ST_INVALID);
            assert_int_equal(out.size, 0);
            buf_fini(&out);
        }
        free(body.data);
    }
}

static void test_garbage_behind_or_instead_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        struct error err;
        struct buf out;
        buf_init(&out, MEGABYTE);
        add(&body, encodings[i], "text", 4);
        memcpy(body.data + body.size, "garbage", 7);
        body.size += 7;
        assert_int_equal(content_decode(encodings[i], body_slice(&body), &out, &err), ST_INVALID);
        body.data[0] ^= 0xff;
        assert_int_equal(content_decode(encodings[i], body_slice(&body), &out, &err), ST_INVALID);
        assert_int_equal(content_decode(encodings[i], SLICE("plain text"), &out, &err), ST_INVALID);
        assert_int_equal(out.size, 0);
        free(body.data);
        buf_fini(&out);
    }
}

static void test_a_damaged_byte_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct body body = {NULL, 0};
        struct error err;
        struct buf out;
        buf_init(&out, MEGABYTE);
        add(&body, encodings[i], "some text, some other text", 26);
        size_t in_checksum = encodings[i] == ENCODING_GZIP ? body.size - 8 : body.size - 1;
        body.data[in_checksum] ^= 1;
        assert_int_equal(content_decode(encodings[i], body_slice(&body), &out, &err), ST_INVALID);
        assert_int_equal(out.size, 0);
        free(body.data);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_encodings),
        cmocka_unit_test(test_plain_bodies_pass_within_the_limit),
        cmocka_unit_test(test_members_and_frames_inflate_one_after_another),
        cmocka_unit_test(test_a_body_may_fill_the_limit_exactly),
        cmocka_unit_test(test_a_bomb_stops_at_the_limit),
        cmocka_unit_test(test_a_claimed_size_is_not_believed),
        cmocka_unit_test(test_a_window_over_eight_megabytes_is_refused),
        cmocka_unit_test(test_every_cut_is_noticed),
        cmocka_unit_test(test_garbage_behind_or_instead_is_refused),
        cmocka_unit_test(test_a_damaged_byte_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
