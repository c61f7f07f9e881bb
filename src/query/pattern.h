/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h -- regular expressions over texts of agents.
 *
 * The syntax is that of POSIX extended expressions, read line by line as grep does, with \d \w \s
 * \D \W \S \b \B \n \t, (?:...) and, as its first four characters, (?i) for either case of ASCII
 * letters.  There are no back references.  `.` and [^...] take a whole character of UTF-8; other
 * brackets hold ASCII only.
 *
 * Time is linear in the text, whatever text and pattern are: at most PATTERN_STEPS_MAX steps a
 * byte.  Memory does not depend on the text.
 *
 * Threads: one owner; matching writes into the pattern.
 */
#pragma once

#include <stdbool.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum {
    PATTERN_SIZE_MAX = 1024,  /* bytes of the expression */
    PATTERN_STEPS_MAX = 2048, /* what it is compiled into; a{1,100} takes a hundred */
    PATTERN_DEPTH_MAX = 64,   /* groups within groups */
    PATTERN_REPEAT_MAX = 255, /* in braces */
    PATTERN_LITERAL_MAX = 64,
};

struct pattern;

/* ST_INVALID: it is no expression, with the place and the reason; ST_LIMIT: one of the above;
 * ST_NO_MEMORY. */
MUST_CHECK enum status pattern_create(struct slice text, struct pattern **ret, struct error *err);
void pattern_destroy(struct pattern *pattern); /* accepts NULL */

/* A text of ASCII that every match has in it, of several the longest, into `out`; its size, 0:
 * there is none.  *ret_any_case: it is in small letters, and their case does not matter. */
size_t pattern_literal(const struct pattern *pattern, char out[PATTERN_LITERAL_MAX],
                       bool *ret_any_case);

/* Whether it matches anywhere in `text`. */
bool pattern_matches(struct pattern *pattern, struct slice text);
