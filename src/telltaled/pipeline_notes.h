/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline_notes.h -- what happened to events inside the daemon, as agent.pipeline records.
 *
 * Any part on any thread hands in a note; the main thread makes records of them, one for each code,
 * destination or process, and period, so that a loss that lasts does not fill the journal with
 * records about it.  What the journal does not take, because it is full for example, is added up
 * and comes later.  Notes that have not become records when the daemon stops are gone: the loss
 * ledger has what was lost.
 *
 * Threads: pipeline_notes_add() any; the others the main thread.
 */
#pragma once

#include <stdbool.h>

#include "journal/journal.h"
#include "normalize/normalize.h"
#include "telltale/error.h"

struct pipeline_notes;

enum { PIPELINE_CODE_SIZE = 32, PIPELINE_DESTINATION_SIZE = 128, PIPELINE_EXECUTABLE_SIZE = 512 };

struct pipeline_note {
    char code[PIPELINE_CODE_SIZE]; /* a word of ours; SCHEMA.md: agent.pipeline.code */
    const char *reason;            /* a literal; SCHEMA.md: agent.pipeline.reason */
    char destination[PIPELINE_DESTINATION_SIZE]; /* empty: none in particular */
    uint64_t count, bytes;                       /* of events; 0 bytes: not known */
    uint64_t first, last;                        /* sequence numbers; 0: not known */
    uint64_t from_ns, to_ns;                     /* Unix: when it happened; 0: not known */
    /* Of the agent that it is about; pid 0: about none, and the next two are empty. */
    int64_t pid;
    char executable[PIPELINE_EXECUTABLE_SIZE];
    struct normalized_source said;
};

/* `journal` is borrowed until pipeline_notes_destroy(). */
MUST_CHECK enum status pipeline_notes_create(struct journal *journal, struct pipeline_notes **ret,
                                             struct error *err);
/* The journal must be closed before.  NULL is allowed. */
void pipeline_notes_destroy(struct pipeline_notes *notes);

/* The note is copied.  With more codes and destinations than there are places, those without one
 * are added up together. */
void pipeline_notes_add(struct pipeline_notes *notes, const struct pipeline_note *note);

/* To be called now and then: says in the log and records what was handed in since, at most once a
 * period; `is_last`: at once. */
void pipeline_notes_flush(struct pipeline_notes *notes, uint64_t now_ns, bool is_last);
