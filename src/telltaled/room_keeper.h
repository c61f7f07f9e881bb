/* SPDX-License-Identifier: Apache-2.0 */
/* room_keeper.h -- what the written policies say when the journal or its disk is nearly full:
 * destinations that may drop give up their oldest records, stores delete files before their time,
 * or the sockets are to be closed.  What no policy allows stays, and the journal refuses.
 *
 * Nothing is given up that does not make room: as long as one destination that holds its backlog
 * needs the oldest segment, nobody drops it.
 *
 * Threads: the main thread.
 */
#pragma once

#include "config/config.h"
#include "journal/journal.h"
#include "telltaled/destinations.h"

struct room_keeper {
    struct journal *journal; /* borrowed */
    enum config_on_disk_full on_disk_full;
    uint64_t oldest;         /* segment of the journal, when it was short of room */
    uint64_t short_since_ns; /* monotonic: how long it has been that; 0: there is room */
    uint64_t asked_ns;       /* monotonic: when stores were asked to delete files */
    bool is_full;            /* until there is a margin of room again */
};

/* `journal` is borrowed for as long as the keeper is used. */
void room_keeper_init(struct room_keeper *keeper, struct journal *journal,
                      enum config_on_disk_full on_disk_full);

/* Retires what nobody needs and asks for what is missing.  To be called now and then, and when the
 * journal or a worker says so.  `destinations` may be NULL: none run. */
void room_keeper_look(struct room_keeper *keeper, struct destinations *destinations,
                      uint64_t now_ns);

/* The sockets of the receivers are to be closed, by policy. */
bool room_keeper_wants_closed(const struct room_keeper *keeper);
