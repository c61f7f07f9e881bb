/* SPDX-License-Identifier: Apache-2.0 */
/* line_fields.h -- the lines of our own files as flat JSON objects: one table says which members
 * there are, to the writer and to the reader.
 *
 * The reader is strict, so that a line has one meaning for every reader: no member twice, none that
 * the table lacks, values of the right kind and size only.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum { LINE_FIELDS_MAX = 24 };

enum line_field_type {
    LINE_TEXT,   /* char[size], NUL-terminated: as many bytes, less one, without NUL */
    LINE_NOTE,   /* struct buf, cleared before it is read */
    LINE_UINT,   /* uint64_t, up to 2^63 - 1 */
    LINE_TIME,   /* uint64_t, Unix nanoseconds, as RFC 3339 */
    LINE_HEX,    /* uint8_t[size], lower case */
    LINE_BASE64, /* uint8_t[size] */
    LINE_LIST,   /* up to `max` times uint8_t[size], base64; how many is *count */
};

struct line_field {
    const char *name;
    enum line_field_type type;
    void *value;
    size_t size;
    size_t max;
    size_t *count;
};

/* Appends the fields whose bit is in `mask`, in the order of the table, as an object on one line
 * with
 * '\n'. */
MUST_CHECK enum status line_fields_put(const struct line_field *fields, size_t count, uint32_t mask,
                                       struct buf *out, struct error *err);

/* Reads a line, without '\n'; *ret_mask says which fields it has.  ST_INVALID. */
MUST_CHECK enum status line_fields_read(struct slice line, const struct line_field *fields,
                                        size_t count, uint32_t *ret_mask, struct error *err);
