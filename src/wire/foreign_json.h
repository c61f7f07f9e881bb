/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_json.h -- JSON of other kinds, told by the keys of its outermost object: what people send
 * us by mistake, and would lose without a word since unknown keys are passed over.
 *
 * Gemini CLI and Qwen Code write to their `telemetry.outfile` the objects of their OpenTelemetry
 * SDK, on many lines each: no OTLP, though it looks like it.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

enum foreign_json {
    FOREIGN_JSON_NONE,
    FOREIGN_JSON_OTLP, /* a request of logs, traces or metrics */
    FOREIGN_JSON_SDK,  /* an object of the SDK for JavaScript: a log record, a span, metrics */
};

/* So much of a text is looked at. */
enum { FOREIGN_JSON_LOOK_MAX = 1 << 20 };

/* Looks at the first value of the text.  What follows it, and what is behind a mistake in it, is
 * not read. */
enum foreign_json foreign_json_find(struct slice json);

/* What it is and what to do, for an error. */
const char *foreign_json_words(enum foreign_json found);
