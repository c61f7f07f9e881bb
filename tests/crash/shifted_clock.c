/* SPDX-License-Identifier: Apache-2.0 */
/* shifted_clock.c -- a library to preload: CLOCK_REALTIME is off by the nanoseconds that stand in
 * the file SHIFTED_CLOCK, an int64 of this machine's order, which may change at any time.  Other
 * clocks are as they are.
 *
 * Who waits until a time of that clock waits as he would if somebody set it: until the clock shows
 * that time, whatever happens to it meanwhile.  gRPC's timers wait like that, on conditions and,
 * below Abseil, on futexes by system call.
 *
 * The time is asked for by system call, not from the library that this one stands before: that
 * happens before everything else is set up. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_SECOND = 1000000000,
    LOOK_NS = 20000000,         /* how often somebody who waits looks at the clock */
    COND_IS_MONOTONIC = 1 << 1, /* glibc's mark in __wrefs, since 2.25 */
};

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

/* The library's own. */
static long (*find_syscall(void))(long number, ...)
{
    static _Atomic(long (*)(long, ...)) found;

    if (found == NULL)
        found = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return found;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)find_syscall()(SYS_clock_gettime, clock, time);

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

/* --- Waiting --------------------------------------------------------------------------- */

static int64_t now_ns(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* When, on CLOCK_MONOTONIC, somebody who waits until `until` has to look at the clock again; false:
 * it has come to that. */
static bool next_look(const struct timespec *until, struct timespec *ret)
{
    int64_t until_ns = (int64_t)until->tv_sec * NS_PER_SECOND + until->tv_nsec;
    int64_t left_ns = until_ns - now_ns(CLOCK_REALTIME);

    if (left_ns <= 0)
        return false;
    int64_t look_ns = now_ns(CLOCK_MONOTONIC) + (left_ns < LOOK_NS ? left_ns : LOOK_NS);
    *ret = (struct timespec){look_ns / NS_PER_SECOND, look_ns % NS_PER_SECOND};
    return true;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until)
{
    struct timespec look;
    int result = ETIMEDOUT;

    if ((cond->__data.__wrefs & COND_IS_MONOTONIC) != 0)
        return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, until);
    while (result == ETIMEDOUT && next_look(until, &look))
        result = pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &look);
    return result;
}

static long wait_on_futex(const long *arguments, const struct timespec *until)
{
    long operation = arguments[1] & ~FUTEX_CLOCK_REALTIME;
    struct timespec look;

    while (next_look(until, &look)) {
        long result = find_syscall()(SYS_futex, arguments[0], operation, arguments[2], &look,
                                     arguments[4], arguments[5]);
        if (result == 0 || errno != ETIMEDOUT)
            return result;
    }
    errno = ETIMEDOUT;
    return -1;
}

long syscall(long number, ...)
{
    long arguments[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): that is how it comes */
    const struct timespec *until = (const struct timespec *)arguments[3];
    bool waits = number == SYS_futex && until != NULL && shift_ns != NULL &&
                 (arguments[1] & FUTEX_CLOCK_REALTIME) != 0 &&
                 (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
    if (waits)
        return wait_on_futex(arguments, until);
    return find_syscall()(number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
}
