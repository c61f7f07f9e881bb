/* SPDX-License-Identifier: Apache-2.0 */
/* deeds_told.c -- see deeds_told.h. */
#include "support/deeds_told.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "telltale/line_file.h"
#include "telltale/store_manifest.h"

void deeds_told_begin(struct deeds_told *told)
{
    told->begun = told->count;
}

void deeds_told_take(struct deeds_told *told, const struct exporter_note *note)
{
    bool is_erasure = strcmp(note->action, "erasure") == 0;

    if (!is_erasure && strcmp(note->action, "deletion") != 0)
        return;
    const char *line = note->manifest != NULL ? note->manifest : "";
    ASSERT(told->count < DEEDS_TOLD_MAX && strlen(line) < DEEDS_TOLD_LINE_SIZE);
    for (size_t i = told->begun; i < told->count && line[0] != 0; i++) {
        if (strcmp(told->lines[i], line) == 0)
            told->trouble = "one start told a deed twice";
    }
    told->is_erasure[told->count] = is_erasure;
    snprintf(told->lines[told->count++], DEEDS_TOLD_LINE_SIZE, "%s", line);
}

struct reading {
    struct deeds_told *told;
    struct manifest_chain chain;
    struct manifest_fact fact;
    bool was_found[DEEDS_TOLD_MAX];
    uint64_t before;
    const char *trouble;
};

static enum status visit(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct reading *reading = context;
    const struct deeds_told *told = reading->told;
    char text[HASH_BASE64_SIZE + 1] = "";
    bool is_told = false;

    (void)number;
    enum status st = manifest_read_line(line, &reading->chain, &reading->fact, err);
    if (st != ST_OK)
        return st;
    bool is_erasure = reading->fact.kind == MANIFEST_REWRITTEN;
    if (!is_erasure && reading->fact.kind != MANIFEST_DELETED)
        return ST_OK;
    hash_format_base64(&reading->chain.value, text);
    for (size_t i = 0; i < told->count; i++) {
        if (strcmp(told->lines[i], text) != 0 || told->is_erasure[i] != is_erasure)
            continue;
        reading->was_found[i] = true;
        is_told = true;
    }
    if (reading->before > 0)
        reading->before--;
    else if (!is_told)
        reading->trouble = is_erasure ? "an erasure was not told" : "a deletion was not told";
    return ST_OK;
}

const char *deeds_told_check(struct deeds_told *told, const char *path, uint64_t before)
{
    static struct reading reading;
    struct error err;

    reading = (struct reading){.told = told, .before = before};
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(dir_fd >= 0);
    enum status st = line_file_read(NULL, dir_fd, STORE_MANIFEST_NAME, visit, &reading, NULL, &err);
    close(dir_fd);
    if (st != ST_OK && st != ST_NOT_FOUND)
        return "the manifest cannot be read";
    for (size_t i = 0; i < told->count; i++) {
        if (!reading.was_found[i])
            return "a deed was told that the manifest does not have";
    }
    return told->trouble != NULL ? told->trouble : reading.trouble;
}
