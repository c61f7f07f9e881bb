/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h -- which records a question is about.  An empty part of a filter asks for nothing.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/condition.h"
#include "query/pattern.h"
#include "wire/otlp.h"

enum {
    FILTER_CONDITIONS_MAX = 64,
    FILTER_WORDS_MAX = 16,
    FILTER_TEXT_MAX = 4096, /* bytes; a longer text is found nowhere */
};

struct query_filter {
    uint64_t since_unix_ns; /* 0: from the beginning */
    uint64_t until_unix_ns; /* 0: to the end; this moment is no longer in */
    const char
        *session; /* session or conversation id: whole, or its first or last 8 characters or more */
    const char *kinds;    /* "tool,approval" or "agent.tool"; any of them */
    const char *outcomes; /* "denied,failure"; any of them */
    const char *tool;     /* the tool's name */
    const char *agents;   /* agent.product or gen_ai.agent.name; any of them */
    const char *users;    /* a number: the uid that the kernel names; else what the sender says:
                             user.name, .id, .email or process.user.name; any of them */
    const char *hosts;    /* host.name or host.id; any of them */
    const char *text;     /* stands within one of the record's texts or keys; case of ASCII letters
                             is ignored */
    const char *words[FILTER_WORDS_MAX]; /* each stands there as a whole word; case as above */
    size_t word_count;
    struct pattern *grep;               /* matches in one of its texts, those of the resource too */
    const struct condition *conditions; /* all of them hold */
    size_t condition_count;
    struct buf *scratch; /* for conditions; not NULL where there are any */
};

bool query_filter_matches(const struct query_filter *filter, struct slice record,
                          const struct field_record *seen);

/* Whether one of the comma-separated words of `list` is the user: see above. */
bool query_is_of_user(const char *list, const struct record_view *view);
bool query_is_of_host(const char *list, const struct field_record *seen);

/* Whether `needle` stands in `haystack`; case of ASCII letters is ignored.  An empty one does. */
bool query_contains(struct slice haystack, struct slice needle);

/* Whether the record belongs to the session that `session` names (see above). */
bool query_is_of_session(const char *session, const struct record_view *view);
