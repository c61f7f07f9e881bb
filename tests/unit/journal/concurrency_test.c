/* SPDX-License-Identifier: Apache-2.0 */
/* concurrency_test.c -- several threads submit, read, wait and retire at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"
#include "util/clock.h"

static void note_first(void *context, struct append_batch *batch, enum status status,
                       const struct error *err)
{
    (void)err;
    *(uint64_t *)context = status == ST_OK ? append_batch_first_sequence(batch) : 0;
    append_batch_destroy(batch);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static ssize_t pwritev_behind_the_gate(int fd, const struct iovec *parts, int count, off_t offset)
{
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    return pwritev(fd, parts, count, offset);
}

static void test_pending_limit_asks_to_come_again(void **state)
{
    struct journal_fixture *fixture = *state;
    struct disk_io io = disk_io_system;
    struct error err;
    uint64_t first[2] = {0};

    journal_fixture_close(fixture);
    io.pwritev = pwritev_behind_the_gate;
    fixture->settings.io = &io;
    fixture->settings.pending_bytes_max = 5000;
    journal_fixture_open(fixture);
    (void)pthread_mutex_lock(&gate); /* nothing becomes durable meanwhile */
    struct append_batch *batch = journal_fixture_batch(fixture, 1, 10, 1000);
    assert_int_equal(journal_submit(fixture->journal, &batch, note_first, &first[0], &err), ST_OK);
    batch = journal_fixture_batch(fixture, 11, 1, 1000);
    assert_int_equal(journal_submit(fixture->journal, &batch, note_first, &first[1], &err),
                     ST_AGAIN);
    (void)pthread_mutex_unlock(&gate);
    journal_wait(fixture->journal, 10, UINT64_MAX);
    while (journal_submit(fixture->journal, &batch, note_first, &first[1], &err) == ST_AGAIN)
        ; /* until the batch has been handed back */
    journal_fixture_close(fixture);
    assert_int_equal(first[0], 1);
    assert_int_equal(first[1], 11);
}

enum { SLOW_WRITE_S = 1 };

static atomic_bool next_write_is_slow;

static ssize_t pwritev_slowly_once(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (atomic_exchange(&next_write_is_slow, false))
        sleep(SLOW_WRITE_S);
    return pwritev(fd, parts, count, offset);
}

static void note_begun(void *context, struct append_batch *batch, enum status status,
                       const struct error *err)
{
    (void)err;
    *(uint64_t *)context = status == ST_OK ? append_batch_commit(batch).begun_ns : 0;
    append_batch_destroy(batch);
}

/* After a commit of a second the next one may wait for three.  It does not when somebody waits for
 * it who says little, and takes along what was waiting. */
static void test_urgent_batch_does_not_wait_for_company(void **state)
{
    struct journal_fixture *fixture = *state;
    struct disk_io io = disk_io_system;
    struct error err;
    uint64_t begun_ns[3] = {0};

    journal_fixture_close(fixture);
    io.pwritev = pwritev_slowly_once;
    fixture->settings.io = &io;
    fixture->settings.group_delay_ns = 3600 * NS_PER_S;
    journal_fixture_open(fixture);
    for (size_t i = 0; i < COUNT_OF(begun_ns); i++) {
        struct append_batch *batch = journal_fixture_batch(fixture, 1 + i, 1, 100);
        if (i == 0)
            atomic_store(&next_write_is_slow, true);
        if (i == 2)
            append_batch_set_urgent(batch);
        assert_int_equal(journal_submit(fixture->journal, &batch, note_begun, &begun_ns[i], &err),
                         ST_OK);
        if (i == 0)
            journal_wait(fixture->journal, 1, UINT64_MAX);
    }
    journal_wait(fixture->journal, 3, UINT64_MAX); /* closing would hurry everything */
    journal_fixture_close(fixture);
    assert_int_not_equal(begun_ns[0], 0);
    assert_int_equal(begun_ns[1], begun_ns[2]);
    assert_true(begun_ns[2] - begun_ns[0] < 3 * SLOW_WRITE_S * NS_PER_S);
}

enum {
    SUBMITTERS = 4,
    COMMITS_EACH = 100,
    RECORDS_EACH = 3,
};

struct submitter {
    struct journal_fixture *fixture;
    unsigned index;
    unsigned failed;
};

static void *submit_many(void *context)
{
    struct submitter *submitter = context;

    for (unsigned i = 0; i < COMMITS_EACH; i++) {
        struct error err;
        uint64_t first = 1 + ((uint64_t)submitter->index * COMMITS_EACH + i) * RECORDS_EACH;
        struct append_batch *batch =
            journal_fixture_batch(submitter->fixture, first, RECORDS_EACH, 300);
        submitter->failed += journal_commit(submitter->fixture->journal, batch, &err) != ST_OK;
    }
    return NULL;
}

static void *read_until_all(void *context)
{
    struct journal_fixture *fixture = context;
    struct batch_limits limits = {.size_max = 4000, .count_max = 10};
    uint64_t end = 1 + SUBMITTERS * COMMITS_EACH * RECORDS_EACH;
    struct journal_reader *reader;
    struct error err;
    uint64_t next = 1;

    ASSERT(journal_reader_open(fixture->journal, 1, &reader, &err) == ST_OK);
    while (next < end) {
        struct batch batch;
        uint64_t missing;
        journal_wait(fixture->journal, next, UINT64_MAX);
        ASSERT(journal_reader_next(reader, &limits, &batch, &next, &missing, &err) == ST_OK);
        ASSERT(missing == 0);
        for (size_t i = 0; i < batch.record_count; i++)
            (void)journal_record_number(batch.records[i].bytes);
        journal_retire(fixture->journal, 1);
    }
    journal_reader_close(reader);
    return NULL;
}

static void test_concurrent_submitters_and_readers(void **state)
{
    struct journal_fixture *fixture = *state;
    struct submitter submitters[SUBMITTERS];
    pthread_t threads[SUBMITTERS];
    pthread_t reader;
    struct journal_seen seen;

    journal_fixture_close(fixture);
    fixture->settings.segment_size = 20000;
    fixture->settings.group_delay_ns = NS_PER_MS;
    fixture->group_count = 4;
    journal_fixture_open(fixture);
    assert_int_equal(pthread_create(&reader, NULL, read_until_all, fixture), 0);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.fixture = fixture, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(submitters[i].failed, 0);
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
    journal_fixture_read(fixture, 1, NULL, &seen);
    assert_int_equal(seen.records, SUBMITTERS * COMMITS_EACH * RECORDS_EACH);
    for (uint64_t number = 1; number <= seen.records; number++)
        assert_int_equal(seen.times[number], 1);
    journal_seen_fini(&seen);
}

static void *wait_for_ever(void *context)
{
    journal_wait(context, UINT64_MAX, UINT64_MAX);
    return NULL;
}

static void test_wake_ends_a_wait_that_began_or_will_begin(void **state)
{
    struct journal_fixture *fixture = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_ever, fixture->journal), 0);
    journal_wake(fixture->journal);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    journal_wait(fixture->journal, UINT64_MAX, clock_monotonic_ns()); /* a deadline does, too */
}

#define WITH_JOURNAL(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, journal_fixture_set_up, journal_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(test_pending_limit_asks_to_come_again),
        WITH_JOURNAL(test_urgent_batch_does_not_wait_for_company),
        WITH_JOURNAL(test_concurrent_submitters_and_readers),
        WITH_JOURNAL(test_wake_ends_a_wait_that_began_or_will_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
