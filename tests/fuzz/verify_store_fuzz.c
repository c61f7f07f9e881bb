/* SPDX-License-Identifier: Apache-2.0 */
/* verify_store_fuzz.c -- a store in which somebody has changed whatever he liked: verification
 * ends, within its limits, and says yes only of the lines that were there.
 *
 * The store is the same each time, and so is its key, which no input can sign with.  The first byte
 * says which file the rest is written into: the whole file when bit 7 is set; else the next two
 * bytes say at which offset. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/proved_store.h"
#include "verify/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 16, FILE_SIZE_MAX = 64 << 10, INPUT_SIZE_MAX = 4 << 10 };

struct kept_file {
    char name[256];
    uint8_t bytes[FILE_SIZE_MAX];
    size_t size;
};

static struct proved_store store;
static struct kept_file files[FILES_MAX];
static size_t file_count;
static char key[NOTE_VKEY_SIZE];

static void clean_up(void)
{
    proved_store_fini(&store);
}

static void write_file(const struct kept_file *file, struct slice bytes)
{
    int fd = openat(store.dir_fd, file->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    ssize_t written = write(fd, bytes.data, bytes.size);
    ASSERT(written == (ssize_t)bytes.size);
    (void)close(fd); /* a test's file */
}

static void keep_files(void)
{
    struct dirent **items;

    int found = scandir(store.path, &items, NULL, alphasort);
    ASSERT(found > 0);
    for (int i = 0; i < found; i++) {
        if (items[i]->d_name[0] != '.') {
            struct kept_file *file = &files[file_count++];
            ASSERT(file_count <= FILES_MAX);
            snprintf(file->name, sizeof(file->name), "%.255s", items[i]->d_name);
            int fd = openat(store.dir_fd, file->name, O_RDONLY | O_CLOEXEC);
            ssize_t got = fd >= 0 ? read(fd, file->bytes, sizeof(file->bytes)) : -1;
            ASSERT(got > 0 && got < FILE_SIZE_MAX);
            file->size = (size_t)got;
            (void)close(fd); /* only read from */
        }
        free(items[i]);
    }
    free(items);
}

static void set_up(void)
{
    (void)setenv("TMPDIR", "/dev/shm", 0); /* cannot fail; a disk would make it slow */
    proved_store_init(&store);
    proved_store_fill(&store);
    proved_store_first_key(&store, key);
    keep_files();
    (void)atexit(clean_up); /* a directory that stays would do no harm */
}

static bool holds_lines(const struct kept_file *file)
{
    return strstr(file->name, ".jsonl") != NULL && file->name[0] != 'c' && file->name[0] != 'k' &&
           file->name[0] != 'm';
}

static void check(const struct kept_file *file, struct slice bytes)
{
    const char *keys[] = {key};
    const struct verify_options options = {
        .store_dir = store.path, .keys = keys, .key_count = 1, .threads = 1};
    struct verify_report report;
    struct verify_summary summary;
    struct error err;
    bool is_good = true;

    verify_report_init(&report);
    enum status st = verify_store(&options, &report, &summary, &err);
    ASSERT(st == ST_OK || st == ST_LIMIT);
    for (int i = 0; i < VERIFY_QUESTION_COUNT; i++)
        is_good &= verify_report_answer(&report, (enum verify_question)i) == VERIFY_YES;
    bool is_same = bytes.size == file->size && memcmp(bytes.data, file->bytes, file->size) == 0;
    ASSERT(!is_same || is_good);
    /* The last line of the active file is behind the last checkpoint, and may be lost. */
    if (st == ST_OK && is_good && holds_lines(file) && strcmp(file->name, STORE_ACTIVE_NAME) != 0)
        ASSERT(is_same);
    verify_report_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t changed[FILE_SIZE_MAX + INPUT_SIZE_MAX];

    if (file_count == 0)
        set_up();
    if (size < 3 || size > INPUT_SIZE_MAX)
        return -1;
    const struct kept_file *file = &files[(data[0] & 0x7f) % file_count];
    struct slice bytes = slice_of(data + 1, size - 1);
    if ((data[0] & 0x80) == 0) {
        size_t offset = (size_t)(data[1] << 8 | data[2]) % file->size;
        memcpy(changed, file->bytes, file->size);
        memcpy(changed + offset, data + 3, size - 3);
        size_t end = offset + size - 3;
        bytes = slice_of(changed, end > file->size ? end : file->size);
    }
    write_file(file, bytes);
    check(file, bytes);
    write_file(file, slice_of(file->bytes, file->size));
    return 0;
}
