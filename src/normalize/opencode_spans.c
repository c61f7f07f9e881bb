/* SPDX-License-Identifier: Apache-2.0 */
/* opencode_spans.c -- what only spans of opencode say (seen of version 1.18.33): that a tool was
 * called and how it ended, and what a request to the model used.
 *
 * A call is in two spans, and which of them there are depends on the user's configuration:
 *
 *   Tool.execute   always; the tool, the ids, how it ended, but not what it was given
 *   ai.toolCall    with experimental.openTelemetry: arguments and result as well
 *
 * So the first is the agent.tool event, and the second the event of what was done to the machine:
 * agent.command, agent.file or agent.network, with the id of the call.  Nothing is told twice, and
 * neither needs to know of the other.
 */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/opencode.h"
#include "normalize/span_dialects.h"

enum {
    TOOL_NAME,
    TOOL_CALL_ID,
    SESSION_ID,
    AI_TOOL_NAME,
    AI_TOOL_ID,
    AI_TOOL_ARGS,
    AI_TOOL_RESULT,
    GEN_AI_SYSTEM,
    GEN_AI_REQUEST_MODEL,
    GEN_AI_RESPONSE_MODEL,
    GEN_AI_RESPONSE_ID,
    GEN_AI_RESPONSE_FINISH_REASONS,
    GEN_AI_USAGE_INPUT_TOKENS,
    GEN_AI_USAGE_OUTPUT_TOKENS,
    AI_USAGE_CACHED,
    AI_USAGE_REASONING,
    AI_USAGE_TOTAL,
    AI_FIRST_CHUNK,
    SOURCE_COUNT
};

static const char *const sources[SOURCE_COUNT] = {
    [TOOL_NAME] = "tool.name",
    [TOOL_CALL_ID] = "tool.call_id",
    [SESSION_ID] = "session.id",
    [AI_TOOL_NAME] = "ai.toolCall.name",
    [AI_TOOL_ID] = "ai.toolCall.id",
    [AI_TOOL_ARGS] = "ai.toolCall.args",
    [AI_TOOL_RESULT] = "ai.toolCall.result",
    [GEN_AI_SYSTEM] = "gen_ai.system",
    [GEN_AI_REQUEST_MODEL] = "gen_ai.request.model",
    [GEN_AI_RESPONSE_MODEL] = "gen_ai.response.model",
    [GEN_AI_RESPONSE_ID] = "gen_ai.response.id",
    [GEN_AI_RESPONSE_FINISH_REASONS] = "gen_ai.response.finish_reasons",
    [GEN_AI_USAGE_INPUT_TOKENS] = "gen_ai.usage.input_tokens",
    [GEN_AI_USAGE_OUTPUT_TOKENS] = "gen_ai.usage.output_tokens",
    [AI_USAGE_CACHED] = "ai.usage.cachedInputTokens",
    [AI_USAGE_REASONING] = "ai.usage.reasoningTokens",
    [AI_USAGE_TOTAL] = "ai.usage.totalTokens",
    [AI_FIRST_CHUNK] = "ai.response.msToFirstChunk",
};

static const struct rule tool_rules[] = {
    {TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {TOOL_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
};

static const struct rule deed_rules[] = {
    {AI_TOOL_NAME, RULE_TEXT, KEY_GEN_AI_TOOL_NAME, NULL},
    {AI_TOOL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {AI_TOOL_ARGS, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_ARGUMENTS, NULL},
    {AI_TOOL_RESULT, RULE_CONTENT, KEY_GEN_AI_TOOL_CALL_RESULT, NULL},
};

static const struct rule model_rules[] = {
    {GEN_AI_SYSTEM, RULE_WORD_OR_TEXT, KEY_GEN_AI_PROVIDER_NAME, opencode_providers},
    {GEN_AI_REQUEST_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {GEN_AI_RESPONSE_MODEL, RULE_TEXT, KEY_GEN_AI_RESPONSE_MODEL, NULL},
    {GEN_AI_RESPONSE_ID, RULE_TEXT, KEY_GEN_AI_RESPONSE_ID, NULL},
    {GEN_AI_USAGE_INPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {GEN_AI_USAGE_OUTPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {AI_USAGE_CACHED, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {AI_USAGE_REASONING, RULE_INT, KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, NULL},
    {AI_USAGE_TOTAL, RULE_INT, KEY_AGENT_USAGE_TOTAL_TOKENS, NULL},
    {AI_FIRST_CHUNK, RULE_SECONDS, KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, NULL},
};

/* --- How a call ended ------------------------------------------------------------------------ */

/* The outcome of a span with an error; false: it has none. */
static bool put_error(struct mapping *m)
{
    struct slice type = m->span->exception_type;
    if (!span_failed(m))
        return false;
    if (slice_starts_with(type, SLICE("Permission"))) { /* ...DeniedError and so on */
        m->outcome = OUTCOME_DENIED;
        return true;
    }
    if (slice_equal(type, SLICE("AbortError")))
        m->outcome = OUTCOME_CANCELLED;
    else
        span_put_failure(m);
    return true;
}

static void finish_tool(struct mapping *m)
{
    struct slice name = mapping_source_text(m, TOOL_NAME);
    bool builtin = false;
    opencode_put_tool(m, name);
    span_put_parent_call(m);
    if (put_error(m)) {
        if (m->outcome == OUTCOME_DENIED)
            mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
    } else if (slice_equal(name, SLICE("invalid"))) { /* stands in for one that is none */
        m->outcome = OUTCOME_FAILURE;
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("invalid_call"));
    } else {
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
        mapping_put_bool(m, KEY_AGENT_TOOL_REPORTED_SUCCESS, true);
        if (opencode_category(name, &builtin) != TOOL_SHELL)
            m->outcome = OUTCOME_SUCCESS;
    }
}

/* --- What was done --------------------------------------------------------------------------- */

static struct slice argument(struct mapping *m, const char *name)
{
    const struct slice key = slice_of_text(name);
    struct slice value, text;
    json_find_members(mapping_source_text(m, AI_TOOL_ARGS), &key, 1, &value);
    return json_decode_text(value, &m->scratch, &text) ? text : SLICE_EMPTY;
}

/* A member of the result's `metadata`. */
static struct slice metadata(const struct mapping *m, const char *name)
{
    const struct slice outer = SLICE("metadata"), key = slice_of_text(name);
    struct slice object, value;
    json_find_members(mapping_source_text(m, AI_TOOL_RESULT), &outer, 1, &object);
    json_find_members(object, &key, 1, &value);
    return value;
}

static void put_deed(struct mapping *m)
{
    opencode_put_tool(m, mapping_source_text(m, AI_TOOL_NAME));
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE,
                     mapping_source_text(m, AI_TOOL_RESULT).size > 0 ? CONTENT_PRESENT
                                                                     : CONTENT_ABSENT);
}

static void finish_command(struct mapping *m)
{
    struct slice command = argument(m, "command");
    struct slice directory = argument(m, "workdir");
    struct any_view exit_text = {.type = ANY_TYPE_STRING, .bytes = metadata(m, "exit")};
    int64_t exit_code = 0;
    put_deed(m);
    if (command.size > 0)
        mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, command);
    if (directory.size > 0)
        mapping_put_text(m, KEY_PROCESS_WORKING_DIRECTORY, directory);
    if (put_error(m) || !coerce_int(&exit_text, &exit_code))
        return;
    mapping_put_int(m, KEY_PROCESS_EXIT_CODE, exit_code);
    m->outcome = exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (exit_code != 0)
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("nonzero_exit"));
}

static struct slice file_operation(const struct mapping *m)
{
    bool builtin = false;
    enum tool_category category = opencode_category(mapping_source_text(m, AI_TOOL_NAME), &builtin);
    if (category == TOOL_FILE_READ)
        return SLICE("read");
    if (category == TOOL_FILE_EDIT)
        return SLICE("update");
    struct slice exists = metadata(m, "exists"); /* before it was written */
    return slice_equal(exists, SLICE("false"))  ? SLICE("create")
           : slice_equal(exists, SLICE("true")) ? SLICE("update")
                                                : SLICE("unknown");
}

static void finish_file(struct mapping *m)
{
    struct slice path = argument(m, "filePath");
    struct patch patch;
    put_deed(m);
    if (path.size == 0 && patch_read(argument(m, "patchText"), &patch)) {
        codex_put_patch(m, &patch);
    } else {
        if (path.size > 0)
            mapping_put_text(m, KEY_FILE_PATH, path);
        mapping_put_text(m, KEY_AGENT_FILE_OPERATION, file_operation(m));
        mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE,
                         path.size > 0 ? SLICE("argument") : SLICE("none"));
    }
    if (!put_error(m))
        m->outcome = OUTCOME_SUCCESS;
}

static void finish_network(struct mapping *m)
{
    struct slice url = argument(m, "url");
    put_deed(m);
    if (url.size > 0)
        opencode_put_url(m, url);
    if (!put_error(m))
        m->outcome = OUTCOME_SUCCESS;
}

static void finish_model(struct mapping *m)
{
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
}

static void finish_common(struct mapping *m)
{
    struct slice id = mapping_source_text(m, SESSION_ID);
    if (!text_is_sentinel(id)) {
        lineage_note_trace(m->lineage, m->record.trace_id, id);
        opencode_put_session(m, id);
    }
}

/* --- Tables ---------------------------------------------------------------------------------- */

#define RULES(table) (table), COUNT_OF(table)

enum { TOOL_EXECUTE, AI_TOOL_CALL, AI_STREAM };

static const struct dialect_event events[] = {
    [TOOL_EXECUTE] =
        {"Tool.execute", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
         finish_tool,
         "An error whose exception is `Permission...` is denied, AbortError cancelled, "
         "another a failure. A shell command that returned is `unknown`, for it may "
         "have failed; its exit status is on the agent.command event. A tool "
         "`invalid` stands in for a call that could not be made."},
    [AI_TOOL_CALL] = {"ai.toolCall", KIND_COMMAND, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
                      RULES(deed_rules), finish_command,
                      "Of the tool bash: `command` and `workdir` of the arguments, `metadata.exit` "
                      "of the result."},
    [AI_STREAM] = {"ai.streamText.doStream", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT,
                   RULES(model_rules), finish_model,
                   "Not those with an error: the log record `stream error` says it."},
};

static const struct dialect_event file_event = {
    "ai.toolCall",
    KIND_FILE,
    PHASE_POINT,
    OUTCOME_UNKNOWN,
    CLASS_EXACT,
    RULES(deed_rules),
    finish_file,
    "Of read, write, edit and the like: `filePath` of the arguments, or the headers of the patch "
    "`patchText`; `metadata.exists` of the "
    "result tells whether the file was made."};
static const struct dialect_event network_event = {
    "ai.toolCall", KIND_NETWORK,      PHASE_POINT,    OUTCOME_UNKNOWN,
    CLASS_EXACT,   RULES(deed_rules), finish_network, "Of webfetch: `url` of the arguments."};
static const struct dialect_event *const refined[] = {&file_event, &network_event};

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    if (event == &events[AI_STREAM])
        return span_failed(m) ? NULL : event;
    if (event != &events[AI_TOOL_CALL])
        return event;
    bool builtin = false;
    switch (opencode_category(mapping_source_text(m, AI_TOOL_NAME), &builtin)) {
    case TOOL_SHELL:
        return event;
    case TOOL_FILE_READ:
    case TOOL_FILE_WRITE:
    case TOOL_FILE_EDIT:
        return &file_event;
    case TOOL_WEB_FETCH:
        return &network_event;
    default:
        return NULL;
    }
}

const struct dialect span_dialect_opencode = {
    .name = "opencode_otel",
    .product = "opencode",
    .sources = sources,
    .source_count = COUNT_OF(sources),
    .events = events,
    .event_count = COUNT_OF(events),
    .refine = refine,
    .refined = refined,
    .refined_count = COUNT_OF(refined),
    .finish = finish_common,
    .note = "gen_ai.conversation.id is the attribute `session.id`, and session.id the session at "
            "the root, as far as it is known.",
};
