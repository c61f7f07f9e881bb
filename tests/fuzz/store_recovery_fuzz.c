/* SPDX-License-Identifier: Apache-2.0 */
/* store_recovery_fuzz.c -- a store in which one file holds anything at all: the exporter starts,
 * writes behind it, and the reader gets what it wrote.
 *
 * The first byte says which file: the active one, a closed one, or a compressed one, which is kept
 * small: four of its bytes can be 128 KiB of empty lines. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store_reader.h"
#include "support/file_store.h"
#include "telltale/store_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FIRST_SENT = 1000,
    LAST_SENT = 1001,
    COMPRESSED_SIZE_MAX = 2304,
    LINES_PER_BYTE_MAX = 32 << 10, /* of a compressed file */
    STEPS_MAX = COMPRESSED_SIZE_MAX * LINES_PER_BYTE_MAX,
};

static const char *const names[] = {
    "active.jsonl",
    "20261120T223820Z-00000000000000000001-00000000000000000009.jsonl",
    "20261120T223820Z-00000000000000000001-00000000000000000009.jsonl.zst",
};

static void write_file(const struct file_store *in, const char *name, struct slice content)
{
    char path[TEMP_DIR_PATH_MAX + FILE_STORE_NAME_SIZE + 16];

    snprintf(path, sizeof(path), "%s/%s", in->path, name);
    FILE *file = fopen(path, "wbe");
    ASSERT(file != NULL);
    ASSERT(fwrite(content.data, 1, content.size, file) == content.size);
    ASSERT(fclose(file) == 0);
}

static void remove_files(const struct file_store *in)
{
    struct file_store_names list;
    char path[TEMP_DIR_PATH_MAX + FILE_STORE_NAME_SIZE + 16];

    file_store_list(in, &list);
    for (size_t i = 0; i < list.count; i++) {
        snprintf(path, sizeof(path), "%s/%s", in->path, list.names[i]);
        ASSERT(unlink(path) == 0);
    }
}

static bool is_of_test_journal(const struct store_place *place)
{
    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++) {
        if (place->journal_id[i] != 0x1a)
            return false;
    }
    return true;
}

/* Reads all there is; the records sent must come last, each once. */
static void check_reading(const struct file_store *in)
{
    struct store_reader *reader;
    struct store_line line;
    struct store_place place;
    struct error err;
    uint64_t found = 0;
    bool forged = false;
    int steps = 0;

    ASSERT(store_reader_open(in->path, NULL, &reader, &err) == ST_OK);
    for (; steps < STEPS_MAX; steps++) {
        enum status st = store_reader_next(reader, &line, &err);
        if (st == ST_AGAIN)
            break;
        ASSERT(st == ST_OK || st == ST_LIMIT || st == ST_CORRUPT);
        if (st != ST_OK || !store_line_place(line.text, &place) || !is_of_test_journal(&place))
            continue;
        if (place.sequence == FIRST_SENT + found)
            found++;
        else
            forged = true; /* the input speaks of the journal that the test uses */
    }
    ASSERT(steps < STEPS_MAX);
    ASSERT(forged || found == LAST_SENT - FIRST_SENT + 1);
    store_reader_close(reader);
}

static struct file_store store;

static void clean_up(void)
{
    file_store_fini(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (store.config == NULL) {
        (void)atexit(clean_up);                /* a directory that stays would do no harm */
        (void)setenv("TMPDIR", "/dev/shm", 0); /* cannot fail; a disk would make it slow */
        file_store_init(&store);
        file_store_start(&store);
        file_store_stop(&store);
    }
    if (size == 0)
        return 0;
    const char *name = names[data[0] % COUNT_OF(names)];
    if (name == names[2] && size > COMPRESSED_SIZE_MAX)
        return -1;
    remove_files(&store);
    write_file(&store, name, slice_of(data + 1, size - 1));
    file_store_start(&store);
    enum export_result result = file_store_try(&store, FIRST_SENT, LAST_SENT);
    ASSERT(result == EXPORT_DONE);
    file_store_stop(&store);
    check_reading(&store);
    return 0;
}
