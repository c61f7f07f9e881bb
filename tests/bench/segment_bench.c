/* SPDX-License-Identifier: Apache-2.0 */
/* segment_bench.c -- what one commit costs by the way its segment's file is made and written.
 *
 *     segment_bench [COMMITS [READERS]]
 *
 * The ways are taken in turn, commit by commit, so that all of them meet the same load of the
 * machine.  Each commit is read back by READERS, as destinations do that keep up; the last of them
 * lets go of the pages.  The directory is made in TMPDIR: point it at the disk to be measured. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "telltale/base.h"
#include "util/clock.h"

enum {
    FILE_SIZE = 64 << 20,
    BLOCK = 4096,
    COMMIT_MAX = 1 << 20,
    COMMITS_MAX = 100000,
    RELEASE_STEP = 2 << 20,
};

enum way { FRESH, ZEROED, RECYCLED, RECYCLED_PADDED, RECYCLED_DSYNC, DIRECT, WAYS };

static const char *const names[WAYS] = {
    [FRESH] = "fresh, blocks asked for",
    [ZEROED] = "fresh, zeros in advance",
    [RECYCLED] = "recycled",
    [RECYCLED_PADDED] = "recycled, padded to a page",
    [RECYCLED_DSYNC] = "the same, RWF_DSYNC",
    [DIRECT] = "recycled, O_DIRECT",
};

struct lane {
    enum way way;
    int fd;
    int read_fd;
    off_t position;
    off_t read_to;
    off_t released;
    uint64_t *commit_ns;
    uint64_t commit_cpu_ns, read_cpu_ns, read_ns;
};

static struct temp_dir dir;
static uint8_t *data;    /* where the batches lie */
static uint8_t *aligned; /* what O_DIRECT needs */
static uint8_t *read_buffer;

static uint64_t cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void fill_file(int fd, uint8_t byte)
{
    memset(aligned, byte, COMMIT_MAX);
    for (off_t at = 0; at < FILE_SIZE; at += COMMIT_MAX)
        ASSERT(pwrite(fd, aligned, COMMIT_MAX, at) == COMMIT_MAX);
    ASSERT(fdatasync(fd) == 0);
    ASSERT(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
}

static void open_lane(struct lane *lane)
{
    char name[32];

    snprintf(name, sizeof(name), "%d", (int)lane->way);
    if (lane->fd >= 0) {
        (void)close(lane->fd);
        (void)close(lane->read_fd);
    }
    bool is_kept = lane->fd >= 0 && lane->way >= RECYCLED;
    if (!is_kept)
        (void)unlinkat(dir.fd, name, 0);
    lane->fd = openat(dir.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    lane->read_fd = openat(dir.fd, name, O_RDONLY | O_CLOEXEC);
    ASSERT(lane->fd >= 0 && lane->read_fd >= 0);
    if (lane->way == FRESH)
        ASSERT(fallocate(lane->fd, FALLOC_FL_KEEP_SIZE, 0, FILE_SIZE) == 0);
    else if (lane->way == ZEROED || !is_kept)
        fill_file(lane->fd, lane->way == ZEROED ? 0 : 0x5a);
    if (lane->way == DIRECT)
        ASSERT(fcntl(lane->fd, F_SETFL, O_DIRECT) == 0);
    ASSERT(posix_fadvise(lane->fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    lane->position = lane->read_to = lane->released = 0;
}

static off_t padding(off_t end)
{
    return -end & (BLOCK - 1);
}

static void write_buffered(struct lane *lane, size_t size)
{
    static uint8_t zeros[BLOCK];
    struct iovec parts[2] = {
        {.iov_base = data, .iov_len = size},
        {.iov_base = zeros, .iov_len = (size_t)padding(lane->position + (off_t)size)},
    };
    int count = lane->way == RECYCLED_PADDED || lane->way == RECYCLED_DSYNC ? 2 : 1;
    int flags = lane->way == RECYCLED_DSYNC ? RWF_DSYNC : 0;

    ASSERT(pwritev2(lane->fd, parts, count, lane->position, flags) > 0);
    if (flags == 0)
        ASSERT(fdatasync(lane->fd) == 0);
}

/* The block that the commit before has begun is written again. */
static void write_direct(struct lane *lane, size_t size)
{
    off_t start = lane->position / BLOCK * BLOCK;
    size_t kept = (size_t)(lane->position - start);
    size_t total = kept + size;

    memcpy(aligned + kept, data, size);
    total += (size_t)padding((off_t)total);
    ASSERT(pwrite(lane->fd, aligned, total, start) == (ssize_t)total);
    ASSERT(fdatasync(lane->fd) == 0);
    if (total > BLOCK)
        memcpy(aligned, aligned + total - BLOCK, BLOCK);
}

static void commit(struct lane *lane, size_t size, unsigned index)
{
    if (lane->position + (off_t)size + BLOCK > FILE_SIZE)
        open_lane(lane);
    uint64_t cpu = cpu_ns();
    uint64_t start = clock_monotonic_ns();
    if (lane->way == DIRECT)
        write_direct(lane, size);
    else
        write_buffered(lane, size);
    lane->commit_ns[index] = clock_monotonic_ns() - start;
    lane->commit_cpu_ns += cpu_ns() - cpu;
    lane->position += (off_t)size;
}

static void read_back(struct lane *lane, unsigned readers)
{
    uint64_t cpu = cpu_ns();
    uint64_t start = clock_monotonic_ns();

    for (unsigned i = 0; i < readers; i++) {
        for (off_t at = lane->read_to; at < lane->position;) {
            ssize_t n = pread(lane->read_fd, read_buffer, (size_t)(lane->position - at), at);
            ASSERT(n > 0);
            at += n;
        }
    }
    lane->read_to = lane->position;
    if (lane->read_to - lane->released >= RELEASE_STEP) {
        (void)posix_fadvise(lane->read_fd, lane->released, lane->read_to - lane->released,
                            POSIX_FADV_DONTNEED);
        lane->released = lane->read_to;
    }
    lane->read_ns += clock_monotonic_ns() - start;
    lane->read_cpu_ns += cpu_ns() - cpu;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void measure(size_t size, unsigned commits, unsigned readers)
{
    struct lane lanes[WAYS] = {0};

    for (enum way way = 0; way < WAYS; way++) {
        lanes[way].way = way;
        lanes[way].fd = -1;
        lanes[way].commit_ns = calloc(commits, sizeof(uint64_t));
        ASSERT(lanes[way].commit_ns != NULL);
        open_lane(&lanes[way]);
    }
    for (unsigned i = 0; i < commits; i++) {
        for (enum way way = 0; way < WAYS; way++) {
            commit(&lanes[way], size, i);
            read_back(&lanes[way], readers);
        }
    }
    printf("\n%zu KiB, %u readers: commit p50, p99 in us; CPU in us of a commit, of its readers; "
           "time of its readers in us\n",
           size / 1024, readers);
    for (enum way way = 0; way < WAYS; way++) {
        struct lane *lane = &lanes[way];
        qsort(lane->commit_ns, commits, sizeof(uint64_t), by_value);
        printf("  %-28s %7.0f %7.0f   %6.1f %6.1f   %7.1f\n", names[way],
               (double)lane->commit_ns[commits / 2] / 1e3,
               (double)lane->commit_ns[(uint64_t)commits * 99 / 100] / 1e3,
               (double)lane->commit_cpu_ns / commits / 1e3,
               (double)lane->read_cpu_ns / commits / 1e3, (double)lane->read_ns / commits / 1e3);
        free(lane->commit_ns);
        (void)close(lane->fd);
        (void)close(lane->read_fd);
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1 << 10, 4 << 10, 64 << 10, 256 << 10, 1 << 20};
    unsigned long commits = argc > 1 ? strtoul(argv[1], NULL, 10) : 400;
    unsigned long readers = argc > 2 ? strtoul(argv[2], NULL, 10) : 2;

    ASSERT(commits > 0 && commits <= COMMITS_MAX && readers <= 64);
    data = malloc(COMMIT_MAX);
    aligned = aligned_alloc(BLOCK, COMMIT_MAX + 2 * BLOCK);
    read_buffer = malloc(COMMIT_MAX);
    ASSERT(data != NULL && aligned != NULL && read_buffer != NULL);
    memset(data, 'x', COMMIT_MAX);
    temp_dir_make(&dir);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        measure(sizes[i], (unsigned)commits, (unsigned)readers);
    temp_dir_remove(&dir);
    free(data);
    free(aligned);
    free(read_buffer);
    return 0;
}
