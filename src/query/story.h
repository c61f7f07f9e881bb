/* SPDX-License-Identifier: Apache-2.0 */
/* story.h -- the events of one session, in order, with what belongs together joined.
 *
 * Events of one tool call (asked, decided, reviewed, sandboxed, result) are joined by the call's
 * id.  A network decision names no call: it is joined when exactly one call was running at its
 * time, and marked as joined by time.
 *
 * Memory is bounded by STORY_SIZE_MAX; what does not fit is counted, not kept.
 * Threads: one owner.
 */
#pragma once

#include "telltale/buf.h"
#include "wire/otlp.h"

#define STORY_SIZE_MAX ((size_t)512 << 20)

enum { STORY_NO_CALL = -1 };

struct story_event {
    uint64_t time_unix_ns;
    uint64_t order; /* in which it was added: breaks ties of time */
    int call;       /* index into story.calls, or STORY_NO_CALL */
    bool joined_by_time;
    struct record_view view; /* into memory that the story owns */
};

struct story_call {
    struct slice id; /* into memory that the story owns */
    struct slice conversation;
    uint64_t begin_unix_ns; /* first sign of it; the result's time less its duration */
    uint64_t end_unix_ns;   /* of its result; 0 when none was seen */
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

/* Sorts and joins.  Call once, after the last event. */
MUST_CHECK enum status story_join(struct story *story, struct error *err);
