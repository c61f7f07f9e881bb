/* SPDX-License-Identifier: Apache-2.0 */
/* note_finder_fuzz.c -- what is said to be an export of a SIEM: whatever is found has the looks of
 * a note, or of a time stamp, and it makes no difference how it is cut into lines before. */
#include "verify/note_finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status take_note(void *context, struct slice note, uint64_t line, struct error *err)
{
    uint64_t *count = context;

    (void)err;
    ASSERT(line > 0);
    ASSERT(note.size > 0 && note.size <= NOTE_FOUND_SIZE_MAX);
    ASSERT(note.data[note.size - 1] == '\n');
    ASSERT(memmem(note.data, note.size, "\n\n\xe2\x80\x94 ", 6) != NULL);
    (*count)++;
    return ST_OK;
}

static enum status take_token(void *context, struct slice text, uint64_t line, struct error *err)
{
    uint64_t *count = context;

    (void)err;
    ASSERT(line > 0);
    ASSERT(text.size >= TOKEN_FOUND_SIZE_MIN && text.size <= TOKEN_FOUND_SIZE_MAX);
    ASSERT(memcmp(text.data, "MII", 3) == 0);
    (*count)++;
    return ST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note_finder finder;
    struct error err;
    uint64_t count = 0;
    struct slice rest = slice_of(data, size);

    note_finder_init(&finder, take_note, &count);
    finder.on_token = take_token;
    while (rest.size > 0) {
        const uint8_t *newline = memchr(rest.data, '\n', rest.size);
        size_t end = newline != NULL ? (size_t)(newline - rest.data) : rest.size;
        enum status st = note_finder_line(&finder, slice_of(rest.data, end), &err);
        ASSERT(st == ST_OK);
        rest = slice_from(rest, end + 1);
    }
    enum status st = note_finder_end(&finder, &err);
    ASSERT(st == ST_OK);
    ASSERT(count <= size);
    note_finder_fini(&finder);
    return 0;
}
