/* SPDX-License-Identifier: Apache-2.0 */
/* log_files.c -- see log_files.h.  The file, named after the origin's hash:
 *
 *     <head>
 *     <origin>
 *     <the bytes>
 *     <SHA-256 of all that, base64>
 */
#include "telltale/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "telltale/disk_dirs.h"
#include "telltale/hash.h"

enum { NAME_SIZE = 32, ORIGIN_HASH_BYTES = 8, TAIL_SIZE = HASH_BASE64_SIZE + 1 };

enum status log_files_open(struct log_files *files, const struct disk_io *io, const char *state_dir,
                           const char *type, const char *exporter, struct error *err)
{
    char path[PATH_MAX];

    files->io = io;
    int size = snprintf(path, sizeof(path), "%s/%s/%s", state_dir, type, exporter);
    if (size < 0 || (size_t)size >= sizeof(path))
        return error_set(err, ST_INVALID, "the name of the directory of '%.100s' is too long",
                         exporter);
    for (char *c = path + size - strlen(exporter); *c != 0; c++)
        if (*c == '/')
            *c = '.';
    enum status st = disk_make_dirs(io, path, err);
    if (st != ST_OK)
        return st;
    files->dir_fd = io->open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return files->dir_fd >= 0 ? ST_OK : error_set_errno(err, ST_IO, "open '%s'", path);
}

void log_files_close(struct log_files *files)
{
    if (files->dir_fd >= 0)
        (void)close(files->dir_fd); /* a directory */
    files->dir_fd = -1;
}

/* An origin may hold whatever a name of a key may. */
static void name_of(const char *origin, char out[NAME_SIZE])
{
    struct hash hash = hash_bytes(slice_of_text(origin));

    for (size_t i = 0; i < ORIGIN_HASH_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash.bytes[i]);
    (void)snprintf(out + (size_t)2 * ORIGIN_HASH_BYTES, 8, ".log"); /* fits */
}

bool log_files_take_line(struct slice *text, struct slice *ret)
{
    const uint8_t *end = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;

    if (end == NULL)
        return false;
    *ret = slice_of(text->data, (size_t)(end - text->data));
    *text = slice_from(*text, ret->size + 1);
    return true;
}

static bool take_hash(struct slice *text)
{
    struct hash said;

    if (text->size < TAIL_SIZE || text->data[text->size - 1] != '\n' ||
        !hash_parse_base64(slice_of(text->data + text->size - TAIL_SIZE, HASH_BASE64_SIZE), &said))
        return false;
    text->size -= TAIL_SIZE;
    struct hash found = hash_bytes(*text);
    return hash_equal(&said, &found);
}

/* Cuts head and tail off.  False: it is damaged, or of another log or version. */
static bool take_frame(struct slice *text, const char *head, const char *origin)
{
    struct slice line;

    return take_hash(text) && log_files_take_line(text, &line) &&
           slice_equal(line, slice_of_text(head)) && log_files_take_line(text, &line) &&
           slice_equal(line, slice_of_text(origin));
}

static enum status read_whole(const struct log_files *files, int fd, uint8_t **ret_data,
                              struct slice *ret, struct error *err)
{
    size_t size = 0;

    *ret_data = malloc(LOG_FILE_SIZE_MAX);
    if (*ret_data == NULL)
        return error_set(err, ST_NO_MEMORY, "read what is known of a log");
    enum status st = disk_read(files->io, fd, *ret_data, LOG_FILE_SIZE_MAX, 0, &size, err);
    *ret = slice_of(*ret_data, size);
    return st;
}

enum status log_files_read(const struct log_files *files, const char *head, const char *origin,
                           log_file_parse *parse, void *context, bool *ret_is_known,
                           struct error *err)
{
    char name[NAME_SIZE];
    uint8_t *data;
    struct slice text;

    name_of(origin, name);
    *ret_is_known = false;
    int fd = files->io->open_at(files->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0 && errno == ENOENT)
        return ST_OK;
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    enum status st = read_whole(files, fd, &data, &text, err);
    if (st == ST_OK && take_frame(&text, head, origin)) {
        st = parse(context, text, err);
        *ret_is_known = st == ST_OK;
        st = st == ST_INVALID || st == ST_LIMIT ? ST_OK : st;
    }
    free(data);
    (void)close(fd); /* only read from */
    return st;
}

static enum status put_line(struct buf *out, const char *text, struct error *err)
{
    enum status st = buf_append(out, text, strlen(text), err);

    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

enum status log_files_write(const struct log_files *files, const char *head, const char *origin,
                            struct slice bytes, struct error *err)
{
    char name[NAME_SIZE], hash_text[HASH_BASE64_SIZE + 1] = {0};
    struct buf text;

    name_of(origin, name);
    buf_init(&text, LOG_FILE_SIZE_MAX);
    enum status st = put_line(&text, head, err);
    if (st == ST_OK)
        st = put_line(&text, origin, err);
    if (st == ST_OK)
        st = buf_append(&text, bytes.data, bytes.size, err);
    if (st == ST_OK) {
        struct hash hash = hash_bytes(buf_slice(&text));
        hash_format_base64(&hash, hash_text);
        st = put_line(&text, hash_text, err);
    }
    if (st == ST_OK)
        st = disk_publish(files->io, files->dir_fd, name, text.data, text.size, err);
    buf_fini(&text);
    return st;
}
