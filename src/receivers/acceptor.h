/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.h -- takes connections from Unix sockets and from TCP, within the limits per socket and
 * per user.  Who is over a limit is closed, so that he does not wait for answers that never come,
 * and gets a line that says why if he speaks JSON.
 *
 * Threads: the loop's.
 */
#pragma once

#include "loop/loop.h"
#include "net/listener.h"
#include "net/peer.h"
#include "telltale/error.h"

struct acceptor;

enum { ACCEPTOR_LISTENERS_MAX = 8 };

struct acceptor_settings {
    struct loop *loop; /* borrowed, as are the listeners */
    const struct listener *listeners;
    size_t listener_count;
    unsigned int connections_max;         /* of all listeners together */
    unsigned int connections_per_uid_max; /* whose user is known */
    const char *metric_labels;            /* receiver="..." */
    bool speaks_json;
    void *context;
    /* Owns `fd` (non-blocking) from now on, and calls acceptor_leave() when it is gone. */
    void (*on_accepted)(void *context, int fd, const struct listener *listener,
                        const struct peer *peer);
};

MUST_CHECK enum status acceptor_start(const struct acceptor_settings *settings,
                                      struct acceptor **ret, struct error *err);

/* A connection with this peer has ended. */
void acceptor_leave(struct acceptor *acceptor, const struct peer *peer);

/* Takes no more connections.  Those it gave away still leave. */
void acceptor_close(struct acceptor *acceptor);
void acceptor_destroy(struct acceptor *acceptor); /* NULL is allowed */
