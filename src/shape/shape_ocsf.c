/* SPDX-License-Identifier: Apache-2.0 */
/* shape_ocsf.c -- the event of OCSF, by the tables of ocsf_fields.h and ocsf_kind.h.
 *
 * First the class and what all classes have, then the objects of the class (ocsf_class.h), then
 * `unmapped`: what the model says beyond them and all that is the sender's. */
#include <stdlib.h>

#include "shape/ocsf_class.h"
#include "shape/shaper.h"
#include "util/clock.h"

struct ocsf_plan {
    enum shape shape;
    struct slice version_text; /* with its quotes */
    struct slice keys[SCHEMA_KEY_COUNT];
};

enum status ocsf_plan_create(enum shape shape, struct ocsf_plan **ret, struct error *err)
{
    struct ocsf_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "the fields of OCSF");
    plan->shape = shape;
    plan->version_text = shape == SHAPE_OCSF_1_9 ? SLICE("\"1.9.0-dev\"") : SLICE("\"1.8.0\"");
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++)
        plan->keys[key] = slice_of_text(schema_attributes[key].key);
    *ret = plan;
    return ST_OK;
}

void ocsf_plan_destroy(struct ocsf_plan *plan)
{
    free(plan);
}

/* --- What is concluded ----------------------------------------------------------------------- */

static bool says(const struct record_reader *reader, unsigned key, const char *word)
{
    return slice_equal(reader_text(reader, key), slice_of_text(word));
}

/* A name that says nothing gives way to that of the service. */
static struct slice product_of(const struct record_reader *reader)
{
    const struct record_facts *facts = &reader->facts;
    bool says_nothing = facts->product.size == 0 || says(reader, KEY_AGENT_PRODUCT, "unknown") ||
                        says(reader, KEY_AGENT_PRODUCT, "other");

    if (says_nothing && facts->service_name.size > 0)
        return facts->service_name;
    return facts->product.size > 0 ? facts->product : OCSF_UNKNOWN;
}

/* --- What all classes have ------------------------------------------------------------------- */

static void put_class(struct ocsf_writing *writing)
{
    enum { ACTIVITIES_PER_CLASS = 100 };
    const struct ocsf_class_row *row = &ocsf_classes[writing->verdict.class];
    unsigned activity = writing->verdict.activity;
    struct json_put *json = writing->json;
    const char *name = ocsf_activity_name(writing->verdict.class, activity);

    json_put(json, row->head);
    shape_put_uint_member(json, SHAPE_NAME("activity_id"), activity);
    shape_put_text_member(json, SHAPE_NAME("activity_name"),
                          name != NULL ? slice_of_text(name) : ocsf_kind_name(writing->reader));
    shape_put_uint_member(json, SHAPE_NAME("type_uid"),
                          (uint64_t)row->uid * ACTIVITIES_PER_CLASS + activity);
    shape_put_uint_member(json, SHAPE_NAME("time"),
                          writing->reader->facts.time_unix_ns / NS_PER_MS);
}

static void put_status(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    const struct ocsf_verdict *verdict = &writing->verdict;
    bool is_pipeline = writing->reader->kind == KIND_PIPELINE;

    ocsf_put_uint(put, SHAPE_NAME("severity_id"), verdict->severity);
    ocsf_put_word(put, SHAPE_NAME("severity"), ocsf_severity_name(verdict->severity));
    ocsf_put_uint(put, SHAPE_NAME("status_id"), verdict->status);
    ocsf_put_word(put, SHAPE_NAME("status"), ocsf_status_name(verdict->class, verdict->status));
    ocsf_put_text(put, SHAPE_NAME("status_detail"),
                  ocsf_take(put, is_pipeline ? KEY_AGENT_PIPELINE_REASON : KEY_AGENT_OUTCOME));
}

static void put_message(struct ocsf_writing *writing)
{
    const struct any_view *body = &writing->reader->view.body;

    if (body->type != ANY_TYPE_NONE) {
        shape_put_name(writing->json, SHAPE_NAME("message"));
        shape_put_as_text(writing->out, body);
    } else {
        ocsf_put_text(&writing->put, SHAPE_NAME("message"),
                      ocsf_take(&writing->put, KEY_AGENT_ERROR_MESSAGE));
    }
}

static void put_profiles(const struct ocsf_writing *writing)
{
    struct json_put *json = writing->json;

    shape_put_name(json, SHAPE_NAME("profiles"));
    json_put(json, SLICE("[\"host\""));
    if (writing->verdict.has_control)
        json_put(json, SLICE(",\"security_control\""));
    if (writing->has_ai)
        json_put(json, SLICE(",\"ai_operation\""));
    json_put(json, SLICE("]"));
}

static void put_metadata(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    const struct record_facts *facts = &writing->reader->facts;
    struct json_put *json = writing->json;

    ocsf_begin(put, SHAPE_NAME("metadata"));
    ocsf_open(put);
    shape_put_name(json, SHAPE_NAME("version"));
    json_put(json, writing->plan->version_text);
    json_put(json, SLICE(",\"product\":{\"name\":\"Telltale\",\"vendor_name\":\"Telltale\","
                         "\"version\":\"" TELLTALE_VERSION "\"}"));
    put_profiles(writing);
    ocsf_put_fields(put, &ocsf_metadata);
    ocsf_put_text(
        put, SHAPE_NAME("correlation_uid"),
        ocsf_take_first(writing, KEY_AGENT_TURN_ID, KEY_GEN_AI_TOOL_CALL_ID, SLICE_EMPTY));
    shape_put_time_member(json, SHAPE_NAME("original_time"), writing->reader->view.time_unix_nano);
    if (facts->received_unix_ns != 0)
        ocsf_put_uint(put, SHAPE_NAME("logged_time"), facts->received_unix_ns / NS_PER_MS);
    ocsf_put_text(put, SHAPE_NAME("log_level"), shape_short(writing->reader->view.severity_text));
    ocsf_end(put);
}

/* Who connected is the agent, unless it is the program that an agent's hook runs. */
static bool is_agent_peer(const struct record_reader *reader)
{
    return !says(reader, KEY_AGENT_TRANSPORT, "hook_stdin") &&
           !says(reader, KEY_AGENT_TRANSPORT, "notify_argv");
}

static void put_actor(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    const struct record_reader *reader = writing->reader;
    bool has_pid = ocsf_fits(put, &ocsf_process.fields[0]);

    ocsf_begin(put, SHAPE_NAME("actor"));
    ocsf_put_text(put, SHAPE_NAME("app_name"), writing->product);
    ocsf_put_text(put, SHAPE_NAME("app_uid"),
                  reader_resource_text(reader, READER_SERVICE_INSTANCE_ID));
    ocsf_put_user(writing, SLICE_EMPTY);
    ocsf_put_object(put, SHAPE_NAME("session"), &ocsf_session);
    if (has_pid && writing->verdict.class != OCSF_CLASS_PROCESS)
        ocsf_put_object(put, SHAPE_NAME("process"), &ocsf_process);
    else if (is_agent_peer(reader))
        ocsf_put_object(put, SHAPE_NAME("process"), &ocsf_peer);
    ocsf_end(put);
}

static void put_os(struct ocsf_writing *writing)
{
    enum { OTHER = 99 };
    static const struct {
        const char *type;
        unsigned id;
    } types[] = {{"linux", 200}, {"windows", 100}, {"darwin", 300}};
    struct ocsf_put *put = &writing->put;
    struct slice type = reader_resource_text(writing->reader, READER_OS_TYPE);
    struct slice name = reader_resource_text(writing->reader, READER_OS_NAME);
    unsigned id = type.size > 0 ? OTHER : 0;

    if (type.size == 0 && name.size == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (slice_equal(type, slice_of_text(types[i].type)))
            id = types[i].id;
    }
    ocsf_begin(put, SHAPE_NAME("os"));
    ocsf_put_text(put, SHAPE_NAME("name"), name.size > 0 ? name : type);
    ocsf_put_uint(put, SHAPE_NAME("type_id"), id);
    ocsf_put_text(put, SHAPE_NAME("type"), type);
    ocsf_put_text(put, SHAPE_NAME("version"),
                  reader_resource_text(writing->reader, READER_OS_VERSION));
    ocsf_end(put);
}

static void put_device(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("device"));
    ocsf_put_uint(put, SHAPE_NAME("type_id"), 0);
    ocsf_put_host_name(writing, OBSERVABLE_HOSTNAME);
    ocsf_put_text(put, SHAPE_NAME("uid"), reader_resource_text(writing->reader, READER_HOST_ID));
    put_os(writing);
    ocsf_end(put);
}

/* --- Profiles -------------------------------------------------------------------------------- */

static void put_control(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    const struct ocsf_verdict *verdict = &writing->verdict;

    if (!verdict->has_control)
        return;
    ocsf_put_uint(put, SHAPE_NAME("action_id"), verdict->action);
    ocsf_put_word(put, SHAPE_NAME("action"), ocsf_action_name(verdict->action));
    ocsf_put_uint(put, SHAPE_NAME("disposition_id"), verdict->disposition);
    ocsf_put_word(put, SHAPE_NAME("disposition"), ocsf_disposition_name(verdict->disposition));
    if (verdict->risk != 0) {
        ocsf_put_uint(put, SHAPE_NAME("risk_level_id"), verdict->risk);
        ocsf_put_word(put, SHAPE_NAME("risk_level"), ocsf_risk_name(verdict->risk));
    }
    ocsf_put_object(put, SHAPE_NAME("policy"), &ocsf_policy);
}

static bool wants_ai(const struct ocsf_writing *writing)
{
    const struct ocsf_class_row *row = &ocsf_classes[writing->verdict.class];

    if (writing->plan->shape == SHAPE_OCSF_1_9)
        return row->has_ai_in_1_9;
    return row->has_ai &&
           (writing->verdict.role != 0 || ocsf_is_said(writing, KEY_GEN_AI_CONVERSATION_ID) ||
            ocsf_is_said(writing, KEY_GEN_AI_REQUEST_MODEL));
}

static void put_model(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice name =
        ocsf_take_first(writing, KEY_GEN_AI_RESPONSE_MODEL, KEY_GEN_AI_REQUEST_MODEL, SLICE_EMPTY);

    if (name.size == 0)
        return;
    ocsf_begin(put, SHAPE_NAME("ai_model"));
    ocsf_put_text(put, SHAPE_NAME("name"), name);
    ocsf_put_text(
        put, SHAPE_NAME("ai_provider"),
        ocsf_take_first(writing, KEY_GEN_AI_PROVIDER_NAME, KEY_GEN_AI_PROVIDER_NAME, OCSF_UNKNOWN));
    ocsf_end(put);
}

static void put_message_context(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("message_context"));
    ocsf_put_uint(put, SHAPE_NAME("ai_role_id"), writing->verdict.role);
    ocsf_put_fields(put, &ocsf_message_tokens);
    if (writing->plan->shape == SHAPE_OCSF_1_9)
        ocsf_put_fields(put, &ocsf_message_texts);
    ocsf_begin(put, SHAPE_NAME("application"));
    ocsf_put_text(put, SHAPE_NAME("name"), writing->product);
    ocsf_put_text(put, SHAPE_NAME("version"), ocsf_take(put, KEY_AGENT_PRODUCT_VERSION));
    ocsf_end(put);
    ocsf_end(put);
}

static void put_ai(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    if (!writing->has_ai)
        return;
    put_model(writing);
    put_message_context(writing);
    if (writing->plan->shape != SHAPE_OCSF_1_9)
        return;
    ocsf_begin_object(put, SHAPE_NAME("ai_agent"), &ocsf_ai_agent);
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  reader_resource_text(writing->reader, READER_SERVICE_INSTANCE_ID));
    ocsf_put_text(put, SHAPE_NAME("name"), writing->product);
    ocsf_put_fields(put, &ocsf_ai_agent);
    ocsf_end(put);
}

/* --- What OCSF has no place for -------------------------------------------------------------- */

static bool is_of_model(const void *context, size_t index)
{
    const struct record_reader *reader = context;
    return reader->record.reads[index].is_model;
}

static void put_rest_of_model(struct ocsf_writing *writing)
{
    const struct record_reader *reader = writing->reader;

    for (unsigned word = 0; word < READER_WORDS; word++) {
        uint64_t left = reader->said[word] & ~writing->put.placed[word];
        for (; left != 0; left &= left - 1) {
            unsigned key = word * 64 + (unsigned)__builtin_ctzll(left);
            shape_put_key(writing->json, writing->plan->keys[key]);
            shape_put_model_value(writing->json, key, reader_value(reader, key));
        }
    }
}

static void put_rest_of_record(struct ocsf_writing *writing)
{
    const struct record_view *view = &writing->reader->view;
    struct json_put *json = writing->json;

    shape_put_text_member(json, SHAPE_NAME("event_name"), shape_short(view->event_name));
    shape_put_time_member(json, SHAPE_NAME("observed_timestamp"), view->observed_time_unix_nano);
    if (writing->reader->facts.severity_number != 0)
        shape_put_uint_member(json, SHAPE_NAME("severity_number"),
                              writing->reader->facts.severity_number);
    shape_put_hex_member(json, SHAPE_NAME("trace_id"), view->trace_id);
    shape_put_hex_member(json, SHAPE_NAME("span_id"), view->span_id);
    if (view->flags != 0)
        shape_put_uint_member(json, SHAPE_NAME("trace_flags"), view->flags);
    if (view->dropped_attributes_count != 0)
        shape_put_uint_member(json, SHAPE_NAME("dropped_attributes_count"),
                              view->dropped_attributes_count);
}

static void put_unmapped(struct ocsf_writing *writing, struct slice group_text)
{
    const struct record_reader *reader = writing->reader;
    struct json_put *json = writing->json;
    struct shape_pairs pairs;

    shape_put_name(json, SHAPE_NAME("unmapped"));
    json_put(json, SLICE("{"));
    put_rest_of_model(writing);
    put_rest_of_record(writing);
    shape_put_container(writing->out, SHAPE_NAME("attributes"), &reader->record, is_of_model,
                        reader, true);
    shape_find_pairs(&reader->view, &pairs);
    shape_put_list(writing->out, SHAPE_NAME("attribute_list"), &reader->record, is_of_model, reader,
                   pairs.pairs, pairs.count);
    shape_put_name(json, group_text);
    json_put(json, SLICE("}"));
}

void shape_put_ocsf(struct shaper *shaper, struct shape_out *out)
{
    struct ocsf_writing writing;

    writing.out = out;
    writing.json = &out->json;
    writing.plan = shaper->ocsf;
    writing.reader = &shaper->reader;
    ocsf_put_init(&writing.put, &out->json, &shaper->reader);
    ocsf_judge(&shaper->reader, &writing.verdict);
    writing.product = product_of(&shaper->reader);
    writing.has_ai = wants_ai(&writing);
    put_class(&writing);
    put_status(&writing);
    put_message(&writing);
    put_metadata(&writing);
    put_actor(&writing);
    put_device(&writing);
    ocsf_put_class(&writing);
    put_control(&writing);
    put_ai(&writing);
    ocsf_put_fields(&writing.put, &ocsf_base);
    ocsf_put_observables(&writing.put);
    put_unmapped(&writing, slice_from(buf_slice(&shaper->group_text), 1));
}
