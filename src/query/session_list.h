/* SPDX-License-Identifier: Apache-2.0 */
/* session_list.h -- the sessions of a store, each with what its records say together.
 *
 * A record counts for its session.id, and for its gen_ai.conversation.id if that is another one.
 * A conversation is listed where the last of its records names no session; else it is a part of
 * that session's row.  Files whose index tells their sessions need not be read: what is counted
 * is the same (telltale/store_index.h).
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "query/field.h"
#include "query/page.h"
#include "telltale/store_index.h"

enum {
    SESSION_LIST_MAX = 1 << 20,  /* sessions and conversations; more are counted and not listed */
    SESSION_TEXT_SIZE_MAX = 256, /* a longer name says nothing; a longer id is left out */
};

struct session_list;

struct session_row {
    struct slice id, product, host, user; /* empty: no record says */
    uint64_t first_unix_ns, last_unix_ns; /* 0: no record says */
    uint64_t record_count, denied_count, failure_count;
};

MUST_CHECK enum status session_list_create(struct session_list **ret, struct error *err);
void session_list_destroy(struct session_list *list); /* accepts NULL */

/* ST_NO_MEMORY. */
MUST_CHECK enum status session_list_add(struct session_list *list,
                                        const struct field_record *record, struct error *err);
MUST_CHECK enum status session_list_add_index(struct session_list *list,
                                              const struct store_index *index, struct error *err);

/* Puts them in order, the one with the latest record first; nothing can be added any more.  Returns
 * how many there are; *ret_left_out: there were records of that many ids more, or of too long
 * ones. */
size_t session_list_finish(struct session_list *list, uint64_t *ret_left_out);
/* Borrowed from the list. */
void session_list_row(const struct session_list *list, size_t number, struct session_row *ret);

/* --- Showing it ------------------------------------------------------------------------------ */

enum session_format { SESSION_TABLE, SESSION_JSON, SESSION_CSV };

/* The first `count_max` rows, with a head where the format has one. */
MUST_CHECK enum status session_list_write(const struct session_list *list, size_t count_max,
                                          enum session_format format, struct page *page,
                                          struct error *err);
