/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_journal.c -- telltale journal: what the journal holds, whether it is sound, its records, and
 * its repair.
 *
 * The journal may be in use: it is only read, and no lock is taken.  Only repair changes something,
 * and it does no more than the daemon does at every start.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telltale/command.h"
#include "telltale/encode.h"
#include "telltale/journal_print.h"
#include "telltale/journal_repair.h"
#include "telltale/store_file.h"

enum { EXTRA_SIZE_MAX = 1024 };

struct journal_options {
    const char *dir; /* NULL: that of the state directory */
    uint64_t from, to;
    bool as_json;
    bool is_dry_run;
};

struct export
{
    struct buf line;
    struct buf extra;     /* the attributes that tell a line's place */
    size_t id_size;       /* of the first of them, in `extra` */
    uint64_t undecodable; /* records that are no protobuf */
};

/* --- inspect and verify -------------------------------------------------------------------- */

static enum status on_segment(void *context, const struct journal_segment_report *segment,
                              struct error *err)
{
    (void)err;
    journal_print_segment(context, segment);
    return ST_OK;
}

static enum status on_finding(void *context, const struct journal_finding *finding,
                              struct error *err)
{
    (void)err;
    journal_print_finding(context, finding);
    return ST_OK;
}

static enum status inspect(const struct journal_place *place, struct journal_check *check,
                           const struct journal_options *options, bool *ret_good, struct error *err)
{
    struct journal_print print;
    const struct journal_check_handler handler = {.context = &print, .on_segment = on_segment};
    struct journal_check_report report;

    journal_print_init(&print, place, options->as_json);
    journal_print_begin(&print, journal_check_id(check), "segments");
    enum status st = journal_check_run(check, &handler, &report, err);
    if (st == ST_OK)
        journal_print_inspected(&print, &report);
    journal_print_fini(&print);
    *ret_good = true;
    return st;
}

static enum status verify(const struct journal_place *place, struct journal_check *check,
                          const struct journal_options *options, bool *ret_good, struct error *err)
{
    struct journal_print print;
    const struct journal_check_handler handler = {.context = &print, .on_finding = on_finding};
    struct journal_check_report report;

    journal_print_init(&print, place, options->as_json);
    journal_print_begin(&print, journal_check_id(check), "findings");
    enum status st = journal_check_run(check, &handler, &report, err);
    *ret_good = st == ST_OK && report.damages == 0;
    for (size_t i = 0; i < place->cursor_count; i++)
        *ret_good = *ret_good && !place->cursors[i].is_damaged;
    if (st == ST_OK)
        journal_print_verified(&print, &report, *ret_good);
    journal_print_fini(&print);
    return st;
}

/* What a repair would find. */
static enum status verify_for_repair(const struct journal_place *place, struct journal_check *check,
                                     const struct journal_options *options, bool *ret_good,
                                     struct error *err)
{
    enum status st = verify(place, check, options, ret_good, err);
    if (st == ST_OK && options->is_dry_run)
        printf("nothing was changed\n");
    else if (st == ST_OK && !*ret_good)
        printf("what is damaged stays where it is; readers step over it\n");
    *ret_good = *ret_good || !options->is_dry_run;
    return st;
}

/* --- export -------------------------------------------------------------------------------- */

static enum status on_record(void *context, uint64_t sequence, const struct record_group *group,
                             struct slice record, struct error *err)
{
    struct export *export = context;
    struct buf *line = &export->line;

    buf_clear(line);
    export->extra.size = export->id_size;
    enum status st = encode_attribute_int(SLICE(STORE_JOURNAL_SEQUENCE_KEY), (int64_t)sequence,
                                          &export->extra, err);
    if (st == ST_OK)
        st = encode_otlp_json_line(group, record, buf_slice(&export->extra), line, err);
    if (st == ST_CORRUPT || st == ST_LIMIT) {
        fprintf(stderr, "telltale journal: passed over record %" PRIu64 ": %s\n", sequence,
                err->text);
        export->undecodable++;
        return ST_OK;
    }
    if (st == ST_OK && fwrite(line->data, 1, line->size, stdout) != line->size)
        return error_set_errno(err, ST_IO, "write the output");
    return st;
}

static enum status export_records(const struct journal_place *place, struct journal_check *check,
                                  const struct journal_options *options, bool *ret_good,
                                  struct error *err)
{
    const uint8_t *id = journal_check_id(check);
    char id_text[JOURNAL_ID_TEXT_SIZE];
    struct export export = {0};
    const struct journal_check_handler handler = {.context = &export, .on_record = on_record};
    struct journal_check_report report = {0};
    enum status st = ST_OK;

    (void)place;
    (void)options;
    buf_init(&export.line, STORE_LINE_SIZE_MAX);
    buf_init(&export.extra, EXTRA_SIZE_MAX);
    if (id != NULL) {
        journal_id_format(id, id_text);
        st = encode_attribute_text(SLICE(STORE_JOURNAL_ID_KEY), slice_of(id_text, sizeof(id_text)),
                                   &export.extra, err);
        export.id_size = export.extra.size;
    }
    if (st == ST_OK)
        st = journal_check_run(check, &handler, &report, err);
    if (st == ST_OK && report.damages > 0)
        fprintf(stderr,
                "telltale journal: damaged places: %" PRIu64 ", missing records: %" PRIu64
                "; 'telltale journal verify' names them\n",
                report.damages, report.missing);
    *ret_good = report.damages == 0 && export.undecodable == 0;
    buf_fini(&export.line);
    buf_fini(&export.extra);
    return st;
}

/* --- The command line ---------------------------------------------------------------------- */

static const struct action {
    const char *name;
    const char *known; /* its options, by their letters below; with 'n' it repairs first */
    enum status (*run)(const struct journal_place *place, struct journal_check *check,
                       const struct journal_options *options, bool *ret_good, struct error *err);
} actions[] = {
    {"inspect", "Jj", inspect},
    {"verify", "Jj", verify},
    {"export", "Jft", export_records},
    {"repair", "Jn", verify_for_repair},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

static bool read_sequence(const char *text, uint64_t *ret)
{
    char *end = NULL;

    *ret = strtoull(text, &end, 10);
    if (end != text && *end == 0 && strspn(text, "0123456789") == strlen(text))
        return true;
    fprintf(stderr, "telltale journal: a sequence number is digits only\n");
    return false;
}

static bool read_options(const struct action *action, int argc, char **argv,
                         struct journal_options *ret)
{
    static const struct option known[] = {
        {"journal", required_argument, NULL, 'J'}, {"json", no_argument, NULL, 'j'},
        {"from", required_argument, NULL, 'f'},    {"to", required_argument, NULL, 't'},
        {"dry-run", no_argument, NULL, 'n'},       {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (strchr(action->known, option) == NULL)
            return false;
        if (option == 'J')
            ret->dir = optarg;
        else if (option == 'j')
            ret->as_json = true;
        else if (option == 'n')
            ret->is_dry_run = true;
        else if (!read_sequence(optarg, option == 'f' ? &ret->from : &ret->to))
            return false;
    }
    return optind == argc;
}

static int run_action(const struct action *action, const struct config_dirs *dirs,
                      const struct journal_options *options)
{
    struct journal_place place;
    struct journal_check_options check_options = {.from = options->from, .to = options->to};
    struct journal_check *check = NULL;
    bool is_good = false;
    struct error err;

    enum status st = journal_place_open(&place, dirs, options->dir, &err);
    check_options.committed = place.largest_cursor;
    if (st == ST_OK && strchr(action->known, 'n') != NULL && !options->is_dry_run)
        st = journal_repair(&place, &err);
    if (st == ST_OK)
        st = journal_check_open(place.fd, &check_options, &check, &err);
    if (st == ST_OK)
        st = action->run(&place, check, options, &is_good, &err);
    if (st == ST_OK && (fflush(stdout) != 0 || ferror(stdout)))
        st = error_set_errno(&err, ST_IO, "write the output");
    journal_check_close(check);
    journal_place_close(&place);
    if (st != ST_OK)
        fprintf(stderr, "telltale journal: '%s': %s\n", place.path, err.text);
    return st == ST_OK && is_good ? COMMAND_OK : COMMAND_FAILED;
}

static int run_journal(const struct command_options *options, int argc, char **argv)
{
    struct journal_options journal_options = {.to = UINT64_MAX};
    struct config_dirs dirs;

    const struct action *action = argc > 1 ? find_action(argv[1]) : NULL;
    if (action == NULL || !read_options(action, argc - 1, argv + 1, &journal_options))
        return command_usage(&command_journal);
    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    return run_action(action, &dirs, &journal_options);
}

const struct command command_journal = {
    .name = "journal",
    .synopsis = "inspect [--json] [--journal DIR]\n"
                "       telltale journal verify [--json] [--journal DIR]\n"
                "       telltale journal export [--from SEQ] [--to SEQ] [--journal DIR]\n"
                "       telltale journal repair [--dry-run] [--journal DIR]\n\n"
                "The daemon repairs its journal at every start, and keeps damaged bytes in the\n"
                "journal's directory 'quarantine'; 'repair' does the same while no daemon runs.\n"
                "Exit codes of repair: 0 repaired, or nothing to repair (--dry-run: not damaged);\n"
                "1 not possible, standard error says why (--dry-run: damaged).",
    .summary = "look into the journal, verify it, read its records, repair it",
    .run = run_journal,
};
