/* SPDX-License-Identifier: Apache-2.0 */
/* json_edit.c -- see json_edit.h.
 *
 * Places are found in a copy of the text in which comments are blanks; so they are the places of
 * the text itself.  After each edit the text is read anew: files of people are small. */
#include "install/json_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "install/json_place.h"

enum { WORDS_MAX = 512 };

struct editing {
    struct buf *text;
    bool replace;
    cJSON *edits, *kept;
    struct error *err;
    const char *path[JSON_EDIT_DEPTH_MAX];
    size_t depth;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NO_MEMORY, "edit the settings");
}

/* --- What was done, what was left --------------------------------------------------------- */

static void write_path(const struct editing *editing, char out[static WORDS_MAX])
{
    size_t size = 0;

    out[0] = 0;
    for (size_t i = 0; i < editing->depth && size < WORDS_MAX - 1; i++) {
        int more =
            snprintf(out + size, WORDS_MAX - size, "%s%s", i > 0 ? "." : "", editing->path[i]);
        size += more > 0 ? (size_t)more : 0;
    }
}

static enum status keep(struct editing *editing, const cJSON *value)
{
    char path[WORDS_MAX];
    char words[2 * WORDS_MAX];
    char *text = value != NULL ? cJSON_PrintUnformatted(value) : NULL;

    if (value != NULL && text == NULL)
        return no_memory(editing->err);
    write_path(editing, path);
    snprintf(words, sizeof(words), "%s: %.256s", path, text != NULL ? text : "is not there");
    cJSON_free(text);
    cJSON *item = cJSON_CreateString(words);
    if (item == NULL || !cJSON_AddItemToArray(editing->kept, item)) {
        cJSON_Delete(item);
        return no_memory(editing->err);
    }
    return ST_OK;
}

/* Gives `item` away, also when it fails. */
static bool add(cJSON *object, const char *key, cJSON *item)
{
    if (item != NULL && cJSON_AddItemToObject(object, key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static enum status note(struct editing *editing, const char *what, const cJSON *value,
                        const cJSON *old)
{
    if (cJSON_GetArraySize(editing->edits) >= JSON_EDITS_MAX)
        return error_set(editing->err, ST_LIMIT, "more than %d edits of a file", JSON_EDITS_MAX);
    cJSON *edit = cJSON_CreateObject();
    bool ok = cJSON_AddStringToObject(edit, "do", what) != NULL &&
              add(edit, "path", cJSON_CreateStringArray(editing->path, (int)editing->depth)) &&
              add(edit, "value", cJSON_Duplicate(value, true)) &&
              (old == NULL || add(edit, "old", cJSON_Duplicate(old, true))) &&
              cJSON_AddItemToArray(editing->edits, edit);
    if (ok)
        return ST_OK;
    cJSON_Delete(edit);
    return no_memory(editing->err);
}

/* --- Merging ------------------------------------------------------------------------------- */

static enum status merge_object(struct editing *editing, const cJSON *wanted);

/* Finds the place of the path so far. */
static enum status find(struct editing *editing, struct json_place *ret)
{
    return json_place_find(buf_slice(editing->text), editing->path, editing->depth, ret,
                           editing->err);
}

static enum status refuse_kind(struct editing *editing, const char *kind)
{
    char path[WORDS_MAX];

    write_path(editing, path);
    return error_set(editing->err, ST_INVALID, "'%s' is no %s there", path, kind);
}

/* The member at the path is missing: its object is there. */
static enum status add_member(struct editing *editing, const cJSON *value)
{
    struct json_place parent;

    editing->depth--;
    enum status st = find(editing, &parent);
    editing->depth++;
    if (st == ST_OK)
        st = json_place_insert(editing->text, &parent, editing->path[editing->depth - 1], value,
                               editing->err);
    return st == ST_OK ? note(editing, "add", value, NULL) : st;
}

static enum status append_element(struct editing *editing, struct json_place *array,
                                  const cJSON *item)
{
    enum status st = json_place_insert(editing->text, array, NULL, item, editing->err);

    if (st == ST_OK)
        st = note(editing, "append", item, NULL);
    return st == ST_OK ? find(editing, array) : st;
}

static enum status merge_array(struct editing *editing, const cJSON *wanted)
{
    const cJSON *item;
    struct json_place place;
    enum status st = find(editing, &place);

    cJSON_ArrayForEach(item, wanted)
    {
        size_t index;
        if (st == ST_OK)
            st = json_place_find_element(buf_slice(editing->text), &place, item, &index,
                                         editing->err);
        if (st == ST_NOT_FOUND)
            st = append_element(editing, &place, item);
    }
    return st;
}

static enum status merge_scalar(struct editing *editing, const struct json_place *place,
                                const cJSON *wanted)
{
    cJSON *present = json_place_value(buf_slice(editing->text), place);

    if (present == NULL)
        return no_memory(editing->err);
    enum status st = ST_OK;
    if (!cJSON_Compare(present, wanted, true)) {
        st = editing->replace ? json_place_replace(editing->text, place, wanted, editing->err)
                              : keep(editing, present);
        if (st == ST_OK && editing->replace)
            st = note(editing, "replace", wanted, present);
    }
    cJSON_Delete(present);
    return st;
}

static enum status merge_value(struct editing *editing, const cJSON *wanted)
{
    struct json_place place;
    cJSON *empty = NULL;
    enum status st = find(editing, &place);

    if (st == ST_NOT_FOUND && (cJSON_IsObject(wanted) || cJSON_IsArray(wanted))) {
        empty = cJSON_IsObject(wanted) ? cJSON_CreateObject() : cJSON_CreateArray();
        st = empty != NULL ? add_member(editing, empty) : no_memory(editing->err);
        cJSON_Delete(empty);
        if (st == ST_OK)
            st = find(editing, &place);
    } else if (st == ST_NOT_FOUND) {
        return add_member(editing, wanted);
    }
    if (st != ST_OK)
        return st;
    if (cJSON_IsObject(wanted))
        return place.kind == '{' ? merge_object(editing, wanted) : refuse_kind(editing, "object");
    if (cJSON_IsArray(wanted))
        return place.kind == '[' ? merge_array(editing, wanted) : refuse_kind(editing, "array");
    return merge_scalar(editing, &place, wanted);
}

static enum status merge_object(struct editing *editing, const cJSON *wanted)
{
    const cJSON *item;
    enum status st = ST_OK;

    if (editing->depth == JSON_EDIT_DEPTH_MAX)
        return error_set(editing->err, ST_LIMIT, "settings nest deeper than %d",
                         JSON_EDIT_DEPTH_MAX);
    cJSON_ArrayForEach(item, wanted)
    {
        editing->path[editing->depth++] = item->string;
        if (st == ST_OK)
            st = merge_value(editing, item);
        editing->depth--;
    }
    return st;
}

enum status json_edit_merge(struct buf *text, const cJSON *wanted, bool replace, cJSON *edits,
                            cJSON *kept, struct error *err)
{
    struct editing editing = {
        .text = text, .replace = replace, .edits = edits, .kept = kept, .err = err};
    struct json_place whole;
    enum status st = ST_OK;

    if (json_place_is_blank(buf_slice(text))) {
        buf_clear(text);
        st = buf_append(text, "{}\n", 3, err);
    }
    if (st == ST_OK)
        st = find(&editing, &whole);
    if (st == ST_OK && whole.kind != '{')
        st = error_set(err, ST_INVALID, "this is no JSON object");
    return st == ST_OK ? merge_object(&editing, wanted) : st;
}

/* --- Undoing -------------------------------------------------------------------------------- */

static bool read_path(struct editing *editing, const cJSON *path)
{
    const cJSON *key;

    editing->depth = 0;
    cJSON_ArrayForEach(key, path)
    {
        if (!cJSON_IsString(key) || editing->depth == JSON_EDIT_DEPTH_MAX)
            return false;
        editing->path[editing->depth++] = key->valuestring;
    }
    return editing->depth > 0;
}

static enum status undo_append(struct editing *editing, const cJSON *value)
{
    struct json_place place;
    size_t index;

    enum status st = find(editing, &place);
    if (st == ST_NOT_FOUND)
        return ST_OK; /* gone with what it stood in */
    if (st != ST_OK)
        return st;
    st = place.kind == '[' ? json_place_find_element(buf_slice(editing->text), &place, value,
                                                     &index, editing->err)
                           : ST_NOT_FOUND;
    if (st == ST_NOT_FOUND)
        return keep(editing, NULL);
    return st == ST_OK ? json_place_remove(editing->text, &place, index, editing->err) : st;
}

/* Takes the member at the path out, or writes `old` instead, if it is what was made. */
static enum status undo_member(struct editing *editing, const cJSON *value, const cJSON *old)
{
    struct json_place place;
    struct json_place parent;
    size_t index;

    enum status st = find(editing, &place);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK)
        return st;
    cJSON *present = json_place_value(buf_slice(editing->text), &place);
    if (present == NULL)
        return no_memory(editing->err);
    if (!cJSON_Compare(present, value, true)) {
        st = keep(editing, present);
    } else if (old != NULL) {
        st = json_place_replace(editing->text, &place, old, editing->err);
    } else {
        editing->depth--;
        st = find(editing, &parent);
        editing->depth++;
        if (st == ST_OK)
            st = json_place_find_member(buf_slice(editing->text), &parent,
                                        editing->path[editing->depth - 1], &index, editing->err);
        if (st == ST_OK)
            st = json_place_remove(editing->text, &parent, index, editing->err);
    }
    cJSON_Delete(present);
    return st;
}

static enum status undo_one(struct editing *editing, const cJSON *edit)
{
    const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(edit, "do"));
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(edit, "value");
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(edit, "old");

    if (what == NULL || value == NULL ||
        !read_path(editing, cJSON_GetObjectItemCaseSensitive(edit, "path")))
        return error_set(editing->err, ST_CORRUPT, "an edit that was noted cannot be read");
    if (strcmp(what, "append") == 0)
        return undo_append(editing, value);
    return undo_member(editing, value, old);
}

enum status json_edit_undo(struct buf *text, const cJSON *edits, cJSON *kept, struct error *err)
{
    struct editing editing = {.text = text, .kept = kept, .err = err};
    enum status st = ST_OK;

    for (int i = cJSON_GetArraySize(edits); i > 0 && st == ST_OK; i--)
        st = undo_one(&editing, cJSON_GetArrayItem(edits, i - 1));
    return st;
}

/* --- Asking ---------------------------------------------------------------------------------- */

bool json_edit_is_empty(struct slice text)
{
    struct json_place whole;
    struct error ignored;

    return json_place_is_blank(text) ||
           (json_place_find(text, NULL, 0, &whole, &ignored) == ST_OK && whole.count == 0);
}

cJSON *json_edit_get(struct slice text, const char *const *path, size_t count)
{
    struct json_place place;
    struct error ignored;

    if (json_place_find(text, path, count, &place, &ignored) != ST_OK)
        return NULL;
    return json_place_value(text, &place);
}
