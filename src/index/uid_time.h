/* SPDX-License-Identifier: Apache-2.0 */
/* uid_time.h -- when a record arrived, as its log.record.uid tells: a UUIDv7 in lower case.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"
#include "util/text_scan.h"

enum { UID_SIZE = 36 };

/* False: it is none. */
static inline bool uid_time(struct slice text, uint64_t *ret_unix_ms)
{
    uint64_t time = 0;

    if (text.size != UID_SIZE || text.data[14] != '7')
        return false;
    for (size_t i = 0; i < UID_SIZE; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        uint8_t byte = text.data[i];
        bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        if (is_dash ? byte != '-' : !is_digit)
            return false;
        if (i < 13 && !is_dash)
            time = time << 4 | (uint64_t)text_hex_digit(byte);
    }
    *ret_unix_ms = time;
    return true;
}
