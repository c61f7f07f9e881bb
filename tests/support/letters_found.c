/* SPDX-License-Identifier: Apache-2.0 */
/* letters_found.c -- see letters_found.h. */
#include "support/letters_found.h"

#include "deliver/letter.h"
#include "deliver/letter_file.h"

static void count_line(struct letters_found *found, struct slice text, struct letter_texts *texts)
{
    struct letter letter;
    struct error err;

    if (letter_read(text, texts, &letter, &err) != ST_OK) {
        found->torn++;
        return;
    }
    ASSERT(letter.sequence < LETTERS_FOUND_MAX);
    found->times[letter.sequence]++;
}

void letters_found_read(int dir_fd, struct letters_found *ret)
{
    struct letter_file_list files;
    struct letter_lines lines;
    struct letter_texts texts;
    struct letter_line line;
    struct error err;
    enum status st;

    *ret = (struct letters_found){.torn = 0};
    letter_lines_init(&lines, &disk_io_system);
    letter_texts_init(&texts);
    ASSERT(letter_files_list(&disk_io_system, dir_fd, NULL, &files, &err) == ST_OK);
    for (size_t i = 0; i < files.count; i++) {
        ASSERT(letter_lines_open(&lines, dir_fd, files.names[i], &err) == ST_OK);
        while ((st = letter_lines_next(&lines, &line, &err)) == ST_OK)
            count_line(ret, line.text, &texts);
        ASSERT(st == ST_AGAIN);
    }
    letter_files_free(&files);
    letter_texts_fini(&texts);
    letter_lines_fini(&lines);
}
