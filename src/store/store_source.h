/* SPDX-License-Identifier: Apache-2.0 */
/* store_source.h -- the bytes of one file of a store, compressed or not, from its start to its end.
 *
 * Threads: none of its own.
 */
#pragma once

#include <zstd.h>

#include "telltale/error.h"
#include "telltale/slice.h"

struct store_source {
    int fd;              /* -1: nothing is open */
    ZSTD_DCtx *context;  /* made with the first compressed file, then kept */
    bool compressed;     /* the open file */
    bool within_frame;   /* more of the present frame must come */
    uint8_t *input_data; /* owned; made with the context */
    ZSTD_inBuffer input;
    uint64_t input_end;   /* compressed files: offset behind `input` */
    uint64_t frame_start; /* compressed files: where the present frame begins */
    uint64_t limit;       /* compressed files: nothing from there on is read */
    uint64_t offset;      /* plain files: how much was read */
};

void store_source_init(struct store_source *source);
void store_source_fini(struct store_source *source);

/* Opens file `name` of directory `dir_fd`.  ST_NOT_FOUND: it is not there. */
MUST_CHECK enum status store_source_open(struct store_source *source, int dir_fd, const char *name,
                                         bool compressed, struct error *err);
void store_source_close(struct store_source *source); /* nothing open is allowed */

/* Reads up to `size` bytes; *ret_got is 0 at the end of the file.  A plain file may have grown at
 * the next call.  ST_CORRUPT: it is not zstd, or it ends too early. */
MUST_CHECK enum status store_source_read(struct store_source *source, void *data, size_t size,
                                         size_t *ret_got, struct error *err);

/* After ST_CORRUPT: continues behind the damaged frame of a compressed file.  False: it is the last
 * one, or there is no seek table that says where the next begins. */
bool store_source_skip_damage(struct store_source *source);

/* Goes on in a compressed file at the frame at `offset`; its end is at `end`, which is that of a
 * frame. */
MUST_CHECK enum status store_source_go(struct store_source *source, uint64_t offset, uint64_t end,
                                       struct error *err);

/* How many bytes of the open file, as it is on the disk, have been read. */
uint64_t store_source_offset(const struct store_source *source);

/* Continues to read a plain file at `offset`. */
MUST_CHECK enum status store_source_seek(struct store_source *source, uint64_t offset,
                                         struct error *err);
