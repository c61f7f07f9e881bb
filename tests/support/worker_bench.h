/* SPDX-License-Identifier: Apache-2.0 */
/* worker_bench.h -- a worker between a real journal and a destination that follows a script
 * (fake_exporter.h), all in one temporary directory.
 *
 * Threads: the test's.  What cannot be done fails the test.
 */
#pragma once

#include "deliver/worker.h"
#include "journal/journal.h"
#include "support/fake_exporter.h"
#include "support/temp_dir.h"

enum { BENCH_PATH_SIZE = TEMP_DIR_PATH_MAX + 32 };

struct bench {
    struct temp_dir dir;
    char journal_dir[BENCH_PATH_SIZE];
    struct journal *journal;
    struct worker *worker; /* NULL: none runs */
    struct fake_exporter fake;
    struct worker_settings settings; /* for the next bench_start() */
    struct error err;
};

/* For cmocka: *state is a bench whose worker has not been started, for requests of 8 records, with
 * one lane or up to four. */
int bench_make_one_lane(void **state);
int bench_make_four_lanes(void **state);
int bench_drop(void **state);

void bench_start(struct bench *bench);
/* With all the time that it wants. */
void bench_stop(struct bench *bench);
/* At once: what is under way is cancelled. */
void bench_stop_now(struct bench *bench);

/* Appends `count` records and waits until they are durable. */
void bench_append(struct bench *bench, size_t count);
/* The same, each with `body_size` bytes more, at most 4096. */
void bench_append_sized(struct bench *bench, size_t count, size_t body_size);

/* The same, one record of these bytes, at most 4096. */
void bench_append_bytes(struct bench *bench, struct slice record);

/* The same, of another signal. */
void bench_append_signal(struct bench *bench, enum signal signal, size_t count);

struct worker_status bench_status(struct bench *bench);

/* Looks at the dead letters' file: how many lines, and whether `sequence` is among them. */
size_t bench_letters(struct bench *bench, uint64_t sequence, bool *ret_has);

/* The letter of a record, without its newline; NULL: there is none.  Until the next call. */
const char *bench_letter(struct bench *bench, uint64_t sequence);

/* The first `count` records, and nothing else. */
void bench_assert_each_delivered_once(struct bench *bench, size_t count);
