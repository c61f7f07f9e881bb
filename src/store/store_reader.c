/* SPDX-License-Identifier: Apache-2.0 */
/* store_reader.c -- see store_reader.h.
 *
 * The reader keeps a position: the name of the last closed file that it is done with.  What comes
 * next is the first closed file behind it, or, when there is none, the active file.
 *
 *            +--> closed file --(its end: position = its name)--+
 *     list --+                                                  +--> list
 *            +--> active file --(its end, and it is not active any more)
 *
 * Between listing and opening the active file a rotation can come; so the list is read again
 * once it is open, and if a closed file has appeared, that comes first.
 *
 * The end of the active file is its end only when the name stands for another file by now.  The
 * writer never appends after that, so what is read then is the rest; the first closed
 * file behind the position is the one just read, if it begins with the record that this one began
 * with (retention may have deleted it, then it begins with a later one), and is passed over.
 *
 * The writer takes lines back when a write fails, and writes them again.  Such lines may be seen
 * twice at the end of the active file: a line of the same journal that does not count on is
 * dropped there.  If the file shrinks, reading continues where the last whole line ended.
 */
#include "store/store_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/line_cutter.h"
#include "store/store_frames.h"
#include "store/store_listing.h"
#include "store/store_source.h"

enum {
    CHUNK_SIZE = 256 << 10,
    OPEN_TRIES_MAX = 64, /* how often the listing may be out of date in a row */
};

struct store_reader {
    int dir_fd;
    struct store_reader_options options;

    struct store_listing listing;
    size_t listing_next; /* index of the next name in it */
    bool has_listed;
    bool is_partial; /* it begins behind the first files */
    bool has_position;
    struct store_file_name position; /* the last closed file that is done with */

    struct store_source source;
    struct store_frames frames;      /* of the open file; without an index, all are read */
    bool in_run;                     /* frames are read here, not in the pool of `frames` */
    uint64_t run_start;              /* with an index: where the frames begin that are being read */
    uint64_t read_bytes;             /* and how much was read before them */
    char file[STORE_FILE_NAME_SIZE]; /* the open file */
    struct store_file_name name;     /* the open file, when it is a closed one */
    bool is_active;
    bool is_final; /* the active file: it has been rotated, nothing more will come */
    bool has_first;
    struct store_place first; /* the active file: of its first line */
    bool has_last;
    struct store_place last; /* the active file: of the last line given */

    struct line_cutter lines; /* of what was read here */

    /* of the files that are done with, bytes on the disk */
    uint64_t done_bytes, skipped_bytes;
    uint64_t total_bytes; /* 0: not asked for */
};

/* --- Lines ----------------------------------------------------------------------------------- */

static bool may_go_on(struct store_reader *reader)
{
    return reader->options.on_step == NULL ||
           reader->options.on_step(reader->options.context, reader);
}

/* Goes on with the next frames that the index names.  ST_NOT_FOUND: there are no more, or there is
 * no index. */
static enum status next_run(struct store_reader *reader, struct error *err)
{
    struct store_frame_run run;

    if (reader->frames.index == NULL || !store_frames_next(&reader->frames, &run))
        return ST_NOT_FOUND;
    enum status st = store_source_go(&reader->source, run.offset, run.end, err);
    reader->lines.number = run.first_line - 1;
    reader->run_start = run.offset;
    return st;
}

static void count_run(struct store_reader *reader)
{
    reader->read_bytes += store_source_offset(&reader->source) - reader->run_start;
    reader->run_start = store_source_offset(&reader->source);
    reader->in_run = false;
}

/* The file, or what of it was to be read without a gap, is at its end.  ST_OK: there is more. */
static enum status end_run(struct store_reader *reader, struct error *err)
{
    bool torn = line_cutter_is_torn(&reader->lines);

    if (reader->frames.index == NULL)
        return ST_NOT_FOUND;
    if (torn)
        return error_set(err, ST_CORRUPT, "a frame ends within line %llu",
                         (unsigned long long)reader->lines.number + 1);
    count_run(reader);
    return reader->frames.is_pooled ? ST_OK : next_run(reader, err);
}

/* Reads more of the file behind the part of a line that is there.  ST_NOT_FOUND: the end. */
static enum status read_more(struct store_reader *reader, struct error *err)
{
    struct buf *text = &reader->lines.text;
    size_t got;

    enum status st = line_cutter_make_room(&reader->lines, err);
    if (st == ST_OK)
        st = store_source_read(&reader->source, text->data + text->size, CHUNK_SIZE, &got, err);
    if (st != ST_OK)
        return st;
    if (got == 0)
        return end_run(reader, err);
    text->size += got;
    return may_go_on(reader) ? ST_OK : error_set(err, ST_STOPPING, "the reading was ended");
}

/* The next line out of the pool.  ST_AGAIN: the next frame has to be read here; ST_NOT_FOUND: that
 * was all. */
static enum status next_pooled(struct store_reader *reader, struct slice *ret, struct error *err)
{
    struct frame_job job;

    for (;;) {
        enum status st = store_frames_next_line(&reader->frames, reader->source.fd, ret,
                                                &reader->lines.number, &job);
        if (st == ST_OK || st == ST_NOT_FOUND)
            return st;
        if (!may_go_on(reader))
            return error_set(err, ST_STOPPING, "the reading was ended");
        if (st == ST_AGAIN) {
            reader->lines.number = job.first_line - 1;
            reader->run_start = job.offset;
            reader->in_run = true;
            st =
                store_source_go(&reader->source, job.offset, job.offset + job.compressed_size, err);
            return st == ST_OK ? ST_AGAIN : st;
        }
    }
}

/* ST_NOT_FOUND: no whole line up to the end of the file. */
static enum status next_line(struct store_reader *reader, struct slice *ret, struct error *err)
{
    for (;;) {
        if (reader->frames.is_pooled && !reader->in_run) {
            enum status pooled = next_pooled(reader, ret, err);
            if (pooled != ST_AGAIN)
                return pooled;
        }
        enum status st = line_cutter_next(&reader->lines, ret, err);
        if (st != ST_NOT_FOUND)
            return st;
        st = read_more(reader, err);
        if (st != ST_OK)
            return st;
    }
}

/* --- Files ----------------------------------------------------------------------------------- */

static void start_file(struct store_reader *reader)
{
    line_cutter_forget(&reader->lines);
    reader->lines.number = 0;
    reader->lines.offset = 0;
    reader->is_final = false;
    reader->has_first = false;
    reader->has_last = false;
}

static void set_position(struct store_reader *reader, const struct store_file_name *name)
{
    reader->position = *name;
    reader->has_position = true;
}

static enum status list(struct store_reader *reader, struct error *err)
{
    const struct store_file_name *before = NULL;

    reader->listing_next = 0;
    enum status st = store_listing_read(&reader->listing, reader->dir_fd,
                                        reader->has_position ? &reader->position : NULL, err);
    if (st == ST_OK && !reader->has_listed && reader->options.last_files > 0)
        before = store_listing_before(&reader->listing, reader->options.last_files);
    reader->has_listed |= st == ST_OK;
    if (before == NULL)
        return st;
    set_position(reader, before);
    reader->is_partial = true;
    return ST_OK;
}

/* The next closed file in the listing behind the position; NULL when there is none. */
static const struct store_file_name *next_closed(struct store_reader *reader)
{
    while (reader->listing_next < reader->listing.count) {
        const struct store_file_name *name = &reader->listing.names[reader->listing_next];
        if (!reader->has_position || store_file_name_compare(name, &reader->position) > 0)
            return name;
        reader->listing_next++;
    }
    return NULL;
}

/* Closes the file, and counts what was read of it. */
static void close_file(struct store_reader *reader)
{
    struct stat info;

    uint64_t read = store_source_offset(&reader->source), size;

    if (reader->frames.index != NULL)
        read = reader->read_bytes + reader->frames.pooled_bytes + read - reader->run_start;
    size = read;
    if (fstat(reader->source.fd, &info) == 0 && (uint64_t)info.st_size > read)
        size = (uint64_t)info.st_size;
    reader->done_bytes += size;
    reader->skipped_bytes += size - read;
    store_frames_close(&reader->frames);
    store_source_close(&reader->source);
}

/* Whether the file was last written too long ago. */
static bool is_old(const struct store_reader *reader)
{
    struct stat info;

    return reader->options.not_before_unix_s > 0 && fstat(reader->source.fd, &info) == 0 &&
           info.st_mtim.tv_sec >= 0 &&
           (uint64_t)info.st_mtim.tv_sec < reader->options.not_before_unix_s;
}

/* Goes to the first part of the open file that has to be read, by its index.  ST_AGAIN: there is
 * none. */
static enum status begin_runs(struct store_reader *reader, struct error *err)
{
    const struct store_reader_options *options = &reader->options;
    enum status st = ST_NOT_FOUND;

    if (options->on_index != NULL && store_plan_takes_all(options->plan, reader->frames.index))
        st = options->on_index(options->context, reader->frames.index, err);
    if (st == ST_OK)
        return ST_AGAIN;
    if (st == ST_NOT_FOUND && options->line_size_max >= FRAME_POOL_SIZE_MAX &&
        store_frames_use_pool(&reader->frames, options->plan, options->thread_count))
        return ST_OK;
    if (st == ST_NOT_FOUND)
        st = next_run(reader, err);
    return st == ST_NOT_FOUND ? ST_AGAIN : st;
}

/* ST_NOT_FOUND: it is not there any more.  ST_AGAIN: nothing in it is of interest. */
static enum status open_closed(struct store_reader *reader, const struct store_file_name *name,
                               struct error *err)
{
    store_file_name_format(name, reader->file);
    enum status st =
        store_source_open(&reader->source, reader->dir_fd, reader->file, name->compressed, err);
    if (st != ST_OK)
        return st;
    reader->name = *name;
    reader->is_active = false;
    reader->read_bytes = reader->run_start = 0;
    reader->in_run = false;
    start_file(reader);
    if (name->compressed && reader->options.plan != NULL &&
        store_frames_open(&reader->frames, reader->options.plan, reader->dir_fd, name,
                          reader->source.fd))
        st = begin_runs(reader, err);
    else if (is_old(reader))
        st = ST_AGAIN;
    if (st != ST_OK)
        close_file(reader);
    return st;
}

/* ST_AGAIN: a closed file has appeared, which comes first.  ST_NOT_FOUND: there is neither. */
static enum status open_active(struct store_reader *reader, struct error *err)
{
    memcpy(reader->file, STORE_ACTIVE_NAME, sizeof(STORE_ACTIVE_NAME));
    enum status opened =
        store_source_open(&reader->source, reader->dir_fd, reader->file, false, err);
    if (opened != ST_OK && opened != ST_NOT_FOUND)
        return opened;
    enum status st = list(reader, err);
    if (st == ST_OK && next_closed(reader) != NULL)
        st = ST_AGAIN;
    if (st == ST_OK)
        st = opened;
    if (st != ST_OK) {
        store_source_close(&reader->source);
        return st;
    }
    reader->is_active = true;
    start_file(reader);
    return ST_OK;
}

/* Opens what comes next.  ST_AGAIN: nothing, for now. */
static enum status open_next(struct store_reader *reader, struct error *err)
{
    enum status st;

    for (int tries = 0; tries < OPEN_TRIES_MAX;) {
        const struct store_file_name *name = next_closed(reader);
        if (name != NULL) {
            st = open_closed(reader, name, err);
            if (st == ST_AGAIN) {
                set_position(reader, name);
                continue;
            }
            if (st != ST_NOT_FOUND)
                return st;
            /* Compressed or deleted since it was listed. */
            st = list(reader, err);
            if (st != ST_OK)
                return st;
        } else {
            st = open_active(reader, err);
            if (st == ST_NOT_FOUND)
                return error_set(err, ST_AGAIN, "the store is empty");
            if (st != ST_AGAIN)
                return st;
        }
        tries++;
    }
    return error_set(err, ST_AGAIN, "the store changes faster than it can be listed");
}

/* Whether the open file is still the one that the writer appends to. */
static bool is_still_active(const struct store_reader *reader)
{
    struct stat ours;
    struct stat named;

    return fstat(reader->source.fd, &ours) == 0 &&
           fstatat(reader->dir_fd, STORE_ACTIVE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* If the writer took back what was read already, goes back to the last whole line. */
static enum status follow_shrinking(struct store_reader *reader, struct error *err)
{
    struct stat info;

    if (fstat(reader->source.fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat");
    if ((uint64_t)info.st_size >= reader->source.offset)
        return ST_OK;
    if (reader->lines.offset > (uint64_t)info.st_size)
        reader->lines.offset = (uint64_t)info.st_size;
    line_cutter_forget(&reader->lines);
    return store_source_seek(&reader->source, reader->lines.offset, err);
}

/* Leaves the open file for good.  ST_CORRUPT: it ended within a line. */
static enum status leave(struct store_reader *reader, struct error *err)
{
    bool torn = line_cutter_is_torn(&reader->lines);

    if (reader->is_active) {
        enum status st = list(reader, err);
        if (st != ST_OK)
            return st;
        const struct store_file_name *name = next_closed(reader);
        if (name != NULL && reader->has_first && name->first_sequence == reader->first.sequence)
            set_position(reader, name);
    } else {
        set_position(reader, &reader->name);
    }
    close_file(reader);
    line_cutter_forget(&reader->lines);
    if (!torn)
        return ST_OK;
    return error_set(err, ST_CORRUPT, "ends within line %llu",
                     (unsigned long long)reader->lines.number + 1);
}

/* Goes on with the next frame, which begins with a line, or with the next file. */
static void pass_over_damage(struct store_reader *reader)
{
    struct error ignored; /* the damage has been told */

    if (reader->frames.is_pooled)
        count_run(reader); /* and the pool gives the next one */
    else if (!store_source_skip_damage(&reader->source) && next_run(reader, &ignored) != ST_OK)
        (void)leave(reader, &ignored);
    line_cutter_forget(&reader->lines);
}

/* At the end of the open file.  ST_OK: there may be more, here or in another file. */
static enum status at_end(struct store_reader *reader, struct error *err)
{
    if (!reader->is_active || reader->is_final)
        return leave(reader, err);
    if (!is_still_active(reader)) {
        reader->is_final = true; /* what came before the rotation may not be read yet */
        return ST_OK;
    }
    enum status st = follow_shrinking(reader, err);
    return st != ST_OK ? st : error_set(err, ST_AGAIN, "that was all");
}

/* Whether a line of the active file was given before. */
static bool is_repeated(struct store_reader *reader, struct slice line)
{
    struct store_place place;

    if (!reader->is_active || !store_line_place(line, &place))
        return false;
    if (!reader->has_first) {
        reader->first = place;
        reader->has_first = true;
    }
    if (reader->has_last && place.sequence <= reader->last.sequence &&
        memcmp(place.journal_id, reader->last.journal_id, JOURNAL_ID_SIZE) == 0)
        return true;
    reader->last = place;
    reader->has_last = true;
    return false;
}

static bool is_wanted(const struct store_reader *reader, struct slice line)
{
    if (reader->frames.is_pooled && !reader->in_run)
        return true; /* the pool has looked at it */
    return reader->options.plan == NULL || store_plan_takes_line(reader->options.plan, line);
}

/* --- Public ---------------------------------------------------------------------------------- */

enum status store_reader_open(const char *path, const struct store_reader_options *options,
                              struct store_reader **ret, struct error *err)
{
    struct store_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(err, ST_NO_MEMORY, "open the store '%s'", path);
    store_source_init(&reader->source);
    if (options != NULL)
        reader->options = *options;
    if (reader->options.line_size_max == 0)
        reader->options.line_size_max = STORE_LINE_SIZE_MAX;
    line_cutter_init(&reader->lines, reader->options.line_size_max, CHUNK_SIZE);
    reader->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (reader->dir_fd < 0) {
        enum status st = errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND : ST_IO;
        st = error_set_errno(err, st, "open the store '%s'", path);
        store_reader_close(reader);
        return st;
    }
    *ret = reader;
    return ST_OK;
}

enum status store_reader_next(struct store_reader *reader, struct store_line *ret,
                              struct error *err)
{
    struct slice line;

    for (;;) {
        enum status st = reader->source.fd < 0 ? open_next(reader, err) : ST_OK;
        if (st == ST_AGAIN)
            return st;
        if (st == ST_OK)
            st = next_line(reader, &line, err);
        if (st == ST_NOT_FOUND) {
            st = at_end(reader, err);
            if (st == ST_OK)
                continue;
            if (st == ST_AGAIN)
                return st;
        } else if (st == ST_OK && (is_repeated(reader, line) || !is_wanted(reader, line))) {
            continue;
        } else if (st == ST_STOPPING) {
            return st;
        }
        if (st == ST_OK) {
            *ret = (struct store_line){
                .text = line, .file = reader->file, .number = reader->lines.number};
            return ST_OK;
        }
        error_context(err, "'%s'", reader->file);
        if (st == ST_CORRUPT && reader->source.fd >= 0)
            pass_over_damage(reader);
        return st;
    }
}

void store_reader_progress(struct store_reader *reader, struct store_progress *ret)
{
    if (reader->total_bytes == 0)
        reader->total_bytes = store_listing_bytes(reader->dir_fd);
    *ret = (struct store_progress){
        .done_bytes = reader->done_bytes,
        .skipped_bytes = reader->skipped_bytes,
        .total_bytes = reader->total_bytes,
        .file = reader->file,
    };
    if (reader->source.fd >= 0)
        ret->done_bytes += reader->frames.is_pooled ? reader->frames.pooled_bytes
                                                    : store_source_offset(&reader->source);
}

bool store_reader_is_partial(const struct store_reader *reader)
{
    return reader->is_partial;
}

void store_reader_close(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    store_frames_fini(&reader->frames);
    store_source_fini(&reader->source);
    store_listing_fini(&reader->listing);
    line_cutter_fini(&reader->lines);
    if (reader->dir_fd >= 0)
        (void)close(reader->dir_fd); /* a directory */
    free(reader);
}
