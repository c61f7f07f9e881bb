/* SPDX-License-Identifier: Apache-2.0 */
/* time_text.h -- times as people write and read them.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/error.h"

enum { TIME_TEXT_SIZE = 40 };

/* "2026-11-20T22:24:20.206123456Z"; as many digits as `digits` says (0, 3, 6, 9). */
void time_format_utc(uint64_t unix_ns, int digits, char out[TIME_TEXT_SIZE]);

/* The same in local time, without zone: "2026-11-20 22:24:20.206", or only "22:24:20.206". */
void time_format_local(uint64_t unix_ns, char out[TIME_TEXT_SIZE]);
void time_format_clock(uint64_t unix_ns, char out[TIME_TEXT_SIZE]);

/* "133 ms", "1.7 s", "4 min 10 s". */
void time_format_duration(double ms, char out[TIME_TEXT_SIZE]);

/* Reads "2026-11-20T22:24:20Z" (any fraction, any offset), "2026-11-20 22:24" or "2026-11-20"
 * (local time), "22:24" (today), "now", or how long ago: "90s", "10m", "2h", "7d".
 * ST_INVALID says what is accepted. */
MUST_CHECK enum status time_parse(const char *text, uint64_t now_unix_ns, uint64_t *ret_unix_ns,
                                  struct error *err);

/* Reads "90s", "10m", "2h", "7d", "4w".  False: it is something else, or over `max_ns`. */
bool time_parse_duration(const char *text, uint64_t max_ns, uint64_t *ret_ns);
