/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_query.c -- telltale query and telltale tail: the records of the store that a filter lets
 * pass, as a table, as flat JSON or as OTLP JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "normalize/schema.h"
#include "query/record_output.h"
#include "query/time_text.h"
#include "telltale/command.h"
#include "telltale/scan.h"
#include "util/clock.h"

enum { OUTPUT_MAX = 512 << 20, COLUMNS_DEFAULT = 120, TAIL_COUNT_DEFAULT = 20, TAIL_MAX = 100000 };

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_OTLP_JSON };

struct question {
    struct scan scan;
    enum format format;
    char store_dir[PATH_MAX];
    unsigned long limit; /* 0: no limit */
    unsigned long found;
    bool is_tail;
    struct buf out;
    size_t columns;
    /* tail: the last lines, in a ring */
    char **last;
    size_t last_count;
};

static size_t terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return COLUMNS_DEFAULT;
}

static enum status flush_output(struct question *question, struct error *err)
{
    size_t size = question->out.size;

    if (fwrite(question->out.data, 1, size, stdout) != size)
        return error_set_errno(err, errno == EPIPE ? ST_STOPPING : ST_IO, "write the output");
    buf_clear(&question->out);
    return ST_OK;
}

static enum status format_record(struct question *question, const struct store_record_view *view,
                                 struct slice line, struct error *err)
{
    enum status st;

    switch (question->format) {
    case FORMAT_TABLE:
        return output_table_row(&question->out, view->record, question->columns, err);
    case FORMAT_JSON:
        return output_flat_json(&question->out, view->group, view->record, err);
    case FORMAT_OTLP_JSON:
        st = buf_append(&question->out, line.data, line.size, err);
        return st == ST_OK ? buf_append(&question->out, "\n", 1, err) : st;
    }
    return ST_OK;
}

static enum status on_match(void *context, const struct store_record_view *view, struct slice line,
                            struct error *err)
{
    struct question *question = context;

    enum status st = format_record(question, view, line, err);
    if (st == ST_OK)
        st = flush_output(question, err);
    question->found++;
    if (st == ST_OK && question->limit != 0 && question->found >= question->limit)
        return error_set(err, ST_STOPPING, "that was as many as asked for");
    return st;
}

/* Keeps only the last `limit` records, until the end is reached. */
static enum status on_tail_match(void *context, const struct store_record_view *view,
                                 struct slice line, struct error *err)
{
    struct question *question = context;
    if (question->last != NULL && question->limit == 0)
        return ST_OK; /* only what is to come was asked for */
    enum status st = format_record(question, view, line, err);
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

static int ask(struct question *question)
{
    struct error err;
    enum status st = ST_OK;

    buf_init(&question->out, OUTPUT_MAX);
    question->columns = terminal_columns();
    question->scan.context = question;
    question->scan.on_match = question->is_tail ? on_tail_match : on_match;
    question->scan.on_pause = question->is_tail ? print_last : NULL;
    if (question->is_tail) {
        question->last = calloc(question->limit + 1, sizeof(*question->last));
        if (question->last == NULL)
            st = error_set(&err, ST_NO_MEMORY, "keep the last %lu records", question->limit);
    }
    if (st == ST_OK && question->format == FORMAT_TABLE) {
        st = output_table_head(&question->out, question->columns, &err);
        if (st == ST_OK)
            st = flush_output(question, &err);
    }
    if (st == ST_OK)
        st = scan_run(&question->scan, &err);
    if (question->is_tail)
        print_last(question);
    buf_fini(&question->out);
    if (st != ST_OK)
        fprintf(stderr, "telltale: %s\n", err.text);
    return st == ST_OK && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static bool read_format(const char *text, enum format *ret)
{
    static const char *const names[] = {"table", "json", "otlp-json"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum format)i;
            return true;
        }
    }
    fprintf(stderr, "telltale: there is no format '%s': table, json or otlp-json\n", text);
    return false;
}

static bool read_limit(const char *text, unsigned long max, unsigned long *ret)
{
    char *end = NULL;

    *ret = strtoul(text, &end, 10);
    if (end != text && *end == 0 && text[0] != '-' && *ret <= max)
        return true;
    fprintf(stderr, "telltale: '%s' is no number of records up to %lu\n", text, max);
    return false;
}

static bool read_time(const char *text, uint64_t *ret)
{
    struct error err;

    if (time_parse(text, clock_unix_ns(), ret, &err) == ST_OK)
        return true;
    fprintf(stderr, "telltale: %s\n", err.text);
    return false;
}

/* Says the words that `text` could have had. */
static bool refuse_word(const char *option, const char *text, size_t size, const char *const *words,
                        size_t prefix)
{
    fprintf(stderr, "telltale: there is no %s '%.*s'; there are", option, (int)size, text);
    for (size_t i = 0; words[i] != NULL; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", words[i] + prefix);
    fputc('\n', stderr);
    return false;
}

/* A mistyped word would find nothing, which reads as if nothing had happened.  `optional` may
 * stand before each word. */
static bool read_words(const char *option, const char *text, const char *const *words,
                       const char *optional, const char **ret)
{
    size_t prefix = strlen(optional);

    *ret = text;
    for (;;) {
        size_t size = strcspn(text, ",");
        size_t skip = strncmp(text, optional, prefix) == 0 ? 0 : prefix;
        size_t i = 0;
        while (words[i] != NULL &&
               (strncmp(words[i] + skip, text, size) != 0 || words[i][skip + size] != 0))
            i++;
        if (words[i] == NULL)
            return refuse_word(option, text, size, words, prefix);
        if (text[size] == 0)
            return true;
        text += size + 1;
    }
}

static bool read_option(struct question *question, int option, const char *value)
{
    struct query_filter *filter = &question->scan.filter;

    switch (option) {
    case 'A':
        return read_time(value, &filter->since_unix_ns);
    case 'B':
        return read_time(value, &filter->until_unix_ns);
    case 's':
        filter->session = value;
        return true;
    case 'k':
        return read_words("kind", value, words_kind, "agent.", &filter->kinds);
    case 'o':
        return read_words("outcome", value, words_outcome, "", &filter->outcomes);
    case 't':
        filter->tool = value;
        return true;
    case 'x':
        filter->text = value;
        return true;
    case 'F':
        return read_format(value, &question->format);
    case 'n':
        return read_limit(value, question->is_tail ? TAIL_MAX : ULONG_MAX, &question->limit);
    case 'S':
        snprintf(question->store_dir, sizeof(question->store_dir), "%s", value);
        return true;
    case 'f':
        question->scan.follow = question->is_tail;
        return question->is_tail;
    default:
        return false;
    }
}

static int run(const struct command *command, const struct command_options *options,
               struct question *question, int argc, char **argv)
{
    static const struct option known[] = {
        {"since", required_argument, NULL, 'A'},
        {"until", required_argument, NULL, 'B'},
        {"session", required_argument, NULL, 's'},
        {"kind", required_argument, NULL, 'k'},
        {"outcome", required_argument, NULL, 'o'},
        {"tool", required_argument, NULL, 't'},
        {"text", required_argument, NULL, 'x'},
        {"format", required_argument, NULL, 'F'},
        {"limit", required_argument, NULL, 'n'},
        {"lines", required_argument, NULL, 'n'},
        {"store", required_argument, NULL, 'S'},
        {"follow", no_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    struct config_dirs dirs;
    int option;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    scan_default_store(&dirs, question->store_dir);
    question->scan.store_dir = question->store_dir;
    while ((option = getopt_long(argc, argv, "s:k:o:t:n:f", known, NULL)) != -1) {
        if (!read_option(question, option, optarg))
            return command_usage(command);
    }
    if (optind != argc) {
        fprintf(stderr, "telltale: '%s' belongs to no option\n", argv[optind]);
        return command_usage(command);
    }
    return ask(question);
}

static int run_query(const struct command_options *options, int argc, char **argv)
{
    struct question question = {.format = FORMAT_TABLE};

    return run(&command_query, options, &question, argc, argv);
}

static int run_tail(const struct command_options *options, int argc, char **argv)
{
    struct question question = {
        .format = FORMAT_TABLE, .is_tail = true, .limit = TAIL_COUNT_DEFAULT};

    return run(&command_tail, options, &question, argc, argv);
}

#define FILTER_SYNOPSIS                                                                            \
    "[--since TIME] [--until TIME] [--session ID] [--kind KIND,...]\n"                             \
    "                      [--outcome OUTCOME,...] [--tool NAME] [--text TEXT]\n"                  \
    "                      [--format table|json|otlp-json] [--store DIR] "

const struct command command_query = {
    .name = "query",
    .synopsis = FILTER_SYNOPSIS "[--limit N]",
    .summary = "the records that were asked for",
    .run = run_query,
};

const struct command command_tail = {
    .name = "tail",
    .synopsis = "[-f] [-n N] " FILTER_SYNOPSIS,
    .summary = "the last records; with -f also those to come",
    .run = run_tail,
};
