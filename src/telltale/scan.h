/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h -- the loop that query, tail and timeline share: every record of the store that a
 * filter lets pass, in the order of writing.
 *
 * Threads: the main thread.
 */
#pragma once

#include "config/config_dirs.h"
#include "query/filter.h"
#include "store/store_reader.h"
#include "store/store_record.h"

struct scan {
    const char *store_dir;
    struct query_filter filter;
    bool follow;       /* waits for more at the end, until interrupted */
    bool is_quiet;     /* nothing is written to stdout before the end */
    size_t last_files; /* only so many closed files, the last ones; 0: all */
    /* A failure ends the scan; ST_STOPPING ends it well. */
    enum status (*on_match)(void *context, const struct store_record_view *view, struct error *err);
    /* Of a closed file all of whose records the filter lets pass, and which need not be read if
     * this can do with its index; else ST_NOT_FOUND.  May be NULL. */
    enum status (*on_index)(void *context, const struct store_index *index, struct error *err);
    /* Called before waiting for more; may be NULL. */
    void (*on_pause)(void *context);
    void *context;
};

/* The default store of these directories, into `out` of PATH_MAX bytes. */
void scan_default_store(const struct config_dirs *dirs, char *out);

/* How many of the last closed files are enough to find `wanted` records that the filter lets pass;
 * 0: all are needed.  These are read for it, and damage in them is not told. */
MUST_CHECK enum status scan_find_last_files(const struct scan *scan, uint64_t wanted,
                                            size_t *ret_files, struct error *err);

/* Reads the store.  Damage on the way is said on stderr and passed over; on a terminal, how far it
 * has come.  ST_NOT_FOUND: there is
 * no such store; else what on_match gave back. */
MUST_CHECK enum status scan_run(const struct scan *scan, struct error *err);
