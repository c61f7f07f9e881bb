/* SPDX-License-Identifier: Apache-2.0 */
/* shape_put.c -- see shape_put.h. */
#include "shape/shape_put.h"

#include <arpa/inet.h>
#include <math.h>

#include "wire/otlp_json.h"

/* --- Members ------------------------------------------------------------------------------- */

void shape_put_text_member(struct json_put *json, struct slice name, struct slice text)
{
    if (text.size == 0)
        return;
    shape_put_name(json, name);
    json_put_text(json, text);
}

void shape_put_uint_member(struct json_put *json, struct slice name, uint64_t value)
{
    shape_put_name(json, name);
    json_put_uint(json, value);
}

void shape_put_time_member(struct json_put *json, struct slice name, uint64_t unix_ns)
{
    if (unix_ns == 0 || !shape_time_fits(unix_ns))
        return;
    shape_put_name(json, name);
    json_put_time(json, unix_ns);
}

void shape_put_hex_member(struct json_put *json, struct slice name, struct slice id)
{
    if (id.size == 0)
        return;
    shape_put_name(json, name);
    json_put_hex(json, id);
}

/* --- Values -------------------------------------------------------------------------------- */

static bool is_nesting(const struct any_view *value)
{
    return value->type == ANY_TYPE_ARRAY || value->type == ANY_TYPE_KVLIST;
}

/* The next value of a list; its key too, if it is one of keys.  False: that was the last one. */
static bool next_value(struct pb_walk *walk, bool is_kvlist, struct attribute_view *ret)
{
    struct pb_field field;
    struct error ignored;

    while (pb_next(walk, &field) == PB_FIELD) {
        if (field.number != LIST_VALUES || field.type != WIRE_BYTES)
            continue;
        ret->key = SLICE_EMPTY;
        return is_kvlist ? otlp_read_attribute(field.bytes, ret, &ignored) == ST_OK
                         : otlp_read_any(field.bytes, &ret->value, &ignored) == ST_OK;
    }
    return false;
}

static bool is_repeated(struct slice key, const struct slice *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(key, keys[i]))
            return true;
    }
    return false;
}

static bool nests_well(const struct any_view *value, unsigned depth_left)
{
    struct slice keys[SHAPE_MEMBERS_MAX];
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct attribute_view inner;
    bool is_kvlist = value->type == ANY_TYPE_KVLIST;

    if (depth_left == 0)
        return false;
    for (size_t count = 0; next_value(&walk, is_kvlist, &inner); count++) {
        if (is_kvlist) {
            if (count == SHAPE_MEMBERS_MAX || !reader_is_usual_key(inner.key) ||
                is_repeated(inner.key, keys, count))
                return false;
            keys[count] = inner.key;
        }
        if (is_nesting(&inner.value) && !nests_well(&inner.value, depth_left - 1))
            return false;
    }
    return true;
}

bool shape_nests_well(const struct any_view *value)
{
    return value->encoded.size <= READER_VALUE_MAX && nests_well(value, SHAPE_DEPTH_MAX);
}

/* An empty value is a text too: indexes differ about null. */
static void put_scalar(struct json_put *json, const struct any_view *value)
{
    if (value->type == ANY_TYPE_NONE)
        json_put(json, SLICE("\"\""));
    else
        json_put_scalar(json, value);
}

/* A value that nests well: so deep at most, and keys need no escape. */
static void put_nesting(struct json_put *json, const struct any_view *value)
{
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct attribute_view inner;
    bool is_kvlist = value->type == ANY_TYPE_KVLIST;

    json_put(json, is_kvlist ? SLICE("{") : SLICE("["));
    while (json_good(json) && next_value(&walk, is_kvlist, &inner)) {
        if (is_kvlist)
            shape_put_key(json, inner.key);
        else if (!shape_is_first(json))
            json_put(json, SLICE(","));
        if (is_nesting(&inner.value))
            put_nesting(json, &inner.value);
        else
            put_scalar(json, &inner.value);
    }
    json_put(json, is_kvlist ? SLICE("}") : SLICE("]"));
}

/* JSON within a text. */
static void put_json_text(struct shape_out *out, const struct any_view *value)
{
    struct json_put *json = &out->json;

    buf_clear(out->scratch);
    if (json_good(json) && json_note(json, json_append_plain(out->scratch, value, json->err)))
        json_put_text(json, buf_slice(out->scratch));
}

void shape_put_value(struct shape_out *out, const struct any_view *value)
{
    if (!is_nesting(value))
        put_scalar(&out->json, value);
    else if (shape_nests_well(value))
        put_nesting(&out->json, value);
    else
        put_json_text(out, value);
}

void shape_put_as_text(struct shape_out *out, const struct any_view *value)
{
    struct json_put *json = &out->json;

    if (is_nesting(value)) {
        put_json_text(out, value);
    } else if (value->type == ANY_TYPE_BOOL || value->type == ANY_TYPE_INT ||
               (value->type == ANY_TYPE_DOUBLE && isfinite(value->number))) {
        json_put(json, SLICE("\""));
        put_scalar(json, value);
        json_put(json, SLICE("\""));
    } else {
        put_scalar(json, value); /* a text by itself */
    }
}

void shape_put_texts(struct json_put *json, const struct any_view *value)
{
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct attribute_view inner;

    json_put(json, SLICE("["));
    while (json_good(json) && next_value(&walk, false, &inner)) {
        if (!shape_is_first(json))
            json_put(json, SLICE(","));
        json_put_text(json, inner.value.bytes);
    }
    json_put(json, SLICE("]"));
}

void shape_put_model_value(struct json_put *json, unsigned key, const struct any_view *value)
{
    switch (schema_attributes[key].type) {
    case VALUE_TEXT:
        json_put_text(json, value->bytes);
        break;
    case VALUE_INT:
        json_put_int(json, value->integer);
        break;
    case VALUE_DOUBLE:
        json_put_double(json, value->type == ANY_TYPE_INT ? (double)value->integer : value->number);
        break;
    case VALUE_BOOL:
        json_put(json, value->integer != 0 ? SLICE("true") : SLICE("false"));
        break;
    case VALUE_TEXTS:
        shape_put_texts(json, value);
        break;
    }
}

bool shape_is_address(struct slice text)
{
    enum { ADDRESS_SIZE_MAX = 64 };
    char address[ADDRESS_SIZE_MAX];
    struct in6_addr ignored;

    if (text.size == 0 || text.size >= sizeof(address) || memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(address, text.data, text.size);
    address[text.size] = '\0';
    return inet_pton(AF_INET, address, &ignored) == 1 ||
           inet_pton(AF_INET6, address, &ignored) == 1;
}

/* --- Attributes ---------------------------------------------------------------------------- */

void shape_put_container(struct shape_out *out, struct slice name, const struct attribute_set *set,
                         shape_skip_fn skip, const void *context, bool as_text)
{
    struct json_put *json = &out->json;
    bool is_open = false;

    for (size_t i = 0; i < set->count && json_good(json); i++) {
        if (set->reads[i].is_listed || (skip != NULL && skip(context, i)))
            continue;
        if (!is_open) {
            shape_put_name(json, name);
            json_put(json, SLICE("{"));
            is_open = true;
        }
        shape_put_key(json, set->views[i].key);
        if (as_text)
            shape_put_as_text(out, &set->views[i].value);
        else
            shape_put_value(out, &set->views[i].value);
    }
    if (is_open)
        json_put(json, SLICE("}"));
}

/* Opens the list with its first pair. */
static void put_pair_key(struct json_put *json, struct slice name, bool *is_open, struct slice key)
{
    if (!*is_open) {
        shape_put_name(json, name);
        json_put(json, SLICE("["));
    }
    *is_open = true;
    json_put(json,
             json_good(json) && !shape_is_first(json) ? SLICE(",{\"key\":") : SLICE("{\"key\":"));
    json_put_text(json, key);
    json_put(json, SLICE(",\"value\":"));
}

void shape_put_list(struct shape_out *out, struct slice name, const struct attribute_set *set,
                    shape_skip_fn skip, const void *context, const struct shape_pair *pairs,
                    size_t pair_count)
{
    struct json_put *json = &out->json;
    bool is_open = false;

    for (size_t i = 0; i < pair_count; i++) {
        put_pair_key(json, name, &is_open, pairs[i].key);
        json_put_text(json, pairs[i].value);
        json_put(json, SLICE("}"));
    }
    for (size_t i = 0; set->has_listed && i < set->count && json_good(json); i++) {
        if (!set->reads[i].is_listed || (skip != NULL && skip(context, i)))
            continue;
        put_pair_key(json, name, &is_open, set->views[i].key);
        shape_put_as_text(out, &set->views[i].value);
        json_put(json, SLICE("}"));
    }
    if (is_open)
        json_put(json, SLICE("]"));
}
