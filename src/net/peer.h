/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h -- who is at the other end, by the kernel's word.
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include <sys/types.h>

#include "telltale/buf.h"
#include "telltale/error.h"

struct peer {
    pid_t pid; /* at the time of connect(); 0 when unknown */
    uid_t uid;
    gid_t gid;
};

/* Asks SO_PEERCRED of a connected Unix socket. */
MUST_CHECK enum status peer_of_unix_socket(int fd, struct peer *ret, struct error *err);
