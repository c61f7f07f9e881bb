/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.c -- see timeline.h.
 *
 * A call is printed where it began: a line with the tool and what it asked for, and below it,
 * indented, what was decided, what the network said, and what came of it.  Everything else is a
 * line of its own.
 *
 * A page keeps the first failure of a write and ignores what follows, so that the writers below
 * read as a list of what is shown.
 */
#include "query/timeline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/lookup.h"
#include "query/safe_text.h"
#include "query/summary.h"
#include "query/time_text.h"
#include "util/clock.h"

enum { INDENT = 16, EXCERPT_LINES_MAX = 3, LABEL_WIDTH = 10 };

enum ink { INK_PLAIN, INK_DIM, INK_BOLD, INK_GOOD, INK_BAD, INK_ODD };

static const char *const ink_codes[] = {"",         "\x1b[2m",  "\x1b[1m",
                                        "\x1b[32m", "\x1b[31m", "\x1b[33m"};

struct page {
    struct buf *out;
    const struct timeline_style *style;
    enum status status;
    struct error *err;
};

static void put(struct page *page, const void *data, size_t size)
{
    if (page->status == ST_OK)
        page->status = buf_append(page->out, data, size, page->err);
}

PRINTF_LIKE(2, 3) static void put_format(struct page *page, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ASSERT(size >= 0 && (size_t)size < sizeof(text));
    put(page, text, (size_t)size);
}

static void put_ink(struct page *page, enum ink ink, const char *text)
{
    bool colored = page->style->color && ink != INK_PLAIN;

    if (colored)
        put(page, ink_codes[ink], strlen(ink_codes[ink]));
    put(page, text, strlen(text));
    if (colored)
        put(page, "\x1b[0m", 4);
}

static void put_safe(struct page *page, struct slice text, size_t columns)
{
    if (page->status == ST_OK) {
        page->status = safe_text_append(page->out, text, page->style->whole_texts ? 0 : columns,
                                        NEWLINES_ESCAPED, page->err);
    }
}

static size_t columns_behind(const struct page *page, size_t used)
{
    return page->style->columns > used + 20 ? page->style->columns - used : 20;
}

/* Texts of several lines: the first few, each indented; all with whole_texts. */
static void put_lines(struct page *page, struct slice text, size_t indent)
{
    size_t shown = 0;

    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        if (shown >= EXCERPT_LINES_MAX && !page->style->whole_texts) {
            put_format(page, "%*s", (int)indent, "");
            put_ink(page, INK_DIM, "(more: --full shows all)\n");
            return;
        }
        put_format(page, "%*s", (int)indent, "");
        put_safe(page, slice_of(text.data, size), columns_behind(page, indent));
        put(page, "\n", 1);
        shown++;
        text = slice_from(text, size + (end != NULL));
    }
}

/* --- Words ------------------------------------------------------------------------------ */

struct word {
    const char *value;
    const char *text;
    enum ink ink;
};

static const struct word decisions[] = {
    {"allow", "approved", INK_GOOD}, {"deny", "DENIED", INK_BAD},
    {"ask", "asked", INK_ODD},       {"modify", "approved with changes", INK_ODD},
    {"abort", "ABORTED", INK_BAD},   {"timeout", "TIMED OUT", INK_BAD},
    {"defer", "deferred", INK_ODD},
};

static const struct word network_decisions[] = {
    {"allow", "allowed", INK_GOOD}, {"deny", "BLOCKED", INK_BAD}, {"ask", "asked", INK_ODD}};

static const struct word deciders[] = {
    {"user", "by the user", INK_PLAIN},
    {"config", "by configuration", INK_PLAIN},
    {"hook", "by a hook", INK_PLAIN},
    {"auto_reviewer", "by the automatic reviewer", INK_PLAIN},
    {"policy", "by the network proxy's policy", INK_PLAIN},
    {"network_proxy", "by the network proxy", INK_PLAIN},
    {"sandbox", "by the sandbox", INK_PLAIN},
    {"host_app", "by the host application", INK_PLAIN},
};

static const struct word outcomes[] = {
    {"success", "ok", INK_GOOD},
    {"failure", "FAILED", INK_BAD},
    {"denied", "NOT RUN", INK_BAD},
    {"cancelled", "CANCELLED", INK_ODD},
    {"timeout", "TIMED OUT", INK_BAD},
    {"pending", "pending", INK_ODD},
    {"unknown", "outcome unknown", INK_ODD},
};

static const struct word scopes[] = {
    {"session", "for the session", INK_PLAIN},
    {"permanent", "for good", INK_PLAIN},
    {"rule_added", "and a rule was added", INK_PLAIN},
};

static const struct word *find_word(const struct word *words, size_t count, struct slice value)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(value, slice_of_text(words[i].value)))
            return &words[i];
    }
    return NULL;
}

static bool put_word(struct page *page, const struct word *words, size_t count, struct slice value,
                     const char *otherwise)
{
    const struct word *word = find_word(words, count, value);

    if (word != NULL)
        put_ink(page, word->ink, word->text);
    else
        put_ink(page, INK_ODD, otherwise);
    return word != NULL;
}

static bool is_kind(const struct record_view *view, const char *kind)
{
    return slice_equal(lookup_text(view, "agent.event.kind"), slice_of_text(kind));
}

/* --- Lines ------------------------------------------------------------------------------- */

static void begin_line(struct page *page, uint64_t time_unix_ns, const char *label)
{
    char clock[TIME_TEXT_SIZE];

    time_format_clock(time_unix_ns, clock);
    put_ink(page, INK_DIM, clock);
    put_format(page, "  %-*s", LABEL_WIDTH, label);
}

static void begin_detail(struct page *page, const char *label)
{
    put_format(page, "%*s%-*s", INDENT, "", LABEL_WIDTH, label);
}

static void put_decider(struct page *page, const struct record_view *view)
{
    struct slice reason = lookup_text(view, "agent.decision.reason");
    const struct word *scope =
        find_word(scopes, COUNT_OF(scopes), lookup_text(view, "agent.decision.scope"));

    put(page, " ", 1);
    (void)put_word(page, deciders, COUNT_OF(deciders), lookup_text(view, "agent.decision.source"),
                   "by whom is not said");
    if (scope != NULL)
        put_format(page, " %s", scope->text);
    if (reason.size > 0) {
        put(page, ": ", 2);
        put_safe(page, reason, columns_behind(page, INDENT + 40));
    }
}

static void put_decision(struct page *page, const struct record_view *view)
{
    begin_detail(page, is_kind(view, "agent.review") ? "review" : "decision");
    (void)put_word(page, decisions, COUNT_OF(decisions),
                   lookup_text(view, "agent.decision.outcome"), "decision unknown");
    put_decider(page, view);
    struct slice risk = lookup_text(view, "agent.review.risk_level");
    if (risk.size > 0) {
        put(page, ", risk ", 7);
        put_safe(page, risk, 20);
    }
    struct slice rationale = lookup_text(view, "agent.review.rationale");
    if (rationale.size > 0) {
        put(page, ": ", 2);
        put_safe(page, rationale, columns_behind(page, INDENT + 50));
    }
    put(page, "\n", 1);
}

/* "GET blocked.example.net:80 (http)" */
static void put_target(struct page *page, const struct record_view *view)
{
    struct slice method = lookup_text(view, "http.request.method");
    struct slice mechanism = lookup_text(view, "agent.network.mechanism");
    struct slice address = lookup_text(view, "server.address");
    double port = lookup_number(view, "server.port", 0);

    if (method.size > 0 && !slice_equal(method, SLICE("none"))) {
        put_safe(page, method, 20);
        put(page, " ", 1);
    }
    if (address.size > 0)
        put_safe(page, address, 100);
    else
        put_safe(page, lookup_text(view, "agent.network.target_kind"), 40);
    if (port > 0)
        put_format(page, ":%.0f", port);
    if (mechanism.size > 0) {
        put(page, " (", 2);
        put_safe(page, mechanism, 20);
        put(page, ")", 1);
    }
}

static void put_network(struct page *page, const struct story_event *event)
{
    put_target(page, &event->view);
    put(page, "  ", 2);
    (void)put_word(page, network_decisions, COUNT_OF(network_decisions),
                   lookup_text(&event->view, "agent.decision.outcome"), "decision unknown");
    put_decider(page, &event->view);
    if (event->joined_by_time)
        put_ink(page, INK_DIM, "  [joined by time]");
    put(page, "\n", 1);
}

static void put_result(struct page *page, const struct record_view *view)
{
    char duration[TIME_TEXT_SIZE];
    double duration_ms = lookup_number(view, "agent.duration_ms", -1);
    double exit_code = lookup_number(view, "process.exit.code", -1);
    struct slice output = lookup_text(view, "gen_ai.tool.call.result");

    begin_detail(page, "result");
    (void)put_word(page, outcomes, COUNT_OF(outcomes), lookup_text(view, "agent.outcome"),
                   "outcome unknown");
    if (exit_code >= 0)
        put_format(page, ", exit code %.0f", exit_code);
    if (duration_ms >= 0) {
        time_format_duration(duration_ms, duration);
        put_format(page, ", %s", duration);
    }
    if (output.size == 0)
        output = lookup_text(view, "output");
    put(page, "\n", 1);
    put_lines(page, summary_of_output(output), INDENT + LABEL_WIDTH);
}

static void put_sandbox(struct page *page, const struct record_view *view)
{
    begin_detail(page, "sandbox");
    put_safe(page, lookup_text(view, "agent.sandbox.outcome"), 40);
    put(page, "\n", 1);
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

static void put_call_event(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;

    if (is_kind(view, "agent.approval") || is_kind(view, "agent.review")) {
        put_decision(page, view);
    } else if (is_kind(view, "agent.network")) {
        begin_detail(page, "network");
        put_network(page, event);
    } else if (is_kind(view, "agent.sandbox")) {
        put_sandbox(page, view);
    } else if (is_kind(view, "agent.tool") &&
               slice_equal(lookup_text(view, "agent.event.phase"), SLICE("end"))) {
        put_result(page, view);
    }
}

static void put_call(struct page *page, struct story *story, int index)
{
    struct story_call *call = &story->calls[index];
    struct slice request = call_request(story, index);
    struct slice server = call_text(story, index, "agent.mcp.server.name");

    call->shown = true;
    begin_line(page, call->begin_unix_ns, "tool");
    if (page->style->color)
        put(page, ink_codes[INK_BOLD], strlen(ink_codes[INK_BOLD]));
    put_safe(page, call_text(story, index, "gen_ai.tool.name"), 60);
    if (page->style->color)
        put(page, "\x1b[0m", 4);
    if (server.size > 0) {
        put(page, " of MCP server ", 15);
        put_safe(page, server, 40);
    }
    put(page, "  ", 2);
    if (request.size > 0)
        put_safe(page, request, columns_behind(page, INDENT + LABEL_WIDTH + 15));
    else
        put_ink(page, INK_ODD, "(what it asked for was not reported)");
    put(page, "\n", 1);
    if (!call->has_decision) {
        begin_detail(page, "decision");
        put_ink(page, INK_DIM, "none was reported\n");
    }
    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].call == index)
            put_call_event(page, &story->events[i]);
    }
    if (!call->has_result) {
        begin_detail(page, "result");
        put_ink(page, INK_ODD, "none was reported\n");
    }
}

/* --- Other events ------------------------------------------------------------------------- */

static void put_prompt(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    struct slice text = lookup_text(view, "prompt");
    bool is_redacted =
        slice_equal(lookup_text(view, "agent.content.state"), SLICE("redacted_by_source"));

    begin_line(page, event->time_unix_ns, "prompt");
    if (text.size == 0 && view->body.type == ANY_TYPE_STRING)
        text = view->body.bytes;
    if (is_redacted)
        put_format(page, "(%.0f characters, redacted by the agent)",
                   lookup_number(view, "agent.prompt.length", 0));
    else
        put_safe(page, text, columns_behind(page, INDENT + LABEL_WIDTH));
    put(page, "\n", 1);
}

static void put_session(struct page *page, const struct story_event *event)
{
    bool ends = slice_equal(lookup_text(&event->view, "agent.event.phase"), SLICE("end"));

    begin_line(page, event->time_unix_ns, "session");
    put_format(page, "%s", ends ? "ended" : "started");
    put(page, "\n", 1);
}

static void put_model(struct page *page, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    double input = lookup_number(view, "gen_ai.usage.input_tokens", -1);
    struct slice message = lookup_text(view, "agent.error.message");

    begin_line(page, event->time_unix_ns, "model");
    put_safe(page, lookup_text(view, "gen_ai.request.model"), 40);
    put(page, " ", 1);
    (void)put_word(page, outcomes, COUNT_OF(outcomes), lookup_text(view, "agent.outcome"), "");
    if (input >= 0)
        put_format(page, ", %.0f tokens in, %.0f out", input,
                   lookup_number(view, "gen_ai.usage.output_tokens", 0));
    if (message.size > 0) {
        put(page, ": ", 2);
        put_safe(page, message, columns_behind(page, INDENT + 40));
    }
    put(page, "\n", 1);
}

static void put_other(struct page *page, const struct story_event *event)
{
    struct slice kind = lookup_text(&event->view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");
    char label[32];

    if (slice_starts_with(kind, prefix))
        kind = slice_from(kind, prefix.size);
    snprintf(label, sizeof(label), "%.*s", kind.size < 20 ? (int)kind.size : 20,
             (const char *)kind.data);
    begin_line(page, event->time_unix_ns, label);
    if (page->status == ST_OK) {
        page->status = summary_append(page->out, &event->view,
                                      columns_behind(page, INDENT + LABEL_WIDTH), page->err);
    }
    put(page, "\n", 1);
}

/* Whether the event is part of the story or only of the machinery. */
static bool is_told(const struct page *page, const struct record_view *view)
{
    bool failed = !slice_equal(lookup_text(view, "agent.outcome"), SLICE("success"));

    if (page->style->everything)
        return true;
    if (is_kind(view, "agent.other"))
        return false;
    return !is_kind(view, "agent.model") || failed;
}

static void put_event(struct page *page, const struct story_event *event)
{
    if (is_kind(&event->view, "agent.prompt")) {
        put_prompt(page, event);
    } else if (is_kind(&event->view, "agent.session")) {
        put_session(page, event);
    } else if (is_kind(&event->view, "agent.network")) {
        begin_line(page, event->time_unix_ns, "network");
        put_network(page, event);
    } else if (is_kind(&event->view, "agent.model")) {
        put_model(page, event);
    } else {
        put_other(page, event);
    }
}

/* --- Head and foot ------------------------------------------------------------------------- */

static struct slice first_text(const struct story *story, const char *key)
{
    for (size_t i = 0; i < story->event_count; i++) {
        struct slice text = lookup_text(&story->events[i].view, key);
        if (text.size > 0)
            return text;
    }
    return SLICE_EMPTY;
}

static void put_fact(struct page *page, const char *before, struct slice value)
{
    if (value.size == 0)
        return;
    put_format(page, "%s", before);
    put_safe(page, value, 80);
}

static void put_head(struct page *page, const struct story *story)
{
    const struct story_event *first = &story->events[0];
    const struct story_event *last = &story->events[story->event_count - 1];
    struct record_group group = {.resource_logs_fields = buf_slice(&story->resource)};
    char text[TIME_TEXT_SIZE];

    put_ink(page, INK_BOLD, "Session ");
    put_safe(page, first_text(story, "session.id"), 0);
    put_fact(page, "\n  agent    ", first_text(story, "agent.product"));
    put_fact(page, " ", first_text(story, "agent.product.version"));
    put_fact(page, " on ", lookup_resource_text(&group, "host.name"));
    put_fact(page, ", model ", first_text(story, "gen_ai.request.model"));
    time_format_local(first->time_unix_ns, text);
    put_format(page, "\n  when     %s, ", text);
    time_format_duration((double)(last->time_unix_ns - first->time_unix_ns) / 1e6, text);
    put_format(page, "%s", text);
    put_fact(page, "\n  asks     ", first_text(story, "agent.permission.mode"));
    put_fact(page, "\n  sandbox  ", first_text(story, "agent.sandbox.mode"));
    put_fact(page, "\n  user     ", first_text(story, "user.email"));
    put(page, "\n\n", 2);
}

struct totals {
    size_t prompts, calls, failed, not_run, network_allowed, network_blocked, model_requests;
    size_t no_result;
    double input_tokens, output_tokens;
};

static void count_event(struct totals *totals, const struct record_view *view)
{
    struct slice outcome = lookup_text(view, "agent.outcome");
    struct slice decision = lookup_text(view, "agent.decision.outcome");
    bool is_tool_end = is_kind(view, "agent.tool") &&
                       slice_equal(lookup_text(view, "agent.event.phase"), SLICE("end"));
    double input = lookup_number(view, "gen_ai.usage.input_tokens", 0);

    totals->prompts += is_kind(view, "agent.prompt");
    totals->failed += is_tool_end && slice_equal(outcome, SLICE("failure"));
    totals->not_run += is_tool_end && slice_equal(outcome, SLICE("denied"));
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

static void put_foot(struct page *page, const struct story *story)
{
    struct totals totals = {.calls = story->call_count};

    for (size_t i = 0; i < story->event_count; i++)
        count_event(&totals, &story->events[i].view);
    for (size_t i = 0; i < story->call_count; i++)
        totals.no_result += !story->calls[i].has_result;
    put_format(page,
               "\n%zu prompts, %zu tool calls (%zu failed, %zu not run), network %zu allowed and "
               "%zu blocked, %zu model answers (%.0f tokens in, %.0f out)\n",
               totals.prompts, totals.calls, totals.failed, totals.not_run, totals.network_allowed,
               totals.network_blocked, totals.model_requests, totals.input_tokens,
               totals.output_tokens);
    if (totals.no_result > 0)
        put_format(page, "missing: the results of %zu calls\n", totals.no_result);
    if (story->left_out > 0)
        put_format(page, "%zu more events are not shown: the session is too large\n",
                   story->left_out);
}

enum status timeline_write(struct story *story, const struct timeline_style *style, struct buf *out,
                           struct error *err)
{
    struct page page = {.out = out, .style = style, .status = ST_OK, .err = err};

    if (story->event_count == 0)
        return error_set(err, ST_NOT_FOUND, "no event of that session is in the store");
    put_head(&page, story);
    for (size_t i = 0; i < story->event_count; i++) {
        const struct story_event *event = &story->events[i];
        if (event->call == STORY_NO_CALL) {
            if (is_told(&page, &event->view))
                put_event(&page, event);
        } else if (!story->calls[event->call].shown && !event->joined_by_time) {
            put_call(&page, story, event->call);
        }
    }
    put_foot(&page, story);
    return page.status;
}
