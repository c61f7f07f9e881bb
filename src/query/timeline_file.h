/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_file.h -- what a call did to a file, in the line of its result.
 *
 * Threads: that of the page.
 */
#pragma once

#include "query/page.h"
#include "query/story.h"

/* What operations say that are a part of the result (story_file.c), and how many lines it tells
 * itself, if nothing went wrong: ", create of 5 lines, +4 -0 lines".  Nothing where none does. */
void timeline_file_put(struct page *page, const struct story *story,
                       const struct story_event *event);
