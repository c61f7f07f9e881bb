/* SPDX-License-Identifier: Apache-2.0 */
/* letter.c -- see letter.h.
 *
 * The line is scanned once; texts are noted where they stand and decoded when all sizes are known,
 * so that one reservation holds them and none of them moves.
 */
#include "deliver/letter.h"

#include "telltale/signals.h"
#include "wire/base64.h"
#include "wire/json_scan.h"
#include "wire/otlp.h"
#include "wire/otlp_json.h"
#include "wire/rfc3339.h"

enum {
    LETTER_KEEP_SIZE = 64 << 10, /* the memory that is kept between letters */
    KEY_SIZE_MAX = 64 << 10,
    ATTRIBUTE_COUNT_MAX = 4096,
};

enum text_member { TIME, EXPORTER, REASON, MESSAGE, JOURNAL, SIGNAL, BASE64, TEXT_COUNT };

static const struct slice text_names[TEXT_COUNT] = {
    [TIME] = {(const uint8_t *)"time", 4},
    [EXPORTER] = {(const uint8_t *)"exporter", 8},
    [REASON] = {(const uint8_t *)"reason", 6},
    [MESSAGE] = {(const uint8_t *)"message", 7},
    [JOURNAL] = {(const uint8_t *)"journal", 7},
    [SIGNAL] = {(const uint8_t *)"signal", 6},
    [BASE64] = {(const uint8_t *)"record_base64", 13},
};

struct reading {
    struct json_scan scan;
    struct json_text texts[TEXT_COUNT]; /* raw is NULL: absent */
    bool has_sequence;
    struct letter letter;
};

void letter_texts_init(struct letter_texts *texts)
{
    buf_init(&texts->bytes, LETTER_RECORD_MAX);
}

void letter_texts_fini(struct letter_texts *texts)
{
    buf_fini(&texts->bytes);
}

static bool read_count(struct json_scan *scan, uint64_t *ret)
{
    struct json_number number;

    (void)json_peek(scan); /* steps over white space */
    const uint8_t *place = scan->at;
    if (!json_read_number(scan, &number))
        return false;
    if (!number.is_integer || number.integer < 0)
        return json_scan_fail(scan, ST_INVALID, place, "must be a count");
    *ret = (uint64_t)number.integer;
    return true;
}

static bool read_otlp(struct reading *reading)
{
    if (json_peek(&reading->scan) != '{')
        return json_scan_fail(&reading->scan, ST_INVALID, reading->scan.at, "must be an object");
    const uint8_t *start = reading->scan.at;
    if (!json_skip_value(&reading->scan))
        return false;
    reading->letter.otlp = slice_of(start, (size_t)(reading->scan.at - start));
    return true;
}

static bool read_member(struct reading *reading)
{
    struct json_scan *scan = &reading->scan;
    struct json_text key;

    if (!json_read_key(scan, &key))
        return false;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (json_text_equal(&key, text_names[i]))
            return json_read_text(scan, &reading->texts[i]);
    }
    if (json_text_equal(&key, SLICE("attempts")))
        return read_count(scan, &reading->letter.attempts);
    if (json_text_equal(&key, SLICE("sequence"))) {
        reading->has_sequence = true;
        return read_count(scan, &reading->letter.sequence);
    }
    if (json_text_equal(&key, SLICE("otlp")))
        return read_otlp(reading);
    return json_skip_value(scan);
}

static bool read_members(struct reading *reading)
{
    bool more;

    if (!json_open(&reading->scan, '{', '}', &more))
        return false;
    while (more) {
        if (!read_member(reading) || !json_read_separator(&reading->scan, '}', &more))
            return false;
    }
    return json_read_end(&reading->scan);
}

static enum status decode_texts(struct reading *reading, struct buf *out,
                                struct slice texts[TEXT_COUNT], struct error *err)
{
    size_t size = 0;

    for (size_t i = 0; i < TEXT_COUNT; i++)
        size += reading->texts[i].raw != NULL ? reading->texts[i].size : 0;
    buf_trim(out, LETTER_KEEP_SIZE);
    buf_clear(out);
    enum status st = buf_reserve(out, size + JSON_TEXT_SLACK, err);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const struct json_text *text = &reading->texts[i];
        texts[i] = SLICE("");
        if (text->raw == NULL)
            continue;
        texts[i] = slice_of(out->data + out->size, text->size);
        (void)json_text_decode(text, out->data + out->size); /* its end is known */
        out->size += text->size;
    }
    return ST_OK;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool read_journal_id(struct slice text, uint8_t out[JOURNAL_ID_SIZE])
{
    if (text.size != (size_t)JOURNAL_ID_SIZE * 2)
        return false;
    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A letter that names none is one of logs. */
static bool read_signal(struct slice name, enum signal *ret)
{
    *ret = SIGNAL_LOGS;
    if (name.size == 0)
        return true;
    for (unsigned signal = 0; signal < SIGNAL_COUNT; signal++) {
        *ret = (enum signal)signal;
        if (slice_equal(name, slice_of_text(signal_name(*ret))))
            return true;
    }
    return false;
}

enum status letter_read(struct slice line, struct letter_texts *texts, struct letter *ret,
                        struct error *err)
{
    struct reading reading = {.scan = json_scan_start(line)};
    struct slice decoded[TEXT_COUNT];
    struct letter *letter = &reading.letter;

    if (!read_members(&reading))
        return json_report(&reading.scan, err);
    enum status st = decode_texts(&reading, &texts->bytes, decoded, err);
    if (st != ST_OK)
        return st;
    letter->exporter = decoded[EXPORTER];
    letter->reason = decoded[REASON];
    letter->message = decoded[MESSAGE];
    letter->base64 = decoded[BASE64];
    if (letter->exporter.size == 0 || letter->reason.size == 0 || !reading.has_sequence)
        return error_set(err, ST_INVALID, "no dead letter: exporter, reason or sequence is absent");
    if (!rfc3339_read(decoded[TIME], &letter->unix_ns))
        return error_set(err, ST_INVALID, "no dead letter: it has no time");
    if (!read_journal_id(decoded[JOURNAL], letter->journal_id))
        return error_set(err, ST_INVALID, "no dead letter: it names no journal");
    if (!read_signal(decoded[SIGNAL], &letter->signal))
        return error_set(err, ST_INVALID, "no dead letter: its signal is not known");
    if ((letter->otlp.size > 0) == (reading.texts[BASE64].raw != NULL))
        return error_set(err, ST_INVALID, "no dead letter: it must hold one record");
    *ret = *letter;
    return ST_OK;
}

/* --- The record ------------------------------------------------------------------------------- */

static const struct otlp_limits limits = {
    .record_size_max = LETTER_RECORD_MAX,
    .attribute_count_max = ATTRIBUTE_COUNT_MAX,
    .key_size_max = KEY_SIZE_MAX,
    .depth_max = OTLP_DEPTH_MAX,
};

struct finding {
    struct letter_record *record;
    size_t count;
};

void letter_record_init(struct letter_record *record)
{
    *record = (struct letter_record){.record = {.sequence = 0}};
    buf_init(&record->request, LETTER_RECORD_MAX);
    buf_init(&record->around, LETTER_RECORD_MAX);
}

void letter_record_fini(struct letter_record *record)
{
    buf_fini(&record->request);
    buf_fini(&record->around);
}

static struct slice keep(struct buf *out, struct slice bytes)
{
    const uint8_t *start = out->data + out->size;

    buf_append_reserved(out, bytes.data, bytes.size);
    return slice_of(start, bytes.size);
}

/* What is around a record is good only while the request is walked, so it is copied. */
static enum status take_group(void *context, const struct record_group *group, struct error *err)
{
    const struct finding *finding = context;
    struct buf *around = &finding->record->around;
    struct record_group *kept = &finding->record->group;

    if (finding->count > 0)
        return ST_OK; /* the record is found, this is not about it */
    buf_clear(around);
    enum status st = buf_reserve(around,
                                 group->request_fields.size + group->resource_logs_fields.size +
                                     group->scope_logs_fields.size + 1,
                                 err);
    if (st != ST_OK)
        return st;
    kept->request_fields = keep(around, group->request_fields);
    kept->resource_logs_fields = keep(around, group->resource_logs_fields);
    kept->scope_logs_fields = keep(around, group->scope_logs_fields);
    return ST_OK;
}

static enum status take_record(void *context, struct slice bytes, struct error *err)
{
    struct finding *finding = context;

    (void)err;
    finding->record->record.bytes = bytes;
    finding->count++;
    return ST_OK;
}

static enum status read_request(struct letter_record *record, const struct letter *letter,
                                struct error *err)
{
    struct finding finding = {.record = record};
    const struct otlp_request_visitor visitor = {
        .context = &finding, .on_group = take_group, .on_record = take_record};

    enum status st =
        otlp_json_read_request(letter->otlp, letter->signal, &limits, &record->request, err);
    if (st == ST_OK)
        st = otlp_walk_request(buf_slice(&record->request), &visitor, err);
    if (st == ST_OK && finding.count != 1)
        st = error_set(err, ST_CORRUPT, "%zu records in one dead letter", finding.count);
    record->group.signal = letter->signal;
    return st;
}

static enum status read_base64(struct letter_record *record, const struct letter *letter,
                               struct error *err)
{
    size_t size;

    enum status st = buf_append(&record->request, letter->base64.data, letter->base64.size, err);
    if (st != ST_OK)
        return st;
    if (!base64_decode(record->request.data, record->request.size, &size))
        return error_set(err, ST_INVALID, "record_base64 is not base64");
    record->request.size = size;
    record->record.bytes = buf_slice(&record->request);
    return ST_OK;
}

enum status letter_record_read(struct letter_record *record, const struct letter *letter,
                               struct error *err)
{
    buf_trim(&record->request, LETTER_KEEP_SIZE);
    buf_trim(&record->around, LETTER_KEEP_SIZE);
    buf_clear(&record->request);
    record->group = (struct record_group){.signal = letter->signal};
    record->record = (struct record){.sequence = letter->sequence};
    if (letter->otlp.size > 0)
        return read_request(record, letter, err);
    return read_base64(record, letter, err);
}

struct batch letter_record_batch(const struct letter_record *record, const struct letter *letter)
{
    const struct record_group *group = &record->group;
    struct batch batch = {
        .records = &record->record,
        .record_count = 1,
        .groups = group,
        .group_count = 1,
        .size_bytes = record->record.bytes.size + group->request_fields.size +
                      group->resource_logs_fields.size + group->scope_logs_fields.size,
    };

    memcpy(batch.journal_id, letter->journal_id, sizeof(batch.journal_id));
    return batch;
}
