/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_opencode.c -- opencode's log records (scope opencode, seen of version 1.18.33).
 *
 * They are lines of a log, not events: the body is a text, or an array of a text and an object
 * printed as JSON, but with bare words (undefined) in it.  The text is the name.  Decisions of
 * rules are there, and that somebody was asked; what a tool was given and how it ended is only in
 * spans (opencode_spans.c).
 *
 * A decision does not say in which session it was made.  It stands in the trace of the turn, and
 * records of the same trace before it name the session.
 */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/facets.h"
#include "normalize/opencode.h"

enum { NAME_SIZE_MAX = 64, RULE_SIZE_MAX = 512 };

/* --- The body ---------------------------------------------------------------------------- */

/* The text at `index` of the body, empty when there is none. */
static struct slice body_text(const struct mapping *m, size_t index)
{
    const struct any_view *body = &m->record.body;
    if (body->type == ANY_TYPE_STRING)
        return index == 0 ? body->bytes : SLICE_EMPTY;
    if (body->type != ANY_TYPE_ARRAY)
        return SLICE_EMPTY;
    struct pb_walk walk = pb_walk_start(body->bytes);
    struct pb_field field;
    for (size_t i = 0; pb_next(&walk, &field) == PB_FIELD; i++) {
        struct any_view any;
        struct error ignored;
        if (i < index)
            continue;
        bool is_text = field.number == LIST_VALUES && field.type == WIRE_BYTES &&
                       otlp_read_any(field.bytes, &any, &ignored) == ST_OK &&
                       any.type == ANY_TYPE_STRING;
        return is_text ? any.bytes : SLICE_EMPTY;
    }
    return SLICE_EMPTY;
}

static struct slice full_name(struct mapping *m, struct slice name)
{
    if (name.size > 0)
        return name;
    name = body_text(m, 0);
    return name.size <= NAME_SIZE_MAX ? name : SLICE_EMPTY;
}

/* The member `name` of the object, as it stands there. */
static struct slice raw_member(struct slice object, const char *name)
{
    const struct slice key = slice_of_text(name);
    struct slice value;
    json_find_members(object, &key, 1, &value);
    return value;
}

static struct slice text_member(struct mapping *m, struct slice object, const char *name)
{
    struct slice text;
    return json_decode_text(raw_member(object, name), &m->scratch, &text) ? text : SLICE_EMPTY;
}

static void put_member(struct mapping *m, struct slice object, const char *name,
                       enum schema_key key)
{
    struct slice text = text_member(m, object, name);
    if (!text_is_sentinel(text))
        mapping_put_text(m, key, text);
}

/* --- Every event ----------------------------------------------------------------------------- */

static void finish_common(struct mapping *m)
{
    struct slice id = text_member(m, body_text(m, 1), "session.id");
    if (id.size > 0) {
        lineage_note_trace(m->lineage, m->record.trace_id, id);
        opencode_put_session(m, id);
        return;
    }
    struct slice owner = lineage_trace_owner(m->lineage, m->record.trace_id);
    const struct lineage_thread *thread = owner.size > 0 ? lineage_open(m->lineage, owner) : NULL;
    if (thread == NULL)
        return;
    opencode_be_heuristic(m);
    mapping_put_text(m, KEY_SESSION_ID,
                     lineage_id_slice(thread->root.size > 0 ? &thread->root : &thread->id));
}

static void finish_created(struct mapping *m)
{
    struct slice object = body_text(m, 1);
    struct slice id = text_member(m, object, "id");
    struct slice parent = text_member(m, object, "parentID");
    struct lineage_thread *thread = lineage_open(m->lineage, id);
    if (thread != NULL) {
        thread->role = parent.size > 0 ? ROLE_SUBAGENT : ROLE_MAIN;
        if (parent.size > 0)
            lineage_set_parent(m->lineage, thread, parent);
    }
    if (id.size > 0)
        opencode_put_session(m, id);
    put_member(m, object, "version", KEY_AGENT_PRODUCT_VERSION);
    put_member(m, object, "directory", KEY_PROCESS_WORKING_DIRECTORY);
}

/* --- Requests to the model ------------------------------------------------------------------- */

static void finish_stream(struct mapping *m)
{
    struct slice object = body_text(m, 1);
    struct slice provider = text_member(m, object, "providerID");
    for (const struct word_map *word = opencode_providers; word->from != NULL; word++) {
        if (text_equal_nocase(provider, word->from))
            provider = slice_of_text(word->to);
    }
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
    if (!text_is_sentinel(provider))
        mapping_put_text(m, KEY_GEN_AI_PROVIDER_NAME, provider);
    put_member(m, object, "modelID", KEY_GEN_AI_REQUEST_MODEL);
    put_member(m, object, "agent", KEY_GEN_AI_AGENT_NAME);
}

static void finish_stream_error(struct mapping *m)
{
    struct slice error = raw_member(body_text(m, 1), "error");
    finish_stream(m);
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
    if (error.size > 0)
        mapping_put_text(m, KEY_AGENT_ERROR_MESSAGE, error);
}

/* --- Permissions ----------------------------------------------------------------------------- */

/* What the permission is for: the pattern is the command, the path or the address. */
static void put_subject(struct mapping *m, struct slice permission, struct slice pattern)
{
    struct slice facet = SLICE_EMPTY;
    bool builtin = false;
    opencode_put_tool(m, permission);
    if (permission.size > 0)
        mapping_put_text(m, KEY_AGENT_DECISION_REASON, permission);
    if (pattern.size == 0)
        return;
    switch (opencode_category(permission, &builtin)) {
    case TOOL_SHELL:
        mapping_put_text(m, KEY_PROCESS_COMMAND_LINE, pattern);
        facet = SLICE("agent.command");
        break;
    case TOOL_FILE_READ:
    case TOOL_FILE_EDIT:
        mapping_put_text(m, KEY_FILE_PATH, pattern);
        mapping_put_text(m, KEY_AGENT_FILE_OPERATION,
                         slice_equal(permission, SLICE("read")) ? SLICE("read") : SLICE("update"));
        mapping_put_text(m, KEY_AGENT_FILE_PATH_SOURCE, SLICE("argument"));
        facet = SLICE("agent.file");
        break;
    case TOOL_WEB_FETCH:
        opencode_put_url(m, pattern);
        facet = SLICE("agent.network");
        break;
    default:
        if (slice_equal(permission, SLICE("external_directory")))
            mapping_put_text(m, KEY_FILE_PATH, pattern);
        break;
    }
    if (facet.size > 0)
        mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
}

static void put_rule(struct mapping *m, struct slice rule)
{
    struct slice permission = text_member(m, rule, "permission");
    struct slice pattern = text_member(m, rule, "pattern");
    char name[RULE_SIZE_MAX];
    if (permission.size == 0 || permission.size + pattern.size + 1 > sizeof(name))
        return;
    memcpy(name, permission.data, permission.size);
    name[permission.size] = ' ';
    if (pattern.size > 0)
        memcpy(name + permission.size + 1, pattern.data, pattern.size);
    mapping_put_text(m, KEY_SECURITY_RULE_NAME, slice_of(name, permission.size + 1 + pattern.size));
}

static void finish_evaluated(struct mapping *m)
{
    struct slice object = body_text(m, 1);
    struct slice rule = raw_member(object, "action");
    struct slice action = text_member(m, rule, "action");
    decision_put(m, text_equal_nocase(action, "allow")  ? DECISION_ALLOW
                    : text_equal_nocase(action, "deny") ? DECISION_DENY
                                                        : DECISION_UNKNOWN);
    decision_put_source(m, BY_CONFIG);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
    put_rule(m, rule);
    put_subject(m, text_member(m, object, "permission"), text_member(m, object, "pattern"));
}

static void finish_asking(struct mapping *m)
{
    enum { PATTERNS_MAX = 8 };
    struct slice object = body_text(m, 1);
    struct slice patterns[PATTERNS_MAX];
    size_t count = 0;
    decision_put(m, DECISION_ASK);
    if (!json_decode_texts(raw_member(object, "patterns"), &m->scratch, patterns, PATTERNS_MAX,
                           &count))
        count = 0;
    put_subject(m, text_member(m, object, "permission"), count > 0 ? patterns[0] : SLICE_EMPTY);
}

/* --- Tables ------------------------------------------------------------------------------ */

enum { EVALUATED = 3 }; /* where events[] has it */

static const struct dialect_event events[] = {
    {"created", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, finish_created,
     "`id` is the session, `parentID` makes it a sub-agent's; `version` and `directory`."},
    {"stream", KIND_MODEL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0, finish_stream,
     "`providerID`, `modelID`, `agent`; how it ends is in a span."},
    {"stream error", KIND_MODEL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT, NULL, 0,
     finish_stream_error, "The same, and `error`."},
    {"evaluated", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0, finish_evaluated,
     "A rule allowed or denied: `action` is the rule, `permission` what for, `pattern` the "
     "command, "
     "the path or the address. A rule that says ask is agent.other, for `asking` follows."},
    {"asking", KIND_APPROVAL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0, finish_asking,
     "A person is asked. What the answer was is in no log record."},
};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const struct dialect_event *refine(const struct mapping *m,
                                          const struct dialect_event *event)
{
    if (event != &events[EVALUATED])
        return event;
    struct slice rule = raw_member(body_text(m, 1), "action");
    return slice_equal(raw_member(rule, "action"), SLICE("\"ask\"")) ? &otherwise : event;
}

const struct dialect dialect_opencode = {
    .name = "opencode_otel",
    .product = "opencode",
    .scope_prefix = "opencode",
    .events = events,
    .event_count = COUNT_OF(events),
    .otherwise = &otherwise,
    .full_name = full_name,
    .refine = refine,
    .finish = finish_common,
    .note = "The name is the first text of the body, what else is named here are members of the "
            "object in its second. `session.id` there is gen_ai.conversation.id, and session.id "
            "the session at the root, as far as it is known. A record without it takes session.id "
            "from earlier records of its trace, which is heuristic.",
};
