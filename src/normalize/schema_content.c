/* SPDX-License-Identifier: Apache-2.0 */
/* schema_content.c -- which attributes hold content, and by which words the keys of senders are
 * known that do.
 *
 * What the model's own attributes hold is decided one by one; a test finds one that was forgotten.
 * Senders have more keys than anybody could list, and new ones tomorrow, but few words for the same
 * things: a key is judged by the words between its dots.  Where a word is used for something else
 * too, the key stands in the list of those that are no content. */
#include "normalize/schema_content.h"

#include <string.h>

#include "normalize/schema.h"

const uint8_t schema_content[SCHEMA_KEY_COUNT] = {
    [KEY_AGENT_SCHEMA_VERSION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EVENT_KIND] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EVENT_PHASE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EVENT_FACETS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_OUTCOME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SEVERITY] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CLASSIFICATION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PRODUCT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PRODUCT_VERSION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DIALECT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DIALECT_EVENT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TRANSPORT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TIME_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_LOG_RECORD_UID] = SCHEMA_NO_CONTENT,
    [KEY_LOG_RECORD_ORIGINAL] = SCHEMA_CONTENT,
    [KEY_SESSION_ID] = SCHEMA_NO_CONTENT,
    [KEY_SESSION_PREVIOUS_ID] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_CONVERSATION_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PARENT_CONVERSATION_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TURN_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXECUTION_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EVENT_SEQUENCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_ROLE] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_AGENT_ID] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_AGENT_NAME] = SCHEMA_NO_CONTENT,
    [KEY_USER_ID] = SCHEMA_NO_CONTENT,
    [KEY_USER_NAME] = SCHEMA_NO_CONTENT,
    [KEY_USER_EMAIL] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_USER_ID_KIND] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_ORGANIZATION_ID] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_WORKING_DIRECTORY] = SCHEMA_NO_CONTENT,
    [KEY_VCS_REPOSITORY_URL_FULL] = SCHEMA_NO_CONTENT,
    [KEY_VCS_REF_HEAD_NAME] = SCHEMA_NO_CONTENT,
    [KEY_VCS_REF_HEAD_REVISION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PERMISSION_MODE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SANDBOX_MODE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DURATION_MS] = SCHEMA_NO_CONTENT,
    [KEY_ERROR_TYPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_ERROR_MESSAGE] = SCHEMA_CONTENT,
    [KEY_AGENT_CONTENT_STATE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTENT_SHA256] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTENT_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTENT_OMITTED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTENT_OMITTED_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_NORM_ERRORS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_ORIGINAL_EVENT_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DERIVED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DERIVED_FROM] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DUPLICATE_OF] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SESSION_REASON] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_SERVERS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TURN_COUNT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TURN_STOP_REASON] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COST_USD] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COST_ESTIMATED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PROMPT_LENGTH] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PROMPT_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COMMAND_NAME] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_INPUT_MESSAGES] = SCHEMA_CONTENT,
    [KEY_GEN_AI_OUTPUT_MESSAGES] = SCHEMA_CONTENT,
    [KEY_AGENT_RESPONSE_LENGTH] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_RESPONSE_MODEL] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_RESPONSE_ID] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_OPERATION_NAME] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_PROVIDER_NAME] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_REQUEST_MODEL] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_USAGE_INPUT_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_USAGE_OUTPUT_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_USAGE_TOTAL_TOKENS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_USAGE_DUPLICATE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODEL_ATTEMPT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODEL_PURPOSE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODEL_EFFORT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODEL_REFUSED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODEL_REFUSAL_CATEGORY] = SCHEMA_NO_CONTENT,
    [KEY_HTTP_RESPONSE_STATUS_CODE] = SCHEMA_NO_CONTENT,
    [KEY_HTTP_REQUEST_METHOD] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_TOOL_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_CATEGORY] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_TOOL_CALL_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_PARENT_CALL_ID] = SCHEMA_NO_CONTENT,
    [KEY_GEN_AI_TOOL_CALL_ARGUMENTS] = SCHEMA_CONTENT,
    [KEY_GEN_AI_TOOL_CALL_RESULT] = SCHEMA_CONTENT,
    [KEY_AGENT_TOOL_NAMESPACE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_ORIGIN] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_REPORTED_SUCCESS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_EXECUTED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_INPUT_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_OUTPUT_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_TOOL_OUTPUT_TRUNCATED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_OUTCOME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_EFFECT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_AUTOMATED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_SCOPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_REASON] = SCHEMA_CONTENT,
    [KEY_AGENT_DECISION_OVERRIDE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_DECISION_LATENCY_MS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_REVIEW_ID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_REVIEW_STATUS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_REVIEW_RISK_LEVEL] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_REVIEW_USER_AUTHORIZATION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_REVIEW_RATIONALE] = SCHEMA_CONTENT,
    [KEY_SECURITY_RULE_NAME] = SCHEMA_NO_CONTENT,
    [KEY_SECURITY_RULE_RULESET_NAME] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_COMMAND_LINE] = SCHEMA_CONTENT,
    [KEY_PROCESS_COMMAND_ARGS] = SCHEMA_CONTENT,
    [KEY_PROCESS_EXECUTABLE_NAME] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_EXECUTABLE_PATH] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_EXIT_CODE] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_PID] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_PARENT_PID] = SCHEMA_NO_CONTENT,
    [KEY_PROCESS_USER_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COMMAND_SANDBOXED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COMMAND_BACKGROUND] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COMMAND_SIGNAL] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_COMMAND_TIMEOUT_MS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_OPERATION] = SCHEMA_NO_CONTENT,
    [KEY_FILE_PATH] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_PATHS] = SCHEMA_NO_CONTENT,
    [KEY_FILE_NAME] = SCHEMA_NO_CONTENT,
    [KEY_FILE_EXTENSION] = SCHEMA_NO_CONTENT,
    [KEY_FILE_SIZE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_PATH_PREVIOUS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_LINES_ADDED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_LINES_REMOVED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_SHA256] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_PATH_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_IN_WORKSPACE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_LANGUAGE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_FILE_MIME_TYPE] = SCHEMA_NO_CONTENT,
    [KEY_SERVER_ADDRESS] = SCHEMA_NO_CONTENT,
    [KEY_SERVER_PORT] = SCHEMA_NO_CONTENT,
    [KEY_CLIENT_ADDRESS] = SCHEMA_NO_CONTENT,
    [KEY_CLIENT_PORT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_NETWORK_TARGET_KIND] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_NETWORK_MECHANISM] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_NETWORK_BYTES_SENT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_NETWORK_BYTES_RECEIVED] = SCHEMA_NO_CONTENT,
    [KEY_NETWORK_TRANSPORT] = SCHEMA_NO_CONTENT,
    [KEY_NETWORK_PROTOCOL_NAME] = SCHEMA_NO_CONTENT,
    [KEY_URL_FULL] = SCHEMA_NO_CONTENT,
    [KEY_URL_SCHEME] = SCHEMA_NO_CONTENT,
    [KEY_URL_DOMAIN] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_SERVER_NAME] = SCHEMA_NO_CONTENT,
    [KEY_MCP_METHOD_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_TOOL_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_SERVER_ORIGIN] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_SERVER_SCOPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_CONNECTION_STATE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MCP_ELICITATION_ACTION] = SCHEMA_NO_CONTENT,
    [KEY_JSONRPC_REQUEST_ID] = SCHEMA_NO_CONTENT,
    [KEY_RPC_RESPONSE_STATUS_CODE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SANDBOX_OUTCOME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SANDBOX_INITIAL_DURATION_MS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SANDBOX_ESCALATED_DURATION_MS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODE_TO] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODE_FROM] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_MODE_TRIGGER] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONFIG_SCOPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONFIG_KEY] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_EVENT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_TYPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_COUNT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_BLOCKED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_FAILED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_HOOK_CANCELLED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SUBAGENT_STOP_REASON] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SUBAGENT_TOOL_USES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_SUBAGENT_ASYNC] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_TYPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_ACTION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_NAME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_VERSION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_SOURCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_EXTENSION_TRIGGER] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTEXT_ACTION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTEXT_TRIGGER] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTEXT_TOKENS_BEFORE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_CONTEXT_TOKENS_AFTER] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_AUTH_ACTION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_AUTH_METHOD] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_SCOPE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_INTERVAL_S] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_CPU_TIME_S] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_MEMORY_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_MEMORY_PEAK_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_MEMORY_LIMIT_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_DISK_READ_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_DISK_WRITE_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_NETWORK_RX_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_NETWORK_TX_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_PIDS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_RESOURCE_OOM_KILLS] = SCHEMA_NO_CONTENT,
    [KEY_CONTAINER_ID] = SCHEMA_NO_CONTENT,
    [KEY_EXCEPTION_TYPE] = SCHEMA_NO_CONTENT,
    [KEY_EXCEPTION_MESSAGE] = SCHEMA_CONTENT,
    [KEY_EXCEPTION_STACKTRACE] = SCHEMA_CONTENT,
    [KEY_AGENT_PIPELINE_REASON] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_COUNT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_FIRST] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_LAST] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_CODE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_KIND] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_DESTINATION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_FROM] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PIPELINE_TO] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_ACTION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_DESTINATION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_ORIGIN] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_SIZE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_ROOT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_NOTE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_GROWTH] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_TOKEN] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_TOKEN_TIME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_KEY] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_EPOCH] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_REASON] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_RULE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_HOLD] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_FILE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_FIRST] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_LAST] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_COUNT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_BYTES] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_ACTOR] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_MANIFEST] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_CASE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_QUESTION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_SHA256] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_VERSION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_SKIPPED] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_JOURNAL] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_SEQUENCE] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_BOOT] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_MONOTONIC_NS] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_INTEGRITY_TIME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_ATTESTATION] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_PID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_UID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_GID] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_EXECUTABLE_PATH] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_CREATION_TIME] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_LINUX_CGROUP] = SCHEMA_NO_CONTENT,
    [KEY_AGENT_PEER_CONTAINER_ID] = SCHEMA_NO_CONTENT,
};

/* In the order of their sizes, then of their bytes: they are searched in halves. */
const struct content_word content_words[] = {
    {"cmd", CONTENT_LAST},
    {"args", CONTENT_WITHIN},
    {"body", CONTENT_LAST},
    {"diff", CONTENT_LAST},
    {"goal", CONTENT_LAST},
    {"text", CONTENT_LAST},
    {"edits", CONTENT_LAST},
    {"error", CONTENT_LAST},
    {"input", CONTENT_LAST},
    {"patch", CONTENT_LAST},
    {"query", CONTENT_LAST},
    {"stack", CONTENT_LAST},
    {"title", CONTENT_LAST},
    {"todos", CONTENT_LAST},
    {"answer", CONTENT_LAST},
    {"inputs", CONTENT_LAST},
    {"object", CONTENT_LAST},
    {"output", CONTENT_LAST},
    {"prompt", CONTENT_ABOUT},
    {"reason", CONTENT_LAST},
    {"result", CONTENT_LAST},
    {"stderr", CONTENT_LAST},
    {"stdout", CONTENT_LAST},
    {"toolio", CONTENT_LAST},
    {"answers", CONTENT_LAST},
    {"command", CONTENT_LAST},
    {"comment", CONTENT_LAST},
    {"content", CONTENT_LAST},
    {"details", CONTENT_LAST},
    {"message", CONTENT_LAST},
    {"outputs", CONTENT_LAST},
    {"payload", CONTENT_LAST},
    {"preview", CONTENT_LAST},
    {"prompts", CONTENT_ABOUT},
    {"results", CONTENT_LAST},
    {"snippet", CONTENT_LAST},
    {"summary", CONTENT_LAST},
    {"thought", CONTENT_LAST},
    {"comments", CONTENT_LAST},
    {"contents", CONTENT_LAST},
    {"feedback", CONTENT_LAST},
    {"findings", CONTENT_LAST},
    {"messages", CONTENT_ABOUT},
    {"metadata", CONTENT_LAST},
    {"original", CONTENT_LAST},
    {"question", CONTENT_LAST},
    {"response", CONTENT_LAST},
    {"thinking", CONTENT_LAST},
    {"thoughts", CONTENT_LAST},
    {"arguments", CONTENT_WITHIN},
    {"backtrace", CONTENT_LAST},
    {"hookinput", CONTENT_WITHIN},
    {"newstring", CONTENT_LAST},
    {"oldstring", CONTENT_LAST},
    {"pagetitle", CONTENT_LAST},
    {"patchtext", CONTENT_LAST},
    {"questions", CONTENT_LAST},
    {"rationale", CONTENT_LAST},
    {"reasoning", CONTENT_LAST},
    {"statement", CONTENT_LAST},
    {"toolcalls", CONTENT_WITHIN},
    {"toolinput", CONTENT_WITHIN},
    {"completion", CONTENT_ABOUT},
    {"hookoutput", CONTENT_WITHIN},
    {"llmrequest", CONTENT_LAST},
    {"parameters", CONTENT_WITHIN},
    {"resultjson", CONTENT_LAST},
    {"stacktrace", CONTENT_LAST},
    {"tooloutput", CONTENT_WITHIN},
    {"toolresult", CONTENT_LAST},
    {"transcript", CONTENT_LAST},
    {"userprompt", CONTENT_LAST},
    {"attachments", CONTENT_LAST},
    {"commandargs", CONTENT_LAST},
    {"commandline", CONTENT_LAST},
    {"completions", CONTENT_ABOUT},
    {"definitions", CONTENT_LAST},
    {"description", CONTENT_LAST},
    {"elicitation", CONTENT_LAST},
    {"explanation", CONTENT_LAST},
    {"filecontent", CONTENT_LAST},
    {"fullcommand", CONTENT_LAST},
    {"lastmessage", CONTENT_LAST},
    {"llmresponse", CONTENT_LAST},
    {"requestbody", CONTENT_LAST},
    {"requesttext", CONTENT_LAST},
    {"tasksubject", CONTENT_LAST},
    {"usermessage", CONTENT_LAST},
    {"errormessage", CONTENT_LAST},
    {"filecontents", CONTENT_LAST},
    {"functionargs", CONTENT_WITHIN},
    {"functioncall", CONTENT_WITHIN},
    {"instructions", CONTENT_LAST},
    {"responsebody", CONTENT_LAST},
    {"responsetext", CONTENT_LAST},
    {"sessiontitle", CONTENT_LAST},
    {"systemprompt", CONTENT_LAST},
    {"toolresponse", CONTENT_WITHIN},
    {"blockedreason", CONTENT_LAST},
    {"inputmessages", CONTENT_WITHIN},
    {"reasoningtext", CONTENT_LAST},
    {"statusmessage", CONTENT_LAST},
    {"compactsummary", CONTENT_LAST},
    {"outputmessages", CONTENT_WITHIN},
    {"promptresponse", CONTENT_LAST},
    {"toolparameters", CONTENT_WITHIN},
    {"rejectionreason", CONTENT_LAST},
    {"assistantmessage", CONTENT_LAST},
    {"exceptionmessage", CONTENT_LAST},
    {"providermetadata", CONTENT_LAST},
    {"reasoningcontent", CONTENT_LAST},
    {"verdictrationale", CONTENT_LAST},
    {"assistantresponse", CONTENT_LAST},
    {"systeminstruction", CONTENT_LAST},
    {"custominstructions", CONTENT_LAST},
    {"systeminstructions", CONTENT_WITHIN},
    {"lastassistantmessage", CONTENT_LAST},
    {"permissionsuggestions", CONTENT_LAST},
};
const size_t content_word_count = sizeof(content_words) / sizeof(content_words[0]);

/* What may be told of content: what it is called, and how much there is. */
static const char *const measures[] = {
    "bytes", "count", "direction", "hash",   "id",     "index",     "kind",   "length", "model",
    "name",  "role",  "size",      "source", "status", "truncated", "tokens", "type",   NULL,
};

/* They have one of the words and are no content. */
const char *const content_exceptions[] = {
    "ai.prompt.toolChoice",
    "cursor.grok_bot.message_delivery.result",
    "github.copilot.permission.result",
    "network.policy.reason",
    "process.command", /* the name of the program */
    "process.runtime.description",
    NULL,
};

static bool is_listed(const char *const *list, struct slice text)
{
    for (; *list != NULL; list++) {
        if (slice_equal(slice_of_text(*list), text))
            return true;
    }
    return false;
}

static bool is_model_exception(struct slice key)
{
    for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
        if (schema_content[i] == SCHEMA_NO_CONTENT &&
            slice_equal(slice_of_text(schema_attributes[i].key), key))
            return true;
    }
    return false;
}

static const struct content_word *find_word(const char *text, size_t size)
{
    size_t low = 0;
    size_t high = content_word_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *word = content_words[middle].word;
        size_t word_size = strlen(word);
        int order = size != word_size ? (size < word_size ? -1 : 1) : memcmp(text, word, size);
        if (order == 0)
            return &content_words[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The word of a part of a key: toolInput, tool-input and tool_input are one. */
static const struct content_word *word_of(struct slice part)
{
    char text[CONTENT_WORD_MAX];
    size_t size = 0;

    for (size_t i = 0; i < part.size; i++) {
        uint8_t byte = part.data[i];
        if (byte == '_' || byte == '-')
            continue;
        if (size == sizeof(text))
            return NULL;
        text[size++] = (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
    }
    return find_word(text, size);
}

static bool is_number(struct slice part)
{
    for (size_t i = 0; i < part.size; i++) {
        if (part.data[i] < '0' || part.data[i] > '9')
            return false;
    }
    return part.size > 0;
}

/* Takes the last part off, and the numbers behind it: messages.0.content, messages.0. */
static struct slice take_last(struct slice *key)
{
    struct slice part;

    do {
        size_t start = key->size;
        while (start > 0 && key->data[start - 1] != '.')
            start--;
        part = slice_from(*key, start);
        key->size = start > 0 ? start - 1 : 0;
    } while (key->size > 0 && is_number(part));
    return part;
}

static bool has_words(struct slice key)
{
    struct slice last = take_last(&key);
    const struct content_word *word = word_of(last);

    if (word != NULL)
        return true;
    bool is_measure = is_listed(measures, last);
    while (key.size > 0) {
        word = word_of(take_last(&key));
        if (word != NULL &&
            (word->place == CONTENT_WITHIN || (word->place == CONTENT_ABOUT && !is_measure)))
            return true;
    }
    return false;
}

bool content_is_at(struct slice key)
{
    const struct slice prefix = SLICE("agent.norm.");

    while (slice_starts_with(key, prefix))
        key = slice_from(key, prefix.size);
    return has_words(key) && !is_listed(content_exceptions, key) && !is_model_exception(key);
}
