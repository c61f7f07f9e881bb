/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_process.h -- a real telltaled, or a program beside it, as a child, and what the kernel
 * says that it uses.
 *
 * Failures abort.  Threads: one owner at a time.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "support/temp_dir.h"

enum { DAEMON_PATH_MAX = 256 };

struct daemon_process {
    pid_t pid;
    struct temp_dir *home; /* borrowed; its state, its sockets, its log */
    char socket_path[DAEMON_PATH_MAX];
};

/* Starts `program` in `home` with the configuration `config`, and waits until it listens. */
void daemon_process_start(struct daemon_process *daemon, const char *program, struct temp_dir *home,
                          const char *config);

/* The same with any other program, which writes to the log and listens on daemon->socket_path,
 * given by the caller.  `arguments`: that of the program first; ends with NULL. */
void daemon_process_start_other(struct daemon_process *daemon, const char *const *arguments,
                                struct temp_dir *home);

/* Stops it cleanly; aborts if it was not clean. */
void daemon_process_stop(struct daemon_process *daemon);

/* Time on a processor, of all its threads, those that have ended included. */
uint64_t daemon_process_cpu_ns(const struct daemon_process *daemon);

uint64_t daemon_process_resident_kib(const struct daemon_process *daemon);
uint64_t daemon_process_own_kib(const struct daemon_process *daemon); /* without files' pages */
uint64_t daemon_process_peak_resident_kib(const struct daemon_process *daemon);

/* What it has handed to the file system. */
uint64_t daemon_process_written_bytes(const struct daemon_process *daemon);
