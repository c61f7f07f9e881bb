/* SPDX-License-Identifier: Apache-2.0 */
/* log_origin.c -- see log_origin.h. */
#include "log_origin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "telltale/disk_dirs.h"

#define ORIGIN_NAME "origin"

enum { HOST_SIZE = 128, RANDOM_BYTES = 8 };

enum status log_keys_open(const struct disk_io *io, const char *state_dir, const char *exporter,
                          int *ret_fd, struct error *err)
{
    char path[PATH_MAX];

    int size = snprintf(path, sizeof(path), "%s/integrity/%s", state_dir, exporter);
    if (size < 0 || (size_t)size >= sizeof(path))
        return error_set(err, ST_INVALID, "the name of the directory of keys is too long");
    for (char *c = path + size - strlen(exporter); *c != 0; c++)
        if (*c == '/')
            *c = '.';
    enum status st = disk_make_dirs(io, path, err);
    if (st != ST_OK)
        return error_context(err, "directory of keys");
    *ret_fd = io->open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return *ret_fd >= 0 ? ST_OK
                        : error_set_errno(err, ST_IO, "open the directory of keys '%s'", path);
}

enum status log_origin_read(const struct disk_io *io, int key_dir_fd, char out[NOTE_NAME_SIZE],
                            struct error *err)
{
    char text[NOTE_NAME_SIZE + 1];
    size_t size;

    int fd = io->open_at(key_dir_fd, ORIGIN_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'",
                               ORIGIN_NAME);
    enum status st = disk_read(io, fd, text, sizeof(text), 0, &size, err);
    (void)close(fd); /* only read from */
    if (st != ST_OK)
        return st;
    if (size < 2 || size > NOTE_NAME_SIZE || text[size - 1] != '\n' ||
        !note_name_is_good(slice_of(text, size - 1)))
        return error_set(err, ST_NOT_FOUND, "'%s' holds no name", ORIGIN_NAME);
    memcpy(out, text, size - 1);
    out[size - 1] = 0;
    return ST_OK;
}

enum status log_origin_write(const struct disk_io *io, int key_dir_fd, const char *origin,
                             struct error *err)
{
    char text[NOTE_NAME_SIZE + 1];

    int size = snprintf(text, sizeof(text), "%s\n", origin);
    ASSERT(size > 1 && (size_t)size < sizeof(text));
    return disk_publish(io, key_dir_fd, ORIGIN_NAME, text, (size_t)size, err);
}

static void host_name(char out[HOST_SIZE])
{
    if (gethostname(out, HOST_SIZE) < 0)
        out[0] = 0;
    out[HOST_SIZE - 1] = 0;
    for (char *c = out; *c != 0; c++) {
        bool is_good = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                       (*c >= '0' && *c <= '9') || *c == '-' || *c == '.';
        if (!is_good)
            *c = '-';
    }
    if (out[0] == 0)
        snprintf(out, HOST_SIZE, "host");
}

enum status log_origin_make(const char *prefix, char out[NOTE_NAME_SIZE], struct error *err)
{
    uint8_t random[RANDOM_BYTES];
    char digits[2 * RANDOM_BYTES + 1];
    char host[HOST_SIZE];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return error_set_errno(err, ST_IO, "get random numbers");
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(digits + 2 * i, 3, "%02x", random[i]);
    host_name(host);
    int size = prefix != NULL ? snprintf(out, NOTE_NAME_SIZE, "%s/%s", prefix, digits)
                              : snprintf(out, NOTE_NAME_SIZE, "%s/telltale/%s", host, digits);
    return size > 0 && size < NOTE_NAME_SIZE
               ? ST_OK
               : error_set(err, ST_INVALID, "the origin is too long for a number behind it");
}
