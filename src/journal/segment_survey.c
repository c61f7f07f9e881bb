/* SPDX-License-Identifier: Apache-2.0 */
/* segment_survey.c -- see segment_survey.h.
 *
 * Segments are retired oldest first: one that is gone while an older one is there was removed by
 * somebody else.  A header names the segment before: one that is named and not there shows too. */
#include "journal/segment_survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal_dir.h"

enum {
    LISTINGS_MAX = 16, /* a journal that changes all the time is taken as it is */
    FIRST_CAPACITY = 32,
};

static enum status add_name(struct segment_survey *survey, uint64_t first, struct error *err)
{
    if (survey->count == survey->capacity) {
        size_t capacity = survey->capacity > 0 ? survey->capacity * 2 : FIRST_CAPACITY;
        struct surveyed *grown = realloc(survey->items, capacity * sizeof(*grown));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "list %zu segments", capacity);
        survey->items = grown;
        survey->capacity = capacity;
    }
    survey->items[survey->count++] = (struct surveyed){.first = first};
    return ST_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct surveyed *one = a;
    const struct surveyed *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

/* *ret_sum stands for the names. */
static enum status list_once(struct segment_survey *survey, uint32_t *ret_sum, struct error *err)
{
    enum status st = ST_OK;
    int fd = openat(survey->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL)
        return error_set_errno(err, ST_IO, "list the directory");

    survey->count = 0;
    for (struct dirent *entry = readdir(stream); st == ST_OK && entry != NULL;
         entry = readdir(stream)) {
        uint64_t first;
        if (segment_name_parse(entry->d_name, &first))
            st = add_name(survey, first, err);
    }
    (void)closedir(stream); /* was only read */
    if (survey->count > 0)
        qsort(survey->items, survey->count, sizeof(*survey->items), by_first);
    *ret_sum = 0;
    for (size_t i = 0; i < survey->count; i++)
        *ret_sum = crc32c(*ret_sum, &survey->items[i].first, sizeof(survey->items[i].first));
    return st;
}

/* A directory that changes while it is listed may show a newer name and not an older one. */
static enum status list_segments(struct segment_survey *survey, struct error *err)
{
    size_t count = SIZE_MAX;
    uint32_t sum = 0;
    uint32_t sum_before = 0;
    enum status st = ST_OK;

    survey->count = 0;
    for (int i = 0; i < LISTINGS_MAX && st == ST_OK; i++) {
        if (count == survey->count && sum == sum_before)
            break;
        count = i > 0 ? survey->count : SIZE_MAX;
        sum_before = sum;
        st = list_once(survey, &sum, err);
    }
    return st;
}

/* A lost id comes back from the newest sound header. */
static void note_header(struct segment_survey *survey, struct surveyed *item,
                        const struct segment_probe *probe)
{
    item->is_usable = probe->fault == NULL;
    if (!item->is_usable || !probe->header_is_valid)
        return;
    item->previous = probe->header.previous_sequence;
    if (!survey->id_is_known)
        memcpy(survey->id, probe->header.journal_id, JOURNAL_ID_SIZE);
    survey->id_is_known = true;
}

static enum status read_headers(struct segment_survey *survey, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = survey->count; i > 0 && st == ST_OK; i--) {
        struct segment_probe probe;
        int fd;
        st = segment_survey_open(survey, i - 1, &probe, &fd, err);
        if (st == ST_OK && fd >= 0) {
            note_header(survey, &survey->items[i - 1], &probe);
            (void)close(fd); /* was only read */
        }
    }
    return st;
}

enum status segment_survey_make(struct segment_survey *survey, struct error *err)
{
    enum status st = list_segments(survey, err);
    if (st != ST_OK)
        return st;
    st = journal_id_read(survey->scan->io, survey->dir_fd, survey->id, &survey->id_is_known,
                         &survey->id_size, err);
    survey->id_is_sound = survey->id_is_known;
    if (st == ST_OK && !survey->id_is_known && survey->count == 0)
        return error_set(err, ST_NOT_FOUND, "there is no journal");
    if (st != ST_OK && st != ST_CORRUPT)
        return st;
    return read_headers(survey, err);
}

void segment_survey_fini(struct segment_survey *survey)
{
    free(survey->items);
    survey->items = NULL;
    survey->count = survey->capacity = 0;
}

enum status segment_survey_open(struct segment_survey *survey, size_t i, struct segment_probe *ret,
                                int *ret_fd, struct error *err)
{
    uint64_t first = survey->items[i].first;
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, first);
    *ret_fd = -1;
    int fd = survey->scan->io->open_at(survey->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT)
        return ST_OK;
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    enum status st = segment_probe(survey->scan, fd, first, ret, err);
    if (st == ST_IO) {
        *ret = (struct segment_probe){.segment = {.first = first},
                                      .fault = "its header cannot be read"};
        st = ST_OK;
    }
    if (st != ST_OK) {
        (void)close(fd); /* was only read */
        return st;
    }
    if (ret->fault == NULL && survey->id_is_known && segment_probe_is_strange(ret, survey->id))
        ret->fault = "it belongs to another journal";
    *ret_fd = fd;
    return ST_OK;
}

static uint64_t end_before(uint64_t first, const struct surveyed *next)
{
    return next->previous > first && next->previous < next->first ? next->previous : next->first;
}

uint64_t segment_survey_limit(const struct segment_survey *survey, size_t i)
{
    for (size_t j = i + 1; j < survey->count; j++) {
        if (survey->items[j].is_usable)
            return end_before(survey->items[i].first, &survey->items[j]);
    }
    return UINT64_MAX;
}

uint64_t segment_survey_own_end(const struct segment_survey *survey, size_t i)
{
    return i + 1 < survey->count ? end_before(survey->items[i].first, &survey->items[i + 1])
                                 : UINT64_MAX;
}

bool segment_survey_was_retired(const struct segment_survey *survey, size_t i)
{
    int fd = openat(survey->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t oldest = 0;

    if (stream == NULL)
        return false;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        uint64_t first;
        if (segment_name_parse(entry->d_name, &first) && (oldest == 0 || first < oldest))
            oldest = first;
    }
    (void)closedir(stream); /* was only read */
    return oldest > survey->items[i].first;
}
