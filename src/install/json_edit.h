/* SPDX-License-Identifier: Apache-2.0 */
/* json_edit.h -- changing a settings file of somebody else's: members and elements are put in and
 * taken out of its text, and every other byte stays as it is, comments included.
 *
 * What was done is a list of edits, which can be undone later, in a file that was changed
 * meanwhile: each is undone if what it made is still there as it was made.
 *
 * An edit is a JSON object:
 *
 *     {"do": "add",     "path": ["env"], "value": {}}            a member that was not there
 *     {"do": "append",  "path": ["hooks", "Stop"], "value": …}   an element of an array
 *     {"do": "replace", "path": […], "value": …, "old": …}       a member that had another value
 *
 * Threads: pure functions.
 */
#pragma once

#include <cjson/cJSON.h>

#include "telltale/buf.h"
#include "telltale/error.h"

/* For a file that was edited. */
#define JSON_EDIT_ROOM ((size_t)2 * JSON_EDIT_SIZE_MAX)

enum {
    JSON_EDIT_SIZE_MAX = 4 << 20, /* of a settings file, bytes */
    JSON_EDIT_DEPTH_MAX = 8,      /* of a path */
    JSON_EDITS_MAX = 256,
};

/* Puts what `wanted` (an object) says into `text`: members that are missing, elements that no
 * element of the array equals.  A member that is there with another value stays, and its path is
 * added to `kept` (an array of texts "a.b: value"), unless `replace`.  What is done is added to
 * `edits` (an array).  An empty text is "{}".
 *
 * ST_INVALID: the text is not a JSON object (comments are allowed), or a value on the way is not
 * of the kind that is needed; nothing is to be written then. */
MUST_CHECK enum status json_edit_merge(struct buf *text, const cJSON *wanted, bool replace,
                                       cJSON *edits, cJSON *kept, struct error *err);

/* Undoes `edits`, the last first.  What is not there any more as it was made is added to `kept`. */
MUST_CHECK enum status json_edit_undo(struct buf *text, const cJSON *edits, cJSON *kept,
                                      struct error *err);

/* Whether the text has no member at all. */
bool json_edit_is_empty(struct slice text);

/* The value at `path` (count keys), for cJSON_Delete(); NULL: none, or no memory. */
cJSON *json_edit_get(struct slice text, const char *const *path, size_t count);
