/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_codex.c -- the tables of Codex's log records (scopes codex_otel.*, seen of version
 * 0.169.0); what they cannot say is in codex_events.c and codex_tool.c.
 *
 * Numbers and booleans are texts in some places and not in others, differently by event.
 */
#include "normalize/codex_events.h"
#include "normalize/span_dialects.h"

static const char *const sources[CODEX_SOURCE_COUNT] = {
    [CODEX_CONVERSATION_ID] = "conversation.id",
    [CODEX_EVENT_KIND] = "event.kind",
    [CODEX_APP_VERSION] = "app.version",
    [CODEX_USER_ACCOUNT_ID] = "user.account_id",
    [CODEX_USER_EMAIL] = "user.email",
    [CODEX_MODEL] = "model",
    [CODEX_DURATION_MS] = "duration_ms",
    [CODEX_ERROR_MESSAGE] = "error.message",
    [CODEX_TURN_ID] = "turn.id",
    [CODEX_EXECUTION_ID] = "execution.id",
    [CODEX_PROVIDER_NAME] = "provider_name",
    [CODEX_REASONING_EFFORT] = "reasoning_effort",
    [CODEX_REASONING_SUMMARY] = "reasoning_summary",
    [CODEX_APPROVAL_POLICY] = "approval_policy",
    [CODEX_SANDBOX_POLICY] = "sandbox_policy",
    [CODEX_MCP_SERVERS] = "mcp_servers",
    [CODEX_PROMPT_LENGTH] = "prompt_length",
    [CODEX_PROMPT] = "prompt",
    [CODEX_RESPONSE] = "response",
    [CODEX_RESPONSE_LENGTH] = "response_length",
    [CODEX_RESPONSE_TRUNCATED] = "response_truncated",
    [CODEX_AGENT_TYPE] = "agent.type",
    [CODEX_PARENT_CONVERSATION_ID] = "parent.conversation.id",
    [CODEX_HTTP_RESPONSE_STATUS_CODE] = "http.response.status_code",
    [CODEX_ATTEMPT] = "attempt",
    [CODEX_SUCCESS] = "success",
    [CODEX_INPUT_TOKEN_COUNT] = "input_token_count",
    [CODEX_OUTPUT_TOKEN_COUNT] = "output_token_count",
    [CODEX_CACHED_TOKEN_COUNT] = "cached_token_count",
    [CODEX_CACHE_WRITE_TOKEN_COUNT] = "cache_write_token_count",
    [CODEX_REASONING_TOKEN_COUNT] = "reasoning_token_count",
    [CODEX_TOOL_TOKEN_COUNT] = "tool_token_count",
    [CODEX_TTFT_MS] = "ttft_ms",
    [CODEX_MODEL_REASONING_EFFORT] = "model_reasoning_effort",
    [CODEX_USAGE_ESTIMATED_USD] = "usage.estimated_usd",
    [CODEX_TURN_INTERRUPTED] = "turn.interrupted",
    [CODEX_TOOL_NAME] = "tool_name",
    [CODEX_TOOL_NAMESPACE] = "tool_namespace",
    [CODEX_CALL_ID] = "call_id",
    [CODEX_DECISION] = "decision",
    [CODEX_SOURCE] = "source",
    [CODEX_REVIEW_ID] = "review.id",
    [CODEX_ITEM_ID] = "item.id",
    [CODEX_STATUS] = "status",
    [CODEX_OUTCOME] = "outcome",
    [CODEX_RISK_LEVEL] = "risk_level",
    [CODEX_USER_AUTHORIZATION] = "user_authorization",
    [CODEX_STARTED_AT_MS] = "started_at_ms",
    [CODEX_COMPLETED_AT_MS] = "completed_at_ms",
    [CODEX_RATIONALE] = "rationale",
    [CODEX_INITIAL_DURATION_MS] = "initial_duration_ms",
    [CODEX_ESCALATED_DURATION_MS] = "escalated_duration_ms",
    [CODEX_TOOL_RESULT_SEQ] = "tool_result_seq",
    [CODEX_OUTPUT_TRUNCATED] = "output_truncated",
    [CODEX_AGENT_NAME] = "agent_name",
    [CODEX_ARGUMENTS] = "arguments",
    [CODEX_OUTPUT] = "output",
    [CODEX_MCP_SERVER] = "mcp_server",
    [CODEX_MCP_SERVER_ORIGIN] = "mcp_server_origin",
    [CODEX_NETWORK_POLICY_DECISION] = "network.policy.decision",
    [CODEX_NETWORK_POLICY_SOURCE] = "network.policy.source",
    [CODEX_NETWORK_POLICY_REASON] = "network.policy.reason",
    [CODEX_NETWORK_POLICY_OVERRIDE] = "network.policy.override",
    [CODEX_NETWORK_TRANSPORT_PROTOCOL] = "network.transport.protocol",
    [CODEX_SERVER_ADDRESS] = "server.address",
    [CODEX_CLIENT_ADDRESS] = "client.address",
    [CODEX_AUTH_MODE] = "auth.mode",
    [CODEX_AUTH_OUTCOME] = "auth.outcome",
    [CODEX_AUTH_ERROR] = "auth.error",
    [CODEX_SKILL_NAME] = "skill.name",
    [CODEX_SKILL_SCOPE] = "skill.scope",
    [CODEX_SKILL_INVOCATION_TYPE] = "skill.invocation_type",
    [CODEX_PLUGIN_INSTALL_TOOL_NAME] = "plugin_install.tool_name",
    [CODEX_PLUGIN_INSTALL_TOOL_TYPE] = "plugin_install.tool_type",
    [CODEX_PLUGIN_INSTALL_COMPLETED] = "plugin_install.completed",
    [CODEX_ABORTED] = "aborted",
};

/* --- Words ------------------------------------------------------------------------------- */

static const struct word_map approval_modes[] = {
    {"untrusted", "ask"},     {"on-request", "ask"},  {"on-failure", "ask"},
    {"granular", "granular"}, {"never", "never_ask"}, {NULL, NULL},
};

static const struct word_map sandbox_modes[] = {
    {"read-only", "read_only"},
    {"workspace-write", "workspace_write"},
    {"danger-full-access", "full_access"},
    {NULL, NULL},
};

static const struct word_map risk_levels[] = {
    {"low", "low"}, {"medium", "medium"}, {"high", "high"}, {"critical", "critical"}, {NULL, NULL},
};

static const struct word_map authorizations[] = {
    {"low", "low"},
    {"medium", "medium"},
    {"high", "high"},
    {NULL, NULL},
};

static const struct word_map sandbox_outcomes[] = {
    {"denied", "denied"}, {"allowed", "allowed"}, {"escalated", "escalated"},
    {"error", "error"},   {NULL, NULL},
};

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule common_rules[] = {
    {CODEX_CONVERSATION_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {CODEX_APP_VERSION, RULE_TEXT, KEY_AGENT_PRODUCT_VERSION, NULL},
    {CODEX_USER_ACCOUNT_ID, RULE_TEXT, KEY_USER_ID, NULL},
    {CODEX_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {CODEX_ERROR_MESSAGE, RULE_TEXT, KEY_AGENT_ERROR_MESSAGE, NULL},
    {CODEX_TURN_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
};

static const struct rule session_rules[] = {
    {CODEX_PROVIDER_NAME, RULE_WORD_OR_TEXT, KEY_GEN_AI_PROVIDER_NAME, codex_providers},
    {CODEX_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CODEX_APPROVAL_POLICY, RULE_WORD, KEY_AGENT_PERMISSION_MODE, approval_modes},
    {CODEX_SANDBOX_POLICY, RULE_WORD, KEY_AGENT_SANDBOX_MODE, sandbox_modes},
    {CODEX_MCP_SERVERS, RULE_LIST, KEY_AGENT_MCP_SERVERS, NULL},
    {CODEX_REASONING_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
};

static const struct rule prompt_rules[] = {
    {CODEX_PROMPT_LENGTH, RULE_INT, KEY_AGENT_PROMPT_LENGTH, NULL},
};

static const struct rule response_rules[] = {
    {CODEX_RESPONSE_LENGTH, RULE_INT, KEY_AGENT_RESPONSE_LENGTH, NULL},
    {CODEX_PARENT_CONVERSATION_ID, RULE_TEXT, KEY_AGENT_PARENT_CONVERSATION_ID, NULL},
};

static const struct rule request_rules[] = {
    {CODEX_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CODEX_ATTEMPT, RULE_INT_FROM_ZERO, KEY_AGENT_MODEL_ATTEMPT, NULL},
};

static const struct rule usage_rules[] = {
    {CODEX_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {CODEX_INPUT_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {CODEX_OUTPUT_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {CODEX_CACHED_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {CODEX_CACHE_WRITE_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, NULL},
    {CODEX_REASONING_TOKEN_COUNT, RULE_INT, KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, NULL},
    {CODEX_TOOL_TOKEN_COUNT, RULE_INT, KEY_AGENT_USAGE_TOTAL_TOKENS, NULL},
    {CODEX_TTFT_MS, RULE_SECONDS, KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, NULL},
    {CODEX_MODEL_REASONING_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
};

static const struct rule cost_rules[] = {
    {CODEX_USAGE_ESTIMATED_USD, RULE_DOUBLE, KEY_AGENT_COST_USD, NULL},
    {CODEX_REASONING_EFFORT, RULE_TEXT, KEY_AGENT_MODEL_EFFORT, NULL},
};

static const struct rule decision_rules[] = {
    {CODEX_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CODEX_TOOL_NAMESPACE, RULE_TEXT, KEY_AGENT_TOOL_NAMESPACE, NULL},
    {CODEX_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
};

static const struct rule review_rules[] = {
    {CODEX_ITEM_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {CODEX_REVIEW_ID, RULE_TEXT, KEY_AGENT_REVIEW_ID, NULL},
    {CODEX_STATUS, RULE_TEXT, KEY_AGENT_REVIEW_STATUS, NULL},
    {CODEX_RISK_LEVEL, RULE_WORD, KEY_AGENT_REVIEW_RISK_LEVEL, risk_levels},
    {CODEX_USER_AUTHORIZATION, RULE_WORD, KEY_AGENT_REVIEW_USER_AUTHORIZATION, authorizations},
    {CODEX_RATIONALE, RULE_CONTENT, KEY_AGENT_REVIEW_RATIONALE, NULL},
};

static const struct rule sandbox_rules[] = {
    {CODEX_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CODEX_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {CODEX_OUTCOME, RULE_WORD, KEY_AGENT_SANDBOX_OUTCOME, sandbox_outcomes},
    {CODEX_INITIAL_DURATION_MS, RULE_DOUBLE, KEY_AGENT_SANDBOX_INITIAL_DURATION_MS, NULL},
    {CODEX_ESCALATED_DURATION_MS, RULE_DOUBLE, KEY_AGENT_SANDBOX_ESCALATED_DURATION_MS, NULL},
};

static const struct rule tool_rules[] = {
    {CODEX_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CODEX_TOOL_NAMESPACE, RULE_TEXT, KEY_AGENT_TOOL_NAMESPACE, NULL},
    {CODEX_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {CODEX_TOOL_RESULT_SEQ, RULE_INT, KEY_AGENT_EVENT_SEQUENCE, NULL},
    {CODEX_SUCCESS, RULE_BOOL, KEY_AGENT_TOOL_REPORTED_SUCCESS, NULL},
    {CODEX_OUTPUT_TRUNCATED, RULE_BOOL, KEY_AGENT_TOOL_OUTPUT_TRUNCATED, NULL},
    {CODEX_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
    {CODEX_ARGUMENTS, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_ARGUMENTS, NULL},
    {CODEX_OUTPUT, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_RESULT, NULL},
    {CODEX_MCP_SERVER, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
    {CODEX_MCP_SERVER_ORIGIN, RULE_TEXT, KEY_AGENT_MCP_SERVER_ORIGIN, NULL},
};

static const struct rule network_rules[] = {
    {CODEX_EXECUTION_ID, RULE_TEXT, KEY_AGENT_EXECUTION_ID, NULL},
    {CODEX_NETWORK_POLICY_REASON, RULE_TEXT, KEY_AGENT_DECISION_REASON, NULL},
    {CODEX_NETWORK_POLICY_OVERRIDE, RULE_BOOL, KEY_AGENT_DECISION_OVERRIDE, NULL},
};

static const struct rule auth_rules[] = {
    {CODEX_AUTH_MODE, RULE_TEXT, KEY_AGENT_AUTH_METHOD, NULL},
    {CODEX_AUTH_ERROR, RULE_TEXT, KEY_AGENT_ERROR_MESSAGE, NULL},
};

static const struct rule skill_rules[] = {
    {CODEX_SKILL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
    {CODEX_SKILL_SCOPE, RULE_TEXT, KEY_AGENT_EXTENSION_SOURCE, NULL},
    {CODEX_SKILL_INVOCATION_TYPE, RULE_TEXT, KEY_AGENT_EXTENSION_TRIGGER, NULL},
};

static const struct rule plugin_rules[] = {
    {CODEX_PLUGIN_INSTALL_TOOL_NAME, RULE_TEXT, KEY_AGENT_EXTENSION_NAME, NULL},
};

static const struct rule communication_rules[] = {
    {CODEX_AGENT_NAME, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

#define RULES(table) (table), COUNT_OF(table)

/* Where events[] has codex.sse_event. */
enum { SSE_EVENT = 6 };

static const struct dialect_event events[] = {
    {"codex.conversation_starts", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(session_rules), codex_finish_session,
     "Begins a thread. The role is guessed: a thread without reasoning summary that begins in the "
     "trace of a turn of another one is its sub-agent; one that may do nothing and ask nobody is a "
     "reviewer."},
    {"codex.user_prompt", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(prompt_rules), codex_finish_prompt, "`prompt` tells agent.content.state."},
    {"codex.agent_response", KIND_RESPONSE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(response_rules), codex_finish_response,
     "`response` and `response_truncated` tell agent.content.state, `agent.type` agent.role."},
    {"codex.api_request", KIND_MODEL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(request_rules),
     codex_finish_request,
     "Failure by `http.response.status_code` from 400, `error.message` or `success`; "
     "gen_ai.operation.name is chat."},
    {"codex.websocket_connect", KIND_MODEL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(request_rules), codex_finish_request, NULL},
    {"codex.websocket_request", KIND_MODEL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(request_rules), codex_finish_request, NULL},
    {"codex.sse_event", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0,
     codex_finish_other, "Failure if there is an `error.message`."},
    {"codex.startup_phase", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL,
     NULL},
    {"codex.turn_ttft", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL},
    {"codex.turn_cost", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, RULES(cost_rules),
     codex_finish_cost, "Cancelled if `turn.interrupted`; agent.cost.estimated is true."},
    {"codex.tool_decision", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(decision_rules), codex_finish_decision,
     "`decision` tells agent.decision.outcome, .effect and .scope, `source` agent.decision.source "
     "and .automated, the tool its category."},
    {"codex.guardian_assessment", KIND_REVIEW, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(review_rules), codex_finish_review,
     "`outcome`, or else `status`, tells agent.decision.outcome; a critical risk is severity 21; "
     "the difference of the two times is agent.duration_ms. The thread whose trace this stands in "
     "is the reviewer."},
    {"codex.sandbox_outcome", KIND_SANDBOX, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(sandbox_rules), codex_finish_sandbox, "`outcome` tells the outcome."},
    {"codex.tool_result", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
     codex_finish_tool_result, "See below."},
    {"codex.network_proxy.policy_decision", KIND_NETWORK, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(network_rules), codex_finish_network,
     "`network.policy.decision` and `.source` tell agent.decision.*, `network.transport.protocol` "
     "mechanism and transport, `server.address` unix-socket the kind of target; `client.address` "
     "is split from its port."},
    {"codex.auth_recovery", KIND_AUTH, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(auth_rules),
     codex_finish_auth, "agent.auth.action is recovery; `auth.outcome` tells the outcome."},
    {"codex.skill_invocation", KIND_EXTENSION, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(skill_rules), codex_finish_skill, "A skill, invoke."},
    {"codex.plugin_install_elicitation_sent", KIND_EXTENSION, PHASE_POINT, OUTCOME_UNKNOWN,
     CLASS_EXACT, RULES(plugin_rules), codex_finish_plugin,
     "A plugin; install if `plugin_install.completed`, else suggest."},
    {"codex.plugin_install_suggestion", KIND_EXTENSION, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(plugin_rules), codex_finish_plugin, "The same."},
    {"codex.agent_communication", KIND_SUBAGENT, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_HEURISTIC,
     RULES(communication_rules), NULL, NULL},
};

/* The codex.sse_event that tells the usage. */
static const struct dialect_event completed = {
    "codex.sse_event",
    KIND_MODEL,
    PHASE_END,
    OUTCOME_SUCCESS,
    CLASS_EXACT,
    RULES(usage_rules),
    codex_finish_completed,
    "When `event.kind` is response.completed and there are token counts."};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, codex_finish_other, NULL};

/* response.completed comes twice, once with its duration and once with the usage: a request to the
 * model must count once. */
static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    bool is_completed =
        event == &events[SSE_EVENT] &&
        slice_equal(mapping_source_text(m, CODEX_EVENT_KIND), SLICE("response.completed")) &&
        (mapping_source(m, CODEX_INPUT_TOKEN_COUNT) != NULL ||
         mapping_source(m, CODEX_OUTPUT_TOKEN_COUNT) != NULL);
    return is_completed ? &completed : event;
}

static const struct dialect_event *const refined[] = {&completed};

static const char chapter[] =
    "### Results of tools\n"
    "\n"
    "- A result whose call was refused by a decision before it is `denied` and was not executed;\n"
    "  the denial counts on its `agent.approval` record.\n"
    "- Of a shell command, `Process exited with code N` in the head of `output` is\n"
    "  `process.exit.code` and decides the outcome; without it a reported success is `unknown`.\n"
    "- `success` false with one of the sentences by which Codex refuses is `denied`, and\n"
    "  `agent.decision.source` says by whom; with one by which it cannot run the call, `failure`\n"
    "  and `agent.tool.executed` false. Both are heuristic.\n"
    "- Facets: `cmd` or `command` (an array is joined with shell quoting) and `workdir` of shell\n"
    "  tools; the headers of a patch; `path` of `view_image`; server and tool of an MCP call.\n"
    "\n";

const struct dialect dialect_codex = {
    .name = "codex_otel",
    .product = "codex",
    .scope_prefix = "codex_otel",
    .event_prefix = "codex.",
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
    .finish = codex_finish_common,
    .note = "session.id is the thread at the root, as far as it is known: gen_ai.conversation.id "
            "of a thread without known parent. agent.role is told by agent_name (/root is main, a "
            "nickname a sub-agent) and agent.type, or guessed from earlier records of the same "
            "session; until one of these is seen it is unknown. Events of agent.model carry the "
            "provider that their thread began with.",
    .chapter = chapter,
};

/* --- Spans ------------------------------------------------------------------------------- */

/* A call that is cancelled while it waits for an answer leaves no log record at all; the span of
 * its dispatch, which has the name of the tool, is `aborted`.  All other calls have log records. */
static const struct rule aborted_rules[] = {
    {CODEX_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {CODEX_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
};

static const struct dialect_event aborted = {
    "any, with aborted true",
    KIND_TOOL,
    PHASE_END,
    OUTCOME_CANCELLED,
    CLASS_EXACT,
    RULES(aborted_rules),
    codex_put_tool_kind,
    "A call that was cancelled: the span that dispatched it. Whether it had begun is not said."};
static const struct dialect_event *const refined_spans[] = {&aborted};

static const struct dialect_event *refine_span(const struct mapping *m,
                                               const struct dialect_event *event)
{
    (void)event;
    return mapping_source_true(m, CODEX_ABORTED) && mapping_source(m, CODEX_CALL_ID) != NULL
               ? &aborted
               : NULL;
}

const struct dialect span_dialect_codex = {
    .name = "codex_otel",
    .product = "codex",
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .rules = common_rules,
    .rule_count = COUNT_OF(common_rules),
    .refine = refine_span,
    .refined = refined_spans,
    .refined_count = COUNT_OF(refined_spans),
    .finish = codex_finish_common,
};
