/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c -- see replay.h.
 *
 *              request found                     last file done
 *     LOOKING ---------------> set aside, list ----------------.
 *        ^                          |                          |
 *        |                     a letter: send, settle (per file, then the file is rewritten)
 *        '---------------- request removed <-------------------'
 *
 * The present file is numbered first, so that what is read does not grow: letters that are refused
 * again go to a new file, which is not among those listed.  A file is rewritten whole: a copy
 * without the settled letters replaces it, or it goes when nothing is left.  New letters are
 * synced before.  The request goes last, so that a crash at any point begins it again, and finds
 * fewer letters.
 *
 * The command does not touch the letters itself: the worker has the present file open and relies on
 * its size, and two writers would need a lock that a crash could leave behind.
 *
 * A numbered file with a letter of somebody else ("a" and "a/1" share the name a.1.jsonl) is left
 * as it is.
 */
#include "deliver/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/letter.h"
#include "deliver/letter_file.h"
#include "util/clock.h"

enum {
    REQUEST_NAME_SIZE = DEAD_LETTER_NAME_SIZE + 16,
    REQUEST_LINE_MAX = 21, /* 20 digits and a newline */
    REQUEST_SIZE_MAX = REPLAY_SEQUENCES_MAX * REQUEST_LINE_MAX,
    COPY_SIZE = 64 << 10,
};

#define LOOK_EVERY_NS        NS_PER_S
#define WAIT_AFTER_FAILED_NS (10 * NS_PER_S)

/* Bytes of the file that are to go. */
struct stretch {
    uint64_t start, end;
};

struct replay {
    const struct disk_io *io;    /* borrowed */
    int dir_fd;                  /* owned */
    struct dead_letter *letters; /* borrowed */
    char exporter[DEAD_LETTER_NAME_SIZE];
    char name[DEAD_LETTER_NAME_SIZE];
    char request_name[REQUEST_NAME_SIZE];
    uint64_t next_look_ns; /* monotonic */
    /* the request that is being answered */
    bool is_active;
    bool wants_all;
    uint64_t *sequences; /* owned; sorted */
    size_t sequence_count;
    struct letter_file_list files; /* owned */
    size_t file_index;
    /* the file that is being read */
    struct letter_lines lines; /* open: it is */
    struct stretch *settled;   /* owned */
    size_t settled_count, settled_capacity;
    bool is_foreign; /* it is not ours alone: nothing of it is changed */
    /* the letter that was given out */
    struct letter_texts texts;
    struct letter letter;
    struct letter_record record;
    struct stretch place;
    bool is_given;
};

/* --- Asking ----------------------------------------------------------------------------------- */

static void name_request(const char *name, char out[REQUEST_NAME_SIZE])
{
    snprintf(out, REQUEST_NAME_SIZE, "%s.replay", name);
}

static enum status write_text(const struct disk_io *io, int fd, struct slice text,
                              struct error *err)
{
    struct iovec part = {.iov_base = (void *)text.data, .iov_len = text.size};

    return disk_write(io, fd, &part, 1, 0, err);
}

static enum status write_lines(const struct disk_io *io, int fd, const uint64_t *sequences,
                               size_t count, struct error *err)
{
    struct buf text;
    char line[REQUEST_LINE_MAX + 1];
    enum status st = ST_OK;

    if (count == 0)
        return write_text(io, fd, SLICE("all\n"), err);
    buf_init(&text, REQUEST_SIZE_MAX);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        int size = snprintf(line, sizeof(line), "%" PRIu64 "\n", sequences[i]);
        st = buf_append(&text, line, (size_t)size, err);
    }
    if (st == ST_OK)
        st = write_text(io, fd, buf_slice(&text), err);
    buf_fini(&text);
    return st;
}

/* The daemon must be able to read what somebody else, root perhaps, has asked. */
static enum status give_to_owner(const struct disk_io *io, int fd, int dir_fd, struct error *err)
{
    struct stat info;

    if (io->fstat(dir_fd, &info) < 0)
        return error_set_errno(err, ST_IO, "look at the directory");
    if (info.st_uid != geteuid() && fchown(fd, info.st_uid, info.st_gid) < 0)
        return error_set_errno(err, ST_IO, "give the request to user %u", (unsigned)info.st_uid);
    return ST_OK;
}

/* Writes the request beside its name, then gives it its name unless there is one. */
static enum status place_request(const struct disk_io *io, int dir_fd, const char *name,
                                 const uint64_t *sequences, size_t count, struct error *err)
{
    char request[REQUEST_NAME_SIZE];
    char draft[REQUEST_NAME_SIZE + 16];

    name_request(name, request);
    snprintf(draft, sizeof(draft), "%s.%ld.new", request, (long)getpid());
    int fd =
        io->open_at(dir_fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "make '%s'", draft);
    enum status st = write_lines(io, fd, sequences, count, err);
    if (st == ST_OK)
        st = give_to_owner(io, fd, dir_fd, err);
    if (st == ST_OK)
        st = disk_sync(io, fd, err);
    (void)close(fd); /* synced */
    if (st == ST_OK && io->rename_new_at(dir_fd, draft, dir_fd, request) < 0) {
        st = errno == EEXIST ? error_set(err, ST_AGAIN, "an earlier replay is not finished")
                             : error_set_errno(err, ST_IO, "make '%s'", request);
    }
    if (st != ST_OK) {
        (void)io->unlink_at(dir_fd, draft); /* failing anyway */
        return st;
    }
    return disk_sync_dir(io, dir_fd, err);
}

enum status replay_ask(const struct disk_io *io, const char *dir, const char *name,
                       const uint64_t *sequences, size_t count, struct error *err)
{
    if (count > REPLAY_SEQUENCES_MAX)
        return error_set(err, ST_LIMIT, "more than %d records", REPLAY_SEQUENCES_MAX);
    io = disk_io_or_system(io);
    int dir_fd = io->open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir_fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", dir);
    enum status st = place_request(io, dir_fd, name, sequences, count, err);
    (void)close(dir_fd); /* synced, or failing anyway */
    return st;
}

bool replay_is_asked(const char *dir, const char *name)
{
    char request[REQUEST_NAME_SIZE];

    name_request(name, request);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return false;
    bool is_there = faccessat(dir_fd, request, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    (void)close(dir_fd); /* nothing was written */
    return is_there;
}

/* --- Opening ---------------------------------------------------------------------------------- */

enum status replay_open(const struct replay_settings *settings, struct replay **ret,
                        struct error *err)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL)
        return error_set(err, ST_NO_MEMORY, "open the replay of '%s'", settings->exporter);
    replay->letters = settings->letters;
    snprintf(replay->exporter, sizeof(replay->exporter), "%s", settings->exporter);
    snprintf(replay->name, sizeof(replay->name), "%s", settings->name);
    name_request(settings->name, replay->request_name);
    replay->io = disk_io_or_system(settings->io);
    letter_lines_init(&replay->lines, replay->io);
    letter_texts_init(&replay->texts);
    letter_record_init(&replay->record);
    replay->dir_fd =
        replay->io->open_at(AT_FDCWD, settings->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (replay->dir_fd < 0) {
        enum status st = error_set_errno(err, ST_IO, "open dead letters '%s'", settings->dir);
        replay_close(replay);
        return st;
    }
    *ret = replay;
    return ST_OK;
}

static void forget_request(struct replay *replay)
{
    free(replay->sequences);
    replay->sequences = NULL;
    replay->sequence_count = 0;
    replay->wants_all = false;
    replay->is_active = false;
    dead_letter_keep(replay->letters, NULL);
    letter_files_free(&replay->files);
    replay->file_index = 0;
}

void replay_close(struct replay *replay)
{
    if (replay == NULL)
        return;
    forget_request(replay);
    letter_lines_fini(&replay->lines);
    letter_texts_fini(&replay->texts);
    letter_record_fini(&replay->record);
    free(replay->settled);
    if (replay->dir_fd >= 0)
        (void)close(replay->dir_fd); /* what matters was synced */
    free(replay);
}

bool replay_is_due(const struct replay *replay, uint64_t now_ns)
{
    return replay != NULL && now_ns >= replay->next_look_ns;
}

/* --- The request ------------------------------------------------------------------------------ */

static int compare_sequences(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static bool is_wanted(const struct replay *replay, uint64_t sequence)
{
    return replay->wants_all || (replay->sequence_count > 0 &&
                                 bsearch(&sequence, replay->sequences, replay->sequence_count,
                                         sizeof(sequence), compare_sequences) != NULL);
}

static bool read_sequence(struct slice line, uint64_t *ret)
{
    uint64_t value = 0;

    if (line.size == 0)
        return false;
    for (size_t i = 0; i < line.size; i++) {
        uint8_t digit = (uint8_t)(line.data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

static enum status read_line(struct replay *replay, struct slice line, size_t *capacity,
                             struct error *err)
{
    uint64_t sequence;

    if (slice_equal(line, SLICE("all"))) {
        replay->wants_all = true;
        return ST_OK;
    }
    if (!read_sequence(line, &sequence))
        return error_set(err, ST_INVALID, "a line is neither 'all' nor a number");
    if (replay->sequence_count == REPLAY_SEQUENCES_MAX)
        return error_set(err, ST_INVALID, "more than %d records", REPLAY_SEQUENCES_MAX);
    if (replay->sequence_count == *capacity) {
        size_t larger = *capacity == 0 ? 64 : *capacity * 2;
        uint64_t *grown = reallocarray(replay->sequences, larger, sizeof(*grown));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "read the request");
        replay->sequences = grown;
        *capacity = larger;
    }
    replay->sequences[replay->sequence_count++] = sequence;
    return ST_OK;
}

static enum status read_request(struct replay *replay, struct error *err)
{
    struct letter_line line;
    size_t capacity = 0;

    enum status st = letter_lines_open(&replay->lines, replay->dir_fd, replay->request_name, err);
    while (st == ST_OK) {
        st = letter_lines_next(&replay->lines, &line, err);
        if (st == ST_OK)
            st = read_line(replay, line.text, &capacity, err);
    }
    letter_lines_close(&replay->lines);
    if (st == ST_LIMIT)
        st = ST_INVALID; /* a line that no request has */
    if (st != ST_AGAIN)
        return st;
    if (replay->sequence_count > 0)
        qsort(replay->sequences, replay->sequence_count, sizeof(*replay->sequences),
              compare_sequences);
    return ST_OK;
}

/* A request that cannot be read is kept for people to look at. */
static enum status put_aside(struct replay *replay, const struct error *why, struct error *err)
{
    char aside[REQUEST_NAME_SIZE + 8];

    snprintf(aside, sizeof(aside), "%s.bad", replay->request_name);
    if (replay->io->rename_at(replay->dir_fd, replay->request_name, replay->dir_fd, aside) < 0)
        return error_set_errno(err, ST_IO, "put '%s' aside", replay->request_name);
    return error_set(err, ST_INVALID, "%s; it is now '%s'", why->text, aside);
}

/* Looks for a request and prepares the answer; not active afterwards: there is none. */
static enum status begin(struct replay *replay, struct error *err)
{
    struct error why;

    enum status st = read_request(replay, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_INVALID)
        return put_aside(replay, &why, err);
    if (st != ST_OK) {
        *err = why;
        return st;
    }
    st = dead_letter_set_aside(replay->letters, err);
    if (st == ST_OK)
        st = letter_files_list(replay->io, replay->dir_fd, replay->name, &replay->files, err);
    replay->is_active = st == ST_OK;
    return st;
}

static enum status end(struct replay *replay, struct error *err)
{
    if (replay->io->unlink_at(replay->dir_fd, replay->request_name) < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "remove '%s'", replay->request_name);
    enum status st = disk_sync_dir(replay->io, replay->dir_fd, err);
    forget_request(replay);
    return st;
}

/* --- Taking letters out of a file ------------------------------------------------------------- */

struct copying {
    const struct disk_io *io;
    int from, to;
    uint64_t written; /* bytes of `to` */
};

static enum status copy_stretch(struct copying *copying, uint64_t start, uint64_t stop,
                                struct error *err)
{
    uint8_t bytes[COPY_SIZE];

    while (start < stop) {
        size_t size = stop - start < sizeof(bytes) ? (size_t)(stop - start) : sizeof(bytes);
        size_t got;
        enum status st = disk_read(copying->io, copying->from, bytes, size, start, &got, err);
        if (st != ST_OK)
            return st;
        if (got == 0)
            return error_set(err, ST_IO, "the file has become shorter");
        struct iovec part = {.iov_base = bytes, .iov_len = got};
        st = disk_write(copying->io, copying->to, &part, 1, copying->written, err);
        if (st != ST_OK)
            return st;
        copying->written += got;
        start += got;
    }
    return ST_OK;
}

/* Copies what stays, bytes that are no letters included. */
static enum status copy_rest(const struct replay *replay, int to, uint64_t size, struct error *err)
{
    struct copying copying = {.io = replay->io, .from = replay->lines.fd, .to = to};
    uint64_t at = 0;
    enum status st = ST_OK;

    for (size_t i = 0; i < replay->settled_count && st == ST_OK; i++) {
        st = copy_stretch(&copying, at, replay->settled[i].start, err);
        at = replay->settled[i].end;
    }
    if (st == ST_OK)
        st = copy_stretch(&copying, at, size, err);
    return st == ST_OK ? disk_sync(replay->io, to, err) : st;
}

static enum status replace_file(const struct replay *replay, const char *name, uint64_t size,
                                struct error *err)
{
    char draft[LETTER_FILE_NAME_SIZE + 8];

    snprintf(draft, sizeof(draft), "%s.new", name);
    int fd = replay->io->open_at(replay->dir_fd, draft,
                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "make '%s'", draft);
    enum status st = copy_rest(replay, fd, size, err);
    (void)close(fd); /* synced, or failing anyway */
    if (st == ST_OK && replay->io->rename_at(replay->dir_fd, draft, replay->dir_fd, name) < 0)
        st = error_set_errno(err, ST_IO, "replace '%s'", name);
    if (st != ST_OK)
        (void)replay->io->unlink_at(replay->dir_fd, draft); /* failing anyway */
    return st;
}

enum status replay_save(struct replay *replay, struct error *err)
{
    struct stat info;

    if (replay == NULL || replay->settled_count == 0 || replay->is_foreign)
        return ST_OK;
    ASSERT(replay->lines.fd >= 0 && replay->file_index < replay->files.count);
    const char *name = replay->files.names[replay->file_index];
    /* What was refused again must be durable before its old letter goes. */
    enum status st = dead_letter_sync(replay->letters, err);
    if (st != ST_OK)
        return st;
    if (replay->io->fstat(replay->lines.fd, &info) < 0)
        return error_set_errno(err, ST_IO, "look at '%s'", name);
    uint64_t size = (uint64_t)info.st_size;
    bool is_empty = replay->settled_count == 1 && replay->settled[0].start == 0 &&
                    replay->settled[0].end == size;
    if (!is_empty)
        st = replace_file(replay, name, size, err);
    else if (replay->io->unlink_at(replay->dir_fd, name) < 0 && errno != ENOENT)
        st = error_set_errno(err, ST_IO, "remove '%s'", name);
    if (st == ST_OK)
        st = disk_sync_dir(replay->io, replay->dir_fd, err);
    return st == ST_OK ? ST_OK : error_context(err, "take letters out of '%s'", name);
}

/* --- Letters ---------------------------------------------------------------------------------- */

static bool is_ours(const struct replay *replay)
{
    return slice_equal(replay->letter.exporter, slice_of_text(replay->exporter));
}

/* The next letter of the open file that is wanted.  ST_AGAIN: its end. */
static enum status next_letter(struct replay *replay, struct error *err)
{
    struct letter_line line;

    for (;;) {
        enum status st = letter_lines_next(&replay->lines, &line, err);
        if (st == ST_OK)
            st = letter_read(line.text, &replay->texts, &replay->letter, err);
        if (st == ST_OK && !is_ours(replay)) {
            replay->is_foreign = true;
            return error_set(err, ST_AGAIN, "the file has letters of another exporter");
        }
        if (st == ST_OK && !is_wanted(replay, replay->letter.sequence))
            continue;
        if (st == ST_OK)
            st = letter_record_read(&replay->record, &replay->letter, err);
        if (st == ST_OK)
            replay->place = (struct stretch){line.start, line.end};
        if (st == ST_INVALID || st == ST_LIMIT || st == ST_CORRUPT)
            continue; /* no letter, or none that can be sent: it stays, and `list` shows it */
        return st;
    }
}

static void close_file(struct replay *replay)
{
    letter_lines_close(&replay->lines);
    dead_letter_keep(replay->letters, NULL);
    replay->settled_count = 0;
    replay->is_foreign = false;
    replay->file_index++;
}

/* Finds the next letter in this file and those behind it.  ST_AGAIN: there is none. */
static enum status find_letter(struct replay *replay, struct error *err)
{
    while (replay->file_index < replay->files.count) {
        const char *name = replay->files.names[replay->file_index];
        enum status st = ST_OK;
        if (replay->lines.fd < 0)
            st = letter_lines_open(&replay->lines, replay->dir_fd, name, err);
        dead_letter_keep(replay->letters, name);
        if (st == ST_OK)
            st = next_letter(replay, err);
        if (st == ST_AGAIN)
            st = replay_save(replay, err);
        else if (st != ST_NOT_FOUND)
            return st;
        if (st != ST_OK && st != ST_NOT_FOUND)
            return st;
        close_file(replay);
    }
    return error_set(err, ST_AGAIN, "no more letters");
}

enum status replay_next(struct replay *replay, uint64_t now_ns, struct batch *ret,
                        struct error *err)
{
    struct batch none = {.record_count = 0};
    enum status st = ST_OK;

    ASSERT(!replay->is_given);
    replay->next_look_ns = now_ns + LOOK_EVERY_NS;
    if (!replay->is_active)
        st = begin(replay, err);
    if (st == ST_OK && replay->is_active)
        st = find_letter(replay, err);
    else if (st == ST_OK)
        st = ST_AGAIN;
    if (st == ST_AGAIN && replay->is_active)
        st = end(replay, err);
    if (st == ST_OK && replay->is_active) {
        replay->is_given = true;
        replay->next_look_ns = now_ns; /* there may be more */
        *ret = letter_record_batch(&replay->record, &replay->letter);
        return ST_OK;
    }
    *ret = none;
    if (st == ST_OK || st == ST_AGAIN)
        return ST_OK;
    if (!replay->is_active)
        forget_request(replay); /* what was read of it */
    replay->next_look_ns = now_ns + WAIT_AFTER_FAILED_NS;
    return error_context(err, "replay of '%s'", replay->exporter);
}

/* One more letter that is settled; beside the last one it makes that longer. */
static bool note_settled(struct replay *replay)
{
    struct stretch *last =
        replay->settled_count > 0 ? &replay->settled[replay->settled_count - 1] : NULL;

    if (last != NULL && last->end == replay->place.start) {
        last->end = replay->place.end;
        return true;
    }
    if (replay->settled_count == replay->settled_capacity) {
        size_t larger = replay->settled_capacity == 0 ? 16 : replay->settled_capacity * 2;
        void *grown = reallocarray(replay->settled, larger, sizeof(*replay->settled));
        if (grown == NULL)
            return false;
        replay->settled = grown;
        replay->settled_capacity = larger;
    }
    ASSERT(replay->settled != NULL);
    replay->settled[replay->settled_count++] = replay->place;
    return true;
}

void replay_settle(struct replay *replay)
{
    ASSERT(replay->is_given);
    replay->is_given = false;
    /* Without memory the letter stays in its file: twice rather than never. */
    (void)note_settled(replay);
}
