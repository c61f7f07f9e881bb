/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_head.h -- what stands above and below the events of a timeline.
 *
 * Threads: that of the page.
 */
#pragma once

#include "query/page.h"
#include "query/sender_marks.h"
#include "query/story.h"

/* Whose session it is, when, how it asks.  The story has an event. */
void timeline_head_put(struct page *page, const struct story *story,
                       const struct sender_marks *marks);

/* The sums, and what is missing. */
void timeline_foot_put(struct page *page, const struct story *story);
