/* SPDX-License-Identifier: Apache-2.0 */
/* filter_made.h -- filters by the names of the command's options, and a table of them for what
 * support/store_corpus.h writes. */
#pragma once

#include "query/filter.h"

enum { FILTER_MADE_OPTIONS_MAX = 16 };

struct filter_made {
    struct query_filter filter;
    struct condition conditions[FILTER_MADE_OPTIONS_MAX];
    struct buf scratch;
};

/* `options` is NAME, VALUE, ... and NULL: "session", "where" and so on.  Values are borrowed. */
void filter_made_init(struct filter_made *made, const char *const *options);
void filter_made_fini(struct filter_made *made);

struct filter_made_row {
    const char *options[FILTER_MADE_OPTIONS_MAX];
    bool finds;    /* there are such records */
    bool is_exact; /* a look at the line alone tells it */
};

extern const struct filter_made_row filter_made_table[];
extern const size_t filter_made_table_count;
