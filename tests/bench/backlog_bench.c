/* SPDX-License-Identifier: Apache-2.0 */
/* backlog_bench.c -- what a start costs with a large backlog.
 *
 *     backlog_bench [GIB]
 *
 * Fills a journal with that much, by its own interface; then opens it in a fresh process, once with
 * a last segment that is full, as a kill leaves it, and with nothing in the page cache, and reads
 * a reader's first batch.  The directory is made in TMPDIR and removed. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/journal_fixture.h"
#include "telltale/disk_io.h"
#include "util/clock.h"

enum { RECORD_SIZE = 1000, RECORDS_PER_BATCH = 1000 };

static struct journal_fixture fixture;
static uint64_t bytes_read; /* by the journal */
static struct disk_io io;

static ssize_t counted_pread(int fd, void *data, size_t size, off_t offset)
{
    ssize_t n = pread(fd, data, size, offset);
    bytes_read += n > 0 ? (uint64_t)n : 0;
    return n;
}

static void fill(uint64_t size)
{
    struct error err;
    enum status st = ST_OK;

    while (st == ST_OK && journal_size(fixture.journal) < size) {
        struct append_batch *batch =
            journal_fixture_batch(&fixture, 1, RECORDS_PER_BATCH, RECORD_SIZE);
        st = journal_commit(fixture.journal, batch, &err);
    }
    ASSERT(st == ST_OK);
}

static void forget_pages(const char *path)
{
    DIR *stream = opendir(path);

    ASSERT(stream != NULL);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        int fd = openat(dirfd(stream), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* what is clean, and it is synced */
        (void)close(fd);
    }
    (void)closedir(stream);
}

static double peak_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void open_and_read(const char *path)
{
    struct journal_settings settings = {
        .dir = path,
        .size_max = UINT64_C(64) << 30,
        .segment_size = 64 << 20,
        .pending_bytes_max = 64 << 20,
        .io = &io,
    };
    const struct batch_limits limits = {.size_max = 1 << 20, .count_max = 512};
    struct journal_recovery recovery;
    struct journal_reader *reader;
    struct journal *journal;
    struct batch batch;
    struct error err;
    uint64_t next;
    uint64_t missing;

    io = disk_io_system;
    io.pread = counted_pread;
    double before = peak_mib();
    uint64_t start = clock_monotonic_ns();
    ASSERT(journal_open(&settings, &journal, &recovery, &err) == ST_OK);
    uint64_t opened = clock_monotonic_ns();
    printf("open: %.1f ms, %" PRIu64 " segments, %" PRIu64 " records, %.2f MiB read, peak RSS "
           "%.1f MiB (before: %.1f)\n",
           (double)(opened - start) / 1e6, recovery.segments, recovery.records,
           (double)bytes_read / (1 << 20), peak_mib(), before);
    bytes_read = 0;
    ASSERT(journal_reader_open(journal, 1, &reader, &err) == ST_OK);
    ASSERT(journal_reader_next(reader, &limits, &batch, &next, &missing, &err) == ST_OK);
    printf("first batch: %.1f ms, %zu records, %.2f MiB read, peak RSS %.1f MiB\n",
           (double)(clock_monotonic_ns() - opened) / 1e6, batch.record_count,
           (double)bytes_read / (1 << 20), peak_mib());
    journal_reader_close(reader);
    journal_close(journal);
}

static void measure_in_fresh_process(const char *program)
{
    int status;

    forget_pages(fixture.path);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)execl(program, program, "--open", fixture.path, (char *)NULL);
        _exit(1);
    }
    ASSERT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* A process that is killed leaves its last segment uncut; the child is that process. */
static void leave_as_killed(void)
{
    int status;

    pid_t child = fork();
    if (child == 0) {
        journal_fixture_open(&fixture);
        fill(journal_size(fixture.journal) + (60 << 20));
        _exit(0);
    }
    ASSERT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--open") == 0) {
        open_and_read(argv[2]);
        return 0;
    }
    uint64_t size = (argc > 1 ? strtoull(argv[1], NULL, 10) : 10) << 30;
    journal_fixture_init(&fixture);
    journal_fixture_close(&fixture);
    fixture.settings.size_max = 2 * size;
    journal_fixture_open(&fixture);
    uint64_t start = clock_monotonic_ns();
    fill(size);
    printf("filled with %.1f GiB in %.1f s\n",
           (double)journal_size(fixture.journal) / (UINT64_C(1) << 30),
           (double)(clock_monotonic_ns() - start) / NS_PER_S);
    journal_fixture_close(&fixture);
    leave_as_killed();
    printf("after a kill, last segment full, nothing cached:\n");
    measure_in_fresh_process(argv[0]);
    printf("after an orderly stop, nothing cached:\n");
    measure_in_fresh_process(argv[0]);
    journal_fixture_fini(&fixture);
    return 0;
}
