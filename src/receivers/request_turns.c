/* SPDX-License-Identifier: Apache-2.0 */
/* request_turns.c -- see request_turns.h.  Whoever is resumed is counted at once, so that no other
 * takes its place before it is awake. */
#include "receivers/request_turns.h"

enum { BYTES_MIN = 128 * 1024, BYTES_MAX = 2 * 1024 * 1024 };

void request_turns_init(struct request_turns *turns, void (*resume)(struct request_turn *turn))
{
    *turns = (struct request_turns){.resume = resume};
    turns->waiting_end = &turns->waiting;
    flight_limit_init(&turns->limit, BYTES_MIN, BYTES_MAX);
}

static bool fits(const struct request_turns *turns, const struct request_turn *turn)
{
    return turns->bytes == 0 ||
           turns->bytes + turn->bytes <= flight_limit_bytes(&turns->limit, turns->is_shared);
}

static void count_in(struct request_turns *turns, struct request_turn *turn)
{
    turns->count++;
    turns->bytes += turn->bytes;
    turn->is_counted = true;
}

static void append_waiting(struct request_turns *turns, struct request_turn *turn)
{
    turn->next = NULL;
    *turns->waiting_end = turn;
    turns->waiting_end = &turn->next;
}

static void resume_waiting(struct request_turns *turns)
{
    while (turns->waiting != NULL && (turns->stopping || fits(turns, turns->waiting))) {
        struct request_turn *first = turns->waiting;
        turns->waiting = first->next;
        if (first->next == NULL)
            turns->waiting_end = &turns->waiting;
        count_in(turns, first);
        turns->resume(first); /* it may be gone from here on */
    }
}

bool request_turns_enter(struct request_turns *turns, struct request_turn *turn)
{
    if (turn->is_counted)
        return true;
    if (!turns->stopping && (turns->waiting != NULL || !fits(turns, turn))) {
        append_waiting(turns, turn);
        return false;
    }
    count_in(turns, turn);
    return true;
}

static void count_out(struct request_turns *turns, struct request_turn *turn)
{
    turns->count--;
    turns->bytes -= turn->bytes;
    turn->is_counted = false;
}

void request_turns_leave(struct request_turns *turns, struct request_turn *turn)
{
    if (!turn->is_counted)
        return;
    count_out(turns, turn);
    resume_waiting(turns);
}

void request_turns_landed(struct request_turns *turns, struct commit_facts commit, bool is_shared,
                          uint64_t now_ns)
{
    const struct flight_landing landing = {
        .bytes = commit.bytes,
        .begun_ns = commit.begun_ns,
        .landed_ns = now_ns,
        .held_back = turns->waiting != NULL,
        .is_shared = is_shared,
    };

    turns->is_shared = is_shared;
    flight_limit_note(&turns->limit, &landing);
}

bool request_turns_wait(struct request_turns *turns, struct request_turn *turn)
{
    count_out(turns, turn);
    if (turns->count == 0 || turns->stopping) {
        resume_waiting(turns);
        return false;
    }
    append_waiting(turns, turn);
    return true;
}

void request_turns_stop(struct request_turns *turns)
{
    turns->stopping = true;
    resume_waiting(turns);
}
