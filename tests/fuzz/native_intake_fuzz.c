/* SPDX-License-Identifier: Apache-2.0 */
/* native_intake_fuzz.c -- any bytes as lines of the Unix protocol, all the way: read, normalized,
 * grouped by resource, and each record that was taken into the store and back. */
#include "receivers/native_intake.h"
#include "support/made_record.h"
#include "support/taken.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16, BATCH_SIZE = 64 << 20, LINES_MAX = 32 };

static struct native_intake *intake;
static struct store_record *reader;

static void set_up(void)
{
    struct error err;

    if (intake != NULL)
        return;
    ASSERT(native_intake_create(&otlp_limits_default, &intake, &err) == ST_OK);
    ASSERT(store_record_create(&reader, &err) == ST_OK);
}

/* What is refused leaves the batch as it was, and gives a reason. */
static void add(struct append_batch *batch, struct slice line)
{
    struct error err = {.status = ST_OK};
    size_t before = append_batch_count(batch);

    enum status st = native_intake_add(intake, line, made_peer(), 1795209900000000000, &err);
    if (st == ST_OK) {
        ASSERT(append_batch_count(batch) == before + 1);
        taken_check(batch, before, SLICE_EMPTY, reader);
    } else {
        ASSERT((st == ST_INVALID || st == ST_LIMIT) && err.text[0] != 0);
        ASSERT(append_batch_count(batch) == before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    struct append_batch *batch;
    struct error err;

    if (size > INPUT_MAX)
        return -1;
    set_up();
    ASSERT(append_batch_create(BATCH_SIZE, &batch, &err) == ST_OK);
    native_intake_use_batch(intake, batch);
    for (int i = 0; i < LINES_MAX && rest.size > 0 && native_intake_has_room(intake); i++) {
        const uint8_t *newline = memchr(rest.data, '\n', rest.size);
        size_t length = newline != NULL ? (size_t)(newline - rest.data) : rest.size;
        add(batch, slice_of(rest.data, length));
        rest = slice_from(rest, newline != NULL ? length + 1 : length);
    }
    append_batch_destroy(batch);
    return 0;
}
