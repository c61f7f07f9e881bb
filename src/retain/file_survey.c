/* SPDX-License-Identifier: Apache-2.0 */
/* file_survey.c -- see telltale/file_survey.h.
 *
 * Of a file that cannot be read to its end nobody knows what is in the rest: it counts as having a
 * record of each class, as new as the file, and where there are holds one that is held. */
#include "telltale/file_survey.h"

#include <stdlib.h>

#include "telltale/closed_lines.h"
#include "util/clock.h"

struct file_survey {
    struct closed_lines *lines;
    const struct retention_config *config; /* borrowed */
    struct record_classifier *classifier;  /* borrowed */
    struct retention_file file;
    uint64_t now_unix_ns;
    struct file_survey_result found;
};

uint64_t file_survey_arrival(const struct retention_file *file, const struct record_class *record)
{
    uint64_t begun = file->begun_unix_s * NS_PER_S;
    uint64_t written = (file->written_unix_s + 1) * NS_PER_S - 1; /* its second is known */

    if (record->arrived_unix_ns == 0 || record->arrived_unix_ns > written)
        return written;
    return record->arrived_unix_ns > begun ? record->arrived_unix_ns : begun;
}

enum status file_survey_begin(int dir_fd, const struct store_file_name *name,
                              const struct retention_file *file,
                              const struct retention_config *config,
                              struct record_classifier *classifier, uint64_t now_unix_ns,
                              struct file_survey **ret, struct error *err)
{
    char text[STORE_FILE_NAME_SIZE];

    store_file_name_format(name, text);
    struct file_survey *survey = calloc(1, sizeof(*survey));
    if (survey == NULL)
        return error_set(err, ST_NO_MEMORY, "look at '%s'", text);
    survey->config = config;
    survey->classifier = classifier;
    survey->file = *file;
    survey->now_unix_ns = now_unix_ns;
    enum status st = closed_lines_open(dir_fd, text, name->compressed, &survey->lines, err);
    if (st != ST_OK) {
        file_survey_destroy(survey);
        return st;
    }
    *ret = survey;
    return ST_OK;
}

void file_survey_destroy(struct file_survey *survey)
{
    if (survey == NULL)
        return;
    closed_lines_close(survey->lines);
    free(survey);
}

static void take_line(struct file_survey *survey, struct slice line)
{
    struct record_class record;

    record_classify(survey->classifier, line, &record);
    uint64_t arrived = file_survey_arrival(&survey->file, &record);
    if (record.is_held) {
        survey->found.all.held++;
        survey->found.rest.held++;
        return;
    }
    retention_tally_add(&survey->found.all.classes[record.class], arrived);
    if (retention_is_due(survey->config, &survey->file, record.class, arrived, survey->now_unix_ns))
        survey->found.due++;
    else
        retention_tally_add(&survey->found.rest.classes[record.class], arrived);
}

static void note_damage(struct file_survey *survey)
{
    const struct record_class newest = {.arrived_unix_ns = 0};

    survey->found.all.is_damaged = true;
    survey->found.all.held += record_classifier_has_holds(survey->classifier);
    for (size_t i = 0; i < retention_class_count(survey->config); i++)
        retention_tally_add(&survey->found.all.classes[i],
                            file_survey_arrival(&survey->file, &newest));
    survey->found.rest = survey->found.all; /* it is not written again */
    survey->found.due = 0;
}

enum status file_survey_step(struct file_survey *survey, size_t *budget,
                             struct file_survey_result *ret, struct error *err)
{
    struct slice line;

    while (*budget > 0) {
        enum status st = closed_lines_next(survey->lines, &line, err);
        if (st == ST_CORRUPT || st == ST_LIMIT)
            note_damage(survey);
        else if (st != ST_OK && st != ST_NOT_FOUND)
            return st;
        if (st != ST_OK) {
            *ret = survey->found;
            return ST_OK;
        }
        take_line(survey, line);
        *budget -= line.size < *budget ? line.size : *budget;
    }
    return ST_AGAIN;
}
