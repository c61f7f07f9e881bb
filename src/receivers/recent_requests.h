/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests.h -- what became of requests that came lately, so that one that comes again, for
 * its sender heard no answer, is known.
 *
 * Two requests are the same when the bytes of their bodies are, and what is known of their senders.
 * They are compared by 128 bits of a hash with a secret of this receiver, so that nobody can make
 * two that differ look the same.  Up to RECENT_REQUESTS are remembered for RECENT_REQUEST_NS: OTLP
 * clients and collectors give up before that.  A restart forgets them.
 *
 * Threads: marks are made by any; the rest has one owner at a time.  Time is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum {
    RECENT_REQUESTS = 8192,
    RECENT_WAYS = 8, /* places that a mark may have */
    RECENT_SECRET_SIZE = 192,
    REQUEST_PARTS_MAX = 8,
};
#define RECENT_REQUEST_NS UINT64_C(600000000000)

struct request_mark {
    uint64_t low, high;
};

static inline bool request_mark_equal(struct request_mark a, struct request_mark b)
{
    return a.low == b.low && a.high == b.high;
}

enum request_fate {
    REQUEST_UNKNOWN, /* it never came, or long ago */
    REQUEST_REFUSED, /* it was understood, but the journal did not take it */
    REQUEST_DURABLE,
};

struct recent_request {
    struct request_mark mark;
    uint64_t until_ns; /* 0: the place is free */
    enum request_fate fate;
};

struct recent_requests {
    struct recent_request places[RECENT_REQUESTS / RECENT_WAYS][RECENT_WAYS];
    uint8_t secret[RECENT_SECRET_SIZE];
};

/* `recent` is all zeroes.  ST_IO: the kernel gives no random bytes. */
MUST_CHECK enum status recent_requests_init(struct recent_requests *recent, struct error *err);

/* Of a request that has these parts, in this order; up to REQUEST_PARTS_MAX of them. */
struct request_mark recent_requests_mark(const struct recent_requests *recent,
                                         const struct slice *parts, size_t count);

enum request_fate recent_requests_find(const struct recent_requests *recent,
                                       struct request_mark mark, uint64_t now_ns);

/* Not REQUEST_UNKNOWN.  The oldest that could stand in the same places makes room. */
void recent_requests_add(struct recent_requests *recent, struct request_mark mark,
                         enum request_fate fate, uint64_t now_ns);
