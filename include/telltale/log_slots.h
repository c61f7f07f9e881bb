/* SPDX-License-Identifier: Apache-2.0 */
/* log_slots.h -- the logs that an exporter shows to somebody outside, a few at a time: when each is
 * due, and which trouble is on record.  Implemented in src/attest/.
 *
 * Threads: belongs to the exporter.
 */
#pragma once

#include "telltale/exporter_note.h"
#include "telltale/signed_note.h"

enum { LOG_SLOTS_MAX = 8 }; /* the one used longest ago gives way; its file stays */

struct log_slot {
    char origin[NOTE_NAME_SIZE]; /* empty: this one is free */
    uint64_t due_ns;             /* by the clock on the wall */
    uint64_t used;               /* a count */
    int told_trouble;            /* that is on record; 0: none */
};

struct log_slots {
    struct log_slot items[LOG_SLOTS_MAX];
    uint64_t uses;
};

/* The index of the log's slot.  *ret_is_new: it is another log's, or free, until
 * log_slots_take(). */
size_t log_slots_find(struct log_slots *slots, const char *origin, bool *ret_is_new);

/* The slot is this log's from now on, due at once, and without trouble. */
void log_slots_take(struct log_slots *slots, size_t index, const char *origin);

/* Nobody has the slot. */
void log_slots_leave(struct log_slots *slots, size_t index);

/* Whether a log has the slot and its time has come.  It is never further away than `wait_max_ns`: a
 * clock that was set back makes nothing wait for longer than it would. */
bool log_slot_is_due(const struct log_slot *slot, uint64_t now_unix_ns, uint64_t wait_max_ns);

/* Puts a trouble with this log on record, as an alarm, unless the last one was the same.  `note`
 * says the action, the size and the reason. */
void log_slot_tell_trouble(struct log_slot *slot, const struct exporter_notes *notes,
                           const char *exporter, int trouble, const struct exporter_note *note);
