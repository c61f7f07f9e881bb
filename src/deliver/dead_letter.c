/* SPDX-License-Identifier: Apache-2.0 */
/* dead_letter.c -- see dead_letter.h.
 *
 * A line is written whole or cut off again.  A line that a crash has torn is ended by a newline
 * when the file is opened: its record is still in the journal, since the cursor moves only
 * behind what was synced, and comes again.
 *
 * After a failed sync the kernel may hold the pages for clean although they are lost, so syncing
 * again would lie.  Lines are therefore kept until they are synced, and written anew when that
 * fails; a line that is too large to be kept is synced at once, or has failed.
 *
 * That may have happened to the process before, so what a file holds when it is opened may be gone
 * at the next power cut.  Its letters come again; but its last newline is written once more, or
 * the first new letter would be lost with the line it then belonged to.
 */
#include "deliver/dead_letter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/letter_file.h"
#include "deliver/letter_room.h"
#include "telltale/encode.h"
#include "telltale/signals.h"
#include "wire/json_put.h"

enum {
    FILE_NAME_MAX = DEAD_LETTER_NAME_SIZE,
    LINE_SIZE_MAX = 64 * 1024 * 1024, /* room for any record in base64 */
    LINE_KEEP_SIZE = 64 * 1024,
    UNSYNCED_MAX = 1 << 20, /* bytes of lines */
    FILE_NUMBER_MAX = 2000000000,
};

struct dead_letter {
    const struct disk_io *io; /* borrowed */
    int dir_fd;               /* owned */
    int fd;                   /* owned: the present file; -1 before the first record */
    uint64_t size;            /* of the present file: what is synced, and `unsynced` */
    uint64_t others;          /* bytes of the files before */
    bool is_renamed;          /* the present file got its number, perhaps not durably */
    bool is_end_old;          /* what is called synced is what was found in the file */
    bool is_suspect;          /* behind what is synced, the file may hold anything */
    struct buf line;          /* the line being made */
    struct buf unsynced;      /* lines that were written and not synced */
    uint64_t file_size;
    uint64_t total_size;
    bool drop_oldest;
    struct loss_ledger *ledger; /* borrowed */
    const char *keep;           /* borrowed: a file that is read; NULL: none */
    char name[FILE_NAME_MAX];   /* without ".jsonl" */
    char file_name[FILE_NAME_MAX + 8];
    char exporter[FILE_NAME_MAX];
};

enum status dead_letter_file_name(const char *exporter, char out[DEAD_LETTER_NAME_SIZE],
                                  struct error *err)
{
    if (snprintf(out, DEAD_LETTER_NAME_SIZE, "%s", exporter) >= DEAD_LETTER_NAME_SIZE)
        return error_set(err, ST_LIMIT, "exporter name '%s' is too long", exporter);
    for (char *c = out; *c != 0; c++) {
        if (*c == '/')
            *c = '.';
    }
    return ST_OK;
}

/* NAME.jsonl or NAME.N.jsonl */
static bool is_ours(const struct dead_letter *letters, const char *file_name)
{
    size_t size = strlen(letters->name);

    if (strncmp(file_name, letters->name, size) != 0 || file_name[size] != '.')
        return false;
    const char *rest = file_name + size + 1;
    size_t digits = strspn(rest, "0123456789");
    if (digits > 0 && rest[digits] == '.')
        rest += digits + 1;
    return strcmp(rest, "jsonl") == 0;
}

static enum status measure_others(struct dead_letter *letters, struct error *err)
{
    int fd = letters->io->open_at(letters->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        enum status st = error_set_errno(err, ST_IO, "list the directory");
        if (fd >= 0)
            (void)close(fd); /* nothing was written */
        return st;
    }
    letters->others = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct stat info;
        if (is_ours(letters, entry->d_name) && strcmp(entry->d_name, letters->file_name) != 0 &&
            letters->io->stat_at(letters->dir_fd, entry->d_name, &info) == 0)
            letters->others += (uint64_t)info.st_size;
    }
    (void)closedir(dir); /* nothing was written */
    return ST_OK;
}

enum status dead_letter_open(const struct dead_letter_settings *settings, struct dead_letter **ret,
                             struct error *err)
{
    ASSERT(strchr(settings->name, '/') == NULL);

    if (strlen(settings->name) >= FILE_NAME_MAX || strlen(settings->exporter) >= FILE_NAME_MAX)
        return error_set(err, ST_LIMIT, "dead letters: name of %d bytes or more", FILE_NAME_MAX);
    struct dead_letter *letters = calloc(1, sizeof(*letters));
    if (letters == NULL)
        return error_set(err, ST_NO_MEMORY, "open dead letters '%s'", settings->name);
    letters->io = disk_io_or_system(settings->io);
    letters->fd = -1;
    letters->file_size = settings->file_size;
    letters->total_size = settings->total_size;
    letters->drop_oldest = settings->drop_oldest;
    letters->ledger = settings->ledger;
    buf_init(&letters->line, LINE_SIZE_MAX);
    buf_init(&letters->unsynced, UNSYNCED_MAX);
    snprintf(letters->name, sizeof(letters->name), "%s", settings->name);
    snprintf(letters->file_name, sizeof(letters->file_name), "%s.jsonl", settings->name);
    snprintf(letters->exporter, sizeof(letters->exporter), "%s", settings->exporter);

    letters->dir_fd =
        letters->io->open_at(AT_FDCWD, settings->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (letters->dir_fd < 0) {
        enum status st = error_set_errno(err, ST_IO, "open dead letters '%s'", settings->dir);
        dead_letter_close(letters);
        return st;
    }
    *ret = letters;
    return ST_OK;
}

void dead_letter_close(struct dead_letter *letters)
{
    if (letters == NULL)
        return;
    if (letters->fd >= 0)
        (void)close(letters->fd); /* what matters was synced */
    if (letters->dir_fd >= 0)
        (void)close(letters->dir_fd);
    buf_fini(&letters->line);
    buf_fini(&letters->unsynced);
    free(letters);
}

/* Ends a line that was torn by a crash, before the next one is written. */
static enum status mend_end(struct dead_letter *letters, struct error *err)
{
    char last = 0;
    size_t got;

    if (letters->size == 0)
        return ST_OK;
    enum status st = disk_read(letters->io, letters->fd, &last, 1, letters->size - 1, &got, err);
    if (st == ST_OK && last != '\n')
        st = buf_append(&letters->unsynced, "\n", 1, err);
    if (st != ST_OK)
        return st;
    letters->size += letters->unsynced.size;
    letters->is_end_old = letters->unsynced.size == 0;
    letters->is_suspect = true;
    return ST_OK;
}

static enum status open_file(struct dead_letter *letters, struct error *err)
{
    struct stat info;
    enum status st = ST_OK;

    /* The new file must not be there without the new name of the old one. */
    if (letters->is_renamed)
        st = disk_sync_dir(letters->io, letters->dir_fd, err);
    if (st != ST_OK)
        return st;
    letters->is_renamed = false;
    int fd = letters->io->open_at(letters->dir_fd, letters->file_name,
                                  O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", letters->file_name);
    letters->fd = fd;
    if (letters->io->fstat(fd, &info) < 0) {
        st = error_set_errno(err, ST_IO, "look at '%s'", letters->file_name);
        goto fail;
    }
    letters->size = (uint64_t)info.st_size;
    st = disk_sync_dir(letters->io, letters->dir_fd, err); /* the file's name */
    if (st == ST_OK)
        st = measure_others(letters, err);
    if (st == ST_OK)
        st = mend_end(letters, err); /* last: it leaves something to do */
    if (st == ST_OK)
        return ST_OK;
fail:
    (void)close(fd); /* failing anyway */
    letters->fd = -1;
    return st;
}

/* The number behind all there are: the lowest is the oldest.  Rising ones are not taken for each
 * other when a file has gone. */
static enum status next_number(const struct dead_letter *letters, unsigned long *ret,
                               struct error *err)
{
    struct letter_file_list files;
    size_t prefix = strlen(letters->name) + 1;

    enum status st = letter_files_list(letters->io, letters->dir_fd, letters->name, &files, err);
    if (st != ST_OK)
        return st;
    *ret = files.count > 0 ? strtoul(files.names[files.count - 1] + prefix, NULL, 10) + 1 : 1;
    letter_files_free(&files);
    return ST_OK;
}

/* Gives the present file its number. */
static enum status rotate(struct dead_letter *letters, struct error *err)
{
    char numbered[FILE_NAME_MAX + 24];
    unsigned long number = 0;

    enum status st = dead_letter_sync(letters, err);
    if (st == ST_OK)
        st = next_number(letters, &number, err);
    if (st != ST_OK)
        return st;
    if (number > FILE_NUMBER_MAX)
        return error_set(err, ST_LIMIT, "a file of dead letters has the number %lu", number - 1);
    snprintf(numbered, sizeof(numbered), "%s.%lu.jsonl", letters->name, number);
    if (letters->io->rename_new_at(letters->dir_fd, letters->file_name, letters->dir_fd, numbered) <
        0)
        return error_set_errno(err, ST_IO, "rename '%s'", letters->file_name);
    (void)close(letters->fd); /* synced above */
    letters->fd = -1;
    letters->is_renamed = true;
    return open_file(letters, err);
}

static enum status make_head(struct dead_letter *letters, const struct batch *batch, size_t index,
                             const struct dead_letter_reason *reason, struct error *err)
{
    struct json_put json;

    json_start(&json, &letters->line, err);
    json_put(&json, SLICE("{\"time\":"));
    json_put_time(&json, reason->unix_ns);
    json_put(&json, SLICE(",\"exporter\":"));
    json_put_text(&json, slice_of_text(letters->exporter));
    json_put(&json, SLICE(",\"reason\":"));
    json_put_text(&json, slice_of_text(reason->reason));
    json_put(&json, SLICE(",\"message\":"));
    json_put_text(&json, slice_of_text(reason->message));
    json_put(&json, SLICE(",\"attempts\":"));
    json_put_uint(&json, reason->attempts);
    json_put(&json, SLICE(",\"journal\":"));
    json_put_hex(&json, slice_of(batch->journal_id, sizeof(batch->journal_id)));
    json_put(&json, SLICE(",\"sequence\":"));
    json_put_uint(&json, batch->records[index].sequence);
    enum signal signal = batch->groups[batch->records[index].group_index].signal;
    if (signal != SIGNAL_LOGS) { /* of logs it is not said, as it never was */
        json_put(&json, SLICE(",\"signal\":"));
        json_put_text(&json, slice_of_text(signal_name(signal)));
    }
    return json_finish(&json);
}

/* The record as it is, when it has no JSON form, or one that is too large. */
static enum status make_raw(struct dead_letter *letters, struct slice record, struct error *err)
{
    struct json_put json;

    json_start(&json, &letters->line, err);
    json_put(&json, SLICE(",\"record_base64\":"));
    json_put_base64(&json, record);
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

static enum status make_line(struct dead_letter *letters, const struct batch *batch, size_t index,
                             const struct dead_letter_reason *reason, struct error *err)
{
    const struct record *record = &batch->records[index];
    struct buf *line = &letters->line;

    buf_clear(line);
    enum status st = make_head(letters, batch, index, reason, err);
    if (st != ST_OK)
        return st;
    size_t head_size = line->size;
    st = buf_append(line, ",\"otlp\":", 8, err);
    if (st == ST_OK) {
        st = encode_otlp_json_line(&batch->groups[record->group_index], record->bytes, SLICE_EMPTY,
                                   line, err);
    }
    if (st == ST_OK) {
        line->size--; /* its newline stands behind our brace */
        return buf_append(line, "}\n", 2, err);
    }
    if (st != ST_CORRUPT && st != ST_LIMIT)
        return st;
    line->size = head_size;
    return make_raw(letters, record->bytes, err);
}

static bool is_over(const struct dead_letter *letters)
{
    return letters->others + letters->size + letters->line.size > letters->total_size;
}

static enum status drop_oldest(struct dead_letter *letters, struct error *err)
{
    const struct letter_room room = {.io = letters->io,
                                     .dir_fd = letters->dir_fd,
                                     .name = letters->name,
                                     .exporter = letters->exporter,
                                     .keep = letters->keep,
                                     .ledger = letters->ledger};
    enum status st = ST_OK;

    while (st == ST_OK && is_over(letters)) {
        st = letter_room_drop_oldest(&room, err);
        if (st == ST_OK)
            st = measure_others(letters, err);
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status make_room(struct dead_letter *letters, struct error *err)
{
    enum status st = ST_OK;

    if (letters->fd < 0)
        st = open_file(letters, err);
    if (st == ST_OK && letters->size > 0 && letters->size + letters->line.size > letters->file_size)
        st = rotate(letters, err);
    if (st != ST_OK)
        return st;
    if (is_over(letters))
        st = measure_others(letters, err); /* somebody may have made room */
    if (st == ST_OK && letters->drop_oldest)
        st = drop_oldest(letters, err);
    if (st != ST_OK)
        return st;
    uint64_t size = letters->others + letters->size + letters->line.size;
    if (is_over(letters)) {
        return error_set(err, ST_LIMIT,
                         "%" PRIu64 " bytes of dead letters, limit %" PRIu64
                         "; move or replay some",
                         size, letters->total_size);
    }
    return ST_OK;
}

/* Writes the newline at the end of what was found once more: through another descriptor, since
 * this one appends. */
static enum status renew_end(struct dead_letter *letters, uint64_t end, struct error *err)
{
    struct iovec part = {.iov_base = (char[]){'\n'}, .iov_len = 1};

    int fd = letters->io->open_at(letters->dir_fd, letters->file_name,
                                  O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", letters->file_name);
    enum status st = disk_write(letters->io, fd, &part, 1, end - 1, err);
    (void)close(fd); /* synced with the lines that follow */
    return st;
}

/* Makes the file what it should be: what is synced, and the lines that are not. */
static enum status repair(struct dead_letter *letters, struct error *err)
{
    if (!letters->is_suspect)
        return ST_OK;
    uint64_t synced = letters->size - letters->unsynced.size;
    if (letters->io->ftruncate(letters->fd, (off_t)synced) < 0)
        return error_set_errno(err, ST_IO, "truncate '%s'", letters->file_name);
    enum status st = letters->is_end_old ? renew_end(letters, synced, err) : ST_OK;
    if (st != ST_OK)
        return st;
    struct iovec part = {.iov_base = letters->unsynced.data, .iov_len = letters->unsynced.size};
    st = disk_write(letters->io, letters->fd, &part, 1, synced, err);
    if (st == ST_OK)
        letters->is_suspect = false;
    return st;
}

static enum status write_line(struct dead_letter *letters, struct error *err)
{
    const struct buf *line = &letters->line;
    bool is_kept = line->size <= UNSYNCED_MAX;
    enum status st = ST_OK;

    if (line->size > UNSYNCED_MAX - letters->unsynced.size)
        st = dead_letter_sync(letters, err);
    if (st == ST_OK)
        st = repair(letters, err);
    if (st == ST_OK && is_kept)
        st = buf_reserve(&letters->unsynced, line->size, err);
    if (st != ST_OK)
        return st;
    letters->is_suspect = true;
    struct iovec part = {.iov_base = line->data, .iov_len = line->size};
    st = disk_write(letters->io, letters->fd, &part, 1, letters->size, err);
    if (st == ST_OK && !is_kept)
        st = disk_sync(letters->io, letters->fd, err);
    if (st != ST_OK) {
        struct error ignored;
        (void)(repair(letters, &ignored) == ST_OK); /* else before the next line */
        return st;
    }
    letters->is_suspect = false;
    letters->size += line->size;
    if (is_kept)
        buf_append_reserved(&letters->unsynced, line->data, line->size);
    return ST_OK;
}

enum status dead_letter_put(struct dead_letter *letters, const struct batch *batch, size_t index,
                            const struct dead_letter_reason *reason, struct error *err)
{
    enum status st = make_line(letters, batch, index, reason, err);
    if (st == ST_OK)
        st = make_room(letters, err);
    if (st == ST_OK)
        st = write_line(letters, err);
    buf_trim(&letters->line, LINE_KEEP_SIZE);
    return st == ST_OK ? ST_OK : error_context(err, "dead letters '%s'", letters->name);
}

enum status dead_letter_sync(struct dead_letter *letters, struct error *err)
{
    if (letters->unsynced.size == 0 && !letters->is_suspect)
        return ST_OK;
    enum status st = repair(letters, err);
    if (st == ST_OK)
        st = disk_sync(letters->io, letters->fd, err);
    if (st != ST_OK) {
        letters->is_suspect = true;
        return error_context(err, "dead letters '%s'", letters->name);
    }
    letters->is_end_old = false;
    buf_trim(&letters->unsynced, LINE_KEEP_SIZE);
    return ST_OK;
}

void dead_letter_keep(struct dead_letter *letters, const char *file_name)
{
    letters->keep = file_name;
}

enum status dead_letter_set_aside(struct dead_letter *letters, struct error *err)
{
    enum status st = ST_OK;

    struct stat info;
    if (letters->fd < 0 && letters->io->stat_at(letters->dir_fd, letters->file_name, &info) < 0)
        return ST_OK; /* there is none, or the next letter will tell what is wrong with it */
    if (letters->fd < 0)
        st = open_file(letters, err);
    if (st == ST_OK && letters->size > 0)
        st = rotate(letters, err);
    return st == ST_OK ? ST_OK : error_context(err, "dead letters '%s'", letters->name);
}
