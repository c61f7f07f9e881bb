/* SPDX-License-Identifier: Apache-2.0 */
/* spool_file.c -- see spool_file.h.
 *
 * A shared spool can be written to, but not listed (mode 1733), so there is no descriptor of the
 * directory to sync.  Syncing the file a second time, behind the rename, makes the name durable on
 * the file systems that keep names in a log (ext4, XFS, Btrfs). */
#include "telltale-hook/spool_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h> /* renameat */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "telltale-hook/hook_clock.h"

enum { NAME_MAX_SIZE = EVENT_ID_SIZE + 16, PARTS = 3 };

static bool has_room(int dir_fd, size_t size)
{
    struct statvfs disk;
    if (fstatvfs(dir_fd, &disk) < 0)
        return false;
    return (uint64_t)disk.f_bavail * disk.f_frsize >= (uint64_t)size + SPOOL_DISK_FREE_MIN;
}

/* A directory that may not be listed has no limit but the disk's. */
static bool is_full(int dir_fd)
{
    int count = 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            (void)close(fd); /* only read */
        return false;
    }
    while (count < SPOOL_FILES_MAX && readdir(dir) != NULL)
        count++;
    (void)closedir(dir); /* only read */
    return count == SPOOL_FILES_MAX;
}

static bool write_all(int fd, const struct event_line *line)
{
    for (size_t i = 0; i < PARTS; i++) {
        struct slice rest = line->parts[i];
        while (rest.size > 0) {
            ssize_t written = write(fd, rest.data, rest.size);
            if (written < 0 && errno != EINTR)
                return false;
            rest = slice_from(rest, written > 0 ? (size_t)written : 0);
        }
    }
    return true;
}

static bool publish(int dir_fd, const struct event_line *line, const char *id)
{
    char name[NAME_MAX_SIZE] = "";
    char draft[NAME_MAX_SIZE] = ".";
    memcpy(name, id, EVENT_ID_SIZE);
    memcpy(name + EVENT_ID_SIZE, ".event", 7);
    memcpy(draft + 1, id, EVENT_ID_SIZE + 1);
    int fd = openat(dir_fd, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    /* The daemon may be another user.  Nobody else can list the directory, and the name cannot be
     * guessed. */
    bool done = write_all(fd, line) && fchmod(fd, 0644) == 0 && fsync(fd) == 0 &&
                renameat(dir_fd, draft, dir_fd, name) == 0;
    if (done)
        (void)fsync(fd); /* the event is there; if only its name is lost, nothing helps */
    else
        (void)unlinkat(dir_fd, draft, 0); /* the daemon removes what is left */
    (void)close(fd);                      /* synced, or given up */
    return done;
}

static bool write_into(const char *path, const struct event_line *line, const char *id)
{
    int dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return false;
    bool done = has_room(dir_fd, line->size) && !is_full(dir_fd) && publish(dir_fd, line, id);
    (void)close(dir_fd); /* nothing is written through it */
    return done;
}

static void write_and_tell(const char *const *dirs, size_t dir_count, const struct event_line *line,
                           const char *id, int tell_fd)
{
    bool done = false;
    /* Who waits for the end of the agent's pipes must not wait for this process. */
    for (int fd = 0; fd <= 2; fd++)
        (void)close(fd);
    (void)setsid(); /* nor must it end with the agent's other processes */
    for (size_t i = 0; i < dir_count && !done; i++)
        done = write_into(dirs[i], line, id);
    ssize_t told = done ? write(tell_fd, "+", 1) : 0;
    _exit(told < 0);
}

bool spool_write(const char *const *dirs, size_t dir_count, const struct event_line *line,
                 const char *id, uint64_t deadline_ms)
{
    int tell[2];
    char sign = 0;
    if (pipe(tell) < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(tell[0]); /* the other's */
        write_and_tell(dirs, dir_count, line, id, tell[1]);
    }
    (void)close(tell[1]); /* so that its end is seen */
    struct pollfd poll_fd = {.fd = tell[0], .events = POLLIN};
    bool done = pid > 0 && poll(&poll_fd, 1, hook_clock_left(deadline_ms)) > 0 &&
                read(tell[0], &sign, 1) == 1;
    (void)close(tell[0]); /* only read */
    return done;
}
