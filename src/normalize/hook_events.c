/* SPDX-License-Identifier: Apache-2.0 */
/* hook_events.c -- see hook_events.h. */
#include "normalize/hook_events.h"
#include "normalize/decision.h"

#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "util/utf8.h"

enum { BODY_MAX = 256, SEVERITY_WARN = 13 };

struct slice hook_either(const struct mapping *m, enum hook_source a, enum hook_source b)
{
    struct slice text = hook_text(m, a);
    return text.size > 0 ? text : hook_text(m, b);
}

/* The word that `text` stands for; NULL: none of them. */
static const char *find_word(const struct word_map *words, struct slice text)
{
    for (; words->from != NULL; words++) {
        if (text_equal_nocase(text, words->from))
            return words->to;
    }
    return NULL;
}

static void put_literal(struct mapping *m, enum schema_key key, const char *value)
{
    mapping_put_text(m, key, slice_of_text(value));
}

static void put_content_state(struct mapping *m, bool is_there)
{
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, is_there ? CONTENT_PRESENT : CONTENT_ABSENT);
}

/* --- Every event --------------------------------------------------------------------------- */

static size_t append_word(uint8_t *out, size_t size, struct slice word)
{
    if (word.size == 0 || size + 1 + word.size > BODY_MAX)
        return size;
    if (size > 0)
        out[size++] = ' ';
    memcpy(out + size, word.data, word.size);
    return size + word.size;
}

/* The record's body: "PreToolUse Bash". */
static void put_body(struct mapping *m)
{
    uint8_t body[BODY_MAX];
    uint8_t field[2 * BODY_MAX];
    size_t size = append_word(body, 0, hook_either(m, HOOK_EVENT_NAME, HOOK_TYPE));
    size = append_word(body, size, hook_either(m, HOOK_TOOL_NAME, HOOK_TOOL));
    if (size == 0)
        return;
    struct slice text = slice_of(body, size);
    uint8_t *at = pb_put_header(field, RECORD_BODY, 1 + pb_varint_size(size) + size);
    const uint8_t *end = pb_put_bytes(at, ANY_STRING, text);
    mapping_put_raw(m, slice_of(field, (size_t)(end - field)));
}

void hook_finish_common(struct mapping *m)
{
    const struct normalize_hook *hook = m->input->hook;
    put_body(m);
    if (!hook->is_json)
        mapping_error(m, SLICE("hook"));
    if (hook->is_cut)
        mapping_error(m, SLICE("hook_cut"));
}

void hook_finish_main_or_subagent(struct mapping *m)
{
    hook_finish_common(m);
    m->role = hook_has(m, HOOK_AGENT_ID) ? ROLE_SUBAGENT : ROLE_MAIN;
}

/* --- Sessions, turns, prompts ---------------------------------------------------------------- */

void hook_finish_session(struct mapping *m)
{
    static const struct word_map words[] = {
        {"startup", "startup"},        {"resume", "resume"}, {"clear", "clear"},
        {"compact", "compact"},        {"fork", "fork"},     {"logout", "logout"},
        {"prompt_input_exit", "exit"}, {"exit", "exit"},     {NULL, NULL}};
    struct slice reason = hook_either(m, HOOK_SOURCE, HOOK_REASON);
    const char *word = find_word(words, reason);
    if (reason.size > 0)
        put_literal(m, KEY_AGENT_SESSION_REASON, word != NULL ? word : "other");
}

void hook_finish_prompt(struct mapping *m)
{
    struct slice prompt = hook_text(m, HOOK_PROMPT);
    int64_t length = 0;
    for (size_t i = 0; i < prompt.size; i++)
        length += !utf8_is_tail(prompt.data[i]);
    if (prompt.size > 0)
        mapping_put_int(m, KEY_AGENT_PROMPT_LENGTH, length);
    put_content_state(m, hook_has(m, HOOK_PROMPT));
}

void hook_finish_response(struct mapping *m)
{
    put_content_state(m, hook_has(m, HOOK_TEXT) || hook_has(m, HOOK_DELTA));
    if (mapping_source(m, HOOK_FINAL) != NULL && !mapping_source_true(m, HOOK_FINAL))
        m->kind = KIND_OTHER; /* a piece of it */
    if (m->kind == KIND_OTHER)
        m->classification = CLASS_NONE;
}

void hook_finish_turn(struct mapping *m)
{
    struct slice status = hook_text(m, HOOK_STATUS);
    put_content_state(m, hook_has(m, HOOK_LAST_ASSISTANT_MESSAGE) ||
                             hook_has(m, HOOK_LAST_ASSISTANT_MESSAGE_DASH));
    if (status.size == 0)
        return;
    mapping_put_text(m, KEY_AGENT_TURN_STOP_REASON, status);
    if (text_equal_nocase(status, "aborted"))
        m->outcome = OUTCOME_CANCELLED;
    else if (text_equal_nocase(status, "error"))
        m->outcome = OUTCOME_FAILURE;
    else if (!text_equal_nocase(status, "completed"))
        m->outcome = OUTCOME_UNKNOWN;
}

void hook_finish_turn_failure(struct mapping *m)
{
    struct slice error = hook_text(m, HOOK_ERROR);
    mapping_put_text(m, KEY_ERROR_TYPE, error.size > 0 ? error : SLICE("_OTHER"));
}

/* --- Decisions ---------------------------------------------------------------------------------
 */

void hook_finish_ask(struct mapping *m)
{
    decision_put(m, DECISION_ASK);
    decision_put_source(m, BY_UNKNOWN); /* it is still to be made */
    if (hook_either(m, HOOK_TOOL_NAME, HOOK_TOOL).size > 0)
        (void)hook_put_tool(m);
}

/* Told of the automatic mode only. */
void hook_finish_denied(struct mapping *m)
{
    struct slice reason = hook_text(m, HOOK_REASON);
    decision_put(m, DECISION_DENY);
    decision_put_source(m, BY_AUTO_REVIEWER);
    put_literal(m, KEY_AGENT_DECISION_SCOPE, "once");
    if (reason.size > 0)
        mapping_put_text(m, KEY_AGENT_DECISION_REASON, reason);
    (void)hook_put_tool(m);
}

void hook_finish_reply(struct mapping *m)
{
    struct slice reply = hook_either(m, HOOK_REPLY, HOOK_RESPONSE);
    enum decision_outcome decision = DECISION_UNKNOWN;
    const char *scope = "unknown";
    if (text_equal_nocase(reply, "once") || text_equal_nocase(reply, "always")) {
        decision = DECISION_ALLOW;
        scope = text_equal_nocase(reply, "once") ? "once" : "session";
    } else if (text_equal_nocase(reply, "reject")) {
        decision = DECISION_DENY;
        scope = "once";
    }
    decision_put(m, decision);
    decision_put_source(m, BY_USER);
    put_literal(m, KEY_AGENT_DECISION_SCOPE, scope);
}

void hook_finish_notification(struct mapping *m)
{
    struct slice type = hook_text(m, HOOK_NOTIFICATION_TYPE);
    if (!text_equal_nocase(type, "ToolPermission") && !text_equal_nocase(type, "permission_prompt"))
        return;
    m->kind = KIND_APPROVAL;
    m->phase = PHASE_START;
    m->classification = CLASS_EXACT;
    hook_finish_ask(m);
}

/* --- The agent's surroundings --------------------------------------------------------------------
 */

void hook_finish_subagent(struct mapping *m)
{
    struct slice id = hook_text(m, HOOK_SUBAGENT_ID);
    struct slice type = hook_text(m, HOOK_SUBAGENT_TYPE);
    m->role = ROLE_SUBAGENT;
    if (id.size > 0)
        mapping_put_text(m, KEY_GEN_AI_AGENT_ID, id);
    if (type.size > 0)
        mapping_put_text(m, KEY_GEN_AI_AGENT_NAME, type);
}

void hook_finish_compact(struct mapping *m)
{
    static const struct word_map words[] = {{"auto", "auto"}, {"manual", "manual"}, {NULL, NULL}};
    const char *trigger = find_word(words, hook_text(m, HOOK_TRIGGER));
    put_literal(m, KEY_AGENT_CONTEXT_ACTION, "compact");
    if (trigger != NULL)
        put_literal(m, KEY_AGENT_CONTEXT_TRIGGER, trigger);
}

void hook_finish_instructions(struct mapping *m)
{
    struct slice path = hook_text(m, HOOK_FILE_PATH);
    put_literal(m, KEY_AGENT_CONTEXT_ACTION, "instructions_loaded");
    if (path.size > 0)
        mapping_put_text(m, KEY_FILE_PATH, path);
}

void hook_finish_config(struct mapping *m)
{
    static const struct word_map words[] = {{"user_settings", "user"},
                                            {"project_settings", "project"},
                                            {"local_settings", "local"},
                                            {"policy_settings", "managed"},
                                            {NULL, NULL}};
    struct slice path = hook_text(m, HOOK_FILE_PATH);
    const char *scope = find_word(words, hook_text(m, HOOK_SOURCE));
    if (scope != NULL) {
        put_literal(m, KEY_AGENT_CONFIG_SCOPE, scope);
        if (strcmp(scope, "managed") == 0)
            m->severity = SEVERITY_WARN;
    }
    if (path.size > 0)
        mapping_put_text(m, KEY_FILE_PATH, path);
}

/* Where the agent works has changed, for this session. */
void hook_finish_place(struct mapping *m)
{
    put_literal(m, KEY_AGENT_CONFIG_SCOPE, "session");
}

void hook_finish_file(struct mapping *m)
{
    static const struct word_map words[] = {
        {"add", "create"}, {"change", "update"}, {"unlink", "delete"}, {NULL, NULL}};
    struct slice path = hook_text(m, HOOK_FILE_PATH);
    struct slice event = hook_text(m, HOOK_FILE_EVENT);
    const char *operation = event.size > 0 ? find_word(words, event) : "update";
    put_literal(m, KEY_AGENT_FILE_OPERATION, operation != NULL ? operation : "unknown");
    if (path.size > 0)
        mapping_put_text(m, KEY_FILE_PATH, path);
    put_literal(m, KEY_AGENT_FILE_PATH_SOURCE, path.size > 0 ? "hook" : "none");
}

void hook_finish_elicitation(struct mapping *m)
{
    struct slice action = hook_text(m, HOOK_ACTION);
    put_literal(m, KEY_MCP_METHOD_NAME, "elicitation/create");
    if (action.size == 0)
        return;
    mapping_put_text(m, KEY_AGENT_MCP_ELICITATION_ACTION, action);
    m->outcome = text_equal_nocase(action, "accept")    ? OUTCOME_SUCCESS
                 : text_equal_nocase(action, "decline") ? OUTCOME_DENIED
                 : text_equal_nocase(action, "cancel")  ? OUTCOME_CANCELLED
                                                        : OUTCOME_UNKNOWN;
}

void hook_finish_model(struct mapping *m)
{
    put_literal(m, KEY_GEN_AI_OPERATION_NAME, "generate_content");
    put_literal(m, KEY_GEN_AI_PROVIDER_NAME, "gcp.gen_ai");
}
