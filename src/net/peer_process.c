/* SPDX-License-Identifier: Apache-2.0 */
/* peer_process.c -- see peer_process.h.
 *
 * A directory of /proc that was opened belongs to its process for good: when the process has
 * ended, reading through it fails, whoever has the pid then.  The start time is read before and
 * after the rest, so that all of it is of a process that was there all the time. */
#include "net/peer_process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "net/safe_path.h"
#include "util/clock.h"

enum {
    STAT_SIZE_MAX = 1024,
    CGROUP_SIZE_MAX = 8192,
    LINK_SIZE_MAX = 4096,
    STAT_FIELDS_TO_START = 20, /* behind the name, which may hold anything, in () */
};

int peer_process_open(pid_t pid)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* One read is enough: these files are made when they are read.  0: cannot be read. */
static size_t read_file(int directory, const char *name, char *out, size_t size)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, out, size);
    (void)close(fd); /* only read */
    return got > 0 ? (size_t)got : 0;
}

/* Clock ticks from the start of the machine to that of the process, and its state, a letter. */
static bool read_start(int directory, uint64_t *ret_ticks, char *ret_state)
{
    char text[STAT_SIZE_MAX + 1];
    size_t size = read_file(directory, "stat", text, STAT_SIZE_MAX);

    text[size] = 0;
    const char *at = strrchr(text, ')');
    *ret_state = 0;
    if (at != NULL && at[1] == ' ')
        *ret_state = at[2];
    for (int i = 0; i < STAT_FIELDS_TO_START && at != NULL; i++) {
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || *at < '0' || *at > '9')
        return false;
    *ret_ticks = strtoull(at, NULL, 10);
    return true;
}

static void write_start(uint64_t ticks, char out[PEER_TIME_MAX])
{
    struct timespec since_boot;
    struct tm when;
    uint64_t ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);

    (void)clock_gettime(CLOCK_BOOTTIME, &since_boot); /* cannot fail on Linux */
    uint64_t boot_ns =
        clock_unix_ns() - ((uint64_t)since_boot.tv_sec * NS_PER_S + (uint64_t)since_boot.tv_nsec);
    uint64_t start_ns =
        boot_ns + ticks / ticks_per_s * NS_PER_S + ticks % ticks_per_s * (NS_PER_S / ticks_per_s);
    time_t seconds = (time_t)(start_ns / NS_PER_S);
    char text[24];
    if (gmtime_r(&seconds, &when) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &when) == 0)
        return;
    (void)snprintf(out, PEER_TIME_MAX, "%s.%02uZ", text,
                   (unsigned)(start_ns % NS_PER_S / (10 * NS_PER_MS)));
}

bool peer_process_read(int directory, struct peer_process *ret)
{
    char text[CGROUP_SIZE_MAX > LINK_SIZE_MAX ? CGROUP_SIZE_MAX : LINK_SIZE_MAX];
    uint64_t before, after;
    char state;

    *ret = (struct peer_process){0};
    if (!read_start(directory, &before, &state))
        return false;
    ssize_t link = readlinkat(directory, "exe", text, LINK_SIZE_MAX);
    if (link > 0)
        safe_path_write(slice_of(text, (size_t)link), ret->executable, sizeof(ret->executable));
    size_t size = read_file(directory, "cgroup", text, CGROUP_SIZE_MAX);
    cgroup_read(slice_of(text, size), &ret->cgroup);
    if (!read_start(directory, &after, &state) || before != after)
        return false;
    write_start(before, ret->started);
    ret->start_ticks = before;
    return true;
}

bool peer_process_is_there(pid_t pid, uint64_t start_ticks)
{
    uint64_t ticks = 0;
    char state = 0;

    int directory = peer_process_open(pid);
    if (directory < 0)
        return false;
    bool found = read_start(directory, &ticks, &state);
    (void)close(directory); /* only read */
    return found && ticks == start_ticks && state != 'Z' && state != 'X';
}
