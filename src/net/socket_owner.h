/* SPDX-License-Identifier: Apache-2.0 */
/* socket_owner.h -- which user of this machine has the other end of a TCP connection.
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The owner of the socket that the connected TCP socket `fd` talks to.  False: its address is not
 * a loopback address, the other end is closed or in another network namespace, or the kernel does
 * not tell (no inet_diag, no AF_NETLINK for this process).  Does not block. */
bool socket_owner_find(int fd, uid_t *ret_uid);
