/* SPDX-License-Identifier: Apache-2.0 */
/* time_text.c -- see time_text.h. */
#include "query/time_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

static void put_fraction(char *out, size_t size, uint64_t unix_ns, int digits)
{
    static const uint64_t divisor[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                       10000,      1000,      100,      10,      1};
    ASSERT(digits >= 0 && digits <= 9);
    if (digits > 0)
        snprintf(out, size, ".%0*" PRIu64, digits, unix_ns % NS_PER_S / divisor[digits]);
    else
        out[0] = 0;
}

void time_format_utc(uint64_t unix_ns, int digits, char out[TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    char fraction[16];
    struct tm utc;

    (void)gmtime_r(&seconds, &utc); /* 64-bit years are no problem for 64-bit nanoseconds */
    put_fraction(fraction, sizeof(fraction), unix_ns, digits);
    size_t used = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, TIME_TEXT_SIZE - used, "%sZ", fraction);
}

static void format_local(uint64_t unix_ns, const char *format, char out[TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    struct tm local;

    (void)localtime_r(&seconds, &local);
    size_t used = strftime(out, TIME_TEXT_SIZE, format, &local);
    put_fraction(out + used, TIME_TEXT_SIZE - used, unix_ns, 3);
}

void time_format_local(uint64_t unix_ns, char out[TIME_TEXT_SIZE])
{
    format_local(unix_ns, "%Y-%m-%d %H:%M:%S", out);
}

void time_format_clock(uint64_t unix_ns, char out[TIME_TEXT_SIZE])
{
    format_local(unix_ns, "%H:%M:%S", out);
}

void time_format_duration(double ms, char out[TIME_TEXT_SIZE])
{
    if (!(ms < 1e15))
        snprintf(out, TIME_TEXT_SIZE, "%g ms", ms); /* nobody's duration: no digits to read */
    else if (ms < 999.5)
        snprintf(out, TIME_TEXT_SIZE, "%.0f ms", ms);
    else if (ms < 60000)
        snprintf(out, TIME_TEXT_SIZE, "%.1f s", ms / 1000);
    else
        snprintf(out, TIME_TEXT_SIZE, "%" PRIu64 " min %" PRIu64 " s", (uint64_t)ms / 60000,
                 (uint64_t)ms / 1000 % 60);
}

/* A time of a unit, UINT64_MAX where it is longer; false: the text is nothing of the kind. */
static bool parse_span(const char *text, uint64_t *ret_ns)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]))
        return false;
    unsigned long long count = strtoull(text, &end, 10);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (end[0] == units[i].unit && end[1] == 0) {
            uint64_t limit = UINT64_MAX / NS_PER_S / units[i].seconds;
            *ret_ns = count > limit ? UINT64_MAX : count * units[i].seconds * NS_PER_S;
            return true;
        }
    }
    return false;
}

bool time_parse_duration(const char *text, uint64_t max_ns, uint64_t *ret_ns)
{
    uint64_t span = 0;

    if (!parse_span(text, &span) || span > max_ns)
        return false;
    *ret_ns = span;
    return true;
}

/* What is longer ago than 1970 is 1970. */
static bool parse_ago(const char *text, uint64_t now, uint64_t *ret)
{
    uint64_t ago = 0;

    if (!parse_span(text, &ago))
        return false;
    *ret = ago > now ? 0 : now - ago;
    return true;
}

/* Reads ".206" into nanoseconds and gives back what follows. */
static const char *parse_fraction(const char *text, uint64_t *ret)
{
    uint64_t unit = NS_PER_S / 10;

    *ret = 0;
    if (*text != '.')
        return text;
    for (text++; isdigit((unsigned char)*text); text++) {
        *ret += (uint64_t)(*text - '0') * unit;
        unit /= 10;
    }
    return text;
}

static int two_digits(const char *text)
{
    if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Reads "Z", "+01:00" or nothing (local time) behind a date. */
static bool parse_zone(const char *text, struct tm *tm, time_t *ret)
{
    if (*text == 0) {
        tm->tm_isdst = -1;
        *ret = mktime(tm);
        return *ret != -1;
    }
    if ((*text == 'Z' || *text == 'z') && text[1] == 0) {
        *ret = timegm(tm);
        return true;
    }
    if ((*text != '+' && *text != '-') || strlen(text) != strlen("+01:00") || text[3] != ':')
        return false;
    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    time_t offset = (time_t)(hours * 60 + minutes) * 60;
    *ret = timegm(tm) - (*text == '+' ? offset : -offset);
    return true;
}

static bool parse_date(const char *text, uint64_t now, uint64_t *ret)
{
    static const char *const formats[] = {
        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
        "%Y-%m-%d",          "%H:%M:%S",          "%H:%M"};
    time_t today = (time_t)(now / NS_PER_S);

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct tm tm;
        uint64_t fraction = 0;
        time_t seconds = 0;
        (void)localtime_r(&today, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        const char *rest = strptime(text, formats[i], &tm);
        if (rest == NULL)
            continue;
        rest = parse_fraction(rest, &fraction);
        if (!parse_zone(rest, &tm, &seconds) || seconds < 0)
            continue;
        *ret = (uint64_t)seconds * NS_PER_S + fraction;
        return true;
    }
    return false;
}

enum status time_parse(const char *text, uint64_t now_unix_ns, uint64_t *ret_unix_ns,
                       struct error *err)
{
    if (strcmp(text, "now") == 0) {
        *ret_unix_ns = now_unix_ns;
        return ST_OK;
    }
    if (parse_ago(text, now_unix_ns, ret_unix_ns) || parse_date(text, now_unix_ns, ret_unix_ns))
        return ST_OK;
    return error_set(
        err, ST_INVALID,
        "'%.60s' is no time: write 2026-11-20T22:24:20Z, '2026-11-20 22:24', 22:24, or "
        "how long ago: 90s, 10m, 2h, 7d",
        text);
}
