/* SPDX-License-Identifier: Apache-2.0 */
/* note_text.h -- what may stand in the text of a note, and reading it line by line.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/slice.h"

/* UTF-8 without control characters other than '\n'. */
bool note_text_is_good(struct slice text);

/* Takes the next line, without its '\n', from the front of *rest.  False: there is no whole line.
 */
bool note_text_take_line(struct slice *rest, struct slice *ret);

/* A number in decimal digits, no sign, no leading zeros.  False: it is none, or above 2^63 - 1. */
bool note_text_number(struct slice text, uint64_t *ret);
