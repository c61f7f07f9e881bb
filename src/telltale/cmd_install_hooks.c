/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_install_hooks.c -- telltale install-hooks: makes an agent report to the daemon, by its own
 * settings, and takes that out again.
 *
 * What stands in the settings stays; what is there with another value is said and left, unless
 * --replace.  What was done is noted in the state directory, before the settings are changed.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install/install_plan.h"
#include "install/install_record.h"
#include "install/json_edit.h"
#include "install/settings_file.h"
#include "install/text_diff.h"
#include "install/toml_block.h"
#include "query/safe_text.h"
#include "telltale/command.h"
#include "telltale/hook_place.h"

#define ENDPOINT_DEFAULT "http://127.0.0.1:4318"

enum { WORDS_ROOM = 64 * 1024, LINE_ROOM = PATH_MAX + 2048 };

struct installing {
    struct install_settings settings;
    struct config_dirs dirs;
    bool dry_run, undo, replace;
    cJSON *record; /* owned */
    char project_dir[PATH_MAX];
    char hook[PATH_MAX];
    struct hook_place place;
};

/* One file while it is changed. */
struct change {
    const struct install_file *file;
    bool was_there;
    struct buf before, after;
    cJSON *edits, *kept; /* owned */
};

/* --- Showing -------------------------------------------------------------------------------- */

static void say(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A line, safe for a terminal: whoever made a project chose the names of its directories. */
static void say(FILE *out, const char *fmt, ...)
{
    char text[LINE_ROOM];
    struct error ignored;
    struct buf safe;
    va_list arguments;

    va_start(arguments, fmt);
    vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    buf_init(&safe, WORDS_ROOM);
    if (safe_text_append(&safe, slice_of_text(text), 0, NEWLINES_ESCAPED, &ignored) == ST_OK)
        fprintf(out, "%.*s\n", SLICE_ARG(buf_slice(&safe)));
    buf_fini(&safe);
}

static void complain(const struct error *err)
{
    say(stderr, "telltale install-hooks: %s", err->text);
}

static enum status show_diff(const struct change *change, struct error *err)
{
    struct buf diff;
    struct buf safe;

    buf_init(&diff, 2 * JSON_EDIT_ROOM);
    buf_init(&safe, 8 * JSON_EDIT_ROOM);
    enum status st =
        text_diff_append(buf_slice(&change->before), buf_slice(&change->after), &diff, err);
    if (st == ST_OK)
        st = safe_text_append(&safe, buf_slice(&diff), 0, NEWLINES_KEPT, err);
    if (st == ST_OK) {
        say(stdout, "%s%s", change->file->path, change->was_there ? "" : " (new)");
        printf("%.*s", SLICE_ARG(buf_slice(&safe)));
    }
    buf_fini(&diff);
    buf_fini(&safe);
    return st;
}

static void show_kept(const struct change *change, const char *words)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, change->kept)
    {
        say(stderr, "telltale install-hooks: %s: %s: %s", change->file->path, words,
            item->valuestring);
    }
}

/* --- One file -------------------------------------------------------------------------------- */

static struct settings_path path_of(const struct change *change)
{
    return (struct settings_path){.text = change->file->path,
                                  .project_size = change->file->project_size};
}

static enum status start_change(const struct install_file *file, struct change *ret,
                                struct error *err)
{
    *ret = (struct change){.file = file};
    buf_init(&ret->before, JSON_EDIT_ROOM);
    buf_init(&ret->after, JSON_EDIT_ROOM);
    ret->edits = cJSON_CreateArray();
    ret->kept = cJSON_CreateArray();
    if (ret->edits == NULL || ret->kept == NULL)
        return error_set(err, ST_NO_MEMORY, "change the settings");
    const struct settings_path path = path_of(ret);
    enum status st = settings_file_read(&path, &ret->before, err);
    ret->was_there = st == ST_OK;
    if (st != ST_OK && st != ST_NOT_FOUND)
        return st;
    return buf_append(&ret->after, ret->before.data, ret->before.size, err);
}

static void end_change(struct change *change)
{
    buf_fini(&change->before);
    buf_fini(&change->after);
    cJSON_Delete(change->edits);
    cJSON_Delete(change->kept);
}

static bool is_changed(const struct change *change)
{
    return !slice_equal(buf_slice(&change->before), buf_slice(&change->after));
}

static enum status note_change(struct installing *installing, struct change *change,
                               struct error *err)
{
    const char *block = change->file->wanted == NULL ? change->file->block : NULL;

    enum status st = install_record_add(installing->record, change->file->path, !change->was_there,
                                        change->edits, block, err);
    return st == ST_OK ? install_record_write(installing->dirs.state_dir, installing->record, err)
                       : st;
}

static enum status install_into(struct installing *installing, struct change *change,
                                struct error *err)
{
    const struct install_file *file = change->file;

    enum status st = file->wanted != NULL
                         ? json_edit_merge(&change->after, file->wanted, installing->replace,
                                           change->edits, change->kept, err)
                         : toml_block_put(&change->after, file->block, err);
    if (st != ST_OK) {
        (void)error_context(err, "'%s' was left alone", file->path);
        return st;
    }
    show_kept(change, "left as it is (--replace changes it)");
    if (!is_changed(change)) {
        say(stdout, "%s: nothing to do", file->path);
        return ST_OK;
    }
    st = show_diff(change, err);
    if (st != ST_OK || installing->dry_run)
        return st;
    st = note_change(installing, change, err);
    const struct settings_path path = path_of(change);
    return st == ST_OK ? settings_file_write(&path, buf_slice(&change->after), err) : st;
}

static enum status take_out(struct installing *installing, struct change *change, struct error *err)
{
    const char *path = change->file->path;
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(installing->record, path);
    const char *block = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "block"));
    const cJSON *edits = cJSON_GetObjectItemCaseSensitive(entry, "edits");
    bool created = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "created"));

    if (entry == NULL || !change->was_there) {
        say(stdout, "%s: nothing to undo", path);
        return ST_OK;
    }
    enum status st = block != NULL ? toml_block_remove(&change->after, block, err)
                                   : json_edit_undo(&change->after, edits, change->kept, err);
    if (st != ST_OK) {
        (void)error_context(err, "'%s' was left alone", path);
        return st;
    }
    show_kept(change, "changed since, and left");
    st = show_diff(change, err);
    if (st != ST_OK || installing->dry_run)
        return st;
    bool is_empty =
        block != NULL ? change->after.size == 0 : json_edit_is_empty(buf_slice(&change->after));
    const struct settings_path place = path_of(change);
    st = created && is_empty ? settings_file_remove(&place, err)
                             : settings_file_write(&place, buf_slice(&change->after), err);
    if (st == ST_OK) {
        cJSON_DeleteItemFromObjectCaseSensitive(installing->record, path);
        st = install_record_write(installing->dirs.state_dir, installing->record, err);
    }
    return st;
}

static bool change_file(struct installing *installing, const struct install_file *file)
{
    struct change change;
    struct error err;

    enum status st = start_change(file, &change, &err);
    if (st == ST_OK)
        st = installing->undo ? take_out(installing, &change, &err)
                              : install_into(installing, &change, &err);
    if (st != ST_OK) {
        complain(&err);
        if (st == ST_INVALID && file->wanted == NULL)
            fprintf(stderr, "Put this there yourself:\n\n%s\n", file->block);
    }
    end_change(&change);
    return st == ST_OK;
}

/* --- The whole -------------------------------------------------------------------------------- */

static int change_all(struct installing *installing)
{
    struct install_plan plan;
    struct error err;
    bool ok = true;

    enum status st = install_plan_make(&installing->settings, &plan, &err);
    if (st == ST_OK)
        st = install_record_read(installing->dirs.state_dir, &installing->record, &err);
    if (st != ST_OK) {
        complain(&err);
        ok = false;
    }
    for (size_t i = 0; st == ST_OK && i < plan.file_count; i++)
        ok &= change_file(installing, &plan.files[i]);
    if (ok && installing->dry_run)
        puts("\nNothing was changed: this was a dry run.");
    else if (ok && !installing->undo && plan.note != NULL)
        printf("\n%s\n", plan.note);
    install_plan_fini(&plan);
    cJSON_Delete(installing->record);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static bool read_options(struct installing *installing, int argc, char **argv)
{
    static const struct option known[] = {
        {"user", no_argument, NULL, 'u'},
        {"project", no_argument, NULL, 'p'},
        {"dry-run", no_argument, NULL, 'n'},
        {"undo", no_argument, NULL, 'x'},
        {"replace", no_argument, NULL, 'r'},
        {"no-content", no_argument, NULL, 'c'},
        {"hook", required_argument, NULL, 'h'},
        {"socket", required_argument, NULL, 's'},
        {"spool", required_argument, NULL, 'S'},
        {"endpoint", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'p' && getcwd(installing->project_dir, PATH_MAX) == NULL)
            return false;
        if (option == '?')
            return false;
        installing->dry_run |= option == 'n';
        installing->undo |= option == 'x';
        installing->replace |= option == 'r';
        installing->settings.no_content |= option == 'c';
        if (option == 'p')
            installing->settings.project_dir = installing->project_dir;
        else if (option == 'u')
            installing->settings.project_dir = NULL;
        else if (option == 'h')
            snprintf(installing->hook, PATH_MAX, "%s", optarg);
        else if (option == 's')
            snprintf(installing->place.socket, PATH_MAX, "%s", optarg);
        else if (option == 'S')
            snprintf(installing->place.spool, PATH_MAX, "%s", optarg);
        else if (option == 'e')
            installing->settings.endpoint = optarg;
    }
    return optind + 1 == argc && install_agent_find(argv[optind], &installing->settings.agent);
}

static int run(const struct command_options *options, int argc, char **argv)
{
    struct installing installing = {.settings.endpoint = ENDPOINT_DEFAULT};

    if (!read_options(&installing, argc, argv))
        return command_usage(&command_install_hooks);
    if (!command_dirs(options, &installing.dirs))
        return COMMAND_FAILED;
    installing.settings.home = getenv("HOME");
    if (installing.settings.home == NULL || installing.settings.home[0] != '/') {
        fputs("telltale install-hooks: HOME names no directory\n", stderr);
        return COMMAND_FAILED;
    }
    if (installing.hook[0] == 0 && !hook_place_program(installing.hook)) {
        fputs("telltale install-hooks: telltale-hook stands neither beside telltale nor in PATH; "
              "name it with --hook\n",
              stderr);
        return COMMAND_FAILED;
    }
    if (installing.place.socket[0] == 0 && installing.place.spool[0] == 0)
        hook_place_find(&installing.dirs, &installing.place);
    installing.settings.hook = installing.hook;
    installing.settings.socket = installing.place.socket;
    installing.settings.spool = installing.place.spool;
    return change_all(&installing);
}

const struct command command_install_hooks = {
    .name = "install-hooks",
    .synopsis = "codex|claude-code|gemini|cursor [--user|--project] [--dry-run] [--undo]\n"
                "           [--replace] [--no-content] [--hook PATH] [--socket PATH] "
                "[--spool DIR]\n           [--endpoint URL]",
    .summary = "make an agent report to the daemon, or --undo that",
    .run = run,
};
