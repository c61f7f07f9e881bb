/* SPDX-License-Identifier: Apache-2.0 */
/* kill_test.c -- a child appends and reports each acknowledgement through a pipe; it is killed at
 * a random moment; what it reported is there. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "util/clock.h"

enum {
    ROUNDS = 20,
    WRITERS = 2,
    ACKS_MAX = 40, /* a round is ended after at most so many */
};

struct writer {
    struct journal_fixture *fixture;
    uint64_t first; /* record numbers first, first + WRITERS, ... */
    int report_fd;
};

/* In the child, until it dies. */
static void *append_for_ever(void *context)
{
    const struct writer *writer = context;

    for (uint64_t number = writer->first;; number += WRITERS) {
        struct error err;
        struct append_batch *batch =
            journal_fixture_batch(writer->fixture, number, 1, 200 + number % 700);
        if (journal_commit(writer->fixture->journal, batch, &err) != ST_OK ||
            write(writer->report_fd, &number, sizeof(number)) != sizeof(number))
            _exit(1);
    }
    return NULL;
}

static void run_child(struct journal_fixture *fixture, uint64_t first, int report_fd)
{
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];

    fixture->settings.group_delay_ns = NS_PER_MS;
    journal_fixture_open(fixture);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){.fixture = fixture, .first = first + i, .report_fd = report_fd};
        if (pthread_create(&threads[i], NULL, append_for_ever, &writers[i]) != 0)
            _exit(1);
    }
    for (;;)
        pause();
}

/* Reads what the child reports and kills it after `acks`; the numbers are marked in `acked`.
 * Returns the largest. */
static uint64_t kill_after(pid_t child, int report_fd, unsigned acks, uint8_t *acked)
{
    uint64_t number;
    uint64_t largest = 0;

    for (unsigned i = 0; read(report_fd, &number, sizeof(number)) == sizeof(number); i++) {
        assert_true(number < FIXTURE_RECORDS_MAX);
        acked[number] = 1;
        if (number > largest)
            largest = number;
        if (i == acks)
            assert_int_equal(kill(child, SIGKILL), 0); /* what is in the pipe counts as well */
    }
    return largest;
}

static uint64_t run_round(struct journal_fixture *fixture, uint64_t first, unsigned acks,
                          uint8_t *acked)
{
    int pipe_fds[2];
    int status;

    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipe_fds[0]);
        run_child(fixture, first, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    uint64_t largest = kill_after(child, pipe_fds[0], acks, acked);
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return largest;
}

static void test_acknowledged_records_survive_being_killed(void **state)
{
    (void)state;
    struct journal_fixture fixture;
    uint8_t *acked = calloc(FIXTURE_RECORDS_MAX, 1);
    unsigned seed = (unsigned)clock_monotonic_ns();
    uint64_t first = 1;

    print_message("seed %u\n", seed);
    journal_fixture_init(&fixture);
    journal_fixture_close(&fixture);
    fixture.settings.segment_size = 8000;
    fixture.group_count = 3;
    for (int round = 0; round < ROUNDS; round++) {
        struct journal_seen seen;
        uint64_t largest = run_round(&fixture, first, (unsigned)rand_r(&seed) % ACKS_MAX, acked);
        first = largest + 2 * WRITERS; /* clear of those that were under way */
        journal_fixture_open(&fixture);
        journal_fixture_read(&fixture, 1, NULL, &seen);
        for (uint64_t number = 1; number < FIXTURE_RECORDS_MAX; number++) {
            assert_true(seen.times[number] <= 1);
            assert_true(seen.times[number] >= acked[number]);
        }
        assert_int_equal(seen.missing, 0);
        assert_int_equal(seen.lost_groups, 0);
        assert_int_equal(fixture.recovery.quarantined_ranges, 0);
        journal_seen_fini(&seen);
        journal_fixture_close(&fixture);
    }
    assert_true(first > ROUNDS);
    journal_fixture_fini(&fixture);
    free(acked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acknowledged_records_survive_being_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
