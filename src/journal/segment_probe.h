/* SPDX-License-Identifier: Apache-2.0 */
/* segment_probe.h -- what a file named like a segment turns out to be.
 *
 * Only its header is read, unless that is damaged: then a frame that is valid with one of the
 * header's two copies of the salt proves the segment (docs/JOURNAL_FORMAT.md, "Starting").
 * Nothing is changed.  Recovery and the check share it.
 *
 * Threads: none of its own.
 */
#pragma once

#include "journal/segment_list.h"
#include "journal/segment_scan.h"

struct segment_probe {
    struct segment segment;       /* `first` as its name says; `end`: the size of the file */
    struct segment_header header; /* if header_is_valid */
    bool header_is_valid;         /* false and no fault: the salt was found by a frame */
    bool is_newer;                /* made by a version that this one does not know: also a fault */
    const char *fault;            /* why the file cannot be used; NULL: it can */
};

/* `scan` is used for the search, and its `io` for all else; what it was at is forgotten.  ST_IO:
 * the header cannot be read. */
MUST_CHECK enum status segment_probe(struct segment_scan *scan, int fd, uint64_t first,
                                     struct segment_probe *ret, struct error *err);

/* Whether the segment says that it belongs to another journal than `id`. */
bool segment_probe_is_strange(const struct segment_probe *probe, const uint8_t id[JOURNAL_ID_SIZE]);

/* The file journal.id. */
enum { JOURNAL_ID_FILE_SIZE = 8 + JOURNAL_ID_SIZE + 4 };

void journal_id_put(uint8_t out[JOURNAL_ID_FILE_SIZE], const uint8_t id[JOURNAL_ID_SIZE]);

/* *ret_found is false if there is no such file; ST_CORRUPT: it is damaged, and has *ret_size bytes
 * or more. */
MUST_CHECK enum status journal_id_read(const struct disk_io *io, int dir_fd,
                                       uint8_t ret_id[JOURNAL_ID_SIZE], bool *ret_found,
                                       size_t *ret_size, struct error *err);
