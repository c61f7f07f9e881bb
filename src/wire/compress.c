/* SPDX-License-Identifier: Apache-2.0 */
/* compress.c -- see compress.h.
 *
 * Both ways inflate straight into `out`, which grows as the bytes prove that they are there: a
 * small body that claims or becomes gigabytes costs the limit of `out` and no more.  gzip
 * begins a member again when the room was too small; as the room doubles, that costs at most
 * as much as the inflating itself.  A zstd window may have 8 MiB, as RFC 9659 has it for HTTP.
 */
#include "wire/compress.h"

#include <strings.h>

#include <libdeflate.h>
#include <zstd.h>

enum {
    ZSTD_WINDOW_LOG_MAX = 23,
    ROOM_STEP_MIN = 4096,
    DEFLATE_RATIO_MAX = 1032, /* no deflate stream grows more */
};

enum status content_encoding_parse(struct slice name, enum content_encoding *ret, struct error *err)
{
    static const struct {
        const char *name;
        enum content_encoding encoding;
    } known[] = {
        {"", ENCODING_NONE},
        {"identity", ENCODING_NONE},
        {"gzip", ENCODING_GZIP},
        {"zstd", ENCODING_ZSTD},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (name.size == strlen(known[i].name) &&
            (name.size == 0 ||
             strncasecmp((const char *)name.data, known[i].name, name.size) == 0)) {
            *ret = known[i].encoding;
            return ST_OK;
        }
    }
    return error_set(err, ST_INVALID, "content encoding '%.*s' is not identity, gzip or zstd",
                     name.size < 32 ? (int)name.size : 32, (const char *)name.data);
}

/* Makes more room than there is, up to the limit. */
static enum status more_room(struct buf *out, struct error *err)
{
    size_t room = buf_room(out);
    size_t room_max = out->limit > out->size ? out->limit - out->size : 0;
    if (room >= room_max)
        return error_set(err, ST_LIMIT, "the inflated body is over the limit of %zu bytes",
                         room_max);
    size_t wanted = room + (room > ROOM_STEP_MIN ? room : ROOM_STEP_MIN);
    return buf_reserve(out, wanted < room_max ? wanted : room_max, err);
}

/* --- gzip ------------------------------------------------------------------------------------ */

/* Makes room for what the trailer says, as far as it can be true. */
static enum status expect_gzip(struct slice body, struct buf *out, struct error *err)
{
    size_t expected = 0;
    for (size_t i = 0; i < 4 && i < body.size; i++)
        expected = expected << 8 | body.data[body.size - 1 - i];
    if (expected / DEFLATE_RATIO_MAX > body.size)
        expected = 0;
    size_t room_max = out->limit > out->size ? out->limit - out->size : 0;
    return expected > 0 && expected <= room_max ? buf_reserve(out, expected, err) : ST_OK;
}

typedef enum libdeflate_result inflate_function(struct libdeflate_decompressor *, const void *,
                                                size_t, void *, size_t, size_t *, size_t *);

/* gzip and zlib differ in what stands around the stream. */
static enum status inflate_deflate(inflate_function *inflate, struct slice body, struct buf *out,
                                   struct error *err)
{
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    if (decompressor == NULL)
        return error_set(err, ST_NO_MEMORY, "start to inflate");
    enum status st = buf_room(out) == 0 ? more_room(out, err) : ST_OK;
    while (st == ST_OK && body.size > 0) {
        size_t taken = 0;
        size_t given = 0;
        switch (inflate(decompressor, body.data, body.size, out->data + out->size, buf_room(out),
                        &taken, &given)) {
        case LIBDEFLATE_SUCCESS:
            out->size += given;
            body = slice_from(body, taken);
            break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            st = more_room(out, err);
            break;
        default:
            st = error_set(err, ST_INVALID,
                           "the body is not gzip or deflate, or it is damaged or cut");
            break;
        }
    }
    libdeflate_free_decompressor(decompressor);
    return st;
}

static enum status inflate_gzip(struct slice body, struct buf *out, struct error *err)
{
    enum status st = expect_gzip(body, out, err);

    return st == ST_OK ? inflate_deflate(libdeflate_gzip_decompress_ex, body, out, err) : st;
}

static enum status inflate_zlib(struct slice body, struct buf *out, struct error *err)
{
    return inflate_deflate(libdeflate_zlib_decompress_ex, body, out, err);
}

/* --- zstd ------------------------------------------------------------------------------------ */

/* Inflates until input or room is used up.  *ret_left: 0 at the end of a frame. */
static enum status inflate_zstd_some(ZSTD_DCtx *context, ZSTD_inBuffer *in, struct buf *out,
                                     size_t *ret_left, struct error *err)
{
    ZSTD_outBuffer room = {out->data + out->size, buf_room(out), 0};
    size_t left = ZSTD_decompressStream(context, &room, in);
    if (ZSTD_isError(left))
        return error_set(err, ST_INVALID, "zstd: %s", ZSTD_getErrorName(left));
    out->size += room.pos;
    *ret_left = left;
    return ST_OK;
}

static enum status inflate_zstd(struct slice body, struct buf *out, struct error *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL)
        return error_set(err, ST_NO_MEMORY, "start to inflate zstd");
    size_t set = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ASSERT(!ZSTD_isError(set));
    ZSTD_inBuffer in = {body.data, body.size, 0};
    size_t left = 1;
    enum status st = ST_OK;
    while (st == ST_OK && (in.pos < in.size || left > 0)) {
        if (buf_room(out) == 0)
            st = more_room(out, err);
        if (st == ST_OK)
            st = inflate_zstd_some(context, &in, out, &left, err);
        if (st == ST_OK && left > 0 && in.pos == in.size && buf_room(out) > 0)
            st = error_set(err, ST_INVALID, "zstd: the body is cut");
    }
    (void)ZSTD_freeDCtx(context); /* cannot fail on one of its own */
    return st;
}

enum status content_decode(enum content_encoding encoding, struct slice body, struct buf *out,
                           struct error *err)
{
    if (encoding == ENCODING_NONE)
        return buf_append(out, body.data, body.size, err);
    if (body.size == 0)
        return error_set(err, ST_INVALID, "the body is empty, which no compressed one is");
    size_t before = out->size;
    enum status st;
    if (encoding == ENCODING_GZIP)
        st = inflate_gzip(body, out, err);
    else if (encoding == ENCODING_ZLIB)
        st = inflate_zlib(body, out, err);
    else
        st = inflate_zstd(body, out, err);
    if (st != ST_OK)
        out->size = before;
    return st;
}
