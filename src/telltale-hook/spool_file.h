/* SPDX-License-Identifier: Apache-2.0 */
/* spool_file.h -- an event that the daemon did not take, in a file for it to find.
 *
 * A file of its own for each event: written under a hidden name, synced, renamed to ID.event.  It
 * is synced, for the daemon may be down because the machine is going down; as nobody knows how long
 * a disk takes, that is done by a process of its own, which the agent does not wait for longer than
 * it may.
 *
 * Threads: one.
 */
#pragma once

#include <stddef.h>

#include "telltale-hook/event_line.h"

enum {
    SPOOL_FILES_MAX = 10000,        /* where they can be counted: in a directory of one's own */
    SPOOL_DISK_FREE_MIN = 64 << 20, /* bytes that are left free for others */
};

/* Tries each of `dirs` until one takes it.  Waits until `deadline_ms`; the writing may go on
 * behind that.  False: it is not known to be written. */
bool spool_write(const char *const *dirs, size_t dir_count, const struct event_line *line,
                 const char *id, uint64_t deadline_ms);
