/* SPDX-License-Identifier: Apache-2.0 */
/* store_frames.h -- which frames of a compressed file have to be read, by its index.
 *
 * Threads: none of its own.
 */
#pragma once

#include "store/store_plan.h"
#include "telltale/store_index.h"

struct store_frames {
    struct store_index *index; /* owned; NULL: all frames have to be read */
    struct frame_set set;
    size_t next;
};

/* A part of the file without a gap. */
struct store_frame_run {
    uint64_t offset, end; /* in the file */
    uint64_t first_line;
};

/* Opens the index of the open file `data_fd`, which is `name` in directory `dir_fd`.  False: there
 * is none that can be used; nothing has to be closed. */
bool store_frames_open(struct store_frames *frames, const struct store_plan *plan, int dir_fd,
                       const struct store_file_name *name, int data_fd);
void store_frames_close(struct store_frames *frames); /* accepts one that is zeroed */

/* The next frames to read, those without others between them together.  False: there are no more.
 */
bool store_frames_next(struct store_frames *frames, struct store_frame_run *ret);
