/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h -- how far a worker has come: what is settled, and what of it is durable.
 *
 * Making the cursor durable costs two fsyncs, so under load it follows at most every
 * PROGRESS_DELAY_MS or PROGRESS_SIZE bytes; it always follows when the worker idles, waits or
 * stops.  After a crash no more than that is delivered twice.  The first request of a life is made
 * durable at once, so that a daemon that is killed again and again moves on all the same.
 *
 * Threads: one at a time; progress_durable() is for any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/disk_io.h"

struct progress;

enum { PROGRESS_DELAY_MS = 200, PROGRESS_SIZE = 32 * 1024 * 1024 };

struct progress_settings {
    const char *dir;  /* of the cursor; must exist; borrowed during open */
    const char *name; /* of the cursor; copied */
    uint64_t oldest;  /* what the journal has: sequence numbers oldest..committed - 1 */
    uint64_t committed;
    const struct disk_io *io; /* borrowed until progress_close(); NULL: the system's */
};

/* What was wrong with the position that was found; delivery begins at the oldest record then,
 * and what was delivered before is delivered again. */
enum progress_finding {
    PROGRESS_SOUND,
    PROGRESS_CORRUPT,        /* the file is damaged; it was put aside as NAME.corrupt */
    PROGRESS_BEYOND_JOURNAL, /* it belongs to another journal; likewise */
};

struct progress_start {
    enum progress_finding finding;
    uint64_t missing_records; /* retired before they were delivered */
};

MUST_CHECK enum status progress_open(const struct progress_settings *settings,
                                     struct progress **ret, struct progress_start *ret_start,
                                     struct error *err);
void progress_close(struct progress *progress); /* accepts NULL; makes nothing durable */

/* The next record to deliver. */
uint64_t progress_next(const struct progress *progress);

/* Everything below `next` has its outcome; `size` bytes of it are new. */
void progress_settle(struct progress *progress, uint64_t next, size_t size);

/* There is something to make durable, and it is time. */
bool progress_is_due(const struct progress *progress, uint64_t now_ns);

/* Makes durable what is settled.  The dead letters among it must be durable already. */
MUST_CHECK enum status progress_save(struct progress *progress, uint64_t now_ns, struct error *err);

/* The next record after a crash: the journal may retire what is below. */
uint64_t progress_durable(const struct progress *progress);
