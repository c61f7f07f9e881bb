/* SPDX-License-Identifier: Apache-2.0 */
/* hook_tool.c -- hooks around a tool call: which kind of tool, what it was given, how it ended.
 *
 * No agent's hook tells the exit status of a command in a field of its own that all have; where
 * none is told, a shell command that was not said to have failed is `unknown` for agents whose
 * hook comes whatever the status (Codex, Gemini, Cursor) and a success for Claude Code, which has
 * another event for failures. */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/facets.h"
#include "normalize/hook_events.h"

static const struct {
    const char *name;
    enum tool_category category;
} tools[] = {
    {"Bash", TOOL_SHELL},
    {"PowerShell", TOOL_SHELL},
    {"Shell", TOOL_SHELL},
    {"bash", TOOL_SHELL},
    {"shell", TOOL_SHELL},
    {"exec_command", TOOL_SHELL},
    {"write_stdin", TOOL_SHELL},
    {"run_shell_command", TOOL_SHELL},
    {"Read", TOOL_FILE_READ},
    {"read", TOOL_FILE_READ},
    {"read_file", TOOL_FILE_READ},
    {"read_many_files", TOOL_FILE_READ},
    {"view_image", TOOL_FILE_READ},
    {"Write", TOOL_FILE_WRITE},
    {"write", TOOL_FILE_WRITE},
    {"write_file", TOOL_FILE_WRITE},
    {"Edit", TOOL_FILE_EDIT},
    {"edit", TOOL_FILE_EDIT},
    {"NotebookEdit", TOOL_FILE_EDIT},
    {"replace", TOOL_FILE_EDIT},
    {"apply_patch", TOOL_FILE_EDIT},
    {"Delete", TOOL_FILE_DELETE},
    {"Glob", TOOL_SEARCH},
    {"Grep", TOOL_SEARCH},
    {"glob", TOOL_SEARCH},
    {"grep", TOOL_SEARCH},
    {"grep_search", TOOL_SEARCH},
    {"list_directory", TOOL_SEARCH},
    {"tool_search", TOOL_SEARCH},
    {"WebFetch", TOOL_WEB_FETCH},
    {"webfetch", TOOL_WEB_FETCH},
    {"web_fetch", TOOL_WEB_FETCH},
    {"WebSearch", TOOL_WEB_SEARCH},
    {"web_search", TOOL_WEB_SEARCH},
    {"google_web_search", TOOL_WEB_SEARCH},
    {"Agent", TOOL_SUBAGENT},
    {"Task", TOOL_SUBAGENT},
    {"task", TOOL_SUBAGENT},
    {"spawn_agent", TOOL_SUBAGENT},
    {"invoke_agent", TOOL_SUBAGENT},
    {"Skill", TOOL_SKILL},
    {"activate_skill", TOOL_SKILL},
    {"TodoWrite", TOOL_PLANNING},
    {"TaskCreate", TOOL_PLANNING},
    {"TaskUpdate", TOOL_PLANNING},
    {"TaskList", TOOL_PLANNING},
    {"ExitPlanMode", TOOL_PLANNING},
    {"update_plan", TOOL_PLANNING},
    {"write_todos", TOOL_PLANNING},
    {"todowrite", TOOL_PLANNING},
    {"AskUserQuestion", TOOL_ASK_USER},
    {"ask_user", TOOL_ASK_USER},
    {"request_user_input", TOOL_ASK_USER},
    {"mcp_tool", TOOL_MCP},
    {"read_mcp_resource", TOOL_MCP},
};

static bool is_event(const struct mapping *m, const char *name)
{
    return slice_equal(hook_text(m, HOOK_EVENT_NAME), slice_of_text(name));
}

static struct slice tool_name(const struct mapping *m)
{
    return hook_either(m, HOOK_TOOL_NAME, HOOK_TOOL);
}

static bool is_mcp(const struct mapping *m)
{
    struct slice name = tool_name(m);
    return slice_starts_with(name, SLICE("mcp__")) || slice_starts_with(name, SLICE("MCP:")) ||
           hook_has(m, HOOK_MCP_SERVER) || is_event(m, "beforeMCPExecution") ||
           is_event(m, "afterMCPExecution");
}

static enum tool_category find_category(const struct mapping *m, bool *ret_known)
{
    struct slice name = tool_name(m);
    *ret_known = true;
    if (is_mcp(m))
        return TOOL_MCP;
    if (is_event(m, "beforeShellExecution") || is_event(m, "afterShellExecution"))
        return TOOL_SHELL;
    if (is_event(m, "beforeReadFile") || is_event(m, "beforeTabFileRead"))
        return TOOL_FILE_READ;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (slice_equal(name, slice_of_text(tools[i].name)))
            return tools[i].category;
    }
    *ret_known = false;
    return TOOL_OTHER;
}

/* --- Facets -------------------------------------------------------------------------------- */

static bool put_command_facet(struct mapping *m)
{
    struct slice words[256];
    struct slice line;
    size_t count = 0;
    const struct any_view *value = mapping_source(m, HOOK_INPUT_COMMAND);
    if (value == NULL)
        value = mapping_source(m, HOOK_ARGS_COMMAND);
    if (value == NULL)
        value = mapping_source(m, HOOK_COMMAND);
    if (value == NULL)
        return false;
    if (value->type == ANY_TYPE_STRING) {
        mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, value->bytes);
    } else if (value->type == ANY_TYPE_BYTES && m->input->hook->is_json &&
               json_decode_texts(value->bytes, &m->scratch, words, COUNT_OF(words), &count) &&
               shell_join(words, count, &m->scratch, &line)) {
        mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, line);
        mapping_put_texts(m, KEY_PROCESS_COMMAND_ARGS, words, count);
    } else {
        mapping_error(m, SLICE("tool_input.command"));
        return false;
    }
    if (hook_has(m, HOOK_INPUT_BACKGROUND))
        mapping_put_bool(m, KEY_AGENT_COMMAND_BACKGROUND,
                         mapping_source_true(m, HOOK_INPUT_BACKGROUND));
    if (hook_has(m, HOOK_SANDBOX))
        mapping_put_bool(m, KEY_AGENT_COMMAND_SANDBOXED, mapping_source_true(m, HOOK_SANDBOX));
    return true;
}

static struct slice find_path(const struct mapping *m)
{
    static const enum hook_source places[] = {HOOK_INPUT_FILE_PATH, HOOK_INPUT_NOTEBOOK_PATH,
                                              HOOK_INPUT_PATH, HOOK_ARGS_FILE_PATH, HOOK_FILE_PATH};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct slice path = hook_text(m, places[i]);
        if (path.size > 0)
            return path;
    }
    return SLICE_EMPTY;
}

/* The patch is the tool's whole input, or a member of it. */
static bool put_patch_facet(struct mapping *m, enum tool_category *category)
{
    static const enum hook_source places[] = {HOOK_INPUT_PATCH, HOOK_INPUT_INPUT,
                                              HOOK_INPUT_COMMAND, HOOK_TOOL_INPUT};
    static const char *const operations[] = {
        [PATCH_ADD] = "create", [PATCH_UPDATE] = "update", [PATCH_DELETE] = "delete"};
    struct patch patch;
    bool found = false;
    for (size_t i = 0; i < COUNT_OF(places) && !found; i++)
        found = patch_read(hook_text(m, places[i]), &patch);
    if (!found)
        return false;
    *category = patch.first == PATCH_ADD      ? TOOL_FILE_WRITE
                : patch.first == PATCH_DELETE ? TOOL_FILE_DELETE
                                              : TOOL_FILE_EDIT;
    mapping_put_text(m, KEY_FILE_PATH, patch.paths[0]);
    mapping_put_text(
        m, KEY_AGENT_FILE_OPERATION,
        slice_of_text(patch.first_previous.size > 0 ? "rename" : operations[patch.first]));
    if (patch.first_previous.size > 0)
        mapping_put_text(m, KEY_AGENT_FILE_PATH_PREVIOUS, patch.first_previous);
    if (patch.path_count > 1)
        mapping_put_texts(m, KEY_AGENT_FILE_PATHS, patch.paths, patch.path_count);
    if (patch.has_more)
        mapping_error(m, SLICE("agent.file.paths"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("patch"));
    return true;
}

static bool put_file_facet(struct mapping *m, enum tool_category category)
{
    struct slice path = find_path(m);
    if (path.size == 0)
        return false;
    mapping_put_text(m, KEY_FILE_PATH, path);
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION,
                     category == TOOL_FILE_READ     ? SLICE("read")
                     : category == TOOL_FILE_WRITE  ? SLICE("create")
                     : category == TOOL_FILE_DELETE ? SLICE("delete")
                                                    : SLICE("update"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("argument"));
    return true;
}

static bool put_url_facet(struct mapping *m)
{
    struct slice url = hook_text(m, HOOK_INPUT_URL);
    if (url.size == 0)
        return false;
    mapping_put_text(m, KEY_URL_FULL, url);
    const uint8_t *sign = memmem(url.data, url.size, "://", 3);
    if (sign == NULL)
        return true;
    size_t start = (size_t)(sign - url.data) + 3;
    struct slice host = slice_from(url, start);
    size_t size = 0;
    while (size < host.size && strchr("/?#", host.data[size]) == NULL)
        size++;
    host.size = size;
    const uint8_t *at = host.size > 0 ? memrchr(host.data, '@', host.size) : NULL;
    if (at != NULL)
        host = slice_from(host, (size_t)(at - host.data) + 1);
    const uint8_t *colon =
        host.size > 0 && host.data[0] != '[' ? memchr(host.data, ':', host.size) : NULL;
    if (colon != NULL)
        host.size = (size_t)(colon - host.data);
    if (host.size == 0)
        return true;
    mapping_put_text(m, KEY_URL_DOMAIN, host);
    mapping_put_text(m, KEY_SERVER_ADDRESS, host);
    return true;
}

/* mcp__SERVER__TOOL, MCP:TOOL, or as the hook says. */
static void put_mcp_facet(struct mapping *m)
{
    struct slice name = tool_name(m);
    struct slice server = hook_text(m, HOOK_MCP_SERVER);
    struct slice origin = hook_either(m, HOOK_MCP_URL, HOOK_MCP_COMMAND);
    if (origin.size == 0 && !hook_has(m, HOOK_INPUT_COMMAND))
        origin = hook_either(m, HOOK_URL, HOOK_COMMAND);
    if (slice_starts_with(name, SLICE("mcp__"))) {
        struct slice rest = slice_from(name, 5);
        const uint8_t *gap = rest.size > 0 ? memmem(rest.data, rest.size, "__", 2) : NULL;
        if (gap != NULL) {
            struct slice said = slice_of(rest.data, (size_t)(gap - rest.data));
            name = slice_from(rest, said.size + 2);
            server = server.size > 0 ? server : said;
        }
    } else if (slice_starts_with(name, SLICE("MCP:"))) {
        name = slice_from(name, 4);
    }
    if (hook_text(m, HOOK_MCP_TOOL).size > 0)
        name = hook_text(m, HOOK_MCP_TOOL);
    if (server.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_NAME, server);
    if (origin.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_ORIGIN, origin);
    if (name.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_TOOL_NAME, name);
    mapping_put_text(m, KEY_MCP_METHOD_NAME, SLICE("tools/call"));
}

static struct slice put_facet(struct mapping *m, enum tool_category *category)
{
    switch (*category) {
    case TOOL_SHELL:
        return put_command_facet(m) ? SLICE("agent.command") : SLICE_EMPTY;
    case TOOL_FILE_READ:
    case TOOL_FILE_WRITE:
    case TOOL_FILE_EDIT:
    case TOOL_FILE_DELETE:
        return put_patch_facet(m, category) || put_file_facet(m, *category) ? SLICE("agent.file")
                                                                            : SLICE_EMPTY;
    case TOOL_WEB_FETCH:
        return put_url_facet(m) ? SLICE("agent.network") : SLICE_EMPTY;
    case TOOL_MCP:
        put_mcp_facet(m);
        return SLICE("agent.mcp");
    default:
        return SLICE_EMPTY;
    }
}

enum tool_category hook_put_tool(struct mapping *m)
{
    bool known = false;
    enum tool_category category = find_category(m, &known);
    struct slice name = tool_name(m);
    if (name.size == 0 && category == TOOL_SHELL)
        name = SLICE("Shell"); /* as Cursor calls it elsewhere */
    if (name.size == 0 && category == TOOL_FILE_READ)
        name = SLICE("Read");
    if (name.size > 0)
        mapping_put_text(m, KEY_GEN_AI_TOOL_NAME, name);
    struct slice facet = put_facet(m, &category);
    if (facet.size > 0)
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     is_mcp(m) ? SLICE("mcp")
                     : known   ? SLICE("builtin")
                               : SLICE("unknown"));
    return category;
}

/* --- Arguments and results ---------------------------------------------------------------------
 */

/* What was given or came back: its size, and its text if it is short enough. */
static void put_content(struct mapping *m, const struct any_view *value, enum schema_key text_key,
                        enum schema_key size_key)
{
    if (value == NULL || (value->type != ANY_TYPE_STRING && value->type != ANY_TYPE_BYTES))
        return;
    bool is_text = value->type == ANY_TYPE_STRING || m->input->hook->is_json;
    mapping_put_int(m, size_key, (int64_t)value->bytes.size);
    if (is_text && value->bytes.size <= MAPPING_COPY_MAX)
        mapping_put_text(m, text_key, value->bytes);
}

static const struct any_view *first_of(const struct mapping *m, const enum hook_source *places,
                                       size_t count)
{
    const struct any_view *value = NULL;
    for (size_t i = 0; i < count && value == NULL; i++)
        value = mapping_source(m, (uint8_t)places[i]);
    return value;
}

static enum tool_category put_call(struct mapping *m)
{
    static const enum hook_source arguments[] = {HOOK_TOOL_INPUT, HOOK_ARGS};
    enum tool_category category = hook_put_tool(m);
    put_content(m, first_of(m, arguments, COUNT_OF(arguments)), KEY_GEN_AI_TOOL_CALL_ARGUMENTS,
                KEY_AGENT_TOOL_INPUT_BYTES);
    return category;
}

static void put_result(struct mapping *m)
{
    static const enum hook_source results[] = {HOOK_TOOL_RESPONSE, HOOK_TOOL_OUTPUT,
                                               HOOK_RESULT_JSON, HOOK_OUTPUT};
    put_content(m, first_of(m, results, COUNT_OF(results)), KEY_GEN_AI_TOOL_CALL_RESULT,
                KEY_AGENT_TOOL_OUTPUT_BYTES);
}

/* --- Outcome -----------------------------------------------------------------------------------
 */

static bool put_exit_code(struct mapping *m)
{
    static const enum hook_source places[] = {HOOK_RESPONSE_EXIT_CODE,
                                              HOOK_RESPONSE_EXIT_CODE_CAMEL, HOOK_EXIT_CODE};
    const struct any_view *value = first_of(m, places, COUNT_OF(places));
    int64_t code = 0;
    if (value == NULL || !coerce_int(value, &code))
        return false;
    mapping_put_int(m, KEY_PROCESS_EXIT_CODE, code);
    m->outcome = code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (code != 0)
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("nonzero_exit"));
    return true;
}

void hook_finish_tool_start(struct mapping *m)
{
    (void)put_call(m);
}

static void finish_end(struct mapping *m, bool failures_differ)
{
    enum tool_category category = put_call(m);
    struct slice error = hook_text(m, HOOK_RESPONSE_ERROR);
    put_result(m);
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    if (mapping_source_true(m, HOOK_RESPONSE_INTERRUPTED)) {
        m->outcome = OUTCOME_CANCELLED;
    } else if (put_exit_code(m)) {
        return;
    } else if (hook_has(m, HOOK_RESPONSE_ERROR)) {
        m->outcome = OUTCOME_FAILURE;
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
        if (error.size > 0)
            mapping_put_text(m, KEY_AGENT_ERROR_MESSAGE, error);
    } else if (category != TOOL_SHELL || failures_differ) {
        m->outcome = OUTCOME_SUCCESS;
    }
}

void hook_finish_tool_end(struct mapping *m)
{
    finish_end(m, false);
}

void hook_finish_tool_success(struct mapping *m)
{
    finish_end(m, true);
}

static void put_denial(struct mapping *m)
{
    decision_put(m, DECISION_DENY);
    decision_put_source(m, BY_UNKNOWN);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
}

void hook_finish_tool_failure(struct mapping *m)
{
    struct slice type = hook_text(m, HOOK_FAILURE_TYPE);
    struct slice error = hook_either(m, HOOK_ERROR, HOOK_ERROR_MESSAGE);
    (void)put_call(m);
    if (error.size > 0)
        mapping_put_text(m, KEY_AGENT_ERROR_MESSAGE, error);
    if (mapping_source_true(m, HOOK_IS_INTERRUPT)) {
        m->outcome = OUTCOME_CANCELLED;
        return;
    }
    if (text_equal_nocase(type, "permission_denied")) {
        put_denial(m);
        return;
    }
    if (put_exit_code(m) && m->outcome == OUTCOME_FAILURE)
        return;
    m->outcome = text_equal_nocase(type, "timeout") ? OUTCOME_TIMEOUT : OUTCOME_FAILURE;
    mapping_put_text(m, KEY_ERROR_TYPE, type.size > 0 ? type : SLICE("_OTHER"));
}
