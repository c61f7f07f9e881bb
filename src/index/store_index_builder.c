/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_builder.c -- see include/telltale/store_index_builder.h.
 *
 * The sections of each part are written into memory as soon as the part ends; what is of the whole
 * file follows at its end.
 */
#include "telltale/store_index_builder.h"

#include <stdlib.h>

#include "index/index_part.h"
#include "index/varint.h"
#include "telltale/store_index.h"
#include "util/le.h"
#include "util/random.h"

enum {
    LINE_SIZE_MAX = 4 << 20, /* longer ones are not looked at */
    FRAME_ROW_MAX = 7 * VARINT_SIZE_MAX,
    ROWS_MAX = INDEX_SECTIONS_MAX * SECTION_ROW_SIZE,
};

struct store_index_builder {
    uint64_t seed;
    struct index_part *part;
    struct contents contents;
    struct buf line; /* the beginning of one that goes on */
    bool is_skipping;
    struct buf sections; /* behind each other */
    struct buf rows;     /* of the table, with offsets into `sections` */
    struct buf frames;   /* the section of frames, so far */
    struct buf whole;
    size_t frame_count;
    size_t part_first; /* frame with which the part begins */
    uint64_t size;     /* of the present frame */
    uint64_t lines;
    struct time_range times;
    struct time_range arrivals;
    uint64_t last_time; /* of the frame before */
    uint64_t last_arrival;
};

static const struct time_range no_times = {.first = UINT64_MAX, .last = 0};

enum status store_index_builder_create(struct store_index_builder **ret, struct error *err)
{
    struct store_index_builder *builder = calloc(1, sizeof(*builder));

    if (builder == NULL)
        return error_set(err, ST_NO_MEMORY, "begin an index");
    builder->seed = random_bits();
    contents_init(&builder->contents, builder->seed);
    buf_init(&builder->line, LINE_SIZE_MAX);
    buf_init(&builder->sections, STORE_INDEX_SIZE_MAX);
    buf_init(&builder->rows, ROWS_MAX);
    buf_init(&builder->frames, (size_t)STORE_INDEX_FRAMES_MAX * FRAME_ROW_MAX);
    buf_init(&builder->whole, STORE_INDEX_SIZE_MAX);
    builder->times = no_times;
    builder->arrivals = no_times;
    enum status st = index_part_create(builder->seed, &builder->part, err);
    if (st != ST_OK) {
        store_index_builder_destroy(builder);
        return st;
    }
    *ret = builder;
    return ST_OK;
}

void store_index_builder_destroy(struct store_index_builder *builder)
{
    if (builder == NULL)
        return;
    index_part_destroy(builder->part);
    contents_fini(&builder->contents);
    buf_fini(&builder->line);
    buf_fini(&builder->sections);
    buf_fini(&builder->rows);
    buf_fini(&builder->frames);
    buf_fini(&builder->whole);
    free(builder);
}

static void give_up_line(struct store_index_builder *builder)
{
    builder->is_skipping = true;
    buf_clear(&builder->line);
    index_part_give_up_frame(builder->part, &builder->times, &builder->arrivals);
}

static enum status take_line(struct store_index_builder *builder, struct slice line,
                             struct error *err)
{
    builder->lines++;
    return index_part_add(builder->part, line, &builder->contents, &builder->times,
                          &builder->arrivals, err);
}

/* The bytes up to the end of a line, which may have begun before. */
static enum status end_line(struct store_index_builder *builder, struct slice rest,
                            struct error *err)
{
    enum status st = ST_OK;

    if (builder->is_skipping) {
        builder->is_skipping = false;
        builder->lines++;
        return ST_OK;
    }
    if (builder->line.size == 0)
        return take_line(builder, rest, err);
    if (builder->line.size + rest.size > LINE_SIZE_MAX) {
        give_up_line(builder);
        builder->is_skipping = false;
        builder->lines++;
        return ST_OK;
    }
    st = buf_append(&builder->line, rest.data, rest.size, err);
    if (st == ST_OK)
        st = take_line(builder, buf_slice(&builder->line), err);
    buf_clear(&builder->line);
    return st;
}

enum status store_index_builder_add(struct store_index_builder *builder, struct slice text,
                                    struct error *err)
{
    enum status st = ST_OK;

    builder->size += text.size;
    while (text.size > 0 && st == ST_OK) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        if (newline == NULL)
            break;
        size_t size = (size_t)(newline - text.data);
        st = end_line(builder, slice_of(text.data, size), err);
        text = slice_from(text, size + 1);
    }
    if (st != ST_OK || text.size == 0 || builder->is_skipping)
        return st;
    if (builder->line.size + text.size > LINE_SIZE_MAX) {
        give_up_line(builder);
        return ST_OK;
    }
    return buf_append(&builder->line, text.data, text.size, err);
}

/* --- Sections -------------------------------------------------------------------------------- */

/* Adds the row of a section that has been written to builder->sections from `start` on. */
static enum status end_section(struct store_index_builder *builder, enum index_section what,
                               size_t first_frame, size_t frame_count, size_t start,
                               struct error *err)
{
    uint8_t row[SECTION_ROW_SIZE] = {0};
    size_t size = builder->sections.size - start;
    static const uint8_t padding[8];

    le32_put(row, what);
    le32_put(row + 8, (uint32_t)first_frame);
    le32_put(row + 12, (uint32_t)frame_count);
    le64_put(row + 16, start);
    le64_put(row + 24, size);
    le64_put(row + 32, XXH3_64bits(builder->sections.data + start, size));
    enum status st = buf_append(&builder->rows, row, sizeof(row), err);
    return st != ST_OK ? st : buf_append(&builder->sections, padding, -size % 8, err);
}

static enum status end_part(struct store_index_builder *builder, struct error *err)
{
    size_t frames = index_part_frame_count(builder->part);
    size_t start = builder->sections.size;

    if (frames == 0)
        return ST_OK;
    enum status st = index_part_append_ids(builder->part, &builder->sections, err);
    if (st == ST_OK)
        st = end_section(builder, SECTION_IDS, builder->part_first, frames, start, err);
    start = builder->sections.size;
    if (st == ST_OK)
        st = index_part_append_words(builder->part, &builder->sections, err);
    if (st == ST_OK)
        st = end_section(builder, SECTION_WORDS, builder->part_first, frames, start, err);
    index_part_clear(builder->part);
    builder->part_first += frames;
    return st;
}

static enum status append_range(struct buf *out, struct time_range *range, uint64_t *last,
                                struct error *err)
{
    bool is_empty = range->first > range->last;
    uint64_t first = is_empty ? *last : range->first;
    /* The widest range there is has no room for the one that is added. */
    uint64_t span = is_empty ? 0 : range->last - first + (range->last - first < UINT64_MAX);
    enum status st = varint_append(out, zigzag(first - *last), err);

    if (st == ST_OK)
        st = varint_append(out, span, err);
    *last = first;
    *range = no_times;
    return st;
}

enum status store_index_builder_end_frame(struct store_index_builder *builder,
                                          uint64_t compressed_size, struct error *err)
{
    enum status st = ST_OK;

    if (builder->frame_count >= STORE_INDEX_FRAMES_MAX)
        return error_set(err, ST_LIMIT, "more than %d frames", (int)STORE_INDEX_FRAMES_MAX);
    /* A last line without its end, or one that goes on in the next frame, which ours do not. */
    if (builder->line.size > 0 || builder->is_skipping) {
        give_up_line(builder);
        builder->is_skipping = false;
    }
    st = varint_append(&builder->frames, compressed_size, err);
    if (st == ST_OK)
        st = varint_append(&builder->frames, builder->size, err);
    if (st == ST_OK)
        st = varint_append(&builder->frames, builder->lines, err);
    if (st == ST_OK)
        st = append_range(&builder->frames, &builder->times, &builder->last_time, err);
    if (st == ST_OK)
        st = append_range(&builder->frames, &builder->arrivals, &builder->last_arrival, err);
    if (st != ST_OK)
        return st;
    builder->frame_count++;
    builder->size = 0;
    builder->lines = 0;
    st = index_part_end_frame(builder->part, err);
    if (st != ST_OK)
        return st;
    return index_part_is_full(builder->part) ? end_part(builder, err) : ST_OK;
}

static enum status put_whole(struct store_index_builder *builder,
                             const struct store_index_file *file, struct error *err)
{
    struct buf *out = &builder->whole;
    size_t heads = INDEX_HEAD_SIZE + builder->rows.size;

    enum status st = buf_reserve(out, heads + builder->sections.size, err);
    if (st != ST_OK)
        return st;
    uint8_t *head = out->data;
    memset(head, 0, INDEX_HEAD_SIZE);
    memcpy(head, INDEX_MAGIC, INDEX_MAGIC_SIZE);
    le32_put(head + 8, INDEX_VERSION);
    le32_put(head + 12, (uint32_t)(builder->rows.size / SECTION_ROW_SIZE));
    le64_put(head + 16, file->size_bytes);
    le64_put(head + 24, XXH3_64bits(file->seek_table.data, file->seek_table.size));
    le64_put(head + 32, builder->seed);
    le64_put(head + 40, builder->frame_count);
    for (size_t at = 0; at < builder->rows.size; at += SECTION_ROW_SIZE) {
        uint8_t *offset = builder->rows.data + at + 16;
        le64_put(offset, le64_get(offset) + heads);
    }
    memcpy(head + INDEX_HEAD_SIZE, builder->rows.data, builder->rows.size);
    le64_put(head + INDEX_HEAD_SUM_AT, index_head_sum(head, builder->rows.size));
    out->size = heads;
    buf_append_reserved(out, builder->sections.data, builder->sections.size);
    return ST_OK;
}

enum status store_index_builder_finish(struct store_index_builder *builder,
                                       const struct store_index_file *file, struct slice *ret,
                                       struct error *err)
{
    enum status st = end_part(builder, err);
    size_t start = builder->sections.size;

    ASSERT(builder->whole.size == 0);
    if (st == ST_OK)
        st = contents_append(&builder->contents, &builder->sections, err);
    if (st == ST_OK)
        st = end_section(builder, SECTION_CONTENTS, 0, builder->frame_count, start, err);
    start = builder->sections.size;
    if (st == ST_OK)
        st = buf_append(&builder->sections, builder->frames.data, builder->frames.size, err);
    if (st == ST_OK)
        st = end_section(builder, SECTION_FRAMES, 0, builder->frame_count, start, err);
    if (st == ST_OK)
        st = put_whole(builder, file, err);
    if (st == ST_OK)
        *ret = buf_slice(&builder->whole);
    return st;
}
