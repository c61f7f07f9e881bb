/* SPDX-License-Identifier: Apache-2.0 */
/* install_record.c -- see install_record.h. */
#include "install/install_record.h"

#include <stdio.h>
#include <string.h>

#include "install/json_edit.h"
#include "install/settings_file.h"

static void find_path(const char *state_dir, char out[static INSTALL_RECORD_NAME_MAX])
{
    int size = snprintf(out, INSTALL_RECORD_NAME_MAX, "%s/install-hooks.json", state_dir);
    ASSERT(size > 0); /* a path that was cut is not there, and opening it says so */
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
        *ret = cJSON_ParseWithLength((const char *)text.data, text.size);
        if (!cJSON_IsObject(*ret)) {
            cJSON_Delete(*ret);
            *ret = NULL;
            st = error_set(err, ST_CORRUPT, "'%s' is no record of what was installed", path);
        }
    }
    buf_fini(&text);
    return st;
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
