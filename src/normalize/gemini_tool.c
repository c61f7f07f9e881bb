/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_tool.c -- tool calls of Gemini CLI and Qwen Code: one record, written when the call is
 * over, with the decision, the outcome and the arguments.
 *
 * `success` says whether the tool machinery worked.  The exit status of a command stands in
 * `metadata` (JSON text of Gemini CLI, a list of key and value of Qwen Code), by Gemini CLI only
 * when it is not 0; where a record cannot have it, a reported success says nothing of the
 * command:
 *
 *   - Gemini CLI driven by an editor writes neither `metadata` nor `content_length`;
 *   - Qwen Code 0.15 reports exit status 3 as success.  Later versions, which write
 *     `execution_status`, report it as an error.
 *
 * A call that was not let through has no decision, and an error type or a sentence that says so;
 * what is read from sentences is marked heuristic.
 */
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/facets.h"
#include "normalize/gemini_events.h"

enum { METADATA_COUNT_MAX = 64, URL_SIZE_MAX = 2048, TOOL_NAME_MAX = 128 };

/* What the two agents do differently. */
struct family {
    bool is_qwen;
    struct slice server_gap; /* in names of MCP tools, between the server and the tool */
};

static const struct family gemini = {false, {(const uint8_t *)"_", 1}};
static const struct family qwen = {true, {(const uint8_t *)"__", 2}};

/* The record as far as it has been looked at. */
struct call {
    const struct family *family;
    struct slice name;
    struct slice arguments;
    enum tool_category category;
    bool is_known; /* the tool, by its name */
    bool is_mcp;
    bool has_success, success;
    bool has_exit, is_error; /* told by the metadata, and so are the lines */
    int64_t exit_code;
    bool has_lines;
    int64_t lines_added, lines_removed;
};

/* --- Kinds of tools ------------------------------------------------------------------------ */

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct {
    struct slice name;
    enum tool_category category;
} tools[] = {
    {NAME("run_shell_command"), TOOL_SHELL},
    {NAME("read_file"), TOOL_FILE_READ},
    {NAME("write_file"), TOOL_FILE_WRITE},
    {NAME("replace"), TOOL_FILE_EDIT},
    {NAME("edit"), TOOL_FILE_EDIT},
    {NAME("list_directory"), TOOL_SEARCH},
    {NAME("glob"), TOOL_SEARCH},
    {NAME("grep_search"), TOOL_SEARCH},
    {NAME("search_file_content"), TOOL_SEARCH},
    {NAME("tool_search"), TOOL_SEARCH},
    {NAME("web_fetch"), TOOL_WEB_FETCH},
    {NAME("google_web_search"), TOOL_WEB_SEARCH},
    {NAME("web_search"), TOOL_WEB_SEARCH},
    {NAME("read_many_files"), TOOL_FILE_READ},
    {NAME("notebook_edit"), TOOL_FILE_EDIT},
    {NAME("exec"), TOOL_SHELL},
    {NAME("read_mcp_resource"), TOOL_MCP},
    {NAME("invoke_agent"), TOOL_SUBAGENT},
    {NAME("agent"), TOOL_SUBAGENT},
    {NAME("create_sub_session"), TOOL_SUBAGENT},
    {NAME("activate_skill"), TOOL_SKILL},
    {NAME("skill"), TOOL_SKILL},
    {NAME("write_todos"), TOOL_PLANNING},
    {NAME("todo_write"), TOOL_PLANNING},
    {NAME("ask_user"), TOOL_ASK_USER},
    {NAME("ask_user_question"), TOOL_ASK_USER},
};

static bool ends_with(struct slice text, struct slice end)
{
    return text.size >= end.size && slice_equal(slice_from(text, text.size - end.size), end);
}

static enum tool_category find_category(const struct call *call, bool *ret_known)
{
    struct slice name = call->name;
    *ret_known = true;
    if (call->is_mcp)
        return TOOL_MCP;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (slice_equal(name, tools[i].name))
            return tools[i].category;
    }
    if (slice_starts_with(name, SLICE("tracker_")) || slice_starts_with(name, SLICE("task_")) ||
        ends_with(name, SLICE("_plan_mode")))
        return TOOL_PLANNING;
    if (slice_starts_with(name, SLICE("team_")))
        return TOOL_SUBAGENT;
    *ret_known = false;
    return TOOL_OTHER;
}

static void put_category(struct mapping *m, const struct call *call)
{
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, call->category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     call->is_mcp     ? SLICE("mcp")
                     : call->is_known ? SLICE("builtin")
                                      : SLICE("unknown"));
}

/* --- Metadata ------------------------------------------------------------------------------ */

static const struct slice metadata_names[] = {
    NAME("exitCode"),          NAME("isError"),
    NAME("model_added_lines"), NAME("model_removed_lines"),
    NAME("user_added_lines"),  NAME("user_removed_lines"),
};
enum { EXIT_CODE, IS_ERROR, MODEL_ADDED, MODEL_REMOVED, USER_ADDED, USER_REMOVED, METADATA_COUNT };
_Static_assert(COUNT_OF(metadata_names) == METADATA_COUNT, "a name for each");

/* Values that are absent stay ANY_TYPE_NONE. */
static void read_metadata_json(struct slice json, struct any_view *values)
{
    struct slice texts[METADATA_COUNT];
    json_find_members(json, metadata_names, METADATA_COUNT, texts);
    for (size_t i = 0; i < METADATA_COUNT; i++) {
        if (texts[i].size > 0)
            values[i] = (struct any_view){.type = ANY_TYPE_STRING, .bytes = texts[i]};
    }
}

static void read_metadata_list(struct slice list, struct any_view *values)
{
    enum { KVLIST_VALUES = 1 };
    struct pb_walk walk = pb_walk_start(list);
    struct pb_field field;
    struct error ignored;
    for (size_t count = 0; count < METADATA_COUNT_MAX && pb_next(&walk, &field) == PB_FIELD;
         count++) {
        struct attribute_view entry;
        if (field.number != KVLIST_VALUES || field.type != WIRE_BYTES ||
            otlp_read_attribute(field.bytes, &entry, &ignored) != ST_OK)
            continue;
        for (size_t i = 0; i < METADATA_COUNT; i++) {
            if (slice_equal(entry.key, metadata_names[i]))
                values[i] = entry.value;
        }
    }
}

/* The sum of two counts of lines; false when neither is there. */
static bool add_lines(const struct any_view *model, const struct any_view *user, int64_t *ret)
{
    int64_t a = 0, b = 0;
    bool has_model = coerce_int(model, &a) && a >= 0;
    bool has_user = coerce_int(user, &b) && b >= 0;
    return (has_model || has_user) &&
           !__builtin_add_overflow(has_model ? a : 0, has_user ? b : 0, ret);
}

static void read_metadata(const struct mapping *m, struct call *call)
{
    const struct any_view *metadata = mapping_source(m, GEMINI_METADATA);
    struct any_view values[METADATA_COUNT] = {{.type = ANY_TYPE_NONE}};
    if (metadata == NULL)
        return;
    if (metadata->type == ANY_TYPE_STRING)
        read_metadata_json(metadata->bytes, values);
    else if (metadata->type == ANY_TYPE_KVLIST)
        read_metadata_list(metadata->bytes, values);
    call->has_exit = coerce_int(&values[EXIT_CODE], &call->exit_code);
    if (!coerce_bool(&values[IS_ERROR], &call->is_error))
        call->is_error = false;
    bool has_added = add_lines(&values[MODEL_ADDED], &values[USER_ADDED], &call->lines_added);
    bool has_removed =
        add_lines(&values[MODEL_REMOVED], &values[USER_REMOVED], &call->lines_removed);
    call->has_lines = has_added && has_removed;
}

/* --- Decisions ----------------------------------------------------------------------------- */

static void be_heuristic(struct mapping *m)
{
    if (m->classification == CLASS_EXACT)
        m->classification = CLASS_HEURISTIC;
}

static void put_decision(struct mapping *m, enum decision_outcome decision,
                         enum decision_source source, struct slice scope)
{
    decision_put(m, decision);
    decision_put_source(m, source);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, scope);
}

/* Tools that the modes which ask do not ask for. */
static bool needs_no_approval(enum tool_category category)
{
    return category == TOOL_FILE_READ || category == TOOL_SEARCH || category == TOOL_PLANNING ||
           category == TOOL_ASK_USER;
}

static bool is_edit(enum tool_category category)
{
    return category == TOOL_FILE_WRITE || category == TOOL_FILE_EDIT;
}

/* Who let the call through: the mode of the session, or somebody who was asked.  Only yolo leaves
 * no doubt. */
static enum decision_source find_permitter(struct mapping *m, const struct call *call)
{
    const struct lineage_thread *thread = gemini_thread(m);
    const struct any_view *value = mapping_source(m, GEMINI_INTERACTIVE);
    bool interactive = true;
    unsigned mode =
        thread != NULL && thread->permission_mode > 0 ? thread->permission_mode - 1U : MODE_UNKNOWN;
    if (mode == MODE_BYPASS)
        return BY_CONFIG;
    be_heuristic(m);
    if (value != NULL && coerce_bool(value, &interactive) && !interactive)
        return BY_CONFIG; /* nobody was there to be asked */
    if (mode == MODE_UNKNOWN)
        return BY_UNKNOWN;
    if (needs_no_approval(call->category) || (mode == MODE_AUTO_EDIT && is_edit(call->category)))
        return BY_CONFIG;
    return mode == MODE_AUTO_REVIEW ? BY_CONFIG : BY_USER;
}

/* Returns whether the record says what was decided. */
static bool put_reported_decision(struct mapping *m, const struct call *call)
{
    struct slice word = mapping_source_text(m, GEMINI_DECISION);
    if (text_is_sentinel(word))
        return false;
    if (text_equal_nocase(word, "accept")) {
        put_decision(m, DECISION_ALLOW, find_permitter(m, call), SLICE("once"));
    } else if (text_equal_nocase(word, "auto_accept")) {
        enum decision_source source = find_permitter(m, call);
        bool always = !call->family->is_qwen && source == BY_USER;
        put_decision(m, DECISION_ALLOW, source, always ? SLICE("session") : SLICE("unknown"));
    } else if (text_equal_nocase(word, "modify")) {
        put_decision(m, DECISION_MODIFY, BY_USER, SLICE("once"));
    } else if (text_equal_nocase(word, "reject")) {
        put_decision(m, DECISION_DENY, BY_USER, SLICE("once"));
    } else {
        put_decision(m, DECISION_UNKNOWN, BY_UNKNOWN, SLICE("unknown"));
    }
    return true;
}

/* --- Outcome ------------------------------------------------------------------------------- */

static struct slice find_error_type(const struct mapping *m)
{
    struct slice type = mapping_source_text(m, GEMINI_ERROR_TYPE);
    return type.size > 0 ? type : mapping_source_text(m, GEMINI_ERROR_DOT_TYPE);
}

static struct slice find_error_text(const struct mapping *m)
{
    struct slice text = mapping_source_text(m, GEMINI_ERROR_DOT_MESSAGE);
    return text.size > 0 ? text : mapping_source_text(m, GEMINI_ERROR);
}

/* The whole text, for that of an MCP server has others in front. */
static bool is_refusal_of_user(struct slice text, struct slice tool)
{
    struct slice before = SLICE("Tool \""), after = SLICE("\" was canceled by the user.");
    return tool.size > 0 && tool.size <= TOOL_NAME_MAX &&
           text.size == before.size + tool.size + after.size && slice_starts_with(text, before) &&
           slice_starts_with(slice_from(text, before.size), tool) && ends_with(text, after);
}

/* Refusals that no decision tells of.  Returns whether it is one. */
static bool put_refusal(struct mapping *m, const struct call *call, struct slice type)
{
    struct slice text = find_error_text(m);
    if (call->has_success && call->success)
        return false;
    if (slice_equal(type, SLICE("policy_violation")) ||
        slice_equal(type, SLICE("permission_denied")) ||
        slice_equal(type, SLICE("execution_denied"))) {
        put_decision(m, DECISION_DENY, BY_CONFIG, SLICE("unknown"));
        return true;
    }
    if (slice_equal(type, SLICE("path_not_in_workspace")) ||
        (slice_equal(type, SLICE("invalid_tool_params")) &&
         slice_starts_with(text, SLICE("Path not in workspace: ")))) {
        be_heuristic(m);
        put_decision(m, DECISION_DENY, BY_CONFIG, SLICE("unknown"));
        return true;
    }
    if (is_refusal_of_user(text, call->name)) {
        be_heuristic(m);
        put_decision(m, DECISION_DENY, BY_USER, SLICE("once"));
        return true;
    }
    return false;
}

static void put_failure(struct mapping *m, struct slice type)
{
    m->outcome = OUTCOME_FAILURE;
    mapping_put_text(m, KEY_ERROR_TYPE, text_is_sentinel(type) ? SLICE("_OTHER") : type);
    gemini_put_error_message(m);
}

/* Of a call that did not succeed. */
static void put_unsuccessful(struct mapping *m, bool has_decision)
{
    struct slice type = find_error_type(m);
    struct slice execution = mapping_source_text(m, GEMINI_EXECUTION_STATUS);
    bool not_started = slice_equal(execution, SLICE("not_started")) ||
                       slice_equal(type, SLICE("tool_not_registered")) ||
                       (slice_equal(type, SLICE("invalid_tool_params")) && !has_decision);
    if (not_started)
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
    else if (has_decision)
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    if (slice_equal(mapping_source_text(m, GEMINI_STATUS), SLICE("cancelled")) ||
        slice_equal(execution, SLICE("cancelled"))) {
        m->outcome = OUTCOME_CANCELLED;
        gemini_put_error_message(m);
    } else {
        put_failure(m, type);
    }
}

static void put_successful(struct mapping *m, const struct call *call)
{
    bool is_qwen = call->family->is_qwen;
    bool tells_exit =
        mapping_source(m, is_qwen ? GEMINI_EXECUTION_STATUS : GEMINI_CONTENT_LENGTH) != NULL;
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    if (call->is_error)
        put_failure(m, find_error_type(m));
    else
        m->outcome =
            call->category == TOOL_SHELL && !tells_exit ? OUTCOME_UNKNOWN : OUTCOME_SUCCESS;
}

/* Returns whether there is a decision in the record. */
static bool put_outcome(struct mapping *m, const struct call *call)
{
    bool has_decision = put_reported_decision(m, call);
    bool is_denied =
        has_decision ? m->outcome == OUTCOME_DENIED : put_refusal(m, call, find_error_type(m));
    if (is_denied) {
        struct slice type = find_error_type(m);
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
        if (!text_is_sentinel(type))
            mapping_put_text(m, KEY_ERROR_TYPE, type);
        gemini_put_error_message(m);
        return true;
    }
    m->outcome = OUTCOME_UNKNOWN;
    if (call->has_exit)
        mapping_put_int(m, KEY_PROCESS_EXIT_CODE, call->exit_code);
    if (call->has_exit && call->exit_code != 0) {
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
        put_failure(m, text_is_sentinel(find_error_type(m)) ? SLICE("nonzero_exit")
                                                            : find_error_type(m));
    } else if (call->has_exit && !call->is_error && call->success) {
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
        m->outcome = OUTCOME_SUCCESS;
    } else if (call->has_success && call->success) {
        put_successful(m, call);
    } else if (call->has_success || !text_is_sentinel(find_error_type(m))) {
        put_unsuccessful(m, has_decision);
    }
    return has_decision;
}

/* --- Facets -------------------------------------------------------------------------------- */

static bool put_text_member(struct mapping *m, enum schema_key key, struct slice json)
{
    struct slice text;
    if (!json_decode_text(json, &m->scratch, &text) || text.size == 0)
        return false;
    mapping_put_text(m, key, text);
    return true;
}

static bool put_shell_facet(struct mapping *m, const struct call *call)
{
    static const struct slice names[] = {NAME("command"), NAME("directory"), NAME("dir_path"),
                                         NAME("is_background")};
    struct slice values[COUNT_OF(names)];
    bool background = false;
    json_find_members(call->arguments, names, COUNT_OF(names), values);
    struct any_view flag = {.type = ANY_TYPE_STRING, .bytes = values[3]};
    (void)put_text_member(m, KEY_PROCESS_WORKING_DIRECTORY, values[values[1].size > 0 ? 1 : 2]);
    if (values[3].size > 0 && coerce_bool(&flag, &background))
        mapping_put_bool(m, KEY_AGENT_COMMAND_BACKGROUND, background);
    return put_text_member(m, KEY_PROCESS_COMMAND_LINE, values[0]);
}

static bool put_file_facet(struct mapping *m, const struct call *call)
{
    static const struct slice names[] = {NAME("file_path"), NAME("absolute_path"), NAME("path"),
                                         NAME("notebook_path")};
    struct slice values[COUNT_OF(names)];
    bool found = false;
    json_find_members(call->arguments, names, COUNT_OF(names), values);
    for (size_t i = 0; i < COUNT_OF(names) && !found; i++)
        found = put_text_member(m, KEY_FILE_PATH, values[i]);
    if (!found)
        return false;
    /* Of a whole file that was written, it is not said whether it was there before; lines that
     * went were. */
    bool was_there =
        call->category == TOOL_FILE_EDIT || (call->has_lines && call->lines_removed > 0);
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION,
                     call->category == TOOL_FILE_READ ? SLICE("read")
                     : was_there                      ? SLICE("update")
                                                      : SLICE("unknown"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("argument"));
    if (call->has_lines) {
        mapping_put_int(m, KEY_AGENT_FILE_LINES_ADDED, call->lines_added);
        mapping_put_int(m, KEY_AGENT_FILE_LINES_REMOVED, call->lines_removed);
    }
    return true;
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

/* The URL that the text begins with, in a sentence or between quotes. */
static struct slice cut_url(struct slice text)
{
    size_t size = 0;
    bool open = false; /* the bracket of an IPv6 address */
    while (size < text.size && text.data[size] > ' ' && !is_one_of(text.data[size], "\"'`<>)}|") &&
           (open || text.data[size] != ']'))
        open |= text.data[size++] == '[';
    while (size > 0 && is_one_of(text.data[size - 1], ".,;:!?"))
        size--;
    return size <= URL_SIZE_MAX ? slice_of(text.data, size) : SLICE_EMPTY;
}

/* The first URL of the text; empty when there is none. */
static struct slice find_url(struct slice text)
{
    const uint8_t *http = text.size > 0 ? memmem(text.data, text.size, "http://", 7) : NULL;
    const uint8_t *https = text.size > 0 ? memmem(text.data, text.size, "https://", 8) : NULL;
    const uint8_t *start = http == NULL || (https != NULL && https < http) ? https : http;
    return start != NULL ? cut_url(slice_from(text, (size_t)(start - text.data))) : SLICE_EMPTY;
}

/* The host of a URL, and its port if it names one (else -1). */
static struct slice find_host(struct slice url, int64_t *ret_port)
{
    const uint8_t *mark = memmem(url.data, url.size, "://", 3);
    struct slice rest = slice_from(url, (size_t)(mark - url.data) + 3);
    size_t size = 0;
    while (size < rest.size && !is_one_of(rest.data[size], "/?#"))
        size++;
    rest.size = size;
    const uint8_t *at = size > 0 ? memrchr(rest.data, '@', rest.size) : NULL;
    if (at != NULL)
        rest = slice_from(rest, (size_t)(at - rest.data) + 1);
    const uint8_t *bracket = rest.size > 0 ? memrchr(rest.data, ']', rest.size) : NULL;
    const uint8_t *colon = rest.size > 0 ? memrchr(rest.data, ':', rest.size) : NULL;
    *ret_port = -1;
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        size_t host_size = (size_t)(colon - rest.data);
        struct any_view port = {.type = ANY_TYPE_STRING, .bytes = slice_from(rest, host_size + 1)};
        if (!coerce_int(&port, ret_port) || *ret_port < 0 || *ret_port > 65535)
            *ret_port = -1;
        rest.size = host_size;
    }
    if (rest.size > 2 && rest.data[0] == '[' && rest.data[rest.size - 1] == ']')
        rest = slice_of(rest.data + 1, rest.size - 2);
    return rest;
}

/* Gemini CLI takes the addresses out of a text, Qwen Code has them apart. */
static bool put_url_facet(struct mapping *m, const struct call *call)
{
    static const struct slice names[] = {NAME("url"), NAME("prompt")};
    struct slice values[COUNT_OF(names)];
    struct slice text;
    int64_t port = -1;
    json_find_members(call->arguments, names, COUNT_OF(names), values);
    if (!json_decode_text(values[values[0].size > 0 ? 0 : 1], &m->scratch, &text))
        return false;
    struct slice url = find_url(text);
    struct slice host = url.size > 0 ? find_host(url, &port) : SLICE_EMPTY;
    if (host.size == 0)
        return false;
    bool is_secure = slice_starts_with(url, SLICE("https:"));
    mapping_put_text(m, KEY_URL_FULL, url);
    mapping_put_text(m, KEY_URL_SCHEME, is_secure ? SLICE("https") : SLICE("http"));
    mapping_put_text(m, KEY_URL_DOMAIN, host);
    mapping_put_text(m, KEY_SERVER_ADDRESS, host);
    mapping_put_int(m, KEY_SERVER_PORT, port >= 0 ? port : is_secure ? 443 : 80);
    return true;
}

/* mcp_SERVER_TOOL, with two strokes of Qwen Code.  Without `mcp_server_name` only two strokes tell
 * where the name of the server ends. */
static void put_mcp_facet(struct mapping *m, const struct call *call)
{
    struct slice gap = call->family->server_gap;
    struct slice server = mapping_source_text(m, GEMINI_MCP_SERVER_NAME);
    struct slice rest = SLICE_EMPTY;
    if (slice_starts_with(call->name, SLICE("mcp")) &&
        slice_starts_with(slice_from(call->name, 3), gap))
        rest = slice_from(call->name, 3 + gap.size);
    if (server.size == 0 && gap.size == 2 && rest.size > 0) {
        const uint8_t *end = memmem(rest.data, rest.size, gap.data, gap.size);
        server = end != NULL ? slice_of(rest.data, (size_t)(end - rest.data)) : SLICE_EMPTY;
    }
    struct slice tool = rest.size == 0 ? call->name : SLICE_EMPTY;
    if (server.size > 0 && slice_starts_with(rest, server) &&
        slice_starts_with(slice_from(rest, server.size), gap))
        tool = slice_from(rest, server.size + gap.size);
    if (server.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_NAME, server);
    if (tool.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_TOOL_NAME, tool);
    mapping_put_text(m, KEY_MCP_METHOD_NAME, SLICE("tools/call"));
}

static struct slice put_facet(struct mapping *m, const struct call *call)
{
    if (call->category == TOOL_SHELL && put_shell_facet(m, call))
        return SLICE("agent.command");
    if ((is_edit(call->category) || call->category == TOOL_FILE_READ) && put_file_facet(m, call))
        return SLICE("agent.file");
    if (call->category == TOOL_WEB_FETCH && put_url_facet(m, call))
        return SLICE("agent.network");
    if (!call->is_mcp)
        return SLICE_EMPTY;
    put_mcp_facet(m, call);
    return SLICE("agent.mcp");
}

/* --- The record ---------------------------------------------------------------------------- */

static void finish(struct mapping *m, const struct family *family)
{
    const struct any_view *success = mapping_source(m, GEMINI_SUCCESS);
    struct call call = {.family = family,
                        .name = mapping_source_text(m, GEMINI_FUNCTION_NAME),
                        .arguments = mapping_source_text(m, GEMINI_FUNCTION_ARGS)};
    const struct lineage_thread *thread = gemini_thread(m);
    struct slice facets[2];
    size_t facet_count = 0;
    call.is_mcp = slice_equal(mapping_source_text(m, GEMINI_TOOL_TYPE), SLICE("mcp"));
    call.category = find_category(&call, &call.is_known);
    call.has_success = success != NULL && coerce_bool(success, &call.success);
    read_metadata(m, &call);

    put_category(m, &call);
    if (thread != NULL && thread->permission_mode > 0)
        mapping_put_word(m, KEY_AGENT_PERMISSION_MODE, thread->permission_mode - 1U);
    if (call.arguments.size > 0)
        mapping_put_int(m, KEY_AGENT_TOOL_INPUT_BYTES, (int64_t)call.arguments.size);
    if (put_outcome(m, &call))
        facets[facet_count++] = SLICE("agent.approval");
    struct slice facet = put_facet(m, &call);
    if (facet.size > 0)
        facets[facet_count++] = facet;
    if (facet_count > 0)
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, facets, facet_count);
}

void gemini_finish_tool_call(struct mapping *m)
{
    finish(m, &gemini);
}

void qwen_finish_tool_call(struct mapping *m)
{
    finish(m, &qwen);
}
