/* SPDX-License-Identifier: Apache-2.0 */
/* hec_events.c -- see hec_events.h.
 *
 * The envelope has documented keys only: Splunk answers 200 to others and drops what follows.  Its
 * time is written from integers, because a double holds no nanoseconds of today.  What is the same
 * for all events was written as JSON when the exporter was made, and a host is remembered until
 * another one comes. */
#include "hec_events.h"

#include <stdlib.h>
#include <unistd.h>

#include "telltale/clocks.h"
#include "telltale/encode.h"

enum {
    TEXT_LIMIT = 8 * 1024,         /* of a part of the envelope as JSON */
    ENVELOPE_MAX = 2 * TEXT_LIMIT, /* around what is reserved for by itself */
    HOST_MAX = 1024,               /* longer ones are no names of hosts */
    EVENT_SIZE_LIMIT = 256 << 20,  /* beyond max_content_length: an event before it is measured */
    FRACTION_DIGITS = 9,
    UINT64_DIGITS = 20,
};

/* --- Making it ------------------------------------------------------------------------------- */

static enum status put_literal(struct buf *out, const char *text, struct error *err)
{
    return buf_append(out, text, strlen(text), err);
}

/* `name` is `,"name":`. */
static enum status put_member(struct buf *out, const char *name, const char *value,
                              struct error *err)
{
    enum status st = put_literal(out, name, err);
    return st != ST_OK ? st : encode_json_text(slice_of_text(value), out, err);
}

static enum status put_constants(struct hec_events *events, struct error *err)
{
    const struct hec_config *config = events->config;
    char name[256] = "localhost";

    (void)gethostname(name, sizeof(name) - 1); /* then it is called localhost */
    enum status st = encode_json_text(slice_of_text(config->host != NULL ? config->host : name),
                                      &events->own_host, err);
    if (st == ST_OK)
        st = put_member(&events->constant, ",\"source\":", config->source, err);
    if (st == ST_OK && config->index != NULL)
        st = put_member(&events->constant, ",\"index\":", config->index, err);
    if (st == ST_OK)
        st = put_member(&events->sourcetype, ",\"sourcetype\":", config->sourcetype, err);
    if (st == ST_OK)
        events->sourcetype.size--; /* its closing quote: a kind may follow */
    return st;
}

/* `,"name":` of each indexed field. */
static enum status put_field_names(struct hec_events *events, struct error *err)
{
    struct buf *text = &events->field_text;

    enum status st = buf_reserve(text, TEXT_LIMIT, err);
    for (size_t i = 0; st == ST_OK && i < events->config->fields.count; i++) {
        size_t start = text->size;
        st = put_literal(text, ",\"", err);
        if (st == ST_OK)
            st = put_literal(text, events->fields[i]->field_name, err);
        if (st == ST_OK)
            st = put_literal(text, "\":", err);
        events->field_names[i] = slice_of(text->data + start, text->size - start);
    }
    return st;
}

enum status hec_events_init(struct hec_events *events, const struct hec_config *config,
                            struct error *err)
{
    *events = (struct hec_events){.config = config};
    for (size_t i = 0; i < config->fields.count; i++)
        events->fields[i] = hec_config_field(config->fields.items[i]);
    buf_init(&events->body, config->http.max_body_size + EVENT_SIZE_LIMIT);
    buf_init(&events->own_host, TEXT_LIMIT);
    buf_init(&events->host, TEXT_LIMIT);
    buf_init(&events->host_raw, TEXT_LIMIT);
    buf_init(&events->constant, TEXT_LIMIT);
    buf_init(&events->sourcetype, TEXT_LIMIT);
    buf_init(&events->field_text, TEXT_LIMIT); /* it does not move: all of it is reserved */
    enum status st = put_constants(events, err);
    if (st == ST_OK)
        st = put_field_names(events, err);
    if (st == ST_OK)
        st = shaper_create(hec_config_shape(config), NULL, &events->shaper, err);
    return st;
}

void hec_events_fini(struct hec_events *events)
{
    shaper_destroy(events->shaper);
    buf_fini(&events->body);
    buf_fini(&events->own_host);
    buf_fini(&events->host);
    buf_fini(&events->host_raw);
    buf_fini(&events->constant);
    buf_fini(&events->sourcetype);
    buf_fini(&events->field_text);
    free(events->records);
}

/* --- An event -------------------------------------------------------------------------------- */

static void put(struct buf *out, struct slice text)
{
    buf_append_reserved(out, text.data, text.size);
}

/* Seconds with nine digits behind the point. */
static void put_time(struct buf *out, uint64_t unix_ns)
{
    uint8_t digits[UINT64_DIGITS + 1 + FRACTION_DIGITS];
    size_t at = sizeof(digits);
    uint64_t rest = unix_ns % NS_PER_S;

    for (int i = 0; i < FRACTION_DIGITS; i++, rest /= 10)
        digits[--at] = (uint8_t)('0' + rest % 10);
    digits[--at] = '.';
    rest = unix_ns / NS_PER_S;
    do {
        digits[--at] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    buf_append_reserved(out, digits + at, sizeof(digits) - at);
}

/* The JSON text of a host; of this machine when the record names none. */
static enum status find_host(struct hec_events *events, struct slice host, struct slice *ret,
                             struct error *err)
{
    bool is_known = slice_equal(host, buf_slice(&events->host_raw));

    *ret = buf_slice(&events->own_host);
    if (events->config->host != NULL || host.size == 0 || host.size > HOST_MAX)
        return ST_OK;
    if (!is_known) {
        buf_clear(&events->host);
        buf_clear(&events->host_raw); /* until both are whole */
        enum status st = encode_json_text(host, &events->host, err);
        if (st == ST_OK)
            st = buf_append(&events->host_raw, host.data, host.size, err);
        if (st != ST_OK)
            return st;
    }
    *ret = buf_slice(&events->host);
    return ST_OK;
}

/* "agent.tool" as ":agent:tool"; ":other" when it has other letters than kinds have. */
static void put_kind(struct buf *out, struct slice kind)
{
    uint8_t text[HEC_KIND_MAX + 1] = {':'};
    bool is_plain = kind.size > 0 && kind.size <= HEC_KIND_MAX;

    for (size_t i = 0; is_plain && i < kind.size; i++) {
        uint8_t byte = kind.data[i];
        is_plain = (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '.';
        text[i + 1] = byte == '.' ? ':' : byte;
    }
    if (is_plain)
        buf_append_reserved(out, text, kind.size + 1);
    else
        put(out, SLICE(":other"));
}

static enum status put_fields(struct hec_events *events, const struct record_facts *facts,
                              struct error *err)
{
    struct buf *out = &events->body;
    enum status st = ST_OK;
    bool any = false;

    for (size_t i = 0; st == ST_OK && i < events->config->fields.count; i++) {
        const struct hec_indexed_field *field = events->fields[i];
        struct slice value;
        memcpy(&value, (const char *)facts + field->offset, sizeof(value));
        if (value.size == 0 || value.size > HEC_FIELD_VALUE_MAX)
            continue;
        st = buf_reserve(out, ENVELOPE_MAX, err);
        if (st != ST_OK)
            return st;
        if (!any)
            put(out, SLICE(",\"fields\":{"));
        put(out, slice_from(events->field_names[i], any ? 0 : 1));
        st = encode_json_text(value, out, err);
        any = true;
    }
    return st == ST_OK && any ? put_literal(out, "}", err) : st;
}

static enum status put_envelope(struct hec_events *events, const struct record_facts *facts,
                                struct error *err)
{
    struct buf *out = &events->body;
    struct slice host = SLICE_EMPTY;

    enum status st = find_host(events, facts->host_name, &host, err);
    if (st == ST_OK)
        st = buf_reserve(out, 3 * TEXT_LIMIT + ENVELOPE_MAX, err);
    if (st != ST_OK)
        return st;
    put(out, SLICE("{"));
    if (facts->time_unix_ns != 0) {
        put(out, SLICE("\"time\":"));
        put_time(out, facts->time_unix_ns);
        put(out, SLICE(","));
    }
    put(out, SLICE("\"host\":"));
    put(out, host);
    put(out, buf_slice(&events->constant));
    put(out, buf_slice(&events->sourcetype));
    if (events->config->sourcetype_per_kind)
        put_kind(out, facts->kind);
    put(out, SLICE("\""));
    st = put_fields(events, facts, err);
    return st != ST_OK ? st : put_literal(out, ",\"event\":", err);
}

static enum status put_event(struct hec_events *events, struct slice record, struct error *err)
{
    struct record_facts facts;

    enum status st = shaper_read(events->shaper, record, &facts, err);
    if (st == ST_OK)
        st = put_envelope(events, &facts, err);
    if (st == ST_OK)
        st = shaper_append(events->shaper, &events->body, err);
    return st != ST_OK ? st : put_literal(&events->body, "}\n", err);
}

/* --- A body ---------------------------------------------------------------------------------- */

static enum status make_room(struct hec_events *events, size_t count, struct error *err)
{
    if (count <= events->capacity)
        return ST_OK;
    uint32_t *records = reallocarray(events->records, count, sizeof(*records));
    if (records == NULL)
        return error_set(err, ST_NO_MEMORY, "a list of %zu events", count);
    events->records = records;
    events->capacity = count;
    return ST_OK;
}

static void tell(struct hec_events *events, struct export_report *report, enum item_outcome outcome,
                 const struct error *why)
{
    report->tell(report, events->end, outcome, why->text);
    events->told_count++;
}

/* Takes the record at `end` up, or tells of it.  *ret_full: it does not fit any more. */
static enum status take_record(struct hec_events *events, const struct record *record,
                               struct export_report *report, bool *ret_full, struct error *err)
{
    const struct hec_config *config = events->config;
    size_t start = events->body.size;

    enum status st = put_event(events, record->bytes, err);
    size_t size = events->body.size - start;
    if (st == ST_OK && size > config->max_event_size)
        st = error_set(err, ST_LIMIT, "event of %zu bytes, limit %llu (max_event_size)", size,
                       (unsigned long long)config->max_event_size);
    *ret_full = st == ST_OK && events->count > 0 && events->body.size > config->http.max_body_size;
    if (st != ST_OK || *ret_full)
        events->body.size = start;
    if (st == ST_NO_MEMORY || *ret_full)
        return st;
    if (st == ST_OK)
        events->records[events->count++] = (uint32_t)events->end;
    else
        tell(events, report, st == ST_LIMIT ? ITEM_TOO_LARGE : ITEM_REJECTED, err);
    events->end++;
    return ST_OK;
}

enum status hec_events_fill(struct hec_events *events, const struct batch *batch,
                            struct export_report *report, struct error *err)
{
    const struct record_group *group = NULL;
    enum status group_status = ST_OK;
    bool is_full = false;

    buf_clear(&events->body);
    events->count = 0;
    events->end = 0;
    events->told_count = 0;
    enum status st = make_room(events, batch->record_count, err);
    while (st == ST_OK && !is_full && events->end < batch->record_count) {
        const struct record *record = &batch->records[events->end];
        if (group != &batch->groups[record->group_index]) {
            group = &batch->groups[record->group_index];
            group_status = shaper_set_group(events->shaper, group, err);
        }
        if (group_status == ST_NO_MEMORY) {
            st = group_status;
        } else if (group_status != ST_OK) {
            tell(events, report, group_status == ST_LIMIT ? ITEM_TOO_LARGE : ITEM_REJECTED, err);
            events->end++;
        } else {
            st = take_record(events, record, report, &is_full, err);
        }
    }
    return st;
}
