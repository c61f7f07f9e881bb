/* SPDX-License-Identifier: Apache-2.0 */
/* check_pool.h -- threads that check files (file_check.h): jobs go in in order, results come out in
 * the same order.
 *
 * Threads: the pool's calls belong to one thread; the threads that it starts are its own.
 */
#pragma once

#include "verify/file_check.h"

struct check_pool;

/* `threads` from 1 to VERIFY_THREADS_MAX.  On ST_OK the caller owns *ret. */
MUST_CHECK enum status check_pool_create(unsigned threads, struct check_pool **ret,
                                         struct error *err);

/* Waits for the jobs under way; those that no thread has begun are dropped.  Accepts NULL. */
void check_pool_destroy(struct check_pool *pool);

/* Whether check_pool_submit() may be called. */
bool check_pool_has_room(const struct check_pool *pool);

/* Copies the job; what it borrows must stay until its result has been released. */
void check_pool_submit(struct check_pool *pool, const struct file_check_job *job);

/* How many have been submitted and not been released. */
size_t check_pool_pending(const struct check_pool *pool);

/* Waits for the result of the oldest job.  Borrowed until it is released. */
struct file_check *check_pool_wait(struct check_pool *pool);
void check_pool_release(struct check_pool *pool);

/* Releases all that is pending. */
void check_pool_drop(struct check_pool *pool);
