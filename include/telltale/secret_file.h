/* SPDX-License-Identifier: Apache-2.0 */
/* secret_file.h -- keys, certificates and tokens in files that may be replaced at any time.
 * Implemented in src/util/.
 *
 * Threads: pure functions of what they are given, and of the disk.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "telltale/buf.h"

/* Appends the file's content to `out`, of which no copy is left elsewhere.  ST_IO; ST_LIMIT: it is
 * larger than `out` may be; ST_NO_MEMORY. */
MUST_CHECK enum status secret_file_read(const char *path, struct buf *out, struct error *err);

/* A secret as it is meant: editors leave white space around what they write. */
struct slice secret_trim(struct slice text);

/* Like buf_reserve(), but what it moves away from is overwritten. */
MUST_CHECK enum status secret_reserve(struct buf *buf, size_t more, struct error *err);

/* Whether two looks were at the same file in the same state. */
bool secret_file_is_same(const struct stat *a, const struct stat *b);

/* Overwrites the bytes, then frees them. */
void secret_wipe(struct buf *buf);
