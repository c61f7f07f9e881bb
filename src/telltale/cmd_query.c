/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_query.c -- telltale query and telltale tail: the records of the store that a filter lets
 * pass, in one of the formats of query/output_format.h.
 *
 * Records are written as they are read, so that memory does not depend on how many there are.  In
 * an order of time only as many as are asked for can be kept (query/ordered.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/lookup.h"
#include "query/ordered.h"
#include "query/output_format.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"

enum {
    OUTPUT_MAX = 512 << 20,
    TAIL_COUNT_DEFAULT = 20,
    TAIL_MAX = 100000,
    ORDERED_COUNT_DEFAULT = 1000,
};

struct question {
    struct filter_options filter;
    struct output_options format;
    struct scan scan;
    struct output *output;
    bool has_limit;
    unsigned long limit; /* 0: no limit */
    unsigned long found;
    bool is_tail;
    const char *order;       /* "time", "-time"; NULL: as they were written */
    struct ordered *ordered; /* owned; NULL: as they were written */
    struct buf out;
    /* tail: the last lines, in a ring */
    char **last;
};

static enum status flush_output(struct question *question, struct error *err)
{
    enum status st = stdout_write(buf_slice(&question->out), err);

    buf_clear(&question->out);
    return st;
}

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    struct question *question = context;

    enum status st = output_record(question->output, view, &question->out, err);
    if (st != ST_OK) {
        buf_clear(&question->out); /* a part of a line is none */
        return st;
    }
    question->found++;
    if (question->ordered != NULL) {
        st = ordered_add(question->ordered, lookup_time(view->record), buf_slice(&question->out),
                         err);
        buf_clear(&question->out);
        return st;
    }
    st = flush_output(question, err);
    if (st == ST_OK && question->limit != 0 && question->found >= question->limit)
        return error_set(err, ST_STOPPING, "that was as many as asked for");
    return st;
}

/* Keeps only the last `limit` records, until the end is reached. */
static enum status on_tail_match(void *context, const struct store_record_view *view,
                                 struct error *err)
{
    struct question *question = context;
    if (question->last != NULL && question->limit == 0)
        return ST_OK; /* only what is to come was asked for */
    enum status st = output_record(question->output, view, &question->out, err);
    if (st != ST_OK)
        return st;
    if (question->last == NULL)
        return flush_output(question, err); /* the end was reached: what comes now is new */
    size_t place = question->found % question->limit;
    free(question->last[place]);
    question->last[place] = strndup((const char *)question->out.data, question->out.size);
    buf_clear(&question->out);
    if (question->last[place] == NULL)
        return error_set(err, ST_NO_MEMORY, "keep the last records");
    question->found++;
    return ST_OK;
}

static void print_last(void *context)
{
    struct question *question = context;
    size_t kept = question->found < question->limit ? question->found : question->limit;

    for (size_t i = question->found - kept; question->last != NULL && i < question->found; i++) {
        fputs(question->last[i % question->limit], stdout);
        free(question->last[i % question->limit]);
    }
    free(question->last);
    question->last = NULL;
    (void)fflush(stdout); /* a reader that is gone is noticed at the next write */
}

static enum status print_ordered(struct question *question, struct error *err)
{
    size_t count = ordered_finish(question->ordered);

    for (size_t i = 0; i < count; i++) {
        enum status st = stdout_write(ordered_line(question->ordered, i), err);
        if (st != ST_OK)
            return st;
    }
    uint64_t left_out = ordered_seen(question->ordered) - count;
    if (left_out > 0 && !question->has_limit)
        fprintf(stderr, "telltale: %llu more are not shown; --limit says how many\n",
                (unsigned long long)left_out);
    return ST_OK;
}

/* What must be there before the first record is read. */
static enum status prepare(struct question *question, struct error *err)
{
    enum status st = ST_OK;

    if (question->is_tail) {
        question->last = calloc(question->limit + 1, sizeof(*question->last));
        if (question->last == NULL)
            return error_set(err, ST_NO_MEMORY, "keep the last %lu records", question->limit);
    }
    if (question->order != NULL)
        st = ordered_create(question->limit, question->order[0] == '-', &question->ordered, err);
    if (st == ST_OK)
        st = output_head(question->output, &question->out, err);
    return st == ST_OK ? flush_output(question, err) : st;
}

static int ask(struct question *question)
{
    struct error err;

    buf_init(&question->out, OUTPUT_MAX);
    question->scan.filter = question->filter.filter;
    question->scan.store_dir = question->filter.store_dir;
    question->scan.context = question;
    question->scan.on_match = question->is_tail ? on_tail_match : on_match;
    question->scan.on_pause = question->is_tail ? print_last : NULL;
    question->scan.is_quiet = question->is_tail || question->order != NULL;
    enum status st = prepare(question, &err);
    if (st == ST_OK && question->is_tail)
        st = scan_find_last_files(&question->scan, question->limit, &question->scan.last_files,
                                  &err);
    if (st == ST_OK)
        st = scan_run(&question->scan, &err);
    if (question->is_tail)
        print_last(question);
    if (st == ST_OK && question->ordered != NULL)
        st = print_ordered(question, &err);
    ordered_destroy(question->ordered);
    buf_fini(&question->out);
    if (st != ST_OK)
        fprintf(stderr, "telltale: %s\n", err.text);
    return st == ST_OK && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static bool read_order(struct question *question, const char *text)
{
    question->order = text;
    if (!question->is_tail && (strcmp(text, "time") == 0 || strcmp(text, "-time") == 0))
        return true;
    fprintf(stderr, "telltale: there is no order '%s' here: time or -time\n", text);
    return false;
}

enum { OPTION_FORMAT = 0x200, OPTION_FIELDS, OPTION_ORDER };

static bool read_option(struct question *question, int option, const char *value)
{
    switch (option) {
    case OPTION_FORMAT:
        question->format.format = value;
        return true;
    case OPTION_FIELDS:
        question->format.fields = value;
        return true;
    case OPTION_ORDER:
        return read_order(question, value);
    case 'n':
        question->has_limit = true;
        return option_read_count(value, question->is_tail ? TAIL_MAX : ULONG_MAX, &question->limit);
    case 'f':
        question->scan.follow = question->is_tail;
        return question->is_tail;
    default:
        return filter_options_take(&question->filter, option, value);
    }
}

/* Checks what only all options together say. */
static bool finish_options(struct question *question)
{
    struct error err;

    if (question->order != NULL && !question->has_limit)
        question->limit = ORDERED_COUNT_DEFAULT;
    if (question->order != NULL && (question->limit == 0 || question->limit > ORDERED_COUNT_MAX)) {
        fprintf(stderr, "telltale: in an order of time, --limit is 1 to %d\n", ORDERED_COUNT_MAX);
        return false;
    }
    question->format.columns = terminal_columns();
    if (output_create(&question->format, &question->output, &err) == ST_OK)
        return true;
    fprintf(stderr, "telltale: %s\n", err.text);
    return false;
}

static int read_and_ask(const struct command *command, struct question *question, int argc,
                        char **argv)
{
    static const struct option known[] = {
        FILTER_OPTIONS_LONG,
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"fields", required_argument, NULL, OPTION_FIELDS},
        {"order", required_argument, NULL, OPTION_ORDER},
        {"limit", required_argument, NULL, 'n'},
        {"lines", required_argument, NULL, 'n'},
        {"follow", no_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, FILTER_OPTIONS_SHORT "n:f", known, NULL)) != -1) {
        if (!read_option(question, option, optarg))
            return command_usage(command);
    }
    if (optind != argc) {
        fprintf(stderr, "telltale: '%s' belongs to no option\n", argv[optind]);
        return command_usage(command);
    }
    return finish_options(question) ? ask(question) : command_usage(command);
}

static int run(const struct command *command, const struct command_options *options,
               struct question *question, int argc, char **argv)
{
    struct config_dirs dirs;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    filter_options_init(&question->filter, &dirs);
    int exit_code = read_and_ask(command, question, argc, argv);
    output_destroy(question->output);
    filter_options_fini(&question->filter);
    return exit_code;
}

static int run_query(const struct command_options *options, int argc, char **argv)
{
    struct question question = {.limit = 0};

    return run(&command_query, options, &question, argc, argv);
}

static int run_tail(const struct command_options *options, int argc, char **argv)
{
    struct question question = {.is_tail = true, .limit = TAIL_COUNT_DEFAULT};

    return run(&command_tail, options, &question, argc, argv);
}

#define FORMAT_SYNOPSIS                                                                            \
    "\n"                                                                                           \
    "                      [--format table|json|ndjson|otlp-json|csv|timesketch|ecs|...]\n"        \
    "                      [--fields NAME,...]"

const struct command command_query = {
    .name = "query",
    .synopsis = FILTER_OPTIONS_SYNOPSIS FORMAT_SYNOPSIS " [--order time|-time] [--limit N]",
    .summary = "the records that were asked for",
    .run = run_query,
};

const struct command command_tail = {
    .name = "tail",
    .synopsis = "[-f] [-n N] " FILTER_OPTIONS_SYNOPSIS FORMAT_SYNOPSIS,
    .summary = "the last records; with -f also those to come",
    .run = run_tail,
};
