/* SPDX-License-Identifier: Apache-2.0 */
/* journal_fixture.h -- a journal in a directory of its own, and records that can be recognised.
 *
 * Record n (from 1) holds n and bytes that follow from n; its group and signal follow from n too.
 * So a test that reads can say which record this is, and that it is whole.
 */
#pragma once

#include "journal/journal.h"
#include "journal/reader.h"
#include "support/temp_dir.h"

enum { FIXTURE_RECORDS_MAX = 100000 };

struct journal_fixture {
    struct temp_dir temp;
    char path[TEMP_DIR_PATH_MAX + 16]; /* of the journal */
    struct journal_settings settings;  /* may be changed between close and open */
    struct journal *journal;           /* NULL: closed */
    struct journal_recovery recovery;  /* of the last open */
    uint64_t next_record;              /* the next one to append */
    unsigned group_count;              /* the groups that records are spread over */
    bool has_only_logs;                /* otherwise records of all signals take turns */
};

/* What a reader delivered. */
struct journal_seen {
    uint8_t *times;     /* owned; how often record n came */
    uint8_t *groupless; /* owned; whether its group came empty */
    uint64_t records;
    uint64_t missing;
    uint64_t next;        /* the position behind all */
    uint64_t batches;     /* calls that returned records */
    uint64_t lost_groups; /* records whose group came empty */
};

/* Makes the directory and opens a journal with generous limits and no delay. */
void journal_fixture_init(struct journal_fixture *fixture);
void journal_fixture_fini(struct journal_fixture *fixture);

/* The same for cmocka: *state is the fixture. */
int journal_fixture_set_up(void **state);
int journal_fixture_tear_down(void **state);

/* Open must succeed; close is allowed when it is closed. */
void journal_fixture_open(struct journal_fixture *fixture);
void journal_fixture_close(struct journal_fixture *fixture);

/* A batch with records first .. first + count - 1 of `size` bytes each (at least 8). */
struct append_batch *journal_fixture_batch(const struct journal_fixture *fixture, uint64_t first,
                                           unsigned count, size_t size);

/* Submits and waits; the status of the submission, or of the commit.  Frees the batch. */
enum status journal_commit(struct journal *journal, struct append_batch *batch, struct error *err);

/* Commits the next `count` records as one batch.  They count as appended whatever the outcome. */
enum status journal_fixture_append(struct journal_fixture *fixture, unsigned count, size_t size);

/* Reads from `sequence` to the end, checking each record; `ret` is filled anew. */
void journal_fixture_read(struct journal_fixture *fixture, uint64_t sequence,
                          const struct batch_limits *limits, struct journal_seen *ret);
void journal_seen_fini(struct journal_seen *seen);

/* The number of a record; aborts the test if it is not whole. */
uint64_t journal_record_number(struct slice bytes);

/* The path of the segment that begins with `first`. */
void journal_fixture_segment(const struct journal_fixture *fixture, uint64_t first,
                             char ret_path[256]);
unsigned journal_fixture_count_files(const struct journal_fixture *fixture, const char *folder,
                                     const char *suffix);
