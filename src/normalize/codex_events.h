/* SPDX-License-Identifier: Apache-2.0 */
/* codex_events.h -- what the files of the Codex dialect share: dialect_codex.c has the
 * tables, codex_events.c and codex_tool.c the functions.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"
#include "normalize/facets.h"

/* Keys of its records that we read; their texts are in dialect_codex.c. */
enum codex_source {
    CODEX_CONVERSATION_ID,
    CODEX_EVENT_KIND,
    CODEX_APP_VERSION,
    CODEX_USER_ACCOUNT_ID,
    CODEX_USER_EMAIL,
    CODEX_MODEL,
    CODEX_DURATION_MS,
    CODEX_ERROR_MESSAGE,
    CODEX_TURN_ID,
    CODEX_EXECUTION_ID,
    CODEX_PROVIDER_NAME,
    CODEX_REASONING_EFFORT,
    CODEX_REASONING_SUMMARY,
    CODEX_APPROVAL_POLICY,
    CODEX_SANDBOX_POLICY,
    CODEX_MCP_SERVERS,
    CODEX_PROMPT_LENGTH,
    CODEX_PROMPT,
    CODEX_RESPONSE,
    CODEX_RESPONSE_LENGTH,
    CODEX_RESPONSE_TRUNCATED,
    CODEX_AGENT_TYPE,
    CODEX_PARENT_CONVERSATION_ID,
    CODEX_HTTP_RESPONSE_STATUS_CODE,
    CODEX_ATTEMPT,
    CODEX_SUCCESS,
    CODEX_INPUT_TOKEN_COUNT,
    CODEX_OUTPUT_TOKEN_COUNT,
    CODEX_CACHED_TOKEN_COUNT,
    CODEX_CACHE_WRITE_TOKEN_COUNT,
    CODEX_REASONING_TOKEN_COUNT,
    CODEX_TOOL_TOKEN_COUNT,
    CODEX_TTFT_MS,
    CODEX_MODEL_REASONING_EFFORT,
    CODEX_USAGE_ESTIMATED_USD,
    CODEX_TURN_INTERRUPTED,
    CODEX_TOOL_NAME,
    CODEX_TOOL_NAMESPACE,
    CODEX_CALL_ID,
    CODEX_DECISION,
    CODEX_SOURCE,
    CODEX_REVIEW_ID,
    CODEX_ITEM_ID,
    CODEX_STATUS,
    CODEX_OUTCOME,
    CODEX_RISK_LEVEL,
    CODEX_USER_AUTHORIZATION,
    CODEX_STARTED_AT_MS,
    CODEX_COMPLETED_AT_MS,
    CODEX_RATIONALE,
    CODEX_INITIAL_DURATION_MS,
    CODEX_ESCALATED_DURATION_MS,
    CODEX_TOOL_RESULT_SEQ,
    CODEX_OUTPUT_TRUNCATED,
    CODEX_AGENT_NAME,
    CODEX_ARGUMENTS,
    CODEX_OUTPUT,
    CODEX_MCP_SERVER,
    CODEX_MCP_SERVER_ORIGIN,
    CODEX_NETWORK_POLICY_DECISION,
    CODEX_NETWORK_POLICY_SOURCE,
    CODEX_NETWORK_POLICY_REASON,
    CODEX_NETWORK_POLICY_OVERRIDE,
    CODEX_NETWORK_TRANSPORT_PROTOCOL,
    CODEX_SERVER_ADDRESS,
    CODEX_CLIENT_ADDRESS,
    CODEX_AUTH_MODE,
    CODEX_AUTH_OUTCOME,
    CODEX_AUTH_ERROR,
    CODEX_SKILL_NAME,
    CODEX_SKILL_SCOPE,
    CODEX_SKILL_INVOCATION_TYPE,
    CODEX_PLUGIN_INSTALL_TOOL_NAME,
    CODEX_PLUGIN_INSTALL_TOOL_TYPE,
    CODEX_PLUGIN_INSTALL_COMPLETED,
    CODEX_ABORTED,
    CODEX_SOURCE_COUNT
};

extern const struct word_map codex_providers[];
extern const struct word_map codex_mechanisms[];

/* What follows the rules: of every event, then of each. */
void codex_finish_common(struct mapping *m);
void codex_finish_auth(struct mapping *m);
void codex_finish_completed(struct mapping *m);
void codex_finish_cost(struct mapping *m);
void codex_finish_decision(struct mapping *m);
void codex_finish_network(struct mapping *m);
void codex_finish_other(struct mapping *m);
void codex_finish_plugin(struct mapping *m);
void codex_finish_prompt(struct mapping *m);
void codex_finish_request(struct mapping *m);
void codex_finish_response(struct mapping *m);
void codex_finish_review(struct mapping *m);
void codex_finish_sandbox(struct mapping *m);
void codex_finish_session(struct mapping *m);
void codex_finish_skill(struct mapping *m);
void codex_finish_tool_result(struct mapping *m);

/* agent.tool.category and agent.tool.origin of the tool that the record names. */
void codex_put_tool_kind(struct mapping *m);

/* file.path and agent.file.* of the files that a patch changes. */
void codex_put_patch(struct mapping *m, const struct patch *patch);
