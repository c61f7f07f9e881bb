/* SPDX-License-Identifier: Apache-2.0 */
/* volatile_names.c -- names that are not synced.
 *
 * Each change of a name is a step of a log, with what is needed to take it back; what it removed or
 * replaced is set aside.  Syncing a directory takes the steps that made or removed an entry of it
 * off the log; a rename counts for the directory of the new name.  A step that touches a name which
 * a later durable step touches is durable with it.  At the power cut a step may be lost if it is
 * chosen, and must be if an earlier lost one touches the same name; the lost ones are taken back
 * from the last to the first.
 *
 * Directories are known by descriptors, which stay right when something above them is renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/volatile_parts.h"
#include "telltale/base.h"

enum {
    REMOVED_NAME_SIZE = 24,
    OPEN_DIRECTORIES_MAX = 16,
};

enum step_type { STEP_MADE, STEP_REMOVED, STEP_RENAMED };

/* An entry of a directory; fd -1: none. */
struct place {
    int fd; /* owned: the directory */
    ino_t inode;
    char name[NAME_MAX + 1];
};

struct step {
    struct step *earlier;
    enum step_type type;
    bool marked;                     /* durable, or lost: within one function */
    struct place from;               /* STEP_RENAMED: the old name */
    struct place to;                 /* the name that was made, removed, or given */
    bool is_dir;                     /* STEP_MADE */
    char removed[REMOVED_NAME_SIZE]; /* what stood at `to` is there; "": nothing did */
};

static int find_place(int dir_fd, const char *name, struct place *out)
{
    struct stat info;

    out->fd = -1;
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    if (fstat(dir_fd, &info) < 0)
        return -errno;
    out->fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (out->fd < 0)
        return -errno;
    out->inode = info.st_ino;
    memcpy(out->name, name, strlen(name) + 1);
    return 0;
}

static void release_place(struct place *entry)
{
    if (entry->fd >= 0)
        (void)close(entry->fd); /* a directory */
}

static void free_step(struct step *step)
{
    release_place(&step->from);
    release_place(&step->to);
    free(step);
}

static struct step *new_step(enum step_type type)
{
    struct step *step = calloc(1, sizeof(*step));

    ASSERT(step != NULL);
    step->type = type;
    step->from.fd = step->to.fd = -1;
    return step;
}

/* The step was taken, or failed. */
static int log_step(struct volatile_names *names, struct step *step, int error)
{
    if (error != 0) {
        free_step(step);
        return error;
    }
    step->earlier = names->steps;
    names->steps = step;
    return 0;
}

static bool same_place(const struct place *a, const struct place *b)
{
    return a->fd >= 0 && b->fd >= 0 && a->inode == b->inode && strcmp(a->name, b->name) == 0;
}

static bool share_name(const struct step *a, const struct step *b)
{
    return same_place(&a->to, &b->to) || same_place(&a->to, &b->from) ||
           same_place(&a->from, &b->to) || same_place(&a->from, &b->from);
}

/* Removes what a durable step had set aside. */
static void settle_step(struct volatile_names *names, const struct step *step)
{
    struct stat info;

    if (step->removed[0] == 0)
        return;
    ASSERT(fstatat(names->removed_fd, step->removed, &info, AT_SYMLINK_NOFOLLOW) == 0);
    ASSERT(unlinkat(names->removed_fd, step->removed, 0) == 0);
    if (info.st_nlink == 1)
        volatile_data_forget(names->data, info.st_ino); /* no power cut brings it back */
}

/* Takes the marked steps off the log. */
static void settle_marked(struct volatile_names *names)
{
    struct step **link = &names->steps;

    while (*link != NULL) {
        struct step *step = *link;
        if (!step->marked) {
            link = &step->earlier;
            continue;
        }
        *link = step->earlier;
        settle_step(names, step);
        free_step(step);
    }
}

void volatile_names_keep_all(struct volatile_names *names)
{
    for (struct step *step = names->steps; step != NULL; step = step->earlier)
        step->marked = true;
    settle_marked(names);
}

void volatile_names_keep_dir(struct volatile_names *names, ino_t dir)
{
    for (struct step *step = names->steps; step != NULL; step = step->earlier) {
        step->marked = step->to.inode == dir;
        for (const struct step *later = names->steps; later != step && !step->marked;
             later = later->earlier)
            step->marked = later->marked && share_name(later, step);
    }
    settle_marked(names);
}

void volatile_names_forget_all(struct volatile_names *names)
{
    while (names->steps != NULL) {
        struct step *step = names->steps;
        names->steps = step->earlier;
        free_step(step);
    }
}

/* --- Changing ------------------------------------------------------------------------------ */

static int begin_step(enum step_type type, int dir_fd, const char *name, struct step **ret)
{
    *ret = new_step(type);
    return find_place(dir_fd, name, &(*ret)->to);
}

int volatile_names_create(struct volatile_names *names, int dir_fd, const char *name, mode_t mode)
{
    struct step *step;
    int fd = -1;

    int error = begin_step(STEP_MADE, dir_fd, name, &step);
    if (error == 0)
        fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (error == 0 && fd < 0)
        error = -errno;
    error = log_step(names, step, error);
    return error == 0 ? fd : error;
}

int volatile_names_make_dir(struct volatile_names *names, int dir_fd, const char *name, mode_t mode)
{
    struct step *step;

    int error = begin_step(STEP_MADE, dir_fd, name, &step);
    step->is_dir = true;
    if (error == 0 && mkdirat(dir_fd, name, mode) < 0)
        error = -errno;
    return log_step(names, step, error);
}

int volatile_names_link(struct volatile_names *names, int fd, int dir_fd, const char *name)
{
    char path[64];
    struct step *step;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int error = begin_step(STEP_MADE, dir_fd, name, &step);
    if (error == 0 && linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) < 0)
        error = -errno;
    return log_step(names, step, error);
}

/* Puts what stands at `step->to` where a lost step finds it again.  Descriptors of it go on
 * working. */
static int set_aside(struct volatile_names *names, struct step *step)
{
    char name[REMOVED_NAME_SIZE];

    snprintf(name, sizeof(name), "%llu", (unsigned long long)names->removed_count++);
    if (renameat(step->to.fd, step->to.name, names->removed_fd, name) < 0)
        return -errno;
    memcpy(step->removed, name, sizeof(name));
    return 0;
}

int volatile_names_remove(struct volatile_names *names, int dir_fd, const char *name)
{
    struct stat info;
    struct step *step;

    int error = begin_step(STEP_REMOVED, dir_fd, name, &step);
    if (error == 0 && fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        error = -errno;
    if (error == 0 && S_ISDIR(info.st_mode))
        error = -EISDIR;
    if (error == 0)
        error = set_aside(names, step);
    return log_step(names, step, error);
}

/* Makes room for the new name of a rename. */
static int replace(struct volatile_names *names, struct step *step, unsigned flags)
{
    struct stat old;
    struct stat new;

    if (fstatat(step->from.fd, step->from.name, &old, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (fstatat(step->to.fd, step->to.name, &new, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if ((flags & RENAME_NOREPLACE) != 0)
        return -EEXIST;
    if (S_ISDIR(old.st_mode) || S_ISDIR(new.st_mode))
        return -EISDIR; /* directories stay */
    return set_aside(names, step);
}

int volatile_names_rename(struct volatile_names *names, int from_fd, const char *from, int to_fd,
                          const char *to, unsigned flags)
{
    struct step *step;

    if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        return -EINVAL;
    int error = begin_step(STEP_RENAMED, to_fd, to, &step);
    if (error == 0)
        error = find_place(from_fd, from, &step->from);
    if (error == 0)
        error = replace(names, step, flags);
    if (error == 0)
        ASSERT(renameat(from_fd, from, to_fd, to) == 0); /* both were looked at */
    return log_step(names, step, error);
}

/* --- Power cut ----------------------------------------------------------------------------- */

static int remove_found(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

void volatile_remove_tree(int dir_fd, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
    (void)nftw(path, remove_found, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS);
}

static void take_back(struct volatile_names *names, const struct step *step)
{
    if (step->type == STEP_RENAMED)
        ASSERT(renameat(step->to.fd, step->to.name, step->from.fd, step->from.name) == 0);
    if (step->type == STEP_MADE && step->is_dir)
        volatile_remove_tree(step->to.fd, step->to.name);
    else if (step->type == STEP_MADE)
        ASSERT(unlinkat(step->to.fd, step->to.name, 0) == 0);
    if (step->removed[0] != 0)
        ASSERT(renameat(names->removed_fd, step->removed, step->to.fd, step->to.name) == 0);
}

static struct step *oldest_first(struct step *steps)
{
    struct step *turned = NULL;

    while (steps != NULL) {
        struct step *next = steps->earlier;
        steps->earlier = turned;
        turned = steps;
        steps = next;
    }
    return turned;
}

static void choose_lost_steps(const struct cut *cut, struct step *oldest)
{
    for (struct step *step = oldest; step != NULL; step = step->earlier) {
        step->marked = is_lost(cut);
        for (struct step *before = oldest; before != step && !step->marked;
             before = before->earlier)
            step->marked = before->marked && share_name(before, step);
        cut->losses->names_unsynced++;
        cut->losses->names_lost += step->marked;
    }
}

void volatile_names_cut(struct volatile_names *names, const struct cut *cut)
{
    struct step *oldest = oldest_first(names->steps);

    choose_lost_steps(cut, oldest);
    names->steps = oldest_first(oldest);
    for (struct step *step = names->steps; step != NULL; step = step->earlier) {
        if (step->marked)
            take_back(names, step);
    }
    volatile_names_forget_all(names);
}
