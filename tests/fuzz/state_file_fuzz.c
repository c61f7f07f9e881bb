/* SPDX-License-Identifier: Apache-2.0 */
/* state_file_fuzz.c -- any bytes in the small files that the daemon finds when it starts or while
 * it runs.  Bit 0 of the first byte chooses:
 *
 * 0: the cursor of a destination.  It is refused, or it is a file that we write ourselves.
 * 1: a request for a replay, up to the first NUL, and behind it a file of dead letters, with
 *    bit 1 behind a good one.  The replay comes to an end, the request is answered or put aside,
 *    and a good letter that was not given out stays where it is. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/replay.h"
#include "journal/cursor.h"
#include "support/temp_dir.h"
#include "telltale/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    IS_REPLAY = 1,
    HAS_GOOD_LETTER = 2,
    GOOD_RECORD_SIZE = 9,
    FILE_MAX = 64 << 10,
    STEPS_MAX = 10000,
};

static const char good_letter[] =
    "{\"time\":\"2026-11-20T22:23:31.123456789Z\",\"exporter\":\"null/x\",\"reason\":\"rejected\","
    "\"message\":\"no\",\"attempts\":1,\"journal\":\"00112233445566778899aabbccddeeff\","
    "\"sequence\":42,\"record_base64\":\"CQAAAAAAAAAA\"}\n";

static struct temp_dir dir;

static void empty_dir(void)
{
    int fd = openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fdopendir(fd);

    ASSERT(stream != NULL);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        (void)unlinkat(dir.fd, entry->d_name, 0); /* all but . and .. */
    (void)closedir(stream);
}

static void clean_up(void)
{
    temp_dir_remove(&dir);
}

static void set_up(void)
{
    temp_dir_prefer_memory();
    temp_dir_make(&dir);
    (void)atexit(clean_up);
}

static void append_file(const char *name, struct slice content)
{
    int fd = openat(dir.fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ASSERT(fd >= 0);
    ASSERT(write(fd, content.data, content.size) == (ssize_t)content.size);
    (void)close(fd);
}

/* *ret_content is in memory that the next call uses. */
static bool read_file(const char *name, struct slice *ret_content)
{
    static uint8_t content[FILE_MAX + sizeof(good_letter)];
    int fd = openat(dir.fd, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t got = read(fd, content, sizeof(content));
    ASSERT(got >= 0);
    (void)close(fd);
    *ret_content = slice_of(content, (size_t)got);
    return true;
}

/* --- The cursor ---------------------------------------------------------------------------- */

static void check_cursor(struct slice content)
{
    struct cursor *cursor;
    struct error err;
    struct slice again;

    append_file("null.x", content);
    enum status st = cursor_open(&disk_io_system, dir.fd, "null.x", &cursor, &err);
    ASSERT(read_file("null.x", &again) && slice_equal(again, content));
    if (st != ST_OK) {
        ASSERT(st == ST_CORRUPT);
        return;
    }
    uint64_t next = cursor_next(cursor);
    ASSERT(cursor_advance(cursor, next, &err) == ST_OK);
    ASSERT(read_file("null.x", &again) && slice_equal(again, content));
    cursor_close(cursor);
}

/* --- The replay ---------------------------------------------------------------------------- */

static bool has_good_letter(void)
{
    struct slice content;

    return read_file("null.x.1.jsonl", &content) &&
           slice_starts_with(content, slice_of_text(good_letter));
}

/* Gives everything out; *ret_gave_good: the good letter was among it. */
static void run_replay(struct replay *replay, bool *ret_gave_good)
{
    struct error err;
    struct batch batch;
    uint64_t now_ns = 1;
    int steps = 0;

    *ret_gave_good = false;
    for (bool first = true;; first = false, steps++) {
        enum status st = replay_next(replay, now_ns, &batch, &err);
        ASSERT(st == ST_OK || (st == ST_INVALID && first));
        if (st != ST_OK || batch.record_count == 0)
            break;
        ASSERT(batch.record_count == 1 && steps < STEPS_MAX);
        if (first && batch.records[0].sequence == 42 &&
            batch.records[0].bytes.size == GOOD_RECORD_SIZE)
            *ret_gave_good = true;
        replay_settle(replay);
    }
}

static void check_replay(struct slice content, bool with_good_letter)
{
    const struct dead_letter_settings letter_settings = {.dir = dir.path,
                                                         .name = "null.x",
                                                         .exporter = "null/x",
                                                         .file_size = 1 << 20,
                                                         .total_size = 1 << 24};
    struct dead_letter *letters;
    struct replay *replay;
    struct error err;
    bool gave_good;

    const uint8_t *nul = memchr(content.data, 0, content.size);
    size_t request_size = nul != NULL ? (size_t)(nul - content.data) : content.size;
    append_file("null.x.replay", slice_of(content.data, request_size));
    if (with_good_letter)
        append_file("null.x.1.jsonl", slice_of_text(good_letter));
    if (nul != NULL)
        append_file("null.x.1.jsonl", slice_from(content, request_size + 1));
    ASSERT(dead_letter_open(&letter_settings, &letters, &err) == ST_OK);
    const struct replay_settings settings = {
        .dir = dir.path, .name = "null.x", .exporter = "null/x", .letters = letters};
    ASSERT(replay_open(&settings, &replay, &err) == ST_OK);
    run_replay(replay, &gave_good);
    ASSERT(!replay_is_asked(dir.path, "null.x"));
    replay_close(replay);
    dead_letter_close(letters);
    if (with_good_letter && !gave_good)
        ASSERT(has_good_letter());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FILE_MAX)
        return -1;
    if (dir.path[0] == '\0')
        set_up();
    empty_dir();
    struct slice content = slice_of(data + 1, size - 1);
    if ((data[0] & IS_REPLAY) == 0)
        check_cursor(content);
    else
        check_replay(content, (data[0] & HAS_GOOD_LETTER) != 0);
    return 0;
}
