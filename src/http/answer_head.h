/* SPDX-License-Identifier: Apache-2.0 */
/* answer_head.h -- the status lines and headers of an answer, line by line, as far as we need them.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include <stdbool.h>

#include "telltale/slice.h"

enum { HTTP_TYPE_MAX = 128, HTTP_LOCATION_MAX = 512 };

struct answer_head {
    size_t size;                      /* of all lines so far */
    char type[HTTP_TYPE_MAX];         /* Content-Type in lower case, without parameters */
    char location[HTTP_LOCATION_MAX]; /* cut */
    bool is_encoded;                  /* the body is compressed, which we did not ask for */
    bool has_date, has_retry_seconds, has_retry_date;
    int64_t date_unix;       /* the server's clock */
    uint64_t retry_seconds;  /* Retry-After as a number */
    int64_t retry_date_unix; /* Retry-After as a time */
};

/* Takes the next line, its end included.  A status line begins a new answer: those before were
 * interim ones.  False: HTTP_ANSWER_HEAD_MAX is passed. */
bool answer_head_take(struct answer_head *head, struct slice line);

/* How long Retry-After asks to wait, by the server's clock or, if it does not tell the time, by
 * `now_unix`.  False: it does not ask. */
bool answer_head_retry_after(const struct answer_head *head, int64_t now_unix, uint32_t *ret_ms);
