/* SPDX-License-Identifier: Apache-2.0 */
/* line_walk.h -- a line of a store, told piece by piece: its attributes, its other texts and its
 * times.
 *
 * Nothing is allocated or decoded.  A line is told of as long as it is understood; when it turns
 * out not to be, what was told is true all the same, and there may be more.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/json_scan.h"

enum line_place { LINE_RESOURCE, LINE_SCOPE, LINE_RECORD };

enum line_value { LINE_TEXT, LINE_INT, LINE_OTHER, LINE_BYTES };

/* An attribute, or one of the values in the list or map that it is. */
struct line_attribute {
    enum line_place place;
    bool is_top; /* it is one of the record, resource or scope itself, and `value` is all of it */
    enum line_value type;
    struct json_text key;
    struct json_text value; /* of LINE_OTHER, nothing */
};

struct line_events {
    void (*on_attribute)(void *context, const struct line_attribute *attribute);
    void (*on_text)(void *context, const struct json_text *text); /* a name, a body */
    void (*on_time)(void *context, bool is_observed, uint64_t unix_ns);
    void (*on_trace_id)(void *context, const struct json_text *id);
    void (*on_record)(void *context, bool begins);
};

enum { LINE_WALK_DEPTH_MAX = 256 };

/* False: it is not understood, or not of log records alone. */
bool line_walk(struct slice line, const struct line_events *events, void *context);
