/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h -- the wiring: what is built, started, reloaded and stopped, and in which order.
 *
 *     start: directories, journal (recovers), destinations, sockets, receivers
 *     stop:  receivers (last acks), destinations (drain until the deadline), journal
 *
 * Threads: all functions, the main thread, which is the loop's.
 */
#pragma once

#include "config/config_dirs.h"
#include "telltale/error.h"

struct daemon;

struct daemon_options {
    const char *config_path; /* NULL: no file, all defaults */
    struct config_dirs dirs;
};

/* Reads the configuration and starts everything.  On ST_INVALID the mistakes of the file have
 * been written to stderr. */
MUST_CHECK enum status daemon_start(const struct daemon_options *options, struct daemon **ret,
                                    struct error *err);

/* Runs until SIGTERM or SIGINT. */
MUST_CHECK enum status daemon_run(struct daemon *daemon, struct error *err);

/* Stops everything in order; loses nothing.  NULL and half-started are allowed. */
void daemon_stop(struct daemon *daemon);
