/* SPDX-License-Identifier: Apache-2.0 */
/* unix_connection.h -- one sender of the Unix protocol, as unix_receiver.c sees it: its bytes,
 * its answers, and how far its events are handled.
 *
 * Threads: the loop's.
 */
#pragma once

#include "loop/loop.h"
#include "net/peer.h"
#include "receivers/admission.h"
#include "receivers/answers.h"
#include "receivers/fair_queue.h"
#include "receivers/line_framer.h"
#include "receivers/recent_bytes.h"
#include "telltale/buf.h"

struct unix_receiver;

enum connection_park {
    NOT_PARKED,
    PARKED_FOR_TURN,   /* it has more to read, and waits in the queue */
    PARKED_FOR_MEMORY, /* it holds much, and memory for events in flight is short */
};

struct unix_connection {
    struct unix_receiver *receiver;
    struct loop_watch watch;
    struct loop *loop;           /* borrowed */
    struct admission *admission; /* borrowed */
    int fd;                      /* owned */
    uint32_t index, generation;  /* how spans name it */
    struct peer peer;
    struct fair_flow flow;
    uint64_t heavy_ns;          /* when it was read as a heavy one last */
    bool is_light;              /* what is being taken from it; see unix_reading.c */
    struct recent_bytes recent; /* what it has put into the journal */
    bool is_over_share;         /* of the journal's last room */
    struct fair_user *user;     /* borrowed */
    struct buf sender_fields;   /* agent.peer.*, encoded once */
    struct line_framer framer;
    size_t counted_bytes; /* of the framer, in the admission */
    struct answers answers;
    uint64_t handled;           /* events read so far: taken into a batch, or refused */
    uint64_t noted;             /* of them, when the source was noted last */
    uint64_t landed;            /* all up to this one have landed */
    unsigned int spans_pending; /* in flights */
    uint32_t interest;          /* what epoll was told; 0 and unregistered alike */
    enum connection_park park;
    struct metric *dropped_answers;
    bool wants_acks;
    bool answered;    /* the sender is to hear errors: it said so in its first line */
    bool began;       /* the first line was seen */
    bool hung_up;     /* the sender has: what it left in its socket is the last */
    bool ended;       /* no more is read from it */
    bool failed;      /* what was read and not yet taken is ignored */
    bool wants_write; /* the socket did not take all answers */
    uint64_t ended_ns;
};

/* Takes `fd`, on success and on failure. */
MUST_CHECK enum status unix_connection_create(int fd, const struct peer *peer, struct loop *loop,
                                              struct admission *admission, size_t event_size_max,
                                              struct unix_connection **ret, struct error *err);

/* Closes and frees. */
void unix_connection_destroy(struct unix_connection *connection);

/* Tells epoll what the connection waits for now.  One that is parked for its turn waits for
 * nothing: its hang-up would be reported again and again while its last bytes may not be read yet.
 * One that is parked for memory waits for the sender's end, which frees what it holds. */
MUST_CHECK enum status unix_connection_update(struct unix_connection *connection,
                                              struct error *err);

/* Counts what the framer keeps. */
void unix_connection_count_memory(struct unix_connection *connection);

/* No more is read from it. */
void unix_connection_end(struct unix_connection *connection);

/* To be called when something has landed or was refused: makes the ack follow. */
void unix_connection_update_ack(struct unix_connection *connection);

/* An error for the sender, if it wants to hear them; `event` 0: about the connection. */
void unix_connection_tell(struct unix_connection *connection, uint64_t event, const char *code,
                          const char *message);

/* Writes what is to be said.  ST_IO: the sender is gone. */
MUST_CHECK enum status unix_connection_answer(struct unix_connection *connection,
                                              struct error *err);

/* Nothing of it is under way any more, and its answers are written. */
bool unix_connection_is_over(const struct unix_connection *connection);
