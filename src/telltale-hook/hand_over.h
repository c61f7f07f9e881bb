/* SPDX-License-Identifier: Apache-2.0 */
/* hand_over.h -- an event to the daemon, and its word that the disk has it.
 *
 * Threads: one.
 */
#pragma once

#include "telltale-hook/event_line.h"

enum hand_over_result {
    HAND_OVER_DURABLE,
    HAND_OVER_REFUSED, /* for good: it will never be taken */
    HAND_OVER_ABSENT,  /* nobody listens there */
    HAND_OVER_UNKNOWN, /* not taken, or nothing was heard: to be spooled */
};

/* Tries the socket `path` until `deadline_ms` (hook_clock_ms).  `ret_why` is a literal for
 * people. */
enum hand_over_result hand_over(const char *path, const struct event_line *line,
                                uint64_t deadline_ms, const char **ret_why);
