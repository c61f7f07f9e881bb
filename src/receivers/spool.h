/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h -- events that agents' hooks left in files while the daemon was away or slow
 * (docs/PROTOCOL.md, "The spool").
 *
 * A file is one event, its owner is who sent it.  It is removed when the disk has the event, or
 * when it can never be one.  Anybody may be allowed to put files there, so nothing in the directory
 * is trusted: links, pipes and whatever is no regular file of one name are removed unread, and of
 * each turn only so much is looked at.
 *
 * Threads: the loop's; start and stop not from within its callbacks.
 */
#pragma once

#include "journal/journal.h"
#include "loop/loop.h"
#include "receivers/event_ids.h"
#include "receivers/shedding.h"
#include "wire/otlp.h"

enum {
    SPOOL_NAMES_PER_TURN = 256,     /* looked at */
    SPOOL_FILES_PER_TURN = 64,      /* taken */
    SPOOL_BYTES_PER_TURN = 1 << 20, /* taken, and one file more */
};

struct spool;

struct spool_settings {
    const char *dir; /* made if missing; copied */
    mode_t mode;     /* of the directory */
    gid_t group;     /* -1: as it is made */
    struct otlp_limits limits;
    struct loop *loop; /* borrowed until stop, as are the rest */
    struct journal *journal;
    struct event_ids *ids;
    const struct shedding *shedding; /* NULL: nothing is shed */
};

/* Looks at once, and then every second.  ST_IO: the directory cannot be made or is not ours. */
MUST_CHECK enum status spool_start(const struct spool_settings *settings, struct spool **ret,
                                   struct error *err);

/* Waits for what is on its way to the disk; turns the loop meanwhile.  NULL is allowed. */
void spool_stop(struct spool *spool);
