/* SPDX-License-Identifier: Apache-2.0 */
/* store_found.c -- see store_found.h. */
#include "support/store_found.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "store/store_reader.h"
#include "telltale/store_file.h"

static void note_trouble(struct store_found *found, unsigned *counter, const char *what,
                         const struct store_line *line)
{
    (*counter)++;
    if (found->trouble[0] == 0)
        snprintf(found->trouble, sizeof(found->trouble), "line %u of %s %s", (unsigned)line->number,
                 line->file, what);
}

static void note_line(struct store_found *found, const struct store_line *line)
{
    struct store_place place;

    cJSON *json = cJSON_ParseWithLength((const char *)line->text.data, line->text.size);
    bool is_whole = json != NULL && store_line_place(line->text, &place);
    cJSON_Delete(json);
    if (!is_whole) {
        note_trouble(found, &found->torn, "is torn", line);
        return;
    }
    ASSERT(place.sequence > 0 && place.sequence < STORE_FOUND_MAX);
    if (found->is_there[place.sequence])
        note_trouble(found, &found->repeated, "was there before", line);
    else if (place.sequence < found->last)
        note_trouble(found, &found->disordered, "stands behind a larger number", line);
    if (found->count == 0)
        found->first = place.sequence;
    found->last = place.sequence;
    found->is_there[place.sequence] = true;
    found->count++;
}

void store_found_read(const char *path, struct store_found *ret)
{
    struct store_reader *reader;
    struct store_line line;
    struct error err;
    enum status st;

    *ret = (struct store_found){.count = 0};
    ASSERT(store_reader_open(path, NULL, &reader, &err) == ST_OK);
    while ((st = store_reader_next(reader, &line, &err)) != ST_AGAIN) {
        if (st == ST_OK) {
            note_line(ret, &line);
            continue;
        }
        ret->torn++;
        if (ret->trouble[0] == 0)
            snprintf(ret->trouble, sizeof(ret->trouble), "%s", err.text);
    }
    store_reader_close(reader);
}
