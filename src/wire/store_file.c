/* SPDX-License-Identifier: Apache-2.0 */
/* store_file.c -- names and places, see include/telltale/store_file.h.
 *
 * The place of a line is found without parsing JSON: the two attributes are the last thing on
 * the line (encode_otlp_json_line()), so it is read from the end.  Quotes within strings are
 * escaped: whatever a sender put into its record, it cannot look like this.
 */
#include "telltale/store_file.h"

#include <stdio.h>
#include <time.h>

enum { TIME_TEXT_SIZE = 16, SEQUENCE_DIGITS = 20 };

static const uint64_t year_9999_end_unix_s = UINT64_C(253402300799);

void store_file_name_format(const struct store_file_name *name, char out[STORE_FILE_NAME_SIZE])
{
    time_t begun = (time_t)(name->begun_unix_s < year_9999_end_unix_s ? name->begun_unix_s
                                                                      : year_9999_end_unix_s);
    struct tm tm;
    char time_text[TIME_TEXT_SIZE + 1];

    (void)gmtime_r(&begun, &tm); /* cannot fail up to year 9999 */
    (void)strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", &tm); /* always 16 */
    snprintf(out, STORE_FILE_NAME_SIZE, "%s-%020llu-%020llu.jsonl%s", time_text,
             (unsigned long long)name->first_sequence, (unsigned long long)name->last_sequence,
             name->compressed ? ".zst" : "");
}

/* Reads exactly `count` digits. */
static bool read_digits(const char *text, size_t count, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

static bool read_time(const char *text, uint64_t *ret)
{
    uint64_t date;
    uint64_t clock;

    if (!read_digits(text, 8, &date) || text[8] != 'T' || !read_digits(text + 9, 6, &clock))
        return false;
    struct tm tm = {
        .tm_year = (int)(date / 10000) - 1900,
        .tm_mon = (int)(date / 100 % 100) - 1,
        .tm_mday = (int)(date % 100),
        .tm_hour = (int)(clock / 10000),
        .tm_min = (int)(clock / 100 % 100),
        .tm_sec = (int)(clock % 100),
    };
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return false;
    *ret = (uint64_t)seconds;
    return true;
}

bool store_file_name_parse(const char *text, struct store_file_name *ret)
{
    const char *first = text + TIME_TEXT_SIZE + 1;
    const char *last = first + SEQUENCE_DIGITS + 1;
    struct store_file_name name = {0};
    char again[STORE_FILE_NAME_SIZE];

    size_t size = strnlen(text, STORE_FILE_NAME_SIZE);
    if (size == STORE_FILE_NAME_SIZE || size < (size_t)(last - text) + SEQUENCE_DIGITS)
        return false;
    if (!read_time(text, &name.begun_unix_s) ||
        !read_digits(first, SEQUENCE_DIGITS, &name.first_sequence) ||
        !read_digits(last, SEQUENCE_DIGITS, &name.last_sequence))
        return false;
    name.compressed = text[size - 1] == 't';
    /* Dates such as the 31st of June, separators and suffix are checked by writing it again. */
    store_file_name_format(&name, again);
    if (strcmp(text, again) != 0)
        return false;
    *ret = name;
    return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int store_file_name_compare(const struct store_file_name *a, const struct store_file_name *b)
{
    int order = compare_numbers(a->begun_unix_s, b->begun_unix_s);
    if (order == 0)
        order = compare_numbers(a->first_sequence, b->first_sequence);
    return order != 0 ? order : compare_numbers(a->last_sequence, b->last_sequence);
}

void journal_id_format(const uint8_t id[JOURNAL_ID_SIZE], char out[JOURNAL_ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++) {
        out[2 * i] = digits[id[i] >> 4];
        out[2 * i + 1] = digits[id[i] & 15];
    }
}

static bool read_hex(struct slice text, uint8_t out[JOURNAL_ID_SIZE])
{
    for (size_t i = 0; i < (size_t)2 * JOURNAL_ID_SIZE; i++) {
        uint8_t c = text.data[i];
        uint8_t value;
        if (c >= '0' && c <= '9')
            value = (uint8_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = (uint8_t)(c - 'a' + 10);
        else
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return true;
}

/* Takes `end` off the end of *line; false when it does not end like that. */
static bool strip_end(struct slice *line, struct slice end)
{
    if (line->size < end.size ||
        memcmp(line->data + line->size - end.size, end.data, end.size) != 0)
        return false;
    line->size -= end.size;
    return true;
}

bool store_line_place(struct slice line, struct store_place *ret)
{
    const struct slice head =
        SLICE("{\"key\":\"" STORE_JOURNAL_ID_KEY "\",\"value\":{\"stringValue\":\"");
    const struct slice middle =
        SLICE("\"}},{\"key\":\"" STORE_JOURNAL_SEQUENCE_KEY "\",\"value\":{\"intValue\":\"");
    struct store_place place;
    size_t digits = 0;

    (void)strip_end(&line, SLICE("\n")); /* there or not */
    if (!strip_end(&line, SLICE("\"}}]}]}]}]}")))
        return false;
    while (digits < line.size && line.data[line.size - digits - 1] >= '0' &&
           line.data[line.size - digits - 1] <= '9')
        digits++;
    line.size -= digits;
    if (digits == 0 || !read_digits((const char *)line.data + line.size, digits, &place.sequence) ||
        !strip_end(&line, middle) || line.size < JOURNAL_ID_TEXT_SIZE)
        return false;
    line.size -= JOURNAL_ID_TEXT_SIZE;
    if (!read_hex(slice_of(line.data + line.size, JOURNAL_ID_TEXT_SIZE), place.journal_id) ||
        !strip_end(&line, head))
        return false;
    *ret = place;
    return true;
}
