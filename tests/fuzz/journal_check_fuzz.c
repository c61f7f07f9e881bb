/* SPDX-License-Identifier: Apache-2.0 */
/* journal_check_fuzz.c -- a sound journal that somebody has changed: the check comes to an end,
 * shows nothing but whole records, each once and in order, and never calls a journal sound of which
 * an acknowledged record behind the oldest one that is there is lost.  Nor does opening it fail,
 * and the readers then come to its end.
 *
 * The input is a list of changes of 6 bytes each: what, which file, where (16 bits), two values. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_check.h"
#include "support/journal_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RECORDS = 24,
    RECORD_SIZE = 41,
    SEGMENT_SIZE = 400,
    FILES_MAX = 32,
    FILE_SIZE_MAX = 1 << 16,
    CHANGE_SIZE = 6,
    CHANGES_MAX = 32,
};

enum change {
    CHANGE_BYTE,
    CHANGE_FLIP,
    CHANGE_CUT,
    CHANGE_APPEND,
    CHANGE_COPY,
    CHANGE_REMOVE,
    CHANGE_KINDS
};

struct file {
    char name[64];
    uint8_t *bytes;
    size_t size;
};

/* The sound journal. */
static struct file files[FILES_MAX];
static size_t file_count;
static struct journal_fixture fixture;
static struct disk_io io;

/* --- Making it ----------------------------------------------------------------------------- */

static int sync_nothing(int fd)
{
    (void)fd;
    return 0;
}

static int open_journal_dir(void)
{
    int fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ASSERT(fd >= 0);
    return fd;
}

static void keep_file(int dir_fd, const char *name)
{
    struct file *file = &files[file_count];
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat info;

    ASSERT(fd >= 0 && fstat(fd, &info) == 0);
    if (S_ISREG(info.st_mode) && strcmp(name, "lock") != 0) {
        ASSERT(file_count++ < FILES_MAX && info.st_size <= FILE_SIZE_MAX);
        snprintf(file->name, sizeof(file->name), "%s", name);
        file->size = (size_t)info.st_size;
        file->bytes = malloc(file->size + 1);
        ASSERT(file->bytes != NULL);
        ASSERT(read(fd, file->bytes, file->size) == (ssize_t)file->size);
    }
    (void)close(fd);
}

static int by_name(const void *a, const void *b)
{
    const struct file *left = a;
    const struct file *right = b;

    return strcmp(left->name, right->name);
}

static void clean_up(void)
{
    journal_fixture_fini(&fixture);
}

static void set_up(void)
{
    temp_dir_prefer_memory();
    journal_fixture_init(&fixture);
    (void)atexit(clean_up);
    journal_fixture_close(&fixture);
    io = disk_io_system;
    io.fdatasync = sync_nothing;
    io.fsync_dir = sync_nothing;
    fixture.settings.io = &io;
    fixture.settings.segment_size = SEGMENT_SIZE;
    journal_fixture_open(&fixture);
    for (unsigned int i = 0; i < RECORDS; i++)
        ASSERT(journal_fixture_append(&fixture, 1, RECORD_SIZE) == ST_OK);
    journal_fixture_close(&fixture);
    int dir_fd = open_journal_dir();
    DIR *stream = fdopendir(dir_fd);
    ASSERT(stream != NULL);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        keep_file(dir_fd, entry->d_name);
    (void)closedir(stream);
    qsort(files, file_count, sizeof(*files), by_name); /* the same in each process */
    ASSERT(file_count > 2);
}

/* --- Changing it --------------------------------------------------------------------------- */

/* `bytes` has room for FILE_SIZE_MAX. */
static void change(uint8_t *bytes, size_t *size, const uint8_t *how)
{
    size_t at = (how[2] | (size_t)how[3] << 8) % (*size + 1);
    size_t count = how[4];

    switch (how[0] % CHANGE_KINDS) {
    case CHANGE_BYTE:
        if (at < *size)
            bytes[at] = how[5];
        break;
    case CHANGE_FLIP:
        if (at < *size)
            bytes[at] ^= (uint8_t)(1 << how[5] % 8);
        break;
    case CHANGE_CUT:
        *size = at;
        break;
    case CHANGE_APPEND:
        if (*size + count <= FILE_SIZE_MAX) {
            memset(bytes + *size, how[5], count);
            *size += count;
        }
        break;
    case CHANGE_COPY: /* to its beginning, or to where how[5] says */
        if (at + count <= *size && (size_t)how[5] * 8 + count <= *size)
            memmove(bytes + (size_t)how[5] * 8, bytes + at, count);
        break;
    default:
        *size = SIZE_MAX;
        break;
    }
}

static void write_changed(int dir_fd, size_t index, const uint8_t *changes, size_t count)
{
    static uint8_t bytes[FILE_SIZE_MAX];
    const struct file *file = &files[index];
    size_t size = file->size;

    memcpy(bytes, file->bytes, size);
    for (size_t i = 0; i < count && size != SIZE_MAX; i++) {
        const uint8_t *how = changes + i * CHANGE_SIZE;
        if (how[1] % file_count == index)
            change(bytes, &size, how);
    }
    (void)unlinkat(dir_fd, file->name, 0);
    if (size == SIZE_MAX)
        return;
    int fd = openat(dir_fd, file->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    (void)close(fd);
}

static void empty_dir(int dir_fd, const char *folder)
{
    int fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (stream == NULL)
        return;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        (void)unlinkat(fd, entry->d_name, 0); /* all but folders */
    (void)closedir(stream);
}

/* --- Looking at it ------------------------------------------------------------------------- */

struct seen {
    uint64_t records, last, damages;
};

static enum status on_record(void *context, uint64_t sequence, const struct record_group *group,
                             struct slice record, struct error *err)
{
    struct seen *seen = context;

    (void)group;
    (void)err;
    ASSERT(sequence > seen->last && sequence <= RECORDS);
    ASSERT(journal_record_number(record) == sequence); /* and it is whole */
    seen->last = sequence;
    seen->records++;
    return ST_OK;
}

static enum status on_finding(void *context, const struct journal_finding *finding,
                              struct error *err)
{
    struct seen *seen = context;

    (void)err;
    ASSERT(journal_finding_name(finding->kind) != NULL);
    seen->damages += finding->is_damage;
    return ST_OK;
}

static void check_journal(int dir_fd)
{
    const struct journal_check_options options = {.committed = RECORDS + 1, .to = UINT64_MAX};
    struct seen seen = {0};
    const struct journal_check_handler handler = {
        .context = &seen, .on_finding = on_finding, .on_record = on_record};
    struct journal_check_report report;
    struct journal_check *check;
    struct error err;

    enum status st = journal_check_open(dir_fd, &options, &check, &err);
    if (st == ST_NOT_FOUND)
        return;
    ASSERT(st == ST_OK);
    ASSERT(journal_check_run(check, &handler, &report, &err) == ST_OK);
    ASSERT(report.records == seen.records && report.damages == seen.damages);
    /* The oldest segments may be gone as they go when all destinations have them. */
    ASSERT(seen.damages > 0 || (report.oldest > 0 && seen.records == RECORDS + 1 - report.oldest));
    journal_check_close(check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct journal *journal;
    size_t count = size / CHANGE_SIZE;

    if (count > CHANGES_MAX)
        return -1;
    if (file_count == 0)
        set_up();
    int dir_fd = open_journal_dir();
    empty_dir(dir_fd, ".");
    empty_dir(dir_fd, "quarantine");
    for (size_t i = 0; i < file_count; i++)
        write_changed(dir_fd, i, data, count);
    check_journal(dir_fd);
    ASSERT(journal_open(&fixture.settings, &journal, NULL, &err) == ST_OK);
    journal_close(journal);
    (void)close(dir_fd);
    return 0;
}
