/* SPDX-License-Identifier: Apache-2.0 */
/* shifted_clock.c -- a library to preload: CLOCK_REALTIME is off by the nanoseconds that stand in
 * the file SHIFTED_CLOCK, an int64 of this machine's order, which may change at any time.  Other
 * clocks are as they are.
 *
 * The system call is made directly, not through the library that this one stands before: it is
 * asked for the time before everything else is set up. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_SECOND = 1000000000 };

static const _Atomic int64_t *shift_ns; /* NULL: none, or not yet */

__attribute__((constructor)) static void map_shift(void)
{
    const char *path = getenv("SHIFTED_CLOCK");
    if (path == NULL)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        abort(); /* a test that asks for it must not run without */
    void *mapped = mmap(NULL, sizeof(*shift_ns), PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (mapped == MAP_FAILED)
        abort();
    shift_ns = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);

    if (failed != 0 || shift_ns == NULL ||
        (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return failed;
    int64_t ns = (int64_t)time->tv_sec * NS_PER_SECOND + time->tv_nsec + atomic_load(shift_ns);
    time->tv_sec = ns / NS_PER_SECOND;
    time->tv_nsec = ns % NS_PER_SECOND;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;

    (void)zone; /* nobody has asked for it in decades */
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}
