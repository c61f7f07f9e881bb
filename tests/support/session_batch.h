/* SPDX-License-Identifier: Apache-2.0 */
/* session_batch.h -- batches of numbered log records that belong to sessions, and the numbers in
 * what an exporter made of them. */
#pragma once

#include "support/made_record.h"
#include "telltale/batch.h"

enum { SESSION_BATCH_MAX = 4096, SESSION_GROUPS_MAX = 64 };

struct session_batch {
    struct batch batch;
    struct record records[SESSION_BATCH_MAX];
    struct made_record made[SESSION_BATCH_MAX];
    struct record_group groups[SESSION_GROUPS_MAX];
};

/* `group_count` groups, each with a resource of its own.  On the heap; free with
 * session_batch_free(). */
struct session_batch *session_batch_make(size_t group_count);
void session_batch_free(struct session_batch *batch); /* accepts NULL */

/* Adds the record with the number that the batch has of them so far, from 0: its attribute "n", its
 * sequence number less 1.  `session` NULL: none.  `padding`: bytes of one more attribute. */
void session_batch_add(struct session_batch *batch, const char *session, size_t padding,
                       uint32_t group);

/* The numbers of the records of a request in protobuf or in JSON, in the order they stand in;
 * returns how many there are, at most `max`.  What cannot be read ends the test. */
size_t session_batch_read(struct slice request, bool is_json, uint32_t *ret_numbers, size_t max);
