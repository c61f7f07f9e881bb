/* SPDX-License-Identifier: Apache-2.0 */
/* recent_requests.h -- requests that were made durable lately, so that one that is sent again, for
 * its answer was lost, is answered again and not kept twice.
 *
 * Two requests are the same when the bytes of their bodies are, and of what is known of their
 * senders.  They are compared by 128 bits of a hash with a secret of this process, so that nobody
 * can make two that differ look the same.  The last RECENT_REQUESTS are remembered for
 * RECENT_REQUEST_NS; a restart forgets them.
 *
 * Threads: one owner at a time.  Time is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum { RECENT_REQUESTS = 1024, RECENT_SECRET_SIZE = 192 };
#define RECENT_REQUEST_NS UINT64_C(600000000000)

struct request_mark {
    uint64_t low, high;
};

struct recent_request {
    struct request_mark mark;
    uint64_t until_ns; /* 0: the place is free */
    uint64_t records;
};

struct recent_requests {
    struct recent_request items[RECENT_REQUESTS];
    size_t next;
    uint8_t secret[RECENT_SECRET_SIZE];
};

/* ST_IO: the kernel gives no random bytes. */
MUST_CHECK enum status recent_requests_init(struct recent_requests *recent, struct error *err);

struct request_mark recent_requests_mark(const struct recent_requests *recent, struct slice body,
                                         struct slice sender);

/* True: it is durable, with so many records. */
bool recent_requests_find(const struct recent_requests *recent, struct request_mark mark,
                          uint64_t now_ns, uint64_t *ret_records);

/* It is durable now. */
void recent_requests_add(struct recent_requests *recent, struct request_mark mark, uint64_t records,
                         uint64_t now_ns);
