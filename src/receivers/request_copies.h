/* SPDX-License-Identifier: Apache-2.0 */
/* request_copies.h -- requests that come again because their sender heard no answer: of each, one
 * is kept.
 *
 *     met: unknown  --> it is the first of its mark --settled--> durable, refused, or forgotten
 *     met: under way --> it waits until the first is settled, and is met once more
 *     met: durable  --> it is answered, and not kept
 *
 * Threads: all under one lock of the caller's, which `resume` is called under too.
 */
#pragma once

#include "metrics/metrics.h"
#include "receivers/recent_requests.h"

/* Part of a request.  Zeroes at first. */
struct request_copy {
    struct request_mark mark;
    struct request_copy *next;   /* of its bucket, or of those that wait for the same first */
    struct request_copy *copies; /* that wait for it */
    bool is_first;
};

enum { REQUEST_COPY_BUCKETS = 256 };

struct request_copies {
    struct recent_requests recent;
    struct request_copy *under_way[REQUEST_COPY_BUCKETS];
    struct metric *repeated;
    /* It is to be met once more. */
    void (*resume)(struct request_copy *copy);
};

/* `copies` is all zeroes; `labels` as in receiver="...".  ST_IO: the kernel gives no random
 * bytes. */
MUST_CHECK enum status request_copies_init(struct request_copies *copies, const char *labels,
                                           void (*resume)(struct request_copy *copy),
                                           struct error *err);

enum request_meeting {
    MEETING_FIRST,   /* it is to be settled */
    MEETING_REFUSED, /* the same, but it was converted before, and the journal did not take it */
    MEETING_COPY,    /* the first is on its way: request_copies_wait() */
    MEETING_DURABLE, /* it is; counted */
};
MUST_CHECK enum request_meeting request_copies_meet(struct request_copies *copies,
                                                    struct request_copy *copy,
                                                    struct request_mark mark, uint64_t now_ns);

/* A MEETING_COPY: false, its first has been settled meanwhile, it does not wait.  True: it is to
 * stay until it is resumed. */
MUST_CHECK bool request_copies_wait(struct request_copies *copies, struct request_copy *copy);

/* What became of it; REQUEST_UNKNOWN: it is forgotten.  Nothing happens when it is no first, or
 * settled. */
void request_copies_settle(struct request_copies *copies, struct request_copy *copy,
                           enum request_fate fate, uint64_t now_ns);
