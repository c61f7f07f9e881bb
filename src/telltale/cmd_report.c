/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c -- telltale report: the work of agents in numbers. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "query/report_output.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"

enum { OUTPUT_MAX = 64 << 20, ROWS_DEFAULT = 10, OPTION_FORMAT = 0x400, OPTION_TOP };

struct asked {
    struct filter_options filter;
    struct report report;
    unsigned long rows_max;
    bool as_json;
};

/* Asked of a locale of its own: the program stays in "C", which numbers in JSON rely on. */
static bool shows_unicode(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (locale == (locale_t)0)
        return false;
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    struct asked *asked = context;
    const struct field_record record = {.group = view->group, .view = view->record};

    (void)err;
    report_add(&asked->report, &record);
    return ST_OK;
}

static enum status print(struct asked *asked, struct error *err)
{
    const struct report_style style = {.rows_max = asked->rows_max, .has_blocks = shows_unicode()};
    struct buf out;
    struct page page = terminal_page(&out, err);
    enum status st = ST_OK;

    report_finish(&asked->report);
    buf_init(&out, OUTPUT_MAX);
    if (asked->as_json)
        st = report_write_json(&asked->report, &style, &out, err);
    else
        report_write(&asked->report, &style, &page);
    if (st == ST_OK)
        st = page.status;
    if (st == ST_OK)
        st = stdout_write(buf_slice(&out), err);
    buf_fini(&out);
    return st;
}

static int ask(struct asked *asked)
{
    const struct scan scan = {.store_dir = asked->filter.store_dir,
                              .filter = asked->filter.filter,
                              .is_quiet = true,
                              .on_match = on_match,
                              .context = asked};
    struct error err;

    enum status st = report_init(&asked->report, &err);
    if (st == ST_OK)
        st = scan_run(&scan, &err);
    if (st == ST_OK)
        st = print(asked, &err);
    report_fini(&asked->report);
    return command_end(&command_report, st, &err);
}

static bool read_format(struct asked *asked, const char *text)
{
    asked->as_json = strcmp(text, "json") == 0;
    if (asked->as_json || strcmp(text, "text") == 0)
        return true;
    fprintf(stderr, "telltale: there is no format '%s': text or json\n", text);
    return false;
}

static int read_and_ask(struct asked *asked, int argc, char **argv)
{
    static const struct option known[] = {
        FILTER_OPTIONS_LONG,
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"top", required_argument, NULL, OPTION_TOP},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, FILTER_OPTIONS_SHORT, known, NULL)) != -1) {
        bool is_good = option == OPTION_FORMAT ? read_format(asked, optarg)
                       : option == OPTION_TOP
                           ? option_read_count(optarg, TALLY_ROWS_MAX, &asked->rows_max)
                           : filter_options_take(&asked->filter, option, optarg);
        if (!is_good)
            return command_usage(&command_report);
    }
    return optind == argc ? ask(asked) : command_usage(&command_report);
}

static int run_report(const struct command_options *options, int argc, char **argv)
{
    struct asked asked = {.rows_max = ROWS_DEFAULT};
    struct config_dirs dirs;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    filter_options_init(&asked.filter, &dirs);
    int exit_code = read_and_ask(&asked, argc, argv);
    filter_options_fini(&asked.filter);
    return exit_code;
}

const struct command command_report = {
    .name = "report",
    .synopsis = FILTER_OPTIONS_SYNOPSIS "\n                      [--top N] [--format text|json]",
    .summary = "usage, tools, decisions, denials and failures in numbers",
    .run = run_report,
};
