/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c -- see peer.h. */
#include "net/peer.h"

#include <sys/socket.h>

enum status peer_of_unix_socket(int fd, struct peer *ret, struct error *err)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return error_set_errno(err, ST_IO, "ask for the credentials of a peer");
    *ret = (struct peer){credentials.pid, credentials.uid, credentials.gid};
    return ST_OK;
}
