/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h -- what the daemon writes back on one connection of the Unix protocol.
 *
 * Acks are cumulative, so only the latest is kept; errors are kept in order, before the ack that
 * covers them, up to ANSWERS_SIZE_MAX.  A sender that does not read loses errors, is told how
 * many when it reads again, and is never waited for.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdbool.h>

#include "receivers/refusal.h"
#include "telltale/buf.h"
#include "telltale/error.h"

enum { ANSWERS_SIZE_MAX = 64 * 1024 };

struct answers {
    struct buf out;
    size_t written;       /* of `out` */
    uint64_t acked;       /* the last ack that stands in `out` or is written */
    uint64_t ack_wanted;  /* not less than `acked` */
    uint64_t errors_lost; /* since the last that had room */
};

void answers_init(struct answers *answers);
void answers_fini(struct answers *answers);

/* Events 1 to `count` are handled: durable, or refused by an error before. */
void answers_ack(struct answers *answers, uint64_t count);

/* Event `event` was refused; 0: the error is about the connection.  False: there was no room. */
bool answers_error(struct answers *answers, uint64_t event, const char *code, const char *message);

/* Writes what the socket takes now.  ST_OK: all of it; ST_AGAIN: wait for EPOLLOUT; ST_IO: the
 * sender is gone. */
MUST_CHECK enum status answers_write(struct answers *answers, int fd, struct error *err);
