/* SPDX-License-Identifier: Apache-2.0 */
/* span_dialects.h -- the tables for spans, and what they have in common.
 *
 * Threads: constant data and functions of the record given.
 */
#pragma once

#include "normalize/dialect.h"

extern const struct dialect span_dialect_codex;
extern const struct dialect span_dialect_copilot;
extern const struct dialect span_dialect_genai;
extern const struct dialect span_dialect_opencode;

/* Whether the span that the record is made from ended with an error; false for a log record. */
bool span_failed(const struct mapping *m);

/* Makes the record a failure: error.type is the class of the span's exception, unless the sender
 * gives one, and agent.error.message the span's status message or the exception's. */
void span_put_failure(struct mapping *m);

/* agent.tool.parent_call_id, where it is known. */
void span_put_parent_call(struct mapping *m);
