/* SPDX-License-Identifier: Apache-2.0 */
/* believed.h -- which attributes of a record that the daemon has normalized are to be believed: the
 * rule of docs/SCHEMA.md, "Reading a record", for all who read one.
 *
 * The value of K stands behind the longest chain of agent.norm., and of several the last counts.
 * What agent.norm.errors lists is a sender's and is left out before.  If it lists agent.*, the
 * sender wrote more than could be listed: then all under agent. is left out that stands before the
 * daemon's log.record.uid, which is the first of what the daemon wrote.  What the daemon says of
 * every record is never left out: its longest chain is the daemon's, or says the same.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

enum {
    BELIEVED_CHAIN_MAX = 9, /* agent.norm. before a key: more are a sender's and mean nothing */
};

#define BELIEVED_ERRORS_KEY SLICE("agent.norm.errors")
#define BELIEVED_UID_KEY    SLICE("log.record.uid")
#define BELIEVED_ALL        SLICE("agent.*") /* in the list: more than it could hold */

/* Takes each agent.norm. from the front of `key` and returns how many there were; agent.norm.errors
 * is a key itself. */
int believed_chain(struct slice *key);

/* The daemon says it of every record.  `key` is without chain. */
bool believed_is_always(struct slice key);

/* Whether `list`, the encoded ArrayValue of agent.norm.errors, has `text`. */
bool believed_list_has(struct slice list, struct slice text);

/* What a record says against the keys of its sender. */
struct disbelief {
    struct slice list;   /* encoded ArrayValue; empty: nothing */
    bool has_all;        /* it lists agent.* */
    uint32_t ours_index; /* then: of the first attribute that the daemon wrote */
};

void disbelief_read(const struct record_view *view, struct disbelief *ret);

/* Whether the attribute at `index` of the record, with that key, chain and all, is left out. */
bool disbelief_has(const struct disbelief *disbelief, struct slice key, size_t index);

/* The index of the attribute that says `key`; view->attribute_count: none does. */
size_t believed_find(const struct record_view *view, struct slice key);
