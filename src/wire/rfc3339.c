/* SPDX-License-Identifier: Apache-2.0 */
/* rfc3339.c -- fixed columns for date and time, then a fraction of any size, then the offset. */
#include "wire/rfc3339.h"

enum {
    SECONDS_SIZE = 19, /* 2026-11-20T17:46:40 */
    OFFSET_SIZE = 6,   /* +01:00 */
    NANO_DIGITS = 9,
    SECONDS_PER_DAY = 86400,
    NO_DIGITS = -100000,
};

static const int64_t nanos_per_second = 1000000000;

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The number in two digits; below 0 when they are none, however it is added to others. */
static inline int two_digits(const uint8_t *at)
{
    unsigned tens = at[0] - (unsigned)'0';
    unsigned ones = at[1] - (unsigned)'0';
    return tens > 9 || ones > 9 ? NO_DIGITS : (int)(tens * 10 + ones);
}

/* Days from 1970-01-01, in the Gregorian calendar.  Years are counted from March, so that the
 * leap day is the last of its year; then a month's start is a linear function, rounded. */
static int64_t days_since_1970(int year, int month, int day)
{
    int years = month > 2 ? year : year - 1;
    int months = month > 2 ? month - 3 : month + 9;
    int64_t leap_days = years / 4 - years / 100 + years / 400;
    int64_t days_before_month = (153 * months + 2) / 5;
    return (int64_t)years * 365 + leap_days + days_before_month + day - 1 - 719468;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* The first 19 bytes, in seconds. */
static bool read_seconds(const uint8_t *at, int64_t *ret)
{
    int year = two_digits(at) * 100 + two_digits(at + 2);
    int month = two_digits(at + 5);
    int day = two_digits(at + 8);
    int hour = two_digits(at + 11);
    int minute = two_digits(at + 14);
    int second = two_digits(at + 17);

    if (at[4] != '-' || at[7] != '-' || at[13] != ':' || at[16] != ':')
        return false;
    if ((at[10] | 0x20) != 't' && at[10] != ' ')
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *ret = days_since_1970(year, month, day) * SECONDS_PER_DAY +
           (hour * 60 + minute) * INT64_C(60) + second;
    return true;
}

/* "Z" or "+01:00", in seconds. */
static bool read_offset(struct slice text, int *ret)
{
    *ret = 0;
    if (text.size == 1)
        return (text.data[0] | 0x20) == 'z';
    if (text.size != OFFSET_SIZE || text.data[3] != ':')
        return false;
    int hours = two_digits(text.data + 1);
    int minutes = two_digits(text.data + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    int seconds = hours * 3600 + minutes * 60;
    *ret = text.data[0] == '-' ? -seconds : seconds;
    return text.data[0] == '-' || text.data[0] == '+';
}

/* Steps over ".123", if there is one, and says how many nanoseconds it is. */
static bool read_fraction(struct slice *text, uint32_t *ret)
{
    static const uint32_t scales[NANO_DIGITS + 1] = {
        1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    const uint8_t *at = text->data;
    const uint8_t *end = at + text->size;
    uint32_t nanos = 0;

    *ret = 0;
    if (at == end || *at != '.')
        return true;
    const uint8_t *first = ++at;
    const uint8_t *nano_end = end - first < NANO_DIGITS ? end : first + NANO_DIGITS;
    for (; at < nano_end && is_digit(*at); at++)
        nanos = nanos * 10 + (uint32_t)(*at - '0');
    *ret = nanos * scales[at - first];
    while (at < end && is_digit(*at))
        at++;
    *text = slice_of(at, (size_t)(end - at));
    return at > first;
}

bool rfc3339_read(struct slice text, uint64_t *ret_unix_ns)
{
    int64_t seconds;
    uint32_t nanos;
    int offset;

    if (text.size < SECONDS_SIZE || !read_seconds(text.data, &seconds))
        return false;
    /* Not slice_from(): its empty slice has no bytes to point at. */
    struct slice rest = slice_of(text.data + SECONDS_SIZE, text.size - SECONDS_SIZE);
    if (!read_fraction(&rest, &nanos) || !read_offset(rest, &offset))
        return false;
    seconds -= offset;
    if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / (uint64_t)nanos_per_second - 1)
        return false;
    *ret_unix_ns = (uint64_t)seconds * (uint64_t)nanos_per_second + nanos;
    return true;
}
