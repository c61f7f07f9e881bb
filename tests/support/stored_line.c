/* SPDX-License-Identifier: Apache-2.0 */
/* stored_line.c -- see stored_line.h. */
#include "support/stored_line.h"

#include "telltale/encode.h"
#include "telltale/store_file.h"

struct again {
    struct buf *out;
    size_t count;
};

static enum status encode_again(void *context, const struct store_record_view *view,
                                struct error *err)
{
    struct again *again = context;

    again->count++;
    return encode_otlp_json_line(view->group, view->bytes, SLICE_EMPTY, again->out, err);
}

enum status stored_line_again(struct store_record *reader, struct slice line, struct buf *out,
                              size_t *ret_count, struct error *err)
{
    struct again again = {.out = out};

    enum status st = store_record_read(reader, line, encode_again, &again, err);
    if (st == ST_OK)
        *ret_count = again.count;
    return st;
}

bool stored_line_is_stable(struct store_record *reader, struct slice line)
{
    struct error err;
    struct buf second;
    size_t count = 0;

    buf_init(&second, STORE_LINE_SIZE_MAX);
    enum status st = stored_line_again(reader, line, &second, &count, &err);
    bool stable = st == ST_OK && count == 1 && slice_equal(line, buf_slice(&second));
    buf_fini(&second);
    return stable;
}
