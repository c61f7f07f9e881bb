/* SPDX-License-Identifier: Apache-2.0 */
/* around_match.h -- how well an event fits to an alert (around.h).
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/around.h"

enum around_sign {
    SIGN_PID,
    SIGN_FILE,
    SIGN_ADDRESS,
    SIGN_COMMAND,
    SIGN_USER,
    SIGN_COUNT,
};

enum around_fit { FIT_NONE, FIT_MENTIONED, FIT_EXACT };

struct around_match {
    uint8_t fits[SIGN_COUNT]; /* enum around_fit */
    unsigned score;           /* 0: nothing fits */
};

void around_match_read(const struct around_question *question, const struct field_record *record,
                       struct slice bytes, struct around_match *ret);

/* "pid", "file", ... */
const char *around_sign_name(enum around_sign sign);
