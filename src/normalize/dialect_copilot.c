/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_copilot.c -- GitHub Copilot: the log records of Copilot Chat in VS Code, and the events
 * of Copilot CLI, which it documents as events of spans and which come as log records where
 * something on the way makes them such.  From the documentation and published source of both.
 */
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/dialect.h"

enum copilot_source {
    COPILOT_SESSION_ID,
    COPILOT_CHAT_CONVERSATION_ID,
    COPILOT_GIT_REPOSITORY,
    COPILOT_GIT_BRANCH,
    COPILOT_GIT_COMMIT_SHA,
    COPILOT_FILE_RELATIVE_PATH,
    COPILOT_DURATION_MS,
    COPILOT_SUCCESS,
    COPILOT_TOOL_NAME,
    COPILOT_ERROR_TYPE,
    COPILOT_OUTCOME,
    COPILOT_ACCEPTED,
    COPILOT_LINES_ADDED,
    COPILOT_LINES_REMOVED,
    COPILOT_LANGUAGE_ID,
    COPILOT_PARTNER_AGENT,
    COPILOT_MODEL,
    COPILOT_TURN_ID,
    COPILOT_HOOK_TYPE,
    COPILOT_HOOK_ERROR_MESSAGE,
    COPILOT_PRE_TOKENS,
    COPILOT_POST_TOKENS,
    COPILOT_CLI_SUCCESS,
    COPILOT_SKILL_NAME,
    COPILOT_SKILL_PLUGIN_NAME,
    COPILOT_SKILL_PLUGIN_VERSION,
    COPILOT_SHUTDOWN_TYPE,
    COPILOT_ABORT_REASON,
    COPILOT_CLI_ERROR_TYPE,
    COPILOT_ERROR_STATUS_CODE,
    COPILOT_PERMISSION_RESULT,
    COPILOT_CONVERSATION_ID,
    COPILOT_SOURCE_COUNT
};

static const char *const sources[COPILOT_SOURCE_COUNT] = {
    [COPILOT_SESSION_ID] = "session.id",
    [COPILOT_CHAT_CONVERSATION_ID] = "conversation_id",
    [COPILOT_GIT_REPOSITORY] = "github.copilot.git.repository",
    [COPILOT_GIT_BRANCH] = "github.copilot.git.branch",
    [COPILOT_GIT_COMMIT_SHA] = "github.copilot.git.commit_sha",
    [COPILOT_FILE_RELATIVE_PATH] = "copilot_chat.file.relative_path",
    [COPILOT_DURATION_MS] = "duration_ms",
    [COPILOT_SUCCESS] = "success",
    [COPILOT_TOOL_NAME] = "gen_ai.tool.name",
    [COPILOT_ERROR_TYPE] = "error.type",
    [COPILOT_OUTCOME] = "outcome",
    [COPILOT_ACCEPTED] = "accepted",
    [COPILOT_LINES_ADDED] = "lines_added",
    [COPILOT_LINES_REMOVED] = "lines_removed",
    [COPILOT_LANGUAGE_ID] = "language_id",
    [COPILOT_PARTNER_AGENT] = "partner_agent",
    [COPILOT_MODEL] = "model",
    [COPILOT_TURN_ID] = "github.copilot.turn_id",
    [COPILOT_HOOK_TYPE] = "github.copilot.hook.type",
    [COPILOT_HOOK_ERROR_MESSAGE] = "github.copilot.hook.error_message",
    [COPILOT_PRE_TOKENS] = "github.copilot.pre_tokens",
    [COPILOT_POST_TOKENS] = "github.copilot.post_tokens",
    [COPILOT_CLI_SUCCESS] = "github.copilot.success",
    [COPILOT_SKILL_NAME] = "github.copilot.skill.name",
    [COPILOT_SKILL_PLUGIN_NAME] = "github.copilot.skill.plugin_name",
    [COPILOT_SKILL_PLUGIN_VERSION] = "github.copilot.skill.plugin_version",
    [COPILOT_SHUTDOWN_TYPE] = "github.copilot.shutdown_type",
    [COPILOT_ABORT_REASON] = "github.copilot.abort_reason",
    [COPILOT_CLI_ERROR_TYPE] = "github.copilot.error_type",
    [COPILOT_ERROR_STATUS_CODE] = "github.copilot.error_status_code",
    [COPILOT_PERMISSION_RESULT] = "github.copilot.permission.result",
    [COPILOT_CONVERSATION_ID] = "gen_ai.conversation.id",
};

/* --- Functions --------------------------------------------------------------------------- */

static void put_facet(struct mapping *m, enum event_kind kind)
{
    struct slice facet = slice_of_text(schema_kinds[kind].name);
    mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
}

static bool source_bool(const struct mapping *m, uint8_t source, bool *ret)
{
    const struct any_view *value = mapping_source(m, source);
    return value != NULL && coerce_bool(value, ret);
}

static bool has_error_type(const struct mapping *m)
{
    return !text_is_sentinel(mapping_source_text(m, COPILOT_ERROR_TYPE));
}

static void finish_common(struct mapping *m)
{
    struct slice conversation = mapping_source_text(m, COPILOT_CONVERSATION_ID);
    struct slice session = mapping_source_text(m, COPILOT_SESSION_ID);
    if (session.size == 0)
        session = mapping_source_text(m, COPILOT_CHAT_CONVERSATION_ID);
    if (conversation.size == 0 && !text_is_sentinel(session))
        mapping_put_text(m, KEY_GEN_AI_CONVERSATION_ID, session);
    if (session.size == 0)
        session = conversation;
    if (!text_is_sentinel(session))
        mapping_put_text(m, KEY_SESSION_ID, session);
}

static void finish_inference(struct mapping *m)
{
    if (has_error_type(m))
        m->outcome = OUTCOME_FAILURE;
}

static void finish_turn(struct mapping *m)
{
    mapping_put_bool(m, KEY_AGENT_USAGE_DUPLICATE, true);
}

static enum tool_category find_category(struct slice name)
{
    static const struct {
        const char *name;
        enum tool_category category;
    } tools[] = {
        {"runInTerminal", TOOL_SHELL},
        {"run_in_terminal", TOOL_SHELL},
        {"runCommand", TOOL_SHELL},
        {"bash", TOOL_SHELL},
        {"readFile", TOOL_FILE_READ},
        {"read_file", TOOL_FILE_READ},
        {"createFile", TOOL_FILE_WRITE},
        {"create_file", TOOL_FILE_WRITE},
        {"apply_patch", TOOL_FILE_EDIT},
        {"replace_string_in_file", TOOL_FILE_EDIT},
        {"insert_edit_into_file", TOOL_FILE_EDIT},
        {"edit_notebook_file", TOOL_FILE_EDIT},
        {"grep_search", TOOL_SEARCH},
        {"file_search", TOOL_SEARCH},
        {"semantic_search", TOOL_SEARCH},
        {"list_dir", TOOL_SEARCH},
        {"fetch_webpage", TOOL_WEB_FETCH},
        {"runSubagent", TOOL_SUBAGENT},
        {"manage_todo_list", TOOL_PLANNING},
    };
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (slice_equal(name, slice_of_text(tools[i].name)))
            return tools[i].category;
    }
    return slice_starts_with(name, SLICE("mcp_")) ? TOOL_MCP : TOOL_OTHER;
}

static void finish_tool(struct mapping *m)
{
    enum tool_category category = find_category(mapping_source_text(m, COPILOT_TOOL_NAME));
    bool success = false;
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     category == TOOL_MCP     ? SLICE("mcp")
                     : category == TOOL_OTHER ? SLICE("unknown")
                                              : SLICE("builtin"));
    if (!source_bool(m, COPILOT_SUCCESS, &success))
        return;
    if (!success) {
        m->outcome = OUTCOME_FAILURE;
        if (!has_error_type(m))
            mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
    } else if (category != TOOL_SHELL) {
        m->outcome = OUTCOME_SUCCESS;
    }
}

static void put_answer(struct mapping *m, enum decision_outcome decision)
{
    decision_put(m, decision);
    if (decision == DECISION_UNKNOWN)
        decision_put_source(m, BY_UNKNOWN);
    else
        decision_put_source(m, BY_USER);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("once"));
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION, SLICE("update"));
    if (mapping_source_text(m, COPILOT_FILE_RELATIVE_PATH).size == 0)
        mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("none"));
}

static void put_outcome(struct mapping *m)
{
    struct slice word = mapping_source_text(m, COPILOT_OUTCOME);
    put_answer(m, text_equal_nocase(word, "accepted")   ? DECISION_ALLOW
                  : text_equal_nocase(word, "rejected") ? DECISION_DENY
                                                        : DECISION_UNKNOWN);
}

static void finish_edit(struct mapping *m)
{
    put_outcome(m);
    put_facet(m, KIND_APPROVAL);
}

static void finish_hunk(struct mapping *m)
{
    put_outcome(m);
    put_facet(m, KIND_FILE);
}

static void finish_inline(struct mapping *m)
{
    bool accepted = false;
    bool is_told = source_bool(m, COPILOT_ACCEPTED, &accepted);
    put_answer(m, !is_told ? DECISION_UNKNOWN : accepted ? DECISION_ALLOW : DECISION_DENY);
    put_facet(m, KIND_APPROVAL);
}

static void finish_truncation(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("truncate"));
}

static void finish_compaction(struct mapping *m)
{
    bool success = true;
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("compact"));
    if (source_bool(m, COPILOT_CLI_SUCCESS, &success) && !success)
        m->outcome = OUTCOME_FAILURE;
}

static void finish_skill(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, SLICE("skill"));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, SLICE("invoke"));
}

static void finish_shutdown(struct mapping *m)
{
    struct slice type = mapping_source_text(m, COPILOT_SHUTDOWN_TYPE);
    bool is_usual = type.size == 0 || text_equal_nocase(type, "routine");
    mapping_put_text(m, KEY_AGENT_SESSION_REASON, is_usual ? SLICE("exit") : SLICE("other"));
}

static void finish_exception(struct mapping *m)
{
    if (text_is_sentinel(mapping_source_text(m, COPILOT_CLI_ERROR_TYPE)))
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
}

static void finish_permission(struct mapping *m)
{
    struct slice result = mapping_source_text(m, COPILOT_PERMISSION_RESULT);
    decision_put(m, slice_starts_with(result, SLICE("approved")) ? DECISION_ALLOW
                    : slice_starts_with(result, SLICE("denied")) ? DECISION_DENY
                                                                 : DECISION_UNKNOWN);
    decision_put_source(m, BY_UNKNOWN);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
}

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule common_rules[] = {
    {COPILOT_TURN_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {COPILOT_GIT_REPOSITORY, RULE_TEXT, KEY_VCS_REPOSITORY_URL_FULL, NULL},
    {COPILOT_GIT_BRANCH, RULE_TEXT, KEY_VCS_REF_HEAD_NAME, NULL},
    {COPILOT_GIT_COMMIT_SHA, RULE_TEXT, KEY_VCS_REF_HEAD_REVISION, NULL},
};

static const struct rule tool_rules[] = {
    {COPILOT_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {COPILOT_SUCCESS, RULE_BOOL, KEY_AGENT_TOOL_REPORTED_SUCCESS, NULL},
};

static const struct rule edit_rules[] = {
    {COPILOT_FILE_RELATIVE_PATH, RULE_TEXT, KEY_FILE_PATH, NULL},
    {COPILOT_LANGUAGE_ID, RULE_TEXT, KEY_AGENT_FILE_LANGUAGE, NULL},
    {COPILOT_LINES_ADDED, RULE_INT, KEY_AGENT_FILE_LINES_ADDED, NULL},
    {COPILOT_LINES_REMOVED, RULE_INT, KEY_AGENT_FILE_LINES_REMOVED, NULL},
};

static const struct rule cloud_rules[] = {
    {COPILOT_PARTNER_AGENT, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {COPILOT_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
};

static const struct rule hook_rules[] = {
    {COPILOT_HOOK_TYPE, RULE_TEXT, KEY_AGENT_HOOK_EVENT, NULL},
    {COPILOT_HOOK_ERROR_MESSAGE, RULE_CONTENT, KEY_AGENT_ERROR_MESSAGE, NULL},
};

static const struct rule context_rules[] = {
    {COPILOT_PRE_TOKENS, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_BEFORE, NULL},
    {COPILOT_POST_TOKENS, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_AFTER, NULL},
};

static const struct rule skill_rules[] = {
    {COPILOT_SKILL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {COPILOT_SKILL_PLUGIN_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {COPILOT_SKILL_PLUGIN_VERSION, RULE_TEXT, KEY_AGENT_EXTENSION_VERSION, NULL},
};

static const struct rule abort_rules[] = {
    {COPILOT_ABORT_REASON, RULE_TEXT, KEY_AGENT_TURN_STOP_REASON, NULL},
};

static const struct rule error_rules[] = {
    {COPILOT_CLI_ERROR_TYPE, RULE_TEXT, KEY_ERROR_TYPE, NULL},
    {COPILOT_ERROR_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

#define RULES(table) (table), COUNT_OF(table)

static const struct dialect_event chat_events[] = {
    {"gen_ai.client.inference.operation.details", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS,
     CLASS_EXACT, NULL, 0, finish_inference,
     "Failure with an `error.type`. Already in these words."},
    {"copilot_chat.session.start", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     NULL, NULL},
    {"copilot_chat.tool.call", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(tool_rules), finish_tool,
     "`success` tells the outcome; that of a shell command which was run is unknown, for its exit "
     "status is not told."},
    {"copilot_chat.agent.turn", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     finish_turn, "agent.usage.duplicate is true: its requests told the same tokens."},
    {"copilot_chat.edit.feedback", KIND_FILE, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(edit_rules), finish_edit,
     "agent.file.operation is update; `outcome` accepted or rejected is the decision of a person, "
     "with the facet agent.approval."},
    {"copilot_chat.edit.hunk.action", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(edit_rules), finish_hunk,
     "The same for one piece of the change, with the facet agent.file."},
    {"copilot_chat.inline.done", KIND_FILE, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(edit_rules), finish_inline, "As `copilot_chat.edit.feedback`, told by `accepted`."},
    {"copilot_chat.edit.survival", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     NULL, NULL},
    {"copilot_chat.user.feedback", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     NULL, NULL},
    {"copilot_chat.cloud.session.invoke", KIND_SUBAGENT, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(cloud_rules), NULL, NULL},
};

static const struct dialect_event cli_events[] = {
    {"gen_ai.client.inference.operation.details", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS,
     CLASS_EXACT, NULL, 0, finish_inference,
     "Failure with an `error.type`. Already in these words."},
    {"github.copilot.hook.start", KIND_HOOK, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(hook_rules), NULL, NULL},
    {"github.copilot.hook.end", KIND_HOOK, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(hook_rules), NULL, NULL},
    {"github.copilot.hook.error", KIND_HOOK, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(hook_rules), NULL, NULL},
    {"github.copilot.session.truncation", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(context_rules), finish_truncation, "agent.context.action is truncate."},
    {"github.copilot.session.compaction_start", KIND_OTHER, PHASE_POINT, OUTCOME_PENDING,
     CLASS_EXACT, NULL, 0, NULL, NULL},
    {"github.copilot.session.compaction_complete", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS,
     CLASS_EXACT, RULES(context_rules), finish_compaction,
     "agent.context.action is compact; `github.copilot.success` false is failure."},
    {"github.copilot.skill.invoked", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(skill_rules), finish_skill, "A skill, invoke."},
    {"github.copilot.session.shutdown", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL,
     0, finish_shutdown,
     "agent.session.reason is exit, or other by `github.copilot.shutdown_type`."},
    {"github.copilot.session.abort", KIND_TURN, PHASE_END, OUTCOME_CANCELLED, CLASS_EXACT,
     RULES(abort_rules), NULL, NULL},
    {"exception", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT, RULES(error_rules),
     finish_exception, "error.type is `github.copilot.error_type`, or _OTHER."},
    {"permission", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     finish_permission,
     "`github.copilot.permission.result`: what begins with approved is allow, with denied deny; by "
     "whom is unknown."},
};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const char *const chat_services[] = {"copilot-chat", NULL};
static const char *const cli_services[] = {"github-copilot", NULL};

const struct dialect dialect_copilot_chat = {
    .name = "copilot_otel",
    .product = "copilot_chat",
    .scope_prefix = "copilot-chat",
    .event_prefix = "copilot_chat.",
    .services = chat_services,
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .rules = common_rules,
    .rule_count = COUNT_OF(common_rules),
    .events = chat_events,
    .event_count = COUNT_OF(chat_events),
    .otherwise = &otherwise,
    .finish = finish_common,
    .note = "Records carry no id of the call or turn, and most none of the session: the trace "
            "joins them. gen_ai.conversation.id is `session.id` or `conversation_id`.",
};

const struct dialect dialect_copilot_cli = {
    .name = "copilot_otel",
    .product = "copilot_cli",
    .scope_prefix = "github.copilot",
    .event_prefix = "github.copilot.",
    .services = cli_services,
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .rules = common_rules,
    .rule_count = COUNT_OF(common_rules),
    .events = cli_events,
    .event_count = COUNT_OF(cli_events),
    .otherwise = &otherwise,
    .finish = finish_common,
    .note = "session.id is `gen_ai.conversation.id`.",
};
