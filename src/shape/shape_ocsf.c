/* SPDX-License-Identifier: Apache-2.0 */
/* shape_ocsf.c -- the event of OCSF, by the tables of ocsf_fields.h and ocsf_kind.h.
 *
 * First the class and what all classes have, then the objects of the class, then `unmapped`: what
 * the model says beyond them and all that is the sender's.  An object that OCSF requires stands
 * always; what it requires in there and nobody said is "unknown". */
#include <stdlib.h>

#include "shape/ocsf_kind.h"
#include "shape/ocsf_put.h"
#include "shape/shaper.h"
#include "util/clock.h"

struct ocsf_plan {
    enum ocsf_version version;
    struct slice version_text;
    struct slice keys[SCHEMA_KEY_COUNT];
};

/* One document. */
struct writing {
    struct shape_out *out;
    struct json_put *json;
    struct ocsf_put put;
    const struct ocsf_plan *plan;
    const struct record_reader *reader;
    struct ocsf_verdict verdict;
    struct slice product; /* name of the agent */
    bool has_ai;
};

#define UNKNOWN SLICE("unknown")

enum status ocsf_plan_create(enum ocsf_version version, struct ocsf_plan **ret, struct error *err)
{
    struct ocsf_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "the fields of OCSF");
    plan->version = version;
    plan->version_text = version == OCSF_1_9 ? SLICE("\"1.9.0-dev\"") : SLICE("\"1.8.0\"");
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

static bool is_said(const struct writing *writing, unsigned key)
{
    return reader_text(writing->reader, key).size > 0;
}

static bool says(const struct record_reader *reader, unsigned key, const char *word)
{
    return slice_equal(reader_text(reader, key), slice_of_text(word));
}

/* The first of two keys that is said, or `none`. */
static struct slice take_first(struct writing *writing, unsigned key, unsigned other,
                               struct slice none)
{
    if (is_said(writing, key))
        return ocsf_take(&writing->put, key);
    return is_said(writing, other) ? ocsf_take(&writing->put, other) : none;
}

/* Behind the last slash; all of it where nothing is behind. */
static struct slice base_name(struct slice path)
{
    size_t start = path.size;

    while (start > 0 && path.data[start - 1] != '/')
        start--;
    return start < path.size ? slice_from(path, start) : path;
}

/* A name that says nothing gives way to that of the service. */
static struct slice product_of(const struct record_reader *reader)
{
    const struct record_facts *facts = &reader->facts;
    bool says_nothing = facts->product.size == 0 || says(reader, KEY_AGENT_PRODUCT, "unknown") ||
                        says(reader, KEY_AGENT_PRODUCT, "other");

    if (says_nothing && facts->service_name.size > 0)
        return facts->service_name;
    return facts->product.size > 0 ? facts->product : UNKNOWN;
}

static struct slice kind_name(const struct record_reader *reader)
{
    return reader->kind == KIND_COUNT
               ? UNKNOWN
               : slice_from(slice_of_text(schema_kinds[reader->kind].name), sizeof("agent.") - 1);
}

/* --- What all classes have ------------------------------------------------------------------- */

static void put_class(struct writing *writing)
{
    enum { ACTIVITIES_PER_CLASS = 100 };
    const struct ocsf_class_row *row = &ocsf_classes[writing->verdict.class];
    unsigned activity = writing->verdict.activity;
    struct json_put *json = writing->json;
    const char *name = ocsf_activity_name(writing->verdict.class, activity);

    json_put(json, row->head);
    shape_put_uint_member(json, SHAPE_NAME("activity_id"), activity);
    shape_put_text_member(json, SHAPE_NAME("activity_name"),
                          name != NULL ? slice_of_text(name) : kind_name(writing->reader));
    shape_put_uint_member(json, SHAPE_NAME("type_uid"),
                          (uint64_t)row->uid * ACTIVITIES_PER_CLASS + activity);
    shape_put_uint_member(json, SHAPE_NAME("time"),
                          writing->reader->facts.time_unix_ns / NS_PER_MS);
}

static void put_status(struct writing *writing)
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

static void put_message(struct writing *writing)
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

static void put_profiles(const struct writing *writing)
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

static void put_metadata(struct writing *writing)
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
    ocsf_put_text(put, SHAPE_NAME("correlation_uid"),
                  take_first(writing, KEY_AGENT_TURN_ID, KEY_GEN_AI_TOOL_CALL_ID, SLICE_EMPTY));
    shape_put_time_member(json, SHAPE_NAME("original_time"), writing->reader->view.time_unix_nano);
    if (facts->received_unix_ns != 0)
        ocsf_put_uint(put, SHAPE_NAME("logged_time"), facts->received_unix_ns / NS_PER_MS);
    ocsf_put_text(put, SHAPE_NAME("log_level"), shape_short(writing->reader->view.severity_text));
    ocsf_end(put);
}

/* A user needs a name or a uid. */
static void put_user(struct writing *writing, struct slice none)
{
    struct ocsf_put *put = &writing->put;
    struct slice name = take_first(writing, KEY_USER_NAME, KEY_USER_EMAIL, SLICE_EMPTY);

    if (name.size == 0 && !is_said(writing, KEY_USER_ID))
        name = none;
    if (name.size == 0 && !is_said(writing, KEY_USER_ID))
        return;
    ocsf_begin(put, SHAPE_NAME("user"));
    ocsf_put_seen(put, SHAPE_NAME("name"), name, OBSERVABLE_USER_NAME);
    ocsf_put_fields(put, &ocsf_user);
    ocsf_end(put);
}

/* Who connected is the agent, unless it is the program that an agent's hook runs. */
static bool is_agent_peer(const struct record_reader *reader)
{
    return !says(reader, KEY_AGENT_TRANSPORT, "hook_stdin") &&
           !says(reader, KEY_AGENT_TRANSPORT, "notify_argv");
}

static void put_actor(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;
    const struct record_reader *reader = writing->reader;
    const struct any_view *pid = reader_value(reader, KEY_PROCESS_PID);
    bool has_pid = pid != NULL && pid->integer > 0 && pid->integer <= INT32_MAX;

    ocsf_begin(put, SHAPE_NAME("actor"));
    ocsf_put_text(put, SHAPE_NAME("app_name"), writing->product);
    ocsf_put_text(put, SHAPE_NAME("app_uid"),
                  reader_resource_text(reader, READER_SERVICE_INSTANCE_ID));
    put_user(writing, SLICE_EMPTY);
    ocsf_put_object(put, SHAPE_NAME("session"), &ocsf_session);
    if (has_pid && writing->verdict.class != OCSF_CLASS_PROCESS)
        ocsf_put_object(put, SHAPE_NAME("process"), &ocsf_process);
    else if (is_agent_peer(reader))
        ocsf_put_object(put, SHAPE_NAME("process"), &ocsf_peer);
    ocsf_end(put);
}

static void put_os(struct writing *writing)
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

static void put_host_name(struct writing *writing, enum ocsf_observable type)
{
    struct slice name = writing->reader->facts.host_name;

    ocsf_put_seen(&writing->put, SHAPE_NAME("hostname"), name.size > 0 ? name : UNKNOWN,
                  name.size > 0 ? type : OBSERVABLE_NONE);
}

static void put_device(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("device"));
    ocsf_put_uint(put, SHAPE_NAME("type_id"), 0);
    put_host_name(writing, OBSERVABLE_HOSTNAME);
    ocsf_put_text(put, SHAPE_NAME("uid"), reader_resource_text(writing->reader, READER_HOST_ID));
    put_os(writing);
    ocsf_end(put);
}

/* --- Profiles -------------------------------------------------------------------------------- */

static void put_control(struct writing *writing)
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

static bool wants_ai(const struct writing *writing)
{
    const struct ocsf_class_row *row = &ocsf_classes[writing->verdict.class];

    if (writing->plan->version == OCSF_1_9)
        return row->has_ai_in_1_9;
    return row->has_ai &&
           (writing->verdict.role != 0 || is_said(writing, KEY_GEN_AI_CONVERSATION_ID) ||
            is_said(writing, KEY_GEN_AI_REQUEST_MODEL));
}

static void put_model(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice name =
        take_first(writing, KEY_GEN_AI_RESPONSE_MODEL, KEY_GEN_AI_REQUEST_MODEL, SLICE_EMPTY);

    if (name.size == 0)
        return;
    ocsf_begin(put, SHAPE_NAME("ai_model"));
    ocsf_put_text(put, SHAPE_NAME("name"), name);
    ocsf_put_text(put, SHAPE_NAME("ai_provider"),
                  take_first(writing, KEY_GEN_AI_PROVIDER_NAME, KEY_GEN_AI_PROVIDER_NAME, UNKNOWN));
    ocsf_end(put);
}

static void put_message_context(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("message_context"));
    ocsf_put_uint(put, SHAPE_NAME("ai_role_id"), writing->verdict.role);
    ocsf_put_fields(put, &ocsf_message_tokens);
    if (writing->plan->version == OCSF_1_9)
        ocsf_put_fields(put, &ocsf_message_texts);
    ocsf_begin(put, SHAPE_NAME("application"));
    ocsf_put_text(put, SHAPE_NAME("name"), writing->product);
    ocsf_put_text(put, SHAPE_NAME("version"), ocsf_take(put, KEY_AGENT_PRODUCT_VERSION));
    ocsf_end(put);
    ocsf_end(put);
}

static void put_ai(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    if (!writing->has_ai)
        return;
    put_model(writing);
    put_message_context(writing);
    if (writing->plan->version != OCSF_1_9)
        return;
    ocsf_begin_object(put, SHAPE_NAME("ai_agent"), &ocsf_ai_agent);
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  reader_resource_text(writing->reader, READER_SERVICE_INSTANCE_ID));
    ocsf_put_text(put, SHAPE_NAME("name"), writing->product);
    ocsf_put_fields(put, &ocsf_ai_agent);
    ocsf_end(put);
}

/* --- Objects of the classes ------------------------------------------------------------------ */

/* A process needs a pid or a uid; the id of the call joins its start and its end. */
static void put_process(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin_object(put, SHAPE_NAME("process"), &ocsf_process);
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  take_first(writing, KEY_GEN_AI_TOOL_CALL_ID, KEY_LOG_RECORD_UID, UNKNOWN));
    ocsf_put_fields(put, &ocsf_process);
    if (!is_said(writing, KEY_PROCESS_EXECUTABLE_NAME))
        ocsf_put_text(put, SHAPE_NAME("name"), ocsf_take(put, KEY_AGENT_MCP_SERVER_NAME));
    ocsf_end(put);
}

static void put_file(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice name = ocsf_take(put, KEY_FILE_NAME);
    struct slice path = reader_text(writing->reader, KEY_FILE_PATH);

    ocsf_begin_object(put, SHAPE_NAME("file"), &ocsf_file);
    ocsf_put_text(put, SHAPE_NAME("name"),
                  name.size > 0   ? name
                  : path.size > 0 ? base_name(path)
                                  : UNKNOWN);
    ocsf_put_fields(put, &ocsf_file);
    ocsf_end(put);
}

/* What a hook runs is not told as a rule, but OCSF requires it. */
static void put_script(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice content = ocsf_take(put, KEY_PROCESS_COMMAND_LINE);

    ocsf_begin(put, SHAPE_NAME("script"));
    ocsf_put_uint(put, SHAPE_NAME("type_id"), 0);
    ocsf_put_text(put, SHAPE_NAME("name"),
                  take_first(writing, KEY_AGENT_HOOK_NAME, KEY_AGENT_HOOK_EVENT, SLICE_EMPTY));
    shape_put_name(writing->json, SHAPE_NAME("script_content"));
    json_put(writing->json, SLICE("{\"value\":"));
    json_put_text(writing->json, content);
    json_put(writing->json, SLICE("}"));
    ocsf_end(put);
}

static void put_finding(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("finding_info"));
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  take_first(writing, KEY_AGENT_REVIEW_ID, KEY_LOG_RECORD_UID, UNKNOWN));
    ocsf_put_word(put, SHAPE_NAME("title"), "Review of what an agent asked for");
    ocsf_put_fields(put, &ocsf_finding_info);
    ocsf_end(put);
    ocsf_begin_list(put, SHAPE_NAME("evidences"));
    if (is_said(writing, KEY_PROCESS_COMMAND_LINE))
        put_process(writing);
    if (is_said(writing, KEY_FILE_PATH))
        put_file(writing);
    if (is_said(writing, KEY_SERVER_ADDRESS))
        ocsf_put_object(put, SHAPE_NAME("dst_endpoint"), &ocsf_destination);
    ocsf_end(put);
}

static void put_authentication(struct writing *writing)
{
    enum { PROTOCOL_OTHER = 99 };
    struct ocsf_put *put = &writing->put;

    put_user(writing, UNKNOWN);
    ocsf_begin(put, SHAPE_NAME("service"));
    ocsf_put_text(
        put, SHAPE_NAME("name"),
        take_first(writing, KEY_GEN_AI_PROVIDER_NAME, KEY_GEN_AI_PROVIDER_NAME, writing->product));
    ocsf_end(put);
    if (is_said(writing, KEY_AGENT_AUTH_METHOD)) {
        ocsf_put_uint(put, SHAPE_NAME("auth_protocol_id"), PROTOCOL_OTHER);
        ocsf_put_text(put, SHAPE_NAME("auth_protocol"), ocsf_take(put, KEY_AGENT_AUTH_METHOD));
    }
}

static void put_authorization(struct writing *writing)
{
    put_user(writing, UNKNOWN);
    shape_put_name(writing->json, SHAPE_NAME("privileges"));
    json_put(writing->json, SLICE("["));
    json_put_text(writing->json, ocsf_take(&writing->put, KEY_GEN_AI_TOOL_NAME));
    json_put(writing->json, SLICE("]"));
}

/* Who connects: the client that is said, else the host of the agent. */
static void put_source(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("src_endpoint"));
    if (!is_said(writing, KEY_CLIENT_ADDRESS))
        put_host_name(writing, OBSERVABLE_NONE); /* seen as the device */
    ocsf_put_fields(put, &ocsf_source);
    ocsf_end(put);
}

/* A port alone is no endpoint. */
static void put_destination(struct writing *writing)
{
    if (is_said(writing, KEY_SERVER_ADDRESS) || is_said(writing, KEY_AGENT_MCP_SERVER_NAME))
        ocsf_put_object(&writing->put, SHAPE_NAME("dst_endpoint"), &ocsf_destination);
}

static void put_http(struct writing *writing)
{
    ocsf_put_object(&writing->put, SHAPE_NAME("http_request"), &ocsf_http_request);
    ocsf_put_object(&writing->put, SHAPE_NAME("http_response"), &ocsf_http_response);
}

static void put_network(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    put_source(writing);
    put_destination(writing);
    ocsf_begin_object(put, SHAPE_NAME("connection_info"), &ocsf_connection);
    ocsf_open(put);
    ocsf_put_fields(put, &ocsf_connection);
    ocsf_end(put);
    ocsf_put_fields(put, &ocsf_network_class);
    if (writing->verdict.class == OCSF_CLASS_HTTP)
        put_http(writing);
    else if (writing->reader->kind == KIND_MCP)
        ocsf_put_object(put, SHAPE_NAME("url"), &ocsf_mcp_url);
}

static void put_app(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice none = SLICE_EMPTY;
    const struct ocsf_object *object = &ocsf_product_app;

    if (writing->reader->kind == KIND_EXTENSION) {
        object = &ocsf_extension_app;
        if (!is_said(writing, KEY_AGENT_EXTENSION_NAME))
            none = take_first(writing, KEY_AGENT_EXTENSION_TYPE, KEY_AGENT_EXTENSION_TYPE, UNKNOWN);
    } else if (writing->reader->kind == KIND_SUBAGENT) {
        object = &ocsf_subagent_app;
        if (!is_said(writing, KEY_GEN_AI_AGENT_NAME) && !is_said(writing, KEY_GEN_AI_AGENT_ID))
            none = UNKNOWN;
    } else {
        none = writing->product;
    }
    ocsf_begin(put, SHAPE_NAME("app"));
    ocsf_put_text(put, SHAPE_NAME("name"), none);
    ocsf_put_fields(put, object);
    ocsf_end(put);
}

/* What was called. */
static struct slice operation_of(struct writing *writing)
{
    const struct record_reader *reader = writing->reader;

    switch (reader->kind) {
    case KIND_MODEL:
        return take_first(writing, KEY_GEN_AI_OPERATION_NAME, KEY_GEN_AI_OPERATION_NAME,
                          SLICE("model"));
    case KIND_TOOL:
        return take_first(writing, KEY_AGENT_MCP_TOOL_NAME, KEY_GEN_AI_TOOL_NAME, SLICE("tool"));
    case KIND_MCP:
        return take_first(writing, KEY_MCP_METHOD_NAME, KEY_GEN_AI_TOOL_NAME, SLICE("mcp"));
    case KIND_CONTEXT:
        return take_first(writing, KEY_AGENT_CONTEXT_ACTION, KEY_AGENT_CONTEXT_ACTION,
                          SLICE("context"));
    default:
        return kind_name(reader);
    }
}

static void put_api(struct writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("api"));
    ocsf_put_text(put, SHAPE_NAME("operation"), operation_of(writing));
    ocsf_begin(put, SHAPE_NAME("service"));
    ocsf_put_text(
        put, SHAPE_NAME("name"),
        take_first(writing, KEY_AGENT_MCP_SERVER_NAME, KEY_GEN_AI_PROVIDER_NAME, SLICE_EMPTY));
    ocsf_end(put);
    ocsf_put_fields(put, &ocsf_api);
    ocsf_end(put);
    put_source(writing);
    put_destination(writing);
    put_http(writing);
    if (writing->reader->kind == KIND_APPROVAL) { /* what was asked for */
        ocsf_begin_list(put, SHAPE_NAME("resources"));
        ocsf_put_text(put, SHAPE_NAME("name"), ocsf_take(put, KEY_GEN_AI_TOOL_NAME));
        ocsf_end(put);
    }
}

static void put_objects(struct writing *writing)
{
    switch (writing->verdict.class) {
    case OCSF_CLASS_FILE:
        put_file(writing);
        break;
    case OCSF_CLASS_PROCESS:
        put_process(writing);
        ocsf_put_fields(&writing->put, &ocsf_process_class);
        break;
    case OCSF_CLASS_SCRIPT:
        put_script(writing);
        break;
    case OCSF_CLASS_FINDING:
        put_finding(writing);
        break;
    case OCSF_CLASS_AUTHENTICATION:
        put_authentication(writing);
        break;
    case OCSF_CLASS_AUTHORIZE:
        put_authorization(writing);
        break;
    case OCSF_CLASS_NETWORK:
    case OCSF_CLASS_HTTP:
        put_network(writing);
        break;
    case OCSF_CLASS_LIFECYCLE:
        put_app(writing);
        break;
    case OCSF_CLASS_API:
        put_api(writing);
        break;
    default:
        break;
    }
}

/* --- What OCSF has no place for -------------------------------------------------------------- */

static bool is_of_model(const void *context, size_t index)
{
    const struct record_reader *reader = context;
    return reader->record.reads[index].is_model;
}

static void put_rest_of_model(struct writing *writing)
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

static void put_rest_of_record(struct writing *writing)
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

static void put_unmapped(struct writing *writing, struct slice group_text)
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
    struct writing writing;

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
    put_objects(&writing);
    put_control(&writing);
    put_ai(&writing);
    ocsf_put_fields(&writing.put, &ocsf_base);
    ocsf_put_observables(&writing.put);
    put_unmapped(&writing, slice_from(buf_slice(&shaper->group_text), 1));
}
