/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_claude.c -- the tables of Claude Code's log records, from its documentation (as of
 * version 2.1.220); what they cannot say is in claude_events.c and claude_tool.c.
 *
 * Numbers and booleans are texts in most events.  The names agent.name and agent.source are the
 * sender's own and are never written here.
 */
#include "normalize/claude_events.h"

static const char *const sources[CLAUDE_SOURCE_COUNT] = {
    [CLAUDE_SESSION_ID] = "session.id",
    [CLAUDE_PROMPT_ID] = "prompt.id",
    [CLAUDE_EVENT_SEQUENCE] = "event.sequence",
    [CLAUDE_ORGANIZATION_ID] = "organization.id",
    [CLAUDE_USER_ID] = "user.id",
    [CLAUDE_IDENTITY_SOURCE] = "identity.source",
    [CLAUDE_APP_VERSION] = "app.version",
    [CLAUDE_AGENT_NAME] = "agent.name",
    [CLAUDE_DURATION_MS] = "duration_ms",
    [CLAUDE_ERROR] = "error",
    [CLAUDE_PROMPT_LENGTH] = "prompt_length",
    [CLAUDE_PROMPT] = "prompt",
    [CLAUDE_COMMAND_NAME] = "command_name",
    [CLAUDE_COMMAND_SOURCE] = "command_source",
    [CLAUDE_RESPONSE_LENGTH] = "response_length",
    [CLAUDE_RESPONSE] = "response",
    [CLAUDE_MODEL] = "model",
    [CLAUDE_REQUEST_ID] = "request_id",
    [CLAUDE_QUERY_SOURCE] = "query_source",
    [CLAUDE_TOOL_NAME] = "tool_name",
    [CLAUDE_TOOL_USE_ID] = "tool_use_id",
    [CLAUDE_DECISION] = "decision",
    [CLAUDE_TOOL_SOURCE] = "tool_source",
    [CLAUDE_SOURCE] = "source",
    [CLAUDE_TOOL_PARAMETERS] = "tool_parameters",
    [CLAUDE_SUCCESS] = "success",
    [CLAUDE_ERROR_TYPE] = "error_type",
    [CLAUDE_DECISION_SOURCE] = "decision_source",
    [CLAUDE_TOOL_INPUT_SIZE_BYTES] = "tool_input_size_bytes",
    [CLAUDE_TOOL_RESULT_SIZE_BYTES] = "tool_result_size_bytes",
    [CLAUDE_MCP_SERVER_SCOPE] = "mcp_server_scope",
    [CLAUDE_TOOL_INPUT] = "tool_input",
    [CLAUDE_COST_USD] = "cost_usd",
    [CLAUDE_COST_USD_MICROS] = "cost_usd_micros",
    [CLAUDE_INPUT_TOKENS] = "input_tokens",
    [CLAUDE_OUTPUT_TOKENS] = "output_tokens",
    [CLAUDE_CACHE_READ_TOKENS] = "cache_read_tokens",
    [CLAUDE_CACHE_CREATION_TOKENS] = "cache_creation_tokens",
    [CLAUDE_EFFORT] = "effort",
    [CLAUDE_TTFT_MS] = "ttft_ms",
    [CLAUDE_STATUS_CODE] = "status_code",
    [CLAUDE_ATTEMPT] = "attempt",
    [CLAUDE_SERVER_FALLBACK_HOP] = "server_fallback_hop",
    [CLAUDE_CATEGORY] = "category",
    [CLAUDE_TOTAL_ATTEMPTS] = "total_attempts",
    [CLAUDE_TOTAL_RETRY_DURATION_MS] = "total_retry_duration_ms",
    [CLAUDE_BODY] = "body",
    [CLAUDE_BODY_REF] = "body_ref",
    [CLAUDE_BODY_TRUNCATED] = "body_truncated",
    [CLAUDE_FROM_MODE] = "from_mode",
    [CLAUDE_TO_MODE] = "to_mode",
    [CLAUDE_TRIGGER] = "trigger",
    [CLAUDE_ACTION] = "action",
    [CLAUDE_AUTH_METHOD] = "auth_method",
    [CLAUDE_ERROR_CATEGORY] = "error_category",
    [CLAUDE_STATUS] = "status",
    [CLAUDE_TRANSPORT_TYPE] = "transport_type",
    [CLAUDE_SERVER_SCOPE] = "server_scope",
    [CLAUDE_ERROR_CODE] = "error_code",
    [CLAUDE_IS_PLUGIN] = "is_plugin",
    [CLAUDE_SERVER_NAME] = "server_name",
    [CLAUDE_ERROR_NAME] = "error_name",
    [CLAUDE_PLUGIN_NAME] = "plugin.name",
    [CLAUDE_PLUGIN_VERSION] = "plugin.version",
    [CLAUDE_MARKETPLACE_NAME] = "marketplace.name",
    [CLAUDE_INSTALL_TRIGGER] = "install.trigger",
    [CLAUDE_PLUGIN_SCOPE] = "plugin.scope",
    [CLAUDE_ENABLED_VIA] = "enabled_via",
    [CLAUDE_SKILL_NAME] = "skill.name",
    [CLAUDE_SKILL_SOURCE] = "skill.source",
    [CLAUDE_INVOCATION_TRIGGER] = "invocation_trigger",
    [CLAUDE_HOOK_EVENT] = "hook_event",
    [CLAUDE_HOOK_TYPE] = "hook_type",
    [CLAUDE_HOOK_SOURCE] = "hook_source",
    [CLAUDE_HOOK_NAME] = "hook_name",
    [CLAUDE_NUM_HOOKS] = "num_hooks",
    [CLAUDE_NUM_BLOCKING] = "num_blocking",
    [CLAUDE_NUM_NON_BLOCKING_ERROR] = "num_non_blocking_error",
    [CLAUDE_NUM_CANCELLED] = "num_cancelled",
    [CLAUDE_TOTAL_DURATION_MS] = "total_duration_ms",
    [CLAUDE_PRE_TOKENS] = "pre_tokens",
    [CLAUDE_POST_TOKENS] = "post_tokens",
    [CLAUDE_AGENT_TYPE] = "agent_type",
    [CLAUDE_IS_ASYNC] = "is_async",
    [CLAUDE_TOTAL_TOOL_USES] = "total_tool_uses",
    [CLAUDE_RESULT] = "result",
    [CLAUDE_ERROR_COUNT] = "error_count",
    [CLAUDE_SKIP_REASON] = "skip_reason",
};

/* --- Words ------------------------------------------------------------------------------- */

static const struct word_map modes[] = {
    {"default", "ask"},
    {"acceptEdits", "auto_edit"},
    {"plan", "plan"},
    {"auto", "auto_review"},
    {"dontAsk", "never_ask"},
    {"bypassPermissions", "bypass"},
    {NULL, NULL},
};

const struct word_map claude_mcp_scopes[] = {
    {"user", "user"},          {"project", "project"}, {"local", "local"}, {"managed", "managed"},
    {"enterprise", "managed"}, {"plugin", "plugin"},   {NULL, NULL},
};

static const struct word_map mcp_states[] = {
    {"connected", "connected"},
    {"failed", "failed"},
    {"disconnected", "disconnected"},
    {NULL, NULL},
};

static const struct word_map transports[] = {
    {"stdio", "pipe"},
    {"sse", "tcp"},
    {"http", "tcp"},
    {NULL, NULL},
};

static const struct word_map triggers[] = {
    {"auto", "auto"},
    {"manual", "manual"},
    {NULL, NULL},
};

static const struct word_map auth_actions[] = {
    {"login", "login"},
    {"logout", "logout"},
    {NULL, NULL},
};

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule common_rules[] = {
    {CLAUDE_SESSION_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {CLAUDE_PROMPT_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {CLAUDE_EVENT_SEQUENCE, RULE_INT, KEY_AGENT_EVENT_SEQUENCE, NULL},
    {CLAUDE_ORGANIZATION_ID, RULE_TEXT, KEY_AGENT_ORGANIZATION_ID, NULL},
    {CLAUDE_APP_VERSION, RULE_TEXT, KEY_AGENT_PRODUCT_VERSION, NULL},
    {CLAUDE_ERROR, RULE_CONTENT, KEY_AGENT_ERROR_MESSAGE, NULL},
};

static const struct rule prompt_rules[] = {
    {CLAUDE_PROMPT_LENGTH, RULE_INT, KEY_AGENT_PROMPT_LENGTH, NULL},
    {CLAUDE_COMMAND_NAME, RULE_TEXT, KEY_AGENT_COMMAND_NAME, NULL},
};

static const struct rule response_rules[] = {
    {CLAUDE_RESPONSE_LENGTH, RULE_INT, KEY_AGENT_RESPONSE_LENGTH, NULL},
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_RESPONSE_MODEL, NULL},
    {CLAUDE_REQUEST_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
};

static const struct rule request_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CLAUDE_REQUEST_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {CLAUDE_QUERY_SOURCE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
    {CLAUDE_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
    {CLAUDE_OUTPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {CLAUDE_CACHE_READ_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {CLAUDE_CACHE_CREATION_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, NULL},
    {CLAUDE_TTFT_MS, RULE_SECONDS, KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, NULL},
};

static const struct rule error_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CLAUDE_REQUEST_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {CLAUDE_QUERY_SOURCE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
    {CLAUDE_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
    {CLAUDE_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
    {CLAUDE_ATTEMPT, RULE_INT, KEY_AGENT_MODEL_ATTEMPT, NULL},
};

static const struct rule exhausted_rules[] = {
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CLAUDE_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
    {CLAUDE_TOTAL_ATTEMPTS, RULE_INT, KEY_AGENT_MODEL_ATTEMPT, NULL},
    {CLAUDE_TOTAL_RETRY_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule refusal_rules[] = {
    {CLAUDE_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CLAUDE_REQUEST_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {CLAUDE_QUERY_SOURCE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
    {CLAUDE_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
    {CLAUDE_ATTEMPT, RULE_INT, KEY_AGENT_MODEL_ATTEMPT, NULL},
    {CLAUDE_CATEGORY, RULE_TEXT, KEY_AGENT_MODEL_REFUSAL_CATEGORY, NULL},
};

static const struct rule body_rules[] = {
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CLAUDE_REQUEST_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {CLAUDE_QUERY_SOURCE, RULE_TEXT, KEY_AGENT_MODEL_PURPOSE, NULL},
};

static const struct rule decision_rules[] = {
    {CLAUDE_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CLAUDE_TOOL_USE_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
};

static const struct rule tool_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CLAUDE_TOOL_USE_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {CLAUDE_SUCCESS, RULE_BOOL, KEY_AGENT_TOOL_REPORTED_SUCCESS, NULL},
    {CLAUDE_TOOL_INPUT_SIZE_BYTES, RULE_INT, KEY_AGENT_TOOL_INPUT_BYTES, NULL},
    {CLAUDE_TOOL_RESULT_SIZE_BYTES, RULE_INT, KEY_AGENT_TOOL_OUTPUT_BYTES, NULL},
    {CLAUDE_MCP_SERVER_SCOPE, RULE_KNOWN_WORD, KEY_AGENT_MCP_SERVER_SCOPE, claude_mcp_scopes},
    {CLAUDE_TOOL_INPUT, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_ARGUMENTS, NULL},
};

static const struct rule mode_rules[] = {
    {CLAUDE_FROM_MODE, RULE_WORD, KEY_AGENT_MODE_FROM, modes},
    {CLAUDE_TO_MODE, RULE_WORD, KEY_AGENT_MODE_TO, modes},
    {CLAUDE_TRIGGER, RULE_TEXT, KEY_AGENT_MODE_TRIGGER, NULL},
};

static const struct rule auth_rules[] = {
    {CLAUDE_ACTION, RULE_KNOWN_WORD, KEY_AGENT_AUTH_ACTION, auth_actions},
    {CLAUDE_AUTH_METHOD, RULE_TEXT, KEY_AGENT_AUTH_METHOD, NULL},
    {CLAUDE_ERROR_CATEGORY, RULE_TEXT, KEY_ERROR_TYPE, NULL},
    {CLAUDE_STATUS_CODE, RULE_INT, KEY_HTTP_RESPONSE_STATUS_CODE, NULL},
};

static const struct rule connection_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_STATUS, RULE_KNOWN_WORD, KEY_AGENT_MCP_CONNECTION_STATE, mcp_states},
    {CLAUDE_TRANSPORT_TYPE, RULE_KNOWN_WORD, KEY_NETWORK_TRANSPORT, transports},
    {CLAUDE_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
};

static const struct rule internal_rules[] = {
    {CLAUDE_ERROR_NAME, RULE_TEXT, KEY_ERROR_TYPE, NULL},
};

static const struct rule install_rules[] = {
    {CLAUDE_PLUGIN_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CLAUDE_PLUGIN_VERSION, RULE_TEXT, KEY_AGENT_EXTENSION_VERSION, NULL},
    {CLAUDE_MARKETPLACE_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {CLAUDE_INSTALL_TRIGGER, RULE_TEXT, KEY_AGENT_EXTENSION_TRIGGER, NULL},
};

static const struct rule load_rules[] = {
    {CLAUDE_PLUGIN_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CLAUDE_PLUGIN_VERSION, RULE_TEXT, KEY_AGENT_EXTENSION_VERSION, NULL},
    {CLAUDE_PLUGIN_SCOPE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {CLAUDE_ENABLED_VIA, RULE_TEXT, KEY_AGENT_EXTENSION_TRIGGER, NULL},
};

static const struct rule skill_rules[] = {
    {CLAUDE_SKILL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CLAUDE_SKILL_SOURCE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {CLAUDE_INVOCATION_TRIGGER, RULE_TEXT, KEY_AGENT_EXTENSION_TRIGGER, NULL},
};

static const struct rule registered_rules[] = {
    {CLAUDE_HOOK_EVENT, RULE_TEXT, KEY_AGENT_HOOK_EVENT, NULL},
    {CLAUDE_HOOK_TYPE, RULE_TEXT, KEY_AGENT_HOOK_TYPE, NULL},
    {CLAUDE_HOOK_SOURCE, RULE_TEXT, KEY_AGENT_HOOK_SOURCE, NULL},
    {CLAUDE_PLUGIN_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CLAUDE_HOOK_SOURCE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
};

static const struct rule hook_rules[] = {
    {CLAUDE_HOOK_EVENT, RULE_TEXT, KEY_AGENT_HOOK_EVENT, NULL},
    {CLAUDE_HOOK_NAME, RULE_TEXT, KEY_AGENT_HOOK_NAME, NULL},
    {CLAUDE_HOOK_SOURCE, RULE_TEXT, KEY_AGENT_HOOK_SOURCE, NULL},
    {CLAUDE_NUM_HOOKS, RULE_INT, KEY_AGENT_HOOK_COUNT, NULL},
    {CLAUDE_NUM_BLOCKING, RULE_INT, KEY_AGENT_HOOK_BLOCKED, NULL},
    {CLAUDE_NUM_NON_BLOCKING_ERROR, RULE_INT, KEY_AGENT_HOOK_FAILED, NULL},
    {CLAUDE_NUM_CANCELLED, RULE_INT, KEY_AGENT_HOOK_CANCELLED, NULL},
    {CLAUDE_TOTAL_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule compaction_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_TRIGGER, RULE_KNOWN_WORD, KEY_AGENT_CONTEXT_TRIGGER, triggers},
    {CLAUDE_PRE_TOKENS, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_BEFORE, NULL},
    {CLAUDE_POST_TOKENS, RULE_INT, KEY_AGENT_CONTEXT_TOKENS_AFTER, NULL},
};

static const struct rule subagent_rules[] = {
    {CLAUDE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CLAUDE_AGENT_TYPE, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {CLAUDE_IS_ASYNC, RULE_BOOL, KEY_AGENT_SUBAGENT_ASYNC, NULL},
    {CLAUDE_TOTAL_TOOL_USES, RULE_INT, KEY_AGENT_SUBAGENT_TOOL_USES, NULL},
    {CLAUDE_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

#define RULES(table) (table), COUNT_OF(table)

static const struct dialect_event events[] = {
    {"claude_code.user_prompt", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(prompt_rules), claude_finish_prompt,
     "`prompt` tells agent.content.state; with a `command_name` agent.prompt.source is command, "
     "else user."},
    {"claude_code.assistant_response", KIND_RESPONSE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(response_rules), claude_finish_response, "`response` tells agent.content.state."},
    {"claude_code.api_request", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(request_rules), claude_finish_request,
     "gen_ai.usage.input_tokens is the sum of `input_tokens`, `cache_read_tokens` and "
     "`cache_creation_tokens`, for `input_tokens` does not include the others. agent.cost.usd is "
     "`cost_usd`, or else `cost_usd_micros` / 1000000; an estimate."},
    {"claude_code.api_error", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(error_rules), claude_finish_error, "error.type is `status_code`, or _OTHER."},
    {"claude_code.api_retries_exhausted", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(exhausted_rules), claude_finish_error,
     "The same. Comes beside the last `claude_code.api_error` of the request: not a second "
     "failure."},
    {"claude_code.api_refusal", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(refusal_rules), claude_finish_refusal,
     "agent.model.refused is true and error.type refusal, whatever the HTTP status. Severity 13; "
     "with `server_fallback_hop` another model was asked on the spot, and nobody saw the refusal: "
     "severity 9."},
    {"claude_code.api_request_body", KIND_MODEL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(body_rules), claude_finish_body,
     "`body`, `body_truncated` and `body_ref` tell agent.content.state: a body in a file of the "
     "sender is absent here."},
    {"claude_code.api_response_body", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(body_rules), claude_finish_body, "The same."},
    {"claude_code.tool_decision", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(decision_rules), claude_finish_decision, "See below."},
    {"claude_code.tool_result", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(tool_rules), claude_finish_tool_result, "See below."},
    {"claude_code.permission_mode_changed", KIND_MODE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(mode_rules), NULL, NULL},
    {"claude_code.auth", KIND_AUTH, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(auth_rules),
     claude_finish_auth, "`success` tells the outcome."},
    {"claude_code.mcp_server_connection", KIND_MCP, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(connection_rules), claude_finish_connection,
     "`status` tells the outcome: connected is success, failed is failure with `error_code` as "
     "error.type. agent.mcp.server.scope is `server_scope`, or plugin if `is_plugin`."},
    {"claude_code.internal_error", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(internal_rules), NULL, NULL},
    {"claude_code.plugin_installed", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(install_rules), claude_finish_plugin_installed, "A plugin, install."},
    {"claude_code.plugin_loaded", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(load_rules), claude_finish_plugin_loaded, "A plugin, load."},
    {"claude_code.skill_activated", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(skill_rules), claude_finish_skill, "A skill, invoke."},
    {"claude_code.at_mention", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     claude_finish_mention, "agent.prompt.source is mention; `success` false is failure."},
    {"claude_code.hook_registered", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(registered_rules), claude_finish_hook_registered, "A hook, load."},
    {"claude_code.hook_execution_start", KIND_HOOK, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(hook_rules), NULL, NULL},
    {"claude_code.hook_execution_complete", KIND_HOOK, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(hook_rules), claude_finish_hook,
     "Denied if `num_blocking`, else failure if `num_non_blocking_error`, else cancelled if "
     "`num_cancelled` is over 0."},
    {"claude_code.hook_plugin_metrics", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL,
     0, NULL, NULL},
    {"claude_code.compaction", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(compaction_rules), claude_finish_compaction,
     "agent.context.action is compact; `success` false is failure."},
    {"claude_code.subagent_completed", KIND_SUBAGENT, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(subagent_rules), NULL,
     "`total_tokens` is what the last request weighed and no sum: it is not taken over."},
    {"claude_code.feedback_survey", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     NULL, NULL},
    {"claude_code.retention_sweep", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     claude_finish_sweep,
     "The agent deleted old transcripts of its own. agent.config.scope is session; failure if "
     "`error_count` is over 0, unknown if `result` is skipped."},
};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const char chapter[] =
    "### Decisions and results of tools\n"
    "\n"
    "- `decision` (accept, reject) and `source` tell agent.decision.*: `config` is config and its\n"
    "  scope unknown, `hook` is hook once, `user_permanent` and `user_temporary` are user with "
    "scope\n"
    "  permanent and temporary, `user_reject` is user once. Reject with `user_abort` is abort.\n"
    "- `config` covers rules, modes and grants that a person gave earlier in the session:\n"
    "  agent.decision.automated is not written for it.\n"
    "- After a reject no `claude_code.tool_result` follows: the decision itself says\n"
    "  agent.tool.executed false.\n"
    "- Of a result, `success` tells the outcome, for a shell command too: one that exits with\n"
    "  another status than 0 is reported as failed. `decision_source` repeats the decision that\n"
    "  let the call run; the decision counts on its `agent.approval` record.\n"
    "- Facets are read from `tool_input`, and what it lacks from `tool_parameters`, both JSON:\n"
    "  the command with `timeout`, `run_in_background` and `dangerouslyDisableSandbox` "
    "(`tool_input`\n"
    "  is cut at 512 characters: a longer `full_command` counts); `file_path` of Read, Write and\n"
    "  Edit; `url` of WebFetch; server and tool of an MCP call; the skill; the kind of sub-agent.\n"
    "  Write creates a file or replaces it, so its agent.file.operation is unknown.\n"
    "\n";

const struct dialect dialect_claude = {
    .name = "claude_code_otel",
    .product = "claude_code",
    .scope_prefix = "com.anthropic.claude_code.events",
    .event_prefix = "claude_code.",
    .prefix_in_body = true,
    .full_name = claude_full_name,
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .rules = common_rules,
    .rule_count = COUNT_OF(common_rules),
    .events = events,
    .event_count = COUNT_OF(events),
    .otherwise = &otherwise,
    .finish = claude_finish_common,
    .note = "A short `event.name` (`tool_result`) counts as the full one. `user.id` names the "
            "installation, with an `identity.source` the person. Requests with an `agent.name` are "
            "those of a sub-agent of that type, with `query_source` repl_main_thread of the main "
            "agent; other events do not tell whose they are.",
    .chapter = chapter,
};
