/* SPDX-License-Identifier: Apache-2.0 */
/* unix_sender.h -- a connection to the daemon's Unix socket that asked for acks.
 *
 * Failures abort.  Threads: any.
 */
#pragma once

#include <sys/types.h>

#define UNIX_SENDER_ANY_UID ((uid_t)-1)

/* Connects as user `uid` (which only root can), and greets. */
int unix_sender_connect(const char *path, uid_t uid);
