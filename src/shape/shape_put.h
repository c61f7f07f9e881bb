/* SPDX-License-Identifier: Apache-2.0 */
/* shape_put.h -- the pieces of a document that all shapes are made of.
 *
 * Names are given as `,"name":`; the comma is left out behind an opening brace or bracket, so that
 * nobody counts members.  Failures stick to the json_put.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "shape/record_reader.h"
#include "wire/json_put.h"

enum {
    SHAPE_DEPTH_MAX = 10,   /* values within a value; Elasticsearch's flattened takes 20 */
    SHAPE_MEMBERS_MAX = 64, /* of an object within a value; each is compared with each */
};

/* A member of the list of pairs that is no attribute. */
struct shape_pair {
    struct slice key, value;
};

struct shape_out {
    struct json_put json;
    struct buf *scratch; /* for texts that are made of values */
};

/* --- Names --------------------------------------------------------------------------------- */

static inline bool shape_is_first(const struct json_put *json)
{
    return json->at[-1] == '{' || json->at[-1] == '[';
}

/* `name` is `,"name":` or `,"name":{`, whole.  A brace must have been written before. */
static inline void shape_put_name(struct json_put *json, struct slice name)
{
    if (json_good(json))
        json_put(json, shape_is_first(json) ? slice_from(name, 1) : name);
}

/* The same for a key that is usual (record_reader.h): without an escape. */
static inline void shape_put_key(struct json_put *json, struct slice key)
{
    if (!json_good(json) || !json_room(json, key.size + 4))
        return;
    if (!shape_is_first(json))
        *json->at++ = ',';
    *json->at++ = '"';
    short_copy(json->at, key.data, key.size);
    json->at += key.size;
    *json->at++ = '"';
    *json->at++ = ':';
}

#define SHAPE_NAME(literal) SLICE(",\"" literal "\":")

/* --- Members ------------------------------------------------------------------------------- */

/* Nothing is written for an empty text. */
void shape_put_text_member(struct json_put *json, struct slice name, struct slice text);
void shape_put_uint_member(struct json_put *json, struct slice name, uint64_t value);
/* A time in UTC with nine digits; nothing for 0 and what date_nanos cannot hold. */
void shape_put_time_member(struct json_put *json, struct slice name, uint64_t unix_ns);
void shape_put_hex_member(struct json_put *json, struct slice name, struct slice id);

static inline bool shape_time_fits(uint64_t unix_ns)
{
    return unix_ns <= INT64_MAX;
}

/* --- Values -------------------------------------------------------------------------------- */

/* As JSON of its own type; empty values and what would nest too deep, repeat a key or have an odd
 * one within as a text. */
void shape_put_value(struct shape_out *out, const struct any_view *value);

/* As a text, whatever it is: numbers as digits, bytes in base64, lists as JSON. */
void shape_put_as_text(struct shape_out *out, const struct any_view *value);

/* The texts of an array that has nothing else, as an array. */
void shape_put_texts(struct json_put *json, const struct any_view *value);

/* A value of the model, of the type that the model gives it. */
void shape_put_model_value(struct json_put *json, unsigned key, const struct any_view *value);

/* Whether a text is an IP address of either version. */
bool shape_is_address(struct slice text);

/* Whether it can stand as an object or array below one of the document's own names. */
bool shape_nests_well(const struct any_view *value);

/* --- Attributes ---------------------------------------------------------------------------- */

/* Which attributes of a set are left out, besides those that belong to the other place. */
typedef bool (*shape_skip_fn)(const void *context, size_t index);

/* Those under their keys, as the object `name`; nothing when there are none.  `skip` may be NULL.
 */
void shape_put_container(struct shape_out *out, struct slice name, const struct attribute_set *set,
                         shape_skip_fn skip, const void *context, bool as_text);

/* The others as `name`: [{"key": text, "value": text}], and `pairs` before them. */
void shape_put_list(struct shape_out *out, struct slice name, const struct attribute_set *set,
                    shape_skip_fn skip, const void *context, const struct shape_pair *pairs,
                    size_t pair_count);
