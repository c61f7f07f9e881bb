/* SPDX-License-Identifier: Apache-2.0 */
/* store_index_builder.h -- making the index of a closed file (store_index.h) from its lines, while
 * they are compressed or when they are read again.
 *
 * Memory does not depend on the size of the file but for the index itself, which has a limit.
 * Lines are taken as they come from encode_otlp_json_line(); one of another form, or too long,
 * makes its frames answer yes to every question.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/slice.h"

struct store_index_builder;

enum {
    STORE_INDEX_SIZE_MAX = 256 << 20, /* a larger one is not made */
    STORE_INDEX_FRAMES_MAX = 1 << 22,
};

/* What an index says of the file that it belongs to. */
struct store_index_file {
    uint64_t size_bytes;
    struct slice seek_table; /* all of it: from its magic to its end */
};

MUST_CHECK enum status store_index_builder_create(struct store_index_builder **ret,
                                                  struct error *err);
void store_index_builder_destroy(struct store_index_builder *builder); /* accepts NULL */

/* Takes the next bytes of the frame, which are borrowed during the call.  Lines may be cut
 * anywhere.  ST_LIMIT: no index of this file can be made. */
MUST_CHECK enum status store_index_builder_add(struct store_index_builder *builder,
                                               struct slice text, struct error *err);

/* The frame ends, which became `compressed_size` bytes. */
MUST_CHECK enum status store_index_builder_end_frame(struct store_index_builder *builder,
                                                     uint64_t compressed_size, struct error *err);

/* Ends the index; *ret is borrowed from the builder until it is destroyed. */
MUST_CHECK enum status store_index_builder_finish(struct store_index_builder *builder,
                                                  const struct store_index_file *file,
                                                  struct slice *ret, struct error *err);
