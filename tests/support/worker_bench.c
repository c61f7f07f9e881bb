/* SPDX-License-Identifier: Apache-2.0 */
/* worker_bench.c -- see worker_bench.h. */
#include "support/worker_bench.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/test_journal.h"
#include "util/clock.h"

#define HELLO "\x2a\x07\x0a\x05hello" /* a LogRecord with a body */

enum { LETTERS_MAX = 1024 * 1024, BODY_MAX = 4096, HELLO_SIZE = sizeof(HELLO) - 1 };

static int make(void **state, size_t lanes)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    temp_dir_make(&bench->dir);
    snprintf(bench->journal_dir, sizeof(bench->journal_dir), "%s/journal", bench->dir.path);
    const struct journal_settings journal = {
        .dir = bench->journal_dir,
        .size_max = 64 << 20,
        .segment_size = 1 << 20,
        .pending_bytes_max = 16 << 20,
    };
    struct journal_recovery recovery;
    assert_int_equal(journal_open(&journal, &bench->journal, &recovery, &bench->err), ST_OK);
    fake_exporter_init(&bench->fake);
    bench->settings = (struct worker_settings){
        .name = "fake/test",
        .cursor_dir = bench->dir.path,
        .dead_letter_dir = bench->dir.path,
        .ops = &fake_exporter_ops,
        .config = &bench->fake,
        .state_dir = bench->dir.path,
        .batch_size_max = 1 << 20,
        .batch_count_max = 8,
        .lanes_max = lanes,
        .helper_idle_ns = 60 * NS_PER_S,
        .timeout_ns = 60 * NS_PER_S,
        .retry_initial_ns = NS_PER_MS,
        .retry_max_ns = 4 * NS_PER_MS,
    };
    *state = bench;
    return 0;
}

int bench_make_one_lane(void **state)
{
    return make(state, 1);
}

int bench_make_four_lanes(void **state)
{
    return make(state, 4);
}

void bench_start(struct bench *bench)
{
    assert_null(bench->worker);
    assert_int_equal(worker_start(&bench->settings, bench->journal, &bench->worker, &bench->err),
                     ST_OK);
}

void bench_stop(struct bench *bench)
{
    worker_stop(bench->worker, clock_monotonic_ns() + 60 * NS_PER_S);
    bench->worker = NULL;
}

void bench_stop_now(struct bench *bench)
{
    worker_stop(bench->worker, 0);
    bench->worker = NULL;
}

int bench_drop(void **state)
{
    struct bench *bench = *state;

    worker_stop(bench->worker, 0);
    journal_close(bench->journal);
    fake_exporter_fini(&bench->fake);
    temp_dir_remove(&bench->dir);
    free(bench);
    return 0;
}

/* --- Filling the journal ---------------------------------------------------------------------- */

static void append(struct bench *bench, enum signal signal, size_t count, struct slice record)
{
    const struct record_group group = {
        .resource_logs_fields = SLICE("\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04test"),
        .signal = signal};

    test_journal_append(bench->journal, &group, record, count);
}

void bench_append_sized(struct bench *bench, size_t count, size_t body_size)
{
    /* Zeros behind it are to protobuf broken, which is not the worker's business. */
    static const uint8_t record[HELLO_SIZE + BODY_MAX] = HELLO;

    assert_in_range(body_size, 0, BODY_MAX);
    append(bench, SIGNAL_LOGS, count, slice_of(record, HELLO_SIZE + body_size));
}

void bench_append_bytes(struct bench *bench, struct slice record)
{
    append(bench, SIGNAL_LOGS, 1, record);
}

void bench_append_signal(struct bench *bench, enum signal signal, size_t count)
{
    append(bench, signal, count, SLICE(HELLO));
}

void bench_append(struct bench *bench, size_t count)
{
    append(bench, SIGNAL_LOGS, count, SLICE(HELLO));
}

/* --- Looking ---------------------------------------------------------------------------------- */

struct worker_status bench_status(struct bench *bench)
{
    struct worker_status status;

    worker_read_status(bench->worker, &status);
    return status;
}

/* The dead letters' file as text; good until the next call. */
static char *read_letters(struct bench *bench)
{
    static char text[LETTERS_MAX];

    text[0] = 0;
    int fd = openat(bench->dir.fd, "fake.test.jsonl", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return text;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    assert_in_range(size, 0, sizeof(text) - 2);
    text[size] = 0;
    (void)close(fd);
    return text;
}

static char *find_letter(char *letters, uint64_t sequence)
{
    char needle[64];

    snprintf(needle, sizeof(needle), "\"sequence\":%u,", (unsigned)sequence);
    return strstr(letters, needle);
}

size_t bench_letters(struct bench *bench, uint64_t sequence, bool *ret_has)
{
    char *text = read_letters(bench);
    size_t lines = 0;

    *ret_has = find_letter(text, sequence) != NULL;
    for (const char *c = text; *c != 0; c++)
        lines += *c == '\n' ? 1 : 0;
    return lines;
}

const char *bench_letter(struct bench *bench, uint64_t sequence)
{
    char *text = read_letters(bench);
    char *found = find_letter(text, sequence);

    if (found == NULL)
        return NULL;
    found[strcspn(found, "\n")] = 0;
    while (found > text && found[-1] != '\n')
        found--;
    return found;
}

void bench_assert_each_delivered_once(struct bench *bench, size_t count)
{
    assert_int_equal(bench->fake.delivered_count, count);
    for (size_t i = 1; i <= count; i++)
        assert_int_equal(bench->fake.delivered[i], 1);
}
