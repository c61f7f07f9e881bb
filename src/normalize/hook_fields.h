/* SPDX-License-Identifier: Apache-2.0 */
/* hook_fields.h -- the fields of a hook's JSON that the hook dialects read, found in one pass.
 *
 * They are looked up like attributes (mapping.h) and are not written to the record: it has the
 * whole JSON already.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Their names are in hook_fields.c; those with a dot are members of a member. */
enum hook_source {
    HOOK_EVENT_NAME,
    HOOK_TYPE,
    HOOK_SESSION_ID,
    HOOK_CONVERSATION_ID,
    HOOK_THREAD_ID,
    HOOK_SESSION_ID_CAMEL,
    HOOK_TURN_ID,
    HOOK_TURN_ID_DASH,
    HOOK_PROMPT_ID,
    HOOK_GENERATION_ID,
    HOOK_CWD,
    HOOK_PERMISSION_MODE,
    HOOK_MODEL,
    HOOK_AGENT_ID,
    HOOK_AGENT_TYPE,
    HOOK_TIMESTAMP,
    HOOK_CURSOR_VERSION,
    HOOK_USER_EMAIL,
    HOOK_SOURCE,
    HOOK_REASON,
    HOOK_PROMPT,
    HOOK_TOOL_NAME,
    HOOK_TOOL,
    HOOK_TOOL_USE_ID,
    HOOK_CALL_ID,
    HOOK_TOOL_INPUT,
    HOOK_ARGS,
    HOOK_TOOL_RESPONSE,
    HOOK_TOOL_OUTPUT,
    HOOK_RESULT_JSON,
    HOOK_OUTPUT,
    HOOK_COMMAND,
    HOOK_COMMAND_NAME,
    HOOK_URL,
    HOOK_FILE_PATH,
    HOOK_DURATION_MS,
    HOOK_DURATION,
    HOOK_SANDBOX,
    HOOK_EXIT_CODE,
    HOOK_ERROR,
    HOOK_ERROR_MESSAGE,
    HOOK_FAILURE_TYPE,
    HOOK_IS_INTERRUPT,
    HOOK_TRIGGER,
    HOOK_MESSAGE,
    HOOK_TITLE,
    HOOK_TEXT,
    HOOK_DELTA,
    HOOK_FINAL,
    HOOK_NOTIFICATION_TYPE,
    HOOK_LAST_ASSISTANT_MESSAGE,
    HOOK_LAST_ASSISTANT_MESSAGE_DASH,
    HOOK_STATUS,
    HOOK_LOOP_COUNT,
    HOOK_FILE_EVENT,
    HOOK_MCP_SERVER_NAME,
    HOOK_MODE,
    HOOK_ACTION,
    HOOK_ELICITATION_ID,
    HOOK_SUBAGENT_TYPE,
    HOOK_SUBAGENT_ID,
    HOOK_REPLY,
    HOOK_RESPONSE,
    HOOK_INPUT_COMMAND,
    HOOK_INPUT_FILE_PATH,
    HOOK_INPUT_PATH,
    HOOK_INPUT_NOTEBOOK_PATH,
    HOOK_INPUT_URL,
    HOOK_INPUT_INPUT,
    HOOK_INPUT_PATCH,
    HOOK_INPUT_SUBAGENT_TYPE,
    HOOK_INPUT_BACKGROUND,
    HOOK_INPUT_TIMEOUT,
    HOOK_ARGS_COMMAND,
    HOOK_ARGS_FILE_PATH,
    HOOK_RESPONSE_EXIT_CODE,
    HOOK_RESPONSE_EXIT_CODE_CAMEL,
    HOOK_RESPONSE_INTERRUPTED,
    HOOK_RESPONSE_ERROR,
    HOOK_MCP_SERVER,
    HOOK_MCP_TOOL,
    HOOK_MCP_COMMAND,
    HOOK_MCP_URL,
    HOOK_LLM_MODEL,
    HOOK_SOURCE_COUNT
};

extern const char *const hook_sources[HOOK_SOURCE_COUNT];

enum { HOOK_MEMBERS_MAX = 4096 }; /* of one object that are looked at */

/* Makes the fields of hook->json known to the mapping; before mapping_index(). */
void hook_fields_read(struct mapping *m, const struct normalize_hook *hook);

/* The rest after mapping_index(), and after m->source_ids are set where they are needed. */

/* The dialect that the hook names, or that its fields show; empty: none that we know. */
struct slice hook_fields_dialect(const struct mapping *m, const struct normalize_hook *hook);

/* "hook:NAME", in m->scratch; empty when there is no name. */
struct slice hook_fields_event_name(struct mapping *m, const struct normalize_hook *hook);

struct slice hook_fields_timestamp(const struct mapping *m);
