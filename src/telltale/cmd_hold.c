/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_hold.c -- telltale hold: puts records of the store under legal hold, lists the holds, ends
 * them.
 *
 * The daemon need not run, and need not be told: it reads the holds before it deletes anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/hold.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"
#include "util/clock.h"

enum { OUTPUT_MAX = 16 << 20, NAME_SIZE = 256 };

enum {
    OPTION_ID = 0x300,
    OPTION_BY,
    OPTION_REASON,
    OPTION_ALL,
    OPTION_ENDED,
    OPTION_FORMAT,
};

struct hold_options {
    struct filter_options filter; /* checks what is said, and has the store */
    struct hold hold;
    bool with_ended;
    bool as_json;
    char name[NAME_SIZE];
    struct buf out;
};

/* --- Who and which --------------------------------------------------------------------------- */

/* The user of this process, and who became it with sudo. */
static void name_user(char out[NAME_SIZE])
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo_user = getenv("SUDO_USER");
    char number[32];

    snprintf(number, sizeof(number), "uid %u", (unsigned)getuid());
    const char *name = user != NULL ? user->pw_name : number;
    if (getuid() == 0 && sudo_user != NULL && sudo_user[0] != 0)
        snprintf(out, NAME_SIZE, "%.100s as %.100s", sudo_user, name);
    else
        snprintf(out, NAME_SIZE, "%.200s", name);
}

/* The time, and a few digits that tell it from another of the same second. */
static void make_id(uint64_t now_unix_ns, char out[HOLD_ID_SIZE])
{
    time_t seconds = (time_t)(now_unix_ns / NS_PER_S);
    uint16_t random = 0;
    struct tm tm;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random) ||
        gmtime_r(&seconds, &tm) == NULL)
        random = (uint16_t)getpid();
    size_t size = strftime(out, HOLD_ID_SIZE, "%Y%m%dT%H%M%SZ", &tm);
    snprintf(out + size, HOLD_ID_SIZE - size, "-%04x", (unsigned)random);
}

static enum status open_store(const struct hold_options *options, int *ret, struct error *err)
{
    const char *path = options->filter.store_dir;

    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret >= 0 ? ST_OK : error_set_errno(err, ST_IO, "open the store '%s'", path);
}

/* --- Actions --------------------------------------------------------------------------------- */

static enum status add(struct hold_options *options, const char *id, struct error *err)
{
    struct hold *hold = &options->hold;
    int fd = -1;

    (void)id;
    if (hold->reason == NULL)
        return error_set(err, ST_INVALID, "--reason says why");
    hold->made_unix_ns = clock_unix_ns();
    if (hold->id[0] == 0)
        make_id(hold->made_unix_ns, hold->id);
    enum status st = open_store(options, &fd, err);
    if (st == ST_OK)
        st = hold_add(fd, hold, err);
    if (st == ST_OK)
        printf("%s\n", hold->id);
    if (fd >= 0)
        (void)close(fd); /* a directory */
    return st;
}

static enum status release(struct hold_options *options, const char *id, struct error *err)
{
    int fd = -1;

    if (options->hold.reason == NULL)
        return error_set(err, ST_INVALID, "--reason says why");
    enum status st = open_store(options, &fd, err);
    if (st == ST_OK)
        st = hold_release(fd, id, options->hold.by, options->hold.reason, clock_unix_ns(), err);
    if (fd >= 0)
        (void)close(fd); /* a directory */
    return st;
}

static enum status put_text(struct buf *out, const char *label, const char *text, struct error *err)
{
    enum status st = ST_OK;

    if (text == NULL)
        return ST_OK;
    st = buf_append(out, label, strlen(label), err);
    if (st == ST_OK)
        st = safe_text_append(out, slice_of_text(text), 0, NEWLINES_ESCAPED, err);
    return st;
}

static enum status put_time(struct buf *out, const char *label, uint64_t unix_ns, struct error *err)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ns == 0)
        return ST_OK;
    time_format_utc(unix_ns, 0, text);
    return put_text(out, label, text, err);
}

static enum status put_question(struct buf *out, const struct hold_question *question,
                                struct error *err)
{
    const struct {
        const char *label, *text;
    } parts[] = {
        {" session=", question->session},  {" kind=", question->kinds},
        {" outcome=", question->outcomes}, {" tool=", question->tool},
        {" agent=", question->agents},     {" user=", question->users},
        {" host=", question->hosts},       {" text=", question->text},
        {" grep=", question->grep},        {" ", question->is_everything ? "everything" : NULL},
    };
    enum status st = put_time(out, " from=", question->from_unix_ns, err);

    if (st == ST_OK)
        st = put_time(out, " to=", question->to_unix_ns, err);
    for (size_t i = 0; st == ST_OK && i < COUNT_OF(parts); i++)
        st = put_text(out, parts[i].label, parts[i].text, err);
    for (size_t i = 0; st == ST_OK && i < question->conditions.count; i++)
        st = put_text(out, " where ", question->conditions.items[i], err);
    return st;
}

/* Three lines: which and since when, what, why; and a fourth of one that has ended. */
static enum status put_hold(struct buf *out, const struct hold *hold, struct error *err)
{
    enum status st = put_text(out, "", hold->id, err);

    if (st == ST_OK)
        st = put_time(out, "  since ", hold->made_unix_ns, err);
    if (st == ST_OK)
        st = put_text(out, " by ", hold->by, err);
    if (st == ST_OK)
        st = put_text(out, "\n    holds", "", err);
    if (st == ST_OK)
        st = put_question(out, &hold->question, err);
    if (st == ST_OK)
        st = put_text(out, "\n    because ", hold->reason, err);
    if (st == ST_OK && hold->released_unix_ns != 0) {
        st = put_time(out, "\n    ended ", hold->released_unix_ns, err);
        if (st == ST_OK)
            st = put_text(out, " by ", hold->released_by, err);
        if (st == ST_OK)
            st = put_text(out, ": ", hold->released_reason, err);
    }
    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

static enum status put_list(struct hold_options *options, const struct hold_list *list,
                            struct error *err)
{
    struct buf *out = &options->out;
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < list->count; i++) {
        st = options->as_json ? hold_put(list->items[i], out, err)
                              : put_hold(out, list->items[i], err);
        if (st == ST_OK)
            st = stdout_write(buf_slice(out), err);
        buf_clear(out);
    }
    return st;
}

static enum status list_holds(struct hold_options *options, const char *id, struct error *err)
{
    struct hold_list list = {.items = NULL};
    int fd = -1;

    (void)id;
    enum status st = open_store(options, &fd, err);
    if (st == ST_OK)
        st = hold_list_read(&list, fd, options->with_ended, err);
    if (fd >= 0)
        (void)close(fd); /* a directory */
    if (st == ST_OK)
        st = put_list(options, &list, err);
    if (st == ST_OK && list.unreadable > 0) {
        buf_clear(&options->out);
        if (put_text(&options->out, "", list.trouble, err) == ST_OK)
            fprintf(stderr, "telltale: everything is held: %.*s\n",
                    SLICE_ARG(buf_slice(&options->out)));
        st = error_set(err, ST_INVALID, "holds that cannot be read: %zu", list.unreadable);
    }
    hold_list_fini(&list);
    return st;
}

/* --- The command line ------------------------------------------------------------------------ */

static const struct action {
    const char *name;
    bool needs_id;
    enum status (*run)(struct hold_options *options, const char *id, struct error *err);
} actions[] = {
    {"add", false, add},
    {"list", false, list_holds},
    {"release", true, release},
};

static bool keep_condition(struct hold *hold, const char *value)
{
    struct config_text_list *list = &hold->question.conditions;

    hold->conditions[list->count] = value; /* the filter has counted and refused one too many */
    *list = (struct config_text_list){hold->conditions, list->count + 1};
    return true;
}

/* The parts of the question, as they were written. */
static bool keep_part(struct hold_options *options, int option, const char *value)
{
    struct hold_question *question = &options->hold.question;
    const struct {
        int option;
        const char **place;
    } texts[] = {
        {'s', &question->session},         {'k', &question->kinds},
        {'o', &question->outcomes},        {'t', &question->tool},
        {OPTION_AGENT, &question->agents}, {OPTION_USER, &question->users},
        {OPTION_HOST, &question->hosts},   {OPTION_TEXT, &question->text},
        {OPTION_GREP, &question->grep},
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i].option == option)
            *texts[i].place = value;
    }
    question->from_unix_ns = options->filter.filter.since_unix_ns;
    question->to_unix_ns = options->filter.filter.until_unix_ns;
    return option != 'w' || keep_condition(&options->hold, value);
}

static bool read_option(struct hold_options *options, int option, const char *value)
{
    struct hold *hold = &options->hold;

    switch (option) {
    case OPTION_ID:
        if (strlen(value) >= sizeof(hold->id)) {
            fprintf(stderr, "telltale: an id has %d letters at most\n", HOLD_ID_SIZE - 1);
            return false;
        }
        memcpy(hold->id, value, strlen(value) + 1);
        return true;
    case OPTION_BY:
        hold->by = value;
        return true;
    case OPTION_REASON:
        hold->reason = value;
        return true;
    case OPTION_ALL:
        hold->question.is_everything = true;
        return true;
    case OPTION_ENDED:
        options->with_ended = true;
        return true;
    case OPTION_FORMAT:
        options->as_json = strcmp(value, "json") == 0;
        return options->as_json || strcmp(value, "table") == 0;
    default:
        return filter_options_take(&options->filter, option, value) &&
               keep_part(options, option, value);
    }
}

static bool read_options(struct hold_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        FILTER_OPTIONS_LONG,
        {"from", required_argument, NULL, OPTION_SINCE},
        {"to", required_argument, NULL, OPTION_UNTIL},
        {"id", required_argument, NULL, OPTION_ID},
        {"by", required_argument, NULL, OPTION_BY},
        {"reason", required_argument, NULL, OPTION_REASON},
        {"all", no_argument, NULL, OPTION_ALL},
        {"ended", no_argument, NULL, OPTION_ENDED},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, FILTER_OPTIONS_SHORT, known, NULL)) != -1) {
        if (!read_option(options, option, optarg))
            return false;
    }
    return true;
}

static int run_action(const struct action *action, struct hold_options *options, int argc,
                      char **argv)
{
    struct error err;

    if (!read_options(options, argc, argv) || argc - optind != (action->needs_id ? 1 : 0))
        return command_usage(&command_hold);
    buf_init(&options->out, OUTPUT_MAX);
    enum status st = action->run(options, action->needs_id ? argv[optind] : NULL, &err);
    buf_fini(&options->out);
    if (st == ST_OK && fflush(stdout) != 0)
        st = error_set_errno(&err, ST_IO, "write the output");
    if (st != ST_OK)
        fprintf(stderr, "telltale hold: %s\n", err.text);
    return st == ST_OK ? COMMAND_OK : COMMAND_FAILED;
}

static int run_hold(const struct command_options *command_options, int argc, char **argv)
{
    static struct hold_options options; /* much for a stack */
    const struct action *action = NULL;
    struct config_dirs dirs;

    for (size_t i = 0; argc > 1 && i < COUNT_OF(actions); i++) {
        if (strcmp(actions[i].name, argv[1]) == 0)
            action = &actions[i];
    }
    if (action == NULL)
        return command_usage(&command_hold);
    if (!command_dirs(command_options, &dirs))
        return COMMAND_FAILED;
    filter_options_init(&options.filter, &dirs);
    name_user(options.name);
    options.hold.by = options.name;
    int exit_code = run_action(action, &options, argc - 1, argv + 1);
    filter_options_fini(&options.filter);
    return exit_code;
}

const struct command command_hold = {
    .name = "hold",
    .synopsis = "add --reason TEXT [--by NAME] [--id ID] [--from TIME] [--to TIME] [--all]\n"
                "                      " FILTER_OPTIONS_SYNOPSIS "\n"
                "       telltale hold list [--ended] [--format table|json] [--store DIR]\n"
                "       telltale hold release ID --reason TEXT [--by NAME] [--store DIR]",
    .summary = "legal holds: what of the store must stay",
    .run = run_hold,
};
