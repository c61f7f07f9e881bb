/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_hooks.c -- the tables of what agents give to their hooks (Codex, Claude Code, Gemini CLI,
 * Cursor, opencode's plugins) and of Codex's `notify`, from the documentation of each; what they
 * cannot say is in hook_events.c and hook_tool.c. */
#include "normalize/hook_events.h"

#define RULES(table) (table), COUNT_OF(table)

/* --- Words ------------------------------------------------------------------------------- */

/* dontAsk refuses what is not allowed already: no bypass. */
static const struct word_map permission_modes[] = {
    {"default", "ask"},
    {"acceptEdits", "auto_edit"},
    {"plan", "plan"},
    {"auto", "auto_review"},
    {"dontAsk", "never_ask"},
    {"bypassPermissions", "bypass"},
    {NULL, NULL},
};

/* --- Rules ------------------------------------------------------------------------------- */

static const struct rule codex_rules[] = {
    {HOOK_SESSION_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_TURN_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
    {HOOK_PERMISSION_MODE, RULE_WORD, KEY_AGENT_PERMISSION_MODE, permission_modes},
    {HOOK_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {HOOK_AGENT_ID, RULE_TEXT, KEY_GEN_AI_AGENT_ID, NULL},
    {HOOK_AGENT_TYPE, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
};

static const struct rule claude_rules[] = {
    {HOOK_SESSION_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_PROMPT_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
    {HOOK_PERMISSION_MODE, RULE_WORD, KEY_AGENT_PERMISSION_MODE, permission_modes},
    {HOOK_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {HOOK_AGENT_ID, RULE_TEXT, KEY_GEN_AI_AGENT_ID, NULL},
    {HOOK_AGENT_TYPE, RULE_TEXT, KEY_GEN_AI_AGENT_NAME, NULL},
};

static const struct rule gemini_rules[] = {
    {HOOK_SESSION_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
};

static const struct rule cursor_rules[] = {
    {HOOK_CONVERSATION_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_CONVERSATION_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {HOOK_GENERATION_ID, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
    {HOOK_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
    {HOOK_CURSOR_VERSION, RULE_TEXT, KEY_AGENT_PRODUCT_VERSION, NULL},
    {HOOK_USER_EMAIL, RULE_TEXT, KEY_USER_EMAIL, NULL},
};

static const struct rule opencode_rules[] = {
    {HOOK_SESSION_ID_CAMEL, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_CALL_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
};

static const struct rule notify_rules[] = {
    {HOOK_THREAD_ID, RULE_TEXT, KEY_SESSION_ID, NULL},
    {HOOK_THREAD_ID, RULE_TEXT, KEY_GEN_AI_CONVERSATION_ID, NULL},
    {HOOK_TURN_ID_DASH, RULE_TEXT, KEY_AGENT_TURN_ID, NULL},
    {HOOK_CWD, RULE_TEXT, KEY_PROCESS_WORKING_DIRECTORY, NULL},
};

static const struct rule tool_rules[] = {
    {HOOK_TOOL_USE_ID, RULE_TEXT, KEY_GEN_AI_TOOL_CALL_ID, NULL},
    {HOOK_DURATION_MS, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
    {HOOK_DURATION, RULE_DOUBLE, KEY_AGENT_DURATION_MS, NULL},
};

static const struct rule elicitation_rules[] = {
    {HOOK_MCP_SERVER_NAME, RULE_TEXT, KEY_AGENT_MCP_SERVER_NAME, NULL},
};

static const struct rule expansion_rules[] = {
    {HOOK_COMMAND_NAME, RULE_TEXT, KEY_AGENT_COMMAND_NAME, NULL},
};

static const struct rule stop_rules[] = {
    {HOOK_LOOP_COUNT, RULE_INT, KEY_AGENT_TURN_COUNT, NULL},
};

static const struct rule model_rules[] = {
    {HOOK_LLM_MODEL, RULE_TEXT, KEY_GEN_AI_REQUEST_MODEL, NULL},
};

/* --- Events ------------------------------------------------------------------------------ */

static const struct dialect_event otherwise = {
    "", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_NONE, NULL, 0, NULL, NULL,
};

static const struct dialect_event codex_events[] = {
    {"hook:SessionStart", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`source` tells agent.session.reason."},
    {"hook:SessionEnd", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`reason` tells agent.session.reason."},
    {"hook:UserPromptSubmit", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_prompt, "agent.prompt.length counts the characters of `prompt`."},
    {"hook:PreToolUse", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_start, "Category, origin and facets by the tool; see below."},
    {"hook:PermissionRequest", KIND_APPROVAL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_ask, "agent.decision.outcome is ask."},
    {"hook:PostToolUse", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_end,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:SubagentStart", KIND_SUBAGENT, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:SubagentStop", KIND_SUBAGENT, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:PreCompact", KIND_CONTEXT, PHASE_POINT, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
    {"hook:PostCompact", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
    {"hook:Stop", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, hook_finish_turn,
     NULL},
    {"hook:Interrupt", KIND_TURN, PHASE_END, OUTCOME_CANCELLED, CLASS_EXACT, NULL, 0, NULL, NULL},
};

static const struct dialect_event claude_events[] = {
    {"hook:SessionStart", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`source` tells agent.session.reason."},
    {"hook:SessionEnd", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`reason` tells agent.session.reason."},
    {"hook:UserPromptSubmit", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_prompt, "agent.prompt.length counts the characters of `prompt`."},
    {"hook:PreToolUse", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_start, "Category, origin and facets by the tool; see below."},
    {"hook:PermissionRequest", KIND_APPROVAL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_ask, "agent.decision.outcome is ask."},
    {"hook:PostToolUse", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_success,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:SubagentStart", KIND_SUBAGENT, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:SubagentStop", KIND_SUBAGENT, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:PreCompact", KIND_CONTEXT, PHASE_POINT, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
    {"hook:PostCompact", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
    {"hook:Stop", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, hook_finish_turn,
     NULL},
    {"hook:PostToolUseFailure", KIND_TOOL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_failure,
     "Cancelled if `is_interrupt`, denied if `failure_type` is permission_denied, timeout if it is "
     "timeout."},
    {"hook:PostToolBatch", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_HEURISTIC, NULL, 0, NULL,
     "A batch; its calls are in log.record.original."},
    {"hook:PermissionDenied", KIND_APPROVAL, PHASE_END, OUTCOME_DENIED, CLASS_EXACT, NULL, 0,
     hook_finish_denied, "Denied by the automatic mode; `reason` is agent.decision.reason."},
    {"hook:Notification", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     hook_finish_notification,
     "An agent.approval that begins if `notification_type` is permission_prompt."},
    {"hook:StopFailure", KIND_TURN, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT, NULL, 0,
     hook_finish_turn_failure, "`error` is error.type."},
    {"hook:UserPromptExpansion", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT,
     RULES(expansion_rules), hook_finish_prompt, NULL},
    {"hook:MessageDisplay", KIND_RESPONSE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_response, "agent.other unless `final`."},
    {"hook:InstructionsLoaded", KIND_CONTEXT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_instructions, NULL},
    {"hook:ConfigChange", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_config, "`source` tells agent.config.scope; a managed policy is severity 13."},
    {"hook:CwdChanged", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_place, NULL},
    {"hook:DirectoryAdded", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_place, NULL},
    {"hook:WorktreeCreate", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_place, NULL},
    {"hook:WorktreeRemove", KIND_CONFIG, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_place, NULL},
    {"hook:FileChanged", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_file, "`event` tells the operation."},
    {"hook:Elicitation", KIND_MCP, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(elicitation_rules), hook_finish_elicitation, NULL},
    {"hook:ElicitationResult", KIND_MCP, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(elicitation_rules), hook_finish_elicitation, "`action` tells the outcome."},
};

static const struct dialect_event gemini_events[] = {
    {"hook:SessionStart", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`source` tells agent.session.reason."},
    {"hook:SessionEnd", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`reason` tells agent.session.reason."},
    {"hook:BeforeAgent", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_prompt, "agent.prompt.length counts the characters of `prompt`."},
    {"hook:AfterAgent", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_turn, NULL},
    {"hook:BeforeModel", KIND_MODEL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(model_rules),
     hook_finish_model, NULL},
    {"hook:AfterModel", KIND_MODEL, PHASE_END, OUTCOME_SUCCESS, CLASS_HEURISTIC, RULES(model_rules),
     hook_finish_model, "Comes for each piece of a streamed answer."},
    {"hook:BeforeTool", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_start, "Category, origin and facets by the tool; see below."},
    {"hook:AfterTool", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_end,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:PreCompress", KIND_CONTEXT, PHASE_POINT, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
    {"hook:Notification", KIND_OTHER, PHASE_POINT, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     hook_finish_notification,
     "An agent.approval that begins if `notification_type` is ToolPermission."},
};

static const struct dialect_event cursor_events[] = {
    {"hook:sessionStart", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, NULL},
    {"hook:sessionEnd", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_session, "`reason` tells agent.session.reason."},
    {"hook:beforeSubmitPrompt", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_prompt, "agent.prompt.length counts the characters of `prompt`."},
    {"hook:preToolUse", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_start, "Category, origin and facets by the tool; see below."},
    {"hook:beforeShellExecution", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_start,
     "Category, origin and facets by the tool; see below."},
    {"hook:beforeMCPExecution", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_start,
     "Category, origin and facets by the tool; see below."},
    {"hook:beforeReadFile", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_start, "Category, origin and facets by the tool; see below."},
    {"hook:beforeTabFileRead", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_start,
     "Category, origin and facets by the tool; see below."},
    {"hook:postToolUse", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, RULES(tool_rules),
     hook_finish_tool_success,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:afterShellExecution", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_end,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:afterMCPExecution", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_end,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:postToolUseFailure", KIND_TOOL, PHASE_END, OUTCOME_FAILURE, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_failure,
     "Cancelled if `is_interrupt`, denied if `failure_type` is permission_denied, timeout if it is "
     "timeout."},
    {"hook:afterFileEdit", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_file, NULL},
    {"hook:afterTabFileEdit", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_file, NULL},
    {"hook:afterAgentResponse", KIND_RESPONSE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_response, NULL},
    {"hook:stop", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, RULES(stop_rules),
     hook_finish_turn, "`status` tells the outcome."},
    {"hook:subagentStart", KIND_SUBAGENT, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:subagentStop", KIND_SUBAGENT, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_subagent, NULL},
    {"hook:preCompact", KIND_CONTEXT, PHASE_POINT, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_compact, NULL},
};

static const struct dialect_event opencode_events[] = {
    {"hook:session.created", KIND_SESSION, PHASE_START, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, NULL,
     NULL},
    {"hook:session.deleted", KIND_SESSION, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, NULL,
     NULL},
    {"hook:chat.message", KIND_PROMPT, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_prompt, NULL},
    {"hook:tool.execute.before", KIND_TOOL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_start,
     "Category, origin and facets by the tool; see below."},
    {"hook:tool.execute.after", KIND_TOOL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT,
     RULES(tool_rules), hook_finish_tool_end,
     "The outcome by the exit status, `tool_response.error` or `interrupted`; see below."},
    {"hook:permission.asked", KIND_APPROVAL, PHASE_START, OUTCOME_PENDING, CLASS_EXACT, NULL, 0,
     hook_finish_ask, "agent.decision.outcome is ask."},
    {"hook:permission.replied", KIND_APPROVAL, PHASE_END, OUTCOME_UNKNOWN, CLASS_EXACT, NULL, 0,
     hook_finish_reply,
     "`reply` once, always or reject tells the decision and its scope; a person decided."},
    {"hook:session.diff", KIND_FILE, PHASE_POINT, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_file, NULL},
    {"hook:session.idle", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0, NULL, NULL},
};

static const struct dialect_event notify_events[] = {
    {"hook:agent-turn-complete", KIND_TURN, PHASE_END, OUTCOME_SUCCESS, CLASS_EXACT, NULL, 0,
     hook_finish_turn, NULL},
};

/* --- Dialects ----------------------------------------------------------------------------- */

static const char chapter[] =
    "### Tool calls in hooks\n"
    "\n"
    "For all hook dialects.\n"
    "\n"
    "- The category is that of the tool's name, or of Cursor's event; `mcp__SERVER__TOOL`, "
    "`MCP:TOOL` "
    "and a hook with `mcp_context.server_name` are `mcp`.\n"
    "- Facets: `tool_input.command`, or `command`; `file_path`, `notebook_path` or `path` of a "
    "file, or the headers of a patch (a tool that writes a whole file is `create`); `url` of a "
    "web page; server and tool of an MCP call.\n"
    "- Arguments and result are written as gen_ai.tool.call.* if they have at most 16 KiB; whole "
    "they are in log.record.original.\n"
    "- An exit status decides the outcome. Where there is none, a shell command that was not said "
    "to have failed is `unknown`, but for agents that tell failures by another event (Claude "
    "Code, Cursor's postToolUse).\n"
    "\n";

const struct dialect dialect_codex_hook = {
    .name = "codex_hook",
    .product = "codex",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = codex_rules,
    .rule_count = COUNT_OF(codex_rules),
    .events = codex_events,
    .event_count = COUNT_OF(codex_events),
    .otherwise = &otherwise,
    .finish = hook_finish_main_or_subagent,
    .note = "agent.role is subagent if there is an `agent_id`, else main. session.id is that of "
            "the parent, also for sub-agents. Hooks do not see hosted tools, nor what is typed "
            "into a command that runs (write_stdin), and PostToolUse does not come for a call that "
            "was denied.",
    .chapter = NULL,
};

const struct dialect dialect_claude_code_hook = {
    .name = "claude_code_hook",
    .product = "claude_code",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = claude_rules,
    .rule_count = COUNT_OF(claude_rules),
    .events = claude_events,
    .event_count = COUNT_OF(claude_events),
    .otherwise = &otherwise,
    .finish = hook_finish_main_or_subagent,
    .note = "agent.role is subagent if there is an `agent_id`, else main.",
    .chapter = chapter,
};

const struct dialect dialect_gemini_hook = {
    .name = "gemini_hook",
    .product = "gemini_cli",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = gemini_rules,
    .rule_count = COUNT_OF(gemini_rules),
    .events = gemini_events,
    .event_count = COUNT_OF(gemini_events),
    .otherwise = &otherwise,
    .finish = hook_finish_common,
    .note = "Hooks name no tool call: calls are told apart by their time. `timestamp` is the time "
            "of the record.",
    .chapter = NULL,
};

const struct dialect dialect_cursor_hook = {
    .name = "cursor_hook",
    .product = "cursor",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = cursor_rules,
    .rule_count = COUNT_OF(cursor_rules),
    .events = cursor_events,
    .event_count = COUNT_OF(cursor_events),
    .otherwise = &otherwise,
    .finish = hook_finish_common,
    .note = "As third parties have recorded them of version 3.9.16.",
    .chapter = NULL,
};

const struct dialect dialect_opencode_plugin = {
    .name = "opencode_plugin",
    .product = "opencode",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = opencode_rules,
    .rule_count = COUNT_OF(opencode_rules),
    .events = opencode_events,
    .event_count = COUNT_OF(opencode_events),
    .otherwise = &otherwise,
    .finish = hook_finish_common,
    .note = "What a plugin sees, passed on with the name as `hook_event_name`; not verified with "
            "the program.",
    .chapter = NULL,
};

const struct dialect dialect_codex_notify = {
    .name = "codex_notify",
    .product = "codex",
    .sources = hook_sources,
    .source_count = HOOK_SOURCE_COUNT,
    .rules = notify_rules,
    .rule_count = COUNT_OF(notify_rules),
    .events = notify_events,
    .event_count = COUNT_OF(notify_events),
    .otherwise = &otherwise,
    .finish = hook_finish_common,
    .note = "The argument of Codex's `notify`.",
    .chapter = NULL,
};
