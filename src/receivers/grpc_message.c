/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_message.c -- see grpc_message.h. */
#include "receivers/grpc_message.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

#include "wire/compress.h"

static enum status inflate(struct grpc_message *message, grpc_compression_algorithm algorithm,
                           struct error *err)
{
    enum content_encoding encoding = ENCODING_NONE;

    switch (algorithm) {
    case GRPC_COMPRESS_GZIP:
        encoding = ENCODING_GZIP;
        break;
    case GRPC_COMPRESS_DEFLATE:
        encoding = ENCODING_ZLIB;
        break;
    default:
        break;
    }
    if (encoding == ENCODING_NONE)
        return ST_OK;
    enum status st = content_decode(encoding, message->content, &message->inflated, err);
    if (st != ST_OK)
        return error_context(err, "inflate the message");
    message->content = buf_slice(&message->inflated);
    return ST_OK;
}

enum status grpc_message_open(struct grpc_message *message, grpc_byte_buffer *buffer,
                              size_t size_max, struct error *err)
{
    grpc_byte_buffer_reader reader;

    message->bytes = grpc_empty_slice();
    buf_init(&message->inflated, size_max);
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return error_set(err, ST_IO, "the message cannot be read");
    message->bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    message->content =
        slice_of(GRPC_SLICE_START_PTR(message->bytes), GRPC_SLICE_LENGTH(message->bytes));
    return inflate(message, buffer->data.raw.compression, err);
}

void grpc_message_close(struct grpc_message *message)
{
    buf_fini(&message->inflated);
    grpc_slice_unref(message->bytes);
}
