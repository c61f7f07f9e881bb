/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_around.c -- telltale around: what agents did near the moment of an alert.
 *
 * A day before the window is read for the prompts that led to what is in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/around.h"
#include "query/time_text.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"
#include "util/clock.h"

enum { OUTPUT_MAX = 256 << 20, DAY_S = 86400, WINDOW_DEFAULT_S = 300 };

#define LOOK_BACK_NS (DAY_S * NS_PER_S)

enum {
    OPTION_TIME = 0x300,
    OPTION_WINDOW,
    OPTION_PID,
    OPTION_FILE,
    OPTION_ADDRESS,
    OPTION_COMMAND,
    OPTION_FORMAT,
};

struct asked {
    struct around_question question;
    struct around *around;
    const char *host;
    bool as_json;
    char store_dir[PATH_MAX];
};

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    struct asked *asked = context;
    const struct field_record record = {.group = view->group, .view = view->record};

    return around_add(asked->around, &record, view->bytes, err);
}

static bool read_pid(const char *text, long *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = strtol(text, &end, 10);
    if (end != text && *end == 0 && *ret > 0 && errno == 0)
        return true;
    fprintf(stderr, "telltale: '%s' is no pid\n", text);
    return false;
}

static bool read_window(const char *text, uint64_t *ret)
{
    if (time_parse_duration(text, DAY_S * NS_PER_S, ret))
        return true;
    fprintf(stderr, "telltale: '%s' is no time up to a day: 30s, 5m, 2h\n", text);
    return false;
}

static bool read_format(const char *text, bool *ret_as_json)
{
    *ret_as_json = strcmp(text, "json") == 0 || strcmp(text, "ndjson") == 0;
    if (*ret_as_json || strcmp(text, "text") == 0)
        return true;
    fprintf(stderr, "telltale: there is no format '%s': text, json or ndjson\n", text);
    return false;
}

static bool read_option(struct asked *asked, int option, const char *value)
{
    struct around_question *question = &asked->question;

    switch (option) {
    case OPTION_TIME:
        return option_read_time(value, &question->time_unix_ns);
    case OPTION_WINDOW:
        return read_window(value, &question->window_ns);
    case OPTION_PID:
        return read_pid(value, &question->pid);
    case OPTION_FILE:
        question->file = value;
        return true;
    case OPTION_ADDRESS:
        question->address = value;
        return true;
    case OPTION_COMMAND:
        question->command = value;
        return true;
    case OPTION_USER:
        question->user = value;
        return true;
    case OPTION_FORMAT:
        return read_format(value, &asked->as_json);
    case OPTION_HOST:
        asked->host = value;
        return true;
    case OPTION_STORE:
        snprintf(asked->store_dir, sizeof(asked->store_dir), "%s", value);
        return true;
    default:
        return false;
    }
}

static enum status print(struct asked *asked, struct error *err)
{
    struct buf out;
    struct page page = terminal_page(&out, err);
    size_t left_out = 0;
    enum status st = ST_OK;

    buf_init(&out, OUTPUT_MAX);
    if (asked->as_json)
        st = around_write_json(asked->around, &out, &left_out, err);
    else
        around_write(asked->around, &page);
    if (st == ST_OK)
        st = page.status;
    if (st == ST_OK)
        st = stdout_write(buf_slice(&out), err);
    buf_fini(&out);
    if (st == ST_OK && left_out > 0)
        fprintf(stderr, "telltale: %zu events were too many to be kept: take a smaller --window\n",
                left_out);
    return st;
}

static int ask(struct asked *asked)
{
    const struct around_question *question = &asked->question;
    struct scan scan = {.store_dir = asked->store_dir,
                        .filter = {.hosts = asked->host},
                        .is_quiet = true,
                        .on_match = on_match,
                        .context = asked};
    uint64_t before = question->window_ns + LOOK_BACK_NS;
    struct error err;

    if (question->time_unix_ns > before)
        scan.filter.since_unix_ns = question->time_unix_ns - before;
    scan.filter.until_unix_ns = question->time_unix_ns + question->window_ns + 1;
    enum status st = around_create(question, &asked->around, &err);
    if (st == ST_OK)
        st = scan_run(&scan, &err);
    if (st == ST_OK)
        st = print(asked, &err);
    around_destroy(asked->around);
    return command_end(&command_around, st, &err);
}

static int run_around(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"time", required_argument, NULL, OPTION_TIME},
        {"window", required_argument, NULL, OPTION_WINDOW},
        {"pid", required_argument, NULL, OPTION_PID},
        {"file", required_argument, NULL, OPTION_FILE},
        {"address", required_argument, NULL, OPTION_ADDRESS},
        {"command", required_argument, NULL, OPTION_COMMAND},
        {"user", required_argument, NULL, OPTION_USER},
        {"host", required_argument, NULL, OPTION_HOST},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"store", required_argument, NULL, OPTION_STORE},
        {NULL, 0, NULL, 0},
    };
    struct asked asked = {.question = {.window_ns = WINDOW_DEFAULT_S * NS_PER_S, .pid = -1}};
    struct config_dirs dirs;
    int option;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    scan_default_store(&dirs, asked.store_dir);
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!read_option(&asked, option, optarg))
            return command_usage(&command_around);
    }
    if (optind != argc || asked.question.time_unix_ns == 0)
        return command_usage(&command_around);
    return ask(&asked);
}

const struct command command_around = {
    .name = "around",
    .synopsis =
        "--time TIME [--window 5m] [--pid PID] [--file PATH] [--address ADDRESS]\n"
        "                       [--command TEXT] [--user USER] [--host HOST,...] [--store DIR]\n"
        "                       [--format text|json|ndjson]",
    .summary = "what agents did near the moment of an alert",
    .run = run_around,
};
