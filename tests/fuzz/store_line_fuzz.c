/* SPDX-License-Identifier: Apache-2.0 */
/* store_line_fuzz.c -- lines of a store that somebody has changed: records that come out can be
 * encoded again and then say the same. */
#include <stdlib.h>

#include "support/stored_line.h"
#include "telltale/store_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the first line off. */
static struct slice next_line(struct slice *rest)
{
    const uint8_t *newline = memchr(rest->data, '\n', rest->size);
    ASSERT(newline != NULL);
    struct slice line = slice_of(rest->data, (size_t)(newline - rest->data) + 1);
    *rest = slice_from(*rest, line.size);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store_record *reader;
    struct store_place place;
    struct error err;
    struct buf lines;
    size_t count = 0;

    if (reader == NULL && store_record_create(&reader, &err) != ST_OK)
        abort();
    (void)store_line_place(slice_of(data, size), &place);
    buf_init(&lines, STORE_LINE_SIZE_MAX);
    enum status st = stored_line_again(reader, slice_of(data, size), &lines, &count, &err);
    struct slice rest = buf_slice(&lines);
    while (st == ST_OK && count-- > 0)
        ASSERT(stored_line_is_stable(reader, next_line(&rest)));
    buf_fini(&lines);
    return 0;
}
