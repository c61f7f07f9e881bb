/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_put.c -- see ocsf_put.h.  An object is begun by its name and written when its first member
 * is: so nobody asks first whether there will be one. */
#include "shape/ocsf_put.h"

#include <math.h>

enum { NAME_HEAD = 2, NAME_TAIL = 2 }; /* `,"` and `":` */

void ocsf_put_init(struct ocsf_put *put, struct json_put *json, const struct record_reader *reader)
{
    put->json = json;
    put->reader = reader;
    put->depth = 0;
    put->seen_count = 0;
    memset(put->placed, 0, sizeof(put->placed));
}

/* --- Objects --------------------------------------------------------------------------------- */

static void begin(struct ocsf_put *put, const struct ocsf_frame *frame)
{
    ASSERT(put->depth < OCSF_DEPTH_MAX);
    put->frames[put->depth++] = *frame;
}

void ocsf_begin(struct ocsf_put *put, struct slice name)
{
    begin(put, &(struct ocsf_frame){.name = name});
}

void ocsf_begin_list(struct ocsf_put *put, struct slice name)
{
    begin(put, &(struct ocsf_frame){.name = name, .is_list = true});
}

void ocsf_begin_object(struct ocsf_put *put, struct slice name, const struct ocsf_object *object)
{
    begin(put,
          &(struct ocsf_frame){.name = name, .fixed = object->fixed, .is_list = object->is_list});
}

void ocsf_open(struct ocsf_put *put)
{
    if (put->depth == 0 || put->frames[put->depth - 1].is_open)
        return;
    for (unsigned i = 0; i < put->depth; i++) {
        struct ocsf_frame *frame = &put->frames[i];
        if (frame->is_open)
            continue;
        shape_put_name(put->json, frame->name);
        json_put(put->json, frame->is_list ? SLICE("[{") : SLICE("{"));
        json_put(put->json, frame->fixed);
        frame->is_open = true;
    }
}

void ocsf_end(struct ocsf_put *put)
{
    const struct ocsf_frame *frame = &put->frames[--put->depth];
    if (frame->is_open)
        json_put(put->json, frame->is_list ? SLICE("}]") : SLICE("}"));
}

/* --- Members --------------------------------------------------------------------------------- */

static void note(struct ocsf_put *put, struct slice name, unsigned type, struct slice text,
                 int64_t number)
{
    if (type == OBSERVABLE_NONE || put->seen_count == OCSF_SEEN_MAX)
        return;
    struct ocsf_seen *seen = &put->seen[put->seen_count++];
    for (unsigned i = 0; i < put->depth; i++)
        seen->names[i] = put->frames[i].name;
    seen->names[put->depth] = name;
    seen->name_count = put->depth + 1;
    seen->type = type;
    seen->text = text;
    seen->number = number;
}

void ocsf_put_seen(struct ocsf_put *put, struct slice name, struct slice text,
                   enum ocsf_observable type)
{
    if (text.size == 0)
        return;
    ocsf_open(put);
    shape_put_name(put->json, name);
    json_put_text(put->json, text);
    note(put, name, type, text, 0);
}

void ocsf_put_text(struct ocsf_put *put, struct slice name, struct slice text)
{
    ocsf_put_seen(put, name, text, OBSERVABLE_NONE);
}

/* A word of ours needs no escape. */
void ocsf_put_word(struct ocsf_put *put, struct slice name, const char *word)
{
    if (word == NULL)
        return;
    ocsf_open(put);
    shape_put_name(put->json, name);
    json_put(put->json, SLICE("\""));
    json_put(put->json, slice_of_text(word));
    json_put(put->json, SLICE("\""));
}

void ocsf_put_uint(struct ocsf_put *put, struct slice name, uint64_t value)
{
    ocsf_open(put);
    shape_put_name(put->json, name);
    json_put_uint(put->json, value);
}

/* --- Fields ---------------------------------------------------------------------------------- */

static bool is_of(uint8_t byte, const char *signs)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return is_letter || (byte >= '0' && byte <= '9') || (byte != 0 && strchr(signs, byte) != NULL);
}

/* As OCSF's email_t has it. */
static bool is_email(struct slice text)
{
    size_t at = 0, dot;

    while (at < text.size && is_of(text.data[at], "!#$%&'*+,-./=?^_`{|}~"))
        at++;
    if (at == 0 || at == text.size || text.data[at] != '@')
        return false;
    for (dot = at + 1; dot < text.size && is_of(text.data[dot], "-"); dot++)
        ;
    if (dot == at + 1 || dot + 1 >= text.size || text.data[dot] != '.')
        return false;
    while (++dot < text.size) {
        if (!is_of(text.data[dot], "-."))
            return false;
    }
    return true;
}

/* As OCSF's ip_t has it: the longest way to write an address is too long for it. */
static bool is_ip(struct slice text)
{
    enum { IP_SIZE_MAX = 40 };
    return text.size <= IP_SIZE_MAX && shape_is_address(text);
}

static bool is_method(struct slice text)
{
    static const char *const methods[] = {"GET",  "POST",    "CONNECT", "PUT",  "DELETE",
                                          "HEAD", "OPTIONS", "PATCH",   "TRACE"};
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (slice_equal(text, slice_of_text(methods[i])))
            return true;
    }
    return false;
}

static double number_of(const struct any_view *value)
{
    return value->type == ANY_TYPE_INT ? (double)value->integer : value->number;
}

static int64_t whole(double number)
{
    return (int64_t)(number < 0 ? number - 0.5 : number + 0.5);
}

bool ocsf_fits(const struct ocsf_put *put, const struct ocsf_field *field)
{
    enum { PORT_MAX = 65535 };
    static const double ms_max = 9e15; /* a double is exact so far */
    const struct any_view *value = reader_value(put->reader, field->key);

    if (value == NULL)
        return false;
    switch ((enum ocsf_type)field->type) {
    case OCSF_TEXT:
        return value->bytes.size > 0;
    case OCSF_EMAIL:
        return is_email(value->bytes);
    case OCSF_METHOD:
        return is_method(value->bytes);
    case OCSF_IP:
        return is_ip(value->bytes);
    case OCSF_HOST:
        return value->bytes.size > 0 && !is_ip(value->bytes);
    case OCSF_INT:
        return value->integer >= INT32_MIN && value->integer <= INT32_MAX;
    case OCSF_PID:
        return value->integer > 0 && value->integer <= INT32_MAX;
    case OCSF_PORT:
        return value->integer >= 0 && value->integer <= PORT_MAX;
    case OCSF_MS:
        return fabs(number_of(value)) <= ms_max;
    case OCSF_LONG:
    case OCSF_DIGITS:
        return true;
    case OCSF_OBJECT:
        break;
    }
    return false;
}

static void put_value(struct ocsf_put *put, const struct ocsf_field *field,
                      const struct any_view *value)
{
    struct json_put *json = put->json;

    switch ((enum ocsf_type)field->type) {
    case OCSF_INT:
    case OCSF_PID:
    case OCSF_PORT:
    case OCSF_LONG:
        json_put_int(json, value->integer);
        break;
    case OCSF_MS:
        json_put_int(json, whole(number_of(value)));
        break;
    case OCSF_DIGITS:
        json_put(json, SLICE("\""));
        json_put_int(json, value->integer);
        json_put(json, SLICE("\""));
        break;
    default:
        json_put_text(json, value->bytes);
        break;
    }
}

static void put_field(struct ocsf_put *put, const struct ocsf_field *field)
{
    if (put->reader->at[field->key] == 0 || !ocsf_fits(put, field))
        return;
    const struct any_view *value = reader_value(put->reader, field->key);
    ocsf_open(put);
    shape_put_name(put->json, field->name);
    put_value(put, field, value);
    if (field->type != OCSF_MS || number_of(value) == (double)whole(number_of(value)))
        ocsf_place(put, field->key); /* else `unmapped` has what is behind the point */
    note(put, field->name, field->observable, field->type == OCSF_PID ? SLICE_EMPTY : value->bytes,
         value->integer);
}

void ocsf_put_fields(struct ocsf_put *put, const struct ocsf_object *object)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct ocsf_field *field = &object->fields[i];
        if (field->type == OCSF_OBJECT)
            ocsf_put_object(put, field->name, field->object);
        else
            put_field(put, field);
    }
}

void ocsf_put_object(struct ocsf_put *put, struct slice name, const struct ocsf_object *object)
{
    if (object->needs_first && !ocsf_fits(put, &object->fields[0]))
        return;
    ocsf_begin_object(put, name, object);
    ocsf_put_fields(put, object);
    ocsf_end(put);
}

/* --- Observables ----------------------------------------------------------------------------- */

static void put_path(struct json_put *json, const struct ocsf_seen *seen)
{
    for (unsigned i = 0; i < seen->name_count; i++) {
        struct slice name = seen->names[i];
        if (i > 0)
            json_put(json, SLICE("."));
        json_put(json, slice_of(name.data + NAME_HEAD, name.size - NAME_HEAD - NAME_TAIL));
    }
}

void ocsf_put_observables(struct ocsf_put *put)
{
    struct json_put *json = put->json;

    if (put->seen_count == 0)
        return;
    shape_put_name(json, SHAPE_NAME("observables"));
    for (size_t i = 0; i < put->seen_count; i++) {
        const struct ocsf_seen *seen = &put->seen[i];
        json_put(json, i == 0 ? SLICE("[{\"name\":\"") : SLICE(",{\"name\":\""));
        put_path(json, seen);
        json_put(json, SLICE("\",\"type_id\":"));
        json_put_uint(json, seen->type);
        json_put(json, SLICE(",\"value\":"));
        if (seen->text.size > 0) {
            json_put_text(json, seen->text);
        } else {
            json_put(json, SLICE("\""));
            json_put_int(json, seen->number);
            json_put(json, SLICE("\""));
        }
        json_put(json, SLICE("}"));
    }
    json_put(json, SLICE("]"));
}
