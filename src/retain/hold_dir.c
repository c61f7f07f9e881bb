/* SPDX-License-Identifier: Apache-2.0 */
/* hold_dir.c -- the holds of a store as files.
 *
 * The lock is flock(2) on the directory of holds: exclusive while one is added, shared while
 * something is deleted.  Ending a hold takes none; what was held a moment longer is no loss.
 *
 * <id>.released is written whole before <id>.json goes.  Where both stand the hold is in force, and
 * ending it again finishes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telltale/disk_io.h"
#include "telltale/hold.h"

#define IN_FORCE_SUFFIX ".json"
#define RELEASED_SUFFIX ".released"

enum { DIR_MODE = 0700, NAME_SIZE = HOLD_ID_SIZE + 16, FILES_MAX = 4096, LIST_TRIES_MAX = 8 };

/* --- The directory --------------------------------------------------------------------------- */

/* ST_NOT_FOUND: there is none. */
static enum status open_dir(int dir_fd, int *ret, struct error *err)
{
    *ret = openat(dir_fd, HOLD_DIR_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*ret >= 0)
        return ST_OK;
    return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", HOLD_DIR_NAME);
}

/* Whoever made it: it belongs to the owner of the store. */
static void give_to_owner(int dir_fd, int fd)
{
    struct stat store;

    if (geteuid() == 0 && fstat(dir_fd, &store) == 0)
        (void)(fchown(fd, store.st_uid, store.st_gid) == 0); /* else root alone can end it */
}

static enum status make_dir(int dir_fd, int *ret, struct error *err)
{
    enum status st = open_dir(dir_fd, ret, err);
    if (st != ST_NOT_FOUND)
        return st;
    if (mkdirat(dir_fd, HOLD_DIR_NAME, DIR_MODE) < 0 && errno != EEXIST)
        return error_set_errno(err, ST_IO, "make '%s'", HOLD_DIR_NAME);
    st = open_dir(dir_fd, ret, err);
    if (st != ST_OK)
        return st;
    give_to_owner(dir_fd, *ret);
    return disk_sync_dir(&disk_io_system, dir_fd, err);
}

enum status hold_lock_shared(int dir_fd, int *ret_lock, struct error *err)
{
    int fd = -1;

    *ret_lock = -1;
    enum status st = make_dir(dir_fd, &fd, err);
    if (st != ST_OK) {
        if (fd >= 0)
            (void)close(fd); /* a directory */
        /* On a disk so full that no directory can be made, no hold can be either. */
        return faccessat(dir_fd, HOLD_DIR_NAME, F_OK, 0) < 0 && errno == ENOENT ? ST_OK : st;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
        st = errno == EWOULDBLOCK ? error_set(err, ST_AGAIN, "a hold is being added")
                                  : error_set_errno(err, ST_IO, "lock '%s'", HOLD_DIR_NAME);
        (void)close(fd); /* a directory */
        return st;
    }
    *ret_lock = fd;
    return ST_OK;
}

/* --- Listing --------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);
    return size > suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

/* The order of a directory means nothing, so the numbers of its files are added up. */
static uint64_t stamp_of(const char *name, const struct stat *info)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    const uint64_t facts[] = {(uint64_t)info->st_ino, (uint64_t)info->st_size,
                              (uint64_t)info->st_mtim.tv_sec, (uint64_t)info->st_mtim.tv_nsec};

    for (const char *at = name; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(1099511628211);
    for (size_t i = 0; i < COUNT_OF(facts); i++)
        hash = (hash ^ facts[i]) * UINT64_C(1099511628211);
    return hash;
}

struct listing {
    int fd;                 /* of the directory of holds */
    struct hold_list *list; /* NULL: only the stamp is wanted */
    bool with_released;
    uint64_t stamp;
    size_t files;
};

static enum status read_file(int fd, const char *name, struct hold **ret, struct error *err)
{
    struct buf text;
    size_t got = 0;

    int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open");
    buf_init(&text, HOLD_FILE_SIZE_MAX + 1);
    enum status st = buf_reserve(&text, HOLD_FILE_SIZE_MAX + 1, err);
    if (st == ST_OK)
        st = disk_read(&disk_io_system, file, text.data, HOLD_FILE_SIZE_MAX + 1, 0, &got, err);
    if (st == ST_OK)
        st = hold_read(slice_of(text.data, got), ret, err);
    (void)close(file); /* only read from */
    buf_fini(&text);
    return st;
}

static bool is_named_after(const char *name, const struct hold *hold)
{
    size_t size = strlen(hold->id);

    return strncmp(name, hold->id, size) == 0 && strchr(name, '.') == name + size;
}

static enum status add_file(struct listing *listing, const char *name, bool is_released,
                            struct error *err)
{
    struct hold_list *list = listing->list;
    struct hold *hold = NULL;
    struct error why = {.text = ""};

    enum status st = list->count == HOLDS_MAX
                         ? error_set(&why, ST_LIMIT, "more than %d", (int)HOLDS_MAX)
                         : read_file(listing->fd, name, &hold, &why);
    if (st == ST_OK && !is_named_after(name, hold)) {
        hold_destroy(hold);
        st = error_set(&why, ST_INVALID, "the id in it is another");
    }
    if (st == ST_OK) {
        if (!is_released) /* says the file's name */
            hold->released_unix_ns = 0;
        list->items[list->count++] = hold;
        return ST_OK;
    }
    if (st == ST_NO_MEMORY)
        return error_set(err, st, "%s", why.text);
    if (st == ST_NOT_FOUND || is_released)
        return ST_OK; /* gone since it was listed */
    if (list->unreadable++ == 0)
        snprintf(list->trouble, sizeof(list->trouble), "%s/%.80s: %.140s", HOLD_DIR_NAME, name,
                 why.text);
    return ST_OK;
}

static enum status take_name(struct listing *listing, const char *name, struct error *err)
{
    bool is_released = ends_with(name, RELEASED_SUFFIX);
    struct stat info;

    if (!is_released && !ends_with(name, IN_FORCE_SUFFIX))
        return ST_OK;
    if (fstatat(listing->fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? ST_OK : error_set_errno(err, ST_IO, "look at '%.80s'", name);
    if (++listing->files > FILES_MAX)
        return error_set(err, ST_IO, "more than %d files in '%s'", (int)FILES_MAX, HOLD_DIR_NAME);
    listing->stamp += stamp_of(name, &info);
    if (listing->list == NULL || (is_released && !listing->with_released))
        return ST_OK;
    return add_file(listing, name, is_released, err);
}

static enum status list_files(struct listing *listing, struct error *err)
{
    enum status st = ST_OK;
    int fd = dup(listing->fd);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL) {
        st = error_set_errno(err, ST_IO, "list '%s'", HOLD_DIR_NAME);
        if (fd >= 0)
            (void)close(fd); /* a directory */
        return st;
    }
    rewinddir(stream); /* the place in it is shared with the other descriptor */
    while (st == ST_OK) {
        errno = 0;
        const struct dirent *item = readdir(stream);
        if (item == NULL) {
            st = errno != 0 ? error_set_errno(err, ST_IO, "list '%s'", HOLD_DIR_NAME) : ST_OK;
            break;
        }
        st = take_name(listing, item->d_name, err);
    }
    (void)closedir(stream); /* only read from */
    return st;
}

enum status hold_stamp_read(int dir_fd, uint64_t *ret, struct error *err)
{
    struct listing listing = {.list = NULL};

    enum status st = open_dir(dir_fd, &listing.fd, err);
    if (st == ST_NOT_FOUND) {
        *ret = 0;
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    st = list_files(&listing, err);
    (void)close(listing.fd); /* a directory */
    if (st == ST_OK)
        *ret = listing.stamp;
    return st;
}

static int compare_holds(const void *a, const void *b)
{
    const struct hold *const *x = a;
    const struct hold *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

enum status hold_list_read(struct hold_list *list, int dir_fd, bool with_released,
                           struct error *err)
{
    struct listing listing = {.list = list, .with_released = with_released};

    *list = (struct hold_list){.items = NULL};
    enum status st = open_dir(dir_fd, &listing.fd, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK)
        return st;
    list->items = calloc(HOLDS_MAX, sizeof(struct hold *));
    st = list->items != NULL ? list_files(&listing, err)
                             : error_set(err, ST_NO_MEMORY, "list '%s'", HOLD_DIR_NAME);
    (void)close(listing.fd); /* a directory */
    if (st != ST_OK) {
        hold_list_fini(list);
        return st;
    }
    list->stamp = listing.stamp;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(struct hold *), compare_holds);
    return ST_OK;
}

void hold_list_fini(struct hold_list *list)
{
    for (size_t i = 0; list->items != NULL && i < list->count; i++)
        hold_destroy(list->items[i]);
    free(list->items);
    *list = (struct hold_list){.items = NULL};
}

/* --- Adding and ending ----------------------------------------------------------------------- */

static enum status publish(int dir_fd, int holds_fd, const char *name, const struct hold *hold,
                           struct error *err)
{
    struct buf text;

    buf_init(&text, HOLD_FILE_SIZE_MAX);
    enum status st = hold_put(hold, &text, err);
    if (st == ST_OK)
        st = disk_publish(&disk_io_system, holds_fd, name, text.data, text.size, err);
    buf_fini(&text);
    if (st != ST_OK)
        return st;
    int fd = openat(holds_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        give_to_owner(dir_fd, fd);
        (void)close(fd); /* only read from */
    }
    return ST_OK;
}

enum status hold_add(int dir_fd, const struct hold *hold, struct error *err)
{
    char name[NAME_SIZE];
    struct stat info;
    int fd = -1;

    enum status st = hold_check(hold, err);
    if (st == ST_OK)
        st = make_dir(dir_fd, &fd, err);
    if (st != ST_OK)
        goto out;
    snprintf(name, sizeof(name), "%s" RELEASED_SUFFIX, hold->id);
    bool is_taken = fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    snprintf(name, sizeof(name), "%s" IN_FORCE_SUFFIX, hold->id);
    is_taken = is_taken || fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_taken)
        st = error_set(err, ST_INVALID, "there is a hold '%s'", hold->id);
    else if (flock(fd, LOCK_EX) < 0)
        st = error_set_errno(err, ST_IO, "lock '%s'", HOLD_DIR_NAME);
    if (st == ST_OK)
        st = publish(dir_fd, fd, name, hold, err);
out:
    if (fd >= 0)
        (void)close(fd); /* a directory; what counts is synced */
    return st;
}

/* What is kept of a hold that cannot be read. */
static struct hold *unknown_hold(const char *id, uint64_t now_unix_ns)
{
    struct hold *hold = calloc(1, sizeof(*hold));

    if (hold == NULL)
        return NULL;
    snprintf(hold->id, sizeof(hold->id), "%s", id);
    hold->made_unix_ns = now_unix_ns;
    hold->by = "(not readable)";
    hold->reason = "(not readable)";
    hold->question.is_everything = true;
    return hold;
}

enum status hold_release(int dir_fd, const char *id, const char *by, const char *reason,
                         uint64_t now_unix_ns, struct error *err)
{
    char name[NAME_SIZE];
    char released_name[NAME_SIZE];
    struct hold *hold = NULL;
    int fd = -1;

    if (strnlen(id, HOLD_ID_SIZE) == HOLD_ID_SIZE || strchr(id, '/') != NULL)
        return error_set(err, ST_NOT_FOUND, "no hold '%.64s' is in force", id);
    snprintf(name, sizeof(name), "%s" IN_FORCE_SUFFIX, id);
    snprintf(released_name, sizeof(released_name), "%s" RELEASED_SUFFIX, id);
    enum status st = open_dir(dir_fd, &fd, err);
    if (st == ST_OK)
        st = read_file(fd, name, &hold, err);
    if (st == ST_INVALID) {
        hold = unknown_hold(id, now_unix_ns);
        st = hold != NULL ? ST_OK : error_set(err, ST_NO_MEMORY, "end a hold");
    }
    if (st == ST_NOT_FOUND)
        st = error_set(err, st, "no hold '%s' is in force", id);
    if (st != ST_OK)
        goto out;
    hold->released_unix_ns = now_unix_ns;
    hold->released_by = by;
    hold->released_reason = reason;
    st = publish(dir_fd, fd, released_name, hold, err);
    if (st == ST_OK && unlinkat(fd, name, 0) < 0)
        st = error_set_errno(err, ST_IO, "delete '%s/%s'", HOLD_DIR_NAME, name);
    if (st == ST_OK)
        st = disk_sync_dir(&disk_io_system, fd, err);
out:
    hold_destroy(hold);
    if (fd >= 0)
        (void)close(fd); /* a directory; what counts is synced */
    return st;
}
