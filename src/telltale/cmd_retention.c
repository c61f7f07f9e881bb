/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_retention.c -- telltale retention plan: what would go of a store, when and why, and what is
 * held, without changing anything.
 *
 * It decides with the functions of the exporter (telltale/retention.h) over the same configuration.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "query/safe_text.h"
#include "query/time_text.h"
#include "retain/retention_plan.h"
#include "telltale/command.h"
#include "telltale/filter_options.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"
#include "util/clock.h"
#include "wire/json_member.h"

enum { OUTPUT_MAX = 64 << 20, REASON_MAX = 4096 };

enum { OPTION_CONFIG = 0x300, OPTION_EXPORTER, OPTION_AT, OPTION_FORMAT };

extern const struct exporter_ops exporter_file;

struct plan_options {
    const char *config, *exporter;
    char store[PATH_MAX]; /* empty: that of the configuration */
    uint64_t at_unix_ns;
    bool as_json;
};

struct plan_output {
    const struct retention_plan *plan;
    struct buf out;
    struct buf reason; /* of the step at hand */
};

/* --- Which store ----------------------------------------------------------------------------- */

/* The section of retention of a configured store, and its directory; NULL: it is none. */
static const struct retention_config *find_retention(const struct config_exporter *exporter,
                                                     const char **ret_dir)
{
    const struct retention_config *found = NULL;

    *ret_dir = NULL;
    for (const struct config_field *field = exporter->ops->fields; field->key != NULL; field++) {
        const void *place = (const char *)exporter->config + field->offset;
        if (field->fields == retention_fields)
            found = place;
        else if (strcmp(field->key, "dir") == 0 && field->type == CONFIG_PATH)
            *ret_dir = *(const char *const *)place;
    }
    return found;
}

static const struct retention_config *choose_store(const struct config *config,
                                                   struct plan_options *options)
{
    for (size_t i = 0; i < config->exporter_count; i++) {
        const struct config_exporter *exporter = &config->exporters[i];
        const char *dir;
        const struct retention_config *found = find_retention(exporter, &dir);
        if (found == NULL ||
            (options->exporter != NULL && strcmp(options->exporter, exporter->name) != 0))
            continue;
        if (options->store[0] == 0 && dir != NULL)
            snprintf(options->store, sizeof(options->store), "%s", dir);
        else if (options->store[0] == 0)
            scan_default_store(&config->dirs, options->store);
        return found;
    }
    fprintf(stderr, "telltale retention: the configuration has no store%s%s\n",
            options->exporter != NULL ? " " : "",
            options->exporter != NULL ? options->exporter : "");
    return NULL;
}

/* --- As a table ------------------------------------------------------------------------------ */

static const char *action_name(enum retention_action action)
{
    static const char *const names[] = {
        [RETENTION_KEEP] = "keep",
        [RETENTION_LOOK] = "look",
        [RETENTION_ERASE] = "erase",
        [RETENTION_DELETE] = "delete",
    };

    return names[action];
}

/* The reason of a step, NUL-terminated. */
static const char *reason_of(struct plan_output *output, const struct retention_step *step)
{
    struct error ignored; /* then it is cut */

    buf_clear(&output->reason);
    if (retention_put_reason(output->plan->config, step, &output->reason, &ignored) != ST_OK ||
        buf_append(&output->reason, "", 1, &ignored) != ST_OK)
        return "";
    return (const char *)output->reason.data;
}

static enum status put(struct buf *out, struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

static enum status put(struct buf *out, struct error *err, const char *fmt, ...)
{
    char text[REASON_MAX + 512];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ASSERT(size >= 0);
    return safe_text_append(out, slice_of_text(text), 0, NEWLINES_KEPT, err);
}

static enum status put_held(struct plan_output *output, const struct retention_plan_entry *entry,
                            struct error *err)
{
    const struct hold_list *holds = &output->plan->holds;
    enum status st = ST_OK;

    for (size_t i = 0; entry->held != NULL && st == ST_OK && i < holds->count; i++) {
        if (entry->held[i] > 0)
            st = put(&output->out, err, "; %" PRIu64 " held by %s", entry->held[i],
                     holds->items[i]->id);
    }
    return st;
}

static enum status put_row(struct plan_output *output, const struct retention_plan_entry *entry,
                           struct error *err)
{
    char when[TIME_TEXT_SIZE] = "never";
    enum status st;

    if (entry->step.action == RETENTION_DELETE) {
        st = put(&output->out, err, "%-68s  delete  %12" PRIu64 " bytes  %s", entry->name,
                 entry->size_bytes, reason_of(output, &entry->step));
        if (st == ST_OK)
            st = put_held(output, entry, err);
        return st == ST_OK ? buf_append(&output->out, "\n", 1, err) : st;
    }
    if (entry->then.when_unix_ns != RETENTION_NEVER)
        time_format_utc(entry->then.when_unix_ns, 0, when);
    if (entry->step.action == RETENTION_ERASE)
        st = put(&output->out, err, "%-68s  erase   %12" PRIu64 " records  %s", entry->name,
                 entry->due, reason_of(output, &entry->step));
    else
        st = put(&output->out, err, "%-68s  keep    %12" PRIu64 " bytes", entry->name,
                 entry->size_bytes);
    if (st == ST_OK && entry->then.when_unix_ns != RETENTION_NEVER)
        st = put(&output->out, err, "; %s after %s%s%s", action_name(entry->then.action), when,
                 entry->then.action == RETENTION_LOOK ? "" : " ",
                 entry->then.action == RETENTION_LOOK ? "" : reason_of(output, &entry->then));
    if (st == ST_OK)
        st = put_held(output, entry, err);
    return st == ST_OK ? buf_append(&output->out, "\n", 1, err) : st;
}

static enum status put_table(struct plan_output *output, struct error *err)
{
    const struct retention_plan *plan = output->plan;
    const struct retention_step stuck = {.cause = plan->stuck};
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < plan->count; i++)
        st = put_row(output, &plan->entries[i], err);
    if (st == ST_OK && plan->holds.unreadable > 0)
        st = put(&output->out, err, "everything is held: %s\n", plan->holds.trouble);
    if (st == ST_OK && plan->is_stuck)
        st = put(&output->out, err,
                 "%s is broken, and nothing may go for it: journal.on_disk_full decides when the "
                 "disk is full\n",
                 reason_of(output, &stuck));
    return st;
}

/* --- As JSON --------------------------------------------------------------------------------- */

static void put_held_json(struct plan_output *output, const struct retention_plan_entry *entry,
                          struct json_put *json)
{
    const struct hold_list *holds = &output->plan->holds;

    if (entry->held == NULL)
        return;
    json_member_key(json, "held");
    json_put(json, SLICE("{"));
    for (size_t i = 0; i < holds->count; i++) {
        if (entry->held[i] > 0)
            json_member_uint(json, holds->items[i]->id, entry->held[i]);
    }
    json_put(json, SLICE("}"));
}

static void put_entry(struct plan_output *output, const struct retention_plan_entry *entry,
                      struct json_put *json)
{
    json_put(json, SLICE("{"));
    json_member_text(json, "file", entry->name);
    json_member_uint(json, "size_bytes", entry->size_bytes);
    json_member_text(json, "action", action_name(entry->step.action));
    if (entry->step.action != RETENTION_KEEP)
        json_member_text(json, "reason", reason_of(output, &entry->step));
    if (entry->step.action == RETENTION_ERASE)
        json_member_uint(json, "records", entry->due);
    if (entry->step.action != RETENTION_DELETE && entry->then.when_unix_ns != RETENTION_NEVER) {
        json_member_text(json, "then", action_name(entry->then.action));
        json_member_time(json, "then_after", entry->then.when_unix_ns);
        if (entry->then.action != RETENTION_LOOK)
            json_member_text(json, "then_reason", reason_of(output, &entry->then));
    }
    put_held_json(output, entry, json);
    json_put(json, SLICE("}"));
}

static enum status put_json(struct plan_output *output, uint64_t at_unix_ns, struct error *err)
{
    const struct retention_plan *plan = output->plan;
    const struct retention_step stuck = {.cause = plan->stuck};
    struct json_put json;

    json_start(&json, &output->out, err);
    json_put(&json, SLICE("{"));
    json_member_time(&json, "at", at_unix_ns);
    json_member_key(&json, "files");
    json_put(&json, SLICE("["));
    for (size_t i = 0; i < plan->count; i++) {
        json_put(&json, i > 0 ? SLICE(",\n") : SLICE("\n"));
        put_entry(output, &plan->entries[i], &json);
    }
    json_put(&json, SLICE("]"));
    if (plan->holds.unreadable > 0)
        json_member_text(&json, "everything_is_held", plan->holds.trouble);
    if (plan->is_stuck)
        json_member_text(&json, "nothing_may_go_for", reason_of(output, &stuck));
    json_put(&json, SLICE("}\n"));
    return json_finish(&json);
}

/* --- The command line ------------------------------------------------------------------------ */

static void tell_file(const char *name)
{
    fprintf(stderr, "\r\x1b[Kreading %.80s", name);
}

static enum status print_plan(const struct retention_config *config,
                              const struct plan_options *options, struct error *err)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    struct retention_plan plan = {.config = NULL};
    struct plan_output output = {.plan = &plan};

    enum status st = retention_plan_make(options->store, config, options->at_unix_ns,
                                         is_terminal ? tell_file : NULL, &plan, err);
    if (is_terminal)
        fputs("\r\x1b[K", stderr);
    if (st != ST_OK)
        return st;
    buf_init(&output.out, OUTPUT_MAX);
    buf_init(&output.reason, REASON_MAX);
    st = options->as_json ? put_json(&output, options->at_unix_ns, err) : put_table(&output, err);
    if (st == ST_OK)
        st = stdout_write(buf_slice(&output.out), err);
    buf_fini(&output.out);
    buf_fini(&output.reason);
    retention_plan_fini(&plan);
    return st;
}

static int plan(const struct config_dirs *dirs, struct plan_options *options)
{
    /* The others, with their libraries, are left to telltaled (cmd_check.c). */
    static const struct exporter_ops *const stores[] = {&exporter_file};
    const struct config_source source = {
        .path = options->config,
        .dirs = dirs,
        .exporters = stores,
        .exporter_count = COUNT_OF(stores),
        .passes_other_types = true,
    };
    const struct config *config;
    struct error err;
    struct buf report;

    buf_init(&report, OUTPUT_MAX);
    enum status st = config_load(&source, &config, &report, &err);
    if (st != ST_OK)
        fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&report)));
    buf_fini(&report);
    if (st == ST_OK) {
        const struct retention_config *retention = choose_store(config, options);
        if (retention == NULL) {
            config_destroy(config);
            return COMMAND_FAILED;
        }
        st = print_plan(retention, options, &err);
        config_destroy(config);
    }
    if (st == ST_OK && fflush(stdout) != 0)
        st = error_set_errno(&err, ST_IO, "write the output");
    if (st != ST_OK)
        fprintf(stderr, "telltale retention: %s\n", err.text);
    return st == ST_OK ? COMMAND_OK : COMMAND_FAILED;
}

static bool read_option(struct plan_options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_CONFIG:
        options->config = value;
        return true;
    case OPTION_EXPORTER:
        options->exporter = value;
        return true;
    case OPTION_STORE:
        snprintf(options->store, sizeof(options->store), "%s", value);
        return true;
    case OPTION_AT:
        return option_read_time(value, &options->at_unix_ns);
    case OPTION_FORMAT:
        options->as_json = strcmp(value, "json") == 0;
        return options->as_json || strcmp(value, "table") == 0;
    default:
        return false;
    }
}

static int run_retention(const struct command_options *command_options, int argc, char **argv)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"exporter", required_argument, NULL, OPTION_EXPORTER},
        {"store", required_argument, NULL, OPTION_STORE},
        {"at", required_argument, NULL, OPTION_AT},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {NULL, 0, NULL, 0},
    };
    struct plan_options options = {.at_unix_ns = clock_unix_ns()};
    struct config_dirs dirs;
    int option;

    if (argc < 2 || strcmp(argv[1], "plan") != 0)
        return command_usage(&command_retention);
    argc--;
    argv++;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!read_option(&options, option, optarg))
            return command_usage(&command_retention);
    }
    if (optind != argc)
        return command_usage(&command_retention);
    return command_dirs(command_options, &dirs) ? plan(&dirs, &options) : COMMAND_FAILED;
}

const struct command command_retention = {
    .name = "retention",
    .synopsis = "plan [--config FILE] [--exporter NAME] [--store DIR] [--at TIME]\n"
                "                      [--format table|json]",
    .summary = "what would go of the store, when and why",
    .run = run_retention,
};
