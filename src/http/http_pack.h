/* SPDX-License-Identifier: Apache-2.0 */
/* http_pack.h -- request bodies, compressed.
 *
 * Threads: one owner.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/http_config.h"

struct libdeflate_compressor;
struct ZSTD_CCtx_s;

struct http_pack {
    struct libdeflate_compressor *deflate; /* owned; NULL without gzip */
    struct ZSTD_CCtx_s *zstd;              /* owned; NULL without zstd */
    struct buf out;
};

MUST_CHECK enum status http_pack_init(struct http_pack *pack, enum http_compression compression,
                                      unsigned level, struct error *err);
void http_pack_fini(struct http_pack *pack); /* accepts one that is zeroed */

/* The body as it goes out: `body` itself, or borrowed from `pack` until the next one. */
MUST_CHECK enum status http_pack_body(struct http_pack *pack, struct slice body, struct slice *ret,
                                      struct error *err);

/* "gzip"; NULL: bodies go out as they are. */
const char *http_pack_encoding(const struct http_pack *pack);
