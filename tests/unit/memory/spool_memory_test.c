/* SPDX-License-Identifier: Apache-2.0 */
/* spool_memory_test.c -- the spool is looked through with each allocation failing in turn: an event
 * is in the journal, or its file waits for the next time. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "receivers/spool.h"
#include "support/failing_alloc.h"
#include "support/test_journal.h"
#include "util/clock.h"

enum { FILES = 3, LONG_TEXT = 5000 };

struct bench {
    struct test_journal journal;
    struct temp_dir dir;
    struct loop *loop;
    struct event_ids *ids;
    struct spool_settings settings;
    unsigned run;   /* each has events of its own */
    size_t records; /* in the journal before it */
};

static void name_of(const struct bench *bench, unsigned file, char out[static PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%032x.event", bench->dir.path, bench->run * FILES + file);
}

static void write_files(struct bench *bench)
{
    char text[LONG_TEXT + 1];
    char name[PATH_MAX];

    bench->run++;
    memset(text, 'x', LONG_TEXT);
    text[LONG_TEXT] = 0;
    for (unsigned i = 0; i < FILES; i++) {
        name_of(bench, i, name);
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        fprintf(file,
                "{\"dialect\":\"codex_hook\",\"id\":\"%u-%u\",\"hook\":{\"hook_event_name\":"
                "\"Stop\",\"turn_id\":\"turn-%u-%u\",\"text\":\"%s\"}}\n",
                bench->run, i, bench->run, i, i == 1 ? text : "");
        assert_int_equal(fclose(file), 0);
    }
}

/* One turn, and the landing of what was taken in it. */
static enum status look(struct bench *bench, struct error *err)
{
    struct spool *spool = NULL;

    enum status st = spool_start(&bench->settings, &spool, err);
    if (st == ST_OK)
        st = loop_run_once(bench->loop, clock_monotonic_ns() + NS_PER_S, err);
    spool_stop(spool);
    return st;
}

static size_t times_kept(const struct bench *bench, size_t count, unsigned file)
{
    char turn[64];
    size_t times = 0;

    snprintf(turn, sizeof(turn), "turn-%u-%u", bench->run, file);
    for (size_t i = bench->records; i < count; i++)
        times += strcmp(test_journal_attribute(&bench->journal, i, "agent.turn.id"), turn) == 0;
    return times;
}

static bool run(void *context, unsigned at, unsigned length)
{
    struct bench *bench = context;
    char name[PATH_MAX];
    struct error err;

    write_files(bench);
    failing_alloc_begin(at, length);
    enum status st = look(bench, &err);
    bool has_failed = failing_alloc_end();
    if (st != ST_OK && st != ST_NO_MEMORY)
        fail_msg("allocation %u: %s", at, err.text);
    size_t count = test_journal_read(&bench->journal);
    for (unsigned i = 0; i < FILES; i++) {
        name_of(bench, i, name);
        assert_int_equal(times_kept(bench, count, i), access(name, F_OK) < 0);
    }
    /* The next time takes what was left. */
    assert_int_equal(look(bench, &err), ST_OK);
    count = test_journal_read(&bench->journal);
    for (unsigned i = 0; i < FILES; i++) {
        name_of(bench, i, name);
        assert_int_equal(access(name, F_OK), -1);
        assert_int_equal(times_kept(bench, count, i), 1);
    }
    bench->records = count;
    return has_failed;
}

static void test_an_event_that_finds_no_memory_waits_in_its_file(void **state)
{
    (void)state;
    struct bench bench = {.run = 0};
    struct error err;

    test_journal_open(&bench.journal);
    temp_dir_make(&bench.dir);
    assert_int_equal(loop_create(&bench.loop, &err), ST_OK);
    assert_int_equal(event_ids_create(&bench.ids, &err), ST_OK);
    bench.settings = (struct spool_settings){.dir = bench.dir.path,
                                             .mode = 0700,
                                             .group = (gid_t)-1,
                                             .limits = otlp_limits_default,
                                             .loop = bench.loop,
                                             .journal = bench.journal.journal,
                                             .ids = bench.ids};
    failing_alloc_try("files of the spool", run, &bench, 10);
    event_ids_destroy(bench.ids);
    loop_destroy(bench.loop);
    temp_dir_remove(&bench.dir);
    test_journal_close(&bench.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_that_finds_no_memory_waits_in_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
