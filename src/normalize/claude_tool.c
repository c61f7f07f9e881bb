/* SPDX-License-Identifier: Apache-2.0 */
/* claude_tool.c -- the tool that a decision or a result of Claude Code is about: which kind it is,
 * and what it was given.
 *
 * `tool_input` is what the tool was given, `tool_parameters` a selection under other names; both
 * are JSON texts, there only if the user lets them be sent.  Values of the former are cut at 512
 * characters, so that the end of a command would be missing: the longer command counts.
 */
#include "normalize/claude_events.h"
#include "normalize/coerce.h"
#include "normalize/facets.h"
#include "normalize/url_facet.h"

/* --- Kinds of tools ---------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum tool_category category;
} tools[] = {
    {"Bash", TOOL_SHELL},
    {"PowerShell", TOOL_SHELL},
    {"WorkspaceBash", TOOL_SHELL},
    {"Read", TOOL_FILE_READ},
    {"Write", TOOL_FILE_WRITE},
    {"Edit", TOOL_FILE_EDIT},
    {"MultiEdit", TOOL_FILE_EDIT},
    {"NotebookEdit", TOOL_FILE_EDIT},
    {"Glob", TOOL_SEARCH},
    {"Grep", TOOL_SEARCH},
    {"WebFetch", TOOL_WEB_FETCH},
    {"WebSearch", TOOL_WEB_SEARCH},
    {"mcp_tool", TOOL_MCP},
    {"Agent", TOOL_SUBAGENT},
    {"Task", TOOL_SUBAGENT},
    {"Skill", TOOL_SKILL},
    {"TodoWrite", TOOL_PLANNING},
    {"TaskCreate", TOOL_PLANNING},
    {"TaskUpdate", TOOL_PLANNING},
    {"TaskList", TOOL_PLANNING},
    {"ExitPlanMode", TOOL_PLANNING},
    {"AskUserQuestion", TOOL_ASK_USER},
};

static bool is_from_server(const struct mapping *m)
{
    struct slice source = mapping_source_text(m, CLAUDE_TOOL_SOURCE);
    struct slice name = mapping_source_text(m, CLAUDE_TOOL_NAME);
    return slice_starts_with(name, SLICE("mcp__")) || slice_equal(name, SLICE("mcp_tool")) ||
           slice_equal(source, SLICE("mcp")) || slice_equal(source, SLICE("sdk_host_builtin_mcp"));
}

static enum tool_category put_category(struct mapping *m)
{
    struct slice name = mapping_source_text(m, CLAUDE_TOOL_NAME);
    bool from_server = is_from_server(m);
    bool known = slice_equal(mapping_source_text(m, CLAUDE_TOOL_SOURCE), SLICE("builtin"));
    enum tool_category category = from_server ? TOOL_MCP : TOOL_OTHER;
    for (size_t i = 0; i < COUNT_OF(tools) && !from_server; i++) {
        if (slice_equal(name, slice_of_text(tools[i].name))) {
            category = tools[i].category;
            known = true;
        }
    }
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     from_server ? SLICE("mcp")
                     : known     ? SLICE("builtin")
                                 : SLICE("unknown"));
    return category;
}

/* --- Arguments ------------------------------------------------------------------------------- */

enum argument {
    ARG_COMMAND,
    ARG_TIMEOUT,
    ARG_BACKGROUND,
    ARG_NO_SANDBOX,
    ARG_FILE,
    ARG_NOTEBOOK,
    ARG_URL,
    ARG_AGENT,
    ARG_COUNT
};

enum parameter {
    PARAM_COMMAND,
    PARAM_TIMEOUT,
    PARAM_NO_SANDBOX,
    PARAM_SERVER,
    PARAM_TOOL,
    PARAM_SKILL,
    PARAM_AGENT,
    PARAM_COUNT
};

/* The values as they stand in the JSON; empty where they do not. */
struct arguments {
    struct slice input[ARG_COUNT];
    struct slice parameters[PARAM_COUNT];
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static void read_arguments(const struct mapping *m, struct arguments *ret)
{
    static const struct slice input_names[ARG_COUNT] = {
        [ARG_COMMAND] = NAME("command"),
        [ARG_TIMEOUT] = NAME("timeout"),
        [ARG_BACKGROUND] = NAME("run_in_background"),
        [ARG_NO_SANDBOX] = NAME("dangerouslyDisableSandbox"),
        [ARG_FILE] = NAME("file_path"),
        [ARG_NOTEBOOK] = NAME("notebook_path"),
        [ARG_URL] = NAME("url"),
        [ARG_AGENT] = NAME("subagent_type"),
    };
    static const struct slice parameter_names[PARAM_COUNT] = {
        [PARAM_COMMAND] = NAME("full_command"),
        [PARAM_TIMEOUT] = NAME("timeout"),
        [PARAM_NO_SANDBOX] = NAME("dangerouslyDisableSandbox"),
        [PARAM_SERVER] = NAME("mcp_server_name"),
        [PARAM_TOOL] = NAME("mcp_tool_name"),
        [PARAM_SKILL] = NAME("skill_name"),
        [PARAM_AGENT] = NAME("subagent_type"),
    };
    json_find_members(mapping_source_text(m, CLAUDE_TOOL_INPUT), input_names, ARG_COUNT,
                      ret->input);
    json_find_members(mapping_source_text(m, CLAUDE_TOOL_PARAMETERS), parameter_names, PARAM_COUNT,
                      ret->parameters);
}

static struct slice either(struct slice first, struct slice second)
{
    return first.size > 0 ? first : second;
}

/* Writes what a JSON string means; false: it is none, or empty. */
static bool put_json_text(struct mapping *m, enum schema_key key, struct slice json)
{
    struct slice text;
    if (!json_decode_text(json, &m->scratch, &text) || text.size == 0)
        return false;
    mapping_put_text(m, key, text);
    return true;
}

/* Numbers and booleans stand in JSON bare, or as texts. */
static struct any_view scalar(struct slice json)
{
    bool quoted = json.size >= 2 && json.data[0] == '"';
    struct slice bare = quoted ? slice_of(json.data + 1, json.size - 2) : json;
    return (struct any_view){.type = ANY_TYPE_STRING, .bytes = bare};
}

static bool put_shell(struct mapping *m, const struct arguments *args)
{
    struct slice command = args->input[ARG_COMMAND];
    struct any_view timeout =
        scalar(either(args->input[ARG_TIMEOUT], args->parameters[PARAM_TIMEOUT]));
    struct any_view background = scalar(args->input[ARG_BACKGROUND]);
    struct any_view no_sandbox =
        scalar(either(args->input[ARG_NO_SANDBOX], args->parameters[PARAM_NO_SANDBOX]));
    int64_t timeout_ms = 0;
    bool truth = false;
    bool is_parameter = args->parameters[PARAM_COMMAND].size > command.size;
    if (is_parameter)
        command = args->parameters[PARAM_COMMAND];
    if (coerce_int(&timeout, &timeout_ms))
        mapping_put_int(m, KEY_AGENT_COMMAND_TIMEOUT_MS, timeout_ms);
    if (coerce_bool(&background, &truth))
        mapping_put_bool(m, KEY_AGENT_COMMAND_BACKGROUND, truth);
    if (coerce_bool(&no_sandbox, &truth) && truth) /* false does not say that there is one */
        mapping_put_bool(m, KEY_AGENT_COMMAND_SANDBOXED, false);
    bool done = put_json_text(m, KEY_PROCESS_COMMAND_LINE, command);
    if (!done && command.size > 0)
        mapping_error(m, is_parameter ? SLICE("tool_parameters") : SLICE("tool_input"));
    return done;
}

static bool put_file(struct mapping *m, const struct arguments *args, const char *operation)
{
    struct slice path = either(args->input[ARG_FILE], args->input[ARG_NOTEBOOK]);
    if (!put_json_text(m, KEY_FILE_PATH, path))
        return false;
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION, slice_of_text(operation));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("argument"));
    return true;
}

static bool put_fetch(struct mapping *m, const struct arguments *args)
{
    struct slice url;
    if (!json_decode_text(args->input[ARG_URL], &m->scratch, &url) || url.size == 0)
        return false;
    url_facet_put(m, url);
    return true;
}

/* mcp__SERVER__TOOL; of mcp_tool, what the parameters say. */
static bool put_mcp(struct mapping *m, const struct arguments *args)
{
    struct slice name = mapping_source_text(m, CLAUDE_TOOL_NAME);
    struct slice rest = slice_from(name, 5);
    const uint8_t *gap = slice_starts_with(name, SLICE("mcp__")) && rest.size > 0
                             ? memmem(rest.data, rest.size, "__", 2)
                             : NULL;
    if (gap != NULL) {
        struct slice server = slice_of(rest.data, (size_t)(gap - rest.data));
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_NAME, server);
        mapping_put_text(m, KEY_AGENT_MCP_TOOL_NAME, slice_from(rest, server.size + 2));
    } else {
        (void)put_json_text(m, KEY_AGENT_MCP_SERVER_NAME, args->parameters[PARAM_SERVER]);
        (void)put_json_text(m, KEY_AGENT_MCP_TOOL_NAME, args->parameters[PARAM_TOOL]);
    }
    mapping_put_text(m, KEY_MCP_METHOD_NAME, SLICE("tools/call"));
    return true;
}

static bool put_skill(struct mapping *m, const struct arguments *args)
{
    if (!put_json_text(m, KEY_AGENT_EXTENSION_NAME, args->parameters[PARAM_SKILL]))
        return false;
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, SLICE("skill"));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, SLICE("invoke"));
    return true;
}

static bool put_agent(struct mapping *m, const struct arguments *args)
{
    return put_json_text(m, KEY_GEN_AI_AGENT_NAME,
                         either(args->input[ARG_AGENT], args->parameters[PARAM_AGENT]));
}

/* Writes the facet that a tool of the category has; its kind, or KIND_OTHER for none. */
static enum event_kind put_facet(struct mapping *m, enum tool_category category,
                                 const struct arguments *args)
{
    switch (category) {
    case TOOL_SHELL:
        return put_shell(m, args) ? KIND_COMMAND : KIND_OTHER;
    case TOOL_FILE_READ:
        return put_file(m, args, "read") ? KIND_FILE : KIND_OTHER;
    case TOOL_FILE_WRITE:
        return put_file(m, args, "unknown") ? KIND_FILE : KIND_OTHER;
    case TOOL_FILE_EDIT:
        return put_file(m, args, "update") ? KIND_FILE : KIND_OTHER;
    case TOOL_WEB_FETCH:
        return put_fetch(m, args) ? KIND_NETWORK : KIND_OTHER;
    case TOOL_MCP:
        return put_mcp(m, args) ? KIND_MCP : KIND_OTHER;
    case TOOL_SKILL:
        return put_skill(m, args) ? KIND_EXTENSION : KIND_OTHER;
    case TOOL_SUBAGENT:
        return put_agent(m, args) ? KIND_SUBAGENT : KIND_OTHER;
    default:
        return KIND_OTHER;
    }
}

void claude_put_tool(struct mapping *m)
{
    struct arguments args;
    enum tool_category category = put_category(m);
    read_arguments(m, &args);
    enum event_kind kind = put_facet(m, category, &args);
    if (kind != KIND_OTHER) {
        struct slice facet = slice_of_text(schema_kinds[kind].name);
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
    }
}
