/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c -- telltale export: the records that were asked for as an evidence bundle
 * (src/bundle/bundle.h).
 *
 * The store is only read, and the daemon may be at work in it. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "query/filter_plan.h"
#include "store/store_record.h"
#include "telltale/command.h"
#include "telltale/export_record.h"
#include "telltale/filter_options.h"
#include "util/clock.h"
#include "util/fd.h"
#include "verify/key_text.h"
#include "verify/verify.h"

enum { OPTION_BUNDLE = 0x200, OPTION_BY, OPTION_REASON, OPTION_CASE, OPTION_KEY, OPTION_NO_RECORD };
enum { BOOT_ID_SIZE = 64, USER_SIZE = 256 };

struct asked {
    struct filter_options filter;
    struct key_texts keys;
    const char *path; /* of the bundle */
    char socket[PATH_MAX + 16];
    bool has_no_record; /* asked for */
    struct custody custody;
    struct store_plan *plan;
    struct store_record *record;
    struct utsname host;
    char boot_id[BOOT_ID_SIZE], user[USER_SIZE];
};

/* --- Which records --------------------------------------------------------------------------- */

struct match {
    const struct query_filter *filter;
    bool found;
};

static enum status on_record(void *context, const struct store_record_view *view, struct error *err)
{
    struct match *match = context;
    const struct field_record seen = {.group = view->group, .view = view->record};

    (void)err;
    match->found |= query_filter_matches(match->filter, view->bytes, &seen);
    return ST_OK;
}

static enum status matches(void *context, struct slice line, bool *ret, struct error *err)
{
    struct asked *asked = context;
    struct match match = {.filter = &asked->filter.filter};

    *ret = false;
    if (!store_plan_takes_line(asked->plan, line))
        return ST_OK;
    enum status st = store_record_read(asked->record, line, on_record, &match, err);
    if (st == ST_INVALID || st == ST_LIMIT) { /* no record, so none that was asked for */
        fprintf(stderr, "telltale: passed over: %s\n", err->text);
        return ST_OK;
    }
    *ret = match.found;
    return st;
}

static bool may_match(void *context, int dir_fd, const struct store_file_name *name)
{
    const struct asked *asked = context;
    struct store_index *index = NULL;
    struct frame_set frames = {.count = 0};
    char text[STORE_FILE_NAME_SIZE];
    struct error ignored; /* the file is read then */
    bool may = true;

    store_file_name_format(name, text);
    int fd = name->compressed ? openat(dir_fd, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return true;
    if (store_index_open(dir_fd, name, fd, &index, &ignored) == ST_OK &&
        store_plan_find_frames(asked->plan, index, &frames, &ignored) == ST_OK)
        may = frame_set_next(&frames, 0) < frames.count;
    frame_set_fini(&frames);
    store_index_close(index);
    (void)close(fd); /* only read from */
    return may;
}

/* --- Custody --------------------------------------------------------------------------------- */

static void read_boot_id(struct asked *asked)
{
    struct error ignored;
    size_t got = 0;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (fd_read_up_to(fd, asked->boot_id, sizeof(asked->boot_id) - 1, &got, &ignored) == ST_OK) {
        asked->boot_id[strcspn(asked->boot_id, "\n")] = 0;
        asked->custody.boot_id = asked->boot_id;
    }
    (void)close(fd); /* only read from */
}

/* Only how many there are: their names are of other cases. */
static uint64_t count_holds(const char *store_dir)
{
    char path[PATH_MAX + sizeof("/holds")];
    uint64_t count = 0;
    const struct dirent *item;

    (void)snprintf(path, sizeof(path), "%s/holds", store_dir); /* fits */
    DIR *stream = opendir(path);
    if (stream == NULL)
        return 0;
    while ((item = readdir(stream)) != NULL) {
        size_t size = strlen(item->d_name);
        count += size > strlen(".json") && strcmp(item->d_name + size - 5, ".json") == 0;
    }
    (void)closedir(stream); /* only read from */
    return count;
}

static void fill_custody(struct asked *asked)
{
    struct custody *custody = &asked->custody;
    const struct passwd *user = getpwuid(getuid());
    struct error ignored;

    custody->unix_ns = clock_unix_ns();
    custody->monotonic_ns = clock_monotonic_ns();
    custody->uid = getuid();
    if (user != NULL) {
        (void)snprintf(asked->user, sizeof(asked->user), "%s", user->pw_name); /* may be cut */
        custody->user = asked->user;
    }
    if (uname(&asked->host) == 0)
        custody->host = asked->host.nodename;
    read_boot_id(asked);
    custody->has_program = export_hash_file("/proc/self/exe", &custody->program, &ignored) == ST_OK;
    custody->version = TELLTALE_VERSION;
    custody->store_dir = asked->filter.store_dir;
    custody->holds = count_holds(asked->filter.store_dir);
}

/* --- Export ---------------------------------------------------------------------------------- */

static void print_done(const struct asked *asked, const struct evidence *evidence,
                       const struct hash *manifest)
{
    printf("%s\n  %zu records, proved by the checkpoint of %" PRIu64 " records\n", asked->path,
           evidence->proved_count, evidence->checkpoint.size);
    if (evidence->count > evidence->proved_count)
        printf("  %zu records that are not proved: uncovered.txt in it says why\n",
               evidence->count - evidence->proved_count);
    if (evidence->why[0] != 0)
        printf("  nothing is proved: %s\n", evidence->why);
    if (asked->keys.count > 0 && !evidence->judgement.is_anchored)
        printf("  the given key does not lead to the key that signed the checkpoint\n");
    printf("  SHA-256 of its manifest-sha256.txt, to be kept with the papers of the case:\n  ");
    for (size_t i = 0; i < HASH_SIZE; i++)
        printf("%02x", manifest->bytes[i]);
    putchar('\n');
}

/* That others are to know of it does not undo it: the bundle is there. */
static void put_on_record(const struct asked *asked, const struct evidence *evidence)
{
    struct error err;

    if (asked->has_no_record)
        return;
    enum status st =
        export_record_send(asked->socket, asked->path, evidence, &asked->custody, &err);
    if (st == ST_OK)
        printf("  this export is on record in the log of the daemon\n");
    else
        fprintf(stderr, "telltale: this export is not on record: %s\n", err.text);
}

static bool is_in_doubt(const struct asked *asked, const struct evidence *evidence)
{
    return evidence->proved_count < evidence->count || evidence->is_unsettled ||
           (asked->keys.count > 0 && !evidence->judgement.is_anchored);
}

static enum status export_evidence(struct asked *asked, struct evidence *evidence,
                                   struct error *err)
{
    struct evidence_options options = {.store_dir = asked->filter.store_dir,
                                       .keys = (const char *const *)asked->keys.items,
                                       .key_count = asked->keys.count,
                                       .matches = matches,
                                       .may_match = may_match,
                                       .context = asked};
    struct hash manifest;

    enum status st = filter_plan_create(&asked->filter.filter, &asked->plan, err);
    if (st == ST_OK)
        st = store_record_create(&asked->record, err);
    if (st == ST_OK)
        st = evidence_gather(evidence, &options, err);
    if (st == ST_OK && evidence->count == 0)
        st = error_set(err, ST_NOT_FOUND, "there is no such record, and so no bundle");
    if (st != ST_OK)
        return st;
    fill_custody(asked);
    st = bundle_write(asked->path, evidence, &asked->custody, &manifest, err);
    if (st == ST_OK)
        print_done(asked, evidence, &manifest);
    if (st == ST_OK)
        put_on_record(asked, evidence);
    return st;
}

static int export_asked(struct asked *asked)
{
    struct evidence evidence;
    struct error err;

    evidence_init(&evidence);
    enum status st = export_evidence(asked, &evidence, &err);
    int code = is_in_doubt(asked, &evidence) ? COMMAND_UNSURE : COMMAND_OK;
    if (st != ST_OK) {
        fprintf(stderr, "telltale: %s\n", err.text);
        code = COMMAND_FAILED;
    }
    store_record_destroy(asked->record);
    store_plan_destroy(asked->plan);
    evidence_fini(&evidence);
    return code;
}

static bool take_key(struct asked *asked, const char *text)
{
    struct error err;

    if (key_texts_add(&asked->keys, text, &err) == ST_OK)
        return true;
    fprintf(stderr, "telltale: %s\n", err.text);
    return false;
}

static bool take_option(struct asked *asked, int option, const char *value)
{
    switch (option) {
    case OPTION_BUNDLE:
        asked->path = value;
        return true;
    case OPTION_BY:
        asked->custody.by = value;
        return true;
    case OPTION_REASON:
        asked->custody.reason = value;
        return true;
    case OPTION_CASE:
        asked->custody.case_id = value;
        return true;
    case OPTION_KEY:
        return take_key(asked, value);
    case OPTION_NO_RECORD:
        asked->has_no_record = true;
        return true;
    default:
        return filter_options_take(&asked->filter, option, value);
    }
}

static bool read_options(struct asked *asked, int argc, char **argv)
{
    static const struct option known[] = {
        FILTER_OPTIONS_LONG,
        {"bundle", required_argument, NULL, OPTION_BUNDLE},
        {"by", required_argument, NULL, OPTION_BY},
        {"reason", required_argument, NULL, OPTION_REASON},
        {"case", required_argument, NULL, OPTION_CASE},
        {"key", required_argument, NULL, OPTION_KEY},
        {"no-record", no_argument, NULL, OPTION_NO_RECORD},
        {NULL, 0, NULL, 0},
    };
    char name[ARCHIVE_NAME_MAX + 1];
    int option;

    while ((option = getopt_long(argc, argv, FILTER_OPTIONS_SHORT, known, NULL)) != -1) {
        if (!take_option(asked, option, optarg))
            return false;
    }
    if (optind != argc || asked->path == NULL)
        return false;
    if (bundle_name(asked->path, name))
        return true;
    fprintf(stderr,
            "telltale: a bundle is called NAME.tar.zst: letters, digits, '.', '_', '-', at most %d "
            "characters\n",
            ARCHIVE_NAME_MAX);
    return false;
}

static int run_export(const struct command_options *options, int argc, char **argv)
{
    struct config_dirs dirs;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL) {
        fputs("telltale: out of memory\n", stderr);
        return COMMAND_FAILED;
    }
    asked->custody.question = (const char *const *)argv + 1;
    asked->custody.question_count = (size_t)argc - 1;
    (void)snprintf(asked->socket, sizeof(asked->socket), "%s/agent.sock", dirs.run_dir); /* fits */
    filter_options_init(&asked->filter, &dirs);
    key_texts_init(&asked->keys, VERIFY_KEYS_MAX);
    int code =
        read_options(asked, argc, argv) ? export_asked(asked) : command_usage(&command_export);
    key_texts_fini(&asked->keys);
    filter_options_fini(&asked->filter);
    free(asked);
    return code;
}

const struct command command_export = {
    .name = "export",
    .synopsis =
        "--bundle NAME.tar.zst " FILTER_OPTIONS_SYNOPSIS "\n"
        "                      [--by NAME] [--reason TEXT] [--case ID] [--key KEY|FILE]...\n"
        "                      [--no-record]",
    .summary = "records with all that proves them, as an evidence bundle",
    .run = run_export,
};
