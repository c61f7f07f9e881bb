/* SPDX-License-Identifier: Apache-2.0 */
/* claude_events.c -- what Claude Code's records mean beyond the tables of dialect_claude.c. */
#include "normalize/claude_events.h"

#include <stdio.h>

#include "normalize/coerce.h"
#include "normalize/decision.h"

#define PREFIX SLICE("claude_code.")

/* --- Every event -------------------------------------------------------------------------- */

struct slice claude_full_name(struct mapping *m, struct slice name)
{
    if (name.size == 0 || slice_starts_with(name, PREFIX) ||
        PREFIX.size + name.size > buf_room(&m->scratch))
        return name;
    uint8_t *start = m->scratch.data + m->scratch.size;
    buf_append_reserved(&m->scratch, PREFIX.data, PREFIX.size);
    buf_append_reserved(&m->scratch, name.data, name.size);
    return slice_of(start, PREFIX.size + name.size);
}

bool claude_source_bool(const struct mapping *m, uint8_t source, bool *ret)
{
    const struct any_view *value = mapping_source(m, source);
    return value != NULL && coerce_bool(value, ret);
}

static bool is_true(const struct mapping *m, uint8_t source)
{
    bool truth = false;
    return claude_source_bool(m, source, &truth) && truth;
}

static bool is_false(const struct mapping *m, uint8_t source)
{
    bool truth = true;
    return claude_source_bool(m, source, &truth) && !truth;
}

static bool is_over_zero(const struct mapping *m, uint8_t source)
{
    const struct any_view *value = mapping_source(m, source);
    int64_t number = 0;
    return value != NULL && coerce_int(value, &number) && number > 0;
}

void claude_finish_common(struct mapping *m)
{
    if (!text_is_sentinel(mapping_source_text(m, CLAUDE_USER_ID))) {
        bool is_person = mapping_source_text(m, CLAUDE_IDENTITY_SOURCE).size > 0;
        mapping_put_text(m, KEY_AGENT_USER_ID_KIND,
                         is_person ? SLICE("idp") : SLICE("installation"));
    }
    if (!text_is_sentinel(mapping_source_text(m, CLAUDE_AGENT_NAME)))
        m->role = ROLE_SUBAGENT;
    else if (slice_equal(mapping_source_text(m, CLAUDE_QUERY_SOURCE), SLICE("repl_main_thread")))
        m->role = ROLE_MAIN;
}

/* --- Prompts and responses ------------------------------------------------------------------ */

static void put_content_state(struct mapping *m, struct slice text)
{
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE,
                     text_is_redacted(text) ? CONTENT_REDACTED_BY_SOURCE
                     : text.size == 0       ? CONTENT_ABSENT
                                            : CONTENT_PRESENT);
}

void claude_finish_prompt(struct mapping *m)
{
    bool is_command = !text_is_sentinel(mapping_source_text(m, CLAUDE_COMMAND_NAME));
    mapping_put_text(m, KEY_AGENT_PROMPT_SOURCE, is_command ? SLICE("command") : SLICE("user"));
    put_content_state(m, mapping_source_text(m, CLAUDE_PROMPT));
}

void claude_finish_response(struct mapping *m)
{
    put_content_state(m, mapping_source_text(m, CLAUDE_RESPONSE));
}

void claude_finish_mention(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_PROMPT_SOURCE, SLICE("mention"));
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, CONTENT_ABSENT);
    if (is_false(m, CLAUDE_SUCCESS))
        m->outcome = OUTCOME_FAILURE;
}

/* --- Requests to the model ------------------------------------------------------------------ */

static void put_request(struct mapping *m)
{
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
    mapping_put_text(m, KEY_GEN_AI_PROVIDER_NAME, SLICE("anthropic"));
}

/* Adds a count that may be absent; false: it is there and none, or the sum is too large. */
static bool add_tokens(const struct mapping *m, uint8_t source, int64_t *sum)
{
    const struct any_view *value = mapping_source(m, source);
    int64_t count = 0;
    return value == NULL ||
           (coerce_int(value, &count) && count >= 0 && !__builtin_add_overflow(*sum, count, sum));
}

static void put_cost(struct mapping *m)
{
    const struct any_view *usd = mapping_source(m, CLAUDE_COST_USD);
    const struct any_view *micros = mapping_source(m, CLAUDE_COST_USD_MICROS);
    double cost = 0;
    if (usd != NULL && coerce_double(usd, &cost))
        mapping_put_double(m, KEY_AGENT_COST_USD, cost);
    else if (usd == NULL && micros != NULL && coerce_double(micros, &cost))
        mapping_put_double(m, KEY_AGENT_COST_USD, cost / 1e6);
    else if (usd != NULL || micros != NULL)
        mapping_error(m, usd != NULL ? SLICE("cost_usd") : SLICE("cost_usd_micros"));
    else
        return;
    mapping_put_bool(m, KEY_AGENT_COST_ESTIMATED, true);
}

void claude_finish_request(struct mapping *m)
{
    int64_t sum = 0;
    put_request(m);
    if (mapping_source(m, CLAUDE_INPUT_TOKENS) != NULL) {
        if (add_tokens(m, CLAUDE_INPUT_TOKENS, &sum) &&
            add_tokens(m, CLAUDE_CACHE_READ_TOKENS, &sum) &&
            add_tokens(m, CLAUDE_CACHE_CREATION_TOKENS, &sum))
            mapping_put_int(m, KEY_GEN_AI_USAGE_INPUT_TOKENS, sum);
        else
            mapping_error(m, SLICE("input_tokens"));
    }
    put_cost(m);
}

void claude_finish_error(struct mapping *m)
{
    const struct any_view *value = mapping_source(m, CLAUDE_STATUS_CODE);
    int64_t status = 0;
    char code[24];
    put_request(m);
    if (value != NULL && coerce_int(value, &status)) {
        (void)snprintf(code, sizeof(code), "%lld", (long long)status); /* fits any */
        mapping_put_text(m, KEY_ERROR_TYPE, slice_of_text(code));
    } else {
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
    }
}

void claude_finish_refusal(struct mapping *m)
{
    put_request(m);
    mapping_put_bool(m, KEY_AGENT_MODEL_REFUSED, true);
    mapping_put_text(m, KEY_ERROR_TYPE, SLICE("refusal"));
    m->severity = is_true(m, CLAUDE_SERVER_FALLBACK_HOP) ? 9 : 13;
}

void claude_finish_body(struct mapping *m)
{
    struct slice body = mapping_source_text(m, CLAUDE_BODY);
    put_request(m);
    if (body.size > 0 && is_true(m, CLAUDE_BODY_TRUNCATED))
        mapping_put_word(m, KEY_AGENT_CONTENT_STATE, CONTENT_TRUNCATED);
    else
        put_content_state(m, body);
}

/* --- Decisions -------------------------------------------------------------------------------- */

static void put_source(struct mapping *m, struct slice word)
{
    static const struct {
        const char *word;
        enum decision_source source;
        const char *scope;
    } deciders[] = {
        {"config", BY_CONFIG, "unknown"},         {"hook", BY_HOOK, "once"},
        {"user_permanent", BY_USER, "permanent"}, {"user_temporary", BY_USER, "temporary"},
        {"user_reject", BY_USER, "once"},         {"user_abort", BY_USER, "once"},
    };
    enum decision_source source = BY_UNKNOWN;
    const char *scope = "unknown";
    for (size_t i = 0; i < COUNT_OF(deciders); i++) {
        if (text_equal_nocase(word, deciders[i].word)) {
            source = deciders[i].source;
            scope = deciders[i].scope;
        }
    }
    if (source == BY_CONFIG) /* a person may have said so earlier: nothing about automation */
        mapping_put_word(m, KEY_AGENT_DECISION_SOURCE, source);
    else
        decision_put_source(m, source);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, slice_of_text(scope));
}

void claude_finish_decision(struct mapping *m)
{
    struct slice word = mapping_source_text(m, CLAUDE_DECISION);
    struct slice by = mapping_source_text(m, CLAUDE_SOURCE);
    bool rejects = text_equal_nocase(word, "reject");
    enum decision_outcome decision = text_equal_nocase(word, "accept")     ? DECISION_ALLOW
                                     : !rejects                            ? DECISION_UNKNOWN
                                     : text_equal_nocase(by, "user_abort") ? DECISION_ABORT
                                                                           : DECISION_DENY;
    decision_put(m, decision);
    put_source(m, by);
    if (rejects)
        mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, false);
    claude_put_tool(m);
}

void claude_finish_tool_result(struct mapping *m)
{
    struct slice by = mapping_source_text(m, CLAUDE_DECISION_SOURCE);
    struct slice error_type = mapping_source_text(m, CLAUDE_ERROR_TYPE);
    bool success = false;
    if (claude_source_bool(m, CLAUDE_SUCCESS, &success)) {
        m->outcome = success ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
        if (!success)
            mapping_put_text(m, KEY_ERROR_TYPE,
                             text_is_sentinel(error_type) ? SLICE("_OTHER") : error_type);
    }
    mapping_put_bool(m, KEY_AGENT_TOOL_EXECUTED, true);
    if (by.size > 0) { /* a call that was refused has no result */
        decision_put_verdict(m, DECISION_ALLOW);
        mapping_put_text(m, KEY_AGENT_DECISION_EFFECT, SLICE("allowed"));
        put_source(m, by);
    }
    claude_put_tool(m);
}

/* --- Hooks, context, servers ------------------------------------------------------------------ */

void claude_finish_hook(struct mapping *m)
{
    m->outcome = is_over_zero(m, CLAUDE_NUM_BLOCKING)             ? OUTCOME_DENIED
                 : is_over_zero(m, CLAUDE_NUM_NON_BLOCKING_ERROR) ? OUTCOME_FAILURE
                 : is_over_zero(m, CLAUDE_NUM_CANCELLED)          ? OUTCOME_CANCELLED
                                                                  : OUTCOME_SUCCESS;
}

void claude_finish_compaction(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONTEXT_ACTION, SLICE("compact"));
    if (is_false(m, CLAUDE_SUCCESS))
        m->outcome = OUTCOME_FAILURE;
}

void claude_finish_auth(struct mapping *m)
{
    bool success = false;
    if (claude_source_bool(m, CLAUDE_SUCCESS, &success))
        m->outcome = success ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
}

void claude_finish_connection(struct mapping *m)
{
    const struct rule rule = {CLAUDE_SERVER_SCOPE, RULE_KNOWN_WORD, KEY_AGENT_MCP_SERVER_SCOPE,
                              claude_mcp_scopes};
    struct slice status = mapping_source_text(m, CLAUDE_STATUS);
    struct slice code = mapping_source_text(m, CLAUDE_ERROR_CODE);
    if (is_true(m, CLAUDE_IS_PLUGIN))
        mapping_put_text(m, KEY_AGENT_MCP_SERVER_SCOPE, SLICE("plugin"));
    else
        dialect_apply_rules(m, &rule, 1);
    if (text_equal_nocase(status, "connected")) {
        m->outcome = OUTCOME_SUCCESS;
    } else if (text_equal_nocase(status, "failed")) {
        m->outcome = OUTCOME_FAILURE;
        mapping_put_text(m, KEY_ERROR_TYPE, text_is_sentinel(code) ? SLICE("_OTHER") : code);
    }
}

void claude_finish_sweep(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_CONFIG_SCOPE, SLICE("session"));
    if (is_over_zero(m, CLAUDE_ERROR_COUNT))
        m->outcome = OUTCOME_FAILURE;
    else if (text_equal_nocase(mapping_source_text(m, CLAUDE_RESULT), "skipped"))
        m->outcome = OUTCOME_UNKNOWN;
}

/* --- Extensions ------------------------------------------------------------------------------- */

static void put_extension(struct mapping *m, const char *type, const char *action)
{
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, slice_of_text(type));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, slice_of_text(action));
}

void claude_finish_plugin_installed(struct mapping *m)
{
    put_extension(m, "plugin", "install");
}

void claude_finish_plugin_loaded(struct mapping *m)
{
    put_extension(m, "plugin", "load");
}

void claude_finish_skill(struct mapping *m)
{
    put_extension(m, "skill", "invoke");
}

void claude_finish_hook_registered(struct mapping *m)
{
    put_extension(m, "hook", "load");
}
