/* SPDX-License-Identifier: Apache-2.0 */
/* loss_ledger.c -- see loss_ledger.h.
 *
 * A line is written behind what is durable and synced.  When that fails, the file may hold
 * anything behind there: it is cut off before the next line (`is_suspect`).  Room for lines is
 * asked for in advance and behind the end of the file, because they are written when the disk is
 * full.
 *
 * A new file is begun in two steps: the present one gets its number, then the new one is published
 * with the sums.  A crash in between leaves no present file; it is made of the newest numbered one.
 *
 * The lock is held while the disk works: incidents are rare, and their order is that of the file.
 */
#include "deliver/loss_ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/letter_file.h"
#include "telltale/disk_io.h"

enum {
    LINE_SIZE_MAX = 256 * 1024, /* sums of LOSS_TOTALS_MAX, in full */
    ROOM_SIZE = 64 * 1024,
    FILES_MAX_DEFAULT = 8,
    NAME_SIZE = 64,
};

#define FILE_SIZE_DEFAULT (UINT64_C(16) << 20)
#define PRESENT_NAME      LOSS_LEDGER_NAME ".jsonl"

/* What tells an incident from others. */
struct incident {
    char destination[LOSS_NAME_SIZE];
    enum loss_reason reason;
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t first, last;
};

struct loss_ledger {
    const struct disk_io *io;
    int dir_fd; /* owned */
    uint64_t file_size;
    unsigned files_max;
    void (*on_loss)(void *context, const struct loss *loss);
    void *context; /* borrowed */
    pthread_mutex_t lock;
    /* shared, under lock */
    int fd;          /* owned: the present file; -1: there is none yet */
    uint64_t size;   /* of it, durable */
    bool is_suspect; /* there may be more than that */
    struct buf line;
    struct loss_totals totals;
    struct incident recent[LOSS_RECENT_MAX]; /* a ring */
    uint64_t recent_count;                   /* of all that were ever put there */
};

/* --- Recent incidents ------------------------------------------------------------------------- */

static void remember(struct loss_ledger *ledger, const struct loss *loss)
{
    struct incident *incident = &ledger->recent[ledger->recent_count++ % LOSS_RECENT_MAX];

    *incident = (struct incident){.reason = loss->reason, .first = loss->first, .last = loss->last};
    memcpy(incident->destination, loss->destination, sizeof(incident->destination));
    memcpy(incident->journal_id, loss->journal_id, JOURNAL_ID_SIZE);
}

/* Ranges of the journal may come again in parts; a file is told by the range it had. */
static bool covers(const struct incident *incident, const struct loss *loss)
{
    bool is_of_file = loss->reason == LOSS_DISK_FULL || loss->reason == LOSS_DEAD_LETTERS_FULL;

    if (incident->reason != loss->reason || strcmp(incident->destination, loss->destination) != 0 ||
        memcmp(incident->journal_id, loss->journal_id, JOURNAL_ID_SIZE) != 0)
        return false;
    return is_of_file ? loss->first == incident->first && loss->last == incident->last
                      : loss->first >= incident->first && loss->last <= incident->last;
}

static const struct incident *find_incident(const struct loss_ledger *ledger,
                                            const struct loss *loss)
{
    uint64_t count =
        ledger->recent_count < LOSS_RECENT_MAX ? ledger->recent_count : LOSS_RECENT_MAX;

    for (uint64_t i = 0; i < count; i++) {
        if (covers(&ledger->recent[i], loss))
            return &ledger->recent[i];
    }
    return NULL;
}

/* --- Names ------------------------------------------------------------------------------------ */

/* 0: not the name of a numbered file. */
static uint64_t number_of(const char *name)
{
    size_t prefix = strlen(LOSS_LEDGER_NAME ".");
    char *end;

    if (strncmp(name, LOSS_LEDGER_NAME ".", prefix) != 0 || name[prefix] < '1' ||
        name[prefix] > '9')
        return 0;
    errno = 0;
    unsigned long long number = strtoull(name + prefix, &end, 10);
    return errno == 0 && strcmp(end, ".jsonl") == 0 ? number : 0;
}

static void name_numbered(char out[NAME_SIZE], uint64_t number)
{
    snprintf(out, NAME_SIZE, LOSS_LEDGER_NAME ".%" PRIu64 ".jsonl", number);
}

struct numbered {
    uint64_t oldest, newest; /* 0: there is none */
    uint64_t count;
};

/* The numbered files above `above`. */
static enum status find_numbered(int dir_fd, uint64_t above, struct numbered *ret,
                                 struct error *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        enum status st = error_set_errno(err, ST_IO, "list the directory");
        if (fd >= 0)
            (void)close(fd); /* nothing was written */
        return st;
    }
    *ret = (struct numbered){.count = 0};
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        uint64_t number = number_of(entry->d_name);
        if (number == 0 || number <= above)
            continue;
        ret->count++;
        if (ret->oldest == 0 || number < ret->oldest)
            ret->oldest = number;
        if (number > ret->newest)
            ret->newest = number;
    }
    (void)closedir(dir); /* nothing was written */
    return ST_OK;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Gives the lines of a file to `visitor`; *ret_size is what its whole lines take. */
static enum status read_file(const struct disk_io *io, int dir_fd, const char *name,
                             const struct loss_visitor *visitor, uint64_t *ret_bad_lines,
                             uint64_t *ret_size, struct error *err)
{
    struct letter_lines lines;
    struct letter_line line;
    struct loss loss;
    bool is_totals;
    struct loss_totals *totals = malloc(sizeof(*totals));

    if (totals == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%s'", name);
    *ret_size = 0;
    letter_lines_init(&lines, io);
    enum status st = letter_lines_open(&lines, dir_fd, name, err);
    while (st == ST_OK) {
        st = letter_lines_next(&lines, &line, err);
        if (st == ST_AGAIN)
            break;
        if (st == ST_OK) {
            *ret_size = line.end;
            st = loss_read(line.text, &is_totals, &loss, totals, err);
        }
        if (st == ST_INVALID || st == ST_LIMIT) {
            (*ret_bad_lines)++;
            st = ST_OK;
        } else if (st == ST_OK) {
            st = is_totals ? visitor->on_totals(visitor->context, totals, err)
                           : visitor->on_loss(visitor->context, &loss, err);
        }
    }
    letter_lines_fini(&lines);
    free(totals);
    return st == ST_AGAIN ? ST_OK : st;
}

static enum status take_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    struct loss_ledger *ledger = context;

    (void)err;
    ledger->totals = *totals;
    return ST_OK;
}

static enum status take_loss(void *context, const struct loss *loss, struct error *err)
{
    struct loss_ledger *ledger = context;

    (void)err;
    loss_totals_add(&ledger->totals, loss);
    remember(ledger, loss);
    return ST_OK;
}

/* --- Files ------------------------------------------------------------------------------------ */

static void reserve_room(struct loss_ledger *ledger)
{
    /* Without it the next write finds room, or says that there is none. */
    (void)ledger->io->fallocate(ledger->fd, FALLOC_FL_KEEP_SIZE, (off_t)ledger->size, ROOM_SIZE);
}

/* Begins a file with the sums of all that was before. */
static enum status begin_file(struct loss_ledger *ledger, struct error *err)
{
    buf_clear(&ledger->line);
    enum status st = loss_totals_write(&ledger->totals, &ledger->line, err);
    if (st == ST_OK)
        st = disk_publish(ledger->io, ledger->dir_fd, PRESENT_NAME, ledger->line.data,
                          ledger->line.size, err);
    if (st != ST_OK)
        return st;
    ledger->fd =
        ledger->io->open_at(ledger->dir_fd, PRESENT_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ledger->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", PRESENT_NAME);
    ledger->size = ledger->line.size;
    ledger->is_suspect = false;
    reserve_room(ledger);
    return ST_OK;
}

/* Those that are too many go; their incidents are in the sums that every later file begins with. */
static void delete_oldest(struct loss_ledger *ledger, struct numbered found)
{
    char name[NAME_SIZE];
    struct error ignored;

    while (found.count >= ledger->files_max) { /* the present one counts too */
        name_numbered(name, found.oldest);
        if (ledger->io->unlink_at(ledger->dir_fd, name) < 0 ||
            find_numbered(ledger->dir_fd, found.oldest, &found, &ignored) != ST_OK)
            return; /* another try comes with the next file */
    }
}

static enum status rotate(struct loss_ledger *ledger, struct error *err)
{
    struct numbered found;
    char name[NAME_SIZE];

    enum status st = find_numbered(ledger->dir_fd, 0, &found, err);
    if (st != ST_OK)
        return st;
    name_numbered(name, found.newest + 1);
    if (ledger->io->rename_at(ledger->dir_fd, PRESENT_NAME, ledger->dir_fd, name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", PRESENT_NAME);
    (void)close(ledger->fd); /* all of it was synced */
    ledger->fd = -1;
    found.count++;
    if (found.oldest == 0)
        found.oldest = found.newest + 1;
    st = begin_file(ledger, err);
    if (st == ST_OK)
        delete_oldest(ledger, found);
    return st;
}

/* Reads the newest numbered file; *ret_found: there is one. */
static enum status load_newest(struct loss_ledger *ledger, bool *ret_found, struct error *err)
{
    const struct loss_visitor visitor = {ledger, take_totals, take_loss};
    struct numbered found;
    char name[NAME_SIZE];
    uint64_t bad_lines = 0;
    uint64_t size;

    enum status st = find_numbered(ledger->dir_fd, 0, &found, err);
    *ret_found = st == ST_OK && found.newest != 0;
    if (!*ret_found)
        return st;
    name_numbered(name, found.newest);
    return read_file(ledger->io, ledger->dir_fd, name, &visitor, &bad_lines, &size, err);
}

/* Learns what was written before.  The file before the present one is read for its incidents; the
 * sums that the present one begins with replace its own. */
static enum status load(struct loss_ledger *ledger, struct error *err)
{
    const struct loss_visitor visitor = {ledger, take_totals, take_loss};
    uint64_t bad_lines = 0;
    struct stat info;
    bool found;

    enum status st = load_newest(ledger, &found, err);
    if (st != ST_OK)
        return st;
    st = read_file(ledger->io, ledger->dir_fd, PRESENT_NAME, &visitor, &bad_lines, &ledger->size,
                   err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK)
        return st;
    ledger->fd =
        ledger->io->open_at(ledger->dir_fd, PRESENT_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ledger->fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", PRESENT_NAME);
    ledger->is_suspect = fstat(ledger->fd, &info) < 0 || (uint64_t)info.st_size != ledger->size;
    return ST_OK;
}

/* Makes the present file what it should be. */
static enum status repair(struct loss_ledger *ledger, struct error *err)
{
    if (ledger->fd < 0)
        return begin_file(ledger, err);
    if (!ledger->is_suspect)
        return ST_OK;
    if (ledger->io->ftruncate(ledger->fd, (off_t)ledger->size) < 0)
        return error_set_errno(err, ST_IO, "truncate '%s'", PRESENT_NAME);
    enum status st = disk_sync(ledger->io, ledger->fd, err);
    if (st != ST_OK)
        return st;
    ledger->is_suspect = false;
    reserve_room(ledger);
    return ST_OK;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

enum status loss_ledger_open(const struct loss_ledger_settings *settings, struct loss_ledger **ret,
                             struct error *err)
{
    struct error ignored;
    struct loss_ledger *ledger = calloc(1, sizeof(*ledger));

    if (ledger == NULL)
        return error_set(err, ST_NO_MEMORY, "open the loss ledger");
    ledger->io = settings->io != NULL ? settings->io : &disk_io_system;
    ledger->file_size = settings->file_size != 0 ? settings->file_size : FILE_SIZE_DEFAULT;
    ledger->files_max = settings->files_max != 0 ? settings->files_max : FILES_MAX_DEFAULT;
    ledger->fd = -1;
    (void)pthread_mutex_init(&ledger->lock, NULL); /* cannot fail with default attributes */
    buf_init(&ledger->line, LINE_SIZE_MAX);
    ledger->dir_fd = open(settings->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = ledger->dir_fd < 0 ? error_set_errno(err, ST_IO, "open '%s'", settings->dir)
                                        : load(ledger, err);
    if (st != ST_OK) {
        loss_ledger_close(ledger);
        return error_context(err, "open the loss ledger");
    }
    (void)(repair(ledger, &ignored) == ST_OK); /* else before the first line */
    *ret = ledger;
    return ST_OK;
}

void loss_ledger_close(struct loss_ledger *ledger)
{
    if (ledger == NULL)
        return;
    if (ledger->fd >= 0)
        (void)close(ledger->fd); /* what matters was synced */
    if (ledger->dir_fd >= 0)
        (void)close(ledger->dir_fd);
    buf_fini(&ledger->line);
    (void)pthread_mutex_destroy(&ledger->lock); /* nobody holds it */
    free(ledger);
}

void loss_ledger_listen(struct loss_ledger *ledger,
                        void (*on_loss)(void *context, const struct loss *loss), void *context)
{
    ledger->on_loss = on_loss;
    ledger->context = context;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static enum status append(struct loss_ledger *ledger, const struct loss *loss, struct error *err)
{
    enum status st = repair(ledger, err);
    if (st == ST_OK && ledger->size >= ledger->file_size)
        st = rotate(ledger, err);
    if (st != ST_OK)
        return st;
    buf_clear(&ledger->line);
    st = loss_write(loss, &ledger->line, err);
    if (st != ST_OK)
        return st;
    struct iovec part = {.iov_base = ledger->line.data, .iov_len = ledger->line.size};
    ledger->is_suspect = true;
    st = disk_write(ledger->io, ledger->fd, &part, 1, ledger->size, err);
    if (st == ST_OK)
        st = disk_sync(ledger->io, ledger->fd, err);
    if (st != ST_OK) {
        struct error ignored;
        (void)(repair(ledger, &ignored) == ST_OK); /* else before the next line */
        return st;
    }
    ledger->is_suspect = false;
    ledger->size += ledger->line.size;
    reserve_room(ledger);
    return ST_OK;
}

enum status loss_ledger_write(struct loss_ledger *ledger, const struct loss *loss, bool *ret_is_new,
                              struct error *err)
{
    enum status st = ST_OK;

    (void)pthread_mutex_lock(&ledger->lock); /* fails only if we hold it */
    bool is_new = loss->reason == LOSS_SHED || find_incident(ledger, loss) == NULL;
    if (is_new)
        st = append(ledger, loss, err);
    if (is_new && st == ST_OK) {
        loss_totals_add(&ledger->totals, loss);
        remember(ledger, loss);
    }
    (void)pthread_mutex_unlock(&ledger->lock); /* fails only if we do not hold it */
    if (st != ST_OK)
        return error_context(err, "loss ledger");
    if (is_new && ledger->on_loss != NULL)
        ledger->on_loss(ledger->context, loss);
    *ret_is_new = is_new;
    return ST_OK;
}

uint64_t loss_ledger_resume(struct loss_ledger *ledger, const char *destination,
                            const uint8_t journal_id[JOURNAL_ID_SIZE], uint64_t sequence)
{
    struct loss wanted;
    const struct incident *incident;

    loss_init(&wanted, destination, LOSS_JOURNAL_FULL, journal_id, 0);
    (void)pthread_mutex_lock(&ledger->lock); /* as above */
    for (;;) {
        wanted.first = wanted.last = sequence;
        incident = find_incident(ledger, &wanted);
        if (incident == NULL)
            break;
        sequence = incident->last + 1; /* larger than before: each is met once */
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return sequence;
}

void loss_ledger_sums(struct loss_ledger *ledger, struct loss_totals *ret)
{
    (void)pthread_mutex_lock(&ledger->lock); /* as above */
    ret->count = ledger->totals.count;
    memcpy(ret->items, ledger->totals.items, ret->count * sizeof(ret->items[0]));
    (void)pthread_mutex_unlock(&ledger->lock);
}

/* --- For other processes ---------------------------------------------------------------------- */

struct reading {
    const struct loss_visitor *visitor;
    bool is_first; /* of all files: only its sums are of incidents that are gone */
};

static enum status pass_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    struct reading *reading = context;
    bool is_first = reading->is_first;

    reading->is_first = false;
    return is_first ? reading->visitor->on_totals(reading->visitor->context, totals, err) : ST_OK;
}

static enum status pass_loss(void *context, const struct loss *loss, struct error *err)
{
    struct reading *reading = context;

    reading->is_first = false;
    return reading->visitor->on_loss(reading->visitor->context, loss, err);
}

static enum status read_all(int dir_fd, struct reading *reading, uint64_t *ret_bad_lines,
                            struct error *err)
{
    const struct loss_visitor visitor = {reading, pass_totals, pass_loss};
    struct numbered found;
    char name[NAME_SIZE];
    uint64_t size;
    uint64_t done = 0;

    enum status st = find_numbered(dir_fd, 0, &found, err);
    while (st == ST_OK && found.oldest != 0) {
        done = found.oldest;
        name_numbered(name, done);
        st = read_file(&disk_io_system, dir_fd, name, &visitor, ret_bad_lines, &size, err);
        if (st == ST_OK || st == ST_NOT_FOUND) /* deleted meanwhile */
            st = find_numbered(dir_fd, done, &found, err);
    }
    if (st != ST_OK)
        return st;
    st = read_file(&disk_io_system, dir_fd, PRESENT_NAME, &visitor, ret_bad_lines, &size, err);
    return st == ST_NOT_FOUND && done > 0 ? ST_OK : st;
}

enum status loss_ledger_read(const char *dir, const struct loss_visitor *visitor,
                             uint64_t *ret_bad_lines, struct error *err)
{
    struct reading reading = {visitor, true};

    *ret_bad_lines = 0;
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", dir);
    enum status st = read_all(dir_fd, &reading, ret_bad_lines, err);
    (void)close(dir_fd); /* only read from */
    return st;
}
