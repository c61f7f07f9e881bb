/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c -- see test_journal.h. */
#include "support/test_journal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "telltale/disk_io.h"

enum { ATTRIBUTES_MAX = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* shared, under lock */
static bool held;
static bool failing;
static bool is_waiting; /* a sync is being held back */

static int sync_when_allowed(int fd)
{
    (void)pthread_mutex_lock(&lock);
    is_waiting = held;
    if (held)
        (void)pthread_cond_broadcast(&changed);
    while (held)
        (void)pthread_cond_wait(&changed, &lock);
    is_waiting = false;
    bool fails = failing;
    (void)pthread_mutex_unlock(&lock);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static void set(bool new_held, bool new_failing)
{
    (void)pthread_mutex_lock(&lock);
    held = new_held;
    failing = new_failing;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

void test_journal_hold_syncs(void)
{
    set(true, false);
}

void test_journal_wait_for_sync(void)
{
    (void)pthread_mutex_lock(&lock);
    while (!is_waiting)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

void test_journal_release_syncs(void)
{
    set(false, false);
}

void test_journal_fail_syncs(void)
{
    set(false, true);
}

void test_journal_open(struct test_journal *self)
{
    test_journal_open_with(self, UINT64_C(1) << 30, UINT64_C(64) << 20);
}

void test_journal_open_with(struct test_journal *self, uint64_t size_max,
                            uint64_t pending_bytes_max)
{
    static struct disk_io io;
    struct journal_recovery recovery;
    struct error err;

    *self = (struct test_journal){0};
    set(false, false);
    io = disk_io_system;
    io.fdatasync = sync_when_allowed;
    temp_dir_make(&self->dir);
    const struct journal_settings settings = {
        .dir = self->dir.path,
        .size_max = size_max,
        .segment_size = size_max / 4,
        .pending_bytes_max = pending_bytes_max,
        .io = &io,
    };
    enum status st = journal_open(&settings, &self->journal, &recovery, &err);
    ASSERT(st == ST_OK);
}

void test_journal_close(struct test_journal *self)
{
    test_journal_release_syncs();
    journal_reader_close(self->reader);
    journal_close(self->journal);
    temp_dir_remove(&self->dir);
}

size_t test_journal_read(struct test_journal *self)
{
    const struct batch_limits limits = {.size_max = SIZE_MAX, .count_max = SIZE_MAX};
    uint64_t next;
    uint64_t missing;
    struct error err;

    journal_reader_close(self->reader);
    enum status st = journal_reader_open(self->journal, 1, &self->reader, &err);
    ASSERT(st == ST_OK);
    st = journal_reader_next(self->reader, &limits, &self->batch, &next, &missing, &err);
    ASSERT(st == ST_OK);
    return self->batch.record_count;
}

static const char *text_of(const struct any_view *value)
{
    static char text[4096];

    if (value->type == ANY_TYPE_STRING)
        snprintf(text, sizeof(text), "%.*s", SLICE_ARG(value->bytes));
    else if (value->type == ANY_TYPE_INT)
        snprintf(text, sizeof(text), "%" PRId64, value->integer);
    else
        text[0] = 0;
    return text;
}

static void view_record(const struct test_journal *self, size_t index,
                        struct attribute_view *attributes, struct record_view *ret)
{
    struct otlp_limits limits = otlp_limits_default;
    struct error err;

    ASSERT(index < self->batch.record_count);
    limits.record_size_max = SIZE_MAX;
    enum status st = otlp_read_record(self->batch.records[index].bytes, &limits, attributes,
                                      ATTRIBUTES_MAX, ret, &err);
    ASSERT(st == ST_OK);
}

const char *test_journal_attribute(const struct test_journal *self, size_t index, const char *key)
{
    struct attribute_view attributes[ATTRIBUTES_MAX];
    struct record_view view;

    view_record(self, index, attributes, &view);
    for (size_t i = 0; i < view.attribute_count; i++) {
        if (slice_equal(attributes[i].key, slice_of_text(key)))
            return text_of(&attributes[i].value);
    }
    return "";
}

const char *test_journal_body(const struct test_journal *self, size_t index)
{
    struct attribute_view attributes[ATTRIBUTES_MAX];
    struct record_view view;

    view_record(self, index, attributes, &view);
    return text_of(&view.body);
}
