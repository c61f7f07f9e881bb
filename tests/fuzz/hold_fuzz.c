/* SPDX-License-Identifier: Apache-2.0 */
/* hold_fuzz.c -- the file of a legal hold, whatever stands there: it is refused, or it reads as a
 * hold that writes and reads as the same. */
#include "telltale/hold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4 << 20 };

static void write_hold(const struct hold *hold, struct buf *out)
{
    struct error err;

    buf_init(out, TEXT_MAX);
    ASSERT(hold_put(hold, out, &err) == ST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hold *hold = NULL;
    struct hold *again = NULL;
    struct error err;
    struct buf first;
    struct buf second;

    enum status st = hold_read(slice_of(data, size), &hold, &err);
    ASSERT(st == ST_OK || st == ST_INVALID || st == ST_NO_MEMORY);
    if (st != ST_OK)
        return 0;
    write_hold(hold, &first);
    ASSERT(hold_read(buf_slice(&first), &again, &err) == ST_OK);
    write_hold(again, &second);
    ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    hold_destroy(hold);
    hold_destroy(again);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
