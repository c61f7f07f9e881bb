/* SPDX-License-Identifier: Apache-2.0 */
/* cursor_events.h -- what the files of the Cursor dialect share: dialect_cursor.c has the tables,
 * cursor_events.c the functions.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Keys of its records that we read; their texts are in dialect_cursor.c. */
enum cursor_source {
    CURSOR_CONVERSATION_ID,
    CURSOR_REQUEST_ID,
    CURSOR_CONVERSATION_TURN_ID,
    CURSOR_CONVERSATION_MESSAGE_ID,
    CURSOR_CONVERSATION_CONTENT_TRUNCATED,
    CURSOR_CONVERSATION_TOOL_IO_DIRECTION,
    CURSOR_TURN_ID,
    CURSOR_EVENT_SEQUENCE,
    CURSOR_TOOL_CALL_ID,
    CURSOR_SUBAGENT_ID,
    CURSOR_INITIATED_BY,
    CURSOR_TOOL_NAME,
    CURSOR_TOOL_STATUS,
    CURSOR_MCP_SERVER_NAME,
    CURSOR_MODEL_NAME,
    CURSOR_API_REQUEST_INPUT_TOKENS,
    CURSOR_API_REQUEST_OUTPUT_TOKENS,
    CURSOR_API_REQUEST_CACHE_READ_TOKENS,
    CURSOR_API_REQUEST_CACHE_CREATION_TOKENS,
    CURSOR_SKILL_NAME,
    CURSOR_SKILL_TRIGGER,
    CURSOR_SKILL_SOURCE,
    CURSOR_HOOK_NAME,
    CURSOR_HOOK_TYPE,
    CURSOR_HOOK_OUTCOME,
    CURSOR_HOOK_DURATION_MS,
    CURSOR_PLUGIN_NAME,
    CURSOR_PLUGIN_SCOPE,
    CURSOR_CLOUD_AGENT_SETUP_KIND,
    CURSOR_CLOUD_AGENT_SETUP_DURATION_MS,
    CURSOR_CLOUD_AGENT_SETUP_REASON,
    CURSOR_CLOUD_AGENT_ARTIFACT_FILE_NAME,
    CURSOR_CLOUD_AGENT_ARTIFACT_CONTENT_TYPE,
    CURSOR_CLOUD_AGENT_PULL_REQUEST_KIND,
    CURSOR_MCP_TRANSPORT,
    CURSOR_MCP_DURATION_MS,
    CURSOR_SHELL_COMMAND,
    CURSOR_SHELL_COMMAND_TRUNCATED,
    CURSOR_SHELL_KIND,
    CURSOR_SHELL_ALLOWED,
    CURSOR_SHELL_BLOCKED_REASON,
    CURSOR_SHELL_EXIT_CODE,
    CURSOR_SHELL_DURATION_MS,
    CURSOR_BROWSER_URL,
    CURSOR_COMPUTER_USE_ACTION_COUNT,
    CURSOR_COMPUTER_USE_DURATION_MS,
    CURSOR_TOOL_RESULT_OUTCOME,
    CURSOR_TOOL_RESULT_DURATION_MS,
    CURSOR_TOOL_RESULT_ERROR_CATEGORY,
    CURSOR_TOOL_RESULT_TARGET_HOST,
    CURSOR_DECISION_ID,
    CURSOR_DECISION_SOURCE,
    CURSOR_DECISION_APPROVAL_MODE,
    CURSOR_DECISION_OUTCOME,
    CURSOR_DECISION_RULE_ID,
    CURSOR_FILE_DIRECTION,
    CURSOR_FILE_OUTCOME,
    CURSOR_FILE_BYTES,
    CURSOR_FILE_ERROR_CATEGORY,
    CURSOR_MESSAGE_DELIVERY_RESULT,
    CURSOR_MESSAGE_DELIVERY_FAILURE_CATEGORY,
    CURSOR_ROUTINE_RUN_OUTCOME,
    CURSOR_ROUTINE_RUN_DURATION_MS,
    CURSOR_GUARDRAIL_KIND,
    CURSOR_GUARDRAIL_DETECTOR,
    CURSOR_GUARDRAIL_ACTION,
    CURSOR_GUARDRAIL_RESOLUTION,
    CURSOR_GUARDRAIL_DURATION_MS,
    CURSOR_DELEGATION_DIRECTION,
    CURSOR_DELEGATION_TARGET_ID,
    CURSOR_DELEGATION_OUTCOME,
    CURSOR_DELEGATION_DURATION_MS,
    CURSOR_SOURCE_COUNT
};

/* The full name of an event whose body alone names it. */
struct slice cursor_full_name(struct mapping *m, struct slice name);

/* What follows the rules: of every event, then of each. */
void cursor_finish_common(struct mapping *m);
void cursor_finish_artifact(struct mapping *m);
void cursor_finish_browser(struct mapping *m);
void cursor_finish_computer_use(struct mapping *m);
void cursor_finish_decision(struct mapping *m);
void cursor_finish_delegation(struct mapping *m);
void cursor_finish_escalation(struct mapping *m);
void cursor_finish_error(struct mapping *m);
void cursor_finish_guardrail(struct mapping *m);
void cursor_finish_hook(struct mapping *m);
void cursor_finish_mcp_auth(struct mapping *m);
void cursor_finish_mcp_call(struct mapping *m);
void cursor_finish_message(struct mapping *m);
void cursor_finish_message_text(struct mapping *m);
void cursor_finish_plugin(struct mapping *m);
void cursor_finish_pull_request(struct mapping *m);
void cursor_finish_request(struct mapping *m);
void cursor_finish_result(struct mapping *m);
void cursor_finish_routine(struct mapping *m);
void cursor_finish_setup(struct mapping *m);
void cursor_finish_shell(struct mapping *m);
void cursor_finish_skill(struct mapping *m);
void cursor_finish_tool_io(struct mapping *m);
void cursor_finish_transfer(struct mapping *m);
