/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h -- which records a question is about.  An empty part of a filter asks for nothing.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

struct query_filter {
    uint64_t since_unix_ns; /* 0: from the beginning */
    uint64_t until_unix_ns; /* 0: to the end; this moment is no longer in */
    const char
        *session; /* session or conversation id: whole, or its first or last 8 characters or more */
    const char *kinds;    /* "tool,approval" or "agent.tool"; any of them */
    const char *outcomes; /* "denied,failure"; any of them */
    const char *tool;     /* the tool's name */
    const char *text;     /* stands somewhere in the record; case of ASCII letters is ignored */
};

bool query_filter_matches(const struct query_filter *filter, struct slice record,
                          const struct record_view *view);

/* Whether the record belongs to the session that `session` names (see above). */
bool query_is_of_session(const char *session, const struct record_view *view);
