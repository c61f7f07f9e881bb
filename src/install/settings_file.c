/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.c -- see settings_file.h. */
#include "install/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install/json_edit.h"

enum { STEP_SIZE = 64 * 1024 };

static enum status read_all(int fd, struct buf *ret, struct error *err)
{
    for (;;) {
        if (ret->size > JSON_EDIT_SIZE_MAX)
            return error_set(err, ST_LIMIT, "it has more than %d bytes", JSON_EDIT_SIZE_MAX);
        enum status st = buf_reserve(ret, STEP_SIZE, err);
        if (st != ST_OK)
            return st;
        ssize_t got = read(fd, ret->data + ret->size, STEP_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, ST_IO, "read");
        if (got == 0)
            return ST_OK;
        ret->size += (size_t)got;
    }
}

enum status settings_file_read(const char *path, struct buf *ret, struct error *err)
{
    struct stat info;
    enum status st;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", path);
    if (fstat(fd, &info) < 0)
        st = error_set_errno(err, ST_IO, "look at '%s'", path);
    else if (!S_ISREG(info.st_mode))
        st = error_set(err, ST_INVALID, "'%s' is no file", path);
    else if ((st = read_all(fd, ret, err)) != ST_OK)
        (void)error_context(err, "'%s'", path);
    (void)close(fd);
    return st;
}

static enum status write_all(int fd, struct slice text, struct error *err)
{
    while (text.size > 0) {
        ssize_t put = write(fd, text.data, text.size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(err, ST_IO, "write");
        text = slice_from(text, (size_t)put);
    }
    return ST_OK;
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

static enum status write_beside(const char *target, const char *beside, struct slice text,
                                struct error *err)
{
    struct stat info;
    mode_t mode = stat(target, &info) == 0 ? info.st_mode & 0777 : 0600;

    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "make '%s'", beside);
    enum status st = write_all(fd, text, err);
    if (st == ST_OK && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        st = error_set_errno(err, ST_IO, "sync '%s'", beside);
    (void)close(fd);
    if (st == ST_OK && rename(beside, target) < 0)
        st = error_set_errno(err, ST_IO, "rename '%s'", beside);
    if (st != ST_OK)
        (void)unlink(beside);
    return st;
}

enum status settings_file_write(const char *path, struct slice text, struct error *err)
{
    char target[PATH_MAX];
    char beside[PATH_MAX + 32];

    enum status st = make_dirs(path, err);
    if (st != ST_OK)
        return st;
    if (realpath(path, target) == NULL)
        snprintf(target, sizeof(target), "%s", path);
    snprintf(beside, sizeof(beside), "%s.telltale-%ld", target, (long)getpid());
    return write_beside(target, beside, text, err);
}
