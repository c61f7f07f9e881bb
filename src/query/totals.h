/* SPDX-License-Identifier: Apache-2.0 */
/* totals.h -- a story in numbers.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/story.h"

/* A call whose decision says that it never ran counts as not run, whether a result says so too or
 * there is none.  Prompts are those of people: what is written to a reviewer or a sub-agent is
 * none; what these do and cost counts. */
struct totals {
    size_t prompts, calls, failed, blocked, not_run, network_allowed, network_blocked,
        model_requests;
    size_t no_result;
    double input_tokens, output_tokens;
};

/* Counts the events and calls of a joined story. */
void totals_count(const struct story *story, struct totals *ret);

/* Whether a prompt is a person's. */
bool totals_is_of_a_person(const struct record_view *view);
