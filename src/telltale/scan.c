/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c -- see scan.h. */
#include "telltale/scan.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "query/filter_plan.h"
#include "util/clock.h"

enum { FOLLOW_PAUSE_US = 200000, PROBLEMS_SHOWN_MAX = 20, PROGRESS_PERIOD_NS = 500000000 };

/* A record may be written some time after it happened: a closed file that was last written
 * within this time after the lower bound is still read. */
enum { CLOCK_SLACK_S = 3600 };

/* What is told on a terminal while it takes long: one line that is written over, and gone at the
 * end. */
struct progress {
    bool is_wanted, is_shown;
    uint64_t found;   /* records */
    uint64_t next_ns; /* monotonic */
};

struct scanning {
    const struct scan *scan;
    size_t problems;
    bool is_partial; /* the store has more files than were read */
    struct progress progress;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void scan_default_store(const struct config_dirs *dirs, char *out)
{
    int size = snprintf(out, PATH_MAX, "%s/store", dirs->state_dir);
    ASSERT(size > 0); /* a path that was cut does not exist, and opening it says so */
}

static void show_progress(struct progress *progress, struct store_reader *reader)
{
    struct store_progress where;
    uint64_t now = clock_monotonic_ns();

    if (!progress->is_wanted || now < progress->next_ns)
        return;
    store_reader_progress(reader, &where);
    uint64_t done = where.done_bytes < where.total_bytes ? where.done_bytes : where.total_bytes;
    fprintf(stderr,
            "\r\x1b[K%.1f %% of %" PRIu64 " MiB, %" PRIu64 " MiB passed over, %" PRIu64
            " records found, in %.80s",
            where.total_bytes > 0 ? 100.0 * (double)done / (double)where.total_bytes : 100.0,
            where.total_bytes >> 20, where.skipped_bytes >> 20, progress->found, where.file);
    progress->is_shown = true;
    progress->next_ns = now + PROGRESS_PERIOD_NS;
}

static void clear_progress(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\x1b[K", stderr);
    progress->is_shown = false;
}

static void tell_problem(struct scanning *scanning, const struct error *err)
{
    clear_progress(&scanning->progress);
    scanning->problems++; /* a count that began above the limit says nothing */
    if (scanning->problems <= PROBLEMS_SHOWN_MAX)
        fprintf(stderr, "telltale: passed over: %s\n", err->text);
    if (scanning->problems == PROBLEMS_SHOWN_MAX)
        fprintf(stderr, "telltale: more of these are not shown\n");
}

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct scanning *scanning = context;
    const struct scan *scan = scanning->scan;
    const struct field_record seen = {.group = view->group, .view = view->record};

    if (!query_filter_matches(&scan->filter, view->bytes, &seen))
        return ST_OK;
    scanning->progress.found++;
    return scan->on_match(scan->context, view, err);
}

static bool on_step(void *context, struct store_reader *reader)
{
    struct scanning *scanning = context;

    show_progress(&scanning->progress, reader);
    return !interrupted;
}

static enum status on_index(void *context, const struct store_index *index, struct error *err)
{
    const struct scanning *scanning = context;

    return scanning->scan->on_index(scanning->scan->context, index, err);
}

static void pause_for_more(const struct scan *scan)
{
    if (scan->on_pause != NULL)
        scan->on_pause(scan->context);
    (void)usleep(FOLLOW_PAUSE_US); /* an interrupt ends it early, as it should */
}

static enum status read_all(struct scanning *scanning, struct store_reader *reader,
                            struct store_record *record, struct error *err)
{
    struct store_line line;

    while (!interrupted) {
        enum status st = store_reader_next(reader, &line, err);
        if (st == ST_AGAIN && scanning->scan->follow) {
            pause_for_more(scanning->scan);
            continue;
        }
        if (st == ST_AGAIN || st == ST_STOPPING)
            return ST_OK;
        if (st == ST_NO_MEMORY || st == ST_IO)
            return st;
        if (st == ST_OK) {
            st = store_record_read(record, line.text, on_record, scanning, err);
            if (st == ST_STOPPING)
                return ST_OK; /* the reader of our output has enough */
            if (st == ST_NO_MEMORY || st == ST_IO)
                return st;
        }
        if (st != ST_OK)
            tell_problem(scanning, err);
    }
    return ST_OK;
}

static enum status run(struct scanning *scanning, struct error *err)
{
    const struct scan *scan = scanning->scan;
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    struct store_reader_options options = {.on_step = on_step, .context = scanning};
    struct store_plan *plan = NULL;
    struct store_reader *reader = NULL;
    struct store_record *record = NULL;
    struct sigaction action = {.sa_handler = on_interrupt};

    /* Rows that appear on the same terminal are progress enough. */
    scanning->progress.is_wanted =
        is_terminal && !scan->follow && (scan->is_quiet || isatty(STDOUT_FILENO) != 1);
    scanning->progress.next_ns = clock_monotonic_ns() + PROGRESS_PERIOD_NS;
    uint64_t since_s = scan->filter.since_unix_ns / NS_PER_S;
    options.not_before_unix_s = since_s > CLOCK_SLACK_S ? since_s - CLOCK_SLACK_S : 0;
    if (scan->follow)
        (void)sigaction(SIGINT, &action, NULL); /* cannot fail for SIGINT */
    enum status st = filter_plan_create(&scan->filter, &plan, err);
    options.plan = plan;
    options.last_files = scan->last_files;
    options.on_index = scan->on_index != NULL ? on_index : NULL;
    if (st == ST_OK)
        st = store_reader_open(scan->store_dir, &options, &reader, err);
    if (st == ST_OK)
        st = store_record_create(&record, err);
    if (st == ST_OK)
        st = read_all(scanning, reader, record, err);
    clear_progress(&scanning->progress);
    scanning->is_partial = reader != NULL && store_reader_is_partial(reader);
    store_record_destroy(record);
    store_reader_close(reader);
    store_plan_destroy(plan);
    return st;
}

enum status scan_run(const struct scan *scan, struct error *err)
{
    struct scanning scanning = {.scan = scan};

    return run(&scanning, err);
}

static enum status count_match(void *context, const struct store_record_view *view,
                               struct error *err)
{
    (void)view;
    (void)err;
    ++*(uint64_t *)context;
    return ST_OK;
}

enum status scan_find_last_files(const struct scan *scan, uint64_t wanted, size_t *ret_files,
                                 struct error *err)
{
    enum { GROWTH = 4 };
    uint64_t found = 0;
    struct scan count = {.store_dir = scan->store_dir,
                         .filter = scan->filter,
                         .is_quiet = true,
                         .on_match = count_match,
                         .context = &found};

    for (count.last_files = 1;; count.last_files *= GROWTH) {
        struct scanning scanning = {.scan = &count, .problems = PROBLEMS_SHOWN_MAX + 1};
        found = 0;
        enum status st = run(&scanning, err);
        *ret_files = scanning.is_partial ? count.last_files : 0;
        if (st != ST_OK || found >= wanted || !scanning.is_partial)
            return st;
    }
}
