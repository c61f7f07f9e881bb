/* SPDX-License-Identifier: Apache-2.0 */
/* store_line_fuzz.c -- lines of a store that somebody has changed: records that come out can be
 * encoded again and then say the same. */
#include <stdlib.h>

#include "store/store_record.h"
#include "telltale/encode.h"
#include "telltale/store_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_SIZE_MAX = 16 << 20 };

struct again {
    struct buf line;
    size_t records;
};

static enum status encode_again(void *context, const struct store_record_view *view,
                                struct error *err)
{
    struct again *again = context;

    again->records++;
    buf_clear(&again->line);
    return encode_otlp_json_line(view->group, view->bytes, SLICE_EMPTY, &again->line, err);
}

/* What was encoded must read as one record and encode to the same bytes. */
static void check_stable(struct store_record *reader, const struct again *first)
{
    struct again second = {.records = 0};
    struct error err;

    buf_init(&second.line, LINE_SIZE_MAX);
    enum status st =
        store_record_read(reader, buf_slice(&first->line), encode_again, &second, &err);
    ASSERT(st == ST_OK && second.records == 1);
    ASSERT(slice_equal(buf_slice(&first->line), buf_slice(&second.line)));
    buf_fini(&second.line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store_record *reader;
    struct again again = {.records = 0};
    struct store_place place;
    struct error err;

    if (reader == NULL && store_record_create(&reader, &err) != ST_OK)
        abort();
    (void)store_line_place(slice_of(data, size), &place);
    buf_init(&again.line, LINE_SIZE_MAX);
    enum status st = store_record_read(reader, slice_of(data, size), encode_again, &again, &err);
    if (st == ST_OK && again.records > 0)
        check_stable(reader, &again);
    buf_fini(&again.line);
    return 0;
}
