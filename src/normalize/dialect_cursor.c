/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_cursor.c -- the tables of the log records that Cursor's servers export (scope
 * cursor.telemetry 0.1.0), from its wire reference; what they cannot say is in cursor_events.c.
 *
 * A record repeats its name without "cursor." in the body, except those of conversations, whose
 * body is what was said.
 */
#include "normalize/cursor_events.h"

static const char *const sources[CURSOR_SOURCE_COUNT] = {
    [CURSOR_CONVERSATION_ID] = "cursor.conversation.id",
    [CURSOR_REQUEST_ID] = "cursor.request.id",
    [CURSOR_CONVERSATION_TURN_ID] = "cursor.conversation.turn.id",
    [CURSOR_CONVERSATION_MESSAGE_ID] = "cursor.conversation.message.id",
    [CURSOR_CONVERSATION_CONTENT_TRUNCATED] = "cursor.conversation.content_truncated",
    [CURSOR_CONVERSATION_TOOL_IO_DIRECTION] = "cursor.conversation.tool_io.direction",
    [CURSOR_TURN_ID] = "cursor.grok_bot.turn.id",
    [CURSOR_EVENT_SEQUENCE] = "cursor.grok_bot.event.sequence",
    [CURSOR_TOOL_CALL_ID] = "cursor.grok_bot.tool_call.id",
    [CURSOR_SUBAGENT_ID] = "cursor.grok_bot.subagent.id",
    [CURSOR_INITIATED_BY] = "cursor.grok_bot.initiated_by",
    [CURSOR_TOOL_NAME] = "cursor.tool.name",
    [CURSOR_TOOL_STATUS] = "cursor.tool.status",
    [CURSOR_MCP_SERVER_NAME] = "cursor.mcp.server.name",
    [CURSOR_MODEL_NAME] = "cursor.model.name",
    [CURSOR_API_REQUEST_INPUT_TOKENS] = "cursor.api.request.input_tokens",
    [CURSOR_API_REQUEST_OUTPUT_TOKENS] = "cursor.api.request.output_tokens",
    [CURSOR_API_REQUEST_CACHE_READ_TOKENS] = "cursor.api.request.cache_read_tokens",
    [CURSOR_API_REQUEST_CACHE_CREATION_TOKENS] = "cursor.api.request.cache_creation_tokens",
    [CURSOR_SKILL_NAME] = "cursor.skill.name",
    [CURSOR_SKILL_TRIGGER] = "cursor.skill.trigger",
    [CURSOR_SKILL_SOURCE] = "cursor.skill.source",
    [CURSOR_HOOK_NAME] = "cursor.hook.name",
    [CURSOR_HOOK_TYPE] = "cursor.hook.type",
    [CURSOR_HOOK_OUTCOME] = "cursor.hook.outcome",
    [CURSOR_HOOK_DURATION_MS] = "cursor.hook.duration_ms",
    [CURSOR_PLUGIN_NAME] = "cursor.plugin.name",
    [CURSOR_PLUGIN_SCOPE] = "cursor.plugin.scope",
    [CURSOR_CLOUD_AGENT_SETUP_KIND] = "cursor.cloud_agent.setup.kind",
    [CURSOR_CLOUD_AGENT_SETUP_DURATION_MS] = "cursor.cloud_agent.setup.duration_ms",
    [CURSOR_CLOUD_AGENT_SETUP_REASON] = "cursor.cloud_agent.setup.reason",
    [CURSOR_CLOUD_AGENT_ARTIFACT_FILE_NAME] = "cursor.cloud_agent.artifact.file_name",
    [CURSOR_CLOUD_AGENT_ARTIFACT_CONTENT_TYPE] = "cursor.cloud_agent.artifact.content_type",
    [CURSOR_CLOUD_AGENT_PULL_REQUEST_KIND] = "cursor.cloud_agent.pull_request.kind",
    [CURSOR_MCP_TRANSPORT] = "cursor.grok_bot.mcp.transport",
    [CURSOR_MCP_DURATION_MS] = "cursor.grok_bot.mcp.duration_ms",
    [CURSOR_SHELL_COMMAND] = "cursor.grok_bot.shell.command",
    [CURSOR_SHELL_COMMAND_TRUNCATED] = "cursor.grok_bot.shell.command_truncated",
    [CURSOR_SHELL_KIND] = "cursor.grok_bot.shell.kind",
    [CURSOR_SHELL_ALLOWED] = "cursor.grok_bot.shell.allowed",
    [CURSOR_SHELL_BLOCKED_REASON] = "cursor.grok_bot.shell.blocked_reason",
    [CURSOR_SHELL_EXIT_CODE] = "cursor.grok_bot.shell.exit_code",
    [CURSOR_SHELL_DURATION_MS] = "cursor.grok_bot.shell.duration_ms",
    [CURSOR_BROWSER_URL] = "cursor.grok_bot.browser.url",
    [CURSOR_COMPUTER_USE_ACTION_COUNT] = "cursor.grok_bot.computer_use.action_count",
    [CURSOR_COMPUTER_USE_DURATION_MS] = "cursor.grok_bot.computer_use.duration_ms",
    [CURSOR_TOOL_RESULT_OUTCOME] = "cursor.grok_bot.tool_result.outcome",
    [CURSOR_TOOL_RESULT_DURATION_MS] = "cursor.grok_bot.tool_result.duration_ms",
    [CURSOR_TOOL_RESULT_ERROR_CATEGORY] = "cursor.grok_bot.tool_result.error_category",
    [CURSOR_TOOL_RESULT_TARGET_HOST] = "cursor.grok_bot.tool_result.target_host",
    [CURSOR_DECISION_ID] = "cursor.grok_bot.decision.id",
    [CURSOR_DECISION_SOURCE] = "cursor.grok_bot.decision.source",
    [CURSOR_DECISION_APPROVAL_MODE] = "cursor.grok_bot.decision.approval_mode",
    [CURSOR_DECISION_OUTCOME] = "cursor.grok_bot.decision.outcome",
    [CURSOR_DECISION_RULE_ID] = "cursor.grok_bot.decision.rule_id",
    [CURSOR_FILE_DIRECTION] = "cursor.grok_bot.file.direction",
    [CURSOR_FILE_OUTCOME] = "cursor.grok_bot.file.outcome",
    [CURSOR_FILE_BYTES] = "cursor.grok_bot.file.bytes",
    [CURSOR_FILE_ERROR_CATEGORY] = "cursor.grok_bot.file.error_category",
    [CURSOR_MESSAGE_DELIVERY_RESULT] = "cursor.grok_bot.message_delivery.result",
    [CURSOR_MESSAGE_DELIVERY_FAILURE_CATEGORY] =
        "cursor.grok_bot.message_delivery.failure_category",
    [CURSOR_ROUTINE_RUN_OUTCOME] = "cursor.grok_bot.routine_run.outcome",
    [CURSOR_ROUTINE_RUN_DURATION_MS] = "cursor.grok_bot.routine_run.duration_ms",
    [CURSOR_GUARDRAIL_KIND] = "cursor.grok_bot.guardrail.kind",
    [CURSOR_GUARDRAIL_DETECTOR] = "cursor.grok_bot.guardrail.detector",
    [CURSOR_GUARDRAIL_ACTION] = "cursor.grok_bot.guardrail.action",
    [CURSOR_GUARDRAIL_RESOLUTION] = "cursor.grok_bot.guardrail.resolution",
    [CURSOR_GUARDRAIL_DURATION_MS] = "cursor.grok_bot.guardrail.duration_ms",
    [CURSOR_DELEGATION_DIRECTION] = "cursor.grok_bot.delegation.direction",
    [CURSOR_DELEGATION_TARGET_ID] = "cursor.grok_bot.delegation.target_id",
    [CURSOR_DELEGATION_OUTCOME] = "cursor.grok_bot.delegation.outcome",
    [CURSOR_DELEGATION_DURATION_MS] = "cursor.grok_bot.delegation.duration_ms",
};

static const struct word_map transports[] = {
    {"http", "tcp"},
    {"stdio", "pipe"},
    {NULL, NULL},
};

/* Seen from the agent's computer. */
static const struct word_map directions[] = {
    {"download", "create"},
    {"upload", "read"},
    {"read", "read"},
    {NULL, NULL},
};

static const struct rule common_rules[] = {
    {CURSOR_CONVERSATION_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {CURSOR_CONVERSATION_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {CURSOR_EVENT_SEQUENCE, RULE_INT, KEY_AGENT_EVENT_SEQUENCE, NULL},
    {CURSOR_TOOL_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
};

static const struct rule request_rules[] = {
    {CURSOR_MODEL_NAME, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CURSOR_API_REQUEST_INPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {CURSOR_API_REQUEST_OUTPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {CURSOR_API_REQUEST_CACHE_READ_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
     NULL},
    {CURSOR_API_REQUEST_CACHE_CREATION_TOKENS, RULE_INT,
     KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, NULL},
};

static const struct rule skill_rules[] = {
    {CURSOR_SKILL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CURSOR_SKILL_SOURCE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {CURSOR_SKILL_TRIGGER, RULE_TEXT, KEY_AGENT_EXTENSION_TRIGGER, NULL},
};

static const struct rule hook_rules[] = {
    {CURSOR_HOOK_NAME, RULE_TEXT, KEY_AGENT_HOOK_NAME, NULL},
    {CURSOR_HOOK_TYPE, RULE_TEXT, KEY_AGENT_HOOK_EVENT, NULL},
    {CURSOR_HOOK_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule plugin_rules[] = {
    {CURSOR_PLUGIN_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CURSOR_PLUGIN_SCOPE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
};

static const struct rule setup_rules[] = {
    {CURSOR_CLOUD_AGENT_SETUP_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule artifact_rules[] = {
    {CURSOR_CLOUD_AGENT_ARTIFACT_FILE_NAME, RULE_TEXT, KEY_FILE_NAME, NULL},
    {CURSOR_CLOUD_AGENT_ARTIFACT_CONTENT_TYPE, RULE_TEXT, KEY_AGENT_FILE_MIME_TYPE, NULL},
};

static const struct rule auth_error_rules[] = {
    {CURSOR_MCP_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
};

static const struct rule result_rules[] = {
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CURSOR_TOOL_RESULT_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CURSOR_TOOL_RESULT_TARGET_HOST, RULE_TEXT, KEY_SERVER_ADDRESS, NULL},
};

static const struct rule decision_rules[] = {
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CURSOR_DECISION_ID, RULE_TEXT, KEY_AGENT_REVIEW_ID, NULL},
    {CURSOR_DECISION_APPROVAL_MODE, RULE_TEXT, KEY_AGENT_DECISION_REASON, NULL},
    {CURSOR_DECISION_RULE_ID, RULE_TEXT, KEY_SECURITY_RULE_NAME, NULL},
};

static const struct rule mcp_rules[] = {
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_AGENT_MCP_TOOL_NAME, NULL},
    {CURSOR_MCP_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
    {CURSOR_MCP_TRANSPORT, RULE_KNOWN_WORD, KEY_NETWORK_TRANSPORT, transports},
    {CURSOR_MCP_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule shell_rules[] = {
    {CURSOR_SHELL_COMMAND, RULE_CONTENT, KEY_PROCESS_COMMAND_LINE, NULL},
    {CURSOR_SHELL_EXIT_CODE, RULE_INT, KEY_PROCESS_EXIT_CODE, NULL},
    {CURSOR_SHELL_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule computer_rules[] = {
    {CURSOR_COMPUTER_USE_ACTION_COUNT, RULE_INT, KEY_AGENT_SUBAGENT_TOOL_USES, NULL},
    {CURSOR_COMPUTER_USE_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule transfer_rules[] = {
    {CURSOR_FILE_DIRECTION, RULE_KNOWN_WORD, KEY_AGENT_FILE_OPERATION, directions},
    {CURSOR_FILE_BYTES, RULE_INT, KEY_FILE_SIZE, NULL},
};

static const struct rule routine_rules[] = {
    {CURSOR_ROUTINE_RUN_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule guardrail_rules[] = {
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CURSOR_DECISION_ID, RULE_TEXT, KEY_AGENT_REVIEW_ID, NULL},
    {CURSOR_GUARDRAIL_KIND, RULE_TEXT, KEY_AGENT_REVIEW_STATUS, NULL},
    {CURSOR_GUARDRAIL_DETECTOR, RULE_TEXT, KEY_AGENT_DECISION_REASON, NULL},
    {CURSOR_GUARDRAIL_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule delegation_rules[] = {
    {CURSOR_DELEGATION_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule io_rules[] = {
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CURSOR_TOOL_NAME, RULE_TEXT, KEY_AGENT_MCP_TOOL_NAME, NULL},
    {CURSOR_MCP_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
};

#define RULES(table) (table), COUNT_OF(table)

/* Where events[] has cursor.grok_bot.guardrail and .delegation. */
enum { GUARDRAIL = 19, DELEGATION = 20 };

static const struct dialect_event events[] = {
    {"cursor.api.request", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(request_rules), cursor_finish_request,
     "The documentation does not say whether `input_tokens` includes the cached ones."},
    {"cursor.api.error", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT, RULES(request_rules),
     cursor_finish_error, "error.type is _OTHER."},
    {"cursor.api.correction", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0, NULL,
     "A bill is corrected: no request to a model."},
    {"cursor.skill.activated", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(skill_rules), cursor_finish_skill, "A skill, invoke."},
    {"cursor.hook.execution_complete", KIND_HOOK, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(hook_rules), cursor_finish_hook,
     "`cursor.hook.outcome` tells the outcome: blocked is denied."},
    {"cursor.plugin.installed", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(plugin_rules), cursor_finish_plugin, "A plugin, install."},
    {"cursor.cloud_agent.setup", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(setup_rules), cursor_finish_setup,
     "`kind` tells the outcome: started is pending; the reason of a failure is error.type."},
    {"cursor.cloud_agent.artifact", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(artifact_rules), cursor_finish_artifact, "agent.file.operation is create."},
    {"cursor.cloud_agent.pull_request", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL,
     0, cursor_finish_pull_request, "`kind` tells the outcome."},
    {"cursor.cloud_agent.mcp_auth_error", KIND_MCP, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(auth_error_rules), cursor_finish_mcp_auth,
     "agent.mcp.connection.state is failed, error.type auth."},
    {"cursor.grok_bot.tool_result", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(result_rules), cursor_finish_result,
     "`outcome` tells the outcome, with `error_category` timeout a timeout. A tool may hand a "
     "refusal to the model and report success: the `cursor.grok_bot.tool_decision` says so."},
    {"cursor.grok_bot.tool_decision", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(decision_rules), cursor_finish_decision,
     "`outcome`: held is abort, for the question was withdrawn. `source`: human is user, policy "
     "with approval_mode auto_review is auto_reviewer, automatic is config."},
    {"cursor.grok_bot.mcp_tool_call", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(mcp_rules), cursor_finish_mcp_call,
     "Of category mcp, with the facet agent.mcp: such a call has no "
     "`cursor.grok_bot.tool_result`."},
    {"cursor.grok_bot.shell_command", KIND_COMMAND, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(shell_rules), cursor_finish_shell,
     "Denied by policy if not `allowed`; else the exit code tells the outcome."},
    {"cursor.grok_bot.browser_navigation", KIND_NETWORK, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     NULL, 0, cursor_finish_browser,
     "url.* and server.address are of `cursor.grok_bot.browser.url`."},
    {"cursor.grok_bot.computer_use_session", KIND_SUBAGENT, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(computer_rules), cursor_finish_computer_use, "gen_ai.agent.name is computer_use."},
    {"cursor.grok_bot.file_transfer", KIND_FILE, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(transfer_rules), cursor_finish_transfer,
     "`outcome` tells the outcome. Paths are not exported."},
    {"cursor.grok_bot.message_delivery", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     NULL, 0, cursor_finish_message, "`result` tells the outcome: held is pending."},
    {"cursor.grok_bot.routine_run", KIND_TURN, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(routine_rules), cursor_finish_routine, "`outcome` tells the outcome."},
    {"cursor.grok_bot.guardrail", KIND_REVIEW, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(guardrail_rules), cursor_finish_guardrail,
     "`resolution`, or else `action`, tells agent.decision.*: stopped is deny, warned is modify, "
     "abandoned is timeout. The verdict on a call counts on its agent.approval record."},
    {"cursor.grok_bot.delegation", KIND_SUBAGENT, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(delegation_rules), cursor_finish_delegation,
     "`target_id` is gen_ai.agent.id; `outcome` tells the outcome: stopped is cancelled."},
    {"cursor.conversation.user_message", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     NULL, 0, cursor_finish_message_text, "The body is the text."},
    {"cursor.conversation.assistant_message", KIND_RESPONSE, PHASE_POINT, OUTCOME_SUCCESS,
     CLASS_EXACT, NULL, 0, cursor_finish_message_text, "The body is the text."},
    {"cursor.conversation.tool_io", KIND_MCP, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(io_rules), cursor_finish_tool_io,
     "`direction` tells whether the body is gen_ai.tool.call.arguments or .result; "
     "`cursor.tool.status` the outcome."},
};

static const struct dialect_event escalation = {
    "cursor.grok_bot.guardrail",
    KIND_APPROVAL,
    PHASE_START,
    OUTCOME_PENDING,
    CLASS_EXACT,
    RULES(guardrail_rules),
    cursor_finish_escalation,
    "When `kind` is tool_escalation: a person is asked."};

static const struct dialect_event dispatch = {"cursor.grok_bot.delegation",
                                              KIND_SUBAGENT,
                                              PHASE_START,
                                              OUTCOME_PENDING,
                                              CLASS_EXACT,
                                              RULES(delegation_rules),
                                              cursor_finish_delegation,
                                              "When `direction` is dispatched."};

static const struct dialect_event *const refined[] = {&escalation, &dispatch};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    if (event == &events[GUARDRAIL] &&
        slice_equal(mapping_source_text(m, CURSOR_GUARDRAIL_KIND), SLICE("tool_escalation")))
        return &escalation;
    if (event == &events[DELEGATION] &&
        slice_equal(mapping_source_text(m, CURSOR_DELEGATION_DIRECTION), SLICE("dispatched")))
        return &dispatch;
    return event;
}

static const char *const services[] = {"cursor", NULL};

const struct dialect dialect_cursor = {
    .name = "cursor_otel",
    .product = "cursor",
    .scope_prefix = "cursor.telemetry",
    .services = services,
    .full_name = cursor_full_name,
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .rules = common_rules,
    .rule_count = COUNT_OF(common_rules),
    .events = events,
    .event_count = COUNT_OF(events),
    .otherwise = &otherwise,
    .refine = refine,
    .refined = refined,
    .refined_count = COUNT_OF(refined),
    .finish = cursor_finish_common,
    .note = "Without a name of the event the body is it, as in `api_request`, unless there is a "
            "`cursor.conversation.message.id`. agent.turn.id is `cursor.grok_bot.turn.id`, or else "
            "`cursor.conversation.turn.id`, or else `cursor.request.id`. A `subagent.id` is "
            "gen_ai.agent.id and tells a sub-agent, `initiated_by` the role as well. Export is "
            "at-least-once: `cursor.event.id` tells doubles.",
};
