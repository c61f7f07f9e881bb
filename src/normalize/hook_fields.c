/* SPDX-License-Identifier: Apache-2.0 */
/* hook_fields.c -- see hook_fields.h.
 *
 * What is read is what facets.h makes of it: JSON that breaks off, or is none, gives the fields
 * before the break.  Texts without escapes are borrowed from the JSON, others decoded into
 * m->scratch.  A text too long for that, or that is not UTF-8, is known to be there and no more
 * (ANY_TYPE_BYTES).
 *
 * Of two members of a name the last counts, as in most readers; the JSON itself has both. */
#include "normalize/hook_fields.h"

#include "normalize/facets.h"
#include "util/utf8.h"

const char *const hook_sources[HOOK_SOURCE_COUNT] = {
    [HOOK_EVENT_NAME] = "hook_event_name",
    [HOOK_TYPE] = "type",
    [HOOK_SESSION_ID] = "session_id",
    [HOOK_CONVERSATION_ID] = "conversation_id",
    [HOOK_THREAD_ID] = "thread-id",
    [HOOK_SESSION_ID_CAMEL] = "sessionID",
    [HOOK_TURN_ID] = "turn_id",
    [HOOK_TURN_ID_DASH] = "turn-id",
    [HOOK_PROMPT_ID] = "prompt_id",
    [HOOK_GENERATION_ID] = "generation_id",
    [HOOK_CWD] = "cwd",
    [HOOK_PERMISSION_MODE] = "permission_mode",
    [HOOK_MODEL] = "model",
    [HOOK_AGENT_ID] = "agent_id",
    [HOOK_AGENT_TYPE] = "agent_type",
    [HOOK_TIMESTAMP] = "timestamp",
    [HOOK_CURSOR_VERSION] = "cursor_version",
    [HOOK_USER_EMAIL] = "user_email",
    [HOOK_SOURCE] = "source",
    [HOOK_REASON] = "reason",
    [HOOK_PROMPT] = "prompt",
    [HOOK_TOOL_NAME] = "tool_name",
    [HOOK_TOOL] = "tool",
    [HOOK_TOOL_USE_ID] = "tool_use_id",
    [HOOK_CALL_ID] = "callID",
    [HOOK_TOOL_INPUT] = "tool_input",
    [HOOK_ARGS] = "args",
    [HOOK_TOOL_RESPONSE] = "tool_response",
    [HOOK_TOOL_OUTPUT] = "tool_output",
    [HOOK_RESULT_JSON] = "result_json",
    [HOOK_OUTPUT] = "output",
    [HOOK_COMMAND] = "command",
    [HOOK_COMMAND_NAME] = "command_name",
    [HOOK_URL] = "url",
    [HOOK_FILE_PATH] = "file_path",
    [HOOK_DURATION_MS] = "duration_ms",
    [HOOK_DURATION] = "duration",
    [HOOK_SANDBOX] = "sandbox",
    [HOOK_EXIT_CODE] = "exit_code",
    [HOOK_ERROR] = "error",
    [HOOK_ERROR_MESSAGE] = "error_message",
    [HOOK_FAILURE_TYPE] = "failure_type",
    [HOOK_IS_INTERRUPT] = "is_interrupt",
    [HOOK_TRIGGER] = "trigger",
    [HOOK_MESSAGE] = "message",
    [HOOK_TITLE] = "title",
    [HOOK_TEXT] = "text",
    [HOOK_DELTA] = "delta",
    [HOOK_FINAL] = "final",
    [HOOK_NOTIFICATION_TYPE] = "notification_type",
    [HOOK_LAST_ASSISTANT_MESSAGE] = "last_assistant_message",
    [HOOK_LAST_ASSISTANT_MESSAGE_DASH] = "last-assistant-message",
    [HOOK_STATUS] = "status",
    [HOOK_LOOP_COUNT] = "loop_count",
    [HOOK_FILE_EVENT] = "event",
    [HOOK_MCP_SERVER_NAME] = "mcp_server_name",
    [HOOK_MODE] = "mode",
    [HOOK_ACTION] = "action",
    [HOOK_ELICITATION_ID] = "elicitation_id",
    [HOOK_SUBAGENT_TYPE] = "subagent_type",
    [HOOK_SUBAGENT_ID] = "subagent_id",
    [HOOK_REPLY] = "reply",
    [HOOK_RESPONSE] = "response",
    [HOOK_INPUT_COMMAND] = "tool_input.command",
    [HOOK_INPUT_FILE_PATH] = "tool_input.file_path",
    [HOOK_INPUT_PATH] = "tool_input.path",
    [HOOK_INPUT_NOTEBOOK_PATH] = "tool_input.notebook_path",
    [HOOK_INPUT_URL] = "tool_input.url",
    [HOOK_INPUT_INPUT] = "tool_input.input",
    [HOOK_INPUT_PATCH] = "tool_input.patch",
    [HOOK_INPUT_SUBAGENT_TYPE] = "tool_input.subagent_type",
    [HOOK_INPUT_BACKGROUND] = "tool_input.run_in_background",
    [HOOK_INPUT_TIMEOUT] = "tool_input.timeout",
    [HOOK_ARGS_COMMAND] = "args.command",
    [HOOK_ARGS_FILE_PATH] = "args.filePath",
    [HOOK_RESPONSE_EXIT_CODE] = "tool_response.exit_code",
    [HOOK_RESPONSE_EXIT_CODE_CAMEL] = "tool_response.exitCode",
    [HOOK_RESPONSE_INTERRUPTED] = "tool_response.interrupted",
    [HOOK_RESPONSE_ERROR] = "tool_response.error",
    [HOOK_MCP_SERVER] = "mcp_context.server_name",
    [HOOK_MCP_TOOL] = "mcp_context.tool_name",
    [HOOK_MCP_COMMAND] = "mcp_context.command",
    [HOOK_MCP_URL] = "mcp_context.url",
    [HOOK_LLM_MODEL] = "llm_request.model",
};

/* Objects whose members are looked at too, and whose own text is a value. */
static const char *const containers[] = {"tool_input", "tool_response", "mcp_context",
                                         "llm_request", "args"};

/* Of the present record. */
struct found {
    struct any_view values[HOOK_SOURCE_COUNT];
};

static struct any_view as_text(struct slice text, bool may_be_broken)
{
    bool is_text = text.size <= MAPPING_COPY_MAX && (!may_be_broken || utf8_is_text(text));
    return (struct any_view){.type = is_text ? ANY_TYPE_STRING : ANY_TYPE_BYTES, .bytes = text};
}

/* A string, with its quotes. */
static struct any_view read_string(struct mapping *m, struct slice json, bool may_be_broken)
{
    struct slice text = slice_of(json.data + 1, json.size - 2);
    if (text.size > MAPPING_COPY_MAX || memchr(text.data, '\\', text.size) == NULL)
        return as_text(text, may_be_broken);
    if (!json_decode_text(json, &m->scratch, &text))
        return (struct any_view){.type = ANY_TYPE_BYTES, .bytes = json};
    return as_text(text, may_be_broken);
}

/* Numbers stay texts, which rules for numbers read; null is nothing. */
static struct any_view read_value(struct mapping *m, struct slice json, bool may_be_broken)
{
    struct any_view value = {.type = ANY_TYPE_NONE};
    if (json.size == 0 || slice_equal(json, SLICE("null")))
        return value;
    switch (json.data[0]) {
    case '"':
        return json.size >= 2 ? read_string(m, json, may_be_broken) : value;
    case 't':
    case 'f':
        value.type = ANY_TYPE_BOOL;
        value.integer = json.data[0] == 't';
        return value;
    case '{':
    case '[':
        return (struct any_view){.type = ANY_TYPE_BYTES, .bytes = json};
    default:
        return as_text(json, true);
    }
}

/* The source called `prefix`.`name`; HOOK_SOURCE_COUNT: none. */
static size_t find_source(const char *prefix, struct slice name)
{
    size_t prefix_size = strlen(prefix);
    for (size_t i = 0; i < HOOK_SOURCE_COUNT; i++) {
        const char *source = hook_sources[i];
        bool fits = prefix_size == 0 ||
                    (strncmp(source, prefix, prefix_size) == 0 && source[prefix_size] == '.');
        if (fits && json_name_equal(name, slice_of_text(source + prefix_size + (prefix_size > 0))))
            return i;
    }
    return HOOK_SOURCE_COUNT;
}

static const char *find_container(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(containers); i++) {
        if (json_name_equal(name, slice_of_text(containers[i])))
            return containers[i];
    }
    return NULL;
}

static void read_members(struct mapping *m, struct slice json, const char *prefix,
                         bool may_be_broken, struct found *found)
{
    struct json_members members = {.json = json};
    struct slice name, value;
    for (int i = 0; i < HOOK_MEMBERS_MAX && json_next_member(&members, &name, &value); i++) {
        size_t source = find_source(prefix, name);
        const char *container = prefix[0] == 0 ? find_container(name) : NULL;
        if (source < HOOK_SOURCE_COUNT)
            found->values[source] = read_value(m, value, may_be_broken);
        if (container != NULL && value.size > 0 && value.data[0] == '{')
            read_members(m, value, container, may_be_broken, found);
    }
}

void hook_fields_read(struct mapping *m, const struct normalize_hook *hook)
{
    struct found found = {0};
    read_members(m, hook->json, "", !hook->is_json, &found);
    for (size_t i = 0; i < HOOK_SOURCE_COUNT; i++) {
        if (found.values[i].type != ANY_TYPE_NONE)
            mapping_add_source(m, slice_of_text(hook_sources[i]), &found.values[i]);
    }
}

/* --- By name: before the dialect, and with it its numbers of the sources, is known ------------ */

static struct slice text_of(const struct mapping *m, enum hook_source source)
{
    struct slice key = slice_of_text(hook_sources[source]);
    for (size_t i = 0; i < m->record.attribute_count; i++) {
        const struct attribute_view *attribute = &m->record.attributes[i];
        if (attribute->key.data == key.data && attribute->value.type == ANY_TYPE_STRING)
            return attribute->value.bytes;
    }
    return SLICE_EMPTY;
}

struct slice hook_fields_timestamp(const struct mapping *m)
{
    return text_of(m, HOOK_TIMESTAMP);
}

static bool is_known(struct slice dialect)
{
    for (size_t i = 0; i < dialect_count; i++) {
        if (dialect_list[i]->sources == hook_sources &&
            slice_equal(dialect, slice_of_text(dialect_list[i]->name)))
            return true;
    }
    return false;
}

struct slice hook_fields_dialect(const struct mapping *m, const struct normalize_hook *hook)
{
    struct slice name = text_of(m, HOOK_EVENT_NAME);
    if (is_known(hook->dialect))
        return hook->dialect;
    if (name.size == 0) {
        bool is_notify = slice_equal(text_of(m, HOOK_TYPE), SLICE("agent-turn-complete"));
        return is_notify ? SLICE("codex_notify") : SLICE_EMPTY;
    }
    if (text_of(m, HOOK_CURSOR_VERSION).size > 0 || (name.data[0] >= 'a' && name.data[0] <= 'z'))
        return SLICE("cursor_hook");
    if (slice_starts_with(name, SLICE("Before")) || slice_starts_with(name, SLICE("After")))
        return SLICE("gemini_hook");
    if (text_of(m, HOOK_TURN_ID).size > 0 ||
        (text_of(m, HOOK_MODEL).size > 0 && text_of(m, HOOK_PROMPT_ID).size == 0))
        return SLICE("codex_hook");
    return SLICE("claude_code_hook");
}

struct slice hook_fields_event_name(struct mapping *m, const struct normalize_hook *hook)
{
    const struct slice prefix = SLICE("hook:");
    struct slice name = text_of(m, HOOK_EVENT_NAME);
    if (name.size == 0)
        name = text_of(m, HOOK_TYPE);
    if (name.size == 0)
        name = hook->event;
    if (name.size == 0 || prefix.size + name.size > buf_room(&m->scratch))
        return SLICE_EMPTY;
    size_t start = m->scratch.size;
    buf_append_reserved(&m->scratch, prefix.data, prefix.size);
    buf_append_reserved(&m->scratch, name.data, name.size);
    return slice_of(m->scratch.data + start, prefix.size + name.size);
}
