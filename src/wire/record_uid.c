/* SPDX-License-Identifier: Apache-2.0 */
/* record_uid.c -- see record_uid.h. */
#include "wire/record_uid.h"

#include "util/clock.h"

enum { UID_SIZE = 36, UID_TIME_DIGITS = 12 };

uint64_t record_uid_unix_ns(struct slice uid)
{
    uint64_t ms = 0;
    unsigned digits = 0;

    if (uid.size != UID_SIZE || uid.data[14] != '7')
        return 0;
    for (size_t i = 0; digits < UID_TIME_DIGITS; i++) {
        uint8_t byte = uid.data[i];
        if (i == 8) /* a hyphen */
            continue;
        unsigned value = byte >= '0' && byte <= '9'   ? (unsigned)byte - '0'
                         : byte >= 'a' && byte <= 'f' ? (unsigned)byte - 'a' + 10
                                                      : 16;
        if (value > 15)
            return 0;
        ms = ms << 4 | value;
        digits++;
    }
    return ms <= INT64_MAX / NS_PER_MS ? ms * NS_PER_MS : 0;
}
