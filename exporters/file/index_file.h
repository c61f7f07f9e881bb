/* SPDX-License-Identifier: Apache-2.0 */
/* index_file.h -- the index beside a compressed file (telltale/store_index.h): writing one, and
 * making one for a file that has none, a slice at a time.
 *
 * Threads: a job belongs to the exporter that made it.
 */
#pragma once

#include "store_dir.h"

struct index_job;

/* Writes the index of the compressed file `file`, so that after a crash all of it is there or
 * nothing; its name is durable when the directory is synced next. */
MUST_CHECK enum status index_file_write(const struct store_dir *dir,
                                        const struct store_file_name *file, struct slice bytes,
                                        struct error *err);

/* Whether the compressed file `file` has an index that can be used: ST_OK, with its size; else
 * ST_NOT_FOUND or ST_CORRUPT. */
MUST_CHECK enum status index_file_check(const struct store_dir *dir,
                                        const struct store_file_name *file, uint64_t *ret_size,
                                        struct error *err);

/* Begins to make the index of a compressed file of `dir` (borrowed until the job is destroyed; the
 * name is copied).  ST_CORRUPT: the file has no seek table. */
MUST_CHECK enum status index_job_begin(const struct store_dir *dir,
                                       const struct store_file_name *file, struct index_job **ret,
                                       struct error *err);

/* Reads about `budget_bytes` more, decompressed.  ST_AGAIN: there is more to do.  ST_OK: the index
 * is durable, *ret_size tells its size.  ST_CORRUPT, ST_LIMIT: there can be no index of this file.
 * But for ST_AGAIN all that remains is to destroy the job. */
MUST_CHECK enum status index_job_step(struct index_job *job, size_t budget_bytes,
                                      uint64_t *ret_size, struct error *err);

/* Which file it is about. */
const struct store_file_name *index_job_file(const struct index_job *job);

/* Frees the job; an unfinished one leaves nothing behind.  NULL is allowed. */
void index_job_destroy(struct index_job *job);
