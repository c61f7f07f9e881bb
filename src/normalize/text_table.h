/* SPDX-License-Identifier: Apache-2.0 */
/* text_table.h -- texts known beforehand, each with a small number: attribute keys, names of
 * events.  Made once, then only asked.
 *
 * Threads: after the last text_table_add() any number may ask.
 */
#pragma once

#include <string.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum { TEXT_TABLE_NONE = UINT16_MAX };

/* A text as compared: of up to 16 bytes, head and tail are all of it. */
struct text_key {
    uint64_t head, tail;
    struct slice text; /* borrowed from the caller for good */
    uint16_t id;
};

struct text_table {
    uint16_t *slots;       /* owned; a power of two of them, at least four times the texts */
    struct text_key *keys; /* owned */
    size_t slot_count, count, count_max;
};

MUST_CHECK enum status text_table_init(struct text_table *table, size_t count_max,
                                       struct error *err);
void text_table_fini(struct text_table *table);

/* `text` is borrowed for as long as the table lives; it must not be there yet, and there must be
 * room. */
void text_table_add(struct text_table *table, struct slice text, uint16_t id);

/* The first and the last eight bytes; of shorter texts, bytes that tell them apart as well. */
static inline void text_ends(struct slice text, uint64_t *ret_head, uint64_t *ret_tail)
{
    uint64_t head = 0, tail = 0;
    if (text.size >= 8) {
        memcpy(&head, text.data, 8);
        memcpy(&tail, text.data + text.size - 8, 8);
    } else if (text.size >= 4) {
        memcpy(&head, text.data, 4);
        memcpy(&tail, text.data + text.size - 4, 4);
    } else if (text.size > 0) {
        head = text.data[0] | (uint64_t)text.data[text.size / 2] << 8;
        tail = text.data[text.size - 1];
    }
    *ret_head = head;
    *ret_tail = tail;
}

/* Head, tail and size tell our texts apart well enough; whoever sends others that collide makes
 * a probe longer by as many texts as collide among ours. */
static inline size_t text_hash(uint64_t head, uint64_t tail, size_t size)
{
    uint64_t hash = head * UINT64_C(0x9e3779b97f4a7c15) + tail * UINT64_C(0xd6e8feb86659fd93) +
                    size * 0x85ebca6b;
    return (size_t)((hash ^ hash >> 29) >> 32);
}

/* Compares what lies between head and tail, by words of eight; the last may reach into the tail. */
static inline bool text_middle_equal(struct slice a, struct slice b)
{
    for (size_t at = 8; at + 8 < a.size; at += 8) {
        uint64_t left, right;
        memcpy(&left, a.data + at, 8);
        memcpy(&right, b.data + at, 8);
        if (left != right)
            return false;
    }
    return true;
}

/* The number of `text`, or TEXT_TABLE_NONE. */
static inline uint16_t text_table_find(const struct text_table *table, struct slice text)
{
    uint64_t head, tail;
    text_ends(text, &head, &tail);
    size_t mask = table->slot_count - 1;
    for (size_t at = text_hash(head, tail, text.size) & mask;; at = (at + 1) & mask) {
        if (table->slots[at] == TEXT_TABLE_NONE)
            return TEXT_TABLE_NONE;
        const struct text_key *key = &table->keys[table->slots[at]];
        if (key->head == head && key->tail == tail && key->text.size == text.size &&
            text_middle_equal(key->text, text))
            return key->id;
    }
}
