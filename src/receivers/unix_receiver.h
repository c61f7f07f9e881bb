/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver.h -- native events over Unix sockets: docs/PROTOCOL.md.
 *
 * One thread, the loop's, reads all connections: bytes to lines, lines straight to records of a
 * batch, the batch to the journal; when the disk has it, the acks are written.  No allocation,
 * lock or system call per event.
 *
 * When the journal is behind, nothing is read: the senders' socket buffers fill, and they wait.
 * When the journal is full, events are refused at once, each with an error.
 *
 * Threads: start and stop on the loop's thread, not from within its callbacks.
 */
#pragma once

#include "journal/journal.h"
#include "loop/loop.h"
#include "net/listener.h"
#include "receivers/acceptor.h"
#include "receivers/admission.h"
#include "receivers/event_ids.h"
#include "receivers/shedding.h"
#include "receivers/source_watch.h"
#include "telltale/error.h"
#include "wire/otlp.h"

struct unix_receiver;

struct unix_receiver_settings {
    const struct listener *listeners; /* Unix sockets; borrowed until stop, not closed by it */
    size_t listener_count;            /* up to ACCEPTOR_LISTENERS_MAX */
    struct otlp_limits limits;        /* record_size_max is the size of one event */
    unsigned int connections_max;     /* of all listeners together */
    unsigned int connections_per_uid_max;
    struct shedding *shedding;    /* borrowed until stop; NULL: nothing is shed */
    struct source_watch *sources; /* borrowed until stop; NULL: nobody is watched */
    struct event_ids *ids;        /* borrowed until stop; NULL: what comes twice is kept twice */
    uint64_t journal_size_max;    /* whose last quarter is shared (recent_bytes.h); 0: it is not */
    size_t batch_size_target;     /* bytes; 0: UNIX_BATCH_SIZE_TARGET */
    uint64_t stall_ns;            /* how long a sender may wait for memory before the largest
                                     unfinished event is refused; 0: UNIX_STALL_NS */
};

enum { UNIX_BATCH_SIZE_TARGET = 256 * 1024 };
#define UNIX_STALL_NS UINT64_C(5000000000)

/* `loop`, `journal` and `admission` are borrowed until stop. */
MUST_CHECK enum status unix_receiver_start(const struct unix_receiver_settings *settings,
                                           struct loop *loop, struct journal *journal,
                                           struct admission *admission, struct unix_receiver **ret,
                                           struct error *err);

/* Reads no more, waits until the journal is done with what was read, writes the last acks and
 * closes the connections.  Turns the loop meanwhile.  NULL is allowed. */
void unix_receiver_stop(struct unix_receiver *receiver);

/* Connections that are open now. */
unsigned int unix_receiver_connections(const struct unix_receiver *receiver);
