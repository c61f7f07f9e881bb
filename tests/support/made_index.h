/* SPDX-License-Identifier: Apache-2.0 */
/* made_index.h -- an index of lines in memory.  What fails ends the test. */
#pragma once

#include "telltale/buf.h"
#include "telltale/store_index.h"
#include "telltale/store_index_builder.h"

enum { MADE_LINES_MAX = 20000 };

struct made_index {
    struct buf text; /* all lines */
    struct store_index_builder *builder;
    struct store_index *index; /* of `bytes`; from made_index_end() on */
    struct slice bytes;
    size_t piece_size;  /* how much the builder is given at a time; 0: whole lines */
    size_t given;       /* of the text */
    size_t frame_start; /* in the text */
    size_t frame_count;
    size_t line_count;
    size_t lines[MADE_LINES_MAX + 1]; /* where they begin */
    size_t frames[MADE_LINES_MAX];    /* in which frame they are */
};

void made_index_begin(struct made_index *made);

/* The line that was appended to made->text is one more of the file.  The frame ends with it when
 * it has `frame_size` bytes. */
void made_index_take_line(struct made_index *made, size_t frame_size);

/* The frame ends, if it has a line. */
void made_index_cut(struct made_index *made);

/* Every record of the corpus. */
void made_index_add_corpus(struct made_index *made, size_t frame_size);

void made_index_end(struct made_index *made);
void made_index_fini(struct made_index *made);

struct slice made_index_line(const struct made_index *made, size_t number);
