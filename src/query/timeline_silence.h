/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_silence.h -- the line of an agent that said nothing for long, or speaks again.
 *
 * Threads: that of the page.
 */
#pragma once

#include <stdbool.h>

#include "query/page.h"
#include "wire/otlp.h"

/* Puts it, behind what begins a line; `used` columns are taken.  False: the event is another. */
bool timeline_silence_put(struct page *page, const struct record_view *view, size_t used);
