/* SPDX-License-Identifier: Apache-2.0 */
/* install_plan.c -- see install_plan.h.
 *
 * Events that a hook could change by saying nothing are not hooked: Claude Code's WorktreeCreate
 * expects the path of the tree.  Those that come for every piece of text are left out too. */
#include "install/install_plan.h"

#include <stdio.h>
#include <string.h>

enum { COMMAND_MAX = 3 * PATH_MAX + 64, HOOK_TIMEOUT_S = 5 };

/* How an agent wants its hooks written down. */
enum hook_shape {
    SHAPE_GROUPS, /* {"Event": [{"matcher": "*", "hooks": [{"type": "command", ...}]}]} */
    SHAPE_FLAT,   /* {"event": [{"command": ...}]} */
};

struct hook_event {
    const char *name;
    bool has_matcher; /* it is about a tool: "*" is every one */
};

struct agent {
    const char *name, *product;
    const char *user_file, *project_file; /* below the home directory, the project */
    enum hook_shape shape;
    double timeout; /* in the agent's unit; 0: it has none */
    const struct hook_event *events;
    const char *note;
};

static const struct hook_event codex_events[] = {
    {"SessionStart", false},
    {"SessionEnd", false},
    {"UserPromptSubmit", false},
    {"PreToolUse", true},
    {"PermissionRequest", true},
    {"PostToolUse", true},
    {"PreCompact", false},
    {"PostCompact", false},
    {"SubagentStart", false},
    {"SubagentStop", false},
    {"Stop", false},
    {"Interrupt", false},
    {NULL, false},
};

static const struct hook_event claude_events[] = {
    {"SessionStart", false},  {"SessionEnd", false},         {"UserPromptSubmit", false},
    {"PreToolUse", true},     {"PermissionRequest", true},   {"PermissionDenied", true},
    {"PostToolUse", true},    {"PostToolUseFailure", true},  {"Notification", false},
    {"SubagentStart", false}, {"SubagentStop", false},       {"Stop", false},
    {"StopFailure", false},   {"InstructionsLoaded", false}, {"ConfigChange", false},
    {"CwdChanged", false},    {"PreCompact", false},         {"PostCompact", false},
    {"Elicitation", false},   {"ElicitationResult", false},  {NULL, false},
};

static const struct hook_event gemini_events[] = {
    {"SessionStart", false}, {"SessionEnd", false},   {"BeforeAgent", false},
    {"AfterAgent", false},   {"BeforeTool", true},    {"AfterTool", true},
    {"PreCompress", false},  {"Notification", false}, {NULL, false},
};

static const struct hook_event cursor_events[] = {
    {"sessionStart", false},
    {"sessionEnd", false},
    {"beforeSubmitPrompt", false},
    {"preToolUse", false},
    {"postToolUse", false},
    {"postToolUseFailure", false},
    {"beforeShellExecution", false},
    {"afterShellExecution", false},
    {"beforeMCPExecution", false},
    {"afterMCPExecution", false},
    {"afterFileEdit", false},
    {"afterAgentResponse", false},
    {"subagentStart", false},
    {"subagentStop", false},
    {"preCompact", false},
    {"stop", false},
    {NULL, false},
};

static const struct agent agents[INSTALL_AGENT_COUNT] = {
    [INSTALL_CODEX] = {"codex", "codex", ".codex/hooks.json", ".codex/hooks.json", SHAPE_GROUPS,
                       HOOK_TIMEOUT_S, codex_events,
                       "Codex runs new hooks only once they are trusted: open it and say /hooks."},
    [INSTALL_CLAUDE_CODE] = {"claude-code", "claude_code", ".claude/settings.json",
                             ".claude/settings.json", SHAPE_GROUPS, HOOK_TIMEOUT_S, claude_events,
                             NULL},
    [INSTALL_GEMINI] = {"gemini", "gemini_cli", ".gemini/settings.json", ".gemini/settings.json",
                        SHAPE_GROUPS, HOOK_TIMEOUT_S * 1000.0, gemini_events, NULL},
    [INSTALL_CURSOR] = {"cursor", "cursor", ".cursor/hooks.json", ".cursor/hooks.json", SHAPE_FLAT,
                        0, cursor_events, NULL},
};

bool install_agent_find(const char *name, enum install_agent *ret)
{
    for (int i = 0; i < INSTALL_AGENT_COUNT; i++) {
        if (strcmp(agents[i].name, name) == 0) {
            *ret = (enum install_agent)i;
            return true;
        }
    }
    return false;
}

const char *install_agent_name(enum install_agent agent)
{
    return agents[agent].name;
}

const char *install_agent_product(enum install_agent agent)
{
    return agents[agent].product;
}

/* --- Hooks ------------------------------------------------------------------------------- */

/* Agents hand commands to a shell: what it would read as more than a word is refused. */
static bool is_plain_word(const char *text)
{
    return text[0] != 0 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789/._-+@:=,") == strlen(text);
}

/* None is the program's own default. */
static bool is_plain_place(const char *path)
{
    return path == NULL || path[0] == 0 || is_plain_word(path);
}

static int add_option(char out[static COMMAND_MAX], int size, const char *option, const char *path)
{
    if (path == NULL || path[0] == 0)
        return size;
    return size + snprintf(out + size, COMMAND_MAX - (size_t)size, "%s%s", option, path);
}

static enum status make_command(const struct install_settings *settings,
                                char out[static COMMAND_MAX], struct error *err)
{
    if (!is_plain_word(settings->hook))
        return error_set(err, ST_INVALID,
                         "the path of telltale-hook, '%s', has characters that a shell reads as "
                         "more than a word: put it elsewhere, or name another with --hook",
                         settings->hook);
    if (!is_plain_place(settings->socket) || !is_plain_place(settings->spool))
        return error_set(err, ST_INVALID,
                         "the path of the socket or the spool, '%s', has characters that a shell "
                         "reads as more than a word",
                         is_plain_place(settings->socket) ? settings->spool : settings->socket);
    int size = snprintf(out, COMMAND_MAX, "%s %s", settings->hook, agents[settings->agent].name);
    size = add_option(out, size, " --socket ", settings->socket);
    (void)add_option(out, size, " --spool ", settings->spool);
    return ST_OK;
}

/* Every function below that adds something is false when there is no memory for it. */

static bool add_text(cJSON *object, const char *key, const char *text)
{
    return cJSON_AddStringToObject(object, key, text) != NULL;
}

/* Gives `item` away, also when it fails. */
static bool add_item(cJSON *array, cJSON *item)
{
    if (item != NULL && cJSON_AddItemToArray(array, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static bool fill_hook(cJSON *hook, const struct agent *agent, const char *command)
{
    return add_text(hook, "command", command) &&
           (agent->timeout <= 0 ||
            cJSON_AddNumberToObject(hook, "timeout", agent->timeout) != NULL);
}

static bool fill_group(cJSON *group, const struct agent *agent, const struct hook_event *event,
                       const char *command)
{
    if (event->has_matcher && !add_text(group, "matcher", "*"))
        return false;
    cJSON *hook = cJSON_CreateObject();
    return add_item(cJSON_AddArrayToObject(group, "hooks"), hook) &&
           add_text(hook, "type", "command") && fill_hook(hook, agent, command);
}

static bool add_hook(cJSON *hooks, const struct agent *agent, const struct hook_event *event,
                     const char *command)
{
    cJSON *entry = cJSON_CreateObject();

    if (!add_item(cJSON_AddArrayToObject(hooks, event->name), entry))
        return false;
    return agent->shape == SHAPE_GROUPS ? fill_group(entry, agent, event, command)
                                        : fill_hook(entry, agent, command);
}

static bool add_hooks(cJSON *wanted, const struct agent *agent, const char *command)
{
    cJSON *hooks = cJSON_AddObjectToObject(wanted, "hooks");
    bool ok = hooks != NULL;

    for (const struct hook_event *event = agent->events; event->name != NULL; event++)
        ok = ok && add_hook(hooks, agent, event, command);
    return ok;
}

/* --- Telemetry ----------------------------------------------------------------------------- */

static bool add_claude_telemetry(cJSON *wanted, const struct install_settings *settings)
{
    cJSON *env = cJSON_AddObjectToObject(wanted, "env");

    return add_text(env, "CLAUDE_CODE_ENABLE_TELEMETRY", "1") &&
           add_text(env, "OTEL_LOGS_EXPORTER", "otlp") &&
           add_text(env, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") &&
           add_text(env, "OTEL_EXPORTER_OTLP_ENDPOINT", settings->endpoint) &&
           (settings->no_content || (add_text(env, "OTEL_LOG_USER_PROMPTS", "1") &&
                                     add_text(env, "OTEL_LOG_TOOL_DETAILS", "1")));
}

static bool add_gemini_telemetry(cJSON *wanted, const struct install_settings *settings)
{
    cJSON *telemetry = cJSON_AddObjectToObject(wanted, "telemetry");

    return cJSON_AddBoolToObject(telemetry, "enabled", true) != NULL &&
           add_text(telemetry, "target", "local") &&
           add_text(telemetry, "otlpEndpoint", settings->endpoint) &&
           add_text(telemetry, "otlpProtocol", "http") &&
           cJSON_AddBoolToObject(telemetry, "logPrompts", !settings->no_content) != NULL;
}

/* What the agent's own file of settings must say. */
static bool fill_wanted(cJSON *wanted, const struct install_settings *settings, const char *command)
{
    if (settings->agent == INSTALL_CURSOR && cJSON_AddNumberToObject(wanted, "version", 1) == NULL)
        return false;
    if (settings->agent == INSTALL_CLAUDE_CODE && !add_claude_telemetry(wanted, settings))
        return false;
    if (settings->agent == INSTALL_GEMINI && !add_gemini_telemetry(wanted, settings))
        return false;
    return add_hooks(wanted, &agents[settings->agent], command);
}

static enum status add_codex_block(struct install_plan *plan,
                                   const struct install_settings *settings, struct error *err)
{
    struct install_file *file = &plan->files[plan->file_count++];

    int path = snprintf(file->path, sizeof(file->path), "%s/.codex/config.toml", settings->home);
    int size =
        snprintf(file->block, sizeof(file->block),
                 "[otel]\n"
                 "log_user_prompt = %s\n"
                 "exporter = { otlp-http = { endpoint = \"%s/v1/logs\", "
                 "protocol = \"binary\" } }\n"
                 "trace_exporter = { otlp-http = { endpoint = \"%s/v1/traces\", "
                 "protocol = \"binary\" } }\n",
                 settings->no_content ? "false" : "true", settings->endpoint, settings->endpoint);
    if (path < 0 || (size_t)path >= sizeof(file->path) || size < 0 ||
        (size_t)size >= sizeof(file->block))
        return error_set(err, ST_INVALID, "a path or the endpoint is too long");
    return ST_OK;
}

/* --- The whole ------------------------------------------------------------------------------- */

static enum status fill(struct install_plan *plan, const struct install_settings *settings,
                        struct error *err)
{
    const struct agent *agent = &agents[settings->agent];
    struct install_file *file = &plan->files[plan->file_count++];
    char command[COMMAND_MAX];

    bool is_project = settings->project_dir != NULL;
    int size = snprintf(file->path, sizeof(file->path), "%s/%s",
                        is_project ? settings->project_dir : settings->home,
                        is_project ? agent->project_file : agent->user_file);
    if (size < 0 || (size_t)size >= sizeof(file->path))
        return error_set(err, ST_INVALID, "a path is too long");
    file->project_size = is_project ? strlen(settings->project_dir) : 0;
    if (!is_plain_word(settings->endpoint))
        return error_set(err, ST_INVALID, "'%s' is no endpoint", settings->endpoint);
    enum status st = make_command(settings, command, err);
    if (st != ST_OK)
        return st;
    file->wanted = cJSON_CreateObject();
    if (file->wanted == NULL || !fill_wanted(file->wanted, settings, command))
        return error_set(err, ST_NO_MEMORY, "make the settings");
    plan->note = agent->note;
    /* Codex does not let a project say where telemetry goes. */
    if (settings->agent == INSTALL_CODEX && !is_project)
        st = add_codex_block(plan, settings, err);
    return st;
}

enum status install_plan_make(const struct install_settings *settings, struct install_plan *ret,
                              struct error *err)
{
    *ret = (struct install_plan){0};
    enum status st = fill(ret, settings, err);
    if (st != ST_OK)
        install_plan_fini(ret);
    return st;
}

void install_plan_fini(struct install_plan *plan)
{
    for (size_t i = 0; i < plan->file_count; i++)
        cJSON_Delete(plan->files[i].wanted);
    *plan = (struct install_plan){0};
}
