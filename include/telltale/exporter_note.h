/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_note.h -- what an exporter has done that belongs on record: the daemon makes a record of
 * kind agent.integrity of it (docs/SCHEMA.md), which goes to every destination, and a line in its
 * log.
 *
 * Threads: telling, any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each member but the last three is the attribute agent.integrity.<name> of SCHEMA.md, which says
 * what it means.  Texts are borrowed for the call; NULL, "" and 0: not said.  What a text holds
 * beyond EXPORTER_NOTE_TEXT_MAX bytes makes the note one that is not taken. */
struct exporter_note {
    const char *action; /* one of SCHEMA.md's words; required */
    const char *origin;
    const char *root;
    const char *note;
    const char *growth;
    const char *token;
    const char *key;
    const char *reason;
    const char *rule;
    const char *hold;
    const char *file;
    const char *actor;
    const char *manifest;
    bool has_size; /* else `size` is not said: a tree may have none */
    uint64_t size;
    uint64_t epoch; /* from 1 */
    uint64_t first, last, count, bytes;
    uint64_t skipped;
    uint64_t token_unix_s; /* agent.integrity.token_time */
    const char *body;      /* a sentence for people; NULL: made of the others */
    bool is_alarm;         /* somebody should look: a warning, in the record and in the log */
};

enum { EXPORTER_NOTE_TEXT_MAX = 48 << 10 }; /* a checkpoint and a time stamp of it fit */

/* Where notes go.  A zeroed one: nowhere. */
struct exporter_notes {
    void *context; /* borrowed until the exporter is destroyed; for: */
    /* Copies the note and never blocks on I/O.  False: there was no room, which is counted, or the
     * note breaks a limit. */
    bool (*tell)(void *context, const char *exporter, const struct exporter_note *note);
    /* How many notes were taken so far, of all exporters, and how many of these, the first ones,
     * are durable as records.  NULL: what is taken is durable. */
    void (*count)(void *context, uint64_t *ret_taken, uint64_t *ret_durable);
};

/* `exporter` is the name of the section, as exporter_context has it.  True also where nobody
 * listens. */
static inline bool exporter_tell(const struct exporter_notes *notes, const char *exporter,
                                 const struct exporter_note *note)
{
    return notes->tell == NULL || notes->tell(notes->context, exporter, note);
}

/* Of all that was told before exporter_notes_taken(): whether it is durable now. */
static inline uint64_t exporter_notes_taken(const struct exporter_notes *notes)
{
    uint64_t taken = 0;
    uint64_t durable;

    if (notes->count != NULL)
        notes->count(notes->context, &taken, &durable);
    return taken;
}

static inline bool exporter_notes_are_durable(const struct exporter_notes *notes, uint64_t taken)
{
    uint64_t now_taken;
    uint64_t durable = taken;

    if (notes->count != NULL)
        notes->count(notes->context, &now_taken, &durable);
    return durable >= taken;
}
