/* SPDX-License-Identifier: Apache-2.0 */
/* group_table.c -- open addressing with linear probing, at most half full.  A candidate is
 * encoded behind the last group and stays there only if it was not known. */
#include "journal/group_table.h"

#include <stdlib.h>
#include <string.h>

#include "journal/frame.h"
#include "util/random.h"

enum {
    FIRST_CAPACITY = 8,
    SLOTS_PER_ENTRY = 2,
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(uint64_t seed, struct slice bytes)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = seed;
    uint64_t words[2];

    for (; bytes.size >= sizeof(words); bytes = slice_from(bytes, sizeof(words))) {
        memcpy(words, bytes.data, sizeof(words));
        hash = mix(words[0] ^ odd, words[1] ^ hash);
    }
    memset(words, 0, sizeof(words));
    if (bytes.size > 0)
        memcpy(words, bytes.data, bytes.size);
    hash = mix(words[0] ^ odd, words[1] ^ hash);
    return mix(hash ^ bytes.size, odd);
}

void group_table_init(struct group_table *table, size_t bytes_max, size_t count_max)
{
    ASSERT(count_max <= UINT32_MAX / (2 * SLOTS_PER_ENTRY));
    *table = (struct group_table){.count_max = count_max};
    buf_init(&table->bytes, bytes_max);
    table->seed = random_bits() | 1;
}

void group_table_fini(struct group_table *table)
{
    buf_fini(&table->bytes);
    free(table->entries);
    free(table->slots);
    table->entries = NULL;
    table->slots = NULL;
    table->count = table->capacity = table->slot_count = 0;
}

void group_table_clear(struct group_table *table, size_t keep)
{
    buf_trim(&table->bytes, keep);
    if (table->capacity * sizeof(*table->entries) > keep) {
        group_table_fini(table);
    } else if (table->count > 0) {
        memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
        table->count = 0;
    }
}

static struct slice entry_bytes(const struct group_table *table, const struct group_entry *entry)
{
    return slice_of(table->bytes.data + entry->offset, entry->size);
}

struct slice group_table_get(const struct group_table *table, uint32_t index)
{
    ASSERT(index < table->count);
    return entry_bytes(table, &table->entries[index]);
}

/* The slot of the group, or the free one where it belongs. */
static uint32_t *find_slot(const struct group_table *table, uint64_t hash, struct slice encoded)
{
    size_t mask = table->slot_count - 1;

    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &table->slots[at];
        if (*slot == 0)
            return slot;
        const struct group_entry *entry = &table->entries[*slot - 1];
        if (entry->hash == hash && slice_equal(entry_bytes(table, entry), encoded))
            return slot;
    }
}

static void fill_slots(struct group_table *table)
{
    size_t mask = table->slot_count - 1;

    for (size_t i = 0; i < table->count; i++) {
        size_t at = table->entries[i].hash & mask;
        while (table->slots[at] != 0)
            at = (at + 1) & mask;
        table->slots[at] = (uint32_t)i + 1;
    }
}

/* Makes room for one more entry. */
static enum status grow(struct group_table *table, struct error *err)
{
    if (table->count < table->capacity)
        return ST_OK;
    size_t capacity = table->capacity > 0 ? table->capacity * 2 : FIRST_CAPACITY;
    struct group_entry *entries = realloc(table->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a table to %zu groups", capacity);
    table->entries = entries;
    uint32_t *slots = calloc(capacity * SLOTS_PER_ENTRY, sizeof(*slots));
    if (slots == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a table to %zu groups", capacity);
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * SLOTS_PER_ENTRY;
    table->capacity = capacity;
    fill_slots(table);
    return ST_OK;
}

/* The candidate stands behind the last group: bytes[start..]. */
static enum status settle(struct group_table *table, size_t start, uint32_t *ret_index,
                          bool *ret_new, struct error *err)
{
    struct slice encoded = slice_of(table->bytes.data + start, table->bytes.size - start);
    uint64_t hash = hash_of(table->seed, encoded);
    uint32_t *slot = find_slot(table, hash, encoded);

    *ret_new = *slot == 0;
    if (*slot != 0) {
        *ret_index = *slot - 1;
        table->bytes.size = start;
        return ST_OK;
    }
    if (table->count == table->count_max) {
        table->bytes.size = start;
        return error_set(err, ST_LIMIT, "more than %zu groups", table->count_max);
    }
    table->entries[table->count] =
        (struct group_entry){.hash = hash, .offset = start, .size = encoded.size};
    *ret_index = (uint32_t)table->count++;
    *slot = *ret_index + 1;
    return ST_OK;
}

enum status group_table_put(struct group_table *table, const struct record_group *group,
                            uint32_t *ret_index, bool *ret_new, struct error *err)
{
    size_t start = table->bytes.size;
    size_t size = group_encoded_size(group);

    if (size == 0)
        return error_set(err, ST_LIMIT, "resource and scope are over %d bytes", GROUP_SIZE_MAX);
    enum status st = grow(table, err);
    if (st == ST_OK)
        st = buf_reserve(&table->bytes, size, err);
    if (st != ST_OK)
        return st;
    group_put(table->bytes.data + start, group);
    table->bytes.size += size;
    return settle(table, start, ret_index, ret_new, err);
}

enum status group_table_put_encoded(struct group_table *table, struct slice encoded,
                                    uint32_t *ret_index, bool *ret_new, struct error *err)
{
    size_t start = table->bytes.size;

    enum status st = grow(table, err);
    if (st == ST_OK)
        st = buf_append(&table->bytes, encoded.data, encoded.size, err);
    if (st != ST_OK)
        return st;
    return settle(table, start, ret_index, ret_new, err);
}
