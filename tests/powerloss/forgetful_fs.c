/* SPDX-License-Identifier: Apache-2.0 */
/* forgetful_fs.c -- mounts a volatile_disk, so that any program can run on a disk that forgets.
 *
 *     forgetful_fs BASE MOUNT_POINT [--seed=N] [--sector=N] [--ext4-names] [--lie]
 *
 * The file ".power_cut" in the root is not real: what is written to it is the seed of a power cut.
 * A line of JSON on standard output says what that lost.  From then on every call fails with
 * EIO until the file system is unmounted; mounted again, BASE shows what was kept.
 *
 * One thread serves all calls, so a power cut falls between two of them; what a call in the middle
 * leaves behind is what the unsynced sectors of a whole one leave.  The kernel caches nothing:
 * every write arrives here (direct_io), and so does every question for a name.  Locks are the
 * kernel's own, since none is implemented here.
 *
 * The low-level interface of FUSE, because it asks by inode and not by path: a file that was
 * removed while it is open goes on working.
 */
#define FUSE_USE_VERSION 31

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "support/volatile_disk.h"
#include "telltale/base.h"

enum {
    SEED_TEXT_MAX = 32,
    FD_PATH_MAX = 32,
};

/* A file or directory that the kernel knows by the address of this. */
struct node {
    struct node *next;
    int fd; /* owned, O_PATH; of the root borrowed */
    ino_t inode;
    uint64_t lookups;
};

struct mount {
    struct volatile_disk *disk;
    struct node *nodes;
    struct node root;
    struct node power_cut; /* the file that is not real: no descriptor */
};

static const char switch_name[] = ".power_cut";

/* --- Nodes --------------------------------------------------------------------------------- */

static struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct volatile_disk *disk_of(fuse_req_t req)
{
    return mount_of(req)->disk;
}

static struct node *node_of(fuse_req_t req, fuse_ino_t number)
{
    return number == FUSE_ROOT_ID ? &mount_of(req)->root : (struct node *)number;
}

static int fd_of(fuse_req_t req, fuse_ino_t number)
{
    return node_of(req, number)->fd;
}

static bool is_switch(fuse_req_t req, fuse_ino_t number)
{
    return node_of(req, number) == &mount_of(req)->power_cut;
}

/* Whether the power is off; then the call is answered. */
static bool refuse_when_off(fuse_req_t req)
{
    if (!volatile_disk_is_off(disk_of(req)))
        return false;
    fuse_reply_err(req, EIO);
    return true;
}

/* Answers a call that gives nothing but success or a negative errno. */
static void answer(fuse_req_t req, int result)
{
    fuse_reply_err(req, result < 0 ? -result : 0);
}

static int errno_unless(bool good)
{
    return good ? 0 : -errno;
}

/* Lets `*out` say what stands at `name`; the kernel has then one more reference to it. */
static int look_up(fuse_req_t req, int dir_fd, const char *name, struct fuse_entry_param *out)
{
    struct mount *mount = mount_of(req);

    *out = (struct fuse_entry_param){0}; /* nothing is cached: its timeouts are 0 */
    int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ASSERT(fstat(fd, &out->attr) == 0);
    struct node *node = mount->nodes;
    while (node != NULL && node->inode != out->attr.st_ino)
        node = node->next;
    if (node != NULL) {
        (void)close(fd); /* the node has one */
    } else {
        node = calloc(1, sizeof(*node));
        ASSERT(node != NULL);
        *node = (struct node){.next = mount->nodes, .fd = fd, .inode = out->attr.st_ino};
        mount->nodes = node;
    }
    node->lookups++;
    out->ino = (fuse_ino_t)node;
    return 0;
}

static void switch_attributes(struct stat *out)
{
    *out = (struct stat){.st_mode = S_IFREG | 0200, .st_nlink = 1};
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry;

    if (refuse_when_off(req))
        return;
    if (parent == FUSE_ROOT_ID && strcmp(name, switch_name) == 0) {
        entry = (struct fuse_entry_param){.ino = (fuse_ino_t)&mount_of(req)->power_cut};
        switch_attributes(&entry.attr);
        fuse_reply_entry(req, &entry);
        return;
    }
    int error = look_up(req, fd_of(req, parent), name, &entry);
    if (error != 0)
        answer(req, error);
    else
        fuse_reply_entry(req, &entry);
}

static void fs_forget(fuse_req_t req, fuse_ino_t number, uint64_t count)
{
    struct mount *mount = mount_of(req);
    struct node **link = &mount->nodes;
    struct node *node = node_of(req, number);

    while (*link != NULL && *link != node)
        link = &(*link)->next;
    if (*link != NULL && (node->lookups -= count) == 0) {
        *link = node->next;
        (void)close(node->fd); /* O_PATH */
        free(node);
    }
    fuse_reply_none(req);
}

/* --- Looking ------------------------------------------------------------------------------- */

static void fs_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    struct stat info;

    (void)file;
    if (refuse_when_off(req))
        return;
    if (is_switch(req, number))
        switch_attributes(&info);
    else
        ASSERT(fstat(fd_of(req, number), &info) == 0);
    fuse_reply_attr(req, &info, 0);
}

static void fs_opendir(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    if (refuse_when_off(req))
        return;
    int fd = openat(fd_of(req, number), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        answer(req, -errno);
        return;
    }
    file->fh = (uint64_t)fd;
    fuse_reply_open(req, file);
}

/* Puts the entries behind `offset` into `out`, as many as there is room for. */
static size_t list(fuse_req_t req, DIR *stream, off_t offset, char *out, size_t size)
{
    size_t used = 0;

    seekdir(stream, offset);
    for (struct dirent *item = readdir(stream); item != NULL; item = readdir(stream)) {
        struct stat info = {.st_ino = item->d_ino, .st_mode = (mode_t)item->d_type << 12};
        size_t more =
            fuse_add_direntry(req, out + used, size - used, item->d_name, &info, item->d_off);
        if (more > size - used)
            break;
        used += more;
    }
    return used;
}

/* A stream for each answer: nobody closes one that outlives a program whose disk has gone. */
static void fs_readdir(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *file)
{
    (void)number;
    if (refuse_when_off(req))
        return;
    int fd = openat((int)file->fh, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    char *out = calloc(1, size);
    ASSERT(stream != NULL && out != NULL);
    fuse_reply_buf(req, out, list(req, stream, offset, out, size));
    free(out);
    (void)closedir(stream); /* was only read */
}

static void fs_statfs(fuse_req_t req, fuse_ino_t number)
{
    struct statvfs info;

    (void)number;
    if (refuse_when_off(req))
        return;
    ASSERT(fstatvfs(volatile_disk_root(disk_of(req)), &info) == 0);
    fuse_reply_statfs(req, &info);
}

static void fs_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
                    struct fuse_file_info *file)
{
    (void)number;
    if (refuse_when_off(req))
        return;
    char *data = malloc(size);
    ASSERT(data != NULL);
    ssize_t got = pread((int)file->fh, data, size, offset);
    if (got < 0)
        answer(req, -errno);
    else
        fuse_reply_buf(req, data, (size_t)got);
    free(data);
}

/* --- Files --------------------------------------------------------------------------------- */

/* A descriptor of an open file for reading, or for both; writing needs the old bytes. */
static int open_again(int fd, int flags)
{
    char path[FD_PATH_MAX];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, ((flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

static void fs_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    int error = 0;

    if (refuse_when_off(req))
        return;
    file->direct_io = 1;
    if (is_switch(req, number)) {
        fuse_reply_open(req, file);
        return;
    }
    int fd = open_again(fd_of(req, number), file->flags);
    if (fd >= 0 && (file->flags & O_TRUNC) != 0)
        error = volatile_disk_truncate(disk_of(req), fd, 0);
    if (fd < 0 || error != 0) {
        if (fd >= 0)
            (void)close(fd); /* nothing was written */
        answer(req, fd < 0 ? fd : error);
        return;
    }
    file->fh = (uint64_t)fd;
    fuse_reply_open(req, file);
}

static void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *file)
{
    struct fuse_entry_param entry;

    int fd = volatile_disk_create(disk_of(req), fd_of(req, parent), name, mode);
    int error = fd < 0 ? fd : look_up(req, fd_of(req, parent), name, &entry);
    if (error != 0) {
        answer(req, error);
        return;
    }
    file->direct_io = 1;
    file->fh = (uint64_t)fd;
    fuse_reply_create(req, &entry, file);
}

static void fs_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *file)
{
    if (!is_switch(req, number))
        (void)close((int)file->fh); /* closing says nothing about the disk */
    answer(req, 0);
}

static void cut_power(fuse_req_t req, const char *data, size_t size)
{
    char text[SEED_TEXT_MAX] = "";
    struct volatile_disk_losses lost;

    if (size >= sizeof(text)) {
        answer(req, -EINVAL);
        return;
    }
    memcpy(text, data, size);
    volatile_disk_power_cut(disk_of(req), strtoull(text, NULL, 10), &lost);
    printf("{\"sectors_unsynced\":%" PRIu64 ",\"sectors_lost\":%" PRIu64
           ",\"sizes_unsynced\":%" PRIu64 ",\"sizes_lost\":%" PRIu64 ",\"names_unsynced\":%" PRIu64
           ",\"names_lost\":%" PRIu64 "}\n",
           lost.sectors_unsynced, lost.sectors_lost, lost.sizes_unsynced, lost.sizes_lost,
           lost.names_unsynced, lost.names_lost);
    (void)fflush(stdout); /* nobody may be listening */
    fuse_reply_write(req, size);
}

static void fs_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *file)
{
    int error = 0;

    if (refuse_when_off(req))
        return;
    if (is_switch(req, number)) {
        cut_power(req, data, size);
        return;
    }
    ssize_t written = volatile_disk_write(disk_of(req), (int)file->fh, data, size, offset);
    if (written >= 0 && (file->flags & O_DSYNC) != 0)
        error = volatile_disk_sync(disk_of(req), (int)file->fh);
    if (written < 0 || error != 0)
        answer(req, written < 0 ? (int)written : error);
    else
        fuse_reply_write(req, (size_t)written);
}

static void fs_fallocate(fuse_req_t req, fuse_ino_t number, int mode, off_t offset, off_t size,
                         struct fuse_file_info *file)
{
    (void)number;
    answer(req, volatile_disk_allocate(disk_of(req), (int)file->fh, mode, offset, size));
}

/* fdatasync keeps the size as well: it is needed to read the data. */
static void fs_fsync(fuse_req_t req, fuse_ino_t number, int data_only, struct fuse_file_info *file)
{
    (void)data_only;
    answer(req, is_switch(req, number) ? 0 : volatile_disk_sync(disk_of(req), (int)file->fh));
}

/* --- Names --------------------------------------------------------------------------------- */

/* `error`: of making `name`. */
static void answer_made(fuse_req_t req, int error, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry;

    if (error == 0)
        error = look_up(req, fd_of(req, parent), name, &entry);
    if (error != 0)
        answer(req, error);
    else
        fuse_reply_entry(req, &entry);
}

static void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    int error = volatile_disk_make_dir(disk_of(req), fd_of(req, parent), name, mode);
    answer_made(req, error, parent, name);
}

static void fs_link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char *name)
{
    int error = volatile_disk_link(disk_of(req), fd_of(req, number), fd_of(req, parent), name);
    answer_made(req, error, parent, name);
}

static void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    answer(req, volatile_disk_remove(disk_of(req), fd_of(req, parent), name));
}

static void fs_rename(fuse_req_t req, fuse_ino_t from_dir, const char *from, fuse_ino_t to_dir,
                      const char *to, unsigned flags)
{
    answer(req, volatile_disk_rename(disk_of(req), fd_of(req, from_dir), from, fd_of(req, to_dir),
                                     to, flags));
}

static void fs_fsyncdir(fuse_req_t req, fuse_ino_t number, int data_only,
                        struct fuse_file_info *file)
{
    (void)data_only;
    (void)file;
    answer(req, volatile_disk_sync_dir(disk_of(req), fd_of(req, number)));
}

/* --- Attributes: the size is modelled, the others are passed on ----------------------------- */

static int set_size(fuse_req_t req, fuse_ino_t number, off_t size)
{
    int fd = open_again(fd_of(req, number), O_RDWR);
    if (fd < 0)
        return fd;
    int error = volatile_disk_truncate(disk_of(req), fd, size);
    (void)close(fd); /* the disk has a descriptor of its own */
    return error;
}

static int set_owner(int fd, const struct stat *attr, int which)
{
    uid_t user = (which & FUSE_SET_ATTR_UID) != 0 ? attr->st_uid : (uid_t)-1;
    gid_t group = (which & FUSE_SET_ATTR_GID) != 0 ? attr->st_gid : (gid_t)-1;
    return errno_unless(fchownat(fd, "", user, group, AT_EMPTY_PATH) == 0);
}

static struct timespec time_to_set(const struct timespec *time, bool given, bool now)
{
    if (now)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    return given ? *time : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(const char *path, const struct stat *attr, int which)
{
    const struct timespec times[2] = {
        time_to_set(&attr->st_atim, (which & FUSE_SET_ATTR_ATIME) != 0,
                    (which & FUSE_SET_ATTR_ATIME_NOW) != 0),
        time_to_set(&attr->st_mtim, (which & FUSE_SET_ATTR_MTIME) != 0,
                    (which & FUSE_SET_ATTR_MTIME_NOW) != 0),
    };
    return errno_unless(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static void fs_setattr(fuse_req_t req, fuse_ino_t number, struct stat *attr, int which,
                       struct fuse_file_info *file)
{
    const int time_bits = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
    char path[FD_PATH_MAX];
    int error = 0;

    if (refuse_when_off(req))
        return;
    if (is_switch(req, number)) {
        fs_getattr(req, number, file); /* a shell opens with O_TRUNC */
        return;
    }
    int fd = fd_of(req, number);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if ((which & FUSE_SET_ATTR_MODE) != 0)
        error = errno_unless(chmod(path, attr->st_mode) == 0);
    if (error == 0 && (which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0)
        error = set_owner(fd, attr, which);
    if (error == 0 && (which & FUSE_SET_ATTR_SIZE) != 0)
        error = set_size(req, number, attr->st_size);
    if (error == 0 && (which & time_bits) != 0)
        error = set_times(path, attr, which);
    if (error != 0)
        answer(req, error);
    else
        fs_getattr(req, number, file);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = fs_lookup,
    .forget = fs_forget,
    .getattr = fs_getattr,
    .setattr = fs_setattr,
    .opendir = fs_opendir,
    .readdir = fs_readdir,
    .releasedir = fs_release,
    .fsyncdir = fs_fsyncdir,
    .statfs = fs_statfs,
    .open = fs_open,
    .create = fs_create,
    .read = fs_read,
    .write = fs_write,
    .fallocate = fs_fallocate,
    .fsync = fs_fsync,
    .release = fs_release,
    .mkdir = fs_mkdir,
    .unlink = fs_unlink,
    .rename = fs_rename,
    .link = fs_link,
};

/* --- Start --------------------------------------------------------------------------------- */

struct options {
    unsigned long seed;
    unsigned sector;
    int ext4_names;
    int lie;
};

static const struct fuse_opt option_table[] = {
    {"--seed=%lu", offsetof(struct options, seed), 0},
    {"--sector=%u", offsetof(struct options, sector), 0},
    {"--ext4-names", offsetof(struct options, ext4_names), 1},
    {"--lie", offsetof(struct options, lie), 1},
    FUSE_OPT_END,
};

/* Every node, and every file and step that is not synced, holds a descriptor. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* the limit that there is may do */
    }
}

/* Mounts and serves until the file system is unmounted. */
static int serve(struct mount *mount, struct fuse_args *args, const char *mount_point)
{
    int code = 1;

    struct fuse_session *session = fuse_session_new(args, &operations, sizeof(operations), mount);
    if (session == NULL)
        return 1;
    if (fuse_set_signal_handlers(session) != 0)
        goto out;
    if (fuse_session_mount(session, mount_point) == 0) {
        code = fuse_session_loop(session) == 0 ? 0 : 1;
        fuse_session_unmount(session);
    }
    fuse_remove_signal_handlers(session);
out:
    fuse_session_destroy(session);
    return code;
}

static void free_nodes(struct mount *mount)
{
    while (mount->nodes != NULL) {
        struct node *node = mount->nodes;
        mount->nodes = node->next;
        (void)close(node->fd); /* O_PATH */
        free(node);
    }
}

int main(int argc, char **argv)
{
    struct options options = {.sector = 512};
    struct mount mount = {.power_cut.fd = -1};

    if (argc < 3) {
        fprintf(stderr, "usage: forgetful_fs BASE MOUNT_POINT [OPTION...]\n");
        return 2;
    }
    const char *base = argv[1];
    const char *mount_point = argv[2];
    argv[2] = argv[0]; /* FUSE reads the rest */
    struct fuse_args args = FUSE_ARGS_INIT(argc - 2, argv + 2);
    if (fuse_opt_parse(&args, &options, option_table, NULL) != 0)
        return 2;
    raise_limits();
    const struct volatile_disk_options disk_options = {
        .seed = options.seed,
        .sector_size = options.sector,
        .file_sync_keeps_names = options.ext4_names != 0,
        .syncs_are_lies = options.lie != 0,
    };
    int error = volatile_disk_open(base, &disk_options, &mount.disk);
    if (error != 0) {
        fprintf(stderr, "forgetful_fs: open '%s': %s\n", base, strerror(-error));
        return 1;
    }
    mount.root.fd = volatile_disk_root(mount.disk);
    (void)umask(0); /* the caller's is in the modes already */
    int code = serve(&mount, &args, mount_point);
    fuse_opt_free_args(&args);
    free_nodes(&mount);
    volatile_disk_close(mount.disk);
    return code;
}
