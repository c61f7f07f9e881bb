/* SPDX-License-Identifier: Apache-2.0 */
/* copilot_spans.c -- the Copilot CLI sends spans and no log records at all: those of the GenAI
 * conventions, and two kinds of its own.  From its documentation; none was recorded. */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/genai.h"
#include "normalize/span_dialects.h"

static void finish_permission(struct mapping *m)
{
    struct slice result = mapping_source_text(m, GENAI_COPILOT_PERMISSION_RESULT);
    enum decision_outcome decision = DECISION_UNKNOWN;
    if (slice_starts_with(result, SLICE("approved")))
        decision = DECISION_ALLOW;
    else if (slice_starts_with(result, SLICE("denied")))
        decision = DECISION_DENY;
    decision_put(m, decision);
    mapping_put_word(m, KEY_AGENT_DECISION_SOURCE, BY_UNKNOWN);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
    if (!text_is_sentinel(result))
        mapping_put_text(m, KEY_AGENT_DECISION_REASON, result);
}

static void finish_hook(struct mapping *m)
{
    struct slice decision = mapping_source_text(m, GENAI_COPILOT_HOOK_DECISION);
    if (slice_equal(decision, SLICE("block")))
        m->outcome = OUTCOME_DENIED;
    else if (slice_equal(decision, SLICE("non_blocking_error")))
        m->outcome = OUTCOME_FAILURE;
}

/* Behind what the conventions say of a call. */
static void finish_common(struct mapping *m)
{
    static const struct rule rules[] = {
        {GENAI_COPILOT_TOOL_COMMAND, RULE_CONTENT, KEY_PROCESS_COMMAND_LINE, NULL},
        {GENAI_COPILOT_TOOL_FILE_PATH, RULE_TEXT, KEY_FILE_PATH, NULL},
        {GENAI_COPILOT_MCP_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
        {GENAI_COPILOT_MCP_TOOL_NAME, RULE_TEXT, KEY_AGENT_MCP_TOOL_NAME, NULL},
    };
    genai_finish_common(m);
    dialect_apply_rules(m, rules, COUNT_OF(rules));
    const struct slice facet = SLICE("agent.command");
    if (m->kind == KIND_TOOL && mapping_source(m, GENAI_COPILOT_TOOL_COMMAND) != NULL)
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
}

static const struct dialect_event events[] = {
    {"permission", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     finish_permission,
     "`github.copilot.permission.result`: what begins with approved is allow, with denied deny. "
     "Who decided is not said."},
    {"execute_hook", KIND_HOOK, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, finish_hook,
     "`github.copilot.hook.decision`: block is denied, non_blocking_error a failure."},
};

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    return event != NULL ? event : genai_find_event(m);
}

const struct dialect span_dialect_copilot = {
    .name = "copilot_otel",
    .product = "copilot_cli",
    .sources = genai_sources,
    .source_count = GENAI_SOURCE_COUNT,
    .rules = genai_rules,
    .rule_count = 6,
    .events = events,
    .event_count = COUNT_OF(events),
    .refine = refine,
    .finish = finish_common,
    .note = "Other spans as in the conventions, with the command, the path and the MCP tool of "
            "`github.copilot.tool.parameters.*`. From the documentation: none was recorded.",
};
