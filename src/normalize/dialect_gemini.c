/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_gemini.c -- the tables of Gemini CLI's log records (scope gemini-cli, seen of version
 * 0.61.0); what they cannot say is in gemini_events.c and gemini_tool.c.
 *
 * service.version of its resource is that of Node.js: no record says which version of Gemini CLI
 * wrote it.
 */
#include "normalize/gemini_events.h"

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule request_rules[] = {
    {GEMINI_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEMINI_ROLE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
    {GEMINI_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
};

static const struct rule response_rules[] = {
    {GEMINI_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEMINI_ROLE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
    {GEMINI_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
    {GEMINI_INPUT_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {GEMINI_CACHED_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {GEMINI_THOUGHTS_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, NULL},
    {GEMINI_TOTAL_TOKEN_COUNT, RULE_INT, KEY_AGENT_USAGE_TOTAL_TOKENS, NULL},
};

static const struct rule mode_rules[] = {
    {GEMINI_FROM_MODE, RULE_WORD, KEY_AGENT_MODE_FROM, gemini_modes},
    {GEMINI_TO_MODE, RULE_WORD, KEY_AGENT_MODE_TO, gemini_modes},
};

static const struct rule agent_rules[] = {
    {GEMINI_AGENT_ID, RULE_TEXT, KEY_GEN_AI_AGENT_ID, NULL},
    {GEMINI_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {GEMINI_TERMINATE_REASON, RULE_TEXT, KEY_AGENT_SUBAGENT_STOP_REASON, NULL},
};

static const struct rule verdict_rules[] = {
    {GEMINI_VERDICT_RATIONALE, RULE_CONTENT, KEY_AGENT_REVIEW_RATIONALE, NULL},
};

static const struct rule reason_rules[] = {
    {GEMINI_REASON, RULE_TEXT, KEY_AGENT_DECISION_REASON, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

#define RULES(table) (table), COUNT_OF(table)

/* The rows that refine() may change stand first. */
enum { TWIN_EVENT, FETCH_EVENT };

static const struct dialect_event events[] = {
    [TWIN_EVENT] = {"gen_ai.client.inference.operation.details", KIND_MODEL, PHASE_START,
                    OUTCOME_PENDING, CLASS_EXACT, NULL, 0, gemini_finish_twin,
                    "The same request once more: agent.usage.duplicate is true."},
    [FETCH_EVENT] = {"gemini_cli.web_fetch_fallback_attempt", KIND_OTHER, PHASE_POINT,
                     OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL},
    {"gemini_cli.config", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_session_rules, GEMINI_SESSION_RULES, gemini_finish_session,
     "`sandbox_enabled` true is container (heuristic), false none. The mode is remembered for the "
     "calls of the session."},
    {"gemini_cli.user_prompt", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_prompt_rules, GEMINI_PROMPT_RULES, gemini_finish_prompt,
     "`prompt` tells agent.content.state; a length without text is redacted by the source."},
    {"gemini_cli.tool_call", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, gemini_tool_rules,
     GEMINI_TOOL_RULES, gemini_finish_tool_call, "See below."},
    {"gemini_cli.api_request", KIND_MODEL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(request_rules), gemini_finish_request, NULL},
    {"gemini_cli.api_response", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(response_rules), gemini_finish_response,
     "gen_ai.usage.output_tokens is `output_token_count` and `thoughts_token_count`; failure by "
     "`status_code` from 400."},
    {"gemini_cli.api_error", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(request_rules), gemini_finish_api_error,
     "`error_type` tells error.type; `duration` counts where `duration_ms` is absent."},
    {"gemini_cli.file_operation", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_file_rules, GEMINI_FILE_RULES, gemini_finish_file,
     "No path is told: agent.file.path_source is none. `extension` loses its dot."},
    {"gemini_cli.hook_call", KIND_HOOK, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, gemini_hook_rules,
     GEMINI_HOOK_RULES, gemini_finish_hook, "`success` tells the outcome."},
    {"gemini_cli.chat_compression", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_context_rules, GEMINI_CONTEXT_RULES, gemini_finish_compression,
     "agent.context.action is compact."},
    {"gemini_cli.tool_output_truncated", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     NULL, 0, gemini_finish_truncation, "agent.context.action is truncate."},
    {"gemini_cli.conversation_finished", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_turn_rules, GEMINI_TURN_RULES, NULL, NULL},
    {"gemini_cli.slash_command", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     gemini_finish_command, "A command, invoke; `command` is its name."},
    {"gemini_cli.extension_install", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_install,
     "An extension, install; failure if `status` is error."},
    {"gemini_cli.extension_uninstall", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_uninstall,
     "The same, uninstall."},
    {"gemini_cli.extension_update", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_update, "The same, update."},
    {"gemini_cli.extension_enable", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_enable, "The same, enable."},
    {"gemini_cli.extension_disable", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_extension_rules, GEMINI_EXTENSION_RULES, gemini_finish_disable, "The same, disable."},
    {"gemini_cli.malformed_json_response", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT,
     NULL, 0, gemini_finish_malformed, "error.type is malformed_json_response."},
    {"loop_detected", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT, NULL, 0,
     gemini_finish_loop, "error.type is loop_detected."},
    {"gemini_cli.plan.approval_mode_switch", KIND_MODE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(mode_rules), gemini_finish_mode, "The mode is remembered for the calls of the session."},
    {"gemini_cli.model_routing", KIND_OTHER, PHASE_POINT, OUTCOME_SUCCESS, CLASS_NONE, NULL, 0,
     gemini_finish_routing, "`approval_mode` is remembered; failure if `failed`."},
    {"gemini_cli.agent.start", KIND_SUBAGENT, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(agent_rules), gemini_finish_agent, NULL},
    {"gemini_cli.agent.finish", KIND_SUBAGENT, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(agent_rules), gemini_finish_agent,
     "Success if `terminate_reason` is GOAL, timeout if TIMEOUT, cancelled if ABORTED, else "
     "failure."},
    {"gemini_cli.agent.recovery_attempt", KIND_SUBAGENT, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(agent_rules), gemini_finish_agent, "`success` tells the outcome."},
    {"gemini_cli.conseca.verdict", KIND_REVIEW, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(verdict_rules), gemini_finish_verdict,
     "`verdict` tells agent.decision.outcome; a model decided."},
    {"gemini_cli.tool_output_masking", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     gemini_context_rules, GEMINI_CONTEXT_RULES, gemini_finish_masking,
     "agent.context.action is mask."},
    {"gemini_cli.rewind", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     gemini_finish_rewind, "agent.context.action is rewind."},
    {"end_session", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, NULL, NULL},
};

const struct dialect_event gemini_twin_of_response = {"gen_ai.client.inference.operation.details",
                                                      KIND_MODEL,
                                                      PHASE_END,
                                                      OUTCOME_SUCCESS,
                                                      CLASS_EXACT,
                                                      NULL,
                                                      0,
                                                      gemini_finish_twin,
                                                      "With a `gen_ai.response.id`."};

const struct dialect_event gemini_twin_of_error = {"gen_ai.client.inference.operation.details",
                                                   KIND_MODEL,
                                                   PHASE_END,
                                                   OUTCOME_UNKNOWN,
                                                   CLASS_EXACT,
                                                   NULL,
                                                   0,
                                                   gemini_finish_twin,
                                                   "With a `gen_ai.response.model` and no id."};

static const struct dialect_event blocked_address = {
    "gemini_cli.web_fetch_fallback_attempt",
    KIND_NETWORK,
    PHASE_POINT,
    OUTCOME_DENIED,
    CLASS_HEURISTIC,
    RULES(reason_rules),
    gemini_finish_blocked_address,
    "When `reason` begins with private_ip: an address within was not asked. Which, is not told."};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

const struct dialect_event *gemini_refine_twin(const struct mapping *m,
                                               const struct dialect_event *event)
{
    if (mapping_source(m, GEMINI_GEN_AI_RESPONSE_ID) != NULL)
        return &gemini_twin_of_response;
    return mapping_source(m, GEMINI_GEN_AI_RESPONSE_MODEL) != NULL ? &gemini_twin_of_error : event;
}

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    if (event == &events[TWIN_EVENT])
        return gemini_refine_twin(m, event);
    if (event == &events[FETCH_EVENT] &&
        slice_starts_with(mapping_source_text(m, GEMINI_REASON), SLICE("private_ip")))
        return &blocked_address;
    return event;
}

static const struct dialect_event *const refined[] = {&gemini_twin_of_response,
                                                      &gemini_twin_of_error, &blocked_address};

static const char chapter[] =
    "### Tool calls\n"
    "\n"
    "- `decision` accept is allow, once: by config in the mode yolo, by the rest heuristically:\n"
    "  config where `interactive` is false, for tools that only read, and for edits in the mode\n"
    "  autoEdit; else the user. Where the mode was not seen, the source is unknown. auto_accept "
    "by\n"
    "  a user is for the session; modify and reject are the user's.\n"
    "- Without `decision`, `error_type` policy_violation, permission_denied and execution_denied\n"
    "  are deny by config. So is, heuristically, a path outside of the workspace; the sentence\n"
    "  that the call was cancelled by the user is deny by the user.\n"
    "- `metadata` `exitCode` other than 0 or `isError` is a failure, whatever `success` says. A\n"
    "  shell command's success is unknown where `content_length` is absent: such records never\n"
    "  have an exit code.\n"
    "- `error_type` tool_not_registered and invalid_tool_params: agent.tool.executed is false.\n"
    "- Facets: `command` of shell tools; `file_path` of file tools, with the lines of `metadata`\n"
    "  (by model and user); the first URL in the `url` or `prompt` of web_fetch; server and tool "
    "of\n"
    "  an MCP call. Of write_file the operation is update if lines went, else unknown.\n"
    "\n";

const struct dialect dialect_gemini = {
    .name = "gemini_cli_otel",
    .product = "gemini_cli",
    .scope_prefix = "gemini-cli",
    .event_prefix = "gemini_cli.",
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
    .note = "user.id is the installation's. `role` of requests tells agent.role. There is no "
            "agent.product.version: service.version is that of Node.js. gen_ai.provider.name is "
            "gcp.gen_ai, of `auth_type` vertex-ai gcp.vertex_ai.",
    .chapter = chapter,
};
