/* SPDX-License-Identifier: Apache-2.0 */
/* group_table.h -- encoded groups, each once, found by their bytes.
 *
 * An append_batch has one for the groups of its records, the writer has one for the groups that
 * the open segment already holds.  Groups are told apart by their bytes and never by a hash
 * alone: records of one agent under the resource of another would be a forged recording.
 *
 * A group's signal is not looked at: records carry it, and those of several signals may share what
 * stands around them.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "telltale/batch.h"
#include "telltale/buf.h"

struct group_entry {
    uint64_t hash;
    size_t offset; /* into bytes */
    size_t size;
};

struct group_table {
    struct buf bytes;            /* the encoded groups, end to end */
    struct group_entry *entries; /* owned; index in order of arrival */
    size_t count;
    size_t capacity;
    size_t count_max;
    uint32_t *slots; /* owned; hash table of index + 1, 0 is free */
    size_t slot_count;
    uint64_t seed; /* nobody outside may know it: no chosen collisions */
};

/* Empty; nothing is allocated. */
void group_table_init(struct group_table *table, size_t bytes_max, size_t count_max);
void group_table_fini(struct group_table *table);

/* Forgets the groups.  Keeps the memory up to `keep` bytes. */
void group_table_clear(struct group_table *table, size_t keep);

/* Finds a group or adds it; *ret_index counts from 0, *ret_new says which it was.
 * ST_LIMIT: the table is full, or the group is larger than GROUP_SIZE_MAX. */
MUST_CHECK enum status group_table_put(struct group_table *table, const struct record_group *group,
                                       uint32_t *ret_index, bool *ret_new, struct error *err);

/* The same, for a group that is encoded already. */
MUST_CHECK enum status group_table_put_encoded(struct group_table *table, struct slice encoded,
                                               uint32_t *ret_index, bool *ret_new,
                                               struct error *err);

/* The encoded group at `index`, good until the next put. */
struct slice group_table_get(const struct group_table *table, uint32_t index);
