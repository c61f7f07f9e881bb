/* SPDX-License-Identifier: Apache-2.0 */
/* index_oracle.h -- whether an index says yes wherever a reader of the records would find
 * something: asked of each line, by a reader that shares nothing with the index but the JSON. */
#pragma once

#include "store/store_record.h"
#include "telltale/store_index.h"

struct index_oracle {
    const struct store_index *index; /* borrowed */
    struct store_record *reader;
    struct frame_set set;
    size_t frame;
    size_t words, ids;   /* how much was asked */
    const char *trouble; /* what kind of thing was not found; NULL: nothing */
    char trouble_text[128];
};

void index_oracle_init(struct index_oracle *oracle, const struct store_index *index);
void index_oracle_fini(struct index_oracle *oracle);

/* Asks for everything that a line of `frame` says.  False: something is not found.  A line that is
 * none says nothing. */
bool index_oracle_ask(struct index_oracle *oracle, struct slice line, size_t frame);
