/* SPDX-License-Identifier: Apache-2.0 */
/* store_notes.h -- what exporters have put on record (include/telltale/exporter_note.h), as records
 * of kind agent.integrity.
 *
 * Each note is a record of its own and they keep their order.  They wait in a queue of bounded size
 * until the main thread takes them to the journal, and stay there while it takes none, because it
 * is full for example.  A note that finds no room is counted, and so told as lost.
 *
 * Threads: store_notes_tell() and store_notes_count() any; the others the main thread.
 */
#pragma once

#include <stdbool.h>

#include "journal/journal.h"
#include "telltale/error.h"
#include "telltale/exporter_note.h"
#include "telltaled/pipeline_notes.h"

struct store_notes;

/* `journal`, and `losses`, which is told of notes without room, are borrowed until
 * store_notes_destroy(). */
MUST_CHECK enum status store_notes_create(struct journal *journal, struct pipeline_notes *losses,
                                          struct store_notes **ret, struct error *err);
/* The journal must be closed before.  NULL is allowed. */
void store_notes_destroy(struct store_notes *notes);

/* exporter_notes.tell; the context is a struct store_notes. */
bool store_notes_tell(void *context, const char *exporter, const struct exporter_note *note);
/* exporter_notes.count; any thread. */
void store_notes_count(void *context, uint64_t *ret_taken, uint64_t *ret_durable);

/* To be called now and then: says in the log and records what was told since.  `is_last`: the
 * records are on their way to the journal, also those of the call before, unless it takes none. */
void store_notes_flush(struct store_notes *notes, uint64_t now_ns, bool is_last);
