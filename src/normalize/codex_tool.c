/* SPDX-License-Identifier: Apache-2.0 */
/* codex_tool.c -- codex.tool_result: which kind of tool, what it was given, and how it ended.
 *
 * `success` says whether the tool machinery worked.  A command that exits with 3 is a success to
 * it, so the exit status is read from the head of the output, which Codex writes:
 *
 *     Chunk ID: 5731e9
 *     Wall time: 0.0000 seconds
 *     Process exited with code 3
 *     Original token count: 8
 *     Output:
 *     ...what the command wrote; never read for the outcome
 *
 * A refused call is a failure to it, and its output is one sentence.  Refusals that a person or
 * a reviewer decided are known from the decision before; those of policy have no decision, so
 * the sentences are known here, each as it was seen.  What is read from sentences is marked
 * heuristic.
 */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/facets.h"

enum { HEAD_SIZE_MAX = 512, ARGUMENT_WORDS_MAX = 256 };

/* --- Kinds of tools ---------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum tool_category category;
} tools[] = {
    {"exec_command", TOOL_SHELL},
    {"write_stdin", TOOL_SHELL},
    {"shell", TOOL_SHELL},
    {"Bash", TOOL_SHELL},
    {"apply_patch", TOOL_FILE_EDIT},
    {"view_image", TOOL_FILE_READ},
    {"update_plan", TOOL_PLANNING},
    {"create_goal", TOOL_PLANNING},
    {"get_goal", TOOL_PLANNING},
    {"update_goal", TOOL_PLANNING},
    {"tool_search", TOOL_SEARCH},
    {"web_search", TOOL_WEB_SEARCH},
    {"request_user_input", TOOL_ASK_USER},
    {"spawn_agent", TOOL_SUBAGENT},
    {"read_mcp_resource", TOOL_MCP},
    {"list_mcp_resources", TOOL_MCP},
    {"list_mcp_resource_templates", TOOL_MCP},
};

static bool is_mcp(const struct mapping *m)
{
    return slice_starts_with(mapping_source_text(m, CODEX_TOOL_NAMESPACE), SLICE("mcp__")) ||
           slice_starts_with(mapping_source_text(m, CODEX_TOOL_NAME), SLICE("mcp__")) ||
           mapping_source_text(m, CODEX_MCP_SERVER).size > 0;
}

static enum tool_category find_category(const struct mapping *m, bool *ret_known)
{
    struct slice name = mapping_source_text(m, CODEX_TOOL_NAME);
    struct slice space = mapping_source_text(m, CODEX_TOOL_NAMESPACE);
    *ret_known = true;
    if (is_mcp(m))
        return TOOL_MCP;
    if (slice_starts_with(space, SLICE("multi_agent")))
        return TOOL_SUBAGENT;
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        if (slice_equal(name, slice_of_text(tools[i].name)))
            return tools[i].category;
    }
    *ret_known = false;
    return TOOL_OTHER;
}

static void put_category(struct mapping *m, enum tool_category category, bool known)
{
    bool from_server = is_mcp(m);
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, category);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     from_server                   ? SLICE("mcp")
                     : category == TOOL_WEB_SEARCH ? SLICE("hosted")
                     : known                       ? SLICE("builtin")
                                                   : SLICE("unknown"));
}

void codex_put_tool_kind(struct mapping *m)
{
    bool known = false;
    enum tool_category category = find_category(m, &known);
    put_category(m, category, known);
}

/* --- Outcome --------------------------------------------------------------------------------- */

static const struct refusal {
    const char *prefix;
    const char *contains; /* "": anything */
    enum outcome outcome;
    bool executed;
    enum decision_source source; /* of a denial */
    const char *error_type;      /* of a failure */
} refusals[] = {
    {"exec_command failed: CreateProcess { message: \"Rejected(", "rejected by user",
     OUTCOME_DENIED, false, BY_USER, NULL},
    {"exec_command failed: CreateProcess { message: \"Rejected(",
     "rejected due to unacceptable risk", OUTCOME_DENIED, false, BY_AUTO_REVIEWER, NULL},
    {"exec_command failed: CreateProcess { message: \"Rejected(", "", OUTCOME_DENIED, false,
     BY_POLICY, NULL},
    {"exec_command failed: ProcessFailed { message: \"Network access to ", "was blocked",
     OUTCOME_DENIED, true, BY_NETWORK_PROXY, NULL},
    {"approval policy is ", "reject command", OUTCOME_DENIED, false, BY_CONFIG, NULL},
    {"patch rejected: ", "", OUTCOME_DENIED, false, BY_CONFIG, NULL},
    {"unsupported call: ", "", OUTCOME_FAILURE, false, BY_UNKNOWN, "unsupported_tool"},
    {"failed to parse function arguments", "", OUTCOME_FAILURE, false, BY_UNKNOWN,
     "invalid_arguments"},
    {"apply_patch verification failed", "", OUTCOME_FAILURE, false, BY_UNKNOWN, "invalid_patch"},
};

static const struct refusal *find_refusal(struct slice output)
{
    struct slice head =
        slice_of(output.data, output.size < HEAD_SIZE_MAX ? output.size : HEAD_SIZE_MAX);
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct slice sign = slice_of_text(refusals[i].contains);
        if (slice_starts_with(head, slice_of_text(refusals[i].prefix)) &&
            (sign.size == 0 || memmem(head.data, head.size, sign.data, sign.size) != NULL))
            return &refusals[i];
    }
    return NULL;
}

/* Reads the exit status from the head of the output. */
static bool find_exit_code(struct slice output, int64_t *ret)
{
    static const char *const signs[] = {"Process exited with code ", "Exit code: "};
    struct slice rest =
        slice_of(output.data, output.size < HEAD_SIZE_MAX ? output.size : HEAD_SIZE_MAX);
    while (rest.size > 0 && !slice_starts_with(rest, SLICE("Output:"))) {
        const uint8_t *newline = memchr(rest.data, '\n', rest.size);
        size_t size = newline != NULL ? (size_t)(newline - rest.data) : rest.size;
        for (size_t i = 0; i < COUNT_OF(signs); i++) {
            struct slice line = slice_of(rest.data, size);
            struct slice sign = slice_of_text(signs[i]);
            struct any_view number = {.type = ANY_TYPE_STRING,
                                      .bytes = slice_from(line, sign.size)};
            if (slice_starts_with(line, sign))
                return coerce_int(&number, ret);
        }
        rest = slice_from(rest, size + 1);
    }
    return false;
}

static void be_heuristic(struct mapping *m)
{
    if (m->classification == CLASS_EXACT)
        m->classification = CLASS_HEURISTIC;
}

static void put_refusal(struct mapping *m, const struct refusal *refusal)
{
    be_heuristic(m);
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, refusal->executed);
    if (refusal->outcome == OUTCOME_DENIED) {
        decision_put(m, DECISION_DENY);
        decision_put_source(m, refusal->source);
    } else {
        m->outcome = refusal->outcome;
        mapping_put_text(m, KEY_ERROR_TYPE, slice_of_text(refusal->error_type));
    }
}

static void put_failure(struct mapping *m)
{
    bool is_denied = lineage_was_denied(m->lineage, mapping_source_text(m, CODEX_CONVERSATION_ID),
                                        mapping_source_text(m, CODEX_CALL_ID));
    if (is_denied) { /* the decision has its own record: this is not a second one */
        m->outcome = OUTCOME_DENIED;
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
        return;
    }
    const struct refusal *refusal =
        is_mcp(m) ? NULL : find_refusal(mapping_source_text(m, CODEX_OUTPUT));
    if (refusal != NULL) {
        put_refusal(m, refusal);
        return;
    }
    m->outcome = OUTCOME_FAILURE;
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
}

static void put_exit(struct mapping *m, int64_t exit_code)
{
    be_heuristic(m);
    mapping_put_int(m, KEY_PROCESS_EXIT_CODE, exit_code);
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    m->outcome = exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
    if (exit_code != 0)
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("nonzero_exit"));
}

static void put_outcome(struct mapping *m, enum tool_category category)
{
    const struct any_view *value = mapping_source(m, CODEX_SUCCESS);
    bool success = false;
    bool has_success = value != NULL && coerce_bool(value, &success);
    int64_t exit_code = 0;
    if (category == TOOL_SHELL &&
        find_exit_code(mapping_source_text(m, CODEX_OUTPUT), &exit_code)) {
        put_exit(m, exit_code);
    } else if (has_success && !success) {
        put_failure(m);
    } else if (has_success && category != TOOL_SHELL) {
        m->outcome = OUTCOME_SUCCESS;
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    }
}

/* --- Facets ---------------------------------------------------------------------------------- */

/* `command` is a JSON string, or an array of them. */
static bool put_command(struct mapping *m, struct slice command)
{
    struct slice words[ARGUMENT_WORDS_MAX];
    struct slice line;
    size_t count = 0;
    if (json_decode_text(command, &m->scratch, &line)) {
        mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, line);
        return true;
    }
    if (!json_decode_texts(command, &m->scratch, words, COUNT_OF(words), &count) ||
        !shell_join(words, count, &m->scratch, &line))
        return false;
    mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, line);
    mapping_put_texts(m, KEY_PROCESS_COMMAND_ARGS, words, count);
    return true;
}

static bool put_shell_facet(struct mapping *m, struct slice arguments)
{
    static const struct slice names[] = {{(const uint8_t *)"cmd", 3},
                                         {(const uint8_t *)"command", 7},
                                         {(const uint8_t *)"workdir", 7}};
    struct slice values[COUNT_OF(names)];
    struct slice directory;
    json_find_members(arguments, names, COUNT_OF(names), values);
    struct slice command = values[0].size > 0 ? values[0] : values[1];
    if (json_decode_text(values[2], &m->scratch, &directory) && directory.size > 0)
        mapping_put_text(m, KEY_PROCESS_WORKING_DIRECTORY, directory);
    if (command.size == 0)
        return false;
    bool done = put_command(m, command);
    if (!done)
        mapping_error(m, SLICE("arguments"));
    return done;
}

void codex_put_patch(struct mapping *m, const struct patch *patch)
{
    static const char *const operations[] = {
        [PATCH_ADD] = "create", [PATCH_UPDATE] = "update", [PATCH_DELETE] = "delete"};
    bool moves = patch->first_previous.size > 0;
    mapping_put_text(m, KEY_FILE_PATH, patch->paths[0]);
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION,
                     slice_of_text(moves ? "rename" : operations[patch->first]));
    if (moves)
        mapping_put_text(m, KEY_AGENT_FILE_PATH_PREVIOUS, patch->first_previous);
    if (patch->path_count > 1)
        mapping_put_texts(m, KEY_AGENT_FILE_PATHS, patch->paths, patch->path_count);
    if (patch->has_more)
        mapping_error(m, SLICE("agent.file.paths"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("patch"));
    mapping_put_int(m, KEY_AGENT_FILE_LINES_ADDED, patch->lines_added);
    mapping_put_int(m, KEY_AGENT_FILE_LINES_REMOVED, patch->lines_removed);
}

/* The patch stands bare, or as the member `input` of an object. */
static bool read_patch(struct mapping *m, struct slice arguments, struct patch *ret)
{
    const struct slice name = SLICE("input");
    struct slice value;
    struct slice text = arguments;
    if (arguments.size > 0 && arguments.data[0] == '{') {
        json_find_members(arguments, &name, 1, &value);
        if (!json_decode_text(value, &m->scratch, &text))
            return false;
    }
    return patch_read(text, ret);
}

static bool put_read_facet(struct mapping *m, struct slice arguments)
{
    static const struct slice names[] = {{(const uint8_t *)"path", 4},
                                         {(const uint8_t *)"file_path", 9}};
    struct slice values[COUNT_OF(names)];
    struct slice path;
    json_find_members(arguments, names, COUNT_OF(names), values);
    if (!json_decode_text(values[values[0].size > 0 ? 0 : 1], &m->scratch, &path) || path.size == 0)
        return false;
    mapping_put_text(m, KEY_FILE_PATH, path);
    mapping_put_text(m, KEY_AGENT_FILE_OPERATION, SLICE("read"));
    mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("argument"));
    return true;
}

/* mcp__SERVER__TOOL, or the namespace mcp__SERVER with the tool's own name. */
static void put_mcp_facet(struct mapping *m)
{
    struct slice name = mapping_source_text(m, CODEX_TOOL_NAME);
    struct slice space = mapping_source_text(m, CODEX_TOOL_NAMESPACE);
    struct slice server =
        slice_starts_with(space, SLICE("mcp__")) ? slice_from(space, 5) : SLICE_EMPTY;
    if (slice_starts_with(name, SLICE("mcp__"))) {
        struct slice rest = slice_from(name, 5);
        const uint8_t *gap = rest.size > 0 ? memmem(rest.data, rest.size, "__", 2) : NULL;
        if (gap != NULL) {
            server = slice_of(rest.data, (size_t)(gap - rest.data));
            name = slice_from(rest, server.size + 2);
        }
    }
    if (mapping_source_text(m, CODEX_MCP_SERVER).size == 0 && server.size > 0)
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_NAME, server);
    mapping_put_text(m, KEY_AGENT_MCP_TOOL_NAME, name);
    mapping_put_text(m, KEY_MCP_METHOD_NAME, SLICE("tools/call"));
}

/* The result of spawn_agent names the thread of the child. */
static void learn_child(struct mapping *m)
{
    const struct slice name = SLICE("agent_id");
    struct slice value, id;
    json_find_members(mapping_source_text(m, CODEX_OUTPUT), &name, 1, &value);
    if (!json_decode_text(value, &m->scratch, &id))
        return;
    struct lineage_thread *child = lineage_open(m->lineage, id);
    if (child == NULL)
        return;
    child->role = ROLE_SUBAGENT;
    child->is_guess = false;
    lineage_set_parent(m->lineage, child, mapping_source_text(m, CODEX_CONVERSATION_ID));
}

static void put_sizes(struct mapping *m)
{
    struct slice arguments = mapping_source_text(m, CODEX_ARGUMENTS);
    struct slice output = mapping_source_text(m, CODEX_OUTPUT);
    bool truncated = mapping_source_true(m, CODEX_OUTPUT_TRUNCATED);
    if (mapping_source(m, CODEX_ARGUMENTS) != NULL)
        mapping_put_int(m, KEY_AGENT_TOOL_INPUT_BYTES, (int64_t)arguments.size);
    if (mapping_source(m, CODEX_OUTPUT) != NULL && !truncated)
        mapping_put_int(m, KEY_AGENT_TOOL_OUTPUT_BYTES, (int64_t)output.size);
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE,
                     truncated          ? CONTENT_TRUNCATED
                     : output.size == 0 ? CONTENT_ABSENT
                                        : CONTENT_PRESENT);
}

/* Codex counts results by process, also those of its sub-agents and of other sessions. */
static void watch_sequence(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, CODEX_TOOL_RESULT_SEQ);
    struct slice session = mapping_source_text(m, CODEX_CONVERSATION_ID);
    int64_t sequence = 0;

    if (m->input->is_again || value == NULL || text_is_sentinel(session) ||
        !coerce_int(value, &sequence) || sequence <= 0)
        return;
    const struct lineage_thread *thread = lineage_open(m->lineage, session);
    if (thread != NULL && thread->root.size > 0)
        session = lineage_id_slice(&thread->root);
    m->has_note = sequence_watch_note(&m->sequences, m->input->sender_fields, session, true,
                                      (uint64_t)sequence, &m->note);
}

void codex_finish_tool_result(struct mapping *m)
{
    struct slice name = mapping_source_text(m, CODEX_TOOL_NAME);
    struct slice arguments = mapping_source_text(m, CODEX_ARGUMENTS);
    struct slice facet = SLICE_EMPTY;
    bool known = false;
    enum tool_category category = find_category(m, &known);
    struct patch patch;
    if (category == TOOL_SHELL && put_shell_facet(m, arguments)) {
        facet = SLICE("agent.command");
    } else if (category == TOOL_FILE_EDIT && read_patch(m, arguments, &patch)) {
        category = patch.first == PATCH_ADD      ? TOOL_FILE_WRITE
                   : patch.first == PATCH_DELETE ? TOOL_FILE_DELETE
                                                 : TOOL_FILE_EDIT;
        codex_put_patch(m, &patch);
        facet = SLICE("agent.file");
    } else if (category == TOOL_FILE_READ && put_read_facet(m, arguments)) {
        facet = SLICE("agent.file");
    } else if (category == TOOL_MCP && is_mcp(m)) {
        put_mcp_facet(m);
        facet = SLICE("agent.mcp");
    } else if (slice_equal(name, SLICE("spawn_agent"))) {
        learn_child(m);
    }
    if (facet.size > 0)
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
    put_category(m, category, known);
    put_sizes(m);
    put_outcome(m, category);
    watch_sequence(m);
}
