/* SPDX-License-Identifier: Apache-2.0 */
/* peer_process.h -- what /proc says of a process: its program, when it was started, its control
 * group.
 *
 * The texts are of others: paths may hold any byte.  They come out as UTF-8 without characters
 * that act on a terminal: such bytes, and backslashes, are written \xHH.  A text over its limit is
 * cut and ends with "...".
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/cgroup.h"

enum { PEER_EXECUTABLE_MAX = 512, PEER_TIME_MAX = 32 };

struct peer_process {
    char executable[PEER_EXECUTABLE_MAX]; /* empty: not readable, of another user for instance */
    char started[PEER_TIME_MAX];          /* "2026-11-20T22:24:20.15Z", to 10 ms */
    uint64_t start_ticks;                 /* the same as the kernel counts it; 0: not known */
    struct cgroup cgroup;
};

/* /proc/PID as a directory that stays this process's; -1: there is none. */
int peer_process_open(pid_t pid);

/* False: the process has ended meanwhile, and nothing is known of it. */
bool peer_process_read(int directory, struct peer_process *ret);

/* The process that has the pid now began at `start_ticks`, and has not ended: a zombie has. */
bool peer_process_is_there(pid_t pid, uint64_t start_ticks);
