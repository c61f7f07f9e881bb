/* SPDX-License-Identifier: Apache-2.0 */
/* json_edit_fuzz.c -- any bytes as a settings file: what is put in is there, is not put in twice,
 * and once it is undone the file says what it said before. */
#include <string.h>

#include "install/json_edit.h"
#include "telltale/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_OF_FILE = 64 << 10 };

static const char wanted_text[] =
    "{\"env\":{\"A\":\"1\",\"B\":\"2\"},\"hooks\":{\"Stop\":[{\"command\":\"x\"}],\"Start\":[1]},"
    "\"version\":1}";

static cJSON *whole(const struct buf *text)
{
    return json_edit_get(buf_slice(text), NULL, 0);
}

static void check_undone(struct buf *text, const cJSON *before, const cJSON *edits)
{
    cJSON *kept = cJSON_CreateArray();
    struct error err;

    ASSERT(json_edit_undo(text, edits, kept, &err) == ST_OK);
    ASSERT(cJSON_GetArraySize(kept) == 0);
    cJSON *after = whole(text);
    char *is = cJSON_PrintUnformatted(after);
    char *was = cJSON_PrintUnformatted(before);
    ASSERT(is != NULL && was != NULL && strcmp(is, was) == 0);
    cJSON_free(is);
    cJSON_free(was);
    cJSON_Delete(after);
    cJSON_Delete(kept);
}

static void check_merged(struct buf *text, const cJSON *wanted, const cJSON *edits)
{
    cJSON *again = cJSON_CreateArray();
    cJSON *kept = cJSON_CreateArray();
    struct error err;

    ASSERT(cJSON_GetArraySize(edits) == 0 || !json_edit_is_empty(buf_slice(text)));
    ASSERT(json_edit_merge(text, wanted, true, again, kept, &err) == ST_OK);
    ASSERT(cJSON_GetArraySize(again) == 0 && cJSON_GetArraySize(kept) == 0);
    cJSON_Delete(again);
    cJSON_Delete(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *wanted = cJSON_Parse(wanted_text);
    cJSON *edits = cJSON_CreateArray();
    cJSON *kept = cJSON_CreateArray();
    struct error err;
    struct buf text;

    buf_init(&text, JSON_EDIT_SIZE_MAX);
    ASSERT(wanted != NULL && edits != NULL && kept != NULL);
    if (size <= SIZE_MAX_OF_FILE && buf_append(&text, data, size, &err) == ST_OK) {
        cJSON *before = whole(&text);
        if (json_edit_merge(&text, wanted, true, edits, kept, &err) == ST_OK && before != NULL) {
            check_merged(&text, wanted, edits);
            check_undone(&text, before, edits);
        }
        cJSON_Delete(before);
    }
    buf_fini(&text);
    cJSON_Delete(wanted);
    cJSON_Delete(edits);
    cJSON_Delete(kept);
    return 0;
}
