/* SPDX-License-Identifier: Apache-2.0 */
/* http_connections.h -- who is at the other end of each connection of the OTLP/HTTP receiver, how
 * many connections a user may have, and how much of the journal's last room it may fill.
 *
 * The library accepts connections itself and asks nobody: one that is too many is told so, shut
 * down at once, and closed by the library in its next turn.
 *
 * Threads: any, one at a time for each connection; what they share is under a lock.
 */
#pragma once

#include <pthread.h>

#include "journal/journal.h"
#include "net/peer.h"
#include "receivers/admission.h"
#include "receivers/http_users.h"
#include "receivers/refusal.h"
#include "receivers/source_watch.h"
#include "receivers/trusted_senders.h"
#include "telltale/buf.h"

struct http_connections_settings {
    struct journal *journal;                /* borrowed */
    const struct admission *admission;      /* borrowed */
    const struct receiver_metrics *metrics; /* borrowed */
    uint64_t journal_size_max;              /* whose last quarter is shared; 0: it is not */
    size_t listener_count;
    unsigned int connections_max;         /* of each listener */
    unsigned int connections_per_uid_max; /* of all listeners */
    struct trusted_senders trusted;
};

struct http_connections {
    struct http_connections_settings settings;
    struct metric *refused_total, *refused_per_uid;
    pthread_mutex_t lock;
    /* shared, under lock */
    struct http_users users;
    size_t open;
};

struct http_connection {
    struct http_user *user; /* borrowed; NULL: it was refused, and no request of it is taken */
    size_t *listener_open;  /* borrowed; how many its listener has */
    struct recent_bytes recent;
    struct buf sender_fields;    /* agent.peer.*, encoded once */
    struct peer_address address; /* of a peer that is not known */
    struct source_id source;
    bool is_trusted; /* it is an upstream whose word is taken */
};

/* More connections than are taken are open for a moment, until they are closed. */
enum { HTTP_CONNECTIONS_REFUSED_MAX = 64 };

MUST_CHECK enum status http_connections_init(const struct http_connections_settings *settings,
                                             struct http_connections *ret, struct error *err);
void http_connections_fini(struct http_connections *connections);

/* Of a socket that `listener` just accepted; `fd` and `listener_open` are borrowed.  NULL: there is
 * no memory, the socket is shut down.  Looks at /proc, or asks the kernel over netlink. */
struct http_connection *http_connection_open(struct http_connections *connections, int fd,
                                             const struct listener *listener,
                                             size_t *listener_open);
void http_connection_close(struct http_connections *connections,
                           struct http_connection *connection); /* NULL is allowed */

/* A request of so many bytes may go into the journal, and is counted.  False: little of the
 * journal is free, and what is left is for those who have sent less. */
MUST_CHECK bool http_connection_may_send(struct http_connections *connections,
                                         struct http_connection *connection, uint64_t bytes);
