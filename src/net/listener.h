/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h -- sockets that wait for senders: Unix sockets with the mode and the owner that
 * the configuration says, and TCP on loopback.
 *
 * Threads: none of its own; a listener belongs to whoever opened it.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "telltale/error.h"

enum { LISTENER_PATH_MAX = 108, LISTENER_NAME_MAX = 128 };

struct listener {
    int fd;                       /* listening, non-blocking, close-on-exec; -1: none */
    bool is_unix;                 /* its peers have credentials */
    bool is_trusted;              /* as the settings said */
    char name[LISTENER_NAME_MAX]; /* "unix:/run/telltale/agent.sock", "127.0.0.1:4318" */
    char path[LISTENER_PATH_MAX]; /* of a Unix socket; otherwise empty */
    dev_t device;                 /* of the socket's file, so that we unlink no other */
    ino_t inode;
};

struct listener_settings {
    mode_t mode;       /* Unix: of the socket's file, 0660 for instance */
    const char *owner; /* Unix: user name or number; NULL: ours */
    const char *group; /* Unix: group name or number; NULL: ours */
    bool allow_remote; /* TCP: other addresses than loopback may be named */
    int backlog;       /* 0: SOMAXCONN */
    bool is_trusted;   /* for its owner: its senders are upstreams whose word is taken */
};

/* Listens on `address`: "unix:/absolute/path", "/absolute/path", "127.0.0.1:4318",
 * "[::1]:4318", "localhost:4318"; port 0 lets the kernel choose, and `name` says what it chose.
 *
 * A Unix socket appears under its path only when its mode and owner are set and it listens.
 * What is at the path already is replaced only if it is a socket that nobody listens on.
 *
 * ST_AGAIN: somebody else listens there; ST_INVALID: not an address, not a loopback address,
 * not a user or group, or a file that is not a socket is in the way; ST_IO.  The text names the
 * address and what to do. */
MUST_CHECK enum status listener_open(const char *address, const struct listener_settings *settings,
                                     struct listener *ret, struct error *err);

/* Closes, and removes the socket's file if it is still the one that we made.  A listener whose
 * fd is -1 is allowed. */
void listener_close(struct listener *listener);
