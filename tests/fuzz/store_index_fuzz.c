/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_fuzz.c -- the first byte chooses.
 *
 * 0: the rest is an index, whose sums are made right so that what they cover is read: it is
 *    refused, or answers.
 * 1: the rest are lines, of which an index is made, in frames of FRAME_SIZE and pieces that cut
 *    lines: whatever a reader of the records finds, it says yes to. */
#include <stdlib.h>
#include <string.h>

#include "index/index_format.h"
#include "support/index_oracle.h"
#include "telltale/store_index_builder.h"
#include "util/le.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_SIZE = 300, PIECE_SIZE = 90, SECTIONS_TRIED = 64, LINES_MAX = 4096 };

static struct error err;

static void make_sums_right(uint8_t *bytes, size_t size)
{
    if (size < INDEX_HEAD_SIZE)
        return;
    size_t sections = le32_get(bytes + 12);
    if (sections > SECTIONS_TRIED || sections * SECTION_ROW_SIZE > size - INDEX_HEAD_SIZE)
        return;
    for (size_t i = 0; i < sections; i++) {
        uint8_t *row = bytes + INDEX_HEAD_SIZE + i * SECTION_ROW_SIZE;
        uint64_t offset = le64_get(row + 16);
        uint64_t length = le64_get(row + 24);
        if (offset <= size && length <= size - offset)
            le64_put(row + 32, XXH3_64bits(bytes + offset, length));
    }
    le64_put(bytes + INDEX_HEAD_SUM_AT, index_head_sum(bytes, sections * SECTION_ROW_SIZE));
}

static void ask(const struct store_index *index)
{
    struct frame_set set;

    ASSERT(frame_set_init(&set, store_index_frame_count(index), &err) == ST_OK);
    store_index_find_id(index, SLICE("0c2f7a52-6c1e-4f5e-9a51-5d0b8b1c7a10"), &set);
    (void)store_index_find_text(index, SLICE("two words"), true, true, &set);
    store_index_find_times(index, 1, UINT64_MAX, &set);
    (void)store_index_find_uid(index, SLICE("01a0c450-9f29-7a92-ba2d-40214c8c4597"), &set);
    ASSERT(frame_set_size(&set) <= set.count);
    for (size_t i = 0; i < set.count; i++) {
        struct store_index_frame frame;
        store_index_frame(index, i, &frame);
    }
    for (size_t i = 0; i < store_index_session_count(index); i++) {
        struct store_index_session session;
        store_index_session(index, i, &session);
        ASSERT(session.id.size + session.user.size < SIZE_MAX / 2);
    }
    for (size_t i = 0; i < store_index_tally_count(index); i++) {
        struct store_index_tally tally;
        store_index_tally(index, i, &tally);
    }
    frame_set_fini(&set);
}

static void read_index(const uint8_t *data, size_t size)
{
    struct store_index *index;
    uint8_t *copy = malloc(size + 1);

    ASSERT(copy != NULL);
    memcpy(copy, data, size);
    make_sums_right(copy, size);
    if (store_index_read(slice_of(copy, size), &index, &err) == ST_OK) {
        ask(index);
        store_index_close(index);
    }
    free(copy);
}

/* Frames end with lines; the number of each line's frame goes to `frames`. */
static size_t give_lines(struct store_index_builder *builder, struct slice text, size_t *frames)
{
    size_t frame = 0;
    size_t lines = 0;
    size_t in_frame = 0;

    while (text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline != NULL ? (size_t)(newline - text.data) + 1 : text.size;
        for (size_t at = 0; at < size; at += PIECE_SIZE) {
            size_t piece = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;
            ASSERT(store_index_builder_add(builder, slice_of(text.data + at, piece), &err) ==
                   ST_OK);
        }
        if (lines < LINES_MAX)
            frames[lines++] = frame;
        text = slice_from(text, size);
        in_frame += size;
        if (in_frame >= FRAME_SIZE || text.size == 0) {
            ASSERT(store_index_builder_end_frame(builder, 1, &err) == ST_OK);
            in_frame = 0;
            frame++;
        }
    }
    return lines;
}

static void index_lines(struct slice text)
{
    static size_t frames[LINES_MAX];
    const struct store_index_file file = {.size_bytes = 1};
    struct store_index_builder *builder;
    struct store_index *index;
    struct index_oracle oracle;
    struct slice bytes;

    ASSERT(store_index_builder_create(&builder, &err) == ST_OK);
    size_t lines = give_lines(builder, text, frames);
    ASSERT(store_index_builder_finish(builder, &file, &bytes, &err) == ST_OK);
    ASSERT(store_index_read(bytes, &index, &err) == ST_OK);
    index_oracle_init(&oracle, index);
    for (size_t i = 0; i < lines; i++) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline != NULL ? (size_t)(newline - text.data) : text.size;
        ASSERT(index_oracle_ask(&oracle, slice_of(text.data, size), frames[i]));
        text = slice_from(text, size + 1);
    }
    index_oracle_fini(&oracle);
    store_index_close(index);
    store_index_builder_destroy(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if ((data[0] & 1) == 0)
        read_index(data + 1, size - 1);
    else
        index_lines(slice_of(data + 1, size - 1));
    return 0;
}
