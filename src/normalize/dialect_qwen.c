/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_qwen.c -- the tables of Qwen Code's log records (scope qwen-code, seen of version
 * 0.15.10; `call_id`, `execution_status`, `ttft_ms` and the events that are not in recordings are
 * of 0.24.4); what they cannot say is in gemini_events.c and gemini_tool.c.
 */
#include "normalize/gemini_events.h"

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule request_rules[] = {
    {GEMINI_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEMINI_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
};

/* The output tokens include those of thinking. */
static const struct rule response_rules[] = {
    {GEMINI_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEMINI_RESPONSE_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {GEMINI_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
    {GEMINI_INPUT_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {GEMINI_OUTPUT_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {GEMINI_CACHED_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {GEMINI_THOUGHTS_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, NULL},
    {GEMINI_TOTAL_TOKEN_COUNT, RULE_INT, KEY_AGENT_USAGE_TOTAL_TOKENS, NULL},
    {GEMINI_TTFT_MS, RULE_SECONDS, KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, NULL},
};

static const struct rule auth_rules[] = {
    {GEMINI_AUTH_TYPE, RULE_TEXT, KEY_AGENT_AUTH_METHOD, NULL},
};

static const struct rule skill_rules[] = {
    {GEMINI_SKILL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
};

static const struct rule subagent_rules[] = {
    {GEMINI_TERMINATE_REASON, RULE_TEXT, KEY_AGENT_SUBAGENT_STOP_REASON, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

#define RULES(table) (table), COUNT_OF(table)

/* The row that refine() may change. */
enum { TWIN_EVENT };

static const struct dialect_event events[] = {
    [TWIN_EVENT] = {"gen_ai.client.inference.operation.details", KIND_MODEL, PHASE_START,
                    OUTCOME_PENDING, CLASS_EXACT, NULL, 0, gemini_finish_twin,
                    "The same request once more: agent.usage.duplicate is true."},
    {"qwen-code.config", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_session_rules, GEMINI_SESSION_RULES, gemini_finish_session,
     "`sandbox_enabled` true is container (heuristic), false none. The mode is remembered for the "
     "calls of the session."},
    {"session.start", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, gemini_session_rules,
     GEMINI_SESSION_RULES, gemini_finish_session, "The same."},
    {"session.end", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, NULL, NULL},
    {"qwen-code.user_prompt", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_prompt_rules, GEMINI_PROMPT_RULES, gemini_finish_prompt,
     "`prompt` tells agent.content.state; a length without text is redacted by the source."},
    {"qwen-code.tool_call", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, gemini_tool_rules,
     GEMINI_TOOL_RULES, qwen_finish_tool_call, "See below."},
    {"qwen-code.api_request", KIND_MODEL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(request_rules), qwen_finish_request, NULL},
    {"qwen-code.api_response", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(response_rules), qwen_finish_response, "Failure by `status_code` from 400."},
    {"qwen-code.api_error", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(request_rules), qwen_finish_api_error,
     "`error_type` tells error.type; `duration` counts where `duration_ms` is absent."},
    {"qwen-code.file_operation", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_file_rules, GEMINI_FILE_RULES, gemini_finish_file,
     "No path is told: agent.file.path_source is none. `extension` loses its dot."},
    {"qwen-code.hook_call", KIND_HOOK, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, gemini_hook_rules,
     GEMINI_HOOK_RULES, gemini_finish_hook, "`success` tells the outcome."},
    {"qwen-code.chat_compression", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_context_rules, GEMINI_CONTEXT_RULES, gemini_finish_compression,
     "agent.context.action is compact."},
    {"qwen-code.tool_output_truncated", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     NULL, 0, gemini_finish_truncation, "agent.context.action is truncate."},
    {"qwen-code.conversation_finished", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_turn_rules, GEMINI_TURN_RULES, NULL, NULL},
    {"qwen-code.slash_command", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     gemini_finish_command, "A command, invoke; `command` is its name."},
    {"qwen-code.extension_install", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_install,
     "An extension, install; failure if `status` is error."},
    {"qwen-code.extension_uninstall", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_uninstall,
     "The same, uninstall."},
    {"qwen-code.extension_update", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_update, "The same, update."},
    {"qwen-code.extension_enable", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_enable, "The same, enable."},
    {"qwen-code.extension_disable", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_disable, "The same, disable."},
    {"qwen-code.malformed_json_response", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT,
     NULL, 0, gemini_finish_malformed, "error.type is malformed_json_response."},
    {"loop_detected", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT, NULL, 0,
     gemini_finish_loop, "error.type is loop_detected."},
    {"qwen-code.api_cancel", KIND_MODEL, PHASE_END, OUTCOME_CANCELLED, CLASS_EXACT,
     RULES(request_rules), qwen_finish_request, NULL},
    {"qwen-code.auth", KIND_AUTH, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(auth_rules),
     qwen_finish_auth, "agent.auth.action is login; `status` tells the outcome."},
    {"qwen-code.skill_launch", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(skill_rules), qwen_finish_skill, "A skill, invoke; `success` tells the outcome."},
    {"qwen-code.subagent_execution", KIND_SUBAGENT, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(subagent_rules), qwen_finish_subagent,
     "A start if `status` is started; else the outcome by `status` and `terminate_reason`."},
};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    return event == &events[TWIN_EVENT] ? gemini_refine_twin(m, event) : event;
}

static const struct dialect_event *const refined[] = {&gemini_twin_of_response,
                                                      &gemini_twin_of_error};

static const char chapter[] =
    "### Tool calls\n"
    "\n"
    "As of gemini_cli_otel, but: auto_accept is allow with unknown scope; `metadata` is a list of\n"
    "key and value; `status` or `execution_status` cancelled is cancelled, `execution_status`\n"
    "not_started is agent.tool.executed false; a shell command's success is unknown where\n"
    "`execution_status` is absent, as in versions that call exit status 3 a success.\n"
    "\n";

const struct dialect dialect_qwen = {
    .name = "qwen_code_otel",
    .product = "qwen_code",
    .scope_prefix = "qwen-code",
    .event_prefix = "qwen-code.",
    .has_service_version = true,
    .sources = gemini_sources,
    .source_count = GEMINI_SOURCE_COUNT,
    .rules = gemini_common_rules,
    .rule_count = GEMINI_COMMON_RULES,
    .events = events,
    .event_count = COUNT_OF(events),
    .otherwise = &otherwise,
    .refine = refine,
    .refined = refined,
    .refined_count = COUNT_OF(refined),
    .finish = gemini_finish_common,
    .note = "agent.product.version is the resource's service.version. gen_ai.provider.name is by "
            "`auth_type`, of this record or of the session's login; `subagent_name` tells "
            "agent.role.",
    .chapter = chapter,
};
