/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c -- see scan.h. */
#include "telltale/scan.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "util/clock.h"

enum { FOLLOW_PAUSE_US = 200000, PROBLEMS_SHOWN_MAX = 20 };

/* A record may be written some time after it happened: a closed file that was last written
 * within this time after the lower bound is still read. */
enum { CLOCK_SLACK_S = 3600 };

struct scanning {
    const struct scan *scan;
    struct slice line;
    size_t problems;
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

static void tell_problem(struct scanning *scanning, const struct error *err)
{
    scanning->problems++;
    if (scanning->problems <= PROBLEMS_SHOWN_MAX)
        fprintf(stderr, "telltale: passed over: %s\n", err->text);
    if (scanning->problems == PROBLEMS_SHOWN_MAX)
        fprintf(stderr, "telltale: more of these are not shown\n");
}

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct scanning *scanning = context;
    const struct scan *scan = scanning->scan;

    if (!query_filter_matches(&scan->filter, view->bytes, view->record))
        return ST_OK;
    return scan->on_match(scan->context, view, scanning->line, err);
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
        if (st == ST_AGAIN)
            return ST_OK;
        if (st == ST_NO_MEMORY || st == ST_IO)
            return st;
        if (st == ST_OK) {
            scanning->line = line.text;
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

enum status scan_run(const struct scan *scan, struct error *err)
{
    struct scanning scanning = {.scan = scan};
    struct store_reader_options options = {0};
    struct store_reader *reader = NULL;
    struct store_record *record = NULL;
    struct sigaction action = {.sa_handler = on_interrupt};

    uint64_t since_s = scan->filter.since_unix_ns / NS_PER_S;
    options.not_before_unix_s = since_s > CLOCK_SLACK_S ? since_s - CLOCK_SLACK_S : 0;
    if (scan->follow)
        (void)sigaction(SIGINT, &action, NULL); /* cannot fail for SIGINT */
    enum status st = store_reader_open(scan->store_dir, &options, &reader, err);
    if (st == ST_OK)
        st = store_record_create(&record, err);
    if (st == ST_OK)
        st = read_all(&scanning, reader, record, err);
    store_record_destroy(record);
    store_reader_close(reader);
    return st;
}
