/* SPDX-License-Identifier: Apache-2.0 */
/* around.h -- what agents did near a moment, for whoever holds an alert of another system: events
 * by session, those that fit to the alert marked, and the request that led to them.
 *
 * An event fits exactly (the pid, the path, the address, the command itself) or mentions it (it
 * stands somewhere in the event).  Sessions stand in the order of their best event, then of its
 * distance to the moment.
 *
 * Memory is bounded by the limits below; what is over them is counted and told.
 * Threads: one owner.
 */
#pragma once

#include "query/field.h"
#include "query/page.h"

enum {
    AROUND_SESSIONS_MAX = 4096, /* half of them by what was asked before the window */
    AROUND_EVENTS_MAX = 20000,
    AROUND_PROMPTS_MAX = 8,   /* kept of a session, the latest */
    AROUND_CONTEXT_SHOWN = 8, /* events of a session that do not fit, the nearest */
    AROUND_MATCHES_SHOWN = 100,
};

/* NULL or -1: not asked for. */
struct around_question {
    uint64_t time_unix_ns, window_ns; /* events from time - window to time + window */
    long pid;
    const char *file, *address, *command, *user;
};

struct around;

/* `question` and its texts are borrowed.  ST_NO_MEMORY. */
MUST_CHECK enum status around_create(const struct around_question *question, struct around **ret,
                                     struct error *err);
void around_destroy(struct around *around); /* accepts NULL */

/* Takes note of a record.  Those before the window are asked for their prompts only.  ST_NO_MEMORY;
 * ST_LIMIT. */
MUST_CHECK enum status around_add(struct around *around, const struct field_record *record,
                                  struct slice bytes, struct error *err);

/* Writes what was found; all text from agents is made safe.  Call once. */
void around_write(struct around *around, struct page *page);

/* The same as JSON, an event a line, with its session and the request before it.  *ret_left_out:
 * events that were too many to be kept.  Call once, in place of around_write(). */
MUST_CHECK enum status around_write_json(struct around *around, struct buf *out,
                                         size_t *ret_left_out, struct error *err);
