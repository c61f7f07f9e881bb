/* SPDX-License-Identifier: Apache-2.0 */
/* made_index.c -- see made_index.h. */
#include "support/made_index.h"

#include "support/every_record.h"
#include "telltale/encode.h"

enum { TEXT_SIZE_MAX = 256 << 20, COMPRESSED = 1000 };

static struct error err;

struct adding {
    struct made_index *made;
    size_t frame_size;
};

void made_index_begin(struct made_index *made)
{
    *made = (struct made_index){0};
    buf_init(&made->text, TEXT_SIZE_MAX);
    ASSERT(store_index_builder_create(&made->builder, &err) == ST_OK);
}

static void give(struct made_index *made)
{
    while (made->given < made->text.size) {
        size_t size = made->text.size - made->given;
        if (made->piece_size > 0 && size > made->piece_size)
            size = made->piece_size;
        /* A copy, so that a read behind its end is seen. */
        uint8_t *copy = malloc(size);
        ASSERT(copy != NULL);
        memcpy(copy, made->text.data + made->given, size);
        ASSERT(store_index_builder_add(made->builder, slice_of(copy, size), &err) == ST_OK);
        free(copy);
        made->given += size;
    }
}

void made_index_cut(struct made_index *made)
{
    if (made->text.size == made->frame_start)
        return;
    give(made);
    ASSERT(store_index_builder_end_frame(made->builder, COMPRESSED, &err) == ST_OK);
    made->frame_start = made->text.size;
    made->frame_count++;
}

void made_index_take_line(struct made_index *made, size_t frame_size)
{
    ASSERT(made->line_count < MADE_LINES_MAX);
    made->frames[made->line_count++] = made->frame_count;
    made->lines[made->line_count] = made->text.size;
    if (made->piece_size == 0)
        give(made);
    if (made->text.size - made->frame_start >= frame_size)
        made_index_cut(made);
}

static void add_record(void *context, const struct record_group *group,
                       const struct normalized *record)
{
    struct adding *adding = context;

    ASSERT(encode_otlp_json_line(group, buf_slice(&record->bytes), SLICE_EMPTY, &adding->made->text,
                                 &err) == ST_OK);
    made_index_take_line(adding->made, adding->frame_size);
}

void made_index_add_corpus(struct made_index *made, size_t frame_size)
{
    struct adding adding = {.made = made, .frame_size = frame_size};
    const struct recorded_session_reader reader = {.on_record = add_record, .context = &adding};

    every_record_read(&reader);
}

void made_index_end(struct made_index *made)
{
    const struct store_index_file file = {.size_bytes = made->frame_count * COMPRESSED};

    made_index_cut(made);
    ASSERT(store_index_builder_finish(made->builder, &file, &made->bytes, &err) == ST_OK);
    ASSERT(store_index_read(made->bytes, &made->index, &err) == ST_OK);
    ASSERT(store_index_frame_count(made->index) == made->frame_count);
}

void made_index_fini(struct made_index *made)
{
    store_index_close(made->index);
    store_index_builder_destroy(made->builder);
    buf_fini(&made->text);
}

struct slice made_index_line(const struct made_index *made, size_t number)
{
    ASSERT(number < made->line_count);
    return slice_of(made->text.data + made->lines[number],
                    made->lines[number + 1] - made->lines[number] - 1);
}
