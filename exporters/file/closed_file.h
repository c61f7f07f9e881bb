/* SPDX-License-Identifier: Apache-2.0 */
/* closed_file.h -- compressing a closed file, a slice at a time, so that it never holds up a
 * delivery for long.
 *
 * Threads: belongs to the exporter that made it.
 */
#pragma once

#include "store_dir.h"
#include "telltale/hash.h"

struct closed_file_job;

/* Who is told of a compressed file when it is durable and before it has its name, which it gets
 * only if that went well. */
struct closed_file_listener {
    void *context;
    enum status (*before_name)(void *context, const struct store_file_name *name,
                               uint64_t size_bytes, const struct hash *sha256, struct error *err);
};

/* Begins to compress `entry`, a plain file of `dir` (both borrowed until the job is destroyed;
 * the entry's name and the listener are copied). */
MUST_CHECK enum status closed_file_begin(const struct store_dir *dir,
                                         const struct store_entry *entry, int level,
                                         const struct closed_file_listener *listener,
                                         struct closed_file_job **ret, struct error *err);

/* Compresses about `budget_bytes` more.  ST_AGAIN: there is more to do.  ST_OK: the compressed
 * file is durable under its name, *ret_entry tells its size, and the plain file is gone.  Another
 * status: it failed; all that remains is to destroy the job. */
MUST_CHECK enum status closed_file_step(struct closed_file_job *job, size_t budget_bytes,
                                        struct store_entry *ret_entry, struct error *err);

/* Which file it is about. */
const struct store_file_name *closed_file_name(const struct closed_file_job *job);

/* Frees the job; an unfinished one leaves nothing behind.  NULL is allowed. */
void closed_file_destroy(struct closed_file_job *job);
