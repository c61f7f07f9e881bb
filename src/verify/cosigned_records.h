/* SPDX-License-Identifier: Apache-2.0 */
/* cosigned_records.h -- the notes in those records of a store that look like cosignatures, which
 * the exporter of type `witness` puts on record (docs/INTEGRITY.md, "Witnesses").
 *
 * An agent may have written such a record as well: whose they are, the signatures alone tell.
 *
 * Threads: belongs to the thread that calls; the reading of files may start its own.
 */
#pragma once

#include "verify/note_finder.h"
#include "verify/verify.h"

/* Gives the notes, in the order of writing; the line that `on_note` hears of counts such records.
 * What is damaged is passed over: the check of the files tells it. */
MUST_CHECK enum status cosigned_records_read(const struct verify_options *options,
                                             note_found_fn on_note, void *context,
                                             struct error *err);
