/* SPDX-License-Identifier: Apache-2.0 */
/* contents.h -- what the records of a file say of themselves: sessions, kinds, outcomes, agents,
 * users and hosts, and how often.  Gathered while an index is made, then part of it.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/store_index.h"

enum {
    CONTENTS_SESSIONS_MAX = 1 << 14, /* sessions and conversations of a file */
    CONTENTS_TEXTS_MAX = 1 << 13,    /* kinds, outcomes, agents, users and hosts */
    CONTENTS_TEXT_SIZE_MAX = 256,    /* of one of them, or of the id of a session */
    CONTENTS_NONE = -1,              /* no text, no session; or one for which there was no room */
};

struct contents_list {
    struct contents_item *items; /* owned */
    uint32_t *slots;             /* owned: of a hash table, number of the item + 1 */
    size_t count;
    size_t capacity;
    size_t max;
    bool is_full; /* something was left out */
};

struct contents {
    struct contents_list sessions;
    struct contents_list texts;
    struct buf bytes; /* of their texts */
    uint64_t seed;
};

/* What one record says, as numbers that contents_find...() gave. */
struct contents_record {
    int32_t session;
    int32_t conversation;
    int32_t facts[INDEX_FACT_COUNT];
    bool is_denied;
    bool is_failure;
    uint64_t unix_ns; /* 0: it does not say */
};

void contents_init(struct contents *contents, uint64_t seed);
void contents_fini(struct contents *contents);

/* The number of a session or conversation, or of a text; CONTENTS_NONE: there is no room for more
 * of them.  It stays the same. */
MUST_CHECK enum status contents_find_session(struct contents *contents, struct slice id,
                                             int32_t *ret, struct error *err);
MUST_CHECK enum status contents_find_text(struct contents *contents, enum store_index_fact fact,
                                          struct slice text, int32_t *ret, struct error *err);

/* Counts a record. */
void contents_count(struct contents *contents, const struct contents_record *record);

/* Appends all of it. */
MUST_CHECK enum status contents_append(const struct contents *contents, struct buf *out,
                                       struct error *err);

/* --- Reading what was appended, at any address ----------------------------------------------- */

/* False: it is damaged.  `ret` borrows `bytes`. */
struct contents_view {
    struct slice bytes;
    bool has_all_sessions;
    bool has_all_texts;
    size_t session_count;
    size_t text_count;
    struct slice texts; /* the bytes of all texts */
};

bool contents_read(struct slice bytes, struct contents_view *ret);
void contents_session(const struct contents_view *view, size_t number,
                      struct store_index_session *ret);
void contents_tally(const struct contents_view *view, size_t number, struct store_index_tally *ret);
