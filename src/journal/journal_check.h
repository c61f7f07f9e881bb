/* SPDX-License-Identifier: Apache-2.0 */
/* journal_check.h -- looks at a journal from outside: what it holds, and whether it is sound.
 *
 * Reads every frame of every segment and judges it by the rules of docs/JOURNAL_FORMAT.md.  It
 * takes no lock and writes nothing, so the journal may be in use meanwhile, or belong to a process
 * that died: what is still being written at the end of the newest segment is no damage.  What it
 * meets is told to a handler, piece by piece and in order; memory does not grow with the journal,
 * but for a few bytes a segment.
 *
 * What it cannot know: whether the newest segment was removed on purpose, or put back to an earlier
 * state.  That shows only if a destination is known to have confirmed more (`committed`).
 *
 * Threads: a check belongs to the thread that opened it.
 */
#pragma once

#include "journal/journal_dir.h"

struct journal_check;

enum journal_finding_kind {
    /* No harm; nothing that was acknowledged is concerned. */
    FINDING_UNFINISHED, /* a write that was cut, or is at work, at the end of the newest segment */
    FINDING_SUPERSEDED, /* what a failed write left where the next segment has taken over */
    FINDING_UNUSED,     /* zeros behind the last frame */
    FINDING_END_MARK,   /* an end mark of which some bytes are damaged: nothing stands behind it */
    /* Damage. */
    FINDING_ID,       /* journal.id */
    FINDING_HEADER,   /* of a segment whose records were found all the same */
    FINDING_UNUSABLE, /* a whole file; `reason` says why */
    FINDING_RANGE,    /* bytes that are no valid frame, with valid ones behind */
    FINDING_TAIL,     /* bytes that are no valid frame at the end of a segment */
    FINDING_GAP,      /* records that no file holds */
    FINDING_REMOVED,  /* a segment that is not there; the one behind it names it */
    FINDING_GROUPS,   /* records whose group, resource and scope, is damaged */
};

struct journal_finding {
    enum journal_finding_kind kind;
    bool is_damage;
    char file[SEGMENT_NAME_SIZE]; /* "": none, as for records that no file holds */
    uint64_t offset, size;        /* the bytes that are meant; size 0: none */
    uint64_t first_sequence;      /* the records that are missing, or without a group ... */
    uint64_t count;               /* ... as many of them */
    bool count_is_unknown;        /* from first_sequence on there may be more: the journal ends */
    const char *reason;           /* for FINDING_UNUSABLE; else NULL */
};

/* A word for programs, such as "damaged_range", and a few for people. */
const char *journal_finding_name(enum journal_finding_kind kind);
const char *journal_finding_text(enum journal_finding_kind kind);

struct journal_segment_report {
    char file[SEGMENT_NAME_SIZE];
    uint64_t first, last; /* sequence numbers of records; `last` is 0 if it holds none */
    uint64_t records, groups;
    uint64_t of_signal[SIGNAL_COUNT]; /* records */
    uint64_t size_bytes;
    uint64_t created_unix_ns; /* 0: unknown, the header is damaged */
    uint32_t format_version;  /* the same */
    bool is_usable;
    bool is_newest;
};

struct journal_check_report {
    uint64_t segments;
    uint64_t records, groups;
    uint64_t of_signal[SIGNAL_COUNT]; /* records */
    uint64_t size_bytes;              /* of the segments */
    uint64_t oldest;    /* sequence number of the oldest record that is there; 0: there is none */
    uint64_t next;      /* the number behind the newest one */
    uint64_t damages;   /* findings that are damage */
    uint64_t missing;   /* records that are known to be missing; others may be behind the end */
    uint64_t groupless; /* records without their group */
};

/* All may be NULL.  Whatever else than ST_OK one of them returns ends the check, which returns the
 * same. */
struct journal_check_handler {
    void *context;
    enum status (*on_finding)(void *context, const struct journal_finding *finding,
                              struct error *err);
    /* Behind all that was found in it. */
    enum status (*on_segment)(void *context, const struct journal_segment_report *segment,
                              struct error *err);
    /* In order of the sequence numbers.  A group that is damaged comes empty.  All is borrowed
     * until the call returns.  On a live journal the last ones may not be acknowledged yet. */
    enum status (*on_record)(void *context, uint64_t sequence, const struct record_group *group,
                             struct slice record, struct error *err);
};

struct journal_check_options {
    uint64_t committed; /* every number below this is known to have been acknowledged: the largest
                         * cursor, read before the check is opened; 0: nothing is known */
    uint64_t from, to;  /* segments without records of these numbers are passed over, unread, and
                         * their records are not shown; 0 and UINT64_MAX: everything */
    const struct disk_io *io; /* NULL: the system's */
};

/* Lists the segments.  `dir_fd` and `options` are borrowed until journal_check_close().
 * ST_NOT_FOUND: there is no journal in this directory. */
MUST_CHECK enum status journal_check_open(int dir_fd, const struct journal_check_options *options,
                                          struct journal_check **ret, struct error *err);
void journal_check_close(struct journal_check *check); /* accepts NULL */

/* Which journal this is.  NULL: neither journal.id nor a segment tells. */
const uint8_t *journal_check_id(const struct journal_check *check);

/* Reads everything, once.  Damage is no failure: it is found.  ST_IO: the directory cannot be
 * read. */
MUST_CHECK enum status journal_check_run(struct journal_check *check,
                                         const struct journal_check_handler *handler,
                                         struct journal_check_report *ret, struct error *err);
