/* SPDX-License-Identifier: Apache-2.0 */
/* journal_bench.c -- what appending, committing and reading back cost.
 *
 *     journal_bench [RECORDS_PER_BATCH [BATCHES [SUBMITTERS [GROUP_DELAY_US [FOLLOWERS]]]]]
 *
 * Each submitter waits for one batch before it submits the next, so that latencies are those of an
 * acknowledgement.  With FOLLOWERS, so many readers keep up, and what they have read is retired: so
 * segments are recycled, once the first are full; those are written before anything is measured.
 * The directory is made in TMPDIR: point it at the disk that is to be measured.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"
#include "util/clock.h"

enum { RECORD_SIZE = 800 };

static struct journal_fixture fixture;
static unsigned records_per_batch = 64;
static unsigned batches = 4000; /* of all submitters */
static unsigned submitters = 4;
static atomic_uint next_batch;
static atomic_uint syncs;
static uint64_t *latencies_ns; /* by batch */

static int counted_fdatasync(int fd)
{
    atomic_fetch_add(&syncs, 1);
    return fdatasync(fd);
}

static unsigned followers;
static atomic_bool is_filled;
static atomic_uint_fast64_t positions[64]; /* of followers */

static void *follow(void *context)
{
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 512};
    atomic_uint_fast64_t *position = context;
    struct journal_reader *reader;
    struct error err;
    uint64_t next = 1;

    ASSERT(journal_reader_open(fixture.journal, 0, &reader, &err) == ST_OK);
    while (!atomic_load(&is_filled) || next < journal_committed(fixture.journal)) {
        struct batch batch;
        uint64_t missing;
        journal_wait(fixture.journal, next, clock_monotonic_ns() + NS_PER_S / 10);
        ASSERT(journal_reader_next(reader, &limits, &batch, &next, &missing, &err) == ST_OK);
        atomic_store(position, next);
        uint64_t oldest = next;
        for (unsigned i = 0; i < followers; i++)
            oldest = atomic_load(&positions[i]) < oldest ? atomic_load(&positions[i]) : oldest;
        journal_retire(fixture.journal, oldest);
    }
    journal_reader_close(reader);
    return NULL;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct ack {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool has_come;
};

static void acknowledge(void *context, struct append_batch *batch, enum status status,
                        const struct error *err)
{
    struct ack *ack = context;

    (void)batch;
    (void)err;
    ASSERT(status == ST_OK);
    (void)pthread_mutex_lock(&ack->lock);
    ack->has_come = true;
    (void)pthread_cond_signal(&ack->came);
    (void)pthread_mutex_unlock(&ack->lock);
}

static void fill(struct append_batch *batch)
{
    static const uint8_t record[RECORD_SIZE];
    static const struct record_group group = {.resource_logs_fields = SLICE("resource")};
    struct error err;

    append_batch_reset(batch);
    ASSERT(append_batch_set_group(batch, &group, &err) == ST_OK);
    for (unsigned i = 0; i < records_per_batch; i++) {
        struct buf *buf;
        ASSERT(append_batch_begin(batch, &buf, &err) == ST_OK);
        ASSERT(buf_append(buf, record, sizeof(record), &err) == ST_OK);
        append_batch_end(batch);
    }
}

static void *submit(void *context)
{
    struct ack ack = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
    struct append_batch *batch;
    struct error err;

    (void)context;
    ASSERT(append_batch_create(64 << 20, &batch, &err) == ST_OK);
    for (unsigned i = atomic_fetch_add(&next_batch, 1); i < batches;
         i = atomic_fetch_add(&next_batch, 1)) {
        struct append_batch *given = batch;
        fill(batch);
        uint64_t start_ns = clock_monotonic_ns();
        ack.has_come = false;
        ASSERT(journal_submit(fixture.journal, &given, acknowledge, &ack, &err) == ST_OK);
        (void)pthread_mutex_lock(&ack.lock);
        while (!ack.has_come)
            (void)pthread_cond_wait(&ack.came, &ack.lock);
        (void)pthread_mutex_unlock(&ack.lock);
        latencies_ns[i] = clock_monotonic_ns() - start_ns;
    }
    append_batch_destroy(batch);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Fills three segments, so that there are spares. */
static void warm_up(void)
{
    struct error err;
    uint64_t written = 0;

    while (written < 4 * fixture.settings.segment_size) {
        struct append_batch *batch = journal_fixture_batch(&fixture, 1, 1000, 1000);
        written += append_batch_size(batch);
        ASSERT(journal_commit(fixture.journal, batch, &err) == ST_OK);
    }
}

static void append_all(void)
{
    pthread_t threads[64];
    double records = (double)batches * records_per_batch;

    uint64_t wall_ns = clock_monotonic_ns();
    uint64_t used_ns = cpu_ns();
    atomic_store(&syncs, 0);
    for (unsigned i = 0; i < submitters; i++)
        ASSERT(pthread_create(&threads[i], NULL, submit, NULL) == 0);
    for (unsigned i = 0; i < submitters; i++)
        ASSERT(pthread_join(threads[i], NULL) == 0);
    wall_ns = clock_monotonic_ns() - wall_ns;
    used_ns = cpu_ns() - used_ns;
    qsort(latencies_ns, batches, sizeof(*latencies_ns), by_value);
    printf("append: %.0f ns CPU/record, %.0f records/s, %.0f commits/s, ack p50 %.3f ms, p99 %.3f "
           "ms\n",
           (double)used_ns / records, records * 1e9 / (double)wall_ns,
           atomic_load(&syncs) * 1e9 / (double)wall_ns, (double)latencies_ns[batches / 2] / 1e6,
           (double)latencies_ns[(uint64_t)batches * 99 / 100] / 1e6);
}

static void read_all(void)
{
    struct batch_limits limits = {.size_max = 1 << 20, .count_max = 512};
    struct journal_reader *reader;
    struct error err;
    struct batch batch = {.record_count = 1};
    uint64_t records = 0;

    uint64_t used_ns = cpu_ns();
    ASSERT(journal_reader_open(fixture.journal, 1, &reader, &err) == ST_OK);
    while (batch.record_count > 0) {
        uint64_t next;
        uint64_t missing;
        ASSERT(journal_reader_next(reader, &limits, &batch, &next, &missing, &err) == ST_OK);
        records += batch.record_count;
    }
    journal_reader_close(reader);
    used_ns = cpu_ns() - used_ns;
    printf("read: %.0f ns CPU/record, %" PRIu64 " records\n", (double)used_ns / (double)records,
           records);
}

static unsigned argument(int argc, char **argv, int index, unsigned otherwise)
{
    return argc > index ? (unsigned)strtoul(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    struct disk_io io = disk_io_system;

    records_per_batch = argument(argc, argv, 1, records_per_batch);
    batches = argument(argc, argv, 2, batches);
    submitters = argument(argc, argv, 3, submitters);
    latencies_ns = calloc(batches, sizeof(*latencies_ns));
    ASSERT(latencies_ns != NULL && batches > 0 && submitters <= 64);
    journal_fixture_init(&fixture);
    journal_fixture_close(&fixture);
    io.fdatasync = counted_fdatasync;
    fixture.settings.io = &io;
    fixture.settings.size_max = UINT64_C(16) << 30;
    fixture.settings.group_delay_ns = (uint64_t)argument(argc, argv, 4, 0) * 1000;
    followers = argument(argc, argv, 5, 0);
    ASSERT(followers <= COUNT_OF(positions));
    journal_fixture_open(&fixture);
    pthread_t threads[COUNT_OF(positions)];
    for (unsigned i = 0; i < followers; i++)
        ASSERT(pthread_create(&threads[i], NULL, follow, &positions[i]) == 0);
    if (followers > 0)
        warm_up();
    append_all();
    atomic_store(&is_filled, true);
    for (unsigned i = 0; i < followers; i++)
        ASSERT(pthread_join(threads[i], NULL) == 0);
    if (followers == 0)
        read_all();
    uint64_t start_ns = clock_monotonic_ns();
    journal_fixture_close(&fixture);
    journal_fixture_open(&fixture);
    printf("reopen: %.1f ms for %" PRIu64 " segments\n",
           (double)(clock_monotonic_ns() - start_ns) / 1e6, fixture.recovery.segments);
    journal_fixture_fini(&fixture);
    free(latencies_ns);
    return 0;
}
