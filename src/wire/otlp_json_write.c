/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_write.c -- the plain forms of otlp_json.h; OTLP's own JSON is written by
 * encode_json_line.c. */
#include "wire/json_put.h"
#include "wire/otlp_json.h"

enum status json_append_text(struct buf *out, struct slice text, struct error *err)
{
    struct json_put json;
    json_start(&json, out, err);
    json_put_text(&json, text);
    return json_finish(&json);
}

static void put_plain(struct json_put *json, const struct any_view *value, uint32_t depth_left);

/* Writes one element of an array, or one member of a list. */
static void put_element(struct json_put *json, bool is_list, struct slice message,
                        uint32_t depth_left)
{
    if (!is_list) {
        struct any_view value;
        if (json_good(json) && json_note(json, otlp_read_any(message, &value, json->err)))
            put_plain(json, &value, depth_left);
        return;
    }
    struct attribute_view member;
    if (!json_good(json) || !json_note(json, otlp_read_attribute(message, &member, json->err)))
        return;
    json_put_text(json, member.key);
    json_put(json, SLICE(":"));
    put_plain(json, &member.value, depth_left);
}

static void put_elements(struct json_put *json, const struct any_view *value, uint32_t depth_left)
{
    bool is_list = value->type == ANY_TYPE_KVLIST;
    json_put(json, is_list ? SLICE("{") : SLICE("["));
    struct pb_walk walk = pb_walk_start(value->bytes);
    struct pb_field field;
    enum pb_step step = PB_END;
    bool first = true;
    while (json_good(json) && (step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number != LIST_VALUES || field.type != WIRE_BYTES)
            continue;
        if (!first)
            json_put(json, SLICE(","));
        first = false;
        put_element(json, is_list, field.bytes, depth_left);
    }
    if (step == PB_BROKEN)
        json_put_fail(json, ST_CORRUPT, "a list of values is broken");
    json_put(json, is_list ? SLICE("}") : SLICE("]"));
}

void json_put_scalar(struct json_put *json, const struct any_view *value)
{
    switch (value->type) {
    case ANY_TYPE_STRING:
        json_put_text(json, value->bytes);
        break;
    case ANY_TYPE_BOOL:
        json_put(json, value->integer != 0 ? SLICE("true") : SLICE("false"));
        break;
    case ANY_TYPE_INT:
        json_put_int(json, value->integer);
        break;
    case ANY_TYPE_DOUBLE:
        json_put_double(json, value->number);
        break;
    case ANY_TYPE_BYTES:
        json_put_base64(json, value->bytes);
        break;
    default:
        json_put(json, SLICE("null"));
        break;
    }
}

static void put_plain(struct json_put *json, const struct any_view *value, uint32_t depth_left)
{
    if (value->type != ANY_TYPE_ARRAY && value->type != ANY_TYPE_KVLIST)
        json_put_scalar(json, value);
    else if (depth_left == 0)
        json_put_fail(json, ST_LIMIT, "values are nested too deep");
    else
        put_elements(json, value, depth_left - 1);
}

enum status json_append_plain(struct buf *out, const struct any_view *value, struct error *err)
{
    struct json_put json;
    json_start(&json, out, err);
    put_plain(&json, value, OTLP_DEPTH_MAX);
    return json_finish(&json);
}
