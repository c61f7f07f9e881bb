/* SPDX-License-Identifier: Apache-2.0 */
/* closed_file.c -- <name>.jsonl becomes <name>.jsonl.zst: independent frames of whole lines, then
 * the seek table (seek_table.c).
 *
 * A frame ends with the first line that brings it to FRAME_SIZE, so a long line makes a long frame
 * and no line spans two.  Input is streamed: memory does not depend on the length of lines.  Each
 * frame carries the checksum of its content.
 *
 * The steps, so that a crash after any of them loses nothing: write <name>.jsonl.zst.tmp, fsync,
 * have its hash put into the manifest (closed_file_listener), rename it to <name>.jsonl.zst, fsync
 * the directory, unlink <name>.jsonl.  store_dir_open() removes a left-over .tmp, and a plain file
 * whose compressed form has its name.
 */
#include "closed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "file_io.h"
#include "seek_table.h"

enum {
    FRAME_SIZE = 128 << 10,
    INPUT_SIZE = 64 << 10,
    OUTPUT_SIZE = 64 << 10,
    WINDOW_LOG = 18, /* a frame and its long last line; keeps the context small */
    TABLE_SIZE_MAX = 64 << 20,
    TEMP_NAME_SIZE = STORE_FILE_NAME_SIZE + 8,
    FILE_MODE = 0600,
};

struct closed_file_job {
    const struct store_dir *dir;
    struct store_entry entry; /* the plain file */
    char plain_name[STORE_FILE_NAME_SIZE];
    char compressed_name[STORE_FILE_NAME_SIZE];
    char temp_name[TEMP_NAME_SIZE];
    int in_fd;
    int out_fd;
    uint64_t in_offset;
    uint64_t out_offset;
    uint64_t frame_out_offset; /* where the present frame begins in the output */
    uint64_t frame_size;       /* plain bytes in the present frame so far */
    struct buf table;
    struct closed_file_listener listener;
    struct hasher hasher; /* of the output */
    ZSTD_CCtx *context;
    uint8_t input[INPUT_SIZE];
    uint8_t output[OUTPUT_SIZE];
};

static enum status open_files(struct closed_file_job *job, struct error *err)
{
    const struct disk_io *io = job->dir->io;

    job->in_fd = io->open_at(job->dir->fd, job->plain_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (job->in_fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", job->plain_name);
    job->out_fd = io->open_at(job->dir->fd, job->temp_name,
                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (job->out_fd < 0)
        return error_set_errno(err, ST_IO, "create '%s'", job->temp_name);
    return ST_OK;
}

static enum status make_context(struct closed_file_job *job, int level, struct error *err)
{
    job->context = ZSTD_createCCtx();
    if (job->context == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(job->context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(job->context, ZSTD_c_windowLog, WINDOW_LOG)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(job->context, ZSTD_c_checksumFlag, 1)))
        return error_set(err, ST_NO_MEMORY, "make a zstd context of level %d", level);
    return ST_OK;
}

enum status closed_file_begin(const struct store_dir *dir, const struct store_entry *entry,
                              int level, const struct closed_file_listener *listener,
                              struct closed_file_job **ret, struct error *err)
{
    ASSERT(!entry->name.compressed);
    struct closed_file_job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return error_set(err, ST_NO_MEMORY, "begin to compress");
    job->dir = dir;
    job->entry = *entry;
    job->listener = *listener;
    hasher_start(&job->hasher);
    job->in_fd = -1;
    job->out_fd = -1;
    buf_init(&job->table, TABLE_SIZE_MAX);
    struct store_file_name name = entry->name;
    store_file_name_format(&name, job->plain_name);
    name.compressed = true;
    store_file_name_format(&name, job->compressed_name);
    snprintf(job->temp_name, sizeof(job->temp_name), "%s.tmp", job->compressed_name);

    enum status st = open_files(job, err);
    if (st == ST_OK)
        st = make_context(job, level, err);
    if (st != ST_OK) {
        closed_file_destroy(job);
        return st;
    }
    *ret = job;
    return ST_OK;
}

/* How many of the `size` bytes of input belong to the present frame; *ret_ends: it ends there. */
static size_t frame_share(const struct closed_file_job *job, size_t size, bool *ret_ends)
{
    size_t from = job->frame_size < FRAME_SIZE ? (size_t)(FRAME_SIZE - job->frame_size) : 1;

    *ret_ends = false;
    if (size < from)
        return size;
    /* A newline at from - 1 or behind brings the frame to its size. */
    const uint8_t *newline = memchr(job->input + from - 1, '\n', size - (from - 1));
    if (newline == NULL)
        return size;
    *ret_ends = true;
    return (size_t)(newline - job->input) + 1;
}

/* Compresses the first `size` bytes of input into the present frame. */
static enum status compress(struct closed_file_job *job, size_t size, bool ends, struct error *err)
{
    ZSTD_inBuffer in = {job->input, size, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {job->output, sizeof(job->output), 0};
        left = ZSTD_compressStream2(job->context, &out, &in, ends ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return error_set(err, ST_IO, "zstd: %s", ZSTD_getErrorName(left));
        enum status st = file_write_at(job->dir->io, job->out_fd, slice_of(job->output, out.pos),
                                       job->out_offset, err);
        if (st != ST_OK)
            return error_context(err, "write '%s'", job->temp_name);
        hasher_add(&job->hasher, slice_of(job->output, out.pos));
        job->out_offset += out.pos;
    } while (ends ? left > 0 : in.pos < in.size);

    job->in_offset += size;
    job->frame_size += size;
    if (!ends)
        return ST_OK;
    enum status st =
        seek_table_add(&job->table, job->out_offset - job->frame_out_offset, job->frame_size, err);
    job->frame_out_offset = job->out_offset;
    job->frame_size = 0;
    return st;
}

static enum status make_durable(struct closed_file_job *job, struct error *err)
{
    /* The time of its last line, for retention and for readers that look for a time. */
    const struct timespec written = {.tv_sec = (time_t)job->entry.written_unix_s};
    const struct timespec times[2] = {written, written};
    const struct disk_io *io = job->dir->io;
    struct hash sha256;

    if (io->set_times(job->out_fd, times) < 0 || io->fsync(job->out_fd) < 0)
        return error_set_errno(err, ST_IO, "sync '%s'", job->temp_name);
    hasher_add(&job->hasher, buf_slice(&job->table));
    hasher_finish(&job->hasher, &sha256);
    enum status st = job->listener.before_name(job->listener.context, &job->entry.name,
                                               job->out_offset + job->table.size, &sha256, err);
    if (st != ST_OK)
        return st;
    if (io->rename_at(job->dir->fd, job->temp_name, job->dir->fd, job->compressed_name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", job->temp_name);
    job->temp_name[0] = 0; /* nothing to clean up any more */
    st = store_dir_sync(job->dir, err);
    if (st != ST_OK)
        return st;
    if (io->unlink_at(job->dir->fd, job->plain_name) < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "delete '%s'", job->plain_name);
    return ST_OK;
}

static enum status finish(struct closed_file_job *job, struct store_entry *ret_entry,
                          struct error *err)
{
    enum status st = ST_OK;

    if (job->in_offset != job->entry.size_bytes)
        return error_set(err, ST_CORRUPT, "'%s' has %llu bytes, not the %llu written to it",
                         job->plain_name, (unsigned long long)job->in_offset,
                         (unsigned long long)job->entry.size_bytes);
    if (job->frame_size > 0) /* a last line without its end: not written by us, kept all the same */
        st = compress(job, 0, true, err);
    if (st == ST_OK)
        st = seek_table_finish(&job->table, err);
    if (st == ST_OK)
        st = file_write_at(job->dir->io, job->out_fd, buf_slice(&job->table), job->out_offset, err);
    if (st == ST_OK)
        st = make_durable(job, err);
    if (st != ST_OK)
        return st;
    *ret_entry = job->entry;
    ret_entry->name.compressed = true;
    ret_entry->size_bytes = job->out_offset + job->table.size;
    return ST_OK;
}

enum status closed_file_step(struct closed_file_job *job, size_t budget_bytes,
                             struct store_entry *ret_entry, struct error *err)
{
    for (size_t done = 0; done < budget_bytes;) {
        size_t got;
        bool ends;
        enum status st = disk_read(job->dir->io, job->in_fd, job->input, sizeof(job->input),
                                   job->in_offset, &got, err);
        if (st != ST_OK)
            return error_context(err, "read '%s'", job->plain_name);
        if (got == 0)
            return finish(job, ret_entry, err);
        size_t share = frame_share(job, got, &ends);
        st = compress(job, share, ends, err);
        if (st != ST_OK)
            return st;
        done += share;
    }
    return ST_AGAIN;
}

const struct store_file_name *closed_file_name(const struct closed_file_job *job)
{
    return &job->entry.name;
}

void closed_file_destroy(struct closed_file_job *job)
{
    if (job == NULL)
        return;
    if (job->in_fd >= 0)
        (void)close(job->in_fd); /* only read from */
    if (job->out_fd >= 0) {
        (void)close(job->out_fd); /* synced, or not needed */
        if (job->temp_name[0] != 0)
            (void)job->dir->io->unlink_at(job->dir->fd,
                                          job->temp_name); /* the next start tries again */
    }
    ZSTD_freeCCtx(job->context);
    buf_fini(&job->table);
    free(job);
}
