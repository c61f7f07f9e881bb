/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h -- the model: kinds of events, attributes, and the words for their values.
 *
 * Tables and nothing else.  The normalizer, the checks on native events and docs/SCHEMA.md
 * (schema_doc.h) all read the same ones.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "normalize/schema_keys.h"

#define SCHEMA_VERSION "1.0"

enum event_kind {
    KIND_SESSION,
    KIND_TURN,
    KIND_PROMPT,
    KIND_RESPONSE,
    KIND_MODEL,
    KIND_TOOL,
    KIND_APPROVAL,
    KIND_REVIEW,
    KIND_COMMAND,
    KIND_FILE,
    KIND_NETWORK,
    KIND_MCP,
    KIND_SANDBOX,
    KIND_MODE,
    KIND_CONFIG,
    KIND_HOOK,
    KIND_SUBAGENT,
    KIND_EXTENSION,
    KIND_CONTEXT,
    KIND_AUTH,
    KIND_RESOURCE,
    KIND_ERROR,
    KIND_PIPELINE,
    KIND_INTEGRITY,
    KIND_OTHER,
    KIND_COUNT
};

enum event_phase {
    PHASE_START,
    PHASE_END,
    PHASE_POINT,
};

enum outcome {
    OUTCOME_SUCCESS,
    OUTCOME_FAILURE,
    OUTCOME_DENIED,
    OUTCOME_CANCELLED,
    OUTCOME_TIMEOUT,
    OUTCOME_PENDING,
    OUTCOME_UNKNOWN,
};

enum classification {
    CLASS_EXACT,
    CLASS_HEURISTIC,
    CLASS_NONE,
};

enum time_source {
    TIME_RECORD,
    TIME_ATTRIBUTE,
    TIME_HOOK,
    TIME_OBSERVED,
    TIME_RECEIPT,
};

enum agent_role {
    ROLE_MAIN,
    ROLE_SUBAGENT,
    ROLE_REVIEWER,
    ROLE_TEAMMATE,
    ROLE_UNKNOWN,
};

enum permission_mode {
    MODE_PLAN,
    MODE_ASK,
    MODE_AUTO_EDIT,
    MODE_AUTO_REVIEW,
    MODE_BYPASS,
    MODE_NEVER_ASK,
    MODE_GRANULAR,
    MODE_UNKNOWN,
};

enum content_state {
    CONTENT_PRESENT,
    CONTENT_REDACTED_BY_SOURCE,
    CONTENT_REDACTED_BY_COLLECTOR,
    CONTENT_TRUNCATED,
    CONTENT_ABSENT,
};

enum tool_category {
    TOOL_SHELL,
    TOOL_FILE_READ,
    TOOL_FILE_WRITE,
    TOOL_FILE_EDIT,
    TOOL_FILE_DELETE,
    TOOL_SEARCH,
    TOOL_WEB_FETCH,
    TOOL_WEB_SEARCH,
    TOOL_MCP,
    TOOL_SUBAGENT,
    TOOL_SKILL,
    TOOL_PLANNING,
    TOOL_ASK_USER,
    TOOL_OTHER,
    TOOL_COUNT
};

enum decision_outcome {
    DECISION_ALLOW,
    DECISION_DENY,
    DECISION_ASK,
    DECISION_MODIFY,
    DECISION_DEFER,
    DECISION_ABORT,
    DECISION_TIMEOUT,
    DECISION_UNKNOWN,
};

enum decision_source {
    BY_USER,
    BY_CONFIG,
    BY_HOOK,
    BY_AUTO_REVIEWER,
    BY_POLICY,
    BY_SANDBOX,
    BY_NETWORK_PROXY,
    BY_HOST_APP,
    BY_UNKNOWN,
};

/* The lists of words, each ending with NULL.  Those with an enum above are in its order. */
extern const char *const words_kind[];
extern const char *const words_phase[];
extern const char *const words_outcome[];
extern const char *const words_classification[];
extern const char *const words_product[];
extern const char *const words_dialect[];
extern const char *const words_transport[];
extern const char *const words_time_source[];
extern const char *const words_role[];
extern const char *const words_user_id_kind[];
extern const char *const words_permission_mode[];
extern const char *const words_sandbox_mode[];
extern const char *const words_content_state[];
extern const char *const words_session_reason[];
extern const char *const words_prompt_source[];
extern const char *const words_tool_category[];
extern const char *const words_tool_origin[];
extern const char *const words_decision_outcome[];
extern const char *const words_decision_effect[];
extern const char *const words_decision_source[];
extern const char *const words_decision_scope[];
extern const char *const words_risk_level[];
extern const char *const words_user_authorization[];
extern const char *const words_file_operation[];
extern const char *const words_path_source[];
extern const char *const words_target_kind[];
extern const char *const words_mechanism[];
extern const char *const words_network_transport[];
extern const char *const words_mcp_scope[];
extern const char *const words_mcp_state[];
extern const char *const words_sandbox_outcome[];
extern const char *const words_config_scope[];
extern const char *const words_extension_type[];
extern const char *const words_extension_action[];
extern const char *const words_context_action[];
extern const char *const words_context_trigger[];
extern const char *const words_auth_action[];
extern const char *const words_resource_scope[];
extern const char *const words_pipeline_reason[];
extern const char *const words_integrity_action[];
extern const char *const words_peer_attestation[];

enum value_type { VALUE_TEXT, VALUE_INT, VALUE_DOUBLE, VALUE_BOOL, VALUE_TEXTS };

enum requirement { SCHEMA_REQUIRED, SCHEMA_CONDITIONAL, SCHEMA_OPTIONAL };

enum { SCHEMA_WORDS_MAX = 32 }; /* in a list */

struct schema_attribute {
    const char *key;
    enum value_type type;
    enum requirement requirement;
    const char *const *words; /* the only values; NULL when any will do */
    const char *meaning;
};

extern const struct schema_attribute schema_attributes[SCHEMA_KEY_COUNT];

enum { KIND_REQUIRED_MAX = 3 };

struct schema_kind {
    const char *name;
    uint8_t phases; /* 1 << PHASE_... each */
    enum event_phase default_phase;
    uint16_t required[KIND_REQUIRED_MAX][2]; /* one of two; the second may be none */
    uint8_t required_count;
    const uint16_t *optional; /* ends with SCHEMA_KEY_COUNT, which stands for no key */
    const char *meaning;
};

extern const struct schema_kind schema_kinds[KIND_COUNT];
