/* SPDX-License-Identifier: Apache-2.0 */
/* failure_words.h -- what to do about a connection that failed.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

struct failure_words {
    const char *hint; /* static; NULL: nothing to add to libcurl's words */
    bool not_sent; /* the server refused us before it looked at anything, whenever we learnt it */
};

/* `problem` is what libcurl and OpenSSL say of it. */
struct failure_words failure_words_find(const char *problem);
