/* SPDX-License-Identifier: Apache-2.0 */
/* index_file.c -- see index_file.h.
 *
 * An index is written as <base>.idx.tmp, synced, and renamed.  store_dir_open() removes a left-over
 * .tmp, and an index whose file is gone.  One of another file, or of another version, is made
 * again.
 */
#include "index_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zstd.h>

#include "file_io.h"
#include "seek_table.h"
#include "telltale/store_index.h"
#include "telltale/store_index_builder.h"

enum {
    INPUT_SIZE = 64 << 10,
    OUTPUT_SIZE = 128 << 10,
    WINDOW_LOG_MAX = 25, /* ours are smaller; people may recompress files, within reason */
    TEMP_NAME_SIZE = STORE_FILE_NAME_SIZE + 8,
    FILE_MODE = 0600,
};

struct index_job {
    const struct store_dir *dir;
    struct store_file_name file;
    struct store_index_builder *builder;
    ZSTD_DCtx *context;
    int fd;
    uint64_t size_bytes; /* of the file */
    struct buf table;    /* its seek table, whole */
    size_t frame_count;
    size_t frame;    /* the present one */
    uint64_t offset; /* where it begins */
    uint64_t taken;  /* compressed bytes of it that were read */
    uint64_t given;  /* decompressed ones */
    uint8_t input[INPUT_SIZE];
    uint8_t output[OUTPUT_SIZE];
};

enum status index_file_write(const struct store_dir *dir, const struct store_file_name *file,
                             struct slice bytes, struct error *err)
{
    const struct disk_io *io = dir->io;
    char name[STORE_FILE_NAME_SIZE];
    char temp_name[TEMP_NAME_SIZE];

    store_index_name(file, name);
    snprintf(temp_name, sizeof(temp_name), "%s.tmp", name);
    int fd = io->open_at(dir->fd, temp_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                         FILE_MODE);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "create '%s'", temp_name);
    enum status st = file_write_at(io, fd, bytes, 0, err);
    if (st == ST_OK && io->fsync(fd) < 0)
        st = error_set_errno(err, ST_IO, "sync");
    (void)close(fd); /* synced, or given up */
    if (st == ST_OK && io->rename_at(dir->fd, temp_name, dir->fd, name) < 0)
        st = error_set_errno(err, ST_IO, "rename");
    if (st != ST_OK) {
        (void)io->unlink_at(dir->fd, temp_name); /* the next start tries again */
        error_context(err, "write '%s'", temp_name);
    }
    return st;
}

enum status index_file_check(const struct store_dir *dir, const struct store_file_name *file,
                             uint64_t *ret_size, struct error *err)
{
    char name[STORE_FILE_NAME_SIZE];
    struct store_index *index;
    struct stat info;

    store_file_name_format(file, name);
    int fd = dir->io->open_at(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    enum status st = store_index_open(dir->fd, file, fd, &index, err);
    (void)close(fd); /* only read from */
    if (st != ST_OK)
        return st;
    store_index_close(index);
    store_index_name(file, name);
    if (dir->io->stat_at(dir->fd, name, &info) < 0)
        return error_set_errno(err, ST_NOT_FOUND, "look at '%s'", name);
    *ret_size = (uint64_t)info.st_size;
    return ST_OK;
}

/* --- Making one ------------------------------------------------------------------------------ */

static enum status open_file(struct index_job *job, struct error *err)
{
    const struct disk_io *io = job->dir->io;
    char name[STORE_FILE_NAME_SIZE];
    struct stat info;

    store_file_name_format(&job->file, name);
    job->fd = io->open_at(job->dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (job->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    if (io->fstat(job->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat '%s'", name);
    job->size_bytes = (uint64_t)info.st_size;
    enum status st =
        seek_table_read(io, job->fd, job->size_bytes, &job->table, &job->frame_count, err);
    return st == ST_OK ? ST_OK : error_context(err, "'%s'", name);
}

enum status index_job_begin(const struct store_dir *dir, const struct store_file_name *file,
                            struct index_job **ret, struct error *err)
{
    ASSERT(file->compressed);
    struct index_job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return error_set(err, ST_NO_MEMORY, "begin an index");
    job->dir = dir;
    job->file = *file;
    job->fd = -1;
    buf_init(&job->table, SEEK_TABLE_SIZE_MAX);
    enum status st = open_file(job, err);
    if (st == ST_OK)
        st = store_index_builder_create(&job->builder, err);
    job->context = ZSTD_createDCtx();
    if (st == ST_OK &&
        (job->context == NULL ||
         ZSTD_isError(ZSTD_DCtx_setParameter(job->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))))
        st = error_set(err, ST_NO_MEMORY, "make a zstd decoder");
    if (st != ST_OK) {
        index_job_destroy(job);
        return st;
    }
    *ret = job;
    return ST_OK;
}

/* Decompresses `in`, which is of the present frame; *ret_ends: that ended. */
static enum status decompress(struct index_job *job, struct slice in, bool *ret_ends,
                              struct error *err)
{
    ZSTD_inBuffer input = {in.data, in.size, 0};

    *ret_ends = false;
    for (;;) {
        ZSTD_outBuffer output = {job->output, sizeof(job->output), 0};
        size_t left = ZSTD_decompressStream(job->context, &output, &input);
        if (ZSTD_isError(left))
            return error_set(err, ST_CORRUPT, "zstd: %s", ZSTD_getErrorName(left));
        job->given += output.pos;
        enum status st =
            store_index_builder_add(job->builder, slice_of(job->output, output.pos), err);
        if (st != ST_OK)
            return st;
        if (left == 0) {
            *ret_ends = true;
            return input.pos == input.size
                       ? ST_OK
                       : error_set(err, ST_CORRUPT, "a frame is shorter than its seek table says");
        }
        if (input.pos == input.size && output.pos < output.size)
            return ST_OK;
    }
}

static enum status step_in_frame(struct index_job *job, struct error *err)
{
    struct seek_table_frame frame = seek_table_frame(&job->table, job->frame);
    uint64_t left = frame.compressed_size - job->taken;
    size_t wanted = left < INPUT_SIZE ? (size_t)left : INPUT_SIZE;
    size_t got;
    bool ends;

    enum status st =
        disk_read(job->dir->io, job->fd, job->input, wanted, job->offset + job->taken, &got, err);
    if (st == ST_OK && (got == 0 || got < wanted))
        st = error_set(err, ST_CORRUPT, "it is shorter than its seek table says");
    if (st == ST_OK)
        st = decompress(job, slice_of(job->input, got), &ends, err);
    if (st != ST_OK)
        return st;
    job->taken += got;
    if (!ends && job->taken < frame.compressed_size)
        return ST_OK;
    if (!ends || job->taken != frame.compressed_size || job->given != frame.size)
        return error_set(err, ST_CORRUPT, "frame %zu is not what the seek table says", job->frame);
    job->offset += frame.compressed_size;
    job->frame++;
    job->taken = 0;
    job->given = 0;
    return store_index_builder_end_frame(job->builder, frame.compressed_size, err);
}

static enum status finish(struct index_job *job, uint64_t *ret_size, struct error *err)
{
    const struct store_index_file file = {.size_bytes = job->size_bytes,
                                          .seek_table = buf_slice(&job->table)};
    struct slice bytes;

    if (job->offset + job->table.size != job->size_bytes)
        return error_set(err, ST_CORRUPT,
                         "there is something between its frames and its seek table");
    enum status st = store_index_builder_finish(job->builder, &file, &bytes, err);
    if (st == ST_OK)
        st = index_file_write(job->dir, &job->file, bytes, err);
    if (st == ST_OK)
        st = store_dir_sync(job->dir, err);
    if (st == ST_OK)
        *ret_size = bytes.size;
    return st;
}

enum status index_job_step(struct index_job *job, size_t budget_bytes, uint64_t *ret_size,
                           struct error *err)
{
    enum status st = ST_OK;

    for (size_t done = 0; done < budget_bytes && st == ST_OK;) {
        if (job->frame == job->frame_count)
            return finish(job, ret_size, err);
        uint64_t before = job->given;
        size_t frame = job->frame;
        uint64_t size = seek_table_frame(&job->table, frame).size;
        st = step_in_frame(job, err);
        done += (size_t)((job->frame == frame ? job->given : size) - before) + 1;
    }
    if (st == ST_OK)
        return ST_AGAIN;
    char name[STORE_FILE_NAME_SIZE];
    store_file_name_format(&job->file, name);
    return error_context(err, "index of '%s'", name);
}

const struct store_file_name *index_job_file(const struct index_job *job)
{
    return &job->file;
}

void index_job_destroy(struct index_job *job)
{
    if (job == NULL)
        return;
    if (job->fd >= 0)
        (void)close(job->fd); /* only read from */
    store_index_builder_destroy(job->builder);
    ZSTD_freeDCtx(job->context);
    buf_fini(&job->table);
    free(job);
}
