/* SPDX-License-Identifier: Apache-2.0 */
/* journal_place.c -- see journal_place.h. */
#include "telltale/journal_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/cursor.h"

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name);

    return size >= strlen(ending) && strcmp(name + size - strlen(ending), ending) == 0;
}

/* A cursor that is being replaced is written as NAME.new; one that was put aside is NAME.corrupt.
 */
static bool is_cursor(int dir_fd, const char *name)
{
    struct stat info;

    return name[0] != '.' && !ends_with(name, ".new") && !ends_with(name, ".corrupt") &&
           fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
}

static void add_cursor(struct journal_place *place, int dir_fd, const char *name)
{
    struct cursor *cursor = NULL;
    struct error ignored; /* what is wrong with it shows as damage */

    if (place->cursor_count == PLACE_CURSORS_MAX) {
        place->has_more_cursors = true;
        return;
    }
    struct place_cursor *added = &place->cursors[place->cursor_count++];
    *added = (struct place_cursor){0};
    snprintf(added->name, sizeof(added->name), "%s", name);
    if (cursor_open(NULL, dir_fd, name, &cursor, &ignored) == ST_OK)
        added->next = cursor_next(cursor);
    else
        added->is_damaged = true;
    cursor_close(cursor);
    if (added->next > place->largest_cursor)
        place->largest_cursor = added->next;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct place_cursor *)a)->name, ((const struct place_cursor *)b)->name);
}

static void read_cursors(struct journal_place *place)
{
    int fd = openat(place->fd, "../cursors", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL)
        return; /* a journal that was copied alone */
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (is_cursor(fd, entry->d_name))
            add_cursor(place, fd, entry->d_name);
    }
    (void)closedir(stream); /* was only read */
    qsort(place->cursors, place->cursor_count, sizeof(place->cursors[0]), by_name);
}

enum status journal_place_open(struct journal_place *place, const struct config_dirs *dirs,
                               const char *dir, struct error *err)
{
    *place = (struct journal_place){.fd = -1};
    int size = dir != NULL
                   ? snprintf(place->path, sizeof(place->path), "%s", dir)
                   : snprintf(place->path, sizeof(place->path), "%s/journal", dirs->state_dir);
    if (size < 0 || (size_t)size >= sizeof(place->path))
        return error_set(err, ST_INVALID, "the name of the directory is too long");
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->fd < 0)
        return error_set_errno(err, ST_IO, "open the directory");
    read_cursors(place);
    return ST_OK;
}

void journal_place_close(struct journal_place *place)
{
    if (place->fd >= 0)
        (void)close(place->fd); /* was only read */
    place->fd = -1;
}

void journal_place_quarantine(const struct journal_place *place, place_file_function *on_file,
                              void *context)
{
    int fd = openat(place->fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL)
        return;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        struct stat info;
        if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
            on_file(context, entry->d_name, (uint64_t)info.st_size);
    }
    (void)closedir(stream); /* was only read */
}
