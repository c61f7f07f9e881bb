/* SPDX-License-Identifier: Apache-2.0 */
/* file_survey.h -- looking at a closed file: how many records of each class it has, and how many
 * are held, in slices.  Implemented in src/retain/.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/record_class.h"
#include "telltale/store_file.h"

struct file_survey;

struct file_survey_result {
    struct retention_survey all;
    struct retention_survey rest; /* without the records that are due */
    uint64_t due;                 /* how many those are */
};

/* `file` says when it was begun and written; records are due as of `now_unix_ns`.  Borrowed until
 * it is destroyed are the configuration and the classifier made from it. */
MUST_CHECK enum status file_survey_begin(int dir_fd, const struct store_file_name *name,
                                         const struct retention_file *file,
                                         const struct retention_config *config,
                                         struct record_classifier *classifier, uint64_t now_unix_ns,
                                         struct file_survey **ret, struct error *err);
void file_survey_destroy(struct file_survey *survey); /* accepts NULL */

/* Reads about *budget bytes of lines, and takes what it read off that.  ST_AGAIN: there are more.
 * ST_OK: *ret has all of them. ST_NOT_FOUND, ST_IO, ST_NO_MEMORY: it failed. */
MUST_CHECK enum status file_survey_step(struct file_survey *survey, size_t *budget,
                                        struct file_survey_result *ret, struct error *err);

/* When a record of the file arrived, whatever its uid says: neither before the file was begun nor
 * after its last line was written. */
uint64_t file_survey_arrival(const struct retention_file *file, const struct record_class *record);
