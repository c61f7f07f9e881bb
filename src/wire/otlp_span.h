/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_span.h -- the shape of a Span message, and readers that give slices into its bytes.
 *
 * What otlp.h says of records holds here: known fields have their published wire types, ids their
 * size, limits are the caller's; unknown fields are accepted.  Links are not looked into.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

enum {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START_TIME_UNIX_NANO = 7,
    SPAN_END_TIME_UNIX_NANO = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_DROPPED_ATTRIBUTES_COUNT = 10,
    SPAN_EVENTS = 11,
    SPAN_DROPPED_EVENTS_COUNT = 12,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS_COUNT = 14,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16,
    SPAN_EVENT_TIME_UNIX_NANO = 1,
    SPAN_EVENT_NAME = 2,
    SPAN_EVENT_ATTRIBUTES = 3,
    SPAN_EVENT_DROPPED_ATTRIBUTES_COUNT = 4,
    SPAN_LINK_TRACE_ID = 1,
    SPAN_LINK_SPAN_ID = 2,
    SPAN_LINK_TRACE_STATE = 3,
    SPAN_LINK_ATTRIBUTES = 4,
    SPAN_LINK_DROPPED_ATTRIBUTES_COUNT = 5,
    SPAN_LINK_FLAGS = 6,
    SPAN_STATUS_MESSAGE = 2,
    SPAN_STATUS_CODE = 3,
};

/* Values of Span.kind and of Status.code. */
enum span_kind {
    SPAN_KIND_UNSPECIFIED,
    SPAN_KIND_INTERNAL,
    SPAN_KIND_SERVER,
    SPAN_KIND_CLIENT,
    SPAN_KIND_PRODUCER,
    SPAN_KIND_CONSUMER,
};
enum span_status { SPAN_STATUS_UNSET, SPAN_STATUS_OK, SPAN_STATUS_ERROR };

struct span_view {
    struct slice trace_id; /* empty when absent, as all ids */
    struct slice span_id;
    struct slice parent_span_id;
    struct slice trace_state;
    struct slice name;
    uint32_t kind; /* enum span_kind, or a number that we do not know */
    uint32_t flags;
    uint64_t start_time_unix_nano;
    uint64_t end_time_unix_nano;
    uint32_t status_code; /* enum span_status, or a number that we do not know */
    struct slice status_message;
    struct attribute_view *attributes; /* the caller's array, filled */
    size_t attribute_count;
    size_t event_count;
    struct slice encoded; /* the Span message itself */
};

/* Reads `span` into `ret`; attributes go to `attributes`, in their order (duplicates kept).
 * ST_CORRUPT: not a Span; ST_LIMIT: its size, more than `attribute_max` attributes, a key too long,
 * nesting too deep.  Events are counted only. */
MUST_CHECK enum status otlp_read_span(struct slice span, const struct otlp_limits *limits,
                                      struct attribute_view *attributes, size_t attribute_max,
                                      struct span_view *ret, struct error *err);

struct span_event_view {
    uint64_t time_unix_nano;
    struct slice name;
    struct attribute_view *attributes; /* the caller's array, filled */
    size_t attribute_count;
};

/* Events one by one, in their order. */
struct span_event_walk {
    struct pb_walk fields;
};

static inline struct span_event_walk span_event_walk_start(const struct span_view *span)
{
    return (struct span_event_walk){pb_walk_start(span->encoded)};
}

/* The next event.  *ret_found false: there is none left.  ST_CORRUPT, ST_LIMIT: this one cannot be
 * read; the next call goes on behind it. */
MUST_CHECK enum status span_event_next(struct span_event_walk *walk,
                                       const struct otlp_limits *limits,
                                       struct attribute_view *attributes, size_t attribute_max,
                                       struct span_event_view *ret, bool *ret_found,
                                       struct error *err);
