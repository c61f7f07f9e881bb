/* SPDX-License-Identifier: Apache-2.0 */
/* letter_file.c -- see letter_file.h.
 *
 * A line is searched in a window that grows to LETTER_LINE_MAX and no further: of a longer line
 * the window is emptied until its end is found.
 */
#include "deliver/letter_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_SIZE = 256 << 10, WINDOW_KEEP_SIZE = 1 << 20, LIST_GROWTH = 64 };

/* --- Which files ------------------------------------------------------------------------------ */

/* NAME.N.jsonl; any *.jsonl when there is no name. */
static bool is_wanted(const char *file_name, const char *name)
{
    size_t size = strlen(file_name);

    if (size <= 6 || size >= LETTER_FILE_NAME_SIZE || strcmp(file_name + size - 6, ".jsonl") != 0)
        return false;
    if (name == NULL)
        return true;
    size_t name_size = strlen(name);
    if (strncmp(file_name, name, name_size) != 0 || file_name[name_size] != '.')
        return false;
    const char *rest = file_name + name_size + 1;
    size_t digits = strspn(rest, "0123456789");
    return digits > 0 && strcmp(rest + digits, ".jsonl") == 0;
}

static enum status add_name(struct letter_file_list *list, const char *file_name, struct error *err)
{
    if (list->count == LETTER_FILES_MAX)
        return error_set(err, ST_LIMIT, "more than %d files of dead letters", LETTER_FILES_MAX);
    if (list->count % LIST_GROWTH == 0) {
        void *grown = reallocarray(list->names, list->count + LIST_GROWTH, sizeof(*list->names));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "list the dead letters");
        list->names = grown;
    }
    snprintf(list->names[list->count++], LETTER_FILE_NAME_SIZE, "%s", file_name);
    return ST_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(a, b);
}

enum status letter_files_list(const struct disk_io *io, int dir_fd, const char *name,
                              struct letter_file_list *ret, struct error *err)
{
    struct letter_file_list list = {NULL, 0};
    enum status st = ST_OK;

    int fd = io->open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        st = error_set_errno(err, ST_IO, "list the dead letters");
        if (fd >= 0)
            (void)close(fd); /* nothing was written */
        return st;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL && st == ST_OK; entry = readdir(dir)) {
        if (is_wanted(entry->d_name, name))
            st = add_name(&list, entry->d_name, err);
    }
    (void)closedir(dir); /* nothing was written */
    if (st != ST_OK) {
        letter_files_free(&list);
        return st;
    }
    if (list.count > 0)
        qsort(list.names, list.count, sizeof(*list.names), compare_names);
    *ret = list;
    return ST_OK;
}

void letter_files_free(struct letter_file_list *list)
{
    free(list->names);
    *list = (struct letter_file_list){NULL, 0};
}

/* --- Lines ------------------------------------------------------------------------------------ */

void letter_lines_init(struct letter_lines *lines, const struct disk_io *io)
{
    *lines = (struct letter_lines){.io = io, .fd = -1};
    buf_init(&lines->window, LETTER_LINE_MAX + 2 * READ_SIZE);
}

void letter_lines_fini(struct letter_lines *lines)
{
    letter_lines_close(lines);
    buf_fini(&lines->window);
}

enum status letter_lines_open(struct letter_lines *lines, int dir_fd, const char *name,
                              struct error *err)
{
    letter_lines_close(lines);
    enum status st = buf_reserve(&lines->window, READ_SIZE, err);
    if (st != ST_OK)
        return st;
    lines->fd = lines->io->open_at(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (lines->fd < 0 && errno == ENOENT)
        return error_set(err, ST_NOT_FOUND, "there is no '%s'", name);
    if (lines->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    return ST_OK;
}

void letter_lines_close(struct letter_lines *lines)
{
    if (lines->fd >= 0)
        (void)close(lines->fd); /* nothing was written */
    lines->fd = -1;
    lines->at = 0;
    lines->offset = 0;
    buf_trim(&lines->window, WINDOW_KEEP_SIZE);
    buf_clear(&lines->window);
}

static void drop(struct letter_lines *lines, size_t size)
{
    lines->at += size;
    lines->offset += size;
}

/* Reads more behind what the window has; *ret_got 0: there is no more. */
static enum status read_more(struct letter_lines *lines, size_t *ret_got, struct error *err)
{
    struct buf *window = &lines->window;
    size_t left = window->size - lines->at;

    if (lines->at > 0) {
        memmove(window->data, window->data + lines->at, left);
        window->size = left;
        lines->at = 0;
    }
    enum status st = buf_reserve(window, READ_SIZE, err);
    if (st == ST_OK)
        st = disk_read(lines->io, lines->fd, window->data + window->size, READ_SIZE,
                       lines->offset + window->size, ret_got, err);
    if (st == ST_OK)
        window->size += *ret_got;
    return st;
}

/* Finds the next newline; *ret_size is the line's, its newline included.  ST_LIMIT when the line
 * was too long; it is dropped up to and with its newline. */
static enum status find_end(struct letter_lines *lines, size_t *ret_size, struct error *err)
{
    uint64_t start = lines->offset;
    size_t searched = 0;

    for (;;) {
        size_t left = lines->window.size - lines->at;
        const uint8_t *text = lines->window.data + lines->at;
        const uint8_t *newline =
            left > searched ? memchr(text + searched, '\n', left - searched) : NULL;
        size_t size = newline != NULL ? (size_t)(newline - text) + 1 : left;
        bool is_long = lines->offset + size - start > (uint64_t)LETTER_LINE_MAX + 1;
        if (newline != NULL && !is_long) {
            *ret_size = size;
            return ST_OK;
        }
        if (is_long)
            drop(lines, size);
        if (newline != NULL)
            return error_set(err, ST_LIMIT, "the line at byte %" PRIu64 " is over %d bytes", start,
                             LETTER_LINE_MAX);
        searched = is_long ? 0 : left;
        size_t got = 0;
        enum status st = read_more(lines, &got, err);
        if (st != ST_OK)
            return st;
        if (got == 0)
            return error_set(err, ST_AGAIN, "the end of the file");
    }
}

enum status letter_lines_next(struct letter_lines *lines, struct letter_line *ret,
                              struct error *err)
{
    size_t size = 0;

    enum status st = find_end(lines, &size, err);
    if (st != ST_OK)
        return st;
    ret->text = slice_of(lines->window.data + lines->at, size - 1);
    ret->start = lines->offset;
    ret->end = lines->offset + size;
    drop(lines, size);
    return ST_OK;
}
