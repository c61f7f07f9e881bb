/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.c -- see timeline.h.
 *
 * A call is printed where it began: a line with the tool and what it asked for, and below it,
 * indented, what was decided, what the network said, and what came of it.  Everything else is a
 * line of its own.
 */
#include "query/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/lookup.h"
#include "query/page.h"
#include "query/sender_marks.h"
#include "query/summary.h"
#include "query/time_text.h"
#include "query/timeline_file.h"
#include "query/timeline_head.h"
#include "query/timeline_silence.h"
#include "query/timeline_words.h"

enum { INDENT = PAGE_INDENT, LABEL_WIDTH = PAGE_LABEL_WIDTH };

static bool is_kind(const struct record_view *view, const char *kind)
{
    return slice_equal(lookup_text(view, "agent.event.kind"), slice_of_text(kind));
}

/* --- Lines ------------------------------------------------------------------------------- */

static void begin_line(struct page *page, uint64_t time_unix_ns, struct slice label)
{
    char clock[TIME_TEXT_SIZE];

    time_format_clock(time_unix_ns, clock);
    page_put_ink(page, INK_DIM, clock);
    page_put(page, "  ");
    page_put_cell(page, label, LABEL_WIDTH);
}

static void put_decider(struct page *page, const struct record_view *view)
{
    struct slice reason = lookup_text(view, "agent.decision.reason");
    const char *scope = timeline_words_find(WORDS_SCOPE, lookup_text(view, "agent.decision.scope"));

    page_put(page, " ");
    (void)timeline_words_put(page, WORDS_DECIDER, lookup_text(view, "agent.decision.source"),
                             "by whom is not said");
    if (scope != NULL)
        page_put_format(page, " %s", scope);
    if (reason.size > 0) {
        page_put(page, ": ");
        page_put_text(page, reason, page_columns_behind(page, INDENT + 40));
    }
}

/* In which ways the agent said it, when it said it in several. */
static void put_ways(struct page *page, const struct story_event *event)
{
    static const struct {
        enum story_way way;
        const char *name;
    } ways[] = {{WAY_LOG, "log"}, {WAY_HOOK, "hook"}, {WAY_SPAN, "span"}};
    const char *separator = "  [";

    if (event->joined_by_words)
        page_put_ink(page, INK_DIM, "  [joined by what it says]");
    if (event->ways == (unsigned int)event->way)
        return;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if ((event->ways & ways[i].way) == 0)
            continue;
        page_put_ink(page, INK_DIM, separator);
        page_put_ink(page, INK_DIM, ways[i].name);
        separator = ", ";
    }
    page_put_ink(page, INK_DIM, "]");
}

/* What was decided, by whom and why, to the end of the line. */
static void put_verdict(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;

    (void)timeline_words_put(page, WORDS_DECISION, lookup_text(view, "agent.decision.outcome"),
                             "decision unknown");
    put_decider(page, view);
    struct slice risk = lookup_text(view, "agent.review.risk_level");
    if (risk.size > 0) {
        page_put(page, ", risk ");
        page_put_text(page, risk, 20);
    }
    struct slice rationale = lookup_text(view, "agent.review.rationale");
    if (rationale.size > 0) {
        page_put(page, ": ");
        page_put_text(page, rationale, page_columns_behind(page, INDENT + 50));
    }
    put_ways(page, event);
    page_put(page, "\n");
}

/* "GET blocked.example.net:80 (http)" */
static void put_target(struct page *page, const struct record_view *view)
{
    struct slice method = lookup_text(view, "http.request.method");
    struct slice mechanism = lookup_text(view, "agent.network.mechanism");
    struct slice address = lookup_text(view, "server.address");
    double port = lookup_number(view, "server.port", 0);

    if (method.size > 0 && !slice_equal(method, SLICE("none"))) {
        page_put_text(page, method, 20);
        page_put(page, " ");
    }
    if (address.size == 0)
        address = lookup_text(view, "agent.network.target_kind");
    if (address.size > 0)
        page_put_text(page, address, 100);
    else
        page_put_ink(page, INK_ODD, "(its target was not reported)");
    if (port > 0) {
        page_put(page, ":");
        page_put_number(page, port);
    }
    if (mechanism.size > 0) {
        page_put(page, " (");
        page_put_text(page, mechanism, 20);
        page_put(page, ")");
    }
}

static void put_network(struct page *page, const struct story_event *event)
{
    put_target(page, &event->view);
    page_put(page, "  ");
    (void)timeline_words_put(page, WORDS_NETWORK,
                             lookup_text(&event->view, "agent.decision.outcome"),
                             "decision unknown");
    put_decider(page, &event->view);
    if (event->joined_by_time)
        page_put_ink(page, INK_DIM, "  [joined by time]");
    page_put(page, "\n");
}

/* Denied before it began; what was started and then stopped was blocked. */
static bool was_not_run(const struct record_view *view)
{
    return slice_equal(lookup_text(view, "agent.outcome"), SLICE("denied")) &&
           lookup_number(view, "agent.tool.executed", 1) == 0;
}

static void put_result(struct page *page, const struct story *story,
                       const struct story_event *event, struct slice output)
{
    const struct record_view *view = &event->view;
    char duration[TIME_TEXT_SIZE];
    double duration_ms = lookup_number(view, "agent.duration_ms", -1);
    double exit_code = lookup_number(view, "process.exit.code", -1);

    page_put_detail(page, "result");
    if (was_not_run(view))
        page_put_ink(page, INK_BAD, "NOT RUN");
    else
        (void)timeline_words_put(page, WORDS_OUTCOME, lookup_text(view, "agent.outcome"),
                                 "outcome unknown");
    if (exit_code >= 0) {
        page_put(page, ", exit code ");
        page_put_number(page, exit_code);
    }
    if (duration_ms >= 0) {
        time_format_duration(duration_ms, duration);
        page_put_format(page, ", %s", duration);
    }
    timeline_file_put(page, story, event);
    if (output.size == 0)
        output = lookup_text(view, "agent.error.message");
    put_ways(page, event);
    page_put(page, "\n");
    page_put_lines(page, summary_of_output(output), INDENT + LABEL_WIDTH);
}

static struct slice short_kind(const struct record_view *view)
{
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");

    return slice_starts_with(kind, prefix) ? slice_from(kind, prefix.size) : kind;
}

static void put_summary(struct page *page, const struct record_view *view, size_t indent)
{
    if (page->status == ST_OK)
        page->status =
            summary_append(page->out, view, page_columns_behind(page, indent), page->err);
}

/* An event of another kind that belongs to a call. */
static void put_aside(struct page *page, const struct record_view *view)
{
    page_put_detail(page, "");
    page_put_cell(page, short_kind(view), LABEL_WIDTH);
    put_summary(page, view, INDENT + 2 * LABEL_WIDTH);
    page_put(page, "\n");
}

static struct slice output_of(const struct record_view *view)
{
    struct slice output = lookup_text(view, "gen_ai.tool.call.result");

    return output.size > 0 ? output : lookup_text(view, "output");
}

static void put_sandbox(struct page *page, const struct record_view *view)
{
    page_put_detail(page, "sandbox");
    page_put_text(page, lookup_text(view, "agent.sandbox.outcome"), 40);
    page_put(page, "\n");
}

/* --- Calls ------------------------------------------------------------------------------- */

static struct slice call_text(const struct story *story, int call, const char *key)
{
    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].call == call && !story->events[i].joined_by_time) {
            struct slice text = lookup_text(&story->events[i].view, key);
            if (text.size > 0)
                return text;
        }
    }
    return SLICE_EMPTY;
}

static struct slice call_request(const struct story *story, int call)
{
    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].call == call && !story->events[i].joined_by_time) {
            struct slice text = summary_of_call(&story->events[i].view);
            if (text.size > 0)
                return text;
        }
    }
    return SLICE_EMPTY;
}

static bool is_decision(const struct record_view *view)
{
    return is_kind(view, "agent.approval") || is_kind(view, "agent.review");
}

static bool is_result(const struct record_view *view)
{
    return is_kind(view, "agent.tool") &&
           slice_equal(lookup_text(view, "agent.event.phase"), SLICE("end"));
}

/* Some agents tell the decision only with the result.  Returns whether this record does. */
static bool put_own_decision(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;

    if (!is_kind(view, "agent.tool") || lookup_text(view, "agent.decision.outcome").size == 0)
        return false;
    page_put_detail(page, "decision");
    put_verdict(page, event);
    return true;
}

/* What the tool gave back: the event says it, or one of its echoes. */
static struct slice call_output(const struct story *story, const struct story_event *event)
{
    struct slice output = output_of(&event->view);
    int self = (int)(event - story->events);

    for (size_t i = 0; i < story->event_count && output.size == 0; i++) {
        if (story->events[i].echo_of == self)
            output = output_of(&story->events[i].view);
    }
    return output;
}

static void put_call_event(struct page *page, const struct story *story,
                           const struct story_event *event)
{
    const struct record_view *view = &event->view;

    if (is_decision(view)) {
        page_put_detail(page, is_kind(view, "agent.review") ? "review" : "decision");
        put_verdict(page, event);
    } else if (is_kind(view, "agent.network")) {
        page_put_detail(page, "network");
        put_network(page, event);
    } else if (is_kind(view, "agent.sandbox")) {
        put_sandbox(page, view);
    } else if (is_result(view)) {
        put_result(page, story, event, call_output(story, event));
    } else if (!is_kind(view, "agent.tool") && !is_kind(view, "agent.other")) {
        put_aside(page, view);
    }
}

/* Of a call without a record of its decision. */
static void put_missing_decision(struct page *page, const struct story *story, int call)
{
    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].call == call && put_own_decision(page, &story->events[i]))
            return;
    }
    page_put_detail(page, "decision");
    page_put_ink(page, INK_DIM, "none was reported\n");
}

/* The call that another was made for, by its tool and what it asked for; by its id where it is not
 * in the story. */
static void put_parent(struct page *page, const struct story *story, struct slice own_id,
                       struct slice parent_id)
{
    if (parent_id.size == 0 || slice_equal(parent_id, own_id))
        return;
    page_put_detail(page, "made for");
    for (size_t i = 0; i < story->call_count; i++) {
        if (!slice_equal(story->calls[i].id, parent_id))
            continue;
        page_put_text(page, call_text(story, (int)i, "gen_ai.tool.name"), 60);
        page_put(page, " ");
        page_put_text(page, call_request(story, (int)i),
                      page_columns_behind(page, INDENT + 2 * LABEL_WIDTH + 15));
        page_put(page, "\n");
        return;
    }
    page_put(page, "call ");
    page_put_text(page, parent_id, page_columns_behind(page, INDENT + 2 * LABEL_WIDTH));
    page_put(page, "\n");
}

static void put_call(struct page *page, struct story *story, const struct sender_marks *marks,
                     int index)
{
    struct story_call *call = &story->calls[index];
    struct slice request = call_request(story, index);
    struct slice server = call_text(story, index, "agent.mcp.server.name");

    call->shown = true;
    begin_line(page, call->begin_unix_ns, SLICE("tool"));
    page_put_text_ink(page, INK_BOLD, call_text(story, index, "gen_ai.tool.name"), 60);
    if (server.size > 0) {
        page_put(page, " of MCP server ");
        page_put_text(page, server, 40);
    }
    page_put(page, "  ");
    if (request.size > 0)
        page_put_text(page, request, page_columns_behind(page, INDENT + LABEL_WIDTH + 15));
    else
        page_put_ink(page, INK_ODD, "(what it asked for was not reported)");
    page_put(page, "\n");
    put_parent(page, story, call->id, call_text(story, index, "agent.tool.parent_call_id"));
    if (!call->has_decision)
        put_missing_decision(page, story, index);
    for (size_t i = 0; i < story->event_count; i++) {
        const struct story_event *event = &story->events[i];
        if (event->call != index || event->echo_of != STORY_NO_EVENT)
            continue;
        put_call_event(page, story, event);
        sender_marks_put(marks, page, &event->view);
    }
    if (!call->has_result) {
        page_put_detail(page, "result");
        if (call->was_refused)
            page_put_ink(page, INK_BAD, "NOT RUN\n");
        else
            page_put_ink(page, INK_ODD, "none was reported\n");
    }
}

/* --- Other events ------------------------------------------------------------------------- */

/* A prompt may mention files, agents and the like: the agent tells that apart. */
static bool is_mention(const struct record_view *view)
{
    return slice_equal(lookup_text(view, "agent.prompt.source"), SLICE("mention"));
}

static void put_prompt(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    struct slice text = lookup_text(view, "prompt");
    bool is_redacted =
        slice_equal(lookup_text(view, "agent.content.state"), SLICE("redacted_by_source"));
    bool is_absent = slice_equal(lookup_text(view, "agent.content.state"), SLICE("absent"));

    begin_line(page, event->time_unix_ns, SLICE("prompt"));
    size_t used = timeline_words_put_thread(page, lookup_text(view, "agent.role"));
    if (text.size == 0 && view->body.type == ANY_TYPE_STRING)
        text = view->body.bytes;
    if (is_redacted) {
        page_put(page, "(");
        page_put_number(page, lookup_number(view, "agent.prompt.length", 0));
        page_put(page, " characters, redacted by the agent)");
    } else if (is_mention(view)) {
        page_put(page, "(something was mentioned)");
    } else if (!is_absent) {
        page_put_text(page, text, page_columns_behind(page, INDENT + LABEL_WIDTH + used));
    }
    page_put(page, "\n");
}

static void put_session(struct page *page, const struct story_event *event)
{
    bool ends = slice_equal(lookup_text(&event->view, "agent.event.phase"), SLICE("end"));

    begin_line(page, event->time_unix_ns, SLICE("session"));
    (void)timeline_words_put_thread(page, lookup_text(&event->view, "agent.role"));
    page_put_format(page, "%s", ends ? "ended" : "started");
    page_put(page, "\n");
}

static void put_model(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    double input = lookup_number(view, "gen_ai.usage.input_tokens", -1);
    struct slice message = lookup_text(view, "agent.error.message");

    if (message.size == 0)
        message = lookup_text(view, "error.type");
    begin_line(page, event->time_unix_ns, SLICE("model"));
    page_put_text(page, lookup_text(view, "gen_ai.request.model"), 40);
    page_put(page, " ");
    (void)timeline_words_put(page, WORDS_OUTCOME, lookup_text(view, "agent.outcome"), "");
    if (input >= 0) {
        page_put(page, ", ");
        timeline_words_put_tokens(page, input,
                                  lookup_number(view, "gen_ai.usage.output_tokens", 0));
    }
    if (message.size > 0) {
        page_put(page, ": ");
        page_put_text(page, message, page_columns_behind(page, INDENT + 40));
    }
    page_put(page, "\n");
}

/* A decision that names no call. */
static void put_loose_decision(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;

    begin_line(page, event->time_unix_ns,
               is_kind(view, "agent.review") ? SLICE("review") : SLICE("approval"));
    page_put_text(page, lookup_text(view, "gen_ai.tool.name"), 60);
    page_put(page, "  ");
    put_verdict(page, event);
}

/* A tool call without an id: nothing can be joined to it, and what was decided over it stands in
 * its own record if anywhere. */
static void put_loose_call(struct page *page, const struct story *story,
                           const struct story_event *event)
{
    const struct record_view *view = &event->view;

    begin_line(page, event->time_unix_ns, SLICE("tool"));
    put_summary(page, view, INDENT + LABEL_WIDTH);
    page_put(page, "\n");
    put_parent(page, story, SLICE_EMPTY, lookup_text(view, "agent.tool.parent_call_id"));
    (void)put_own_decision(page, event); /* it may tell none */
    if (is_result(view))
        put_result(page, story, event, output_of(view));
}

/* How it ended, where that is worth a word. */
static void put_trouble(struct page *page, const struct record_view *view)
{
    static const char *const usual[] = {"success", "unknown", "pending", ""};
    struct slice outcome = lookup_text(view, "agent.outcome");

    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (slice_equal(outcome, slice_of_text(usual[i])))
            return;
    }
    if (is_kind(view, "agent.error"))
        return;
    page_put(page, "  ");
    (void)timeline_words_put(page, WORDS_OUTCOME, outcome, "outcome unknown");
}

static void put_other(struct page *page, const struct story_event *event)
{
    static const char claim[] = "SAID BY THE SENDER: ";
    bool is_ours = slice_equal(lookup_text(&event->view, "agent.transport"), SLICE("internal"));
    size_t used = INDENT + LABEL_WIDTH;

    begin_line(page, event->time_unix_ns, short_kind(&event->view));
    bool is_daemons =
        is_kind(&event->view, "agent.pipeline") || is_kind(&event->view, "agent.integrity");
    if (is_daemons && !is_ours) {
        page_put_ink(page, INK_ODD, claim); /* no word of the daemon on what was lost */
        used += sizeof(claim) - 1;
    }
    if (!is_ours || !timeline_silence_put(page, &event->view, used))
        put_summary(page, &event->view, used);
    put_trouble(page, &event->view);
    page_put(page, "\n");
}

/* Whether the event is part of the story or only of the machinery. */
static bool is_told(const struct record_view *view)
{
    struct slice outcome = lookup_text(view, "agent.outcome");
    bool failed =
        !slice_equal(outcome, SLICE("success")) && !slice_equal(outcome, SLICE("pending"));

    if (is_kind(view, "agent.other"))
        return false;
    if (is_kind(view, "agent.file")) /* without a path it says less than its call */
        return !slice_equal(lookup_text(view, "agent.file.path_source"), SLICE("none"));
    if (!is_kind(view, "agent.model"))
        return true;
    bool begins = slice_equal(lookup_text(view, "agent.event.phase"), SLICE("start"));
    bool again = lookup_number(view, "agent.usage.duplicate", 0) != 0;
    return failed && !begins && !again;
}

static void put_event(struct page *page, const struct story *story, const struct story_event *event)
{
    if (is_kind(&event->view, "agent.prompt")) {
        put_prompt(page, event);
    } else if (is_kind(&event->view, "agent.session")) {
        put_session(page, event);
    } else if (is_kind(&event->view, "agent.network")) {
        begin_line(page, event->time_unix_ns, SLICE("network"));
        put_network(page, event);
    } else if (is_kind(&event->view, "agent.model")) {
        put_model(page, event);
    } else if (is_decision(&event->view)) {
        put_loose_decision(page, event);
    } else if (is_kind(&event->view, "agent.tool")) {
        put_loose_call(page, story, event);
    } else {
        put_other(page, event);
    }
}

/* ------------------------------------------------------------------------------------------- */

enum status timeline_write(struct story *story, const struct timeline_style *style, struct buf *out,
                           struct error *err)
{
    struct page page = {
        .out = out,
        .color = style->color,
        .whole_texts = style->whole_texts,
        .columns = style->columns,
        .status = ST_OK,
        .err = err,
    };

    if (story->event_count == 0)
        return error_set(err, ST_NOT_FOUND, "no event of that session is in the store");
    struct sender_marks marks = sender_marks_of(story);
    timeline_head_put(&page, story, &marks);
    for (size_t i = 0; i < story->event_count; i++) {
        const struct story_event *event = &story->events[i];
        if ((event->echo_of != STORY_NO_EVENT && event->call == STORY_NO_CALL) ||
            event->part_of != STORY_NO_EVENT)
            continue;
        if (event->call == STORY_NO_CALL) {
            if (style->everything || is_told(&event->view)) {
                put_event(&page, story, event);
                sender_marks_put(&marks, &page, &event->view);
            }
        } else if (!story->calls[event->call].shown && !event->joined_by_time) {
            put_call(&page, story, &marks, event->call);
        }
    }
    timeline_foot_put(&page, story);
    sender_marks_put_foot(&marks, &page);
    return page.status;
}
