/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_watch.h -- what the counters of senders tell: that records are missing, or that an agent
 * began anew.
 *
 * Codex counts its tool results by process, across its sessions; others count by session.  Which
 * sessions share a counter is found out: one that goes on where another of the same sender stopped
 * shares its counter.  What cannot be told is not told: a session that is seen first in its middle
 * says nothing about what came before.
 *
 * Tables have a fixed size, the new pushes out the old.
 *
 * Threads: belongs to its normalizer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/slice.h"

enum { SEQUENCE_STREAMS = 64, SEQUENCE_SESSIONS = 256, SEQUENCE_SESSION_SIZE = 64 };

/* A counter. */
struct sequence_stream {
    uint64_t sender; /* hash of what is known of the sender */
    uint64_t last;   /* 0: the place is free */
    uint64_t number; /* which stream it is: a session's is gone when this differs */
};

struct sequence_session {
    uint64_t hash; /* of the session and the sender; 0: free */
    uint64_t number;
};

struct sequence_watch {
    struct sequence_stream streams[SEQUENCE_STREAMS];
    struct sequence_session sessions[SEQUENCE_SESSIONS];
    uint64_t next_number; /* of a stream, from 1 */
};

enum sequence_finding { SEQUENCE_GAP, SEQUENCE_RESTART };

struct sequence_note {
    enum sequence_finding finding;
    uint64_t first, last; /* SEQUENCE_GAP: those that are missing */
    size_t session_size;
    uint8_t session[SEQUENCE_SESSION_SIZE];
};

/* A record of `session` with the counter at `sequence` (from 1); `shared`: the counter may be that
 * of several sessions.  True: there is something to tell. */
bool sequence_watch_note(struct sequence_watch *watch, struct slice sender, struct slice session,
                         bool shared, uint64_t sequence, struct sequence_note *ret);
