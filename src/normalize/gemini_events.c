/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_events.c -- what records of Gemini CLI and Qwen Code mean beyond their tables; tool calls
 * are in gemini_tool.c.
 *
 * Three things of them shape this:
 *
 *   - They are written by JavaScript: a key without a value is there with an empty one, and a
 *     double that happens to be whole arrives as an int.
 *   - The mode that decides over a call stands in records before it: it is remembered by session.
 *   - Gemini CLI tells each request to a model three times: under its own name, and before and
 *     behind it under the name of the conventions.  Its own api_response alone counts.
 */
#include "normalize/gemini_events.h"

#include "normalize/coerce.h"
#include "normalize/decision.h"

const char *const gemini_sources[GEMINI_SOURCE_COUNT] = {
    [GEMINI_SESSION_ID] = "session.id",
    [GEMINI_INSTALLATION_ID] = "installation.id",
    [GEMINI_INTERACTIVE] = "interactive",
    [GEMINI_AUTH_TYPE] = "auth_type",
    [GEMINI_PROMPT_ID] = "prompt_id",
    [GEMINI_MODEL] = "model",
    [GEMINI_DURATION_MS] = "duration_ms",
    [GEMINI_DURATION] = "duration",
    [GEMINI_ERROR] = "error",
    [GEMINI_ERROR_DOT_MESSAGE] = "error.message",
    [GEMINI_ERROR_MESSAGE] = "error_message",
    [GEMINI_ERROR_DOT_TYPE] = "error.type",
    [GEMINI_ERROR_TYPE] = "error_type",
    [GEMINI_SUCCESS] = "success",
    [GEMINI_STATUS] = "status",
    [GEMINI_REASON] = "reason",
    [GEMINI_APPROVAL_MODE] = "approval_mode",
    [GEMINI_SANDBOX_ENABLED] = "sandbox_enabled",
    [GEMINI_MCP_SERVERS] = "mcp_servers",
    [GEMINI_PROMPT] = "prompt",
    [GEMINI_PROMPT_LENGTH] = "prompt_length",
    [GEMINI_FUNCTION_NAME] = "function_name",
    [GEMINI_FUNCTION_ARGS] = "function_args",
    [GEMINI_DECISION] = "decision",
    [GEMINI_TOOL_TYPE] = "tool_type",
    [GEMINI_MCP_SERVER_NAME] = "mcp_server_name",
    [GEMINI_METADATA] = "metadata",
    [GEMINI_CONTENT_LENGTH] = "content_length",
    [GEMINI_TOOL_NAME] = "tool_name",
    [GEMINI_CALL_ID] = "call_id",
    [GEMINI_PARENT_CALL_ID] = "parent_call_id",
    [GEMINI_EXECUTION_STATUS] = "execution_status",
    [GEMINI_RESPONSE_ID] = "response_id",
    [GEMINI_ROLE] = "role",
    [GEMINI_SUBAGENT_NAME] = "subagent_name",
    [GEMINI_STATUS_CODE] = "status_code",
    [GEMINI_INPUT_TOKEN_COUNT] = "input_token_count",
    [GEMINI_OUTPUT_TOKEN_COUNT] = "output_token_count",
    [GEMINI_CACHED_TOKEN_COUNT] = "cached_content_token_count",
    [GEMINI_THOUGHTS_TOKEN_COUNT] = "thoughts_token_count",
    [GEMINI_TOTAL_TOKEN_COUNT] = "total_token_count",
    [GEMINI_TTFT_MS] = "ttft_ms",
    [GEMINI_OPERATION] = "operation",
    [GEMINI_MIMETYPE] = "mimetype",
    [GEMINI_EXTENSION] = "extension",
    [GEMINI_PROGRAMMING_LANGUAGE] = "programming_language",
    [GEMINI_FROM_MODE] = "from_mode",
    [GEMINI_TO_MODE] = "to_mode",
    [GEMINI_FAILED] = "failed",
    [GEMINI_HOOK_EVENT_NAME] = "hook_event_name",
    [GEMINI_HOOK_NAME] = "hook_name",
    [GEMINI_HOOK_TYPE] = "hook_type",
    [GEMINI_EXIT_CODE] = "exit_code",
    [GEMINI_AGENT_ID] = "agent_id",
    [GEMINI_AGENT_NAME] = "agent_name",
    [GEMINI_TERMINATE_REASON] = "terminate_reason",
    [GEMINI_VERDICT] = "verdict",
    [GEMINI_VERDICT_RATIONALE] = "verdict_rationale",
    [GEMINI_TOKENS_BEFORE] = "tokens_before",
    [GEMINI_TOKENS_AFTER] = "tokens_after",
    [GEMINI_TURN_COUNT] = "turnCount",
    [GEMINI_COMMAND] = "command",
    [GEMINI_EXTENSION_NAME] = "extension_name",
    [GEMINI_EXTENSION_VERSION] = "extension_version",
    [GEMINI_EXTENSION_SOURCE] = "extension_source",
    [GEMINI_SKILL_NAME] = "skill_name",
    [GEMINI_GEN_AI_RESPONSE_ID] = "gen_ai.response.id",
    [GEMINI_GEN_AI_RESPONSE_MODEL] = "gen_ai.response.model",
};

/* --- Words and rules ---------------------------------------------------------------------- */

const struct word_map gemini_modes[] = {
    {"default", "ask"},         {"autoEdit", "auto_edit"},
    {"auto_edit", "auto_edit"}, {"auto-edit", "auto_edit"},
    {"yolo", "bypass"},         {"plan", "plan"},
    {"auto", "auto_review"},    {NULL, NULL},
};

static const struct word_map operations[] = {
    {"create", "create"}, {"read", "read"}, {"update", "update"}, {NULL, NULL}};

const struct rule gemini_common_rules[GEMINI_COMMON_RULES] = {
    {GEMINI_SESSION_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {GEMINI_PROMPT_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {GEMINI_INSTALLATION_ID, RULE_TEXT, KEY_USER_ID, NULL},
    {GEMINI_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

const struct rule gemini_session_rules[GEMINI_SESSION_RULES] = {
    {GEMINI_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEMINI_APPROVAL_MODE, RULE_WORD, KEY_AGENT_PERMISSION_MODE, gemini_modes},
    {GEMINI_MCP_SERVERS, RULE_LIST, KEY_AGENT_MCP_SERVERS, NULL},
};

const struct rule gemini_prompt_rules[GEMINI_PROMPT_RULES] = {
    {GEMINI_PROMPT_LENGTH, RULE_INT, KEY_AGENT_PROMPT_LENGTH, NULL},
};

const struct rule gemini_file_rules[GEMINI_FILE_RULES] = {
    {GEMINI_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {GEMINI_OPERATION, RULE_WORD, KEY_AGENT_FILE_OPERATION, operations},
    {GEMINI_MIMETYPE, RULE_TEXT, KEY_AGENT_FILE_MIME_TYPE, NULL},
    {GEMINI_PROGRAMMING_LANGUAGE, RULE_TEXT, KEY_AGENT_FILE_LANGUAGE, NULL},
};

const struct rule gemini_context_rules[GEMINI_CONTEXT_RULES] = {
    {GEMINI_TOKENS_BEFORE, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_BEFORE, NULL},
    {GEMINI_TOKENS_AFTER, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_AFTER, NULL},
};

const struct rule gemini_tool_rules[GEMINI_TOOL_RULES] = {
    {GEMINI_FUNCTION_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {GEMINI_FUNCTION_ARGS, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_ARGUMENTS, NULL},
    {GEMINI_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {GEMINI_PARENT_CALL_ID, RULE_TEXT, KEY_AGENT_TOOL_PARENT_CALL_ID, NULL},
    {GEMINI_SUCCESS, RULE_BOOL, KEY_AGENT_TOOL_REPORTED_SUCCESS, NULL},
};

const struct rule gemini_extension_rules[GEMINI_EXTENSION_RULES] = {
    {GEMINI_EXTENSION_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {GEMINI_EXTENSION_VERSION, RULE_TEXT, KEY_AGENT_EXTENSION_VERSION, NULL},
    {GEMINI_EXTENSION_SOURCE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
};

const struct rule gemini_hook_rules[GEMINI_HOOK_RULES] = {
    {GEMINI_HOOK_EVENT_NAME, RULE_TEXT, KEY_AGENT_HOOK_EVENT, NULL},
    {GEMINI_HOOK_NAME, RULE_TEXT, KEY_AGENT_HOOK_NAME, NULL},
    {GEMINI_HOOK_TYPE, RULE_TEXT, KEY_AGENT_HOOK_TYPE, NULL},
    {GEMINI_EXIT_CODE, RULE_INT, KEY_PROCESS_EXIT_CODE, NULL},
};

const struct rule gemini_turn_rules[GEMINI_TURN_RULES] = {
    {GEMINI_TURN_COUNT, RULE_INT, KEY_AGENT_TURN_COUNT, NULL},
};

static const struct word_map providers[] = {
    {"openai", "openai"},
    {"anthropic", "anthropic"},
    {"gemini", "gcp.gemini"},
    {"vertex-ai", "gcp.vertex_ai"},
    {NULL, NULL},
};

/* --- Sessions ------------------------------------------------------------------------------ */

struct lineage_thread *gemini_thread(struct mapping *m)
{
    return lineage_open(m->lineage, mapping_source_text(m, GEMINI_SESSION_ID));
}

void gemini_finish_common(struct mapping *m)
{
    struct slice subagent = mapping_source_text(m, GEMINI_SUBAGENT_NAME);
    struct slice role = mapping_source_text(m, GEMINI_ROLE);
    if (!text_is_sentinel(mapping_source_text(m, GEMINI_INSTALLATION_ID)))
        mapping_put_text(m, KEY_AGENT_USER_ID_KIND, SLICE("installation"));
    if (!text_is_sentinel(subagent) || slice_equal(role, SLICE("subagent")))
        m->role = ROLE_SUBAGENT;
    else if (slice_equal(role, SLICE("main")))
        m->role = ROLE_MAIN;
}

/* Remembers the mode that stands at `source`, if it is one that we know. */
static void learn_mode(struct mapping *m, uint8_t source)
{
    struct slice text = mapping_source_text(m, source);
    struct lineage_thread *thread = text.size > 0 ? gemini_thread(m) : NULL;
    if (thread == NULL)
        return;
    enum permission_mode mode = MODE_UNKNOWN;
    for (const struct word_map *word = gemini_modes; word->from != NULL; word++) {
        if (!text_equal_nocase(text, word->from))
            continue;
        for (unsigned i = 0; i < MODE_UNKNOWN; i++) {
            if (strcmp(words_permission_mode[i], word->to) == 0)
                mode = (enum permission_mode)i;
        }
    }
    thread->permission_mode = (uint8_t)(1 + mode);
}

static struct slice find_provider(struct slice auth_type)
{
    for (const struct word_map *word = providers; word->from != NULL; word++) {
        if (text_equal_nocase(auth_type, word->from))
            return slice_of_text(word->to);
    }
    return auth_type;
}

void gemini_finish_session(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, GEMINI_SANDBOX_ENABLED);
    bool sandboxed = false;
    learn_mode(m, GEMINI_APPROVAL_MODE);
    if (value == NULL || !coerce_bool(value, &sandboxed))
        return;
    mapping_put_text(m, KEY_AGENT_SANDBOX_MODE, sandboxed ? SLICE("container") : SLICE("none"));
    if (sandboxed) /* which of its sandboxes it is, it does not say */
        m->classification = CLASS_HEURISTIC;
}

void gemini_finish_mode(struct mapping *m)
{
    learn_mode(m, GEMINI_TO_MODE);
}

void gemini_put_error_message(struct mapping *m)
{
    static const uint8_t keys[] = {GEMINI_ERROR_DOT_MESSAGE, GEMINI_ERROR, GEMINI_ERROR_MESSAGE};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice text = mapping_source_text(m, keys[i]);
        if (!text_is_sentinel(text)) {
            mapping_put_text(m, KEY_AGENT_ERROR_MESSAGE, text);
            return;
        }
    }
}

void gemini_finish_routing(struct mapping *m)
{
    learn_mode(m, GEMINI_APPROVAL_MODE);
    if (mapping_source_true(m, GEMINI_FAILED)) {
        m->outcome = OUTCOME_FAILURE;
        gemini_put_error_message(m);
    }
}

void gemini_finish_prompt(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, GEMINI_PROMPT_LENGTH);
    struct slice text = mapping_source_text(m, GEMINI_PROMPT);
    int64_t length = 0;
    /* Told not to log prompts, they leave the text out and keep its length. */
    bool is_left_out = text.size == 0 && value != NULL && coerce_int(value, &length) && length > 0;
    enum content_state state = is_left_out || text_is_redacted(text) ? CONTENT_REDACTED_BY_SOURCE
                               : text.size == 0                      ? CONTENT_ABSENT
                                                                     : CONTENT_PRESENT;
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, state);
}

/* --- Requests to models ------------------------------------------------------------------- */

static void put_gemini(struct mapping *m)
{
    bool is_vertex = slice_equal(mapping_source_text(m, GEMINI_AUTH_TYPE), SLICE("vertex-ai"));
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("generate_content"));
    mapping_put_text(m, KEY_GEN_AI_PROVIDER_NAME,
                     is_vertex ? SLICE("gcp.vertex_ai") : SLICE("gcp.gen_ai"));
}

/* Some of its records of a request say how it signed in, which is the kind of provider. */
static void put_qwen(struct mapping *m)
{
    struct slice auth_type = mapping_source_text(m, GEMINI_AUTH_TYPE);
    struct lineage_thread *thread = gemini_thread(m);
    struct slice provider = find_provider(auth_type);
    if (text_is_sentinel(auth_type))
        provider = thread != NULL ? slice_of(thread->provider, thread->provider_size) : SLICE_EMPTY;
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
    if (provider.size > 0)
        mapping_put_text(m, KEY_GEN_AI_PROVIDER_NAME, provider);
    if (mapping_source_text(m, GEMINI_SUBAGENT_NAME).size > 0)
        mapping_put_text(m, KEY_GEN_AI_AGENT_NAME, mapping_source_text(m, GEMINI_SUBAGENT_NAME));
}

void gemini_finish_request(struct mapping *m)
{
    put_gemini(m);
}

void qwen_finish_request(struct mapping *m)
{
    put_qwen(m);
}

static bool find_int(const struct mapping *m, uint8_t source, int64_t *ret)
{
    const struct any_view *value = mapping_source(m, source);
    return value != NULL && coerce_int(value, ret);
}

static void put_status(struct mapping *m)
{
    int64_t status = 0;
    if (!find_int(m, GEMINI_STATUS_CODE, &status) || status < 400)
        return;
    m->outcome = OUTCOME_FAILURE;
    gemini_put_error_message(m);
}

void gemini_finish_response(struct mapping *m)
{
    int64_t output = 0, thoughts = 0, sum = 0;
    put_gemini(m);
    put_status(m);
    bool has_output = find_int(m, GEMINI_OUTPUT_TOKEN_COUNT, &output);
    bool has_thoughts = find_int(m, GEMINI_THOUGHTS_TOKEN_COUNT, &thoughts);
    if (!has_output && !has_thoughts)
        return;
    if (__builtin_add_overflow(output, thoughts, &sum))
        mapping_error(m, SLICE("output_token_count"));
    else
        mapping_put_int(m, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, sum);
}

void qwen_finish_response(struct mapping *m)
{
    put_qwen(m);
    put_status(m);
}

static void put_api_error(struct mapping *m)
{
    static const struct rule duration = {GEMINI_DURATION, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL};
    struct slice type = mapping_source_text(m, GEMINI_ERROR_TYPE);
    if (mapping_source(m, GEMINI_DURATION_MS) == NULL)
        dialect_apply_rules(m, &duration, 1);
    gemini_put_error_message(m);
    if (text_is_sentinel(type))
        type = mapping_source_text(m, GEMINI_ERROR_DOT_TYPE);
    mapping_put_text(m, KEY_ERROR_TYPE, text_is_sentinel(type) ? SLICE("_OTHER") : type);
}

void gemini_finish_api_error(struct mapping *m)
{
    put_gemini(m);
    put_api_error(m);
}

void qwen_finish_api_error(struct mapping *m)
{
    put_qwen(m);
    put_api_error(m);
}

void gemini_finish_twin(struct mapping *m)
{
    mapping_put_bool(m, KEY_AGENT_USAGE_DUPLICATE, true);
}

/* --- Files and the network ----------------------------------------------------------------- */

void gemini_finish_file(struct mapping *m)
{
    struct slice extension = mapping_source_text(m, GEMINI_EXTENSION);
    if (extension.size > 0 && extension.data[0] == '.')
        extension = slice_from(extension, 1);
    if (!text_is_sentinel(extension))
        mapping_put_text(m, KEY_FILE_EXTENSION, extension);
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("none"));
}

void gemini_finish_blocked_address(struct mapping *m)
{
    decision_put(m, DECISION_DENY);
    decision_put_source(m, BY_POLICY);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
}

/* --- Hooks, sub-agents, the safety checker ---------------------------------------------------- */

/* Success or failure as the flag says; unknown without it. */
static void put_success(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, GEMINI_SUCCESS);
    bool success = false;
    if (value == NULL || !coerce_bool(value, &success))
        return;
    m->outcome = success ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (!success)
        gemini_put_error_message(m);
}

void gemini_finish_hook(struct mapping *m)
{
    put_success(m);
}

static enum outcome outcome_of_end(struct slice reason)
{
    static const struct {
        const char *word;
        enum outcome outcome;
    } ends[] = {{"GOAL", OUTCOME_SUCCESS},
                {"TIMEOUT", OUTCOME_TIMEOUT},
                {"ABORTED", OUTCOME_CANCELLED},
                {"CANCELLED", OUTCOME_CANCELLED}};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (text_equal_nocase(reason, ends[i].word))
            return ends[i].outcome;
    }
    return text_is_sentinel(reason) ? OUTCOME_UNKNOWN : OUTCOME_FAILURE;
}

void gemini_finish_agent(struct mapping *m)
{
    m->role = ROLE_SUBAGENT;
    if (m->phase == PHASE_END)
        m->outcome = outcome_of_end(mapping_source_text(m, GEMINI_TERMINATE_REASON));
    else if (m->phase == PHASE_POINT)
        put_success(m);
}

/* One event for the beginning and the end, told apart by `status`. */
void qwen_finish_subagent(struct mapping *m)
{
    struct slice status = mapping_source_text(m, GEMINI_STATUS);
    m->role = ROLE_SUBAGENT;
    if (text_equal_nocase(status, "started")) {
        m->phase = PHASE_START;
        m->outcome = OUTCOME_PENDING;
    } else if (text_equal_nocase(status, "cancelled")) {
        m->outcome = OUTCOME_CANCELLED;
    } else if (text_equal_nocase(status, "failed")) {
        m->outcome = OUTCOME_FAILURE;
    } else {
        m->outcome = outcome_of_end(mapping_source_text(m, GEMINI_TERMINATE_REASON));
        if (m->outcome == OUTCOME_UNKNOWN && text_equal_nocase(status, "completed"))
            m->outcome = OUTCOME_SUCCESS;
    }
    mapping_put_text(m, KEY_GEN_AI_AGENT_NAME, mapping_source_text(m, GEMINI_SUBAGENT_NAME));
}

void gemini_finish_verdict(struct mapping *m)
{
    struct slice verdict = mapping_source_text(m, GEMINI_VERDICT);
    enum decision_outcome decision = text_equal_nocase(verdict, "allow")      ? DECISION_ALLOW
                                     : text_equal_nocase(verdict, "deny")     ? DECISION_DENY
                                     : text_equal_nocase(verdict, "ask")      ? DECISION_ASK
                                     : text_equal_nocase(verdict, "ask_user") ? DECISION_ASK
                                                                              : DECISION_UNKNOWN;
    decision_put(m, decision);
    decision_put_source(m, BY_AUTO_REVIEWER);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("once"));
    gemini_put_error_message(m);
}

/* --- Context, commands, extensions --------------------------------------------------------- */

void gemini_finish_compression(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("compact"));
}

void gemini_finish_truncation(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("truncate"));
}

void gemini_finish_masking(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("mask"));
}

void gemini_finish_rewind(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("rewind"));
}

static void put_extension(struct mapping *m, struct slice type, struct slice action)
{
    struct slice status = mapping_source_text(m, GEMINI_STATUS);
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, type);
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, action);
    if (text_equal_nocase(status, "error"))
        m->outcome = OUTCOME_FAILURE;
}

void gemini_finish_command(struct mapping *m)
{
    put_extension(m, SLICE("command"), SLICE("invoke"));
    if (!text_is_sentinel(mapping_source_text(m, GEMINI_COMMAND)))
        mapping_put_text(m, KEY_AGENT_EXTENSION_NAME, mapping_source_text(m, GEMINI_COMMAND));
}

void gemini_finish_install(struct mapping *m)
{
    put_extension(m, SLICE("extension"), SLICE("install"));
}

void gemini_finish_uninstall(struct mapping *m)
{
    put_extension(m, SLICE("extension"), SLICE("uninstall"));
}

void gemini_finish_update(struct mapping *m)
{
    put_extension(m, SLICE("extension"), SLICE("update"));
}

void gemini_finish_enable(struct mapping *m)
{
    put_extension(m, SLICE("extension"), SLICE("enable"));
}

void gemini_finish_disable(struct mapping *m)
{
    put_extension(m, SLICE("extension"), SLICE("disable"));
}

void qwen_finish_skill(struct mapping *m)
{
    put_extension(m, SLICE("skill"), SLICE("invoke"));
    put_success(m);
}

void qwen_finish_auth(struct mapping *m)
{
    struct slice status = mapping_source_text(m, GEMINI_STATUS);
    struct slice auth_type = mapping_source_text(m, GEMINI_AUTH_TYPE);
    struct lineage_thread *thread = gemini_thread(m);
    mapping_put_text(m, KEY_AGENT_AUTH_ACTION, SLICE("login"));
    if (text_equal_nocase(status, "success"))
        m->outcome = OUTCOME_SUCCESS;
    else if (text_equal_nocase(status, "cancelled"))
        m->outcome = OUTCOME_CANCELLED;
    else if (text_equal_nocase(status, "error"))
        m->outcome = OUTCOME_FAILURE;
    gemini_put_error_message(m);
    if (thread != NULL && !text_is_sentinel(auth_type))
        lineage_set_provider(thread, find_provider(auth_type));
}

void gemini_finish_loop(struct mapping *m)
{
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("loop_detected"));
}

void gemini_finish_malformed(struct mapping *m)
{
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("malformed_json_response"));
    gemini_put_error_message(m);
}
