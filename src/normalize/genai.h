/* SPDX-License-Identifier: Apache-2.0 */
/* genai.h -- the GenAI and MCP semantic conventions of OpenTelemetry, as log records and as spans;
 * shared with products whose spans keep to them and add words of their own.
 *
 * Threads: constant data and functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Keys that the rules and functions read; each product's come behind those of the conventions. */
enum genai_source {
    GENAI_OPERATION_NAME,
    GENAI_PROVIDER_NAME,
    GENAI_SYSTEM,
    GENAI_CONVERSATION_ID,
    GENAI_SESSION_ID,
    GENAI_AGENT_ID,
    GENAI_AGENT_NAME,
    GENAI_REQUEST_MODEL,
    GENAI_RESPONSE_MODEL,
    GENAI_RESPONSE_ID,
    GENAI_RESPONSE_FINISH_REASONS,
    GENAI_TIME_TO_FIRST_CHUNK,
    GENAI_USAGE_INPUT_TOKENS,
    GENAI_USAGE_OUTPUT_TOKENS,
    GENAI_USAGE_PROMPT_TOKENS,
    GENAI_USAGE_COMPLETION_TOKENS,
    GENAI_USAGE_CACHE_READ,
    GENAI_USAGE_CACHE_CREATION,
    GENAI_USAGE_REASONING,
    GENAI_TOOL_NAME,
    GENAI_TOOL_CALL_ID,
    GENAI_TOOL_TYPE,
    GENAI_TOOL_CALL_ARGUMENTS,
    GENAI_TOOL_CALL_RESULT,
    GENAI_EVALUATION_NAME,
    GENAI_EVALUATION_LABEL,
    GENAI_EVALUATION_EXPLANATION,
    GENAI_MCP_METHOD_NAME,
    GENAI_MCP_RESOURCE_URI,
    GENAI_JSONRPC_REQUEST_ID,
    GENAI_RPC_JSONRPC_REQUEST_ID,
    GENAI_RPC_RESPONSE_STATUS_CODE,
    GENAI_RPC_JSONRPC_ERROR_CODE,
    GENAI_NETWORK_TRANSPORT,
    GENAI_SERVER_ADDRESS,
    GENAI_SERVER_PORT,
    GENAI_ERROR_TYPE,
    GENAI_EXCEPTION_TYPE,
    GENAI_EXCEPTION_MESSAGE,
    GENAI_COPILOT_PERMISSION_RESULT,
    GENAI_COPILOT_HOOK_DECISION,
    GENAI_COPILOT_TOOL_COMMAND,
    GENAI_COPILOT_TOOL_FILE_PATH,
    GENAI_COPILOT_MCP_SERVER_NAME,
    GENAI_COPILOT_MCP_TOOL_NAME,
    GENAI_SOURCE_COUNT
};

extern const char *const genai_sources[GENAI_SOURCE_COUNT];
extern const struct rule genai_rules[]; /* of every event */
extern const size_t genai_rule_count;

/* The row for what the attributes say is being done; NULL: nothing that we know. */
const struct dialect_event *genai_find_event(const struct mapping *m);

/* The rows that it may choose. */
extern const struct dialect_event *const genai_refined[];
extern const size_t genai_refined_count;

void genai_finish_common(struct mapping *m);
