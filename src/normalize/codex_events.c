/* SPDX-License-Identifier: Apache-2.0 */
/* codex_events.c -- what Codex's records mean beyond the tables of dialect_codex.c.
 *
 * Two things of its records shape this:
 *
 *   - A thread (conversation.id) does not say whose child it is.  A sub-agent begins within the
 *     trace of its parent's turn; the parent's spawn_agent result names it afterwards.  An
 *     automatic reviewer works in a trace of its own, in which the assessment is then written
 *     under the name of the reviewed thread.
 *   - A decision and the result of the same call share the call id; the result of a refused call
 *     looks like that of a failed one.
 */
#include "normalize/codex_events.h"

#include <stdio.h>

#include "normalize/coerce.h"
#include "normalize/decision.h"

const struct word_map codex_providers[] = {
    {"openai", "openai"},
    {"azure", "azure.ai.openai"},
    {"azure openai", "azure.ai.openai"},
    {"amazon bedrock", "aws.bedrock"},
    {"anthropic", "anthropic"},
    {"mistral", "mistral_ai"},
    {"deepseek", "deepseek"},
    {"groq", "groq"},
    {"xai", "x_ai"},
    {NULL, NULL},
};

const struct word_map codex_mechanisms[] = {
    {"http", "http"},
    {"https_connect", "https_connect"},
    {"socks5_tcp", "socks5_tcp"},
    {"socks5_udp", "socks5_udp"},
    {NULL, NULL},
};

/* --- Threads of the agent ------------------------------------------------------------------ */

static void guess_role_at_start(struct mapping *m, struct lineage_thread *thread)
{
    struct slice owner = lineage_trace_owner(m->lineage, m->record.trace_id);
    bool terse = slice_equal(mapping_source_text(m, CODEX_REASONING_SUMMARY), SLICE("none"));
    if (!terse || thread->role != ROLE_UNKNOWN)
        return;
    if (owner.size > 0) {
        thread->role = ROLE_SUBAGENT;
        thread->is_guess = true;
        lineage_set_parent(m->lineage, thread, owner);
    } else if (slice_equal(mapping_source_text(m, CODEX_APPROVAL_POLICY), SLICE("never")) &&
               slice_equal(mapping_source_text(m, CODEX_SANDBOX_POLICY), SLICE("read-only")) &&
               mapping_source_text(m, CODEX_MCP_SERVERS).size == 0) {
        thread->role = ROLE_REVIEWER;
        thread->is_guess = true;
    }
}

/* What the record says about the roles of threads, its own and others. */
static void learn_roles(struct mapping *m, struct lineage_thread *thread)
{
    struct slice parent = mapping_source_text(m, CODEX_PARENT_CONVERSATION_ID);
    struct slice name = mapping_source_text(m, CODEX_AGENT_NAME);
    struct slice type = mapping_source_text(m, CODEX_AGENT_TYPE);
    if (parent.size > 0)
        lineage_set_parent(m->lineage, thread, parent);
    if (m->kind == KIND_SESSION)
        guess_role_at_start(m, thread);
    else if (m->kind == KIND_PROMPT)
        lineage_note_trace(m->lineage, m->record.trace_id, lineage_id_slice(&thread->id));
    if (text_equal_nocase(type, "subagent") || (name.size > 0 && name.data[0] != '/')) {
        thread->role = ROLE_SUBAGENT;
        thread->is_guess = false;
    } else if (thread->role == ROLE_UNKNOWN &&
               (text_equal_nocase(type, "main") || slice_equal(name, SLICE("/root")))) {
        thread->role = ROLE_MAIN;
    }
}

static void put_thread(struct mapping *m, const struct lineage_thread *thread)
{
    m->role = thread->role;
    if (thread->is_guess && m->classification == CLASS_EXACT)
        m->classification = CLASS_HEURISTIC;
    const struct lineage_id *session = thread->root.size > 0 ? &thread->root : &thread->id;
    mapping_put_text(m, KEY_SESSION_ID, lineage_id_slice(session));
    if (thread->parent.size > 0 && mapping_source(m, CODEX_PARENT_CONVERSATION_ID) == NULL)
        mapping_put_text(m, KEY_AGENT_PARENT_CONVERSATION_ID, lineage_id_slice(&thread->parent));
    if (m->kind == KIND_MODEL && thread->provider_size > 0)
        mapping_put_text(m, KEY_GEN_AI_PROVIDER_NAME,
                         slice_of(thread->provider, thread->provider_size));
}

void codex_finish_common(struct mapping *m)
{
    struct slice id = mapping_source_text(m, CODEX_CONVERSATION_ID);
    struct slice account = mapping_source_text(m, CODEX_USER_ACCOUNT_ID);
    if (account.size > 0 && !text_is_sentinel(account))
        mapping_put_text(m, KEY_AGENT_USER_ID_KIND, SLICE("vendor_account"));
    struct lineage_thread *thread = text_is_sentinel(id) ? NULL : lineage_open(m->lineage, id);
    if (thread != NULL) {
        learn_roles(m, thread);
        put_thread(m, thread);
    } else if (id.size > 0 && !text_is_sentinel(id)) {
        mapping_put_text(m, KEY_SESSION_ID, id);
    }
}

/* --- Events ------------------------------------------------------------------------------------
 */

void codex_finish_session(struct mapping *m)
{
    struct slice provider = mapping_source_text(m, CODEX_PROVIDER_NAME);
    struct lineage_thread *thread =
        lineage_open(m->lineage, mapping_source_text(m, CODEX_CONVERSATION_ID));
    if (thread == NULL || text_is_sentinel(provider))
        return;
    for (const struct word_map *word = codex_providers; word->from != NULL; word++) {
        if (text_equal_nocase(provider, word->from))
            provider = slice_of_text(word->to);
    }
    lineage_set_provider(thread, provider);
}

static void put_content_state(struct mapping *m, struct slice text, bool truncated)
{
    enum content_state state = text_is_redacted(text) ? CONTENT_REDACTED_BY_SOURCE
                               : text.size == 0       ? CONTENT_ABSENT
                               : truncated            ? CONTENT_TRUNCATED
                                                      : CONTENT_PRESENT;
    mapping_put_word(m, KEY_AGENT_CONTENT_STATE, state);
}

void codex_finish_prompt(struct mapping *m)
{
    put_content_state(m, mapping_source_text(m, CODEX_PROMPT), false);
}

void codex_finish_response(struct mapping *m)
{
    put_content_state(m, mapping_source_text(m, CODEX_RESPONSE),
                      mapping_source_true(m, CODEX_RESPONSE_TRUNCATED));
}

static bool has_error(const struct mapping *m)
{
    return !text_is_sentinel(mapping_source_text(m, CODEX_ERROR_MESSAGE));
}

void codex_finish_request(struct mapping *m)
{
    const struct any_view *status_value = mapping_source(m, CODEX_HTTP_RESPONSE_STATUS_CODE);
    const struct any_view *success_value = mapping_source(m, CODEX_SUCCESS);
    int64_t status = 0;
    bool success = false;
    bool has_status = status_value != NULL && coerce_int(status_value, &status);
    bool has_success = success_value != NULL && coerce_bool(success_value, &success);
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
    if (has_error(m) || (has_status && status >= 400) || (has_success && !success)) {
        char code[24];
        (void)snprintf(code, sizeof(code), "%lld", (long long)status); /* fits any */
        m->outcome = OUTCOME_FAILURE;
        mapping_put_text(m, KEY_ERROR_TYPE, status >= 400 ? slice_of_text(code) : SLICE("_OTHER"));
    } else if (has_success || has_status) {
        m->outcome = OUTCOME_SUCCESS;
    }
}

void codex_finish_completed(struct mapping *m)
{
    mapping_put_text(m, KEY_GEN_AI_OPERATION_NAME, SLICE("chat"));
    if (has_error(m)) {
        m->outcome = OUTCOME_FAILURE;
        mapping_put_text(m, KEY_ERROR_TYPE, SLICE("_OTHER"));
    }
}

void codex_finish_other(struct mapping *m)
{
    if (has_error(m))
        m->outcome = OUTCOME_FAILURE;
}

void codex_finish_cost(struct mapping *m)
{
    if (mapping_source(m, CODEX_USAGE_ESTIMATED_USD) != NULL)
        mapping_put_bool(m, KEY_AGENT_COST_ESTIMATED, true);
    if (mapping_source_true(m, CODEX_TURN_INTERRUPTED))
        m->outcome = OUTCOME_CANCELLED;
}

void codex_finish_decision(struct mapping *m)
{
    static const struct {
        const char *word;
        enum decision_outcome decision;
        const char *scope;
    } decisions[] = {
        {"approved", DECISION_ALLOW, "once"},
        {"approved_for_session", DECISION_ALLOW, "session"},
        {"approved_execpolicy_amendment", DECISION_ALLOW, "rule_added"},
        {"approved_mcp_policy_amendment", DECISION_ALLOW, "rule_added"},
        {"approved_with_amendment", DECISION_ALLOW, "rule_added"},
        {"network_policy_amendment", DECISION_UNKNOWN, "rule_added"},
        {"denied", DECISION_DENY, "once"},
        {"timed_out", DECISION_TIMEOUT, "once"},
        {"abort", DECISION_ABORT, "once"},
    };
    static const struct {
        const char *word;
        enum decision_source source;
    } deciders[] = {
        {"user", BY_USER}, {"config", BY_CONFIG}, {"automatedreviewer", BY_AUTO_REVIEWER}};
    struct slice word = mapping_source_text(m, CODEX_DECISION);
    struct slice by = mapping_source_text(m, CODEX_SOURCE);
    enum decision_outcome decision = DECISION_UNKNOWN;
    enum decision_source source = BY_UNKNOWN;
    const char *scope = "unknown";
    for (size_t i = 0; i < COUNT_OF(decisions); i++) {
        if (text_equal_nocase(word, decisions[i].word)) {
            decision = decisions[i].decision;
            scope = decisions[i].scope;
        }
    }
    for (size_t i = 0; i < COUNT_OF(deciders); i++) {
        if (text_equal_nocase(by, deciders[i].word))
            source = deciders[i].source;
    }
    decision_put(m, decision);
    decision_put_source(m, source);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, slice_of_text(scope));
    codex_put_tool_kind(m);
    if (decision == DECISION_DENY || decision == DECISION_ABORT || decision == DECISION_TIMEOUT)
        lineage_note_denied(m->lineage, mapping_source_text(m, CODEX_CONVERSATION_ID),
                            mapping_source_text(m, CODEX_CALL_ID));
}

/* The assessment stands under the reviewed thread's name and in the reviewer's trace. */
static void learn_reviewer(struct mapping *m)
{
    struct slice reviewed = mapping_source_text(m, CODEX_CONVERSATION_ID);
    struct slice owner = lineage_trace_owner(m->lineage, m->record.trace_id);
    if (owner.size == 0 || slice_equal(owner, reviewed))
        return;
    struct lineage_thread *reviewer = lineage_open(m->lineage, owner);
    if (reviewer != NULL) {
        reviewer->role = ROLE_REVIEWER;
        reviewer->is_guess = true;
        lineage_set_parent(m->lineage, reviewer, reviewed);
    }
}

void codex_finish_review(struct mapping *m)
{
    struct slice verdict = mapping_source_text(m, CODEX_OUTCOME);
    struct slice status = mapping_source_text(m, CODEX_STATUS);
    enum decision_outcome decision = DECISION_UNKNOWN;
    if (text_equal_nocase(verdict, "allow"))
        decision = DECISION_ALLOW;
    else if (text_equal_nocase(verdict, "deny"))
        decision = DECISION_DENY;
    else if (text_equal_nocase(status, "aborted"))
        decision = DECISION_ABORT;
    else if (text_equal_nocase(status, "timed_out"))
        decision = DECISION_TIMEOUT;
    decision_put(m, decision);
    decision_put_source(m, BY_AUTO_REVIEWER);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("once"));
    if (text_equal_nocase(mapping_source_text(m, CODEX_RISK_LEVEL), "critical"))
        m->severity = 21;

    const struct any_view *start = mapping_source(m, CODEX_STARTED_AT_MS);
    const struct any_view *end = mapping_source(m, CODEX_COMPLETED_AT_MS);
    double start_ms = 0, end_ms = 0;
    if (start != NULL && end != NULL && coerce_double(start, &start_ms) &&
        coerce_double(end, &end_ms) && end_ms >= start_ms)
        mapping_put_double(m, KEY_AGENT_DURATION_MS, end_ms - start_ms);
    learn_reviewer(m);
}

void codex_finish_sandbox(struct mapping *m)
{
    struct slice outcome = mapping_source_text(m, CODEX_OUTCOME);
    if (text_equal_nocase(outcome, "denied"))
        m->outcome = OUTCOME_DENIED;
    else if (text_equal_nocase(outcome, "error"))
        m->outcome = OUTCOME_FAILURE;
    else if (text_equal_nocase(outcome, "allowed") || text_equal_nocase(outcome, "escalated"))
        m->outcome = OUTCOME_SUCCESS;
}

/* Splits "127.0.0.1:52640" or "[::1]:52640"; an address without port stays whole. */
static void put_client(struct mapping *m, struct slice client)
{
    if (text_is_sentinel(client))
        return;
    const uint8_t *colon = memrchr(client.data, ':', client.size);
    size_t host_size = colon != NULL ? (size_t)(colon - client.data) : client.size;
    struct slice host = slice_of(client.data, host_size);
    struct any_view port_text = {.type = ANY_TYPE_STRING,
                                 .bytes = slice_from(client, host_size + 1)};
    int64_t port = -1;
    bool bracketed = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    bool splits = colon != NULL && coerce_int(&port_text, &port) && port >= 0 && port <= 65535 &&
                  host.size > 0 && (bracketed || memchr(host.data, ':', host.size) == NULL);
    if (!splits) {
        mapping_put_text(m, KEY_CLIENT_ADDRESS, client);
        return;
    }
    if (bracketed)
        host = slice_of(host.data + 1, host.size - 2);
    mapping_put_text(m, KEY_CLIENT_ADDRESS, host);
    mapping_put_int(m, KEY_CLIENT_PORT, port);
}

static void put_connection(struct mapping *m)
{
    struct slice mechanism = mapping_source_text(m, CODEX_NETWORK_TRANSPORT_PROTOCOL);
    if (slice_equal(mapping_source_text(m, CODEX_SERVER_ADDRESS), SLICE("unix-socket"))) {
        mapping_put_text(m, KEY_AGENT_NETWORK_TARGET_KIND, SLICE("unix_socket"));
        mapping_put_text(m, KEY_AGENT_NETWORK_MECHANISM, SLICE("unix"));
        mapping_put_text(m, KEY_NETWORK_TRANSPORT, SLICE("unix"));
        return;
    }
    if (text_is_sentinel(mechanism))
        return;
    const struct rule rule = {CODEX_NETWORK_TRANSPORT_PROTOCOL, RULE_WORD,
                              KEY_AGENT_NETWORK_MECHANISM, codex_mechanisms};
    dialect_apply_rules(m, &rule, 1);
    bool is_udp = text_equal_nocase(mechanism, "socks5_udp");
    mapping_put_text(m, KEY_NETWORK_TRANSPORT, is_udp ? SLICE("udp") : SLICE("tcp"));
}

void codex_finish_network(struct mapping *m)
{
    static const struct {
        const char *word;
        enum decision_source source;
    } deciders[] = {{"baseline_policy", BY_POLICY},
                    {"mode_guard", BY_CONFIG},
                    {"proxy_state", BY_NETWORK_PROXY}};
    struct slice word = mapping_source_text(m, CODEX_NETWORK_POLICY_DECISION);
    struct slice by = mapping_source_text(m, CODEX_NETWORK_POLICY_SOURCE);
    enum decision_outcome decision = text_equal_nocase(word, "allow")  ? DECISION_ALLOW
                                     : text_equal_nocase(word, "deny") ? DECISION_DENY
                                     : text_equal_nocase(word, "ask")  ? DECISION_ASK
                                                                       : DECISION_UNKNOWN;
    enum decision_source source = BY_UNKNOWN;
    for (size_t i = 0; i < COUNT_OF(deciders); i++) {
        if (text_equal_nocase(by, deciders[i].word))
            source = deciders[i].source;
    }
    decision_put(m, decision);
    decision_put_source(m, source);
    mapping_put_text(m, KEY_AGENT_DECISION_SCOPE, SLICE("unknown"));
    put_connection(m);
    put_client(m, mapping_source_text(m, CODEX_CLIENT_ADDRESS));
}

void codex_finish_auth(struct mapping *m)
{
    struct slice outcome = mapping_source_text(m, CODEX_AUTH_OUTCOME);
    mapping_put_text(m, KEY_AGENT_AUTH_ACTION, SLICE("recovery"));
    if (text_equal_nocase(outcome, "success") || text_equal_nocase(outcome, "succeeded"))
        m->outcome = OUTCOME_SUCCESS;
    else if (text_equal_nocase(outcome, "failure") || text_equal_nocase(outcome, "failed") ||
             !text_is_sentinel(mapping_source_text(m, CODEX_AUTH_ERROR)))
        m->outcome = OUTCOME_FAILURE;
}

void codex_finish_skill(struct mapping *m)
{
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, SLICE("skill"));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION, SLICE("invoke"));
}

void codex_finish_plugin(struct mapping *m)
{
    bool completed = mapping_source_true(m, CODEX_PLUGIN_INSTALL_COMPLETED);
    mapping_put_text(m, KEY_AGENT_EXTENSION_TYPE, SLICE("plugin"));
    mapping_put_text(m, KEY_AGENT_EXTENSION_ACTION,
                     completed ? SLICE("install") : SLICE("suggest"));
}
