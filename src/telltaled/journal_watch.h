/* SPDX-License-Identifier: Apache-2.0 */
/* journal_watch.h -- says in the log when the journal begins to refuse events, because it or the
 * disk is full or the disk failed, and when it takes them again; and, once a minute, how many were
 * shed.
 *
 * Threads: the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "journal/journal.h"

struct journal_watch {
    uint64_t refused;        /* of all receivers, as it was at the last look */
    uint64_t refused_before; /* the same, when the present outage began */
    uint64_t committed;      /* at the last refusal */
    bool is_refusing;
    uint64_t shed;         /* of all receivers, as it was when it was logged last */
    uint64_t next_shed_ns; /* when that may be logged again; monotonic */
};

/* To be called now and then; `watch` is zeroed before the first time. */
void journal_watch_look(struct journal_watch *watch, const struct journal *journal);
