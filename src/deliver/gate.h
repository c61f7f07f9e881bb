/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h -- when the lanes of a destination may send: all at once while it works, one at a time
 * while it does not.
 *
 *              a send failed                     a lane tries: one, when the time has come
 *     OPEN ---------------------> WAITING <----------------------> TRYING
 *       ^                                       it failed again      |
 *       '------------------------------------------------------------'
 *                             any answer but "again"
 *
 * The wait has full jitter and a ceiling that doubles with each failure in a row (backoff.h).  A
 * delay that the destination asks for holds everybody until it is over, whatever else is answered
 * meanwhile.
 *
 * Brake.  A destination that refuses one record after the other has more likely broken down than
 * met so many bad ones.  Behind GATE_DEAD_STREAK_MAX dead letters without a record accepted in
 * between, it is treated alike: one lane at a time, each send behind a wait of up to
 * GATE_BRAKE_MAX_NS.  The destination is not hammered, the backlog stays in the journal for
 * somebody to notice, and yet a run of bad records comes to its end.
 *
 * Threads: none of its own; its owner has a lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "deliver/backoff.h"

/* Dead letters in a row that are taken for granted.  While it brakes, a request has no more
 * records: there are destinations that refuse them one by one, all in one answer. */
enum { GATE_DEAD_STREAK_MAX = 16 };

#define GATE_BRAKE_MAX_NS UINT64_C(1000000000)
#define GATE_NO_TIME      UINT64_MAX

struct gate {
    struct backoff backoff;
    uint32_t failures;      /* in a row; 0: it works */
    uint32_t dead_streak;   /* dead letters since a record was accepted */
    bool trying;            /* a lane that was let in alone has not come out */
    uint64_t not_before_ns; /* monotonic: nobody goes in before */
    uint64_t asked_for_ns;  /* the same, at the destination's wish */
};

void gate_init(struct gate *gate, const struct backoff *backoff);

/* Dead letters have become too many to be taken for granted. */
bool gate_is_braking(const struct gate *gate);

/* A lane wants to send.  True: it may, and calls one of the functions below with *ret_alone
 * afterwards.  False: it asks again at *ret_until_ns (monotonic), GATE_NO_TIME for when another
 * one has come out.  `hurry`: the daemon stops, so there is no waiting for the time. */
bool gate_enter(struct gate *gate, uint64_t now_ns, bool hurry, bool *ret_alone,
                uint64_t *ret_until_ns);

/* The destination has answered, one way or the other. */
void gate_answered(struct gate *gate, bool alone, uint64_t now_ns, uint64_t random);

/* It has not, or wants the same again, in `asked_ms` (0: it does not say).  Gives the time until
 * the next attempt. */
uint64_t gate_failed(struct gate *gate, bool alone, uint32_t asked_ms, uint64_t now_ns,
                     uint64_t random);

/* What became of records; before gate_answered(). */
void gate_count_dead(struct gate *gate);
void gate_count_accepted(struct gate *gate);
