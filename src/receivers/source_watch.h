/* SPDX-License-Identifier: Apache-2.0 */
/* source_watch.h -- agents that live and say nothing: who spoke when, and whose process is still
 * there although no event came from it for long.
 *
 * A source is a process, by pid and start time, so that a pid that is used again is another source.
 * Of a Unix socket the kernel tells it.  Of a TCP connection the kernel tells the user alone: there
 * it is the process that the sender names in its resource (process.pid), if that process is this
 * user's.  Where no process is known nothing is watched, nor are hooks: each is a process of its
 * own that ends at once.
 *
 *     noted ──► speaks ──quiet for long──► silent ──noted──► resumed
 *                 ^                                             │
 *                 '────────────────── told ─────────────────────'
 *
 * Each silence is told once and its end once.  A source whose process has ended is forgotten
 * without a word.
 *
 * Threads: source_watch_note() any; the others the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/peer.h"
#include "normalize/normalize.h"
#include "telltale/error.h"

enum {
    SOURCES_MAX = 1024,
    SOURCES_PER_UID_MAX = 256,    /* so that nobody can fill the places of all */
    SOURCE_TELLS_PER_SWEEP = 4,   /* the others in the next */
    SOURCE_LOOKS_PER_SWEEP = 32,  /* at processes that have nothing to tell, in turns */
    SOURCE_CLAIMS_PER_SWEEP = 64, /* looked at for claims that no known source made */
};

struct source_watch;

struct source_id {
    pid_t pid; /* 0: not known, and nothing is watched */
    uid_t uid;
    uint64_t start_ticks; /* 0: the pid is what the sender says */
};

struct source_report {
    pid_t pid;
    char executable[PEER_EXECUTABLE_MAX]; /* empty: not known */
    struct normalized_source said;        /* last; empty: not known */
    bool has_resumed;                     /* false: it is silent */
    uint64_t from_ns, to_ns;              /* Unix: it spoke last; and now, or it spoke again */
};

/* After `silent_after_ns` without an event a source is silent. */
MUST_CHECK enum status source_watch_create(uint64_t silent_after_ns, struct source_watch **ret,
                                           struct error *err);
void source_watch_destroy(struct source_watch *watch); /* accepts NULL */

/* The process at the other end by the kernel's word; pid 0 when it is not known. */
struct source_id source_id_of_peer(const struct peer *peer);

/* An event of `id`, or several, came.  `said` is what is known of them; a process that it claims is
 * taken where the kernel tells the user only.  Once for each batch or request.  `now_ns` is
 * monotonic. */
void source_watch_note(struct source_watch *watch, const struct source_id *id,
                       const struct normalized_source *said, uint64_t now_ns, uint64_t now_unix_ns);

/* To be called now and then: looks at /proc, and gives what there is to tell. */
void source_watch_sweep(struct source_watch *watch, uint64_t now_ns, uint64_t now_unix_ns,
                        void (*tell)(void *context, const struct source_report *report),
                        void *context);

/* Nobody could speak until now: whoever was not silent then has `silent_after_ns` again. */
void source_watch_restart(struct source_watch *watch, uint64_t now_ns);
