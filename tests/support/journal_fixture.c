/* SPDX-License-Identifier: Apache-2.0 */
/* journal_fixture.c -- see journal_fixture.h. */
#include "support/journal_fixture.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/le.h"

enum { GROUP_TEXT_MAX = 32 };

/* One commit that somebody waits for. */
struct commit {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    enum status status;
    struct error *err;
};

void journal_fixture_init(struct journal_fixture *fixture)
{
    *fixture = (struct journal_fixture){.next_record = 1, .group_count = 1};
    temp_dir_make(&fixture->temp);
    snprintf(fixture->path, sizeof(fixture->path), "%s/journal", fixture->temp.path);
    fixture->settings = (struct journal_settings){
        .dir = fixture->path,
        .size_max = UINT64_C(1) << 30,
        .segment_size = 64 << 20,
        .pending_bytes_max = 64 << 20,
    };
    journal_fixture_open(fixture);
}

void journal_fixture_fini(struct journal_fixture *fixture)
{
    journal_fixture_close(fixture);
    temp_dir_remove(&fixture->temp);
}

int journal_fixture_set_up(void **state)
{
    struct journal_fixture *fixture = malloc(sizeof(*fixture));
    ASSERT(fixture != NULL);
    journal_fixture_init(fixture);
    *state = fixture;
    return 0;
}

int journal_fixture_tear_down(void **state)
{
    journal_fixture_fini(*state);
    free(*state);
    return 0;
}

void journal_fixture_open(struct journal_fixture *fixture)
{
    struct error err = {0};

    fixture->settings.dir = fixture->path;
    enum status st = journal_open(&fixture->settings, &fixture->journal, &fixture->recovery, &err);
    if (st != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    ASSERT(st == ST_OK);
}

void journal_fixture_close(struct journal_fixture *fixture)
{
    journal_close(fixture->journal);
    fixture->journal = NULL;
}

static uint8_t filler(uint64_t number, size_t i)
{
    return (uint8_t)(number * 31 + i);
}

/* Groups of all signals take turns. */
static enum signal signal_of(const struct journal_fixture *fixture, unsigned group)
{
    return fixture->has_only_logs ? SIGNAL_LOGS : (enum signal)(group % SIGNAL_COUNT);
}

static void set_group(const struct journal_fixture *fixture, struct append_batch *batch,
                      unsigned index)
{
    char text[GROUP_TEXT_MAX];
    struct error err;

    snprintf(text, sizeof(text), "resource %u", index);
    struct record_group group = {
        .resource_logs_fields = slice_of_text(text),
        .scope_logs_fields = SLICE("scope"),
        .signal = signal_of(fixture, index),
    };
    ASSERT(append_batch_set_group(batch, &group, &err) == ST_OK);
}

struct append_batch *journal_fixture_batch(const struct journal_fixture *fixture, uint64_t first,
                                           unsigned count, size_t size)
{
    struct append_batch *batch;
    struct error err;

    ASSERT(size >= sizeof(uint64_t));
    ASSERT(append_batch_create(64 << 20, &batch, &err) == ST_OK);
    for (uint64_t number = first; number < first + count; number++) {
        struct buf *buf;
        set_group(fixture, batch, (unsigned)(number % fixture->group_count));
        ASSERT(append_batch_begin(batch, &buf, &err) == ST_OK);
        ASSERT(buf_reserve(buf, size, &err) == ST_OK);
        uint8_t *bytes = buf->data + buf->size;
        le64_put(bytes, number);
        for (size_t i = sizeof(uint64_t); i < size; i++)
            bytes[i] = filler(number, i);
        buf->size += size;
        append_batch_end(batch);
    }
    return batch;
}

static void commit_done(void *context, struct append_batch *batch, enum status status,
                        const struct error *err)
{
    struct commit *commit = context;

    append_batch_destroy(batch);
    (void)pthread_mutex_lock(&commit->lock);
    commit->status = status;
    if (status != ST_OK)
        *commit->err = *err;
    commit->has_ended = true;
    (void)pthread_cond_signal(&commit->ended);
    (void)pthread_mutex_unlock(&commit->lock);
}

enum status journal_commit(struct journal *journal, struct append_batch *batch, struct error *err)
{
    struct commit commit = {.err = err};

    (void)pthread_mutex_init(&commit.lock, NULL);
    (void)pthread_cond_init(&commit.ended, NULL);
    enum status st = journal_submit(journal, &batch, commit_done, &commit, err);
    if (st == ST_OK) {
        ASSERT(batch == NULL);
        (void)pthread_mutex_lock(&commit.lock);
        while (!commit.has_ended)
            (void)pthread_cond_wait(&commit.ended, &commit.lock);
        (void)pthread_mutex_unlock(&commit.lock);
        st = commit.status;
    }
    append_batch_destroy(batch);
    (void)pthread_cond_destroy(&commit.ended);
    (void)pthread_mutex_destroy(&commit.lock);
    return st;
}

enum status journal_fixture_append(struct journal_fixture *fixture, unsigned count, size_t size)
{
    struct error err;
    struct append_batch *batch = journal_fixture_batch(fixture, fixture->next_record, count, size);

    fixture->next_record += count;
    return journal_commit(fixture->journal, batch, &err);
}

uint64_t journal_record_number(struct slice bytes)
{
    ASSERT(bytes.size >= sizeof(uint64_t));
    uint64_t number = le64_get(bytes.data);
    for (size_t i = sizeof(uint64_t); i < bytes.size; i++)
        ASSERT(bytes.data[i] == filler(number, i));
    return number;
}

static void see_record(const struct journal_fixture *fixture, const struct batch *batch, size_t i,
                       struct journal_seen *seen)
{
    const struct record *record = &batch->records[i];
    uint64_t number = journal_record_number(record->bytes);
    char text[GROUP_TEXT_MAX];

    ASSERT(number < FIXTURE_RECORDS_MAX);
    ASSERT(i == 0 || record->sequence == record[-1].sequence + 1);
    ASSERT(record->group_index < batch->group_count);
    struct slice resource = batch->groups[record->group_index].resource_logs_fields;
    snprintf(text, sizeof(text), "resource %u", (unsigned)(number % fixture->group_count));
    ASSERT(batch->groups[record->group_index].signal ==
           signal_of(fixture, (unsigned)(number % fixture->group_count)));
    seen->lost_groups += resource.size == 0;
    seen->groupless[number] = resource.size == 0;
    if (resource.size > 0)
        ASSERT(slice_equal(resource, slice_of_text(text)));
    seen->times[number]++;
    seen->records++;
}

void journal_fixture_read(struct journal_fixture *fixture, uint64_t sequence,
                          const struct batch_limits *limits, struct journal_seen *ret)
{
    struct batch_limits generous = {.size_max = 1 << 20, .count_max = 1000};
    struct journal_reader *reader;
    struct error err = {0};
    uint64_t missing = 1;
    struct batch batch = {.record_count = 1};

    *ret = (struct journal_seen){
        .times = calloc(FIXTURE_RECORDS_MAX, 1),
        .groupless = calloc(FIXTURE_RECORDS_MAX, 1),
    };
    ASSERT(ret->times != NULL && ret->groupless != NULL);
    ASSERT(journal_reader_open(fixture->journal, sequence, &reader, &err) == ST_OK);
    while (batch.record_count > 0 || missing > 0) {
        enum status st = journal_reader_next(reader, limits != NULL ? limits : &generous, &batch,
                                             &ret->next, &missing, &err);
        if (st != ST_OK)
            fprintf(stderr, "%s\n", err.text);
        ASSERT(st == ST_OK);
        ret->missing += missing;
        ret->batches += batch.record_count > 0;
        for (size_t i = 0; i < batch.record_count; i++)
            see_record(fixture, &batch, i, ret);
    }
    journal_reader_close(reader);
}

void journal_seen_fini(struct journal_seen *seen)
{
    free(seen->times);
    free(seen->groupless);
    seen->times = NULL;
    seen->groupless = NULL;
}

void journal_fixture_segment(const struct journal_fixture *fixture, uint64_t first,
                             char ret_path[256])
{
    snprintf(ret_path, 256, "%s/%020" PRIu64 ".seg", fixture->path, first);
}

unsigned journal_fixture_count_files(const struct journal_fixture *fixture, const char *folder,
                                     const char *suffix)
{
    char path[TEMP_DIR_PATH_MAX + 64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "%s/%s", fixture->path, folder);
    DIR *stream = opendir(path);
    ASSERT(stream != NULL);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        size_t size = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && size >= strlen(suffix) &&
            strcmp(entry->d_name + size - strlen(suffix), suffix) == 0)
            count++;
    }
    (void)closedir(stream);
    return count;
}
