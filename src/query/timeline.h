/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h -- a session as a person reads it: prompt, proposed tool, decision and by whom,
 * network decisions, result, in order, with what is missing shown.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/story.h"

struct timeline_style {
    bool color;       /* ANSI colours */
    bool everything;  /* also the model requests and events that carry no story */
    bool whole_texts; /* texts are not cut, and keep their lines */
    size_t columns;   /* width of the terminal */
};

/* Appends the whole timeline of a joined story.  All text from agents is made safe. */
MUST_CHECK enum status timeline_write(struct story *story, const struct timeline_style *style,
                                      struct buf *out, struct error *err);
