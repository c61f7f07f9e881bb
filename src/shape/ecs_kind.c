/* SPDX-License-Identifier: Apache-2.0 */
/* ecs_kind.c -- see ecs_kind.h.  ECS says what may stand in these fields; which of it fits an event
 * of an agent is ours to say (docs/SHAPES.md). */
#include "shape/ecs_kind.h"

/* How event.type follows. */
enum type_rule {
    TYPE_INFO,
    TYPE_PHASE,      /* start, end, else info */
    TYPE_END,        /* end, else info */
    TYPE_ACCESS,     /* access, and error where it failed */
    TYPE_TOOL,       /* the phase, and denied where it did not run */
    TYPE_DECISION,   /* allowed, denied, else info */
    TYPE_FILE,       /* by the operation */
    TYPE_CONNECTION, /* connection, and the decision */
    TYPE_MCP,        /* connection where it is one, else access; and error */
    TYPE_SANDBOX,    /* allowed, denied or error */
    TYPE_CHANGE,
    TYPE_EXTENSION, /* by the action */
    TYPE_AUTH,      /* login start, logout end, else info */
    TYPE_ERROR,
};

struct kind_rule {
    const char *kind; /* NULL: event */
    const char *categories[2];
    enum type_rule type;
};

static const struct kind_rule rules[KIND_COUNT] = {
    [KIND_SESSION] = {NULL, {"session"}, TYPE_PHASE},
    [KIND_TURN] = {NULL, {"session"}, TYPE_INFO},
    [KIND_PROMPT] = {NULL, {"api"}, TYPE_INFO},
    [KIND_RESPONSE] = {NULL, {"api"}, TYPE_INFO},
    [KIND_MODEL] = {NULL, {"api", "web"}, TYPE_ACCESS},
    [KIND_TOOL] = {NULL, {NULL}, TYPE_TOOL}, /* by what the tool does */
    [KIND_APPROVAL] = {NULL, {"iam"}, TYPE_DECISION},
    [KIND_REVIEW] = {NULL, {"iam"}, TYPE_DECISION},
    [KIND_COMMAND] = {NULL, {"process"}, TYPE_PHASE},
    [KIND_FILE] = {NULL, {"file"}, TYPE_FILE},
    [KIND_NETWORK] = {NULL, {"network"}, TYPE_CONNECTION}, /* and web where it is HTTP */
    [KIND_MCP] = {NULL, {"api", "network"}, TYPE_MCP},
    [KIND_SANDBOX] = {NULL, {"process"}, TYPE_SANDBOX},
    [KIND_MODE] = {NULL, {"configuration"}, TYPE_CHANGE},
    [KIND_CONFIG] = {NULL, {"configuration"}, TYPE_CHANGE},
    [KIND_HOOK] = {NULL, {"process"}, TYPE_END},
    [KIND_SUBAGENT] = {NULL, {"process", "session"}, TYPE_PHASE},
    [KIND_EXTENSION] = {NULL, {NULL}, TYPE_EXTENSION}, /* by the action */
    [KIND_CONTEXT] = {NULL, {"api"}, TYPE_INFO},
    [KIND_AUTH] = {NULL, {"authentication"}, TYPE_AUTH},
    [KIND_RESOURCE] = {"metric", {"host", "process"}, TYPE_INFO},
    [KIND_ERROR] = {NULL, {"api"}, TYPE_ERROR},
    [KIND_PIPELINE] = {"pipeline_error", {"host"}, TYPE_ERROR},
    [KIND_INTEGRITY] = {"state", {"host"}, TYPE_INFO},
    [KIND_OTHER] = {NULL, {NULL}, TYPE_INFO},
};

const struct ecs_kind_row ecs_kind_rows[KIND_COUNT] = {
    [KIND_SESSION] = {"session", "start, end"},
    [KIND_TURN] = {"session", "info"},
    [KIND_PROMPT] = {"api", "info"},
    [KIND_RESPONSE] = {"api", "info"},
    [KIND_MODEL] = {"api, web", "access; error where it failed"},
    [KIND_TOOL] = {"process (shell), file, network and web, api (all others)",
                   "start, end; denied where it did not run"},
    [KIND_APPROVAL] = {"iam", "allowed, denied, info (asked)"},
    [KIND_REVIEW] = {"iam", "allowed, denied, info"},
    [KIND_COMMAND] = {"process", "start, end"},
    [KIND_FILE] = {"file", "creation, access, change, deletion, info"},
    [KIND_NETWORK] = {"network; web where it is HTTP", "connection; allowed, denied"},
    [KIND_MCP] = {"api, network", "connection or access; error where it failed"},
    [KIND_SANDBOX] = {"process", "allowed, denied, error, info"},
    [KIND_MODE] = {"configuration", "change"},
    [KIND_CONFIG] = {"configuration", "change"},
    [KIND_HOOK] = {"process", "end, info"},
    [KIND_SUBAGENT] = {"process, session", "start, end, info"},
    [KIND_EXTENSION] = {"api (invoke, load, suggest), package (all others)",
                        "installation, deletion, change, start, info"},
    [KIND_CONTEXT] = {"api", "info"},
    [KIND_AUTH] = {"authentication", "start, end, info"},
    [KIND_RESOURCE] = {"host, process; `event.kind` metric", "info"},
    [KIND_ERROR] = {"api", "error"},
    [KIND_PIPELINE] = {"host; `event.kind` pipeline_error", "error"},
    [KIND_INTEGRITY] = {"host; `event.kind` state", "info"},
    [KIND_OTHER] = {"none", "info"},
};

static void add(const char **words, const char *word)
{
    size_t count = 0;

    if (word == NULL)
        return;
    while (words[count] != NULL)
        count++;
    ASSERT(count + 1 < ECS_WORDS_MAX);
    words[count] = word;
}

static bool says(const struct record_reader *reader, unsigned key, const char *word)
{
    return slice_equal(reader_text(reader, key), slice_of_text(word));
}

static bool is_true(const struct record_reader *reader, unsigned key)
{
    const struct any_view *value = reader_value(reader, key);
    return value != NULL && value->integer != 0;
}

static const char *type_of_phase(const struct record_reader *reader)
{
    if (says(reader, KEY_AGENT_EVENT_PHASE, "start"))
        return "start";
    return says(reader, KEY_AGENT_EVENT_PHASE, "end") ? "end" : "info";
}

static const char *type_of_decision(const struct record_reader *reader)
{
    switch (
        reader_word(reader, KEY_AGENT_DECISION_OUTCOME, words_decision_outcome, DECISION_UNKNOWN)) {
    case DECISION_ALLOW:
    case DECISION_MODIFY:
        return "allowed";
    case DECISION_DENY:
    case DECISION_ABORT:
    case DECISION_TIMEOUT:
        return "denied";
    default:
        return NULL;
    }
}

static const char *type_of_file(const struct record_reader *reader)
{
    static const char *const types[] = {"creation", "access", "change", "deletion",
                                        "change",   "change", "info"};
    return types[reader_word(reader, KEY_AGENT_FILE_OPERATION, words_file_operation,
                             COUNT_OF(types) - 1)];
}

static const char *type_of_extension(const struct record_reader *reader)
{
    static const char *const types[] = {"installation", "deletion", "change", "change", "change",
                                        "start",        "start",    "info",   "info"};
    return types[reader_word(reader, KEY_AGENT_EXTENSION_ACTION, words_extension_action,
                             COUNT_OF(types) - 1)];
}

static const char *type_of_sandbox(const struct record_reader *reader)
{
    static const char *const types[] = {"allowed", "denied", "allowed", "error", "info"};
    return types[reader_word(reader, KEY_AGENT_SANDBOX_OUTCOME, words_sandbox_outcome,
                             COUNT_OF(types) - 1)];
}

static const char *type_of_auth(const struct record_reader *reader)
{
    if (says(reader, KEY_AGENT_AUTH_ACTION, "login"))
        return "start";
    return says(reader, KEY_AGENT_AUTH_ACTION, "logout") ? "end" : "info";
}

static bool has_failed(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_OUTCOME, "failure");
}

static bool did_not_run(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_OUTCOME, "denied") ||
           (reader->at[KEY_AGENT_TOOL_EXECUTED] != 0 && !is_true(reader, KEY_AGENT_TOOL_EXECUTED));
}

static void judge_mcp(const struct record_reader *reader, const char **types)
{
    bool is_connection = reader->at[KEY_AGENT_MCP_CONNECTION_STATE] != 0;

    add(types, is_connection ? "connection" : "access");
    if (has_failed(reader) || says(reader, KEY_AGENT_MCP_CONNECTION_STATE, "failed"))
        add(types, "error");
}

static void judge_type(const struct record_reader *reader, enum type_rule rule, const char **types)
{
    const char *decision = NULL;

    switch (rule) {
    case TYPE_INFO:
        add(types, "info");
        break;
    case TYPE_PHASE:
        add(types, type_of_phase(reader));
        break;
    case TYPE_END:
        add(types, says(reader, KEY_AGENT_EVENT_PHASE, "end") ? "end" : "info");
        break;
    case TYPE_ACCESS:
        add(types, "access");
        add(types, has_failed(reader) ? "error" : NULL);
        break;
    case TYPE_TOOL:
        add(types, type_of_phase(reader));
        add(types, did_not_run(reader) ? "denied" : NULL);
        break;
    case TYPE_DECISION:
        decision = type_of_decision(reader);
        add(types, decision != NULL ? decision : "info");
        break;
    case TYPE_FILE:
        add(types, type_of_file(reader));
        break;
    case TYPE_CONNECTION:
        add(types, "connection");
        add(types, type_of_decision(reader));
        break;
    case TYPE_MCP:
        judge_mcp(reader, types);
        break;
    case TYPE_SANDBOX:
        add(types, type_of_sandbox(reader));
        break;
    case TYPE_CHANGE:
        add(types, "change");
        break;
    case TYPE_EXTENSION:
        add(types, type_of_extension(reader));
        break;
    case TYPE_AUTH:
        add(types, type_of_auth(reader));
        break;
    case TYPE_ERROR:
        add(types, "error");
        break;
    }
}

static void judge_tool(const struct record_reader *reader, const char **categories)
{
    switch (reader_word(reader, KEY_AGENT_TOOL_CATEGORY, words_tool_category, TOOL_OTHER)) {
    case TOOL_SHELL:
        add(categories, "process");
        break;
    case TOOL_FILE_READ:
    case TOOL_FILE_WRITE:
    case TOOL_FILE_EDIT:
    case TOOL_FILE_DELETE:
    case TOOL_SEARCH:
        add(categories, "file");
        break;
    case TOOL_WEB_FETCH:
    case TOOL_WEB_SEARCH:
        add(categories, "network");
        add(categories, "web");
        break;
    default:
        add(categories, "api");
        break;
    }
}

static bool is_http(const struct record_reader *reader)
{
    return reader->at[KEY_HTTP_REQUEST_METHOD] != 0 || says(reader, KEY_URL_SCHEME, "http") ||
           says(reader, KEY_URL_SCHEME, "https") ||
           says(reader, KEY_AGENT_NETWORK_MECHANISM, "http") ||
           says(reader, KEY_AGENT_NETWORK_MECHANISM, "https_connect");
}

static bool is_use(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_EXTENSION_ACTION, "invoke") ||
           says(reader, KEY_AGENT_EXTENSION_ACTION, "load") ||
           says(reader, KEY_AGENT_EXTENSION_ACTION, "suggest");
}

/* ECS means the outcome of what was asked for: a refused call has failed.  A question that was
 * answered has succeeded, whatever the answer. */
static const char *judge_outcome(const struct record_reader *reader, enum event_kind kind)
{
    if (kind == KIND_APPROVAL || kind == KIND_REVIEW) {
        unsigned decision = reader_word(reader, KEY_AGENT_DECISION_OUTCOME, words_decision_outcome,
                                        DECISION_UNKNOWN);
        if (decision == DECISION_ALLOW || decision == DECISION_DENY || decision == DECISION_MODIFY)
            return "success";
    }
    switch (reader_word(reader, KEY_AGENT_OUTCOME, words_outcome, OUTCOME_UNKNOWN)) {
    case OUTCOME_SUCCESS:
        return "success";
    case OUTCOME_FAILURE:
    case OUTCOME_DENIED:
    case OUTCOME_CANCELLED:
    case OUTCOME_TIMEOUT:
        return "failure";
    default:
        return "unknown";
    }
}

void ecs_judge(const struct record_reader *reader, enum event_kind kind, struct ecs_verdict *ret)
{
    const struct kind_rule *rule = &rules[kind < KIND_COUNT ? kind : KIND_OTHER];

    *ret = (struct ecs_verdict){.kind = rule->kind != NULL ? rule->kind : "event"};
    for (size_t i = 0; i < COUNT_OF(rule->categories); i++)
        add(ret->categories, rule->categories[i]);
    if (kind == KIND_TOOL)
        judge_tool(reader, ret->categories);
    else if (kind == KIND_EXTENSION)
        add(ret->categories, is_use(reader) ? "api" : "package");
    else if (kind == KIND_NETWORK && is_http(reader))
        add(ret->categories, "web");
    judge_type(reader, rule->type, ret->types);
    ret->outcome = judge_outcome(reader, kind);
}
