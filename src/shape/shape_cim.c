/* SPDX-License-Identifier: Apache-2.0 */
/* shape_cim.c -- the event of Splunk: fields of CIM, then the attributes of the model under their
 * own names, then what the sender wrote.
 *
 * Splunk extracts fields when it searches, from the first few kilobytes of an event and not without
 * end, so that what is short and what rules ask for stands first and long texts last. */
#include <stdlib.h>
#include <string.h>

#include "shape/cim_fields.h"
#include "shape/shaper.h"

enum {
    LONG_VALUE_SIZE = 512, /* from here on a value stands behind the others */
};

static const double MS_PER_S = 1000;
static const double US_PER_MS = 1000;
static const double EXACT_MS_MAX = 1e12; /* microseconds below are whole numbers of a double */

struct cim_plan {
    struct slice names[SCHEMA_KEY_COUNT]; /* `,"key":` */
    struct slice *fields;                 /* owned; of cim_fields */
    struct buf text;                      /* owned; behind the slices */
};

static struct slice add_name(struct buf *text, const char *name)
{
    size_t start = text->size;
    buf_append_reserved(text, ",\"", 2);
    buf_append_reserved(text, name, strlen(name));
    buf_append_reserved(text, "\":", 2);
    return slice_of(text->data + start, text->size - start);
}

enum status cim_plan_create(struct cim_plan **ret, struct error *err)
{
    enum { NAME_MAX_SIZE = 64, TEXT_MAX = (SCHEMA_KEY_COUNT + 64) * NAME_MAX_SIZE };
    struct cim_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "the fields of CIM");
    buf_init(&plan->text, TEXT_MAX);
    plan->fields = calloc(cim_field_count, sizeof(*plan->fields));
    enum status st = plan->fields == NULL ? error_set(err, ST_NO_MEMORY, "the fields of CIM")
                                          : buf_reserve(&plan->text, TEXT_MAX, err);
    if (st != ST_OK) {
        cim_plan_destroy(plan);
        return st;
    }
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++)
        plan->names[key] = add_name(&plan->text, schema_attributes[key].key);
    for (size_t i = 0; i < cim_field_count; i++)
        plan->fields[i] = add_name(&plan->text, cim_fields[i].name);
    *ret = plan;
    return ST_OK;
}

void cim_plan_destroy(struct cim_plan *plan)
{
    if (plan == NULL)
        return;
    buf_fini(&plan->text);
    free(plan->fields);
    free(plan);
}

/* --- What is concluded ---------------------------------------------------------------------------
 */

static bool says(const struct record_reader *reader, unsigned key, const char *word)
{
    return slice_equal(reader_text(reader, key), slice_of_text(word));
}

static const char *action_of_decision(const struct record_reader *reader)
{
    switch (
        reader_word(reader, KEY_AGENT_DECISION_OUTCOME, words_decision_outcome, DECISION_UNKNOWN)) {
    case DECISION_ALLOW:
    case DECISION_MODIFY:
        return "allowed";
    case DECISION_DENY:
    case DECISION_ABORT:
    case DECISION_TIMEOUT:
        return "blocked";
    default:
        return NULL;
    }
}

static const char *action_of_outcome(const struct record_reader *reader)
{
    switch (reader_word(reader, KEY_AGENT_OUTCOME, words_outcome, OUTCOME_UNKNOWN)) {
    case OUTCOME_SUCCESS:
        return "success";
    case OUTCOME_FAILURE:
    case OUTCOME_CANCELLED:
    case OUTCOME_TIMEOUT:
        return "failure";
    case OUTCOME_DENIED:
        return "blocked";
    default:
        return NULL;
    }
}

/* Of traffic, a command or a tool: whether it could happen. */
static const char *action_of_run(const struct record_reader *reader)
{
    const char *decision = action_of_decision(reader);

    if (decision != NULL)
        return decision;
    return says(reader, KEY_AGENT_OUTCOME, "denied") ? "blocked" : "allowed";
}

static const char *action_of_file(const struct record_reader *reader)
{
    static const char *const actions[] = {"created",  "read",     "modified", "deleted",
                                          "modified", "modified", NULL};
    return actions[reader_word(reader, KEY_AGENT_FILE_OPERATION, words_file_operation,
                               COUNT_OF(actions) - 1)];
}

static const char *action_of_extension(const struct record_reader *reader)
{
    static const char *const actions[] = {"created", "deleted", "modified", "modified", "modified",
                                          "read",    "read",    NULL,       NULL};
    return actions[reader_word(reader, KEY_AGENT_EXTENSION_ACTION, words_extension_action,
                               COUNT_OF(actions) - 1)];
}

static const char *action_of_sandbox(const struct record_reader *reader)
{
    return says(reader, KEY_AGENT_SANDBOX_OUTCOME, "denied") ? "blocked" : "allowed";
}

static const char *action_of(const struct record_reader *reader)
{
    const char *action = NULL;

    switch (reader->kind) {
    case KIND_APPROVAL:
    case KIND_REVIEW:
        return action_of_decision(reader);
    case KIND_NETWORK:
    case KIND_COMMAND:
        return action_of_run(reader);
    case KIND_SANDBOX:
        return action_of_sandbox(reader);
    case KIND_AUTH: /* it knows success and failure alone */
        action = action_of_outcome(reader);
        return action != NULL && strcmp(action, "blocked") == 0 ? "failure" : action;
    case KIND_MODE:
    case KIND_CONFIG:
        return "modified";
    case KIND_EXTENSION:
        return action_of_extension(reader);
    case KIND_FILE:
    case KIND_TOOL:
        if (!says(reader, KEY_AGENT_OUTCOME, "denied"))
            action = action_of_file(reader);
        return action != NULL ? action : action_of_outcome(reader);
    default:
        return action_of_outcome(reader);
    }
}

static const char *severity_of(const struct record_reader *reader)
{
    enum { FROM_MEDIUM = 13, FROM_HIGH = 17, FROM_CRITICAL = 21, RISK_UNKNOWN = 4 };
    unsigned risk =
        reader_word(reader, KEY_AGENT_REVIEW_RISK_LEVEL, words_risk_level, RISK_UNKNOWN);
    uint32_t severity = reader->facts.agent_severity;

    if (risk < RISK_UNKNOWN)
        return words_risk_level[risk];
    if (severity == 0)
        return NULL;
    if (severity >= FROM_CRITICAL)
        return "critical";
    return severity >= FROM_HIGH ? "high" : severity >= FROM_MEDIUM ? "medium" : "informational";
}

static struct slice first_of(const struct record_reader *reader, const uint16_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice text = reader_text(reader, keys[i]);
        if (text.size > 0)
            return text;
    }
    return SLICE_EMPTY;
}

static struct slice user_of(const struct record_reader *reader)
{
    static const uint16_t keys[] = {KEY_USER_NAME, KEY_USER_EMAIL, KEY_USER_ID,
                                    KEY_PROCESS_USER_NAME};
    return first_of(reader, keys, COUNT_OF(keys));
}

static struct slice object_of(const struct record_reader *reader)
{
    static const uint16_t keys[] = {KEY_AGENT_MODE_TO, KEY_AGENT_CONFIG_KEY,
                                    KEY_AGENT_EXTENSION_NAME, KEY_AGENT_MCP_TOOL_NAME,
                                    KEY_FILE_PATH};
    return first_of(reader, keys, COUNT_OF(keys));
}

static struct slice object_category_of(const struct record_reader *reader)
{
    if (reader->kind == KIND_MODE)
        return SLICE("permission_mode");
    if (reader->kind == KIND_CONFIG)
        return SLICE("configuration");
    if (reader->at[KEY_AGENT_EXTENSION_TYPE] != 0)
        return reader_text(reader, KEY_AGENT_EXTENSION_TYPE);
    if (reader->at[KEY_AGENT_MCP_TOOL_NAME] != 0)
        return SLICE("mcp_tool");
    return reader->at[KEY_FILE_PATH] != 0 ? SLICE("file") : SLICE_EMPTY;
}

/* --- Writing -------------------------------------------------------------------------------------
 */

static void put_word_member(struct json_put *json, struct slice name, const char *word)
{
    if (word != NULL)
        shape_put_text_member(json, name, slice_of_text(word));
}

/* Seconds, with no more digits than the milliseconds have: a division by a thousand alone makes
 * 0.0010049999999999998 of 1.005. */
static double seconds_of(double ms)
{
    if (!(ms > -EXACT_MS_MAX && ms < EXACT_MS_MAX))
        return ms / MS_PER_S;
    double us = (double)(int64_t)(ms * US_PER_MS + (ms < 0 ? -0.5 : 0.5));
    return us / US_PER_MS == ms ? us / (US_PER_MS * MS_PER_S) : ms / MS_PER_S;
}

static void put_duration(struct json_put *json, const struct record_reader *reader)
{
    const struct any_view *value = reader_value(reader, KEY_AGENT_DURATION_MS);
    if (value == NULL)
        return;
    double ms = value->type == ANY_TYPE_INT ? (double)value->integer : value->number;
    shape_put_name(json, SHAPE_NAME("duration"));
    json_put_double(json, seconds_of(ms));
}

/* "approval deny". */
static void put_signature(struct json_put *json, const struct record_reader *reader)
{
    bool is_pipeline = reader->kind == KIND_PIPELINE;
    const char *const *words = is_pipeline ? words_pipeline_reason : words_decision_outcome;
    unsigned verdict =
        reader_word(reader, is_pipeline ? KEY_AGENT_PIPELINE_REASON : KEY_AGENT_DECISION_OUTCOME,
                    words, SCHEMA_WORDS_MAX);

    if (verdict == SCHEMA_WORDS_MAX || reader->kind == KIND_COUNT)
        return;
    struct slice kind = slice_of_text(schema_kinds[reader->kind].name);
    shape_put_name(json, SHAPE_NAME("signature"));
    json_put(json, SLICE("\""));
    json_put(json, slice_from(kind, sizeof("agent.") - 1));
    json_put(json, SLICE(" "));
    json_put(json, slice_of_text(words[verdict]));
    json_put(json, SLICE("\""));
}

static void put_status(struct json_put *json, const struct record_reader *reader)
{
    const struct any_view *code = reader_value(reader, KEY_HTTP_RESPONSE_STATUS_CODE);

    if (code != NULL) {
        shape_put_name(json, SHAPE_NAME("status"));
        json_put(json, SLICE("\""));
        json_put_int(json, code->integer);
        json_put(json, SLICE("\""));
    } else if (reader->kind == KIND_MODE || reader->kind == KIND_CONFIG ||
               reader->kind == KIND_EXTENSION) {
        bool has_failed =
            says(reader, KEY_AGENT_OUTCOME, "failure") || says(reader, KEY_AGENT_OUTCOME, "denied");
        put_word_member(json, SHAPE_NAME("status"), has_failed ? "failure" : "success");
    }
}

static void put_concluded(struct json_put *json, const struct record_reader *reader)
{
    const struct record_facts *facts = &reader->facts;
    struct slice server = reader_text(reader, KEY_SERVER_ADDRESS);
    struct slice client = reader_text(reader, KEY_CLIENT_ADDRESS);

    json_put(json, SLICE(",\"vendor_product\":\"Telltale\""));
    put_word_member(json, SHAPE_NAME("action"), action_of(reader));
    shape_put_text_member(json, SHAPE_NAME("app"), facts->product);
    shape_put_text_member(json, SHAPE_NAME("user"), user_of(reader));
    shape_put_text_member(json, SHAPE_NAME("dest"), server.size > 0 ? server : facts->host_name);
    shape_put_text_member(json, SHAPE_NAME("src"), client.size > 0 ? client : facts->host_name);
    put_word_member(json, SHAPE_NAME("severity"), severity_of(reader));
    put_signature(json, reader);
    shape_put_text_member(json, SHAPE_NAME("id"), facts->uid);
    shape_put_text_member(json, SHAPE_NAME("object"), object_of(reader));
    shape_put_text_member(json, SHAPE_NAME("object_category"), object_category_of(reader));
    put_status(json, reader);
    put_duration(json, reader);
}

/* Both below write what is long or what is short; true: there is some of the other sort. */

static bool put_cim_fields(struct json_put *json, const struct cim_plan *plan,
                           const struct record_reader *reader, bool is_long)
{
    bool has_others = false;

    for (size_t i = 0; i < cim_field_count; i++) {
        const struct any_view *value = reader_value(reader, cim_fields[i].key);
        if (value == NULL)
            continue;
        if ((value->encoded.size >= LONG_VALUE_SIZE) != is_long) {
            has_others = true;
            continue;
        }
        shape_put_name(json, plan->fields[i]);
        shape_put_model_value(json, cim_fields[i].key, value);
    }
    return has_others;
}

static bool put_model(struct json_put *json, const struct cim_plan *plan,
                      const struct record_reader *reader, bool is_long)
{
    bool has_others = false;

    for (unsigned word = 0; word < READER_WORDS; word++) {
        for (uint64_t left = reader->said[word]; left != 0; left &= left - 1) {
            unsigned key = word * 64 + (unsigned)__builtin_ctzll(left);
            const struct any_view *value = reader_value(reader, key);
            if ((value->encoded.size >= LONG_VALUE_SIZE) != is_long) {
                has_others = true;
                continue;
            }
            shape_put_name(json, plan->names[key]);
            shape_put_model_value(json, key, value);
        }
    }
    return has_others;
}

static bool is_of_model(const void *context, size_t index)
{
    const struct record_reader *reader = context;
    return reader->record.reads[index].is_model;
}

static void put_head(struct json_put *json, const struct record_reader *reader)
{
    const struct record_view *view = &reader->view;

    json_put(json, SLICE("\"timestamp\":"));
    json_put_time(json, reader->facts.time_unix_ns);
    put_concluded(json, reader);
    shape_put_text_member(json, SHAPE_NAME("event_name"), shape_short(view->event_name));
    shape_put_time_member(json, SHAPE_NAME("observed_timestamp"), view->observed_time_unix_nano);
    if (reader->facts.severity_number != 0)
        shape_put_uint_member(json, SHAPE_NAME("severity_number"), reader->facts.severity_number);
    shape_put_text_member(json, SHAPE_NAME("severity_text"), shape_short(view->severity_text));
    shape_put_hex_member(json, SHAPE_NAME("trace_id"), view->trace_id);
    shape_put_hex_member(json, SHAPE_NAME("span_id"), view->span_id);
    if (view->flags != 0)
        shape_put_uint_member(json, SHAPE_NAME("trace_flags"), view->flags);
    if (view->dropped_attributes_count != 0)
        shape_put_uint_member(json, SHAPE_NAME("dropped_attributes_count"),
                              view->dropped_attributes_count);
}

void shape_put_cim(struct shaper *shaper, struct shape_out *out)
{
    const struct record_reader *reader = &shaper->reader;
    struct json_put *json = &out->json;
    struct shape_pairs pairs;

    put_head(json, reader);
    bool has_long_fields = put_cim_fields(json, shaper->cim, reader, false);
    bool has_long = put_model(json, shaper->cim, reader, false);
    json_put(json, slice_from(buf_slice(&shaper->group_text), 1));
    if (has_long_fields)
        (void)put_cim_fields(json, shaper->cim, reader, true); /* nothing is left */
    if (has_long)
        (void)put_model(json, shaper->cim, reader, true);
    if (reader->view.body.type != ANY_TYPE_NONE) {
        shape_put_name(json, SHAPE_NAME("body"));
        shape_put_as_text(out, &reader->view.body);
    }
    shape_put_container(out, SHAPE_NAME("attributes"), &reader->record, is_of_model, reader, true);
    shape_find_pairs(&reader->view, &pairs);
    shape_put_list(out, SHAPE_NAME("attribute_list"), &reader->record, is_of_model, reader,
                   pairs.pairs, pairs.count);
}
