/* SPDX-License-Identifier: Apache-2.0 */
/* ecs_fields.c -- see ecs_fields.h. */
#include "shape/ecs_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ecs_field ecs_fields[] = {
    {"@timestamp", ECS_DATE, FROM_RECORD, FACT_TIME},
    {"ai_agent.conversation.id", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_CONVERSATION_ID},
    {"ai_agent.derived.from", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_DERIVED_FROM},
    {"ai_agent.derived.is", ECS_BOOLEAN, FROM_MODEL, KEY_AGENT_DERIVED},
    {"ai_agent.duration_ms", ECS_DOUBLE, FROM_MODEL, KEY_AGENT_DURATION_MS},
    {"ai_agent.event.name", ECS_KEYWORD, FROM_RECORD, FACT_EVENT_NAME},
    {"ai_agent.exception.message", ECS_TEXT, FROM_MODEL, KEY_EXCEPTION_MESSAGE},
    {"ai_agent.exception.type", ECS_KEYWORD, FROM_MODEL, KEY_EXCEPTION_TYPE},
    {"ai_agent.input.messages", ECS_TEXT, FROM_MODEL, KEY_GEN_AI_INPUT_MESSAGES},
    {"ai_agent.mcp.method", ECS_KEYWORD, FROM_MODEL, KEY_MCP_METHOD_NAME},
    {"ai_agent.mcp.request_id", ECS_KEYWORD, FROM_MODEL, KEY_JSONRPC_REQUEST_ID},
    {"ai_agent.mcp.status_code", ECS_KEYWORD, FROM_MODEL, KEY_RPC_RESPONSE_STATUS_CODE},
    {"ai_agent.output.messages", ECS_TEXT, FROM_MODEL, KEY_GEN_AI_OUTPUT_MESSAGES},
    {"ai_agent.product.name", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_PRODUCT},
    {"ai_agent.product.version", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_PRODUCT_VERSION},
    {"ai_agent.record.dropped_attributes_count", ECS_LONG, FROM_RECORD, FACT_DROPPED},
    {"ai_agent.record.flags", ECS_LONG, FROM_RECORD, FACT_FLAGS},
    {"ai_agent.record.severity_number", ECS_LONG, FROM_RECORD, FACT_SEVERITY_NUMBER},
    {"ai_agent.response.time_to_first_chunk_s", ECS_DOUBLE, FROM_MODEL,
     KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK},
    {"ai_agent.review.rationale", ECS_TEXT, FROM_MODEL, KEY_AGENT_REVIEW_RATIONALE},
    {"ai_agent.session.previous_id", ECS_KEYWORD, FROM_MODEL, KEY_SESSION_PREVIOUS_ID},
    {"ai_agent.tool.arguments", ECS_TEXT, FROM_MODEL, KEY_GEN_AI_TOOL_CALL_ARGUMENTS},
    {"ai_agent.tool.result", ECS_TEXT, FROM_MODEL, KEY_GEN_AI_TOOL_CALL_RESULT},
    {"ai_agent.usage.cache_creation_tokens", ECS_LONG, FROM_MODEL,
     KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS},
    {"ai_agent.usage.cache_read_tokens", ECS_LONG, FROM_MODEL,
     KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS},
    {"ai_agent.usage.reasoning_tokens", ECS_LONG, FROM_MODEL,
     KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS},
    {"ai_agent.vcs.ref", ECS_KEYWORD, FROM_MODEL, KEY_VCS_REF_HEAD_NAME},
    {"ai_agent.vcs.repository", ECS_KEYWORD, FROM_MODEL, KEY_VCS_REPOSITORY_URL_FULL},
    {"ai_agent.vcs.revision", ECS_KEYWORD, FROM_MODEL, KEY_VCS_REF_HEAD_REVISION},
    {"client.address", ECS_KEYWORD, FROM_MODEL, KEY_CLIENT_ADDRESS},
    {"client.domain", ECS_KEYWORD, FROM_DOMAIN, KEY_CLIENT_ADDRESS},
    {"client.ip", ECS_IP, FROM_IP, KEY_CLIENT_ADDRESS},
    {"client.port", ECS_LONG, FROM_MODEL, KEY_CLIENT_PORT},
    {"container.id", ECS_KEYWORD, FROM_EITHER, KEY_CONTAINER_ID},
    {"container.image.name", ECS_KEYWORD, FROM_RESOURCE, READER_CONTAINER_IMAGE_NAME},
    {"container.name", ECS_KEYWORD, FROM_RESOURCE, READER_CONTAINER_NAME},
    {"destination.address", ECS_KEYWORD, FROM_MODEL, KEY_SERVER_ADDRESS},
    {"destination.bytes", ECS_LONG, FROM_MODEL, KEY_AGENT_NETWORK_BYTES_RECEIVED},
    {"destination.domain", ECS_KEYWORD, FROM_DOMAIN, KEY_SERVER_ADDRESS},
    {"destination.ip", ECS_IP, FROM_IP, KEY_SERVER_ADDRESS},
    {"destination.port", ECS_LONG, FROM_MODEL, KEY_SERVER_PORT},
    {"ecs.version", ECS_KEYWORD, FROM_RECORD, FACT_VERSION},
    {"error.message", ECS_TEXT, FROM_MODEL, KEY_AGENT_ERROR_MESSAGE},
    {"error.stack_trace", ECS_WILDCARD, FROM_MODEL, KEY_EXCEPTION_STACKTRACE},
    {"error.type", ECS_KEYWORD, FROM_MODEL, KEY_ERROR_TYPE},
    {"event.action", ECS_KEYWORD, FROM_RECORD, FACT_ACTION},
    {"event.category", ECS_KEYWORDS, FROM_RECORD, FACT_CATEGORY},
    {"event.code", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_DIALECT_EVENT},
    {"event.created", ECS_DATE, FROM_RECORD, FACT_OBSERVED},
    {"event.dataset", ECS_KEYWORD, FROM_RECORD, FACT_DATASET},
    {"event.duration", ECS_LONG, FROM_MS, KEY_AGENT_DURATION_MS},
    {"event.id", ECS_KEYWORD, FROM_MODEL, KEY_LOG_RECORD_UID},
    {"event.ingested", ECS_DATE, FROM_RECORD, FACT_RECEIVED},
    {"event.kind", ECS_KEYWORD, FROM_RECORD, FACT_KIND},
    {"event.original", ECS_STORED, FROM_MODEL, KEY_LOG_RECORD_ORIGINAL},
    {"event.outcome", ECS_KEYWORD, FROM_RECORD, FACT_OUTCOME},
    {"event.provider", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_DIALECT},
    {"event.reason", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_DECISION_REASON},
    {"event.sequence", ECS_LONG, FROM_MODEL, KEY_AGENT_EVENT_SEQUENCE},
    {"event.severity", ECS_LONG, FROM_MODEL, KEY_AGENT_SEVERITY},
    {"event.type", ECS_KEYWORDS, FROM_RECORD, FACT_TYPE},
    {"file.extension", ECS_KEYWORD, FROM_MODEL, KEY_FILE_EXTENSION},
    {"file.hash.sha256", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_FILE_SHA256},
    {"file.mime_type", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_FILE_MIME_TYPE},
    {"file.name", ECS_KEYWORD, FROM_MODEL, KEY_FILE_NAME},
    {"file.path", ECS_KEYWORD, FROM_MODEL, KEY_FILE_PATH},
    {"file.size", ECS_LONG, FROM_MODEL, KEY_FILE_SIZE},
    {"gen_ai.agent.id", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_AGENT_ID},
    {"gen_ai.agent.name", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_AGENT_NAME},
    {"gen_ai.operation.name", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_OPERATION_NAME},
    {"gen_ai.request.model", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_REQUEST_MODEL},
    {"gen_ai.response.id", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_RESPONSE_ID},
    {"gen_ai.response.model", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_RESPONSE_MODEL},
    {"gen_ai.system", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_PROVIDER_NAME},
    {"gen_ai.tool.call.id", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_TOOL_CALL_ID},
    {"gen_ai.tool.name", ECS_KEYWORD, FROM_MODEL, KEY_GEN_AI_TOOL_NAME},
    {"gen_ai.usage.input_tokens", ECS_INTEGER, FROM_MODEL, KEY_GEN_AI_USAGE_INPUT_TOKENS},
    {"gen_ai.usage.output_tokens", ECS_INTEGER, FROM_MODEL, KEY_GEN_AI_USAGE_OUTPUT_TOKENS},
    {"host.architecture", ECS_KEYWORD, FROM_RESOURCE, READER_HOST_ARCH},
    {"host.id", ECS_KEYWORD, FROM_RESOURCE, READER_HOST_ID},
    {"host.name", ECS_KEYWORD, FROM_RESOURCE, READER_HOST_NAME},
    {"host.os.name", ECS_KEYWORD, FROM_RESOURCE, READER_OS_NAME},
    {"host.os.type", ECS_KEYWORD, FROM_RESOURCE, READER_OS_TYPE},
    {"host.os.version", ECS_KEYWORD, FROM_RESOURCE, READER_OS_VERSION},
    {"http.request.method", ECS_KEYWORD, FROM_MODEL, KEY_HTTP_REQUEST_METHOD},
    {"http.response.status_code", ECS_LONG, FROM_MODEL, KEY_HTTP_RESPONSE_STATUS_CODE},
    {"log.level", ECS_KEYWORD, FROM_RECORD, FACT_LEVEL},
    {"message", ECS_TEXT, FROM_RECORD, FACT_MESSAGE},
    {"network.protocol", ECS_KEYWORD, FROM_MODEL, KEY_NETWORK_PROTOCOL_NAME},
    {"network.transport", ECS_KEYWORD, FROM_MODEL, KEY_NETWORK_TRANSPORT},
    {"orchestrator.cluster.name", ECS_KEYWORD, FROM_RESOURCE, READER_K8S_CLUSTER_NAME},
    {"orchestrator.namespace", ECS_KEYWORD, FROM_RESOURCE, READER_K8S_NAMESPACE_NAME},
    {"orchestrator.resource.name", ECS_KEYWORD, FROM_RESOURCE, READER_K8S_POD_NAME},
    {"organization.id", ECS_KEYWORD, FROM_MODEL, KEY_AGENT_ORGANIZATION_ID},
    {"process.args", ECS_KEYWORDS, FROM_MODEL, KEY_PROCESS_COMMAND_ARGS},
    {"process.command_line", ECS_WILDCARD, FROM_MODEL, KEY_PROCESS_COMMAND_LINE},
    {"process.executable", ECS_KEYWORD, FROM_MODEL, KEY_PROCESS_EXECUTABLE_PATH},
    {"process.exit_code", ECS_LONG, FROM_MODEL, KEY_PROCESS_EXIT_CODE},
    {"process.name", ECS_KEYWORD, FROM_MODEL, KEY_PROCESS_EXECUTABLE_NAME},
    {"process.parent.pid", ECS_LONG, FROM_MODEL, KEY_PROCESS_PARENT_PID},
    {"process.pid", ECS_LONG, FROM_MODEL, KEY_PROCESS_PID},
    {"process.user.name", ECS_KEYWORD, FROM_MODEL, KEY_PROCESS_USER_NAME},
    {"process.working_directory", ECS_KEYWORD, FROM_MODEL, KEY_PROCESS_WORKING_DIRECTORY},
    {"rule.name", ECS_KEYWORD, FROM_MODEL, KEY_SECURITY_RULE_NAME},
    {"rule.ruleset", ECS_KEYWORD, FROM_MODEL, KEY_SECURITY_RULE_RULESET_NAME},
    {"server.address", ECS_KEYWORD, FROM_MODEL, KEY_SERVER_ADDRESS},
    {"server.domain", ECS_KEYWORD, FROM_DOMAIN, KEY_SERVER_ADDRESS},
    {"server.ip", ECS_IP, FROM_IP, KEY_SERVER_ADDRESS},
    {"server.port", ECS_LONG, FROM_MODEL, KEY_SERVER_PORT},
    {"service.environment", ECS_KEYWORD, FROM_RESOURCE, READER_DEPLOYMENT_ENVIRONMENT},
    {"service.name", ECS_KEYWORD, FROM_RESOURCE, READER_SERVICE_NAME},
    {"service.node.name", ECS_KEYWORD, FROM_RESOURCE, READER_SERVICE_INSTANCE_ID},
    {"service.version", ECS_KEYWORD, FROM_RESOURCE, READER_SERVICE_VERSION},
    {"session.id", ECS_KEYWORD, FROM_MODEL, KEY_SESSION_ID},
    {"source.address", ECS_KEYWORD, FROM_MODEL, KEY_CLIENT_ADDRESS},
    {"source.bytes", ECS_LONG, FROM_MODEL, KEY_AGENT_NETWORK_BYTES_SENT},
    {"source.domain", ECS_KEYWORD, FROM_DOMAIN, KEY_CLIENT_ADDRESS},
    {"source.ip", ECS_IP, FROM_IP, KEY_CLIENT_ADDRESS},
    {"source.port", ECS_LONG, FROM_MODEL, KEY_CLIENT_PORT},
    {"span.id", ECS_KEYWORD, FROM_RECORD, FACT_SPAN_ID},
    {"trace.id", ECS_KEYWORD, FROM_RECORD, FACT_TRACE_ID},
    {"url.domain", ECS_KEYWORD, FROM_MODEL, KEY_URL_DOMAIN},
    {"url.full", ECS_WILDCARD, FROM_MODEL, KEY_URL_FULL},
    {"url.scheme", ECS_KEYWORD, FROM_MODEL, KEY_URL_SCHEME},
    {"user.email", ECS_KEYWORD, FROM_MODEL, KEY_USER_EMAIL},
    {"user.id", ECS_KEYWORD, FROM_MODEL, KEY_USER_ID},
    {"user.name", ECS_KEYWORD, FROM_MODEL, KEY_USER_NAME},
};
const size_t ecs_field_count = COUNT_OF(ecs_fields);

static bool is_in_table(unsigned key)
{
    for (size_t i = 0; i < ecs_field_count; i++) {
        if (ecs_fields[i].source <= FROM_DOMAIN && ecs_fields[i].key == key)
            return true;
    }
    return false;
}

/* By parts between dots, so that objects are not torn apart by names that continue them. */
static int compare_paths(const void *left, const void *right)
{
    const char *a = ((const struct ecs_field *)left)->path;
    const char *b = ((const struct ecs_field *)right)->path;

    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    int first = *a == '\0' ? -1 : *a == '.' ? 0 : (unsigned char)*a;
    int second = *b == '\0' ? -1 : *b == '.' ? 0 : (unsigned char)*b;
    return first - second;
}

size_t ecs_all_fields(struct ecs_field fields[ECS_FIELDS_MAX],
                      char paths[ECS_FIELDS_MAX][ECS_PATH_MAX])
{
    static const uint8_t types[] = {[VALUE_TEXT] = ECS_KEYWORD,
                                    [VALUE_INT] = ECS_LONG,
                                    [VALUE_DOUBLE] = ECS_DOUBLE,
                                    [VALUE_BOOL] = ECS_BOOLEAN,
                                    [VALUE_TEXTS] = ECS_KEYWORDS};
    const char prefix[] = "agent.";
    size_t count = ecs_field_count;

    memcpy(fields, ecs_fields, sizeof(ecs_fields));
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++) {
        const struct schema_attribute *attribute = &schema_attributes[key];
        if (strncmp(attribute->key, prefix, strlen(prefix)) != 0 || is_in_table(key))
            continue;
        ASSERT(count < ECS_FIELDS_MAX);
        int size = snprintf(paths[count], ECS_PATH_MAX, "ai_%s", attribute->key);
        ASSERT(size > 0 && size < ECS_PATH_MAX);
        fields[count] =
            (struct ecs_field){paths[count], types[attribute->type], FROM_MODEL, (uint16_t)key};
        count++;
    }
    qsort(fields, count, sizeof(*fields), compare_paths);
    return count;
}

const char *ecs_type_name(enum ecs_type type)
{
    static const char *const names[] = {[ECS_KEYWORD] = "keyword",   [ECS_KEYWORDS] = "keyword",
                                        [ECS_WILDCARD] = "wildcard", [ECS_TEXT] = "match_only_text",
                                        [ECS_STORED] = "keyword",    [ECS_LONG] = "long",
                                        [ECS_INTEGER] = "integer",   [ECS_DOUBLE] = "double",
                                        [ECS_BOOLEAN] = "boolean",   [ECS_IP] = "ip",
                                        [ECS_DATE] = "date_nanos"};
    return names[type];
}
