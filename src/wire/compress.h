/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h -- request bodies that arrive compressed, never larger than a limit when inflated.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum content_encoding { ENCODING_NONE, ENCODING_GZIP, ENCODING_ZSTD, ENCODING_ZLIB };

/* Reads the name of a Content-Encoding ("", "identity", "gzip", "zstd"; any case).
 * ST_INVALID: another one.  ENCODING_ZLIB is gRPC's "deflate" and has no name here. */
MUST_CHECK enum status content_encoding_parse(struct slice name, enum content_encoding *ret,
                                              struct error *err);

/* Appends the inflated bytes; all members or frames of the input, one after another.
 * ST_LIMIT: they are more than `out` may hold (inflating stops there); ST_INVALID: broken or
 * truncated input.  On failure `out` is as it was. */
MUST_CHECK enum status content_decode(enum content_encoding encoding, struct slice body,
                                      struct buf *out, struct error *err);
