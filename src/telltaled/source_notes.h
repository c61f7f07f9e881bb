/* SPDX-License-Identifier: Apache-2.0 */
/* source_notes.h -- an agent that fell silent, or speaks again, becomes a note, and so an
 * agent.pipeline record.
 *
 * Threads: any.
 */
#pragma once

#include "receivers/source_watch.h"

/* For source_watch_sweep(); the context is a struct pipeline_notes. */
void source_notes_take(void *context, const struct source_report *report);
