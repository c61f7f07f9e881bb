/* SPDX-License-Identifier: Apache-2.0 */
/* install_record.c -- see install_record.h. */
#include "install/install_record.h"

#include <stdio.h>
#include <string.h>

#include "install/json_edit.h"
#include "install/json_place.h"
#include "install/settings_file.h"

static void find_path(const char *state_dir, char out[static INSTALL_RECORD_NAME_MAX])
{
    int size = snprintf(out, INSTALL_RECORD_NAME_MAX, "%s/install-hooks.json", state_dir);
    ASSERT(size > 0); /* a path that was cut is not there, and opening it says so */
}

static enum status parse(struct slice text, cJSON **ret, struct error *err)
{
    struct json_place whole;

    *ret = cJSON_ParseWithLength((const char *)text.data, text.size);
    if (cJSON_IsObject(*ret))
        return ST_OK;
    bool is_read = *ret != NULL;
    cJSON_Delete(*ret);
    *ret = NULL;
    /* The parser does not say whether memory was short. */
    if (!is_read && json_place_find(text, NULL, 0, &whole, err) != ST_INVALID)
        return error_set(err, ST_NO_MEMORY, "read what was installed");
    return error_set(err, ST_CORRUPT, "this is no record of what was installed");
}

enum status install_record_read(const char *state_dir, cJSON **ret, struct error *err)
{
    char path[INSTALL_RECORD_NAME_MAX];
    struct buf text;

    find_path(state_dir, path);
    buf_init(&text, JSON_EDIT_ROOM);
    enum status st = settings_file_read(&(struct settings_path){.text = path}, &text, err);
    if (st == ST_NOT_FOUND) {
        *ret = cJSON_CreateObject();
        st = *ret != NULL ? ST_OK : error_set(err, ST_NO_MEMORY, "make a record");
    } else if (st == ST_OK) {
        st = parse(buf_slice(&text), ret, err);
        if (st == ST_CORRUPT)
            (void)error_context(err, "'%s'", path);
    }
    buf_fini(&text);
    return st;
}

static cJSON *add_entry(cJSON *record, const char *path, bool created)
{
    cJSON *entry = cJSON_CreateObject();

    if (entry != NULL && cJSON_AddBoolToObject(entry, "created", created) != NULL &&
        cJSON_AddArrayToObject(entry, "edits") != NULL &&
        cJSON_AddItemToObject(record, path, entry))
        return entry;
    cJSON_Delete(entry);
    return NULL;
}

static bool is_noted(const cJSON *edits, const cJSON *edit)
{
    const cJSON *noted;

    cJSON_ArrayForEach(noted, edits)
    {
        if (cJSON_Compare(noted, edit, true))
            return true;
    }
    return false;
}

static bool add_edit(cJSON *edits, const cJSON *edit)
{
    if (is_noted(edits, edit))
        return true;
    cJSON *copy = cJSON_Duplicate(edit, true);
    if (copy != NULL && cJSON_AddItemToArray(edits, copy))
        return true;
    cJSON_Delete(copy);
    return false;
}

enum status install_record_add(cJSON *record, const char *path, bool created, const cJSON *edits,
                               const char *block, struct error *err)
{
    cJSON *entry = cJSON_GetObjectItemCaseSensitive(record, path);
    const cJSON *edit;

    if (entry == NULL)
        entry = add_entry(record, path, created);
    bool ok = entry != NULL;
    cJSON *noted = cJSON_GetObjectItemCaseSensitive(entry, "edits");
    cJSON_ArrayForEach(edit, edits)
    {
        ok = ok && add_edit(noted, edit);
    }
    if (ok && block != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "block");
        ok = cJSON_AddStringToObject(entry, "block", block) != NULL;
    }
    return ok ? ST_OK : error_set(err, ST_NO_MEMORY, "note what is done");
}

enum status install_record_write(const char *state_dir, const cJSON *record, struct error *err)
{
    char path[INSTALL_RECORD_NAME_MAX];
    char *text = cJSON_Print(record);

    if (text == NULL)
        return error_set(err, ST_NO_MEMORY, "write the record of what was installed");
    find_path(state_dir, path);
    enum status st =
        settings_file_write(&(struct settings_path){.text = path}, slice_of_text(text), err);
    cJSON_free(text);
    return st;
}
