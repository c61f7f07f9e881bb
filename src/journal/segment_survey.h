/* SPDX-License-Identifier: Apache-2.0 */
/* segment_survey.h -- the segments of a directory as somebody finds them who does not own it.
 *
 * Names and headers, no frames.  Nothing is locked or changed; the journal may be at work, make
 * segments and retire them.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "journal/segment_probe.h"

struct surveyed {
    uint64_t first;
    uint64_t previous; /* as its header says; 0: there was none, or the header does not tell */
    bool is_usable;
};

struct segment_survey {
    int dir_fd;                /* borrowed */
    struct segment_scan *scan; /* borrowed; for salvage */
    uint8_t id[JOURNAL_ID_SIZE];
    bool id_is_known;
    bool id_is_sound;       /* the file journal.id is */
    size_t id_size;         /* of that file, if it is damaged */
    struct surveyed *items; /* owned; oldest first */
    size_t count;
    size_t capacity;
};

/* `survey` is zero but for what is borrowed; to be ended in any case.  ST_NOT_FOUND: neither
 * journal.id nor a segment is there. */
MUST_CHECK enum status segment_survey_make(struct segment_survey *survey, struct error *err);
void segment_survey_fini(struct segment_survey *survey);

/* Opens segment `i` and looks at it anew; *ret_fd, for the caller to close, is -1 when the file is
 * gone.  A header that cannot be read, and another journal's segment, are faults. */
MUST_CHECK enum status segment_survey_open(struct segment_survey *survey, size_t i,
                                           struct segment_probe *ret, int *ret_fd,
                                           struct error *err);

/* Where the records of segment `i` end if it is usable: where the next usable one begins, be it
 * there or only named by the one behind it.  UINT64_MAX: there is none. */
uint64_t segment_survey_limit(const struct segment_survey *survey, size_t i);

/* Where the next file begins, usable or not, or only named. */
uint64_t segment_survey_own_end(const struct segment_survey *survey, size_t i);

/* Whether segment `i`, which is gone, went as it should: behind all older ones, and before one that
 * is there now. */
bool segment_survey_was_retired(const struct segment_survey *survey, size_t i);
