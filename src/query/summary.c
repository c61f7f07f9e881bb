/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c -- a table: for each kind, which attributes tell most, in which order. */
#include "query/summary.h"

#include <stdio.h>
#include <string.h>

#include "query/lookup.h"
#include "query/safe_text.h"

enum { SUMMARY_KEYS_MAX = 6 };

struct kind_summary {
    const char *kind;
    const char *keys[SUMMARY_KEYS_MAX]; /* shown in this order, those that are there */
};

static const struct kind_summary summaries[] = {
    {"agent.session", {"gen_ai.request.model", "agent.permission.mode", "agent.sandbox.mode"}},
    {"agent.prompt", {"prompt"}},
    {"agent.response", {"response"}},
    {"agent.model",
     {"gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
      "agent.error.message"}},
    {"agent.approval",
     {"gen_ai.tool.name", "agent.decision.outcome", "agent.decision.source",
      "agent.decision.scope"}},
    {"agent.review",
     {"agent.decision.outcome", "agent.review.risk_level", "agent.review.rationale"}},
    {"agent.network",
     {"agent.decision.outcome", "http.request.method", "server.address", "server.port",
      "agent.decision.reason"}},
    {"agent.file", {"agent.file.operation", "file.path", "file.name"}},
    {"agent.mcp",
     {"mcp.method.name", "agent.mcp.server.name", "gen_ai.tool.name",
      "agent.mcp.connection.state"}},
    {"agent.turn", {"agent.turn.stop_reason", "agent.error.message"}},
    {"agent.mode", {"agent.mode.from", "agent.mode.to", "agent.mode.trigger"}},
    {"agent.config", {"agent.config.scope", "agent.config.key", "file.path"}},
    {"agent.hook", {"agent.event.phase", "agent.hook.event", "agent.hook.name"}},
    {"agent.subagent", {"agent.event.phase", "gen_ai.agent.name", "gen_ai.agent.id"}},
    {"agent.extension",
     {"agent.extension.action", "agent.extension.type", "agent.extension.name",
      "agent.extension.source", "agent.hook.event"}},
    {"agent.context",
     {"agent.context.action", "agent.context.trigger", "agent.context.tokens_before",
      "agent.context.tokens_after"}},
    {"agent.auth", {"agent.auth.action", "agent.auth.method", "error.type"}},
    {"agent.sandbox", {"agent.sandbox.outcome", "gen_ai.tool.name"}},
    {"agent.pipeline", {"agent.pipeline.reason", "agent.pipeline.count"}},
    {"agent.integrity",
     {"agent.integrity.action", "agent.integrity.reason", "agent.integrity.file",
      "agent.integrity.size"}},
    {"agent.error", {"error.type", "agent.error.message"}},
};

static const char *const call_keys[] = {"process.command_line", "url.full", "file.path",
                                        "gen_ai.tool.call.arguments"};

struct slice summary_of_call(const struct record_view *view)
{
    for (size_t i = 0; i < COUNT_OF(call_keys); i++) {
        struct slice text = lookup_text(view, call_keys[i]);
        if (text.size > 0)
            return text;
    }
    return lookup_text(view, "arguments");
}

struct slice summary_of_output(struct slice output)
{
    static const char mark[] = "\nOutput:\n";
    const uint8_t *found =
        output.size > 0 ? memmem(output.data, output.size, mark, sizeof(mark) - 1) : NULL;
    if (found == NULL)
        return output;
    return slice_from(output, (size_t)(found - output.data) + sizeof(mark) - 1);
}

static enum status append_value(struct buf *out, const struct any_view *value, size_t columns,
                                struct error *err)
{
    char number[40];

    switch (value->type) {
    case ANY_TYPE_STRING:
        return safe_text_append(out, value->bytes, columns, NEWLINES_ESCAPED, err);
    case ANY_TYPE_INT:
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
        return buf_append(out, number, strlen(number), err);
    case ANY_TYPE_DOUBLE:
        snprintf(number, sizeof(number), "%g", value->number);
        return buf_append(out, number, strlen(number), err);
    case ANY_TYPE_BOOL:
        return buf_append(out, value->integer != 0 ? "true" : "false", value->integer != 0 ? 4 : 5,
                          err);
    case ANY_TYPE_NONE:
    case ANY_TYPE_ARRAY:
    case ANY_TYPE_KVLIST:
    case ANY_TYPE_BYTES:
        break;
    }
    return ST_OK;
}

static enum status append_keys(struct buf *out, const struct record_view *view,
                               const char *const *keys, size_t columns, struct error *err)
{
    size_t start = out->size;
    enum status st = ST_OK;

    for (size_t i = 0; i < SUMMARY_KEYS_MAX && keys[i] != NULL && st == ST_OK; i++) {
        const struct any_view *value = lookup_attribute(view, keys[i]);
        if (value == NULL || out->size - start >= columns)
            continue;
        if (out->size > start)
            st = buf_append(out, " ", 1, err);
        if (st == ST_OK)
            st = append_value(out, value, columns - (out->size - start), err);
    }
    return st;
}

static enum status append_call(struct buf *out, const struct record_view *view, size_t columns,
                               struct error *err)
{
    struct slice name = lookup_text(view, "gen_ai.tool.name");
    struct slice call = summary_of_call(view);
    size_t start = out->size;

    enum status st = safe_text_append(out, name, columns, NEWLINES_ESCAPED, err);
    if (st != ST_OK || call.size == 0 || out->size - start + 1 >= columns)
        return st;
    st = buf_append(out, " ", 1, err);
    if (st != ST_OK)
        return st;
    return safe_text_append(out, call, columns - (out->size - start), NEWLINES_ESCAPED, err);
}

enum status summary_append(struct buf *out, const struct record_view *view, size_t columns_max,
                           struct error *err)
{
    struct slice kind = lookup_text(view, "agent.event.kind");
    size_t start = out->size;
    enum status st = ST_OK;

    if (slice_equal(kind, SLICE("agent.tool")) || slice_equal(kind, SLICE("agent.command")))
        return append_call(out, view, columns_max, err);
    for (size_t i = 0; i < COUNT_OF(summaries) && st == ST_OK; i++) {
        if (slice_equal(kind, slice_of_text(summaries[i].kind)))
            st = append_keys(out, view, summaries[i].keys, columns_max, err);
    }
    if (st != ST_OK || out->size > start)
        return st;
    if (view->body.type == ANY_TYPE_STRING)
        return safe_text_append(out, view->body.bytes, columns_max, NEWLINES_ESCAPED, err);
    return safe_text_append(out, lookup_text(view, "agent.dialect.event"), columns_max,
                            NEWLINES_ESCAPED, err);
}
