/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h -- one record in a few words: what a person wants to read first.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "wire/otlp.h"

/* Appends one line's worth of safe text, without newline, at most about `columns_max`
 * characters: the command, the prompt's beginning, the host and the verdict, ... */
MUST_CHECK enum status summary_append(struct buf *out, const struct record_view *view,
                                      size_t columns_max, struct error *err);

/* What a tool call asked for: its command line, its file, its address, else its arguments;
 * borrowed from `view`, not yet safe for a terminal. */
struct slice summary_of_call(const struct record_view *view);

/* The part of a tool's output that a person wants: what follows a line "Output:" where agents
 * put their own lines before it. */
struct slice summary_of_output(struct slice output);
