/* SPDX-License-Identifier: Apache-2.0 */
/* slow_disk.c -- a library for LD_PRELOAD that makes the disk as slow as wanted: each fdatasync
 * takes SLOW_DISK_SYNC_US, and the time that what was written since the last one takes at
 * SLOW_DISK_BYTES_PER_S (0, or not set: none).  With the files in memory it is a disk that is the
 * same at each run. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static _Atomic unsigned long long unsynced_bytes;

static unsigned long long setting(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    ssize_t (*next)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, "pwritev");
    ssize_t written = next(fd, parts, count, offset);

    unsynced_bytes += written > 0 ? (unsigned long long)written : 0;
    return written;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    ssize_t written = next(fd, data, size, offset);

    unsynced_bytes += written > 0 ? (unsigned long long)written : 0;
    return written;
}

/* It is a hint, and files in memory pay for it at once. */
EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    (void)fd;
    (void)mode;
    (void)offset;
    (void)size;
    return 0;
}

EXPORT int fdatasync(int fd)
{
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    unsigned long long bytes = atomic_exchange(&unsynced_bytes, 0);
    unsigned long long rate = setting("SLOW_DISK_BYTES_PER_S");
    unsigned long long ns = setting("SLOW_DISK_SYNC_US") * 1000;

    if (rate > 0)
        ns += bytes * 1000000000ULL / rate;
    const struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    (void)nanosleep(&time, NULL);
    return next(fd);
}
