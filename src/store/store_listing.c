/* SPDX-License-Identifier: Apache-2.0 */
/* store_listing.c -- see store_listing.h. */
#include "store/store_listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTING_COUNT_MAX = 4 << 20 };

static enum status add(struct store_listing *listing, const struct store_file_name *name,
                       struct error *err)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity > 0 ? 2 * listing->capacity : 256;
        if (capacity > LISTING_COUNT_MAX)
            return error_set(err, ST_LIMIT, "more than %zu closed files", listing->capacity);
        struct store_file_name *names =
            reallocarray(listing->names, capacity, sizeof(listing->names[0]));
        if (names == NULL)
            return error_set(err, ST_NO_MEMORY, "list %zu files", capacity);
        listing->names = names;
        listing->capacity = capacity;
    }
    listing->names[listing->count++] = *name;
    return ST_OK;
}

static int compare(const void *a, const void *b)
{
    const struct store_file_name *x = a;
    const struct store_file_name *y = b;
    int order = store_file_name_compare(x, y);
    return order != 0 ? order : (int)x->compressed - (int)y->compressed;
}

static enum status read_names(struct store_listing *listing, DIR *stream,
                              const struct store_file_name *after, struct error *err)
{
    for (;;) {
        struct store_file_name name;
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (item == NULL && errno != 0)
            return error_set_errno(err, ST_IO, "list the store");
        if (item == NULL)
            return ST_OK;
        if (!store_file_name_parse(item->d_name, &name) ||
            (after != NULL && store_file_name_compare(&name, after) <= 0))
            continue;
        enum status st = add(listing, &name, err);
        if (st != ST_OK)
            return st;
    }
}

enum status store_listing_read(struct store_listing *listing, int dir_fd,
                               const struct store_file_name *after, struct error *err)
{
    listing->count = 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "list the store");
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        enum status st = error_set_errno(err, ST_IO, "list the store");
        (void)close(fd); /* only read from */
        return st;
    }
    enum status st = read_names(listing, stream, after, err);
    (void)closedir(stream); /* only read from */
    if (st == ST_OK && listing->count > 0)
        qsort(listing->names, listing->count, sizeof(listing->names[0]), compare);
    return st;
}

const struct store_file_name *store_listing_before(const struct store_listing *listing,
                                                   size_t count)
{
    size_t at = listing->count;

    /* A file and its compressed form are one. */
    for (size_t seen = 0; at > 0; at--) {
        bool is_other = at == listing->count ||
                        store_file_name_compare(&listing->names[at - 1], &listing->names[at]) != 0;
        if (is_other && seen++ == count)
            return &listing->names[at - 1];
    }
    return NULL;
}

uint64_t store_listing_bytes(int dir_fd)
{
    struct store_listing listing = {.names = NULL};
    char name[STORE_FILE_NAME_SIZE] = STORE_ACTIVE_NAME;
    struct stat info;
    struct error ignored;
    uint64_t sum = 0;

    if (store_listing_read(&listing, dir_fd, NULL, &ignored) != ST_OK)
        listing.count = 0;
    for (size_t i = 0; i <= listing.count; i++) {
        if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (uint64_t)info.st_size;
        if (i < listing.count)
            store_file_name_format(&listing.names[i], name);
    }
    store_listing_fini(&listing);
    return sum;
}

void store_listing_fini(struct store_listing *listing)
{
    free(listing->names);
    *listing = (struct store_listing){.names = NULL};
}
