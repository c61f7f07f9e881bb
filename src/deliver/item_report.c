/* SPDX-License-Identifier: Apache-2.0 */
/* item_report.c -- see item_report.h.  Destinations say the same of many records, so words that are
 * those of the record before are not kept twice. */
#include "deliver/item_report.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_KEEP = 4096 };

_Static_assert(offsetof(struct item_report, report) == 0, "tell() gets from the one to the other");

void item_report_init(struct item_report *self)
{
    *self = (struct item_report){.count = 0};
    buf_init(&self->words, ITEM_WORDS_SIZE_MAX);
}

void item_report_fini(struct item_report *self)
{
    free(self->items);
    buf_fini(&self->words);
    *self = (struct item_report){.count = 0};
}

/* Nothing has been said about any record. */
static bool begin_telling(struct item_report *self)
{
    if (self->count > self->capacity) {
        free(self->items);
        self->items = calloc(self->count, sizeof(*self->items));
        self->capacity = self->items != NULL ? self->count : 0;
    } else {
        memset(self->items, 0, self->count * sizeof(*self->items));
    }
    self->is_told = self->items != NULL;
    return self->is_told;
}

/* Where the words stand from now on; 0: nowhere. */
static uint32_t keep_words(struct item_report *self, const char *words)
{
    const char *last =
        self->last_words > 0 ? (const char *)self->words.data + self->last_words - 1 : NULL;
    size_t size = words != NULL ? strnlen(words, ITEM_WORDS_MAX) : 0;
    size_t before = self->words.size;
    struct error ignored; /* then it has no words of its own */

    if (size == 0)
        return 0;
    if (last != NULL && strlen(last) == size && memcmp(last, words, size) == 0)
        return self->last_words;
    if (buf_append(&self->words, words, size, &ignored) != ST_OK)
        return 0;
    if (buf_append(&self->words, "", 1, &ignored) != ST_OK) {
        self->words.size = before;
        return 0;
    }
    self->last_words = (uint32_t)before + 1;
    return self->last_words;
}

static void tell(struct export_report *report, size_t index, enum item_outcome outcome,
                 const char *words)
{
    struct item_report *self = (struct item_report *)(void *)report;
    bool is_refused = outcome == ITEM_REJECTED || outcome == ITEM_TOO_LARGE;

    if (index >= self->count || (!self->is_told && !begin_telling(self)))
        return;
    self->items[index] = (struct item){.outcome = (uint8_t)outcome,
                                       .words = is_refused ? keep_words(self, words) : 0};
}

void item_report_begin(struct item_report *self, size_t count)
{
    self->report = (struct export_report){.tell = tell};
    self->count = count;
    self->is_told = false;
    self->last_words = 0;
    buf_trim(&self->words, WORDS_KEEP);
}

enum item_outcome item_report_outcome(const struct item_report *self, size_t index)
{
    ASSERT(index < self->count);
    return self->is_told ? (enum item_outcome)self->items[index].outcome : ITEM_RETRY;
}

const char *item_report_words(const struct item_report *self, size_t index)
{
    ASSERT(index < self->count);
    uint32_t words = self->is_told ? self->items[index].words : 0;
    return words > 0 ? (const char *)self->words.data + words - 1 : self->report.message;
}

void item_report_keep(struct item_report *self, size_t index)
{
    ASSERT(index < self->count && self->is_told);
    self->items[index].outcome = ITEM_RETRY;
}
