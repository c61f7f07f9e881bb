/* SPDX-License-Identifier: Apache-2.0 */
/* attested.h -- who sent a record, by the daemon's word, and what the sender wrote that is the
 * daemon's to say.
 *
 * What the daemon says of the sender stands at the end of a record: the last agent.peer.attestation
 * behind the longest chain of agent.norm., and behind it the other agent.peer.* of the same chain.
 * An agent.peer.* anywhere else is the sender's own (docs/SCHEMA.md).
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/page.h"
#include "wire/otlp.h"

struct attested_peer {
    struct slice attestation; /* "kernel", "uid", "none"; empty: the record has no sender */
    double pid, uid;          /* -1: not known */
    struct slice executable, container_id; /* empty: not known */
};

/* Texts are borrowed from `view`. */
void attested_read(const struct record_view *view, struct attested_peer *ret);

/* As far as both are known: the user and the program.  One that is known and one that is not are
 * not the same; pids are not compared, for an agent's hooks are processes of their own. */
bool attested_is_same(const struct attested_peer *a, const struct attested_peer *b);

/* "uid 1000, pid 4711, /usr/bin/codex, container 4f2a8be5f1a9 (kernel)" */
void attested_put(struct page *page, const struct attested_peer *peer);

enum { ATTESTED_FORGED_MAX = 4 };

/* The keys of the daemon's that the sender wrote, as many as fit, borrowed from `view`.  A native
 * sender may write those that describe its event.  agent.* stands for what could not be listed. */
size_t attested_forged_keys(const struct record_view *view, struct slice ret[ATTESTED_FORGED_MAX]);

/* Whether one of the two may tell what the other says: they are of one user, as far as both are
 * known, and neither carries forged keys.  An agent's hooks are other programs of its user. */
bool attested_may_be_one_fact(const struct record_view *a, const struct record_view *b);
