/* SPDX-License-Identifier: Apache-2.0 */
/* schema_words.c -- the closed lists of values.  Where schema.h has an enum for a list, the two
 * are in the same order. */
#include "normalize/schema.h"

const char *const words_kind[] = {"agent.session",  "agent.turn",
                                  "agent.prompt",   "agent.response",
                                  "agent.model",    "agent.tool",
                                  "agent.approval", "agent.review",
                                  "agent.command",  "agent.file",
                                  "agent.network",  "agent.mcp",
                                  "agent.sandbox",  "agent.mode",
                                  "agent.config",   "agent.hook",
                                  "agent.subagent", "agent.extension",
                                  "agent.context",  "agent.auth",
                                  "agent.resource", "agent.error",
                                  "agent.pipeline", "agent.integrity",
                                  "agent.other",    NULL};
const char *const words_phase[] = {"start", "end", "point", NULL};
const char *const words_outcome[] = {"success", "failure", "denied",  "cancelled",
                                     "timeout", "pending", "unknown", NULL};
const char *const words_classification[] = {"exact", "heuristic", "none", NULL};
const char *const words_product[] = {"codex",    "claude_code",  "gemini_cli",  "qwen_code",
                                     "opencode", "copilot_chat", "copilot_cli", "cursor",
                                     "other",    "unknown",      NULL};
const char *const words_dialect[] = {"codex_otel",
                                     "claude_code_otel",
                                     "gemini_cli_otel",
                                     "qwen_code_otel",
                                     "copilot_otel",
                                     "cursor_otel",
                                     "opencode_otel",
                                     "genai_semconv",
                                     "codex_hook",
                                     "codex_notify",
                                     "claude_code_hook",
                                     "gemini_hook",
                                     "cursor_hook",
                                     "opencode_plugin",
                                     "native",
                                     "unknown",
                                     NULL};
const char *const words_transport[] = {
    "unix_socket", "otlp_http_protobuf", "otlp_http_json", "otlp_grpc",
    "internal",    "hook_stdin",         "notify_argv",    NULL};
const char *const words_time_source[] = {"record",   "attribute", "hook",
                                         "observed", "receipt",   NULL};
const char *const words_role[] = {"main", "subagent", "reviewer", "teammate", "unknown", NULL};
const char *const words_user_id_kind[] = {"os",           "idp",     "vendor_account",
                                          "installation", "unknown", NULL};
const char *const words_permission_mode[] = {
    "plan", "ask", "auto_edit", "auto_review", "bypass", "never_ask", "granular", "unknown", NULL};
const char *const words_sandbox_mode[] = {
    "read_only", "workspace_write", "full_access", "container", "none", "unknown", NULL};
const char *const words_content_state[] = {
    "present", "redacted_by_source", "redacted_by_collector", "truncated", "absent", NULL};
const char *const words_session_reason[] = {"startup", "resume", "clear", "compact", "fork",
                                            "logout",  "exit",   "other", NULL};
const char *const words_prompt_source[] = {"user", "command", "expansion", "mention", "api", NULL};
const char *const words_tool_category[] = {"shell",       "file_read", "file_write", "file_edit",
                                           "file_delete", "search",    "web_fetch",  "web_search",
                                           "mcp",         "subagent",  "skill",      "planning",
                                           "ask_user",    "other",     NULL};
const char *const words_tool_origin[] = {"builtin", "mcp", "plugin", "hosted", "unknown", NULL};
const char *const words_decision_outcome[] = {"allow", "deny",    "ask",     "modify", "defer",
                                              "abort", "timeout", "unknown", NULL};
const char *const words_decision_effect[] = {"allowed", "blocked", "modified",
                                             "pending", "unknown", NULL};
const char *const words_decision_source[] = {"user",    "config",  "hook",          "auto_reviewer",
                                             "policy",  "sandbox", "network_proxy", "host_app",
                                             "unknown", NULL};
const char *const words_decision_scope[] = {"once",       "session", "temporary", "permanent",
                                            "rule_added", "unknown", NULL};
const char *const words_risk_level[] = {"low", "medium", "high", "critical", "unknown", NULL};
const char *const words_user_authorization[] = {"unknown", "low", "medium", "high", NULL};
const char *const words_file_operation[] = {"create", "read",      "update",  "delete",
                                            "rename", "attribute", "unknown", NULL};
const char *const words_path_source[] = {"argument", "patch", "hook", "monitor",
                                         "vcs",      "none",  NULL};
const char *const words_target_kind[] = {"unix_socket", NULL};
const char *const words_mechanism[] = {"http", "https_connect", "socks5_tcp", "socks5_udp",
                                       "unix", "direct",        "unknown",    NULL};
const char *const words_network_transport[] = {"tcp", "udp", "unix", "quic", "pipe", NULL};
const char *const words_mcp_scope[] = {"user", "project", "local", "plugin", "managed", NULL};
const char *const words_mcp_state[] = {"connected", "failed", "disconnected", NULL};
const char *const words_sandbox_outcome[] = {"allowed", "denied",  "escalated",
                                             "error",   "unknown", NULL};
const char *const words_config_scope[] = {"user", "project", "local", "managed", "session", NULL};
const char *const words_extension_type[] = {"skill", "plugin", "extension", "command",
                                            "agent", "hook",   NULL};
const char *const words_extension_action[] = {
    "install", "uninstall", "update", "enable", "disable", "load", "invoke", "suggest", NULL};
const char *const words_context_action[] = {
    "compact", "truncate", "mask", "rewind", "instructions_loaded", NULL};
const char *const words_context_trigger[] = {"auto", "manual", NULL};
const char *const words_auth_action[] = {"login", "logout", "refresh", "recovery", NULL};
const char *const words_resource_scope[] = {"process", "cgroup", "container", "pod", NULL};
const char *const words_pipeline_reason[] = {"sequence_gap",  "parse_error", "overflow",
                                             "oversize",      "duplicate",   "clock_skew",
                                             "source_silent", "restart",     NULL};
const char *const words_integrity_action[] = {"checkpoint", "heartbeat", "key",    "unproved",
                                              "deletion",   "erasure",   "hold",   "release",
                                              "witness",    "timestamp", "export", NULL};
const char *const words_peer_attestation[] = {"kernel", "uid", "file", "none", NULL};
