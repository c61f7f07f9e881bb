/* SPDX-License-Identifier: Apache-2.0 */
/* agent_events.h -- events as agents send them over the Unix socket, for benchmarks.
 *
 * Five shapes in turn: a prompt, a decision about a tool, the result of a tool with a page of
 * code, an MCP call and a network decision; of the kinds of docs/SCHEMA.md, with what these
 * require.  The same at each run.
 */
#pragma once

#include "telltale/slice.h"

enum { AGENT_EVENT_SHAPES = 5 };

extern const char *const agent_event_shape_names[AGENT_EVENT_SHAPES];

/* Lines of JSON, each with its line feed. */
struct agent_events {
    char *text;   /* owned */
    size_t *ends; /* owned; where in the text each line ends, behind its line feed */
    size_t count;
    size_t size; /* of the text */
};

void agent_events_make(struct agent_events *events, size_t count);
void agent_events_free(struct agent_events *events);

/* A line without its line feed. */
struct slice agent_events_line(const struct agent_events *events, size_t index);
