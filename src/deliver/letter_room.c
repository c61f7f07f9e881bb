/* SPDX-License-Identifier: Apache-2.0 */
/* letter_room.c -- see letter_room.h.  A file is read through before it goes: its letters hold
 * their records, and so the ledger can say of which kinds they were. */
#include "deliver/letter_room.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/letter.h"
#include "deliver/letter_file.h"
#include "deliver/loss_count.h"
#include "telltale/disk_io.h"
#include "util/clock.h"

/* One letter; ST_NOT_FOUND: it is somebody else's. */
static enum status count_letter(const struct letter_room *room, struct slice line,
                                struct letter_texts *texts, struct loss *loss, struct error *err)
{
    struct letter_record record;
    struct letter letter;

    if (letter_read(line, texts, &letter, err) != ST_OK)
        return ST_OK; /* no letter: nothing that was ever a record's */
    if (!slice_equal(letter.exporter, slice_of_text(room->exporter)))
        return error_set(err, ST_NOT_FOUND, "letters of another exporter");
    memcpy(loss->journal_id, letter.journal_id, JOURNAL_ID_SIZE);
    letter_record_init(&record);
    if (letter_record_read(&record, &letter, err) != ST_OK)
        record.record = (struct record){.sequence = letter.sequence}; /* counted all the same */
    record.record.sequence = letter.sequence;
    loss_add_record(loss, record.group.signal, &record.record);
    letter_record_fini(&record);
    return ST_OK;
}

static enum status count_letters(const struct letter_room *room, const char *name,
                                 struct loss *loss, struct error *err)
{
    struct letter_lines lines;
    struct letter_texts texts;
    struct letter_line line;

    letter_lines_init(&lines, room->io);
    letter_texts_init(&texts);
    enum status st = letter_lines_open(&lines, room->dir_fd, name, err);
    while (st == ST_OK) {
        st = letter_lines_next(&lines, &line, err);
        if (st == ST_OK)
            st = count_letter(room, line.text, &texts, loss, err);
        else if (st == ST_LIMIT)
            st = ST_OK; /* no letter is as long */
    }
    letter_texts_fini(&texts);
    letter_lines_fini(&lines);
    return st == ST_AGAIN ? ST_OK : st;
}

static enum status drop(const struct letter_room *room, const char *name, struct error *err)
{
    const uint8_t no_journal[JOURNAL_ID_SIZE] = {0};
    struct loss loss;
    struct stat info;
    bool is_new;

    loss_init(&loss, room->exporter, LOSS_DEAD_LETTERS_FULL, no_journal, clock_unix_ns());
    enum status st = count_letters(room, name, &loss, err);
    if (st != ST_OK)
        return st;
    if (fstatat(room->dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_errno(err, ST_IO, "look at '%s'", name);
    loss.bytes = (uint64_t)info.st_size;
    snprintf(loss.file, sizeof(loss.file), "%s", name);
    if (room->ledger != NULL)
        st = loss_ledger_write(room->ledger, &loss, &is_new, err);
    if (st != ST_OK)
        return st;
    if (room->io->unlink_at(room->dir_fd, name) < 0)
        return error_set_errno(err, ST_IO, "delete '%s'", name);
    return disk_sync_dir(room->io, room->dir_fd, err);
}

enum status letter_room_drop_oldest(const struct letter_room *room, struct error *err)
{
    struct letter_file_list files = {.count = 0};

    enum status st = letter_files_list(room->io, room->dir_fd, room->name, &files, err);
    if (st == ST_OK)
        st = error_set(err, ST_NOT_FOUND, "no file of dead letters may go");
    for (size_t i = 0; i < files.count && st == ST_NOT_FOUND; i++) {
        if (room->keep == NULL || strcmp(files.names[i], room->keep) != 0)
            st = drop(room, files.names[i], err);
    }
    letter_files_free(&files);
    return st;
}
