/* SPDX-License-Identifier: Apache-2.0 */
/* http_pack.c -- see http_pack.h.  Compressors are made once: their memory is most of their cost.
 */
#include "http/http_pack.h"

#include <libdeflate.h>
#include <zstd.h>

#include "http/http_limits.h"

enum status http_pack_init(struct http_pack *pack, enum http_compression compression,
                           unsigned level, struct error *err)
{
    *pack = (struct http_pack){.deflate = NULL};
    buf_init(&pack->out, HTTP_BODY_MAX);
    if (compression == HTTP_COMPRESSION_GZIP) {
        pack->deflate = libdeflate_alloc_compressor((int)level);
        if (pack->deflate == NULL)
            return error_set(err, ST_NO_MEMORY, "make a compressor");
    }
    if (compression == HTTP_COMPRESSION_ZSTD) {
        pack->zstd = ZSTD_createCCtx();
        if (pack->zstd == NULL)
            return error_set(err, ST_NO_MEMORY, "make a compressor");
        size_t code = ZSTD_CCtx_setParameter(pack->zstd, ZSTD_c_compressionLevel, (int)level);
        ASSERT(!ZSTD_isError(code)); /* levels are bounded by the configuration */
    }
    return ST_OK;
}

void http_pack_fini(struct http_pack *pack)
{
    if (pack->deflate != NULL)
        libdeflate_free_compressor(pack->deflate);
    (void)ZSTD_freeCCtx(pack->zstd); /* accepts NULL, cannot fail */
    buf_fini(&pack->out);
}

static enum status pack_gzip(struct http_pack *pack, struct slice body, struct error *err)
{
    size_t bound = libdeflate_gzip_compress_bound(pack->deflate, body.size);

    enum status st = buf_reserve(&pack->out, bound, err);
    if (st != ST_OK)
        return st;
    pack->out.size = libdeflate_gzip_compress(pack->deflate, body.data, body.size, pack->out.data,
                                              buf_room(&pack->out));
    ASSERT(pack->out.size > 0); /* the bound is large enough for anything */
    return ST_OK;
}

static enum status pack_zstd(struct http_pack *pack, struct slice body, struct error *err)
{
    enum status st = buf_reserve(&pack->out, ZSTD_compressBound(body.size), err);
    if (st != ST_OK)
        return st;
    size_t size =
        ZSTD_compress2(pack->zstd, pack->out.data, buf_room(&pack->out), body.data, body.size);
    if (ZSTD_isError(size)) /* the room is enough, so it is its own memory */
        return error_set(err, ST_NO_MEMORY, "compress: %s", ZSTD_getErrorName(size));
    pack->out.size = size;
    return ST_OK;
}

enum status http_pack_body(struct http_pack *pack, struct slice body, struct slice *ret,
                           struct error *err)
{
    if (http_pack_encoding(pack) == NULL || body.size == 0) {
        *ret = body;
        return ST_OK;
    }
    buf_clear(&pack->out);
    enum status st =
        pack->deflate != NULL ? pack_gzip(pack, body, err) : pack_zstd(pack, body, err);
    if (st == ST_OK)
        *ret = buf_slice(&pack->out);
    return st;
}

const char *http_pack_encoding(const struct http_pack *pack)
{
    if (pack->deflate != NULL)
        return "gzip";
    return pack->zstd != NULL ? "zstd" : NULL;
}
