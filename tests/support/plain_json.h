/* SPDX-License-Identifier: Apache-2.0 */
/* plain_json.h -- what a record and a cJSON tree say, as comparable text. */
#pragma once

#include <cjson/cJSON.h>

#include "telltale/buf.h"
#include "wire/otlp.h"

/* One line of text for the value.  Numbers are told apart by their value only, texts end at a
 * NUL, and a null within an object is left out: as far as both sides can tell. */
void plain_of_any(const struct any_view *value, struct buf *out);
void plain_of_cjson(const cJSON *value, struct buf *out);

/* A line "key value" for each attribute. */
void plain_of_attributes(const struct record_view *record, struct buf *out);

/* A line for each attribute that native_json_read() makes of the line's members; members with a
 * meaning of their own (names, with a NULL behind the last) are left out. */
void plain_of_members(const cJSON *line, const char *const *but, struct buf *out);
