/* SPDX-License-Identifier: Apache-2.0 */
/* opencode.h -- what the tables of opencode's log records and of its spans have in common.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

/* Puts agent.tool.category and agent.tool.origin of a tool, or of the permission that it asks for,
 * which has the name of a tool or of what some of them do.  A name that opencode does not bring
 * along but that has a '_' is taken for SERVER_TOOL of MCP, which is heuristic. */
enum tool_category opencode_category(struct slice name, bool *ret_builtin);
void opencode_put_tool(struct mapping *m, struct slice name);

/* Puts session.id, gen_ai.conversation.id, the role and the parent of session `id`. */
void opencode_put_session(struct mapping *m, struct slice id);

/* Puts url.full, url.domain and server.address. */
void opencode_put_url(struct mapping *m, struct slice url);

/* Makes an exact record a heuristic one. */
void opencode_be_heuristic(struct mapping *m);

extern const struct word_map opencode_providers[];
