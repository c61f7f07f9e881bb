/* SPDX-License-Identifier: Apache-2.0 */
/* compress_fuzz.c -- any bytes as a compressed body: the limit holds, and what is refused leaves
 * nothing behind.  The first byte chooses the encoding and how small the limit is. */
#include "wire/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return -1;
    struct error err;
    struct buf out;
    buf_init(&out, (size_t)4 << (data[0] >> 4 & 15) << 3);
    ASSERT(buf_append(&out, "kept", 4, &err) == ST_OK);
    static const enum content_encoding encodings[] = {ENCODING_ZSTD, ENCODING_GZIP, ENCODING_ZLIB};
    enum content_encoding encoding = encodings[data[0] & 2 ? 2 : data[0] & 1];
    enum status st = content_decode(encoding, slice_of(data + 1, size - 1), &out, &err);
    ASSERT(st == ST_OK || st == ST_INVALID || st == ST_LIMIT);
    ASSERT(out.capacity <= out.limit && memcmp(out.data, "kept", 4) == 0);
    ASSERT(st == ST_OK ? out.size >= 4 : out.size == 4);
    buf_fini(&out);
    return 0;
}
