/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.h -- a real journal in a temporary directory, whose syncs a test can hold back or
 * make fail, and whose records it can read.
 *
 * Threads: one test journal at a time; its functions belong to the test's thread.
 */
#pragma once

#include "journal/journal.h"
#include "journal/reader.h"
#include "support/temp_dir.h"
#include "wire/otlp.h"

struct test_journal {
    struct temp_dir dir;
    struct journal *journal;
    struct journal_reader *reader;
    struct batch batch; /* what test_journal_read() has read */
};

/* Fails the test when it cannot be made. */
void test_journal_open(struct test_journal *self);
void test_journal_open_with(struct test_journal *self, uint64_t size_max,
                            uint64_t pending_bytes_max);
void test_journal_close(struct test_journal *self);

/* From now on a sync does not return until it is released. */
void test_journal_hold_syncs(void);
/* Waits until one is held back: the journal has what it syncs. */
void test_journal_wait_for_sync(void);
void test_journal_release_syncs(void);
/* From now on every sync fails. */
void test_journal_fail_syncs(void);

/* Reads all records that are committed into `batch`; gives their number.  What was read before is
 * gone. */
size_t test_journal_read(struct test_journal *self);

/* Of record `index` of the last read: the value of an attribute, as text ("" if absent; ints in
 * decimal).  Good until the next call. */
const char *test_journal_attribute(const struct test_journal *self, size_t index, const char *key);

/* The body, if it is a text. */
const char *test_journal_body(const struct test_journal *self, size_t index);
