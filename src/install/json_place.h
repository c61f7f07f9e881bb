/* SPDX-License-Identifier: Apache-2.0 */
/* json_place.h -- where values stand in a JSON text, and putting text in and out there.
 *
 * Threads: pure functions.
 */
#pragma once

#include <cjson/cJSON.h>

#include "telltale/buf.h"
#include "telltale/error.h"

/* A value.  Offsets are bytes of the text that it was found in, good until that is changed. */
struct json_place {
    size_t start, end;
    char kind;    /* its first byte: '{', '[', '"' ... */
    size_t count; /* of members or elements */
};

/* The value at `path`; no path is the whole.  ST_NOT_FOUND; ST_INVALID: the text is not JSON, and
 * `err` names line and column. */
MUST_CHECK enum status json_place_find(struct slice text, const char *const *path, size_t count,
                                       struct json_place *ret, struct error *err);

/* The index of an object's member, of an array's element.  ST_NOT_FOUND; ST_NO_MEMORY. */
MUST_CHECK enum status json_place_find_member(struct slice text, const struct json_place *object,
                                              const char *key, size_t *ret, struct error *err);
MUST_CHECK enum status json_place_find_element(struct slice text, const struct json_place *array,
                                               const cJSON *element, size_t *ret,
                                               struct error *err);

/* The value, for cJSON_Delete(); NULL: no memory. */
cJSON *json_place_value(struct slice text, const struct json_place *place);

/* Behind the last member or element of `container`, in the style of the lines around; `key` is
 * NULL for arrays. */
MUST_CHECK enum status json_place_insert(struct buf *text, const struct json_place *container,
                                         const char *key, const cJSON *value, struct error *err);
MUST_CHECK enum status json_place_replace(struct buf *text, const struct json_place *place,
                                          const cJSON *value, struct error *err);
MUST_CHECK enum status json_place_remove(struct buf *text, const struct json_place *container,
                                         size_t index, struct error *err);

/* Nothing but white space and comments. */
bool json_place_is_blank(struct slice text);
