/* SPDX-License-Identifier: Apache-2.0 */
/* hook_events.h -- what the files of the hook dialects share: dialect_hooks.c has the tables,
 * hook_events.c and hook_tool.c the functions.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/hook_fields.h"

/* What follows the rules: of every event, then of each. */
void hook_finish_common(struct mapping *m);
void hook_finish_main_or_subagent(struct mapping *m); /* of agents whose hooks tell the two apart */
void hook_finish_session(struct mapping *m);
void hook_finish_prompt(struct mapping *m);
void hook_finish_response(struct mapping *m);
void hook_finish_turn(struct mapping *m);
void hook_finish_turn_failure(struct mapping *m);
void hook_finish_ask(struct mapping *m);
void hook_finish_denied(struct mapping *m);
void hook_finish_reply(struct mapping *m);
void hook_finish_notification(struct mapping *m);
void hook_finish_subagent(struct mapping *m);
void hook_finish_compact(struct mapping *m);
void hook_finish_instructions(struct mapping *m);
void hook_finish_config(struct mapping *m);
void hook_finish_place(struct mapping *m);
void hook_finish_file(struct mapping *m);
void hook_finish_elicitation(struct mapping *m);
void hook_finish_model(struct mapping *m);
void hook_finish_tool_start(struct mapping *m);
void hook_finish_tool_end(struct mapping *m);
void hook_finish_tool_success(struct mapping *m); /* failures have an event of their own */
void hook_finish_tool_failure(struct mapping *m);

/* Category, origin and facets of the tool that the hook names. */
enum tool_category hook_put_tool(struct mapping *m);

/* The first of two that has a text. */
struct slice hook_either(const struct mapping *m, enum hook_source a, enum hook_source b);

/* Whether there is one at all, of whatever type. */
static inline bool hook_has(const struct mapping *m, enum hook_source source)
{
    return mapping_source(m, (uint8_t)source) != NULL;
}

static inline struct slice hook_text(const struct mapping *m, enum hook_source source)
{
    return mapping_source_text(m, (uint8_t)source);
}
