/* SPDX-License-Identifier: Apache-2.0 */
/* claude_events.h -- what the files of the Claude Code dialect share: dialect_claude.c has the
 * tables, claude_events.c and claude_tool.c the functions.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Keys of its records that we read; their texts are in dialect_claude.c. */
enum claude_source {
    CLAUDE_SESSION_ID,
    CLAUDE_PROMPT_ID,
    CLAUDE_EVENT_SEQUENCE,
    CLAUDE_ORGANIZATION_ID,
    CLAUDE_USER_ID,
    CLAUDE_IDENTITY_SOURCE,
    CLAUDE_APP_VERSION,
    CLAUDE_AGENT_NAME,
    CLAUDE_DURATION_MS,
    CLAUDE_ERROR,
    CLAUDE_PROMPT_LENGTH,
    CLAUDE_PROMPT,
    CLAUDE_COMMAND_NAME,
    CLAUDE_COMMAND_SOURCE,
    CLAUDE_RESPONSE_LENGTH,
    CLAUDE_RESPONSE,
    CLAUDE_MODEL,
    CLAUDE_REQUEST_ID,
    CLAUDE_QUERY_SOURCE,
    CLAUDE_TOOL_NAME,
    CLAUDE_TOOL_USE_ID,
    CLAUDE_DECISION,
    CLAUDE_TOOL_SOURCE,
    CLAUDE_SOURCE,
    CLAUDE_TOOL_PARAMETERS,
    CLAUDE_SUCCESS,
    CLAUDE_ERROR_TYPE,
    CLAUDE_DECISION_SOURCE,
    CLAUDE_TOOL_INPUT_SIZE_BYTES,
    CLAUDE_TOOL_RESULT_SIZE_BYTES,
    CLAUDE_MCP_SERVER_SCOPE,
    CLAUDE_TOOL_INPUT,
    CLAUDE_COST_USD,
    CLAUDE_COST_USD_MICROS,
    CLAUDE_INPUT_TOKENS,
    CLAUDE_OUTPUT_TOKENS,
    CLAUDE_CACHE_READ_TOKENS,
    CLAUDE_CACHE_CREATION_TOKENS,
    CLAUDE_EFFORT,
    CLAUDE_TTFT_MS,
    CLAUDE_STATUS_CODE,
    CLAUDE_ATTEMPT,
    CLAUDE_SERVER_FALLBACK_HOP,
    CLAUDE_CATEGORY,
    CLAUDE_TOTAL_ATTEMPTS,
    CLAUDE_TOTAL_RETRY_DURATION_MS,
    CLAUDE_BODY,
    CLAUDE_BODY_REF,
    CLAUDE_BODY_TRUNCATED,
    CLAUDE_FROM_MODE,
    CLAUDE_TO_MODE,
    CLAUDE_TRIGGER,
    CLAUDE_ACTION,
    CLAUDE_AUTH_METHOD,
    CLAUDE_ERROR_CATEGORY,
    CLAUDE_STATUS,
    CLAUDE_TRANSPORT_TYPE,
    CLAUDE_SERVER_SCOPE,
    CLAUDE_ERROR_CODE,
    CLAUDE_IS_PLUGIN,
    CLAUDE_SERVER_NAME,
    CLAUDE_ERROR_NAME,
    CLAUDE_PLUGIN_NAME,
    CLAUDE_PLUGIN_VERSION,
    CLAUDE_MARKETPLACE_NAME,
    CLAUDE_INSTALL_TRIGGER,
    CLAUDE_PLUGIN_SCOPE,
    CLAUDE_ENABLED_VIA,
    CLAUDE_SKILL_NAME,
    CLAUDE_SKILL_SOURCE,
    CLAUDE_INVOCATION_TRIGGER,
    CLAUDE_HOOK_EVENT,
    CLAUDE_HOOK_TYPE,
    CLAUDE_HOOK_SOURCE,
    CLAUDE_HOOK_NAME,
    CLAUDE_NUM_HOOKS,
    CLAUDE_NUM_BLOCKING,
    CLAUDE_NUM_NON_BLOCKING_ERROR,
    CLAUDE_NUM_CANCELLED,
    CLAUDE_TOTAL_DURATION_MS,
    CLAUDE_PRE_TOKENS,
    CLAUDE_POST_TOKENS,
    CLAUDE_AGENT_TYPE,
    CLAUDE_IS_ASYNC,
    CLAUDE_TOTAL_TOOL_USES,
    CLAUDE_RESULT,
    CLAUDE_ERROR_COUNT,
    CLAUDE_SKIP_REASON,
    CLAUDE_SOURCE_COUNT
};

extern const struct word_map claude_mcp_scopes[];

/* The name with claude_code. in front. */
struct slice claude_full_name(struct mapping *m, struct slice name);

/* What follows the rules: of every event, then of each. */
void claude_finish_common(struct mapping *m);
void claude_finish_auth(struct mapping *m);
void claude_finish_body(struct mapping *m);
void claude_finish_compaction(struct mapping *m);
void claude_finish_connection(struct mapping *m);
void claude_finish_decision(struct mapping *m);
void claude_finish_error(struct mapping *m);
void claude_finish_hook(struct mapping *m);
void claude_finish_hook_registered(struct mapping *m);
void claude_finish_mention(struct mapping *m);
void claude_finish_mode(struct mapping *m);
void claude_finish_plugin_installed(struct mapping *m);
void claude_finish_plugin_loaded(struct mapping *m);
void claude_finish_prompt(struct mapping *m);
void claude_finish_refusal(struct mapping *m);
void claude_finish_request(struct mapping *m);
void claude_finish_response(struct mapping *m);
void claude_finish_sweep(struct mapping *m);
void claude_finish_skill(struct mapping *m);
void claude_finish_tool_result(struct mapping *m);

/* Reads a boolean that may be a text; false: it is not there, or none. */
bool claude_source_bool(const struct mapping *m, uint8_t source, bool *ret);

/* agent.tool.category and .origin, the facet that the arguments show, and its attributes. */
void claude_put_tool(struct mapping *m);
