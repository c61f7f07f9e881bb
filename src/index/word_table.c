/* SPDX-License-Identifier: Apache-2.0 */
/* word_table.c -- see word_table.h.
 *
 * A word is 32 bits of its hash.  A filter is made as soon as its block ends, so that no call has
 * much to do.  It was tried to keep words that are in many blocks out of the filters, with a bit a
 * block: an index became a quarter smaller, and took a fifth longer to make, much of it in one go.
 *
 *     4  number of blocks
 *     4  reserved, 0
 *     8  for each block: offset of its filter from the first one, 4, and its size, 4; a size of 0:
 *        no words, of UINT32_MAX: it may have any word
 *     the filters
 */
#include "index/word_table.h"

#include <stdlib.h>

#include "util/le.h"

enum {
    HEAD_SIZE = 8,
    BLOCK_ENTRY_SIZE = 8,
    FIRST_CAPACITY = 1 << 12,
};

void word_table_init(struct word_table_maker *maker)
{
    *maker = (struct word_table_maker){0};
    buf_init(&maker->entries, (size_t)WORD_BLOCKS_MAX * BLOCK_ENTRY_SIZE);
    buf_init(&maker->filters, UINT32_MAX);
}

void word_table_fini(struct word_table_maker *maker)
{
    free(maker->words);
    buf_fini(&maker->entries);
    buf_fini(&maker->filters);
    word_table_init(maker);
}

enum status word_table_grow(struct word_table_maker *maker, struct error *err)
{
    if (maker->count >= WORD_FILTER_WORDS_MAX)
        return error_set(err, ST_LIMIT, "more than %d words", (int)WORD_FILTER_WORDS_MAX);
    size_t capacity = maker->capacity > 0 ? 2 * maker->capacity : FIRST_CAPACITY;
    uint32_t *words = reallocarray(maker->words, capacity, sizeof(*words));
    if (words == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu words", capacity);
    maker->words = words;
    maker->capacity = capacity;
    return ST_OK;
}

enum status word_table_end_block(struct word_table_maker *maker, bool has_any, struct error *err)
{
    size_t start = maker->filters.size;
    uint8_t entry[BLOCK_ENTRY_SIZE];
    enum status st = ST_OK;

    if (!has_any && maker->count > 0) {
        st = word_filter_append(maker->words, maker->count, &maker->filters, err);
        has_any = st == ST_LIMIT;
    }
    maker->count = 0;
    if (st != ST_OK && st != ST_LIMIT)
        return st;
    le32_put(entry, (uint32_t)start);
    le32_put(entry + 4, has_any ? UINT32_MAX : (uint32_t)(maker->filters.size - start));
    return buf_append(&maker->entries, entry, sizeof(entry), err);
}

enum status word_table_append(struct word_table_maker *maker, struct buf *out, struct error *err)
{
    uint8_t head[HEAD_SIZE] = {0};

    le32_put(head, (uint32_t)(maker->entries.size / BLOCK_ENTRY_SIZE));
    enum status st = buf_append(out, head, sizeof(head), err);
    if (st == ST_OK)
        st = buf_append(out, maker->entries.data, maker->entries.size, err);
    if (st == ST_OK)
        st = buf_append(out, maker->filters.data, maker->filters.size, err);
    buf_clear(&maker->entries);
    buf_clear(&maker->filters);
    return st;
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool may_have(const uint8_t *entry, struct slice filters, uint32_t word)
{
    uint32_t offset = le32_get(entry);
    uint32_t size = le32_get(entry + 4);

    if (size == 0)
        return false;
    if (size == UINT32_MAX || offset > filters.size || size > filters.size - offset)
        return true;
    return word_filter_has(slice_of(filters.data + offset, size), word);
}

void word_table_keep(struct slice table, uint64_t hash, struct frame_set *blocks)
{
    if (table.size < HEAD_SIZE || le32_get(table.data) != blocks->count ||
        (table.size - HEAD_SIZE) / BLOCK_ENTRY_SIZE < blocks->count)
        return;
    const uint8_t *entries = table.data + HEAD_SIZE;
    struct slice filters = slice_from(table, HEAD_SIZE + blocks->count * BLOCK_ENTRY_SIZE);
    for (size_t i = 0; i < blocks->count; i++) {
        if (!may_have(entries + i * BLOCK_ENTRY_SIZE, filters, word_table_word(hash)))
            blocks->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
}
