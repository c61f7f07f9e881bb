/* SPDX-License-Identifier: Apache-2.0 */
/* journal_print.h -- what a check of the journal found, on stdout: for people, or as one JSON
 * object.
 *
 * Each piece is written when it is known, so that memory does not grow with them.  Names of files
 * are shown so that no terminal acts upon them.  Whether stdout took it all, its error flag says.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "journal/journal_check.h"
#include "telltale/buf.h"
#include "telltale/journal_place.h"

struct journal_print {
    const struct journal_place *place; /* borrowed */
    bool as_json;
    bool has_items; /* in the list that is open */
    struct buf text;
    uint64_t quarantined_files, quarantined_bytes;
};

void journal_print_init(struct journal_print *print, const struct journal_place *place,
                        bool as_json);
void journal_print_fini(struct journal_print *print);

/* `id` may be NULL.  `list` names what comes next: "segments" or "findings". */
void journal_print_begin(struct journal_print *print, const uint8_t *id, const char *list);
void journal_print_segment(struct journal_print *print,
                           const struct journal_segment_report *segment);
void journal_print_finding(struct journal_print *print, const struct journal_finding *finding);

/* The totals, what is in the quarantine, and how far the cursors are. */
void journal_print_inspected(struct journal_print *print,
                             const struct journal_check_report *report);

/* The verdict. */
void journal_print_verified(struct journal_print *print, const struct journal_check_report *report,
                            bool is_sound);
