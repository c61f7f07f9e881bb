/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_genai.c -- log records and spans that keep to the GenAI and MCP semantic conventions
 * (1.44, and the older names of 1.36 and before), of any SDK.
 *
 * The conventions name what is done in an attribute: mcp.method.name, or else
 * gen_ai.operation.name.  Names of spans are for people ("execute_tool get_weather") and are not
 * looked at.  Most of the keys are the model's own, so that nothing is written twice; the rules
 * put right what stands under an older name or in another type.
 */
#include "normalize/codex_events.h"
#include "normalize/coerce.h"
#include "normalize/decision.h"
#include "normalize/genai.h"
#include "normalize/span_dialects.h"

const char *const genai_sources[GENAI_SOURCE_COUNT] = {
    [GENAI_OPERATION_NAME] = "gen_ai.operation.name",
    [GENAI_PROVIDER_NAME] = "gen_ai.provider.name",
    [GENAI_SYSTEM] = "gen_ai.system",
    [GENAI_CONVERSATION_ID] = "gen_ai.conversation.id",
    [GENAI_SESSION_ID] = "session.id",
    [GENAI_AGENT_ID] = "gen_ai.agent.id",
    [GENAI_AGENT_NAME] = "gen_ai.agent.name",
    [GENAI_REQUEST_MODEL] = "gen_ai.request.model",
    [GENAI_RESPONSE_MODEL] = "gen_ai.response.model",
    [GENAI_RESPONSE_ID] = "gen_ai.response.id",
    [GENAI_RESPONSE_FINISH_REASONS] = "gen_ai.response.finish_reasons",
    [GENAI_TIME_TO_FIRST_CHUNK] = "gen_ai.response.time_to_first_chunk",
    [GENAI_USAGE_INPUT_TOKENS] = "gen_ai.usage.input_tokens",
    [GENAI_USAGE_OUTPUT_TOKENS] = "gen_ai.usage.output_tokens",
    [GENAI_USAGE_PROMPT_TOKENS] = "gen_ai.usage.prompt_tokens",
    [GENAI_USAGE_COMPLETION_TOKENS] = "gen_ai.usage.completion_tokens",
    [GENAI_USAGE_CACHE_READ] = "gen_ai.usage.cache_read.input_tokens",
    [GENAI_USAGE_CACHE_CREATION] = "gen_ai.usage.cache_creation.input_tokens",
    [GENAI_USAGE_REASONING] = "gen_ai.usage.reasoning.output_tokens",
    [GENAI_TOOL_NAME] = "gen_ai.tool.name",
    [GENAI_TOOL_CALL_ID] = "gen_ai.tool.call.id",
    [GENAI_TOOL_TYPE] = "gen_ai.tool.type",
    [GENAI_TOOL_CALL_ARGUMENTS] = "gen_ai.tool.call.arguments",
    [GENAI_TOOL_CALL_RESULT] = "gen_ai.tool.call.result",
    [GENAI_EVALUATION_NAME] = "gen_ai.evaluation.name",
    [GENAI_EVALUATION_LABEL] = "gen_ai.evaluation.score.label",
    [GENAI_EVALUATION_EXPLANATION] = "gen_ai.evaluation.explanation",
    [GENAI_MCP_METHOD_NAME] = "mcp.method.name",
    [GENAI_MCP_RESOURCE_URI] = "mcp.resource.uri",
    [GENAI_JSONRPC_REQUEST_ID] = "jsonrpc.request.id",
    [GENAI_RPC_JSONRPC_REQUEST_ID] = "rpc.jsonrpc.request_id",
    [GENAI_RPC_RESPONSE_STATUS_CODE] = "rpc.response.status_code",
    [GENAI_RPC_JSONRPC_ERROR_CODE] = "rpc.jsonrpc.error_code",
    [GENAI_NETWORK_TRANSPORT] = "network.transport",
    [GENAI_SERVER_ADDRESS] = "server.address",
    [GENAI_SERVER_PORT] = "server.port",
    [GENAI_ERROR_TYPE] = "error.type",
    [GENAI_EXCEPTION_TYPE] = "exception.type",
    [GENAI_EXCEPTION_MESSAGE] = "exception.message",
    [GENAI_COPILOT_PERMISSION_RESULT] = "github.copilot.permission.result",
    [GENAI_COPILOT_HOOK_DECISION] = "github.copilot.hook.decision",
    [GENAI_COPILOT_TOOL_COMMAND] = "github.copilot.tool.parameters.command",
    [GENAI_COPILOT_TOOL_FILE_PATH] = "github.copilot.tool.parameters.file_path",
    [GENAI_COPILOT_MCP_SERVER_NAME] = "github.copilot.tool.parameters.mcp_server_name",
    [GENAI_COPILOT_MCP_TOOL_NAME] = "github.copilot.tool.parameters.mcp_tool_name",
};

/* --- Rules ------------------------------------------------------------------------------- */

/* Keys of the model itself are here for values of another type, such as counts as text. */
const struct rule genai_rules[] = {
    {GENAI_USAGE_INPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_INPUT_TOKENS, NULL},
    {GENAI_USAGE_OUTPUT_TOKENS, RULE_INT, KEY_GEN_AI_USAGE_OUTPUT_TOKENS, NULL},
    {GENAI_USAGE_CACHE_READ, RULE_INT, KEY_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, NULL},
    {GENAI_USAGE_CACHE_CREATION, RULE_INT, KEY_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, NULL},
    {GENAI_USAGE_REASONING, RULE_INT, KEY_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, NULL},
    {GENAI_TIME_TO_FIRST_CHUNK, RULE_DOUBLE, KEY_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, NULL},
};
const size_t genai_rule_count = COUNT_OF(genai_rules);

static const struct rule review_rules[] = {
    {GENAI_EVALUATION_NAME, RULE_TEXT, KEY_AGENT_REVIEW_ID, NULL},
    {GENAI_EVALUATION_LABEL, RULE_TEXT, KEY_AGENT_REVIEW_STATUS, NULL},
    {GENAI_EVALUATION_EXPLANATION, RULE_CONTENT, KEY_AGENT_REVIEW_RATIONALE, NULL},
};

static const struct rule error_rules[] = {
    {GENAI_EXCEPTION_TYPE, RULE_TEXT, KEY_ERROR_TYPE, NULL},
    {GENAI_EXCEPTION_MESSAGE, RULE_TEXT, KEY_AGENT_ERROR_MESSAGE, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

static bool has_text(const struct mapping *m, uint8_t source)
{
    return mapping_source_text(m, source).size > 0;
}

/* A value under a name that has been replaced, unless the new one is there too. */
static void put_older(struct mapping *m, uint8_t older, uint8_t newer, enum rule_how how,
                      enum schema_key key)
{
    const struct rule rule = {older, how, key, NULL};
    if (mapping_source(m, newer) == NULL)
        dialect_apply_rules(m, &rule, 1);
}

static void put_outcome(struct mapping *m)
{
    if (m->span != NULL && span_failed(m))
        span_put_failure(m);
    else if (!text_is_sentinel(mapping_source_text(m, GENAI_ERROR_TYPE)))
        m->outcome = OUTCOME_FAILURE;
    else if (m->phase == PHASE_END && m->kind != KIND_REVIEW)
        m->outcome = OUTCOME_SUCCESS; /* the conventions put error.type on all that fails */
}

void genai_finish_common(struct mapping *m)
{
    put_older(m, GENAI_SYSTEM, GENAI_PROVIDER_NAME, RULE_TEXT, KEY_GEN_AI_PROVIDER_NAME);
    put_older(m, GENAI_USAGE_PROMPT_TOKENS, GENAI_USAGE_INPUT_TOKENS, RULE_INT,
              KEY_GEN_AI_USAGE_INPUT_TOKENS);
    put_older(m, GENAI_USAGE_COMPLETION_TOKENS, GENAI_USAGE_OUTPUT_TOKENS, RULE_INT,
              KEY_GEN_AI_USAGE_OUTPUT_TOKENS);
    put_older(m, GENAI_RPC_JSONRPC_REQUEST_ID, GENAI_JSONRPC_REQUEST_ID, RULE_TEXT,
              KEY_JSONRPC_REQUEST_ID);
    put_older(m, GENAI_RPC_JSONRPC_ERROR_CODE, GENAI_RPC_RESPONSE_STATUS_CODE, RULE_TEXT,
              KEY_RPC_RESPONSE_STATUS_CODE);
    put_older(m, GENAI_CONVERSATION_ID, GENAI_SESSION_ID, RULE_TEXT, KEY_SESSION_ID);
    if (m->kind != KIND_OTHER)
        put_outcome(m);
    if (m->span == NULL && m->kind != KIND_OTHER)
        lineage_note_told(m->lineage, m->record.trace_id, m->record.span_id, m->kind);
}

static void put_tool(struct mapping *m, bool is_mcp)
{
    struct slice type = mapping_source_text(m, GENAI_TOOL_TYPE);
    bool hosted = slice_equal(type, SLICE("extension")) || slice_equal(type, SLICE("datastore"));
    bool has_result = mapping_source(m, GENAI_TOOL_CALL_RESULT) != NULL;
    span_put_parent_call(m);
    mapping_put_word(m, KEY_AGENT_TOOL_CATEGORY, is_mcp ? TOOL_MCP : TOOL_OTHER);
    mapping_put_text(m, KEY_AGENT_TOOL_ORIGIN,
                     is_mcp   ? SLICE("mcp")
                     : hosted ? SLICE("hosted")
                              : SLICE("unknown"));
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, has_result ? CONTENT_PRESENT : CONTENT_ABSENT);
}

static void finish_tool(struct mapping *m)
{
    put_tool(m, false);
}

static void finish_mcp(struct mapping *m)
{
    const struct slice facet = SLICE("agent.tool");
    if (!slice_equal(mapping_source_text(m, GENAI_MCP_METHOD_NAME), SLICE("tools/call")))
        return;
    mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
    if (has_text(m, GENAI_TOOL_NAME))
        mapping_put_text(m, KEY_AGENT_MCP_TOOL_NAME, mapping_source_text(m, GENAI_TOOL_NAME));
    put_tool(m, true);
}

static void finish_details(struct mapping *m)
{
    if (!has_text(m, GENAI_OPERATION_NAME))
        mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
}

static void finish_error(struct mapping *m)
{
    const struct slice facet = SLICE("agent.model");
    mapping_put_texts(m, KEY_AGENT_EVENT_FACETS, &facet, 1);
    m->outcome = OUTCOME_FAILURE;
}

static void finish_review(struct mapping *m)
{
    static const struct {
        const char *label;
        enum decision_outcome decision;
    } labels[] = {
        {"pass", DECISION_ALLOW}, {"passed", DECISION_ALLOW}, {"allow", DECISION_ALLOW},
        {"fail", DECISION_DENY},  {"failed", DECISION_DENY},  {"deny", DECISION_DENY},
        {"block", DECISION_DENY},
    };
    enum decision_outcome decision = DECISION_UNKNOWN;
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        if (text_equal_nocase(mapping_source_text(m, GENAI_EVALUATION_LABEL), labels[i].label))
            decision = labels[i].decision;
    }
    /* A verdict about an answer keeps nobody from anything, so it has no effect of its own. */
    decision_put_verdict(m, decision);
    decision_put_source(m, BY_AUTO_REVIEWER);
}

/* --- Tables ---------------------------------------------------------------------------------- */

#define RULES(table) (table), COUNT_OF(table)

static const struct dialect_event events[] = {
    {"gen_ai.client.inference.operation.details", KIND_MODEL, PHASE_END, OUTCOME_UNKNOWN,
     CLASS_EXACT, NULL, 0, finish_details, NULL},
    {"gen_ai.client.operation.exception", KIND_ERROR, PHASE_POINT, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(error_rules), finish_error, "Also an agent.model."},
    {"gen_ai.evaluation.result", KIND_REVIEW, PHASE_END, OUTCOME_UNKNOWN, CLASS_HEURISTIC,
     RULES(review_rules), finish_review,
     "The label tells agent.decision.outcome: pass and allow, fail, deny and block."},
    {"gen_ai.user.message", KIND_PROMPT, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_HEURISTIC, NULL, 0,
     NULL, "Of the conventions before 1.37; sent again with each request."},
    {"gen_ai.choice", KIND_RESPONSE, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0, NULL,
     "Of the conventions before 1.37."},
};

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL};

static const struct dialect_event mcp = {"any, with mcp.method.name",
                                         KIND_MCP,
                                         PHASE_END,
                                         OUTCOME_UNKNOWN,
                                         CLASS_EXACT,
                                         NULL,
                                         0,
                                         finish_mcp,
                                         "tools/call is also an agent.tool, of category mcp."};
static const struct dialect_event tool = {
    "any, with gen_ai.operation.name execute_tool",
    KIND_TOOL,
    PHASE_END,
    OUTCOME_UNKNOWN,
    CLASS_EXACT,
    NULL,
    0,
    finish_tool,
    "The conventions do not say what a tool does: the category is other. Tools of type extension "
    "and datastore are hosted."};
static const struct dialect_event subagent = {
    "any, with gen_ai.operation.name invoke_agent or create_agent",
    KIND_SUBAGENT,
    PHASE_END,
    OUTCOME_UNKNOWN,
    CLASS_EXACT,
    NULL,
    0,
    NULL,
    NULL};
static const struct dialect_event model = {
    "any, with gen_ai.operation.name chat, generate_content, text_completion or embeddings",
    KIND_MODEL,
    PHASE_END,
    OUTCOME_UNKNOWN,
    CLASS_EXACT,
    NULL,
    0,
    NULL,
    NULL};

const struct dialect_event *const genai_refined[] = {&mcp, &tool, &subagent, &model};
const size_t genai_refined_count = COUNT_OF(genai_refined);

const struct dialect_event *genai_find_event(const struct mapping *m)
{
    static const struct {
        const char *operation;
        const struct dialect_event *event;
    } operations[] = {
        {"execute_tool", &tool}, {"invoke_agent", &subagent},  {"create_agent", &subagent},
        {"chat", &model},        {"generate_content", &model}, {"text_completion", &model},
        {"embeddings", &model},
    };
    if (has_text(m, GENAI_MCP_METHOD_NAME))
        return &mcp;
    struct slice operation = mapping_source_text(m, GENAI_OPERATION_NAME);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (slice_equal(operation, slice_of_text(operations[i].operation)))
            return operations[i].event;
    }
    return NULL;
}

static const struct dialect_event *refine_record(const struct mapping *m,
                                                 const struct dialect_event *event)
{
    if (event != &otherwise)
        return event;
    const struct dialect_event *found = genai_find_event(m);
    return found != NULL ? found : event;
}

static const struct dialect_event *refine_span(const struct mapping *m,
                                               const struct dialect_event *event)
{
    (void)event; /* names of spans are not looked at */
    const struct dialect_event *found = genai_find_event(m);
    bool was_told = found != NULL && lineage_was_told(m->lineage, m->record.trace_id,
                                                      m->record.span_id, found->kind);
    return was_told ? NULL : found;
}

static const char *const key_prefixes[] = {"gen_ai.", "mcp.", NULL};

static const char note[] =
    "Older names count where the newer is absent: `gen_ai.system`, "
    "`gen_ai.usage.prompt_tokens` and `.completion_tokens`, `rpc.jsonrpc.request_id` and "
    "`.error_code`. session.id is gen_ai.conversation.id if the sender gives none. `error.type`, "
    "or a span's status, makes a failure; what ended without is a success.";

const struct dialect dialect_genai = {
    .name = "genai_semconv",
    .key_prefixes = key_prefixes,
    .sources = genai_sources,
    .source_count = GENAI_COPILOT_PERMISSION_RESULT,
    .rules = genai_rules,
    .rule_count = COUNT_OF(genai_rules),
    .events = events,
    .event_count = COUNT_OF(events),
    .otherwise = &otherwise,
    .refine = refine_record,
    .refined = genai_refined,
    .refined_count = COUNT_OF(genai_refined),
    .finish = genai_finish_common,
    .note = note,
};

const struct dialect span_dialect_genai = {
    .name = "genai_semconv",
    .sources = genai_sources,
    .source_count = GENAI_COPILOT_PERMISSION_RESULT,
    .rules = genai_rules,
    .rule_count = COUNT_OF(genai_rules),
    .refine = refine_span,
    .refined = genai_refined,
    .refined_count = COUNT_OF(genai_refined),
    .finish = genai_finish_common,
    .note = note,
};
