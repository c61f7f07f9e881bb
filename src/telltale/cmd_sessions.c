/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sessions.c -- telltale sessions: which sessions a store has.
 *
 * Where no record is left out by the filter, a closed file is not read: its index tells its
 * sessions. */
#include <stdio.h>
#include <string.h>

#include "query/session_list.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"

enum { OUTPUT_MAX = 1 << 30, LIMIT_DEFAULT = 100, OPTION_FORMAT = 0x500 };

struct asked {
    struct filter_options filter;
    struct session_list *list;
    enum session_format format;
    unsigned long limit; /* 0: no limit */
    bool has_limit;
};

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    struct asked *asked = context;
    const struct field_record record = {.group = view->group, .view = view->record};

    return session_list_add(asked->list, &record, err);
}

static enum status on_index(void *context, const struct store_index *index, struct error *err)
{
    struct asked *asked = context;

    if (!store_index_has_all_sessions(index) || !store_index_has_all_tallies(index))
        return error_set(err, ST_NOT_FOUND, "it must be read");
    return session_list_add_index(asked->list, index, err);
}

static enum status print(struct asked *asked, struct error *err)
{
    struct buf out;
    struct page page = terminal_page(&out, err);
    uint64_t left_out;

    size_t count = session_list_finish(asked->list, &left_out);
    size_t shown = asked->limit != 0 && asked->limit < count ? asked->limit : count;
    buf_init(&out, OUTPUT_MAX);
    enum status st = session_list_write(asked->list, shown, asked->format, &page, err);
    if (st == ST_OK)
        st = stdout_write(buf_slice(&out), err);
    buf_fini(&out);
    if (st == ST_OK && shown < count && !asked->has_limit)
        fprintf(stderr, "telltale: %zu more are not shown; --limit says how many\n", count - shown);
    if (st == ST_OK && left_out > 0)
        fprintf(stderr, "telltale: records of more than %d sessions, or with too long ids: %llu\n",
                SESSION_LIST_MAX, (unsigned long long)left_out);
    return st == ST_STOPPING ? ST_OK : st;
}

static int ask(struct asked *asked)
{
    const struct scan scan = {.store_dir = asked->filter.store_dir,
                              .filter = asked->filter.filter,
                              .is_quiet = true,
                              .on_match = on_match,
                              .on_index = on_index,
                              .context = asked};
    struct error err;

    enum status st = session_list_create(&asked->list, &err);
    if (st == ST_OK)
        st = scan_run(&scan, &err);
    if (st == ST_OK)
        st = print(asked, &err);
    session_list_destroy(asked->list);
    return command_end(&command_sessions, st, &err);
}

static bool read_format(struct asked *asked, const char *text)
{
    static const char *const names[] = {"table", "json", "csv", "ndjson"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(names[i], text) == 0) {
            asked->format = i <= SESSION_CSV ? (enum session_format)i : SESSION_JSON;
            return true;
        }
    }
    fprintf(stderr, "telltale: there is no format '%s': table, json, ndjson or csv\n", text);
    return false;
}

static bool read_option(struct asked *asked, int option, const char *value)
{
    if (option == OPTION_FORMAT)
        return read_format(asked, value);
    if (option != 'n')
        return filter_options_take(&asked->filter, option, value);
    asked->has_limit = true;
    return option_read_count(value, SESSION_LIST_MAX, &asked->limit);
}

static int read_and_ask(struct asked *asked, int argc, char **argv)
{
    static const struct option known[] = {
        FILTER_OPTIONS_LONG,
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"limit", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, FILTER_OPTIONS_SHORT "n:", known, NULL)) != -1) {
        if (!read_option(asked, option, optarg))
            return command_usage(&command_sessions);
    }
    return optind == argc ? ask(asked) : command_usage(&command_sessions);
}

static int run_sessions(const struct command_options *options, int argc, char **argv)
{
    struct asked asked = {.limit = LIMIT_DEFAULT};
    struct config_dirs dirs;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    filter_options_init(&asked.filter, &dirs);
    int exit_code = read_and_ask(&asked, argc, argv);
    filter_options_fini(&asked.filter);
    return exit_code;
}

const struct command command_sessions = {
    .name = "sessions",
    .synopsis =
        FILTER_OPTIONS_SYNOPSIS "\n                      [--format table|json|csv] [--limit N]",
    .summary = "which sessions there are, the latest first",
    .run = run_sessions,
};
