/* SPDX-License-Identifier: Apache-2.0 */
/* letters.c -- see letters.h.
 *
 * The daemon may take files away, or replace them, while this reads: one that is gone is passed
 * over.
 */
#include "telltale/letters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "deliver/letter_file.h"

enum { PROBLEMS_SHOWN_MAX = 20 };

struct looking {
    const struct letters *letters;
    struct letter_lines lines;
    struct letter_texts texts;
    size_t problems;
};

void letters_init(struct letters *letters, const struct config_dirs *dirs)
{
    snprintf(letters->dir, sizeof(letters->dir), "%s/dead-letters", dirs->state_dir);
}

static void tell_problem(struct looking *looking, const char *name, uint64_t offset,
                         const struct error *err)
{
    looking->problems++;
    if (looking->problems <= PROBLEMS_SHOWN_MAX) {
        fprintf(stderr, "telltale: passed over: '%s', behind byte %llu: %s\n", name,
                (unsigned long long)offset, err->text);
    }
    if (looking->problems == PROBLEMS_SHOWN_MAX)
        fprintf(stderr, "telltale: more of these are not shown\n");
}

static enum status give(struct looking *looking, const struct letter *letter, struct error *err)
{
    const struct letters *letters = looking->letters;

    if (letters->exporter != NULL &&
        !slice_equal(letter->exporter, slice_of_text(letters->exporter)))
        return ST_OK;
    return letters->on_letter(letters->context, letter, err);
}

static enum status read_file(struct looking *looking, const char *name, struct error *err)
{
    struct letter_line line;
    struct letter letter;

    for (;;) {
        uint64_t offset = looking->lines.offset;
        enum status st = letter_lines_next(&looking->lines, &line, err);
        if (st == ST_AGAIN)
            return ST_OK;
        if (st == ST_OK && line.text.size == 0)
            continue;
        if (st == ST_OK)
            st = letter_read(line.text, &looking->texts, &letter, err);
        if (st == ST_INVALID || st == ST_LIMIT) {
            tell_problem(looking, name, offset, err);
            continue;
        }
        if (st == ST_OK)
            st = give(looking, &letter, err);
        if (st != ST_OK)
            return st;
    }
}

static enum status read_files(struct looking *looking, int dir_fd, struct error *err)
{
    struct letter_file_list files;

    enum status st = letter_files_list(&disk_io_system, dir_fd, NULL, &files, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < files.count && st == ST_OK; i++) {
        st = letter_lines_open(&looking->lines, dir_fd, files.names[i], err);
        if (st == ST_OK)
            st = read_file(looking, files.names[i], err);
        if (st == ST_NOT_FOUND)
            st = ST_OK;
    }
    letter_files_free(&files);
    return st;
}

enum status letters_read(const struct letters *letters, struct error *err)
{
    struct looking looking = {.letters = letters};

    int dir_fd = open(letters->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT)
        return ST_OK;
    if (dir_fd < 0)
        return error_set_errno(err, ST_IO, "open '%.150s'", letters->dir);
    letter_lines_init(&looking.lines, &disk_io_system);
    letter_texts_init(&looking.texts);
    enum status st = read_files(&looking, dir_fd, err);
    letter_texts_fini(&looking.texts);
    letter_lines_fini(&looking.lines);
    (void)close(dir_fd); /* nothing was written */
    return st;
}
