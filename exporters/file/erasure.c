/* SPDX-License-Identifier: Apache-2.0 */
/* erasure.c -- see erasure.h.
 *
 * The new file has the name of the old one with .tmp behind it until it is durable, and keeps the
 * time of the old one's last line.  A .tmp that a crash leaves is removed at the next start.
 */
#include "erasure.h"

#include <stdio.h>
#include <stdlib.h>

#include "frame_writer.h"
#include "telltale/closed_lines.h"
#include "telltale/file_survey.h"

enum { TEMP_NAME_SIZE = STORE_FILE_NAME_SIZE + 8 };

struct erasure {
    const struct store_dir *dir;
    struct store_entry entry;
    const struct retention_config *config;
    struct record_classifier *classifier;
    uint64_t now_unix_ns;
    char name[STORE_FILE_NAME_SIZE];
    char temp_name[TEMP_NAME_SIZE]; /* empty: it has taken the place */
    struct closed_lines *lines;
    struct frame_writer writer;
    struct hash sha256;
    struct erasure_result result;
};

enum status erasure_begin(const struct store_dir *dir, const struct store_entry *entry,
                          const struct retention_config *config,
                          struct record_classifier *classifier, int level, uint64_t now_unix_ns,
                          struct erasure **ret, struct error *err)
{
    struct erasure *erasure = calloc(1, sizeof(*erasure));
    if (erasure == NULL)
        return error_set(err, ST_NO_MEMORY, "begin to erase");
    erasure->dir = dir;
    erasure->entry = *entry;
    erasure->config = config;
    erasure->classifier = classifier;
    erasure->now_unix_ns = now_unix_ns;
    erasure->writer.fd = -1;
    store_file_name_format(&entry->name, erasure->name);
    enum status st =
        closed_lines_open(dir->fd, erasure->name, entry->name.compressed, &erasure->lines, err);
    if (st == ST_OK) {
        snprintf(erasure->temp_name, sizeof(erasure->temp_name), "%s.tmp", erasure->name);
        st = frame_writer_open(&erasure->writer, dir->io, dir->fd, erasure->temp_name,
                               entry->name.compressed ? level : 0, err);
    }
    if (st != ST_OK) {
        erasure_destroy(erasure);
        return st;
    }
    *ret = erasure;
    return ST_OK;
}

static void count_rest(struct erasure_result *result, const struct record_class *record,
                       uint64_t arrived_unix_ns)
{
    result->rest_count++;
    if (record->is_held)
        result->rest.held++;
    else
        retention_tally_add(&result->rest.classes[record->class], arrived_unix_ns);
}

/* A line that tells no place is none that retention may judge of. */
static enum status take_line(struct erasure *erasure, struct slice line, struct error *err)
{
    const struct retention_file file = {.begun_unix_s = erasure->entry.name.begun_unix_s,
                                        .written_unix_s = erasure->entry.written_unix_s};
    struct erasure_result *result = &erasure->result;
    struct record_class record;
    struct store_place place;

    record_classify(erasure->classifier, line, &record);
    uint64_t arrived = file_survey_arrival(&file, &record);
    if (record.is_held || !store_line_place(line, &place) ||
        !retention_is_due(erasure->config, &file, record.class, arrived, erasure->now_unix_ns)) {
        count_rest(result, &record, arrived);
        return frame_writer_add(&erasure->writer, line, err);
    }
    if (result->erased++ == 0)
        result->first_sequence = place.sequence;
    result->last_sequence = place.sequence;
    return ST_OK;
}

static enum status finish(struct erasure *erasure, struct erasure_result *ret, struct error *err)
{
    enum status st = ST_OK;

    if (erasure->result.rest_count > 0)
        st = frame_writer_finish(&erasure->writer, erasure->entry.written_unix_s, &erasure->sha256,
                                 err);
    if (st != ST_OK)
        return error_context(err, "write '%s'", erasure->temp_name);
    erasure->result.size_bytes = erasure->writer.offset;
    *ret = erasure->result;
    return ST_OK;
}

enum status erasure_step(struct erasure *erasure, size_t *budget, struct erasure_result *ret,
                         struct error *err)
{
    struct slice line;

    while (*budget > 0) {
        enum status st = closed_lines_next(erasure->lines, &line, err);
        if (st == ST_NOT_FOUND)
            return finish(erasure, ret, err);
        if (st != ST_OK)
            return error_context(err, "read '%s'", erasure->name);
        st = take_line(erasure, line, err);
        if (st != ST_OK)
            return error_context(err, "write '%s'", erasure->temp_name);
        *budget -= line.size < *budget ? line.size : *budget;
    }
    return ST_AGAIN;
}

enum status erasure_commit(struct erasure *erasure, struct error *err)
{
    const struct store_dir *dir = erasure->dir;

    ASSERT(erasure->result.erased > 0 && erasure->result.rest_count > 0);
    if (dir->io->rename_at(dir->fd, erasure->temp_name, dir->fd, erasure->name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", erasure->temp_name);
    erasure->temp_name[0] = 0;
    return store_dir_sync(dir, err);
}

const struct store_file_name *erasure_name(const struct erasure *erasure)
{
    return &erasure->entry.name;
}

void erasure_destroy(struct erasure *erasure)
{
    if (erasure == NULL)
        return;
    bool was_made = erasure->writer.fd >= 0;
    frame_writer_close(&erasure->writer);
    if (was_made && erasure->temp_name[0] != 0)
        (void)erasure->dir->io->unlink_at(erasure->dir->fd,
                                          erasure->temp_name); /* the next start tries again */
    closed_lines_close(erasure->lines);
    free(erasure);
}
