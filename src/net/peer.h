/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h -- who is at the other end, by the kernel's word.
 *
 * Of a Unix socket the kernel keeps pid, uid and gid of the process that called connect(); of a
 * TCP socket on loopback, the user of the socket at the other end.  Nothing is asked of the peer.
 *
 * Everything is asked once a connection, and costs a few system calls: tens of microseconds
 * (docs/PROTOCOL.md).
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/peer_process.h"
#include "telltale/error.h"

enum peer_attestation {
    PEER_UNKNOWN,   /* nobody vouches for it: nothing below means anything */
    PEER_BY_KERNEL, /* SO_PEERCRED: pid, uid and gid */
    PEER_BY_UID,    /* the owner of a TCP socket: uid only */
};

/* Its members hold their own memory: a peer is copied by assignment. */
struct peer {
    pid_t pid; /* at the time of connect(); 0 when unknown, or of another pid namespace */
    uid_t uid;
    gid_t gid; /* PEER_BY_KERNEL only */
    enum peer_attestation attestation;
    struct peer_process process; /* PEER_BY_KERNEL only; what is not known is empty */
};

/* Pid, uid and gid of a connected Unix socket's peer: one system call. */
MUST_CHECK enum status peer_of_unix_socket_only_ids(int fd, struct peer *ret, struct error *err);

/* Looks at the process of a peer that peer_of_unix_socket_only_ids() told: a few files of /proc.
 * If it is gone, or another one has its pid, the peer is left as it is. */
void peer_learn_process(int fd, struct peer *peer);

/* Both. */
MUST_CHECK enum status peer_of_unix_socket(int fd, struct peer *ret, struct error *err);

/* The user at the other end of a connected TCP socket.  Where its address is not a loopback
 * address, or its socket is closed already, or the kernel does not tell, the attestation is
 * PEER_UNKNOWN: that is no failure. */
void peer_of_loopback_socket(int fd, struct peer *ret);

/* The address at the other end of a TCP socket, without its port; `size` 0: it has none. */
struct peer_address {
    uint8_t bytes[16];
    size_t size;
};
void peer_address_of_socket(int fd, struct peer_address *ret);

/* "kernel", "uid" or "none". */
const char *peer_attestation_name(enum peer_attestation attestation);
