/* SPDX-License-Identifier: Apache-2.0 */
/* deed_book.h -- the deletions and erasures that the manifest of a store has, against the records
 * that tell of them in the store itself (docs/INTEGRITY.md, "Deletions on record").
 *
 *     create ─ line, line ...: the records ─ conclude: the manifest, and what is missing where
 *
 * Threads: deed_book_line() any, at a time before conclude; the others the verification's own.
 */
#pragma once

#include "verify/file_check.h"

struct deed_book;

/* `origin` is the log's name; empty: not known.  Copied.  What the manifest gets from here on is no
 * finding.  On ST_OK the caller owns *ret. */
MUST_CHECK enum status deed_book_create(int dir_fd, const char *origin, struct deed_book **ret,
                                        struct error *err);
void deed_book_destroy(struct deed_book *book); /* accepts NULL */

/* file_check_job.on_line; the context is a struct deed_book.  A line may come more than once. */
MUST_CHECK enum status deed_book_line(void *context, const struct file_line *line, bool *ret_alone,
                                      struct error *err);

/* When all lines have been read: reads the manifest, and says what does not go together. */
MUST_CHECK enum status deed_book_conclude(struct deed_book *book, int dir_fd,
                                          struct verify_report *report, struct error *err);
