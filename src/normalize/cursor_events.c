/* SPDX-License-Identifier: Apache-2.0 */
/* cursor_events.c -- what Cursor's records mean beyond the tables of dialect_cursor.c. */
#include "normalize/cursor_events.h"

#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/url_facet.h"

/* --- Every event -------------------------------------------------------------------------- */

struct slice cursor_full_name(struct mapping *m, struct slice name)
{
    static const struct {
        const char *body;
        const char *name;
        bool is_prefix; /* the kind follows, which an attribute says too */
    } bodies[] = {
        {"api_request", "cursor.api.request", false},
        {"api_error", "cursor.api.error", false},
        {"api_correction_", "cursor.api.correction", true},
        {"skill_activated", "cursor.skill.activated", false},
        {"hook_execution_complete", "cursor.hook.execution_complete", false},
        {"plugin_installed", "cursor.plugin.installed", false},
        {"cloud_agent_setup_", "cursor.cloud_agent.setup", true},
        {"cloud_agent_artifact_created", "cursor.cloud_agent.artifact", false},
        {"cloud_agent_pull_request_", "cursor.cloud_agent.pull_request", true},
        {"cloud_agent_mcp_auth_error", "cursor.cloud_agent.mcp_auth_error", false},
        {"grok_bot_tool_result", "cursor.grok_bot.tool_result", false},
        {"grok_bot_tool_decision", "cursor.grok_bot.tool_decision", false},
        {"grok_bot_mcp_tool_call", "cursor.grok_bot.mcp_tool_call", false},
        {"grok_bot_shell_command", "cursor.grok_bot.shell_command", false},
        {"grok_bot_browser_navigation", "cursor.grok_bot.browser_navigation", false},
        {"grok_bot_computer_use_session", "cursor.grok_bot.computer_use_session", false},
        {"grok_bot_file_transfer", "cursor.grok_bot.file_transfer", false},
        {"grok_bot_message_delivery", "cursor.grok_bot.message_delivery", false},
        {"grok_bot_routine_run", "cursor.grok_bot.routine_run", false},
        {"grok_bot_guardrail", "cursor.grok_bot.guardrail", false},
        {"grok_bot_delegation", "cursor.grok_bot.delegation", false},
    };
    struct slice body = m->record.body.type == ANY_TYPE_STRING ? m->record.body.bytes : SLICE_EMPTY;
    if (name.size > 0 || mapping_source(m, CURSOR_CONVERSATION_MESSAGE_ID) != NULL)
        return name;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct slice known = slice_of_text(bodies[i].body);
        if (bodies[i].is_prefix ? slice_starts_with(body, known) : slice_equal(body, known))
            return slice_of_text(bodies[i].name);
    }
    return SLICE_EMPTY;
}

void cursor_finish_common(struct mapping *m)
{
    static const uint8_t turns[] = {CURSOR_TURN_ID, CURSOR_CONVERSATION_TURN_ID, CURSOR_REQUEST_ID};
    struct slice agent = mapping_source_text(m, CURSOR_SUBAGENT_ID);
    struct slice initiator = mapping_source_text(m, CURSOR_INITIATED_BY);
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        struct slice turn = mapping_source_text(m, turns[i]);
        if (!text_is_sentinel(turn)) {
            mapping_put_text(m, KEY_AGENT_TURN_ID, turn);
            break;
        }
    }
    if (!text_is_sentinel(agent)) {
        m->role = ROLE_SUBAGENT;
        if (mapping_source_text(m, CURSOR_DELEGATION_TARGET_ID).size == 0)
            mapping_put_text(m, KEY_GEN_AI_AGENT_ID, agent);
    } else if (slice_equal(initiator, SLICE("subagent"))) {
        m->role = ROLE_SUBAGENT;
    } else if (!text_is_sentinel(initiator)) {
        m->role = ROLE_MAIN;
    }
}

static bool says(const struct mapping *m, uint8_t source, const char *word)
{
    return text_equal_nocase(mapping_source_text(m, source), word);
}

/* The outcome by the word of `source`, and error.type of a failure by that of `reason`. */
static void put_outcome(struct mapping *m, uint8_t source, uint8_t reason)
{
    static const struct {
        const char *word;
        enum outcome outcome;
    } outcomes[] = {
        {"success", OUTCOME_SUCCESS},     {"completed", OUTCOME_SUCCESS},
        {"sent", OUTCOME_SUCCESS},        {"opened", OUTCOME_SUCCESS},
        {"error", OUTCOME_FAILURE},       {"failure", OUTCOME_FAILURE},
        {"failed", OUTCOME_FAILURE},      {"creation_failed", OUTCOME_FAILURE},
        {"denied", OUTCOME_DENIED},       {"blocked", OUTCOME_DENIED},
        {"cancelled", OUTCOME_CANCELLED}, {"stopped", OUTCOME_CANCELLED},
        {"timeout", OUTCOME_TIMEOUT},     {"started", OUTCOME_PENDING},
        {"held", OUTCOME_PENDING},
    };
    struct slice type =
        reason != CURSOR_SOURCE_COUNT ? mapping_source_text(m, reason) : SLICE_EMPTY;
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        if (says(m, source, outcomes[i].word))
            m->outcome = outcomes[i].outcome;
    }
    if (m->outcome == OUTCOME_CANCELLED && slice_equal(type, SLICE("timeout")))
        m->outcome = OUTCOME_TIMEOUT;
    if (!text_is_sentinel(type) && m->outcome != OUTCOME_SUCCESS)
        mapping_put_text(m, KEY_ERROR_TYPE, type);
    else if (m->outcome == OUTCOME_FAILURE)
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
}

static void put_facet(struct mapping *m, enum event_kind kind)
{
    struct slice facet = slice_of_text(schema_kinds[kind].name);
    mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
}

/* --- Requests, extensions, hooks, cloud agents ------------------------------------------------ */

void cursor_finish_request(struct mapping *m)
{
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
}

void cursor_finish_error(struct mapping *m)
{
    cursor_finish_request(m);
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
}

static void put_extension(struct mapping *m, const char *type, const char *action)
{
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, slice_of_text(type));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, slice_of_text(action));
}

void cursor_finish_skill(struct mapping *m)
{
    put_extension(m, "skill", "invoke");
}

void cursor_finish_plugin(struct mapping *m)
{
    put_extension(m, "plugin", "install");
}

void cursor_finish_hook(struct mapping *m)
{
    put_outcome(m, CURSOR_HOOK_OUTCOME, CURSOR_SOURCE_COUNT);
}

void cursor_finish_setup(struct mapping *m)
{
    put_outcome(m, CURSOR_CLOUD_AGENT_SETUP_KIND, CURSOR_CLOUD_AGENT_SETUP_REASON);
}

void cursor_finish_pull_request(struct mapping *m)
{
    put_outcome(m, CURSOR_CLOUD_AGENT_PULL_REQUEST_KIND, CURSOR_SOURCE_COUNT);
}

void cursor_finish_artifact(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION, SLICE("create"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("none"));
}

void cursor_finish_mcp_auth(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_MCP_CONNECTION_STATE, SLICE("failed"));
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("auth"));
}

/* --- Tools ------------------------------------------------------------------------------------ */

static void put_category(struct mapping *m)
{
    static const struct {
        const char *name;
        enum tool_category category;
    } tools[] = {
        {"shell", TOOL_SHELL},
        {"read", TOOL_FILE_READ},
        {"write", TOOL_FILE_WRITE},
        {"edit", TOOL_FILE_EDIT},
        {"delete", TOOL_FILE_DELETE},
        {"grep", TOOL_SEARCH},
        {"glob", TOOL_SEARCH},
        {"web_search", TOOL_WEB_SEARCH},
        {"web_fetch", TOOL_WEB_FETCH},
        {"task", TOOL_SUBAGENT},
        {"mcp", TOOL_MCP},
    };
    enum tool_category category = TOOL_OTHER;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (says(m, CURSOR_TOOL_NAME, tools[i].name))
            category = tools[i].category;
    }
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     category == TOOL_MCP ? SLICE("mcp") : SLICE("builtin"));
}

void cursor_finish_result(struct mapping *m)
{
    put_outcome(m, CURSOR_TOOL_RESULT_OUTCOME, CURSOR_TOOL_RESULT_ERROR_CATEGORY);
    if (m->outcome == OUTCOME_DENIED)
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
    put_category(m);
}

static void put_mcp(struct mapping *m)
{
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, TOOL_MCP);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN, SLICE("mcp"));
    mapping_put_text(m, KEY_MCP_METHOD_NAME, SLICE("tools/call"));
    put_outcome(m, CURSOR_TOOL_STATUS, CURSOR_SOURCE_COUNT);
}

void cursor_finish_mcp_call(struct mapping *m)
{
    put_mcp(m);
    put_facet(m, KIND_MCP);
}

void cursor_finish_tool_io(struct mapping *m)
{
    bool is_result = says(m, CURSOR_CONVERSATION_TOOL_IO_DIRECTION, "result");
    put_mcp(m);
    cursor_finish_message_text(m);
    if (m->record.body.type == ANY_TYPE_STRING && m->record.body.bytes.size > 0)
        mapping_put_text(m,
                         is_result ? KEY_GEN_AI_TOOL_CALL_RESULT : KEY_GEN_AI_TOOL_CALL_ARGUMENTS,
                         m->record.body.bytes);
}

void cursor_finish_decision(struct mapping *m)
{
    static const struct {
        const char *word;
        enum decision_outcome decision;
    } decisions[] = {
        {"allowed", DECISION_ALLOW},
        {"denied", DECISION_DENY},
        {"held", DECISION_ABORT},
        {"timed_out", DECISION_TIMEOUT},
    };
    enum decision_outcome decision = DECISION_UNKNOWN;
    bool is_review = says(m, CURSOR_DECISION_APPROVAL_MODE, "auto_review");
    for (size_t i = 0; i < COUNT_OF(decisions); i++) {
        if (says(m, CURSOR_DECISION_OUTCOME, decisions[i].word))
            decision = decisions[i].decision;
    }
    decision_put(m, decision);
    decision_put_source(m, says(m, CURSOR_DECISION_SOURCE, "human")  ? BY_USER
                           : says(m, CURSOR_DECISION_SOURCE, "hook") ? BY_HOOK
                           : says(m, CURSOR_DECISION_SOURCE, "policy")
                               ? is_review ? BY_AUTO_REVIEWER : BY_POLICY
                           : says(m, CURSOR_DECISION_SOURCE, "automatic") ? BY_CONFIG
                                                                          : BY_UNKNOWN);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
    put_category(m);
}

/* --- What a bot did --------------------------------------------------------------------------- */

static void put_exit(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, CURSOR_SHELL_EXIT_CODE);
    int64_t code = 0;
    if (value == NULL || !coerce_int(value, &code))
        return;
    m->outcome = code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (code != 0) /* -1: a signal, or aborted */
        mapping_put_text(m, KEY_ERROR_TYPE, code < 0 ? SLICE("killed") : SLICE("nonzero_exit"));
}

void cursor_finish_shell(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, CURSOR_SHELL_ALLOWED);
    struct slice reason = mapping_source_text(m, CURSOR_SHELL_BLOCKED_REASON);
    struct slice kind = mapping_source_text(m, CURSOR_SHELL_KIND);
    bool allowed = true;
    bool is_cut = mapping_source_true(m, CURSOR_SHELL_COMMAND_TRUNCATED);
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, is_cut ? CONTENT_TRUNCATED : CONTENT_PRESENT);
    if (kind.size > 0)
        mapping_put_bool(m, KEY_AGENT_COMMAND_BACKGROUND, slice_equal(kind, SLICE("background")));
    if (value != NULL && coerce_bool(value, &allowed) && !allowed) {
        decision_put(m, DECISION_DENY);
        decision_put_source(m, BY_POLICY);
        if (!text_is_sentinel(reason))
            mapping_put_text(m, KEY_AGENT_DECISION_REASON, reason);
    } else {
        put_exit(m);
    }
}

void cursor_finish_browser(struct mapping *m)
{
    struct slice url = mapping_source_text(m, CURSOR_BROWSER_URL);
    if (!text_is_sentinel(url))
        url_facet_put(m, url);
}

void cursor_finish_computer_use(struct mapping *m)
{
    mapping_put_text(m, KEY_GEN_AI_AGENT_NAME, SLICE("computer_use"));
}

void cursor_finish_transfer(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("none"));
    put_outcome(m, CURSOR_FILE_OUTCOME, CURSOR_FILE_ERROR_CATEGORY);
}

void cursor_finish_message(struct mapping *m)
{
    put_outcome(m, CURSOR_MESSAGE_DELIVERY_RESULT, CURSOR_MESSAGE_DELIVERY_FAILURE_CATEGORY);
}

void cursor_finish_routine(struct mapping *m)
{
    put_outcome(m, CURSOR_ROUTINE_RUN_OUTCOME, CURSOR_SOURCE_COUNT);
}

void cursor_finish_delegation(struct mapping *m)
{
    struct slice target = mapping_source_text(m, CURSOR_DELEGATION_TARGET_ID);
    if (!text_is_sentinel(target))
        mapping_put_text(m, KEY_GEN_AI_AGENT_ID, target);
    put_outcome(m, CURSOR_DELEGATION_OUTCOME, CURSOR_SOURCE_COUNT);
}

void cursor_finish_escalation(struct mapping *m)
{
    decision_put(m, DECISION_ASK);
    decision_put_source(m, BY_AUTO_REVIEWER);
    put_category(m);
}

void cursor_finish_guardrail(struct mapping *m)
{
    static const struct {
        const char *word;
        enum decision_outcome decision;
    } resolutions[] =
        {
            {"resumed", DECISION_ALLOW},
            {"denied", DECISION_DENY},
            {"abandoned", DECISION_TIMEOUT},
        },
      actions[] = {
          {"continued", DECISION_ALLOW},
          {"warned", DECISION_MODIFY},
          {"stopped", DECISION_DENY},
      };
    enum decision_outcome decision = DECISION_UNKNOWN;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (says(m, CURSOR_GUARDRAIL_ACTION, actions[i].word))
            decision = actions[i].decision;
    }
    for (size_t i = 0; i < COUNT_OF(resolutions); i++) {
        if (says(m, CURSOR_GUARDRAIL_RESOLUTION, resolutions[i].word))
            decision = resolutions[i].decision;
    }
    bool is_answered = decision != DECISION_TIMEOUT &&
                       mapping_source_text(m, CURSOR_GUARDRAIL_RESOLUTION).size > 0;
    decision_put(m, decision);
    decision_put_source(m, is_answered ? BY_USER : BY_AUTO_REVIEWER);
}

/* --- Conversations ---------------------------------------------------------------------------- */

void cursor_finish_message_text(struct mapping *m)
{
    bool is_there = m->record.body.type == ANY_TYPE_STRING && m->record.body.bytes.size > 0;
    bool is_cut = mapping_source_true(m, CURSOR_CONVERSATION_CONTENT_TRUNCATED);
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE,
                     !is_there ? CONTENT_ABSENT
                     : is_cut  ? CONTENT_TRUNCATED
                               : CONTENT_PRESENT);
}
