/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_class.c -- see ocsf_class.h.  An object that OCSF requires stands always; what it requires
 * in there and nobody said is "unknown". */
#include "shape/ocsf_class.h"

struct slice ocsf_take_first(struct ocsf_writing *writing, unsigned key, unsigned other,
                             struct slice none)
{
    if (ocsf_is_said(writing, key))
        return ocsf_take(&writing->put, key);
    return ocsf_is_said(writing, other) ? ocsf_take(&writing->put, other) : none;
}

struct slice ocsf_kind_name(const struct record_reader *reader)
{
    return reader->kind == KIND_COUNT
               ? OCSF_UNKNOWN
               : slice_from(slice_of_text(schema_kinds[reader->kind].name), sizeof("agent.") - 1);
}

/* A user needs a name or a uid. */
void ocsf_put_user(struct ocsf_writing *writing, struct slice none)
{
    struct ocsf_put *put = &writing->put;
    struct slice name = ocsf_take_first(writing, KEY_USER_NAME, KEY_USER_EMAIL, SLICE_EMPTY);

    if (name.size == 0 && !ocsf_is_said(writing, KEY_USER_ID))
        name = none;
    if (name.size == 0 && !ocsf_is_said(writing, KEY_USER_ID))
        return;
    ocsf_begin(put, SHAPE_NAME("user"));
    ocsf_put_seen(put, SHAPE_NAME("name"), name, OBSERVABLE_USER_NAME);
    ocsf_put_fields(put, &ocsf_user);
    ocsf_end(put);
}

void ocsf_put_host_name(struct ocsf_writing *writing, enum ocsf_observable type)
{
    struct slice name = writing->reader->facts.host_name;

    ocsf_put_seen(&writing->put, SHAPE_NAME("hostname"), name.size > 0 ? name : OCSF_UNKNOWN,
                  name.size > 0 ? type : OBSERVABLE_NONE);
}

/* A process needs a pid or a uid; the id of the call joins its start and its end. */
static void put_process(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    bool has_pid = ocsf_fits(put, &ocsf_process.fields[0]);

    ocsf_begin_object(put, SHAPE_NAME("process"), &ocsf_process);
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  has_pid ? ocsf_take(put, KEY_GEN_AI_TOOL_CALL_ID)
                          : ocsf_take_first(writing, KEY_GEN_AI_TOOL_CALL_ID, KEY_LOG_RECORD_UID,
                                            OCSF_UNKNOWN));
    ocsf_put_fields(put, &ocsf_process);
    if (!ocsf_is_said(writing, KEY_PROCESS_EXECUTABLE_NAME))
        ocsf_put_text(put, SHAPE_NAME("name"), ocsf_take(put, KEY_AGENT_MCP_SERVER_NAME));
    ocsf_end(put);
}

/* Behind the last slash; all of it where nothing is behind. */
static struct slice base_name(struct slice path)
{
    size_t start = path.size;

    while (start > 0 && path.data[start - 1] != '/')
        start--;
    return start < path.size ? slice_from(path, start) : path;
}

static void put_one_file(struct ocsf_put *put, struct slice name, struct slice base,
                         struct slice path)
{
    ocsf_begin_object(put, name, &ocsf_file);
    ocsf_put_text(put, SHAPE_NAME("name"),
                  base.size > 0   ? base
                  : path.size > 0 ? base_name(path)
                                  : OCSF_UNKNOWN);
}

/* A renamed file is the one that was; what it is now is the result. */
static void put_file(struct ocsf_writing *writing)
{
    enum { RENAME = 5 };
    struct ocsf_put *put = &writing->put;
    struct slice path = reader_text(writing->reader, KEY_FILE_PATH);
    bool is_renamed = writing->verdict.class == OCSF_CLASS_FILE &&
                      writing->verdict.activity == RENAME &&
                      ocsf_is_said(writing, KEY_AGENT_FILE_PATH_PREVIOUS);

    if (is_renamed) {
        struct slice before = ocsf_take(put, KEY_AGENT_FILE_PATH_PREVIOUS);
        put_one_file(put, SHAPE_NAME("file"), SLICE_EMPTY, before);
        ocsf_put_seen(put, SHAPE_NAME("path"), before, OBSERVABLE_FILE_PATH);
        ocsf_end(put);
    }
    put_one_file(put, is_renamed ? SHAPE_NAME("file_result") : SHAPE_NAME("file"),
                 ocsf_take(put, KEY_FILE_NAME), path);
    ocsf_put_fields(put, &ocsf_file);
    ocsf_end(put);
}

/* What a hook runs is not told as a rule, but OCSF requires it. */
static void put_script(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice content = ocsf_take(put, KEY_PROCESS_COMMAND_LINE);

    ocsf_begin(put, SHAPE_NAME("script"));
    ocsf_put_uint(put, SHAPE_NAME("type_id"), 0);
    ocsf_put_text(put, SHAPE_NAME("name"),
                  ocsf_take_first(writing, KEY_AGENT_HOOK_NAME, KEY_AGENT_HOOK_EVENT, SLICE_EMPTY));
    shape_put_name(writing->json, SHAPE_NAME("script_content"));
    json_put(writing->json, SLICE("{\"value\":"));
    json_put_text(writing->json, content);
    json_put(writing->json, SLICE("}"));
    ocsf_end(put);
}

static void put_finding(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("finding_info"));
    ocsf_put_text(put, SHAPE_NAME("uid"),
                  ocsf_take_first(writing, KEY_AGENT_REVIEW_ID, KEY_LOG_RECORD_UID, OCSF_UNKNOWN));
    ocsf_put_word(put, SHAPE_NAME("title"), "Review of what an agent asked for");
    ocsf_put_fields(put, &ocsf_finding_info);
    ocsf_end(put);
    ocsf_begin_list(put, SHAPE_NAME("evidences"));
    if (ocsf_is_said(writing, KEY_PROCESS_COMMAND_LINE))
        put_process(writing);
    if (ocsf_is_said(writing, KEY_FILE_PATH))
        put_file(writing);
    if (ocsf_is_said(writing, KEY_SERVER_ADDRESS))
        ocsf_put_object(put, SHAPE_NAME("dst_endpoint"), &ocsf_destination);
    ocsf_end(put);
}

static void put_authentication(struct ocsf_writing *writing)
{
    enum { PROTOCOL_OTHER = 99 };
    struct ocsf_put *put = &writing->put;

    ocsf_put_user(writing, OCSF_UNKNOWN);
    ocsf_begin(put, SHAPE_NAME("service"));
    ocsf_put_text(put, SHAPE_NAME("name"),
                  ocsf_take_first(writing, KEY_GEN_AI_PROVIDER_NAME, KEY_GEN_AI_PROVIDER_NAME,
                                  writing->product));
    ocsf_end(put);
    if (ocsf_is_said(writing, KEY_AGENT_AUTH_METHOD)) {
        ocsf_put_uint(put, SHAPE_NAME("auth_protocol_id"), PROTOCOL_OTHER);
        ocsf_put_text(put, SHAPE_NAME("auth_protocol"), ocsf_take(put, KEY_AGENT_AUTH_METHOD));
    }
}

static void put_authorization(struct ocsf_writing *writing)
{
    ocsf_put_user(writing, OCSF_UNKNOWN);
    shape_put_name(writing->json, SHAPE_NAME("privileges"));
    json_put(writing->json, SLICE("["));
    json_put_text(writing->json, ocsf_take(&writing->put, KEY_GEN_AI_TOOL_NAME));
    json_put(writing->json, SLICE("]"));
}

/* Who connects: the client that is said, else the host of the agent. */
static void put_source(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("src_endpoint"));
    if (!ocsf_is_said(writing, KEY_CLIENT_ADDRESS))
        ocsf_put_host_name(writing, OBSERVABLE_NONE); /* seen as the device */
    ocsf_put_fields(put, &ocsf_source);
    ocsf_end(put);
}

/* A port alone is no endpoint. */
static void put_destination(struct ocsf_writing *writing)
{
    if (ocsf_is_said(writing, KEY_SERVER_ADDRESS) ||
        ocsf_is_said(writing, KEY_AGENT_MCP_SERVER_NAME))
        ocsf_put_object(&writing->put, SHAPE_NAME("dst_endpoint"), &ocsf_destination);
}

static void put_http(struct ocsf_writing *writing)
{
    ocsf_put_object(&writing->put, SHAPE_NAME("http_request"), &ocsf_http_request);
    ocsf_put_object(&writing->put, SHAPE_NAME("http_response"), &ocsf_http_response);
}

static void put_network(struct ocsf_writing *writing)
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

static void put_app(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;
    struct slice none = SLICE_EMPTY;
    const struct ocsf_object *object = &ocsf_product_app;

    if (writing->reader->kind == KIND_EXTENSION) {
        object = &ocsf_extension_app;
        if (!ocsf_is_said(writing, KEY_AGENT_EXTENSION_NAME))
            none = ocsf_take_first(writing, KEY_AGENT_EXTENSION_TYPE, KEY_AGENT_EXTENSION_TYPE,
                                   OCSF_UNKNOWN);
    } else if (writing->reader->kind == KIND_SUBAGENT) {
        object = &ocsf_subagent_app;
        if (!ocsf_is_said(writing, KEY_GEN_AI_AGENT_NAME) &&
            !ocsf_is_said(writing, KEY_GEN_AI_AGENT_ID))
            none = OCSF_UNKNOWN;
    } else {
        none = writing->product;
    }
    ocsf_begin(put, SHAPE_NAME("app"));
    ocsf_put_text(put, SHAPE_NAME("name"), none);
    ocsf_put_fields(put, object);
    ocsf_end(put);
}

/* What was called. */
static struct slice operation_of(struct ocsf_writing *writing)
{
    const struct record_reader *reader = writing->reader;

    switch (reader->kind) {
    case KIND_MODEL:
        return ocsf_take_first(writing, KEY_GEN_AI_OPERATION_NAME, KEY_GEN_AI_OPERATION_NAME,
                               SLICE("model"));
    case KIND_TOOL:
        return ocsf_take_first(writing, KEY_AGENT_MCP_TOOL_NAME, KEY_GEN_AI_TOOL_NAME,
                               SLICE("tool"));
    case KIND_MCP:
        return ocsf_take_first(writing, KEY_MCP_METHOD_NAME, KEY_GEN_AI_TOOL_NAME, SLICE("mcp"));
    case KIND_CONTEXT:
        return ocsf_take_first(writing, KEY_AGENT_CONTEXT_ACTION, KEY_AGENT_CONTEXT_ACTION,
                               SLICE("context"));
    default:
        return ocsf_kind_name(reader);
    }
}

static void put_api(struct ocsf_writing *writing)
{
    struct ocsf_put *put = &writing->put;

    ocsf_begin(put, SHAPE_NAME("api"));
    ocsf_put_text(put, SHAPE_NAME("operation"), operation_of(writing));
    ocsf_begin(put, SHAPE_NAME("service"));
    ocsf_put_text(
        put, SHAPE_NAME("name"),
        ocsf_take_first(writing, KEY_AGENT_MCP_SERVER_NAME, KEY_GEN_AI_PROVIDER_NAME, SLICE_EMPTY));
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

void ocsf_put_class(struct ocsf_writing *writing)
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
