/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_fields.c -- see ocsf_fields.h. */
#include "shape/ocsf_fields.h"

#include "telltale/base.h"

/* SLICE() is no constant to all compilers. */
#define TEXT(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define FIELD(name, type, key)                                                                     \
    {                                                                                              \
        TEXT(",\"" name "\":"), OCSF_##type, OBSERVABLE_NONE, KEY_##key, NULL                      \
    }
#define SEEN(name, type, key, seen)                                                                \
    {                                                                                              \
        TEXT(",\"" name "\":"), OCSF_##type, OBSERVABLE_##seen, KEY_##key, NULL                    \
    }
#define OBJECT(name, object)                                                                       \
    {                                                                                              \
        TEXT(",\"" name "\":"), OCSF_OBJECT, OBSERVABLE_NONE, 0, &(object)                         \
    }
#define FIELDS(table) .fields = (table), .count = COUNT_OF(table)

static const struct ocsf_field base[] = {
    FIELD("raw_data", TEXT, LOG_RECORD_ORIGINAL),
    FIELD("status_code", TEXT, ERROR_TYPE),
    FIELD("duration", MS, AGENT_DURATION_MS),
};
const struct ocsf_object ocsf_base = {"", FIELDS(base)};

static const struct ocsf_field metadata[] = {
    FIELD("uid", TEXT, LOG_RECORD_UID),           FIELD("event_code", TEXT, AGENT_DIALECT_EVENT),
    FIELD("log_name", TEXT, AGENT_DIALECT),       FIELD("log_provider", TEXT, AGENT_PRODUCT),
    FIELD("sequence", INT, AGENT_EVENT_SEQUENCE),
};
const struct ocsf_object ocsf_metadata = {"metadata", FIELDS(metadata)};

/* --- Who ------------------------------------------------------------------------------------- */

static const struct ocsf_field organization[] = {
    FIELD("uid", TEXT, AGENT_ORGANIZATION_ID),
};
static const struct ocsf_object organization_object = {"org", FIELDS(organization)};
/* Its name is concluded. */
static const struct ocsf_field user[] = {
    FIELD("uid", TEXT, USER_ID),
    SEEN("email_addr", EMAIL, USER_EMAIL, EMAIL),
    OBJECT("org", organization_object),
};
const struct ocsf_object ocsf_user = {"user", FIELDS(user)};

static const struct ocsf_field session[] = {
    FIELD("uid", TEXT, SESSION_ID),
};
const struct ocsf_object ocsf_session = {"actor.session", FIELDS(session)};

static const struct ocsf_field peer_user[] = {
    FIELD("uid", DIGITS, AGENT_PEER_UID),
};
static const struct ocsf_object peer_user_object = {"user", FIELDS(peer_user)};
static const struct ocsf_field peer[] = {
    SEEN("pid", PID, AGENT_PEER_PID, PID),
    FIELD("path", TEXT, AGENT_PEER_EXECUTABLE_PATH),
    OBJECT("user", peer_user_object),
};
const struct ocsf_object ocsf_peer = {"actor.process", FIELDS(peer), .needs_first = true};

/* --- What ------------------------------------------------------------------------------------ */

static const struct ocsf_field process_user[] = {
    SEEN("name", TEXT, PROCESS_USER_NAME, USER_NAME),
};
static const struct ocsf_object process_user_object = {"user", FIELDS(process_user)};
static const struct ocsf_field parent_process[] = {
    FIELD("pid", PID, PROCESS_PARENT_PID),
};
static const struct ocsf_object parent_process_object = {"parent_process", FIELDS(parent_process)};
/* The pid stands first. */
static const struct ocsf_field process[] = {
    SEEN("pid", PID, PROCESS_PID, PID),
    SEEN("name", TEXT, PROCESS_EXECUTABLE_NAME, PROCESS_NAME),
    FIELD("path", TEXT, PROCESS_EXECUTABLE_PATH),
    SEEN("cmd_line", TEXT, PROCESS_COMMAND_LINE, COMMAND_LINE),
    FIELD("working_directory", TEXT, PROCESS_WORKING_DIRECTORY),
    FIELD("sandbox", TEXT, AGENT_SANDBOX_MODE),
    OBJECT("user", process_user_object),
    OBJECT("parent_process", parent_process_object),
};
const struct ocsf_object ocsf_process = {"process", FIELDS(process)};

static const struct ocsf_field process_class[] = {
    FIELD("exit_code", INT, PROCESS_EXIT_CODE),
};
const struct ocsf_object ocsf_process_class = {"", FIELDS(process_class)};

static const struct ocsf_field hash[] = {
    SEEN("value", TEXT, AGENT_FILE_SHA256, HASH),
};
static const struct ocsf_object hash_object = {
    "hashes[]", FIELDS(hash), .fixed = TEXT("\"algorithm_id\":3,\"algorithm\":\"SHA-256\""),
    .is_list = true, .needs_first = true};
/* Its name is concluded. */
static const struct ocsf_field file[] = {
    SEEN("path", TEXT, FILE_PATH, FILE_PATH),
    FIELD("ext", TEXT, FILE_EXTENSION),
    FIELD("mime_type", TEXT, AGENT_FILE_MIME_TYPE),
    FIELD("size", LONG, FILE_SIZE),
    OBJECT("hashes", hash_object),
};
const struct ocsf_object ocsf_file = {"file", FIELDS(file),
                                      .fixed = TEXT("\"type_id\":1,\"type\":\"Regular File\"")};

/* Its uid and title are concluded. */
static const struct ocsf_field finding_info[] = {
    FIELD("desc", TEXT, AGENT_REVIEW_RATIONALE),
};
const struct ocsf_object ocsf_finding_info = {"finding_info", FIELDS(finding_info)};

/* --- Networks -------------------------------------------------------------------------------- */

static const struct ocsf_field destination[] = {
    SEEN("ip", IP, SERVER_ADDRESS, IP),
    SEEN("hostname", HOST, SERVER_ADDRESS, HOSTNAME),
    FIELD("port", PORT, SERVER_PORT),
    FIELD("svc_name", TEXT, AGENT_MCP_SERVER_NAME),
};
const struct ocsf_object ocsf_destination = {"dst_endpoint", FIELDS(destination)};

static const struct ocsf_field source[] = {
    SEEN("ip", IP, CLIENT_ADDRESS, IP),
    SEEN("hostname", HOST, CLIENT_ADDRESS, HOSTNAME),
    FIELD("port", PORT, CLIENT_PORT),
};
const struct ocsf_object ocsf_source = {"src_endpoint", FIELDS(source)};

static const struct ocsf_field connection[] = {
    FIELD("protocol_name", TEXT, NETWORK_TRANSPORT),
    FIELD("uid", TEXT, AGENT_EXECUTION_ID),
};
const struct ocsf_object ocsf_connection = {
    "connection_info", FIELDS(connection),
    .fixed = TEXT("\"direction_id\":2,\"direction\":\"Outbound\"")};

static const struct ocsf_field traffic[] = {
    FIELD("bytes_in", LONG, AGENT_NETWORK_BYTES_RECEIVED),
    FIELD("bytes_out", LONG, AGENT_NETWORK_BYTES_SENT),
};
static const struct ocsf_object traffic_object = {"traffic", FIELDS(traffic)};
static const struct ocsf_field network_class[] = {
    FIELD("app_protocol_name", TEXT, NETWORK_PROTOCOL_NAME),
    OBJECT("traffic", traffic_object),
};
const struct ocsf_object ocsf_network_class = {"", FIELDS(network_class)};

static const struct ocsf_field url[] = {
    SEEN("url_string", TEXT, URL_FULL, URL),
    FIELD("scheme", TEXT, URL_SCHEME),
    FIELD("hostname", HOST, URL_DOMAIN),
};
static const struct ocsf_object url_object = {"url", FIELDS(url), .needs_first = true};
static const struct ocsf_field http_request[] = {
    FIELD("http_method", METHOD, HTTP_REQUEST_METHOD),
    OBJECT("url", url_object),
};
const struct ocsf_object ocsf_http_request = {"http_request", FIELDS(http_request)};

static const struct ocsf_field http_response[] = {
    FIELD("code", INT, HTTP_RESPONSE_STATUS_CODE),
};
const struct ocsf_object ocsf_http_response = {"http_response", FIELDS(http_response)};

static const struct ocsf_field mcp_url[] = {
    SEEN("url_string", TEXT, AGENT_MCP_SERVER_ORIGIN, URL),
};
const struct ocsf_object ocsf_mcp_url = {"url", FIELDS(mcp_url), .needs_first = true};

/* --- Applications ---------------------------------------------------------------------------- */

/* Its name is concluded. */
static const struct ocsf_field product_app[] = {
    FIELD("version", TEXT, AGENT_PRODUCT_VERSION),
};
const struct ocsf_object ocsf_product_app = {"app", FIELDS(product_app)};

static const struct ocsf_field extension_app[] = {
    FIELD("name", TEXT, AGENT_EXTENSION_NAME),
    FIELD("version", TEXT, AGENT_EXTENSION_VERSION),
};
const struct ocsf_object ocsf_extension_app = {"app", FIELDS(extension_app)};

static const struct ocsf_field subagent_app[] = {
    FIELD("name", TEXT, GEN_AI_AGENT_NAME),
    FIELD("uid", TEXT, GEN_AI_AGENT_ID),
};
const struct ocsf_object ocsf_subagent_app = {"app", FIELDS(subagent_app)};

static const struct ocsf_field api_request[] = {
    FIELD("uid", TEXT, GEN_AI_TOOL_CALL_ID),
};
static const struct ocsf_object api_request_object = {"request", FIELDS(api_request)};
static const struct ocsf_field api_response[] = {
    FIELD("error", TEXT, ERROR_TYPE),
    FIELD("error_message", TEXT, AGENT_ERROR_MESSAGE),
};
static const struct ocsf_object api_response_object = {"response", FIELDS(api_response)};
/* The operation and the service are concluded. */
static const struct ocsf_field api[] = {
    OBJECT("request", api_request_object),
    OBJECT("response", api_response_object),
};
const struct ocsf_object ocsf_api = {"api", FIELDS(api)};

static const struct ocsf_field policy[] = {
    FIELD("name", TEXT, SECURITY_RULE_NAME),
    FIELD("type", TEXT, SECURITY_RULE_RULESET_NAME),
};
const struct ocsf_object ocsf_policy = {"policy", FIELDS(policy)};

/* --- Models ---------------------------------------------------------------------------------- */

static const struct ocsf_field message_tokens[] = {
    FIELD("uid", TEXT, GEN_AI_CONVERSATION_ID),
    FIELD("prompt_tokens", INT, GEN_AI_USAGE_INPUT_TOKENS),
    FIELD("completion_tokens", INT, GEN_AI_USAGE_OUTPUT_TOKENS),
    FIELD("total_tokens", INT, AGENT_USAGE_TOTAL_TOKENS),
};
const struct ocsf_object ocsf_message_tokens = {"message_context", FIELDS(message_tokens)};

static const struct ocsf_field message_texts[] = {
    FIELD("prompt_text", TEXT, GEN_AI_INPUT_MESSAGES),
    FIELD("response_text", TEXT, GEN_AI_OUTPUT_MESSAGES),
};
const struct ocsf_object ocsf_message_texts = {"message_context", FIELDS(message_texts)};

/* Its name and uid are concluded. */
static const struct ocsf_field ai_agent[] = {
    FIELD("version", TEXT, AGENT_PRODUCT_VERSION),
    FIELD("instance_uid", TEXT, GEN_AI_CONVERSATION_ID),
};
const struct ocsf_object ocsf_ai_agent = {"ai_agent", FIELDS(ai_agent),
                                          .fixed = TEXT("\"type_id\":1,\"type\":\"Native\"")};

const struct ocsf_object *const ocsf_objects[] = {&ocsf_base,
                                                  &ocsf_metadata,
                                                  &ocsf_user,
                                                  &ocsf_session,
                                                  &ocsf_peer,
                                                  &ocsf_process,
                                                  &ocsf_process_class,
                                                  &ocsf_file,
                                                  &ocsf_finding_info,
                                                  &ocsf_destination,
                                                  &ocsf_source,
                                                  &ocsf_connection,
                                                  &ocsf_network_class,
                                                  &ocsf_http_request,
                                                  &ocsf_http_response,
                                                  &ocsf_mcp_url,
                                                  &ocsf_product_app,
                                                  &ocsf_extension_app,
                                                  &ocsf_subagent_app,
                                                  &ocsf_api,
                                                  &ocsf_policy,
                                                  &ocsf_message_tokens,
                                                  &ocsf_message_texts,
                                                  &ocsf_ai_agent,
                                                  NULL};
