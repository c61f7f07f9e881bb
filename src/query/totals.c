/* SPDX-License-Identifier: Apache-2.0 */
/* totals.c -- see totals.h. */
#include "query/totals.h"

#include "query/lookup.h"

static bool is_kind(const struct record_view *view, const char *kind)
{
    return slice_equal(lookup_text(view, "agent.event.kind"), slice_of_text(kind));
}

/* What an agent writes to its reviewer or its sub-agents is a prompt too, but nobody's. */
bool totals_is_of_a_person(const struct record_view *view)
{
    struct slice role = lookup_text(view, "agent.role");
    bool is_mention = slice_equal(lookup_text(view, "agent.prompt.source"), SLICE("mention"));

    return !is_mention && !slice_equal(role, SLICE("reviewer")) &&
           !slice_equal(role, SLICE("subagent")) && !slice_equal(role, SLICE("teammate"));
}

static void count_event(struct totals *totals, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    struct slice outcome = lookup_text(view, "agent.outcome");
    struct slice decision = lookup_text(view, "agent.decision.outcome");
    bool is_tool_end = is_kind(view, "agent.tool") &&
                       slice_equal(lookup_text(view, "agent.event.phase"), SLICE("end"));
    bool denied = slice_equal(outcome, SLICE("denied"));
    bool executed = lookup_number(view, "agent.tool.executed", 1) != 0;
    double input = lookup_number(view, "gen_ai.usage.input_tokens", 0);

    totals->prompts += is_kind(view, "agent.prompt") && totals_is_of_a_person(view);
    totals->calls += is_tool_end && event->call == STORY_NO_CALL;
    totals->failed += is_tool_end && slice_equal(outcome, SLICE("failure"));
    totals->not_run += is_tool_end && denied && !executed;
    totals->blocked += is_tool_end && denied && executed;
    if (is_kind(view, "agent.network")) {
        totals->network_allowed += slice_equal(decision, SLICE("allow"));
        totals->network_blocked += slice_equal(decision, SLICE("deny"));
    }
    if (is_kind(view, "agent.model") && input > 0 &&
        lookup_number(view, "agent.usage.duplicate", 0) == 0) {
        totals->model_requests++;
        totals->input_tokens += input;
        totals->output_tokens += lookup_number(view, "gen_ai.usage.output_tokens", 0);
    }
}

void totals_count(const struct story *story, struct totals *ret)
{
    *ret = (struct totals){.calls = story->call_count};
    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].echo_of == STORY_NO_EVENT)
            count_event(ret, &story->events[i]);
    }
    for (size_t i = 0; i < story->call_count; i++) {
        const struct story_call *call = &story->calls[i];
        ret->not_run += !call->has_result && call->was_refused;
        ret->no_result += !call->has_result && !call->was_refused;
    }
}
