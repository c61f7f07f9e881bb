/* SPDX-License-Identifier: Apache-2.0 */
/* schema_content.h -- where content is: what was said to an agent, what it said and did with it,
 * and what came back.  Destinations with `content: omit` are not sent it.
 *
 * Threads: constant tables and pure functions.
 */
#pragma once

#include <stdint.h>

#include "normalize/schema_keys.h"
#include "telltale/slice.h"

enum { SCHEMA_UNDECIDED, SCHEMA_NO_CONTENT, SCHEMA_CONTENT };

extern const uint8_t schema_content[SCHEMA_KEY_COUNT];

enum content_place {
    CONTENT_LAST,   /* the last part of a key: codex.output */
    CONTENT_ABOUT,  /* any part, unless the last one only measures it: gen_ai.prompt.0.content, but
                       not prompt.id */
    CONTENT_WITHIN, /* any part: tool_input.name */
};

enum { CONTENT_WORD_MAX = 24 };

struct content_word {
    const char *word; /* without capitals, '_' and '-' */
    enum content_place place;
};

extern const struct content_word content_words[];
extern const size_t content_word_count;
extern const char *const content_exceptions[]; /* keys; ends with NULL */

/* The value at an attribute's key is content: one of ours, behind any number of agent.norm., or a
 * sender's. */
bool content_is_at(struct slice key);
