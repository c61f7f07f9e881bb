/* SPDX-License-Identifier: Apache-2.0 */
/* loss_spans.c -- see loss_spans.h. */
#include "telltale/loss_spans.h"

#include <stdlib.h>
#include <string.h>

#include "deliver/loss_ledger.h"

enum { LOSS_SPANS_MAX = 1 << 20 };

static enum status take_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    (void)context; /* sums tell no places */
    (void)totals;
    (void)err;
    return ST_OK;
}

/* Records that are gone from the journal, or were never given to the store. */
static bool concerns_store(const struct loss *loss)
{
    bool is_of_store = strncmp(loss->destination, "file", 4) == 0 &&
                       (loss->destination[4] == 0 || loss->destination[4] == '/');

    return loss->first > 0 && loss->first <= loss->last &&
           (is_of_store || strcmp(loss->destination, "journal") == 0);
}

static enum status take_loss(void *context, const struct loss *loss, struct error *err)
{
    struct loss_spans *spans = context;

    if (!concerns_store(loss))
        return ST_OK;
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity > 0 ? 2 * spans->capacity : 64;
        struct loss_span *items = reallocarray(spans->items, capacity, sizeof(*items));
        if (items == NULL || capacity > LOSS_SPANS_MAX)
            return error_set(err, ST_LIMIT, "the loss ledger has more than %zu lines",
                             spans->capacity);
        spans->items = items;
        spans->capacity = capacity;
    }
    struct loss_span *span = &spans->items[spans->count++];
    *span = (struct loss_span){.first = loss->first, .last = loss->last, .records = loss->records};
    memcpy(span->journal_id, loss->journal_id, sizeof(span->journal_id));
    return ST_OK;
}

enum status loss_spans_read(struct loss_spans *spans, const char *state_dir, struct error *err)
{
    const struct loss_visitor visitor = {spans, take_totals, take_loss};
    uint64_t bad_lines = 0;

    *spans = (struct loss_spans){.items = NULL};
    enum status st = loss_ledger_read(state_dir, &visitor, &bad_lines, err);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

void loss_spans_fini(struct loss_spans *spans)
{
    free(spans->items);
    *spans = (struct loss_spans){.items = NULL};
}

uint64_t loss_spans_count(const struct loss_spans *spans, const uint8_t journal_id[JOURNAL_ID_SIZE],
                          uint64_t first, uint64_t last)
{
    uint64_t count = 0;

    for (size_t i = 0; i < spans->count; i++) {
        const struct loss_span *span = &spans->items[i];
        if (memcmp(span->journal_id, journal_id, JOURNAL_ID_SIZE) != 0)
            continue;
        uint64_t from = span->first > first ? span->first : first;
        uint64_t to = span->last < last ? span->last : last;
        uint64_t common = from <= to ? to - from + 1 : 0;
        count += common < span->records ? common : span->records;
    }
    return count;
}
