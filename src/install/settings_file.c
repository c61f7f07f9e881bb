/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.c -- see settings_file.h.
 *
 * A path is first led to the directory that the file is in and its name there: for a user with
 * realpath(), in a project step by step from the project's directory, each opened without following
 * a link.  Everything else is done through that descriptor, so that nothing can be put in between.
 */
#include "install/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install/json_edit.h"

enum { STEP_SIZE = 64 * 1024, OPEN_DIR = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

struct place {
    int dir_fd;
    char name[NAME_MAX + 1];
};

/* --- Where it is ----------------------------------------------------------------------------- */

static bool is_link(int dir_fd, const char *name)
{
    struct stat info;

    return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

static enum status refuse_link(const char *path, size_t size, struct error *err)
{
    return error_set(err, ST_INVALID,
                     "a project's symbolic link is not followed; remove it, or leave --project "
                     "out: '%.*s'",
                     (int)size, path);
}

static enum status refuse_open(int os_errno, const char *path, size_t size, struct error *err)
{
    errno = os_errno;
    return error_set_errno(err, os_errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%.*s'", (int)size,
                           path);
}

/* One step down from `dir_fd`, which is closed.  `end` is how much of the path the step ends at. */
static enum status step_down(const struct settings_path *path, size_t end, bool make,
                             const char *name, int *dir_fd, struct error *err)
{
    enum status st = ST_OK;

    if (make && mkdirat(*dir_fd, name, 0700) < 0 && errno != EEXIST)
        st = error_set_errno(err, ST_IO, "make the directory '%.*s'", (int)end, path->text);
    int next = st == ST_OK ? openat(*dir_fd, name, OPEN_DIR | O_NOFOLLOW) : -1;
    int os_errno = errno;
    if (st == ST_OK && next < 0)
        st = is_link(*dir_fd, name) ? refuse_link(path->text, end, err)
                                    : refuse_open(os_errno, path->text, end, err);
    (void)close(*dir_fd); /* nothing was written through it */
    *dir_fd = next;
    return st;
}

static enum status find_in_project(const struct settings_path *path, bool make, struct place *ret,
                                   struct error *err)
{
    char copy[PATH_MAX];
    enum status st = ST_OK;

    snprintf(copy, sizeof(copy), "%.*s", (int)path->project_size, path->text);
    ret->dir_fd = open(copy, OPEN_DIR);
    if (ret->dir_fd < 0)
        return refuse_open(errno, path->text, path->project_size, err);
    snprintf(copy, sizeof(copy), "%s", path->text + path->project_size);
    char *name = copy + strspn(copy, "/");
    for (char *slash = strchr(name, '/'); slash != NULL && st == ST_OK; slash = strchr(name, '/')) {
        *slash = 0;
        st = step_down(path, path->project_size + (size_t)(slash - copy), make, name, &ret->dir_fd,
                       err);
        name = slash + 1;
    }
    if (st == ST_OK && is_link(ret->dir_fd, name))
        st = refuse_link(path->text, strlen(path->text), err);
    snprintf(ret->name, sizeof(ret->name), "%s", name);
    return st;
}

/* Makes the directories above the file. */
static enum status make_dirs(const char *path, struct error *err)
{
    char dir[PATH_MAX];

    snprintf(dir, sizeof(dir), "%s", path);
    for (char *slash = strchr(dir + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
            return error_set_errno(err, ST_IO, "make the directory '%s'", dir);
        *slash = '/';
    }
    return ST_OK;
}

static enum status find_of_user(const struct settings_path *path, bool make, struct place *ret,
                                struct error *err)
{
    char target[PATH_MAX];

    enum status st = make ? make_dirs(path->text, err) : ST_OK;
    if (st != ST_OK)
        return st;
    if (realpath(path->text, target) == NULL) {
        if (is_link(AT_FDCWD, path->text))
            return error_set_errno(
                err, ST_INVALID,
                "a symbolic link that leads to no file; make the file, or remove "
                "the link: '%s'",
                path->text);
        snprintf(target, sizeof(target), "%s", path->text);
    }
    char *slash = strrchr(target, '/');
    if (slash == NULL || strlen(slash + 1) >= sizeof(ret->name))
        return error_set(err, ST_INVALID, "'%s' is no path of a file", path->text);
    snprintf(ret->name, sizeof(ret->name), "%s", slash + 1);
    slash[slash == target] = 0; /* that of "/" stays */
    ret->dir_fd = open(target, OPEN_DIR);
    return ret->dir_fd >= 0 ? ST_OK : refuse_open(errno, target, strlen(target), err);
}

/* With `make`, missing directories are made. */
static enum status find_place(const struct settings_path *path, bool make, struct place *ret,
                              struct error *err)
{
    *ret = (struct place){.dir_fd = -1};
    if (strlen(path->text) >= PATH_MAX)
        return error_set(err, ST_INVALID, "a path is too long");
    return path->project_size > 0 ? find_in_project(path, make, ret, err)
                                  : find_of_user(path, make, ret, err);
}

static void leave_place(const struct place *place)
{
    if (place->dir_fd >= 0)
        (void)close(place->dir_fd); /* what matters was synced */
}

/* --- Reading --------------------------------------------------------------------------------- */

static enum status read_all(const struct disk_io *io, int fd, struct buf *ret, struct error *err)
{
    uint64_t offset = 0;
    size_t got = STEP_SIZE;

    while (got == STEP_SIZE) {
        enum status st = buf_reserve(ret, STEP_SIZE, err);
        if (st == ST_OK)
            st = disk_read(io, fd, ret->data + ret->size, STEP_SIZE, offset, &got, err);
        if (st != ST_OK)
            return st;
        ret->size += got;
        offset += got;
        if (offset > JSON_EDIT_SIZE_MAX)
            return error_set(err, ST_LIMIT, "it has more than %d bytes", JSON_EDIT_SIZE_MAX);
    }
    return ST_OK;
}

static enum status read_at(const struct settings_path *path, const struct place *place,
                           struct buf *ret, struct error *err)
{
    const struct disk_io *io = disk_io_or_system(path->io);
    struct stat info;
    enum status st;

    int fd =
        io->open_at(place->dir_fd, place->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0);
    if (fd < 0)
        return refuse_open(errno, path->text, strlen(path->text), err);
    if (io->fstat(fd, &info) < 0)
        st = error_set_errno(err, ST_IO, "look at '%s'", path->text);
    else if (!S_ISREG(info.st_mode))
        st = error_set(err, ST_INVALID, "'%s' is no file", path->text);
    else if ((st = read_all(io, fd, ret, err)) != ST_OK)
        (void)error_context(err, "'%s'", path->text);
    (void)close(fd); /* only read */
    return st;
}

enum status settings_file_read(const struct settings_path *path, struct buf *ret, struct error *err)
{
    struct place place;

    enum status st = find_place(path, false, &place, err);
    if (st == ST_OK)
        st = read_at(path, &place, ret, err);
    leave_place(&place);
    return st;
}

/* --- Writing --------------------------------------------------------------------------------- */

static enum status fill(const struct disk_io *io, int fd, struct slice text, mode_t mode,
                        struct error *err)
{
    struct iovec part = {.iov_base = (void *)text.data, .iov_len = text.size};

    if (fchmod(fd, mode) < 0)
        return error_set_errno(err, ST_IO, "set its mode");
    enum status st = disk_write(io, fd, &part, 1, 0, err);
    return st == ST_OK ? disk_sync(io, fd, err) : st;
}

static enum status write_at(const struct settings_path *path, const struct place *place,
                            struct slice text, struct error *err)
{
    const struct disk_io *io = disk_io_or_system(path->io);
    char beside[sizeof(place->name) + 32];
    struct stat info;

    snprintf(beside, sizeof(beside), "%s.telltale-%ld", place->name, (long)getpid());
    (void)io->unlink_at(place->dir_fd, beside); /* of a process before us, which was cut off */
    bool is_there = io->stat_at(place->dir_fd, place->name, &info) == 0;
    if (!is_there && errno != ENOENT)
        return error_set_errno(err, ST_IO, "look at '%s'", path->text);
    int fd = io->open_at(place->dir_fd, beside,
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "make a file beside '%s'", path->text);
    enum status st = fill(io, fd, text, is_there ? info.st_mode & 0777 : 0600, err);
    (void)close(fd); /* synced, or given up */
    if (st == ST_OK && io->rename_at(place->dir_fd, beside, place->dir_fd, place->name) < 0)
        st = error_set_errno(err, ST_IO, "rename '%s'", beside);
    if (st != ST_OK) {
        (void)io->unlink_at(place->dir_fd, beside); /* else a useless file stays */
        return error_context(err, "write '%s'", path->text);
    }
    return disk_sync_dir(io, place->dir_fd, err);
}

enum status settings_file_write(const struct settings_path *path, struct slice text,
                                struct error *err)
{
    struct place place;

    enum status st = find_place(path, true, &place, err);
    if (st == ST_OK)
        st = write_at(path, &place, text, err);
    leave_place(&place);
    return st;
}

enum status settings_file_remove(const struct settings_path *path, struct error *err)
{
    struct place place;

    if (path->project_size == 0)
        return unlink(path->text) == 0 ? ST_OK
                                       : error_set_errno(err, ST_IO, "remove '%s'", path->text);
    enum status st = find_place(path, false, &place, err);
    if (st == ST_OK && unlinkat(place.dir_fd, place.name, 0) < 0)
        st = error_set_errno(err, ST_IO, "remove '%s'", path->text);
    leave_place(&place);
    return st;
}
