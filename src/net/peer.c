/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c -- see peer.h.
 *
 * A pid is only a number: its process may have ended since connect(), and the number may be
 * another's.  A pidfd from SO_PEERPIDFD (Linux 6.5) names the process itself.  While it has not
 * ended, /proc/PID is its own; so the directory is opened first, then the pidfd is asked whether
 * the process lives, and everything is read through the directory, which never becomes another's.
 * On older kernels all facts are of one process, but that it is the one that connected is only as
 * sure as that no pid comes round between connect() and accept(). */
#include "net/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket_owner.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

const char *peer_attestation_name(enum peer_attestation attestation)
{
    static const char *const names[] = {
        [PEER_UNKNOWN] = "none", [PEER_BY_KERNEL] = "kernel", [PEER_BY_UID] = "uid"};

    return names[attestation];
}

enum status peer_of_unix_socket_only_ids(int fd, struct peer *ret, struct error *err)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return error_set_errno(err, ST_IO, "ask for the credentials of a peer");
    *ret = (struct peer){.pid = credentials.pid,
                         .uid = credentials.uid,
                         .gid = credentials.gid,
                         .attestation = PEER_BY_KERNEL};
    return ST_OK;
}

/* -1: it has ended; -2: this kernel has no such thing. */
static int peer_pidfd(int fd)
{
    int pidfd = -1;
    socklen_t size = sizeof(pidfd);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
        return pidfd;
    return errno == ENOPROTOOPT ? -2 : -1;
}

static bool has_ended(int pidfd)
{
    struct pollfd ready = {.fd = pidfd, .events = POLLIN};

    return poll(&ready, 1, 0) != 0;
}

void peer_learn_process(int fd, struct peer *peer)
{
    struct peer_process process;

    if (peer->pid <= 0)
        return;
    int pidfd = peer_pidfd(fd);
    int directory = pidfd == -1 ? -1 : peer_process_open(peer->pid);
    if (directory >= 0 && (pidfd < 0 || !has_ended(pidfd)) &&
        peer_process_read(directory, &process))
        peer->process = process;
    if (directory >= 0)
        (void)close(directory); /* only looked at */
    if (pidfd >= 0)
        (void)close(pidfd); /* likewise */
}

enum status peer_of_unix_socket(int fd, struct peer *ret, struct error *err)
{
    enum status st = peer_of_unix_socket_only_ids(fd, ret, err);

    if (st == ST_OK)
        peer_learn_process(fd, ret);
    return st;
}

void peer_of_loopback_socket(int fd, struct peer *ret)
{
    uid_t uid;

    *ret = (struct peer){.attestation = PEER_UNKNOWN};
    if (socket_owner_find(fd, &uid))
        *ret = (struct peer){.uid = uid, .attestation = PEER_BY_UID};
}

void peer_address_of_socket(int fd, struct peer_address *ret)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(address);

    *ret = (struct peer_address){.size = 0};
    if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
        return;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        ret->size = sizeof(in->sin_addr);
        memcpy(ret->bytes, &in->sin_addr, ret->size);
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
        ret->size = sizeof(in6->sin6_addr);
        memcpy(ret->bytes, &in6->sin6_addr, ret->size);
    }
}
