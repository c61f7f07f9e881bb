/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_line.c -- see include/telltale/checkpoint_line.h. */
#include "telltale/checkpoint_line.h"

#include "integrity/line_fields.h"

enum { FIELDS = 2, ALL = (1 << FIELDS) - 1 };

enum status checkpoint_line_put(uint64_t unix_ns, struct slice note, struct buf *out,
                                struct error *err)
{
    struct buf text = {.data = (uint8_t *)note.data, .size = note.size};
    const struct line_field fields[FIELDS] = {
        {.name = "time", .type = LINE_TIME, .value = &unix_ns},
        {.name = "checkpoint", .type = LINE_NOTE, .value = &text},
    };

    return line_fields_put(fields, FIELDS, ALL, out, err);
}

enum status checkpoint_line_read(struct slice line, uint64_t *ret_unix_ns, struct buf *note,
                                 struct error *err)
{
    uint64_t unix_ns = 0;
    uint32_t mask;
    const struct line_field fields[FIELDS] = {
        {.name = "time", .type = LINE_TIME, .value = &unix_ns},
        {.name = "checkpoint", .type = LINE_NOTE, .value = note},
    };

    enum status st = line_fields_read(line, fields, FIELDS, &mask, err);
    if (st != ST_OK)
        return st;
    if (mask != ALL)
        return error_set(err, ST_INVALID, "not a time and a checkpoint");
    *ret_unix_ns = unix_ns;
    return ST_OK;
}
