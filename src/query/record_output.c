/* SPDX-License-Identifier: Apache-2.0 */
/* record_output.c -- see record_output.h. */
#include "query/record_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "query/attested.h"
#include "query/lookup.h"
#include "query/safe_text.h"
#include "query/summary.h"
#include "query/time_text.h"
#include "wire/otlp_json.h"

/* --- Table ------------------------------------------------------------------------------- */

enum {
    COLUMN_TIME = 25,
    COLUMN_SESSION = 10,
    COLUMN_SENDER = 16,
    COLUMN_KIND = 16,
    COLUMN_OUTCOME = 10,
};

static enum status append_text(struct buf *out, const char *text, struct error *err)
{
    return buf_append(out, text, strlen(text), err);
}

enum status output_table_head(struct buf *out, size_t columns, struct error *err)
{
    char line[128];

    (void)columns;
    snprintf(line, sizeof(line), "%-*s%-*s%-*s%-*s%-*s%s\n", COLUMN_TIME, "TIME", COLUMN_SESSION,
             "SESSION", COLUMN_SENDER, "SENDER", COLUMN_KIND, "KIND", COLUMN_OUTCOME, "OUTCOME",
             "WHAT");
    return append_text(out, line, err);
}

/* `text` made safe, cut or padded to `width`. */
static enum status append_cell(struct buf *out, struct slice text, size_t width, struct error *err)
{
    static const char blanks[] = "                                        ";
    size_t columns = safe_text_columns(text);

    enum status st = safe_text_append(out, text, width - 1, NEWLINES_ESCAPED, err);
    if (st != ST_OK)
        return st;
    size_t used = columns < width - 1 ? columns : width - 1;
    ASSERT(width - used < sizeof(blanks));
    return buf_append(out, blanks, width - used, err);
}

static struct slice name_in(struct slice path)
{
    size_t at = path.size;

    while (at > 0 && path.data[at - 1] != '/')
        at--;
    return slice_from(path, at);
}

/* "1000 codex", "1000", "?" for one who is not known; "!" before it: it wrote what is ours. */
static enum status append_sender(struct buf *out, const struct record_view *view, struct error *err)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    struct attested_peer peer;
    char uid[32] = "";
    struct buf cell;

    attested_read(view, &peer);
    struct slice program = name_in(peer.executable);
    if (peer.uid >= 0)
        snprintf(uid, sizeof(uid), "%.0f%s", peer.uid, program.size > 0 ? " " : "");
    else if (peer.attestation.size > 0)
        snprintf(uid, sizeof(uid), "?");
    buf_init(&cell, sizeof(uid) + program.size + 1);
    enum status st = ST_OK;
    if (attested_forged_keys(view, forged) > 0)
        st = append_text(&cell, "!", err);
    if (st == ST_OK)
        st = append_text(&cell, uid, err);
    if (st == ST_OK)
        st = buf_append(&cell, program.data, program.size, err);
    if (st == ST_OK)
        st = append_cell(out, buf_slice(&cell), COLUMN_SENDER, err);
    buf_fini(&cell);
    return st;
}

enum status output_table_row(struct buf *out, const struct record_view *view, size_t columns,
                             struct error *err)
{
    char time[TIME_TEXT_SIZE];
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice prefix = SLICE("agent.");
    struct slice session = lookup_text(view, "session.id");
    /* The beginnings of time-ordered ids are alike, their ends differ. */
    size_t skipped = session.size > COLUMN_SESSION - 1 ? session.size - (COLUMN_SESSION - 1) : 0;
    size_t used = COLUMN_TIME + COLUMN_SESSION + COLUMN_SENDER + COLUMN_KIND + COLUMN_OUTCOME;

    time_format_local(lookup_time(view), time);
    enum status st = append_cell(out, slice_of_text(time), COLUMN_TIME, err);
    if (st == ST_OK)
        st = append_cell(out, slice_from(session, skipped), COLUMN_SESSION, err);
    if (st == ST_OK)
        st = append_sender(out, view, err);
    if (st == ST_OK)
        st = append_cell(out, slice_from(kind, slice_starts_with(kind, prefix) ? prefix.size : 0),
                         COLUMN_KIND, err);
    if (st == ST_OK)
        st = append_cell(out, lookup_text(view, "agent.outcome"), COLUMN_OUTCOME, err);
    if (st == ST_OK)
        st = summary_append(out, view, columns > used + 20 ? columns - used : 20, err);
    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

/* --- Flat JSON ----------------------------------------------------------------------------- */

struct object {
    struct buf *out;
    struct error *err;
    enum status status;
    bool is_first;
    bool is_timesketch;
};

static void put(struct object *object, const char *text)
{
    if (object->status == ST_OK)
        object->status = append_text(object->out, text, object->err);
}

static void put_key(struct object *object, const char *prefix, struct slice key, size_t number)
{
    char suffix[24] = "";
    struct buf whole;

    put(object, object->is_first ? "{" : ",");
    object->is_first = false;
    if (object->status != ST_OK)
        return;
    if (number > 1)
        snprintf(suffix, sizeof(suffix), "#%zu", number);
    buf_init(&whole, strlen(prefix) + key.size + sizeof(suffix));
    object->status = append_text(&whole, prefix, object->err);
    if (object->status == ST_OK)
        object->status = buf_append(&whole, key.data, key.size, object->err);
    if (object->status == ST_OK)
        object->status = append_text(&whole, suffix, object->err);
    if (object->status == ST_OK)
        object->status = json_append_text(object->out, buf_slice(&whole), object->err);
    buf_fini(&whole);
    put(object, ":");
}

static void put_text(struct object *object, const char *key, struct slice value)
{
    if (value.size == 0)
        return;
    put_key(object, "", slice_of_text(key), 1);
    if (object->status == ST_OK)
        object->status = json_append_text(object->out, value, object->err);
}

static void put_time(struct object *object, const char *key, uint64_t unix_ns)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ns == 0)
        return;
    time_format_utc(unix_ns, 9, text);
    put_text(object, key, slice_of_text(text));
}

static void put_hex(struct object *object, const char *key, struct slice id)
{
    char text[65];

    if (id.size == 0 || id.size * 2 >= sizeof(text))
        return;
    for (size_t i = 0; i < id.size; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    put_text(object, key, slice_of_text(text));
}

static void put_number(struct object *object, const char *key, uint32_t number)
{
    char text[16];

    if (number == 0)
        return;
    put_key(object, "", slice_of_text(key), 1);
    snprintf(text, sizeof(text), "%u", number);
    put(object, text);
}

static void put_value(struct object *object, const char *prefix, struct slice key, size_t number,
                      const struct any_view *value)
{
    put_key(object, prefix, key, number);
    if (object->status == ST_OK)
        object->status = json_append_plain(object->out, value, object->err);
}

static bool is_one_of(const char *const *names, struct slice key)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (slice_equal(key, slice_of_text(names[i])))
            return true;
    }
    return false;
}

static bool is_own_name(const struct object *object, struct slice key)
{
    static const char *const own[] = {"time",       "observed_time", "severity_number",
                                      "event_name", "severity_text", "trace_id",
                                      "span_id",    "body",          NULL};
    static const char *const timesketch[] = {"message", "datetime", "timestamp", "timestamp_desc",
                                             "tag",     "label",    "data_type", NULL};

    if (object->is_timesketch && (is_one_of(timesketch, key) || slice_starts_with(key, SLICE("_"))))
        return true;
    return is_one_of(own, key) || slice_starts_with(key, SLICE("resource.")) ||
           slice_starts_with(key, SLICE("scope.")) || slice_starts_with(key, SLICE("attributes."));
}

static void put_attributes(struct object *object, const struct record_view *view)
{
    for (size_t i = 0; i < view->attribute_count; i++) {
        const struct attribute_view *attribute = &view->attributes[i];
        size_t number = 1;
        for (size_t k = 0; k < i; k++)
            number += slice_equal(view->attributes[k].key, attribute->key);
        put_value(object, is_own_name(object, attribute->key) ? "attributes." : "", attribute->key,
                  number, &attribute->value);
    }
}

static bool put_resource_attribute(void *context, const struct attribute_view *attribute)
{
    struct object *object = context;

    put_value(object, "resource.", attribute->key, 1, &attribute->value);
    return object->status != ST_OK;
}

static enum status put_flat(struct object *object, const struct record_group *group,
                            const struct record_view *view)
{
    put_time(object, "time", view->time_unix_nano);
    put_time(object, "observed_time", view->observed_time_unix_nano);
    put_number(object, "severity_number", view->severity_number);
    put_text(object, "severity_text", view->severity_text);
    put_text(object, "event_name", view->event_name);
    put_hex(object, "trace_id", view->trace_id);
    put_hex(object, "span_id", view->span_id);
    if (view->body.type != ANY_TYPE_NONE)
        put_value(object, "", SLICE("body"), 1, &view->body);
    put_attributes(object, view);
    (void)lookup_each_resource(group, put_resource_attribute, object); /* the status says it */
    put_text(object, "scope.name", lookup_scope_name(group));
    put(object, object->is_first ? "{}\n" : "}\n");
    return object->status;
}

enum status output_flat_json(struct buf *out, const struct record_group *group,
                             const struct record_view *view, struct error *err)
{
    struct object object = {.out = out, .err = err, .status = ST_OK, .is_first = true};

    return put_flat(&object, group, view);
}

/* --- Timesketch ---------------------------------------------------------------------------- */

enum { MESSAGE_MAX = 4096, MESSAGE_COLUMNS = 1000, TIMESKETCH_DIGITS = 6 };

/* "tool end: bash ls" */
static void put_message(struct object *object, const struct record_view *view)
{
    struct slice kind = lookup_text(view, "agent.event.kind");
    struct slice outcome = lookup_text(view, "agent.outcome");
    struct buf message;

    buf_init(&message, kind.size + outcome.size + MESSAGE_MAX);
    enum status st = buf_append(&message, kind.data, kind.size, object->err);
    if (st == ST_OK && kind.size == 0)
        st = append_text(&message, "event", object->err);
    if (st == ST_OK && outcome.size > 0)
        st = append_text(&message, " ", object->err);
    if (st == ST_OK)
        st = buf_append(&message, outcome.data, outcome.size, object->err);
    if (st == ST_OK)
        st = append_text(&message, ": ", object->err);
    if (st == ST_OK)
        st = summary_append(&message, view, MESSAGE_COLUMNS, object->err);
    if (object->status == ST_OK)
        object->status = st;
    put_text(object, "message", buf_slice(&message));
    buf_fini(&message);
}

enum status output_timesketch(struct buf *out, const struct record_group *group,
                              const struct record_view *view, struct error *err)
{
    struct object object = {
        .out = out, .err = err, .status = ST_OK, .is_first = true, .is_timesketch = true};
    uint64_t time = lookup_time(view);
    char text[TIME_TEXT_SIZE + 8];

    put_message(&object, view);
    time_format_utc(time, TIMESKETCH_DIGITS, text);
    memcpy(text + strlen(text) - 1, "+00:00", sizeof("+00:00")); /* for the Z */
    put_text(&object, "datetime", slice_of_text(text));
    put_key(&object, "", SLICE("timestamp"), 1);
    snprintf(text, sizeof(text), "%" PRIu64, time / 1000);
    put(&object, text);
    put_text(&object, "timestamp_desc",
             view->time_unix_nano != 0 ? SLICE("Event Time") : SLICE("Observed Time"));
    return put_flat(&object, group, view);
}

/* --- Chosen fields ------------------------------------------------------------------------- */

enum status output_fields_json(struct buf *out, const struct output_fields *fields,
                               const struct field_record *record, struct error *err)
{
    struct object object = {.out = out, .err = err, .status = ST_OK, .is_first = true};
    struct any_view value;

    for (size_t i = 0; i < fields->count; i++) {
        if (field_read(&fields->fields[i], record, fields->scratch, &value))
            put_value(&object, "", slice_of_text(fields->fields[i].name), 1, &value);
    }
    put(&object, object.is_first ? "{}\n" : "}\n");
    return object.status;
}

/* The value as one text, for cells; it stands in `text` where the value is none itself. */
static enum status text_of_field(const struct output_fields *fields, size_t index,
                                 const struct field_record *record, struct buf *text,
                                 struct any_view *ret, struct error *err)
{
    buf_clear(text);
    *ret = (struct any_view){.type = ANY_TYPE_STRING};
    if (!field_read(&fields->fields[index], record, fields->scratch, ret) ||
        ret->type == ANY_TYPE_STRING)
        return ST_OK;
    enum status st = json_append_plain(text, ret, err);
    ret->bytes = buf_slice(text);
    return st;
}

enum { CELL_MIN = 12, CELL_MAX = 40, CELL_TEXT_MAX = 64 << 20 };

enum status output_fields_row(struct buf *out, const struct output_fields *fields,
                              const struct field_record *record, size_t columns, struct error *err)
{
    size_t width = columns / fields->count;
    enum status st = ST_OK;
    struct any_view value;
    struct buf text;

    width = width < CELL_MIN ? CELL_MIN : width > CELL_MAX ? CELL_MAX : width;
    buf_init(&text, CELL_TEXT_MAX);
    for (size_t i = 0; i < fields->count && st == ST_OK; i++) {
        value.bytes = slice_of_text(fields->fields[i].name);
        if (record != NULL)
            st = text_of_field(fields, i, record, &text, &value, err);
        if (st == ST_OK && i + 1 < fields->count)
            st = append_cell(out, value.bytes, width, err);
        else if (st == ST_OK)
            st = safe_text_append(out, value.bytes,
                                  columns > width * i ? columns - width * i : width,
                                  NEWLINES_ESCAPED, err);
    }
    buf_fini(&text);
    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

/* --- CSV ----------------------------------------------------------------------------------- */

/* What spreadsheets take for the beginning of a formula, their full-width forms too. */
static bool is_formula(struct slice text)
{
    static const char *const begins[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

    while (text.size > 0 && text.data[0] == ' ')
        text = slice_from(text, 1);
    for (size_t i = 0; i < COUNT_OF(begins); i++) {
        if (slice_starts_with(text, slice_of_text(begins[i])))
            return true;
    }
    return false;
}

enum status output_csv_cell(struct buf *out, struct slice text, bool is_text, struct buf *safe,
                            struct error *err)
{
    buf_clear(safe);
    enum status st = safe_text_append(safe, text, 0, NEWLINES_ESCAPED, err);
    struct slice shown = buf_slice(safe);
    if (st == ST_OK)
        st = append_text(out, is_text && is_formula(shown) ? "\"'" : "\"", err);
    while (st == ST_OK && shown.size > 0) {
        const uint8_t *quote = memchr(shown.data, '"', shown.size);
        size_t size = quote != NULL ? (size_t)(quote - shown.data) + 1 : shown.size;
        st = buf_append(out, shown.data, size, err);
        if (st == ST_OK && quote != NULL)
            st = append_text(out, "\"", err);
        shown = slice_from(shown, size);
    }
    return st == ST_OK ? append_text(out, "\"", err) : st;
}

enum status output_fields_csv(struct buf *out, const struct output_fields *fields,
                              const struct field_record *record, struct error *err)
{
    enum status st = ST_OK;
    struct any_view value;
    struct buf text, safe;

    buf_init(&text, CELL_TEXT_MAX);
    buf_init(&safe, (size_t)CELL_TEXT_MAX * 4);
    for (size_t i = 0; i < fields->count && st == ST_OK; i++) {
        value = (struct any_view){.type = ANY_TYPE_STRING,
                                  .bytes = slice_of_text(fields->fields[i].name)};
        if (record != NULL)
            st = text_of_field(fields, i, record, &text, &value, err);
        bool is_number = value.type == ANY_TYPE_INT || value.type == ANY_TYPE_DOUBLE;
        if (st == ST_OK && i > 0)
            st = append_text(out, ",", err);
        if (st == ST_OK)
            st = output_csv_cell(out, value.bytes, !is_number, &safe, err);
    }
    buf_fini(&text);
    buf_fini(&safe);
    return st == ST_OK ? append_text(out, "\r\n", err) : st;
}
