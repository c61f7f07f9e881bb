/* SPDX-License-Identifier: Apache-2.0 */
/* text_table.c -- open addressing; at most a quarter of the slots are taken, so that a probe ends.
 */
#include "normalize/text_table.h"

#include <stdlib.h>

enum status text_table_init(struct text_table *table, size_t count_max, struct error *err)
{
    ASSERT(count_max < TEXT_TABLE_NONE / 2);
    size_t slot_count = 4;
    while (slot_count < 4 * count_max)
        slot_count *= 2;
    *table = (struct text_table){.slot_count = slot_count, .count_max = count_max};
    table->slots = malloc(slot_count * sizeof(*table->slots));
    table->keys = calloc(count_max + 1, sizeof(*table->keys));
    if (table->slots == NULL || table->keys == NULL) {
        text_table_fini(table);
        return error_set(err, ST_NO_MEMORY, "a table of %zu texts", count_max);
    }
    memset(table->slots, 0xff, slot_count * sizeof(*table->slots));
    return ST_OK;
}

void text_table_fini(struct text_table *table)
{
    free(table->slots);
    free(table->keys);
    *table = (struct text_table){.slots = NULL};
}

void text_table_add(struct text_table *table, struct slice text, uint16_t id)
{
    ASSERT(table->count < table->count_max);
    ASSERT(id != TEXT_TABLE_NONE);
    ASSERT(text_table_find(table, text) == TEXT_TABLE_NONE);
    struct text_key key = {.text = text, .id = id};
    text_ends(text, &key.head, &key.tail);
    size_t mask = table->slot_count - 1;
    size_t at = text_hash(key.head, key.tail, text.size) & mask;
    while (table->slots[at] != TEXT_TABLE_NONE)
        at = (at + 1) & mask;
    table->slots[at] = (uint16_t)table->count;
    table->keys[table->count++] = key;
}
