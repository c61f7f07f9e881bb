/* SPDX-License-Identifier: Apache-2.0 */
/* cim_fields.c -- see cim_fields.h. */
#include "shape/cim_fields.h"

#include "telltale/base.h"

const char *const cim_model_names[CIM_MODEL_COUNT] = {"Endpoint.Processes",
                                                      "Endpoint.Filesystem",
                                                      "Network Traffic",
                                                      "Web",
                                                      "Change",
                                                      "Authentication",
                                                      "Alerts",
                                                      "Data Access"};

const struct cim_field cim_fields[] = {
    {"authentication_method", KEY_AGENT_AUTH_METHOD, CIM_AUTHENTICATION},
    {"bytes_in", KEY_AGENT_NETWORK_BYTES_RECEIVED, CIM_NETWORK | CIM_WEB},
    {"bytes_out", KEY_AGENT_NETWORK_BYTES_SENT, CIM_NETWORK | CIM_WEB},
    {"dest_port", KEY_SERVER_PORT, CIM_NETWORK | CIM_WEB},
    {"file_hash", KEY_AGENT_FILE_SHA256, CIM_FILESYSTEM},
    {"file_name", KEY_FILE_NAME, CIM_FILESYSTEM},
    {"file_path", KEY_FILE_PATH, CIM_FILESYSTEM},
    {"file_size", KEY_FILE_SIZE, CIM_FILESYSTEM},
    {"http_method", KEY_HTTP_REQUEST_METHOD, CIM_WEB},
    {"parent_process_id", KEY_PROCESS_PARENT_PID, CIM_PROCESSES},
    {"process", KEY_PROCESS_COMMAND_LINE, CIM_PROCESSES},
    {"process_current_directory", KEY_PROCESS_WORKING_DIRECTORY, CIM_PROCESSES},
    {"process_id", KEY_PROCESS_PID, CIM_PROCESSES | CIM_FILESYSTEM | CIM_NETWORK},
    {"process_name", KEY_PROCESS_EXECUTABLE_NAME, CIM_PROCESSES},
    {"process_path", KEY_PROCESS_EXECUTABLE_PATH, CIM_PROCESSES},
    {"reason", KEY_AGENT_DECISION_REASON, CIM_AUTHENTICATION},
    {"session_id", KEY_SESSION_ID, CIM_NETWORK | CIM_AUTHENTICATION},
    {"src_port", KEY_CLIENT_PORT, CIM_NETWORK},
    {"transport", KEY_NETWORK_TRANSPORT, CIM_NETWORK},
    {"url", KEY_URL_FULL, CIM_WEB},
    {"url_domain", KEY_URL_DOMAIN, CIM_WEB},
    {"user_id", KEY_USER_ID, CIM_PROCESSES | CIM_AUTHENTICATION | CIM_DATA_ACCESS},
};
const size_t cim_field_count = COUNT_OF(cim_fields);

enum {
    ALL_MODELS = 0xff,
    TRAFFIC = CIM_NETWORK | CIM_WEB,
};

const struct cim_concluded cim_concluded[CIM_FACT_COUNT] = {
    [CIM_ACTION] = {"action", ALL_MODELS & ~CIM_ALERTS,
                    "what happened, in the words of the data model: `allowed`, `blocked` of a "
                    "decision, a connection or a command; `created`, `read`, `modified`, "
                    "`deleted` of files, configuration and extensions; `success`, `failure` of "
                    "logins and of everything else that ended"},
    [CIM_APP] = {"app", TRAFFIC | CIM_AUTHENTICATION | CIM_ALERTS | CIM_DATA_ACCESS,
                 "`agent.product`"},
    [CIM_DEST] = {"dest", ALL_MODELS,
                  "`server.address` where the record has one, else the host of the agent"},
    [CIM_DURATION] = {"duration", TRAFFIC | CIM_AUTHENTICATION, "`agent.duration_ms` in seconds"},
    [CIM_ID] = {"id", CIM_ALERTS, "`log.record.uid`"},
    [CIM_OBJECT] = {"object", CIM_CHANGE | CIM_DATA_ACCESS,
                    "the mode, the setting, the extension, the tool of an MCP server, or the file"},
    [CIM_OBJECT_CATEGORY] = {"object_category", CIM_CHANGE | CIM_DATA_ACCESS,
                             "`permission_mode`, `configuration`, the type of the extension, "
                             "`mcp_tool` or `file`"},
    [CIM_SEVERITY] = {"severity", CIM_ALERTS,
                      "`agent.review.risk_level`, else by `agent.severity`: `informational` "
                      "below 13, `medium` below 17, `high` below 21, `critical`"},
    [CIM_SIGNATURE] = {"signature", CIM_AUTHENTICATION | CIM_ALERTS | CIM_DATA_ACCESS,
                       "kind and verdict, as in `approval deny`, of what was decided; the reason "
                       "of `agent.pipeline`"},
    [CIM_SRC] = {"src", TRAFFIC | CIM_CHANGE | CIM_AUTHENTICATION | CIM_ALERTS | CIM_DATA_ACCESS,
                 "`client.address` where the record has one, else the host of the agent"},
    [CIM_STATUS] = {"status", CIM_WEB | CIM_CHANGE,
                    "`http.response.status_code` as a text; of a change `success` or `failure`"},
    [CIM_USER] = {"user", ALL_MODELS,
                  "the first of `user.name`, `user.email`, `user.id`, `process.user.name`"},
    [CIM_VENDOR_PRODUCT] = {"vendor_product", ALL_MODELS & ~(CIM_AUTHENTICATION | CIM_ALERTS),
                            "`Telltale`"},
};
