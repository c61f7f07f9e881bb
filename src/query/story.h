/* SPDX-License-Identifier: Apache-2.0 */
/* story.h -- the events of one session, in order, with what belongs together joined.
 *
 * Events of one tool call (asked, decided, reviewed, sandboxed, result) are joined by the call's
 * id.  A network decision names no call: it is joined when exactly one call was running at its
 * time, and marked as joined by time.  A hook that names no call is joined by the tool and what it
 * asked for, and marked as joined by words.
 *
 * A file operation that names no call is a part of the result of the one call of the same tool and
 * kind of file that it can belong to (story_file.c).
 *
 * What an agent says in several ways, in a log record, a hook and a span, is one fact: one of the
 * events tells it, the others are its echoes (story_same.c).
 *
 * Memory is bounded by STORY_SIZE_MAX; what does not fit is counted, not kept.
 * Threads: one owner.
 */
#pragma once

#include "telltale/buf.h"
#include "wire/otlp.h"

#define STORY_SIZE_MAX ((size_t)512 << 20)
/* So far apart the same thing may be said in several ways. */
#define STORY_ECHO_NS UINT64_C(2000000000)

enum { STORY_NO_CALL = -1, STORY_NO_EVENT = -1 };

/* How an agent said it. */
enum story_way { WAY_LOG = 1, WAY_HOOK = 2, WAY_SPAN = 4 };

struct story_event {
    uint64_t time_unix_ns;
    uint64_t order; /* in which it was added: breaks ties of time */
    int call;       /* index into story.calls, or STORY_NO_CALL */
    bool joined_by_time, joined_by_words;
    enum story_way way;
    unsigned int ways;       /* of this event and its echoes */
    int echo_of;             /* index of the event that tells it, or STORY_NO_EVENT */
    int part_of;             /* of a file operation: index of its call's result, or the same */
    struct record_view view; /* into memory that the story owns */
};

struct story_call {
    struct slice id; /* into memory that the story owns; empty: found by its words */
    struct slice conversation;
    uint64_t begin_unix_ns;          /* first sign of it; the result's time less its duration */
    uint64_t end_unix_ns;            /* of its result; 0 when none was seen */
    enum story_way way;              /* of the event that it was found by */
    const struct story_event *first; /* that event */
    bool has_decision;
    bool was_refused; /* its decision says that it never ran: there may be no result */
    bool has_result;
    bool shown; /* for whoever prints */
};

struct story {
    struct story_event *events; /* in order of time after story_join() */
    size_t event_count, event_capacity;
    struct story_call *calls;
    size_t call_count, call_capacity;
    size_t size_bytes;
    size_t left_out;     /* events over the limit */
    struct buf resource; /* ResourceLogs fields of the first event */
};

void story_init(struct story *story);
void story_fini(struct story *story);

/* Copies the record.  ST_NO_MEMORY, ST_CORRUPT; an event over the limit is counted, ST_OK. */
MUST_CHECK enum status story_add(struct story *story, const struct record_group *group,
                                 struct slice record, struct error *err);

/* Finds echoes; events are in order of time, and calls are joined. */
void story_find_echoes(struct story *story);

/* Finds the calls of file operations that name none; after the echoes. */
void story_find_parts(struct story *story);

/* Sorts and joins.  Call once, after the last event. */
MUST_CHECK enum status story_join(struct story *story, struct error *err);
