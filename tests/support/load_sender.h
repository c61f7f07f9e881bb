/* SPDX-License-Identifier: Apache-2.0 */
/* load_sender.h -- sends events over the daemon's Unix socket, paced or as fast as they are taken,
 * and notes how long each ack took.
 *
 * An ack's latency is from the start of the write that ends the event to the arrival of the line
 * that covers it.  A thread of its own reads the acks.  Failures abort.
 * Threads: one owner.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "support/agent_events.h"

/* The last event that one write completed. */
struct load_piece {
    uint64_t last_event;
    uint64_t start_ns;
};

struct load_sender {
    int fd;
    pthread_t reader;
    uint64_t sent; /* events */
    struct load_piece *pieces;
    /* the sender writes a piece, then raises piece_count; the reader adds its latency */
    _Atomic size_t piece_count;
    uint64_t *latencies_ns; /* one a piece; the reader's until load_sender_finish() */
    _Atomic uint64_t acked;
};

/* Connects and greets.  `pieces_max`: no more writes than this complete an event. */
void load_sender_open(struct load_sender *sender, const char *path, size_t pieces_max);

/* One event a write. */
void load_sender_send_paced(struct load_sender *sender, const struct agent_events *events,
                            size_t count, unsigned per_second);

/* In writes of 64 KiB; the events again and again. */
void load_sender_send_fast(struct load_sender *sender, const struct agent_events *events,
                           size_t count);

/* Waits for the last ack: then the latencies are there. */
void load_sender_finish(struct load_sender *sender);
void load_sender_close(struct load_sender *sender);
