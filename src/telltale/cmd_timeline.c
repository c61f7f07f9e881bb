/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_timeline.c -- telltale timeline: a session as a person reads it.
 *
 * Without a session the last one of the store is shown.
 */
#include <getopt.h>
#include <stdio.h>

#include "query/lookup.h"
#include "query/timeline.h"
#include "telltale/command.h"
#include "telltale/scan.h"
#include "telltale/terminal.h"

enum { OUTPUT_MAX = 256 << 20, SESSION_ID_MAX = 1024 };

struct last_session {
    char id[SESSION_ID_MAX];
};

static enum status on_any(void *context, const struct store_record_view *view, struct error *err)
{
    struct last_session *last = context;
    struct slice id = lookup_text(view->record, "session.id");

    (void)err;
    if (id.size > 0 && id.size < sizeof(last->id))
        snprintf(last->id, sizeof(last->id), "%.*s", SLICE_ARG(id));
    return ST_OK;
}

static enum status find_last_session(const char *store_dir, struct last_session *ret,
                                     struct error *err)
{
    struct scan scan = {
        .store_dir = store_dir, .is_quiet = true, .on_match = on_any, .context = ret};

    struct condition has_session;
    struct buf scratch;

    ret->id[0] = 0;
    buf_init(&scratch, SESSION_ID_MAX);
    scan.filter.scratch = &scratch;
    enum status st = condition_read(SLICE("session.id"), &has_session, err);
    if (st != ST_OK)
        return st;
    scan.filter.conditions = &has_session;
    scan.filter.condition_count = 1;
    st = scan_find_last_files(&scan, 1, &scan.last_files, err);
    if (st == ST_OK)
        st = scan_run(&scan, err);
    buf_fini(&scratch);
    if (st == ST_OK && ret->id[0] == 0)
        return error_set(err, ST_NOT_FOUND, "no session is in the store '%.150s'", store_dir);
    return st;
}

static enum status on_match(void *context, const struct store_record_view *view, struct error *err)
{
    return story_add(context, view->group, view->bytes, err);
}

static enum status print_timeline(const char *store_dir, const char *session,
                                  const struct timeline_style *style, struct error *err)
{
    struct story story;
    struct scan scan = {
        .store_dir = store_dir, .is_quiet = true, .on_match = on_match, .context = &story};
    struct buf out;

    scan.filter.session = session;
    story_init(&story);
    buf_init(&out, OUTPUT_MAX);
    enum status st = scan_run(&scan, err);
    if (st == ST_OK)
        st = story_join(&story, err);
    if (st == ST_OK)
        st = timeline_write(&story, style, &out, err);
    if (st == ST_OK && fwrite(out.data, 1, out.size, stdout) != out.size)
        st = error_set_errno(err, ST_IO, "write the timeline");
    buf_fini(&out);
    story_fini(&story);
    return st;
}

static int run_timeline(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"all", no_argument, NULL, 'a'},
        {"full", no_argument, NULL, 'f'},
        {"store", required_argument, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    struct timeline_style style = {.color = terminal_has_color(), .columns = terminal_columns()};
    struct last_session last;
    struct config_dirs dirs;
    char store_dir[PATH_MAX];
    struct error err;
    enum status st = ST_OK;
    int option;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    scan_default_store(&dirs, store_dir);
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'a')
            style.everything = true;
        else if (option == 'f')
            style.whole_texts = true;
        else if (option == 'S')
            snprintf(store_dir, sizeof(store_dir), "%s", optarg);
        else
            return command_usage(&command_timeline);
    }
    if (argc - optind > 1)
        return command_usage(&command_timeline);
    const char *session = argv[optind];
    if (session == NULL) {
        st = find_last_session(store_dir, &last, &err);
        session = last.id;
    }
    if (st == ST_OK)
        st = print_timeline(store_dir, session, &style, &err);
    return command_end(&command_timeline, st, &err);
}

const struct command command_timeline = {
    .name = "timeline",
    .synopsis = "[SESSION] [--all] [--full] [--store DIR]",
    .summary = "a session as a person reads it; without one, the last",
    .run = run_timeline,
};
