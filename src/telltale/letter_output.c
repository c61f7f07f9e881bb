/* SPDX-License-Identifier: Apache-2.0 */
#include "telltale/letter_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/record_output.h"
#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/encode.h"
#include "telltale/signals.h"
#include "wire/json_put.h"

enum { WORDS_COLUMNS_MAX = 200, ATTRIBUTE_COUNT_MAX = 4096, TIME_DIGITS = 9 };

static const struct otlp_limits limits = {
    .record_size_max = LETTER_RECORD_MAX,
    .attribute_count_max = ATTRIBUTE_COUNT_MAX,
    .key_size_max = 64 << 10,
    .depth_max = OTLP_DEPTH_MAX,
};

/* --- Names ------------------------------------------------------------------------------------ */

void letter_id_format(const struct letter *letter, char out[LETTER_ID_SIZE])
{
    snprintf(out, LETTER_ID_SIZE, "%.*s:%" PRIu64, SLICE_ARG(letter->exporter), letter->sequence);
}

bool letter_id_parse(char *text, uint64_t *ret_sequence)
{
    char *colon = strrchr(text, ':');
    uint64_t value = 0;

    if (colon == NULL || colon == text || colon[1] == 0)
        return false;
    for (const char *digit = colon + 1; *digit != 0; digit++) {
        if (*digit < '0' || *digit > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    *colon = 0;
    *ret_sequence = value;
    return true;
}

/* --- Pieces ----------------------------------------------------------------------------------- */

static enum status put_text(struct buf *out, const char *text, struct error *err)
{
    return buf_append(out, text, strlen(text), err);
}

static enum status put_words(struct buf *out, struct slice words, size_t columns, struct error *err)
{
    enum status st = safe_text_append(out, words, columns, NEWLINES_ESCAPED, err);
    return st == ST_OK ? put_text(out, "\n", err) : st;
}

static void put_json_time(struct json_put *json, uint64_t unix_ns)
{
    char text[TIME_TEXT_SIZE];

    time_format_utc(unix_ns, TIME_DIGITS, text);
    json_put_text(json, slice_of_text(text));
}

/* "id" to "sequence", without the braces. */
static void put_json_head(struct json_put *json, const struct letter *letter)
{
    char id[LETTER_ID_SIZE];

    letter_id_format(letter, id);
    json_put(json, SLICE("\"id\":"));
    json_put_text(json, slice_of_text(id));
    json_put(json, SLICE(",\"time\":"));
    put_json_time(json, letter->unix_ns);
    json_put(json, SLICE(",\"exporter\":"));
    json_put_text(json, letter->exporter);
    json_put(json, SLICE(",\"reason\":"));
    json_put_text(json, letter->reason);
    json_put(json, SLICE(",\"message\":"));
    json_put_text(json, letter->message);
    json_put(json, SLICE(",\"attempts\":"));
    json_put_uint(json, letter->attempts);
    json_put(json, SLICE(",\"journal\":"));
    json_put_hex(json, slice_of(letter->journal_id, sizeof(letter->journal_id)));
    json_put(json, SLICE(",\"sequence\":"));
    json_put_uint(json, letter->sequence);
    json_put(json, SLICE(",\"signal\":"));
    json_put_text(json, slice_of_text(signal_name(letter->signal)));
}

/* --- Lists ------------------------------------------------------------------------------------ */

static enum status put_json_sum(struct buf *out, const struct letter_sum *sum, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{\"exporter\":"));
    json_put_text(&json, slice_of_text(sum->exporter));
    json_put(&json, SLICE(",\"reason\":"));
    json_put_text(&json, slice_of_text(sum->reason));
    json_put(&json, SLICE(",\"count\":"));
    json_put_uint(&json, sum->count);
    json_put(&json, SLICE(",\"first_time\":"));
    put_json_time(&json, sum->first_unix_ns);
    json_put(&json, SLICE(",\"last_time\":"));
    put_json_time(&json, sum->last_unix_ns);
    json_put(&json, SLICE(",\"message\":"));
    json_put_text(&json, slice_of_text(sum->message));
    json_put(&json, sum->is_replaying ? SLICE(",\"replaying\":true}\n")
                                      : SLICE(",\"replaying\":false}\n"));
    return json_finish(&json);
}

enum status letter_put_sum(struct buf *out, const struct letter_sum *sum, bool as_json,
                           struct error *err)
{
    char first[TIME_TEXT_SIZE];
    char last[TIME_TEXT_SIZE];
    char text[128 + 2 * TIME_TEXT_SIZE];

    if (as_json)
        return put_json_sum(out, sum, err);
    time_format_local(sum->first_unix_ns, first);
    time_format_local(sum->last_unix_ns, last);
    enum status st = safe_text_append(out, slice_of_text(sum->exporter), 0, NEWLINES_ESCAPED, err);
    if (st == ST_OK)
        st = put_text(out, "  ", err);
    if (st == ST_OK)
        st = safe_text_append(out, slice_of_text(sum->reason), 0, NEWLINES_ESCAPED, err);
    snprintf(text, sizeof(text), "  %" PRIu64 " %s, %s to %s%s\n    ", sum->count,
             sum->count == 1 ? "letter" : "letters", first, last,
             sum->is_replaying ? ", a replay is under way" : "");
    if (st == ST_OK)
        st = put_text(out, text, err);
    if (st != ST_OK)
        return st;
    return put_words(out, slice_of_text(sum->message), WORDS_COLUMNS_MAX, err);
}

enum status letter_put_line(struct buf *out, const struct letter *letter, bool as_json,
                            struct error *err)
{
    char id[LETTER_ID_SIZE];
    char time[TIME_TEXT_SIZE];
    char text[TIME_TEXT_SIZE + 8];

    if (as_json) {
        struct json_put json;
        json_start(&json, out, err);
        json_put(&json, SLICE("{"));
        put_json_head(&json, letter);
        json_put(&json, SLICE("}\n"));
        return json_finish(&json);
    }
    letter_id_format(letter, id);
    time_format_local(letter->unix_ns, time);
    snprintf(text, sizeof(text), "  %s  ", time);
    enum status st = safe_text_append(out, slice_of_text(id), 0, NEWLINES_ESCAPED, err);
    if (st == ST_OK)
        st = put_text(out, text, err);
    if (st == ST_OK)
        st = safe_text_append(out, letter->reason, 0, NEWLINES_ESCAPED, err);
    if (st == ST_OK)
        st = put_text(out, "  ", err);
    return st == ST_OK ? put_words(out, letter->message, WORDS_COLUMNS_MAX, err) : st;
}

/* --- One letter whole ------------------------------------------------------------------------- */

/* A span or a metric has no flat form: it is shown in OTLP's own. */
static enum status put_flat(struct buf *out, const struct letter_record *record, struct error *err)
{
    struct record_view view;

    if (record->group.signal != SIGNAL_LOGS)
        return encode_otlp_json_line(&record->group, record->record.bytes, SLICE_EMPTY, out, err);

    struct attribute_view *attributes = calloc(ATTRIBUTE_COUNT_MAX, sizeof(*attributes));
    if (attributes == NULL)
        return error_set(err, ST_NO_MEMORY, "show a record");
    enum status st = otlp_read_record(record->record.bytes, &limits, attributes,
                                      ATTRIBUTE_COUNT_MAX, &view, err);
    if (st == ST_OK)
        st = output_flat_json(out, &record->group, &view, err);
    free(attributes);
    return st;
}

/* The record as a line of JSON, *ret_key saying what it is: flat, or in base64 when it is not
 * protobuf. */
static enum status put_record(struct buf *out, const struct letter_record *record,
                              const char **ret_key, struct error *err)
{
    size_t size = out->size;
    struct json_put json;

    *ret_key = "record";
    enum status st = put_flat(out, record, err);
    if (st != ST_CORRUPT && st != ST_LIMIT)
        return st;
    out->size = size;
    *ret_key = "record_base64";
    json_start(&json, out, err);
    json_put_base64(&json, record->record.bytes);
    json_put(&json, SLICE("\n"));
    return json_finish(&json);
}

static enum status put_text_head(struct buf *out, const struct letter *letter, struct error *err)
{
    char id[LETTER_ID_SIZE];
    char time[TIME_TEXT_SIZE];
    char numbers[128];

    letter_id_format(letter, id);
    time_format_utc(letter->unix_ns, TIME_DIGITS, time);
    snprintf(numbers, sizeof(numbers), "%" PRIu64, letter->attempts);
    const struct {
        const char *label;
        struct slice text;
    } lines[] = {
        {"letter    ", slice_of_text(id)},      {"given up  ", slice_of_text(time)},
        {"reason    ", letter->reason},         {"message   ", letter->message},
        {"attempts  ", slice_of_text(numbers)},
    };
    enum status st = ST_OK;
    for (size_t i = 0; i < COUNT_OF(lines) && st == ST_OK; i++) {
        st = put_text(out, lines[i].label, err);
        if (st == ST_OK)
            st = put_words(out, lines[i].text, 0, err);
    }
    return st;
}

static enum status put_as_text(struct buf *out, const struct letter *letter,
                               const struct letter_record *record, struct error *err)
{
    const char *key;

    enum status st = put_text_head(out, letter, err);
    if (st == ST_OK)
        st = put_text(out, "record\n", err);
    return st == ST_OK ? put_record(out, record, &key, err) : st;
}

static enum status put_as_json(struct buf *out, const struct letter *letter,
                               const struct letter_record *record, struct error *err)
{
    struct json_put json;
    struct buf text;
    const char *key;

    buf_init(&text, out->limit);
    enum status st = put_record(&text, record, &key, err);
    if (st == ST_OK) {
        text.size--; /* its newline stands behind our brace */
        json_start(&json, out, err);
        json_put(&json, SLICE("{"));
        put_json_head(&json, letter);
        json_put(&json, SLICE(",\""));
        json_put(&json, slice_of_text(key));
        json_put(&json, SLICE("\":"));
        json_put(&json, buf_slice(&text));
        json_put(&json, SLICE("}\n"));
        st = json_finish(&json);
    }
    buf_fini(&text);
    return st;
}

enum status letter_put_whole(struct buf *out, const struct letter *letter,
                             enum letter_format format, struct error *err)
{
    struct letter_record record;

    letter_record_init(&record);
    enum status st = letter_record_read(&record, letter, err);
    if (st == ST_OK && format == LETTER_TEXT)
        st = put_as_text(out, letter, &record, err);
    else if (st == ST_OK && format == LETTER_JSON)
        st = put_as_json(out, letter, &record, err);
    else if (st == ST_OK)
        st = encode_otlp_json_line(&record.group, record.record.bytes, SLICE_EMPTY, out, err);
    letter_record_fini(&record);
    return st;
}
