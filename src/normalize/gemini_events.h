/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_events.h -- what the files of the Gemini CLI and Qwen Code dialects share.  Qwen Code
 * began as a copy of Gemini CLI and writes most things under the same keys: dialect_gemini.c and
 * dialect_qwen.c have the tables, gemini_events.c and gemini_tool.c the functions.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Keys of their records that we read; their texts are in gemini_events.c. */
enum gemini_source {
    GEMINI_SESSION_ID,
    GEMINI_INSTALLATION_ID,
    GEMINI_INTERACTIVE,
    GEMINI_AUTH_TYPE,
    GEMINI_PROMPT_ID,
    GEMINI_MODEL,
    GEMINI_DURATION_MS,
    GEMINI_DURATION,
    GEMINI_ERROR,
    GEMINI_ERROR_DOT_MESSAGE,
    GEMINI_ERROR_MESSAGE,
    GEMINI_ERROR_DOT_TYPE,
    GEMINI_ERROR_TYPE,
    GEMINI_SUCCESS,
    GEMINI_STATUS,
    GEMINI_REASON,
    GEMINI_APPROVAL_MODE,
    GEMINI_SANDBOX_ENABLED,
    GEMINI_MCP_SERVERS,
    GEMINI_PROMPT,
    GEMINI_PROMPT_LENGTH,
    GEMINI_FUNCTION_NAME,
    GEMINI_FUNCTION_ARGS,
    GEMINI_DECISION,
    GEMINI_TOOL_TYPE,
    GEMINI_MCP_SERVER_NAME,
    GEMINI_METADATA,
    GEMINI_CONTENT_LENGTH,
    GEMINI_TOOL_NAME,
    GEMINI_CALL_ID,
    GEMINI_PARENT_CALL_ID,
    GEMINI_EXECUTION_STATUS,
    GEMINI_RESPONSE_ID,
    GEMINI_ROLE,
    GEMINI_SUBAGENT_NAME,
    GEMINI_STATUS_CODE,
    GEMINI_INPUT_TOKEN_COUNT,
    GEMINI_OUTPUT_TOKEN_COUNT,
    GEMINI_CACHED_TOKEN_COUNT,
    GEMINI_THOUGHTS_TOKEN_COUNT,
    GEMINI_TOTAL_TOKEN_COUNT,
    GEMINI_TTFT_MS,
    GEMINI_OPERATION,
    GEMINI_MIMETYPE,
    GEMINI_EXTENSION,
    GEMINI_PROGRAMMING_LANGUAGE,
    GEMINI_FROM_MODE,
    GEMINI_TO_MODE,
    GEMINI_FAILED,
    GEMINI_HOOK_EVENT_NAME,
    GEMINI_HOOK_NAME,
    GEMINI_HOOK_TYPE,
    GEMINI_EXIT_CODE,
    GEMINI_AGENT_ID,
    GEMINI_AGENT_NAME,
    GEMINI_TERMINATE_REASON,
    GEMINI_VERDICT,
    GEMINI_VERDICT_RATIONALE,
    GEMINI_TOKENS_BEFORE,
    GEMINI_TOKENS_AFTER,
    GEMINI_TURN_COUNT,
    GEMINI_COMMAND,
    GEMINI_EXTENSION_NAME,
    GEMINI_EXTENSION_VERSION,
    GEMINI_EXTENSION_SOURCE,
    GEMINI_SKILL_NAME,
    GEMINI_GEN_AI_RESPONSE_ID,
    GEMINI_GEN_AI_RESPONSE_MODEL,
    GEMINI_SOURCE_COUNT
};

extern const char *const gemini_sources[GEMINI_SOURCE_COUNT];
extern const struct word_map gemini_modes[]; /* of approval, to agent.permission.mode */

/* Rules that both have; each with its count. */
extern const struct rule gemini_common_rules[], gemini_session_rules[], gemini_prompt_rules[],
    gemini_file_rules[], gemini_context_rules[], gemini_tool_rules[], gemini_extension_rules[],
    gemini_hook_rules[], gemini_turn_rules[];
enum {
    GEMINI_COMMON_RULES = 4,
    GEMINI_SESSION_RULES = 3,
    GEMINI_PROMPT_RULES = 1,
    GEMINI_FILE_RULES = 4,
    GEMINI_CONTEXT_RULES = 2,
    GEMINI_TOOL_RULES = 5,
    GEMINI_EXTENSION_RULES = 3,
    GEMINI_HOOK_RULES = 4,
    GEMINI_TURN_RULES = 1,
};

/* The rows of gen_ai.client.inference.operation.details behind a request; one name for both ends
 * of it, which are told apart by what they hold. */
extern const struct dialect_event gemini_twin_of_response, gemini_twin_of_error;
const struct dialect_event *gemini_refine_twin(const struct mapping *m,
                                               const struct dialect_event *event);

/* The thread of the record's session; NULL: it names none that can be remembered. */
struct lineage_thread *gemini_thread(struct mapping *m);

/* agent.error.message, from whichever key has it. */
void gemini_put_error_message(struct mapping *m);

/* What follows the rules: of every event, then of each. */
void gemini_finish_common(struct mapping *m);
void gemini_finish_session(struct mapping *m);
void gemini_finish_prompt(struct mapping *m);
void gemini_finish_request(struct mapping *m);
void gemini_finish_response(struct mapping *m);
void gemini_finish_api_error(struct mapping *m);
void gemini_finish_twin(struct mapping *m);
void gemini_finish_file(struct mapping *m);
void gemini_finish_mode(struct mapping *m);
void gemini_finish_routing(struct mapping *m);
void gemini_finish_hook(struct mapping *m);
void gemini_finish_agent(struct mapping *m);
void gemini_finish_verdict(struct mapping *m);
void gemini_finish_blocked_address(struct mapping *m);
void gemini_finish_compression(struct mapping *m);
void gemini_finish_truncation(struct mapping *m);
void gemini_finish_masking(struct mapping *m);
void gemini_finish_rewind(struct mapping *m);
void gemini_finish_command(struct mapping *m);
void gemini_finish_install(struct mapping *m);
void gemini_finish_uninstall(struct mapping *m);
void gemini_finish_update(struct mapping *m);
void gemini_finish_enable(struct mapping *m);
void gemini_finish_disable(struct mapping *m);
void gemini_finish_loop(struct mapping *m);
void gemini_finish_malformed(struct mapping *m);
void gemini_finish_tool_call(struct mapping *m);
void qwen_finish_request(struct mapping *m);
void qwen_finish_response(struct mapping *m);
void qwen_finish_api_error(struct mapping *m);
void qwen_finish_auth(struct mapping *m);
void qwen_finish_skill(struct mapping *m);
void qwen_finish_subagent(struct mapping *m);
void qwen_finish_tool_call(struct mapping *m);
