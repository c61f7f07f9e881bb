/* SPDX-License-Identifier: Apache-2.0 */
/* around_parts.h -- what is kept of the time around a moment; for around.c and around_json.c.
 *
 * Threads: none of its own.
 */
#pragma once

#include "query/around_match.h"
#include "query/attested.h"

enum {
    AROUND_ID_MAX = 256,     /* bytes of a session's id that tell it from others */
    AROUND_SENDER_MAX = 512, /* bytes of the line about who sent it */
    AROUND_WORD_SIZE = 32,   /* of a kind or an outcome, with its NUL */
    AROUND_UID_SIZE = 40,
};

struct around_prompt {
    uint64_t unix_ns;
    char *text; /* owned; safe; NULL: free */
};

struct around_session {
    char id[AROUND_ID_MAX];
    size_t id_size;
    char *head;                 /* owned; safe: agent and sender */
    struct attested_peer first; /* of its first record; the texts stand in `peer_text` */
    char peer_text[AROUND_SENDER_MAX];
    struct around_prompt prompts[AROUND_PROMPTS_MAX];
    unsigned best;          /* score of its best event */
    uint64_t best_distance; /* of that from the moment */
    uint64_t best_unix_ns;
    size_t events, matches;
};

struct around_event {
    uint64_t unix_ns, distance;
    uint32_t session;
    struct around_match match;
    bool is_forged, is_of_another;
    char kind[AROUND_WORD_SIZE], outcome[AROUND_WORD_SIZE], uid[AROUND_UID_SIZE];
    char *summary; /* owned; safe */
};

struct around {
    struct around_question question;
    struct around_session *sessions; /* owned */
    size_t session_count;
    struct around_event *events; /* owned */
    size_t event_count;
    size_t left_out;         /* events over the limits */
    size_t prompts_left_out; /* sessions' prompts from before the window */
};

/* The latest prompt that is not after the session's best event; NULL: there is none. */
const struct around_prompt *around_request_of(const struct around_session *session);

/* Puts the sessions that are shown into `order`, the best one first, and the events behind each
 * other by session; returns how many sessions.  *ret_matches: events that fit. */
size_t around_rank(struct around *around, struct around_session *order[AROUND_SESSIONS_MAX],
                   size_t *ret_matches);

/* The first event of the session, behind around_rank(). */
struct around_event *around_events_of(struct around *around, const struct around_session *session);
