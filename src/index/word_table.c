/* SPDX-License-Identifier: Apache-2.0 */
/* word_table.c -- see word_table.h.
 *
 * A word is 32 bits of its hash.  One that is in nearly all blocks is only named; one in so many
 * that a bit a block is less than its share of their filters has these bits; the others are in the
 * filters.
 *
 *     4  number of blocks
 *     4  number of words in nearly all blocks
 *     4  number of words with bits
 *     4  for each of the first, sorted
 *     4  for each of the second, sorted
 *     the bits of the second, in whole bytes each
 *     8  for each block: offset of its filter from the first one, 4, and its size, 4; a size of 0:
 * no other words, of UINT32_MAX: it may have any word the filters
 */
#include "index/word_table.h"

#include "util/le.h"

enum { HEAD_SIZE = 12, WORD_BITS = 32, FILTER_BITS = 10, BLOCK_ENTRY_SIZE = 8 };

enum where { IN_FILTERS, IN_BITS, EVERYWHERE };

static uint32_t word_of(uint64_t pair)
{
    return (uint32_t)(pair >> (64 - WORD_BITS));
}

static enum where choose(size_t in_blocks, size_t block_count)
{
    if (in_blocks * FILTER_BITS <= WORD_BITS)
        return IN_FILTERS;
    if (in_blocks * 8 >= block_count * 7)
        return EVERYWHERE;
    return in_blocks * FILTER_BITS > WORD_BITS + block_count ? IN_BITS : IN_FILTERS;
}

/* The pairs of one word begin at `from`: where they end. */
static size_t end_of_word(const struct pair_list *list, size_t from)
{
    size_t end = from + 1;

    while (end < list->count && word_of(list->pairs[end]) == word_of(list->pairs[from]))
        end++;
    return end;
}

static enum status append32(struct buf *out, uint32_t value, struct error *err)
{
    uint8_t bytes[4];
    le32_put(bytes, value);
    return buf_append(out, bytes, sizeof(bytes), err);
}

static enum status append_words(const struct pair_list *list, size_t block_count, enum where where,
                                struct buf *out, uint32_t *ret_count, struct error *err)
{
    enum status st = ST_OK;

    *ret_count = 0;
    for (size_t at = 0; st == ST_OK && at < list->count;) {
        size_t end = end_of_word(list, at);
        if (choose(end - at, block_count) == where) {
            st = append32(out, word_of(list->pairs[at]), err);
            ++*ret_count;
        }
        at = end;
    }
    return st;
}

static enum status append_bits(const struct pair_list *list, size_t block_count, struct buf *out,
                               struct error *err)
{
    size_t size = (block_count + 7) / 8;

    for (size_t at = 0; at < list->count;) {
        size_t end = end_of_word(list, at);
        if (choose(end - at, block_count) == IN_BITS) {
            enum status st = buf_reserve(out, size, err);
            if (st != ST_OK)
                return st;
            uint8_t *bits = out->data + out->size;
            memset(bits, 0, size);
            for (size_t i = at; i < end; i++) {
                uint32_t block = pair_place(list->pairs[i]);
                bits[block / 8] |= (uint8_t)(1 << (block % 8));
            }
            out->size += size;
        }
        at = end;
    }
    return ST_OK;
}

/* The words that are in filters, by block: `ends` of each in *ret_words. */
static enum status sort_into_blocks(const struct pair_list *list, size_t block_count,
                                    uint32_t **ret_words, size_t *ends, struct error *err)
{
    uint32_t *words = malloc((list->count + 1) * sizeof(*words));
    size_t start = 0;

    if (words == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu words", list->count);
    memset(ends, 0, block_count * sizeof(*ends));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at < list->count;) {
            size_t end = end_of_word(list, at);
            bool wanted = choose(end - at, block_count) == IN_FILTERS;
            for (size_t i = at; wanted && i < end; i++) {
                size_t *place = &ends[pair_place(list->pairs[i])];
                if (pass == 1)
                    words[*place] = word_of(list->pairs[i]);
                ++*place;
            }
            at = end;
        }
        for (size_t i = 0; pass == 0 && i < block_count; i++) {
            size_t count = ends[i];
            ends[i] = start;
            start += count;
        }
    }
    *ret_words = words;
    return ST_OK;
}

static enum status append_filters(const struct pair_list *list, const uint64_t *unknown,
                                  size_t block_count, struct fuse_maker *maker, struct buf *out,
                                  struct error *err)
{
    size_t ends[WORD_BLOCKS_MAX];
    uint32_t *words;
    size_t table = out->size;

    enum status st = sort_into_blocks(list, block_count, &words, ends, err);
    if (st != ST_OK)
        return st;
    st = buf_reserve(out, block_count * BLOCK_ENTRY_SIZE, err);
    out->size += st == ST_OK ? block_count * BLOCK_ENTRY_SIZE : 0;
    size_t filters = out->size;
    for (size_t i = 0; st == ST_OK && i < block_count; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        size_t before = out->size;
        bool any = (unknown[i / 64] >> (i % 64) & 1) != 0;
        if (!any && ends[i] > start) {
            st = fuse_filter_append(maker, words + start, ends[i] - start, out, err);
            any = st == ST_LIMIT;
            st = any ? ST_OK : st;
        }
        le32_put(out->data + table + i * BLOCK_ENTRY_SIZE, (uint32_t)(before - filters));
        le32_put(out->data + table + i * BLOCK_ENTRY_SIZE + 4,
                 any ? UINT32_MAX : (uint32_t)(out->size - before));
    }
    free(words);
    return st;
}

enum status word_table_append(const struct pair_list *list, const uint64_t *unknown,
                              size_t block_count, struct fuse_maker *maker, struct buf *out,
                              struct error *err)
{
    size_t head = out->size;
    uint32_t everywhere = 0;
    uint32_t with_bits = 0;

    ASSERT(block_count <= WORD_BLOCKS_MAX);
    enum status st = buf_reserve(out, HEAD_SIZE, err);
    if (st != ST_OK)
        return st;
    out->size += HEAD_SIZE;
    st = append_words(list, block_count, EVERYWHERE, out, &everywhere, err);
    if (st == ST_OK)
        st = append_words(list, block_count, IN_BITS, out, &with_bits, err);
    if (st == ST_OK)
        st = append_bits(list, block_count, out, err);
    if (st == ST_OK)
        st = append_filters(list, unknown, block_count, maker, out, err);
    if (st != ST_OK)
        return st;
    le32_put(out->data + head, (uint32_t)block_count);
    le32_put(out->data + head + 4, everywhere);
    le32_put(out->data + head + 8, with_bits);
    return ST_OK;
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool find_word(const uint8_t *words, size_t count, uint32_t word, size_t *ret)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (le32_get(words + 4 * middle) < word)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return low < count && le32_get(words + 4 * low) == word;
}

static bool is_marked_unknown(const uint8_t *entry)
{
    return le32_get(entry + 4) == UINT32_MAX;
}

static bool filter_has(struct slice filters, const uint8_t *entry, uint32_t word)
{
    uint32_t offset = le32_get(entry);
    uint32_t size = le32_get(entry + 4);

    if (size == 0)
        return false;
    if (offset > filters.size || size > filters.size - offset)
        return true;
    return fuse_filter_has(slice_of(filters.data + offset, size), word);
}

void word_table_keep(struct slice table, uint64_t hash, struct frame_set *blocks)
{
    uint32_t word = (uint32_t)(hash >> (64 - WORD_BITS));
    size_t at;

    if (table.size < HEAD_SIZE || le32_get(table.data) != blocks->count)
        return;
    size_t everywhere = le32_get(table.data + 4);
    size_t with_bits = le32_get(table.data + 8);
    size_t bits_size = (blocks->count + 7) / 8;
    struct slice rest = slice_from(table, HEAD_SIZE);
    if (everywhere > rest.size / 4 || with_bits > (rest.size - 4 * everywhere) / (4 + bits_size) ||
        rest.size - 4 * everywhere - (4 + bits_size) * with_bits <
            blocks->count * BLOCK_ENTRY_SIZE ||
        find_word(rest.data, everywhere, word, &at))
        return;
    rest = slice_from(rest, 4 * everywhere);
    bool has_bits = find_word(rest.data, with_bits, word, &at);
    const uint8_t *bits = rest.data + 4 * with_bits + at * bits_size;
    rest = slice_from(rest, (4 + bits_size) * with_bits);
    struct slice filters = slice_from(rest, blocks->count * BLOCK_ENTRY_SIZE);
    for (size_t i = 0; i < blocks->count; i++) {
        const uint8_t *entry = rest.data + i * BLOCK_ENTRY_SIZE;
        bool may = is_marked_unknown(entry) || (has_bits ? (bits[i / 8] >> (i % 8) & 1) != 0
                                                         : filter_has(filters, entry, word));
        if (!may)
            blocks->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
}
