/* SPDX-License-Identifier: Apache-2.0 */
/* append_layout.h -- what the writer sees of an append_batch.
 *
 * `frames` holds the records as they will stand in the segment, each behind room for its frame
 * header and at a multiple of FRAME_ALIGNMENT.  Only the padding behind the last one is not
 * there; the writer adds it.  Headers are filled at the time of writing, and again if the
 * batch has to be written to another segment.
 *
 * Threads: the producer's until journal_submit(), the journal's until `done`.
 */
#pragma once

#include "journal/append_batch.h"
#include "journal/group_table.h"

struct append_record {
    uint32_t offset; /* of its frame, in frames */
    uint32_t size;   /* of its payload */
    uint32_t group;  /* index into groups */
    enum signal signal;
};

struct append_batch {
    struct buf frames;
    size_t size_limit;
    struct append_record *records; /* owned */
    size_t record_count;
    size_t record_capacity;
    struct group_table groups;
    uint32_t group;     /* of the next record */
    enum signal signal; /* likewise */
    bool group_is_set;  /* append_batch_set_group() was called */
    bool record_is_open;
    bool is_urgent;
    size_t size_before; /* frames.size before the open record and the padding in front of it */
    size_t open_offset; /* of the open record's frame */
    size_t capacity;    /* what frames really has, while a record is open */

    /* While submitted. */
    struct append_batch *next;
    append_done_function *done;
    void *context;
    uint64_t first_sequence;
    struct commit_facts commit;
};
