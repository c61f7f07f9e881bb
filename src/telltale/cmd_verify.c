/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c -- telltale verify: whether the store is unchanged, complete and attested.
 *
 * Nothing is written, and the daemon may be at work in the store. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/command.h"
#include "telltale/loss_spans.h"
#include "telltale/scan.h"
#include "telltale/verify_print.h"
#include "util/clock.h"
#include "verify/key_text.h"

enum {
    PROGRESS_PERIOD_NS = 200 * 1000 * 1000,
    WITNESSES_MAX = 16,
};

struct asked {
    char store_dir[PATH_MAX];
    struct key_texts keys, witnesses;
    const char *copies[VERIFY_COPIES_MAX];
    size_t copy_count;
    const char *stamp_cas[VERIFY_STAMP_CAS_MAX];
    size_t stamp_ca_count;
    bool as_json;
    struct loss_spans losses;
    bool shows_progress, has_shown;
    uint64_t next_ns; /* when progress is shown again; monotonic */
};

/* --- Progress -------------------------------------------------------------------------------- */

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    struct asked *asked = context;
    uint64_t now = clock_monotonic_ns();

    if (!asked->shows_progress || now < asked->next_ns)
        return;
    fprintf(stderr, "\r\x1b[K%llu of %llu MiB on the disk verified",
            (unsigned long long)(done_bytes >> 20), (unsigned long long)(total_bytes >> 20));
    asked->has_shown = true;
    asked->next_ns = now + PROGRESS_PERIOD_NS;
}

static void clear_progress(struct asked *asked)
{
    if (asked->has_shown)
        fputs("\r\x1b[K", stderr);
    asked->has_shown = false;
}

/* --- Asking ---------------------------------------------------------------------------------- */

static uint64_t count_losses(void *context, const uint8_t journal_id[JOURNAL_ID_SIZE],
                             uint64_t first, uint64_t last)
{
    const struct asked *asked = context;

    return loss_spans_count(&asked->losses, journal_id, first, last);
}

static int exit_code(const struct verify_report *report)
{
    int code = COMMAND_OK;

    for (int question = 0; question < VERIFY_QUESTION_COUNT; question++) {
        enum verify_answer answer = verify_report_answer(report, (enum verify_question)question);
        if (answer == VERIFY_NO)
            return COMMAND_FAILED;
        if (answer == VERIFY_CANNOT)
            code = COMMAND_UNSURE;
    }
    return code;
}

static int verify(struct asked *asked)
{
    const struct verify_options options = {
        .store_dir = asked->store_dir,
        .keys = (const char *const *)asked->keys.items,
        .key_count = asked->keys.count,
        .witnesses = (const char *const *)asked->witnesses.items,
        .witness_count = asked->witnesses.count,
        .stamp_cas = asked->stamp_cas,
        .stamp_ca_count = asked->stamp_ca_count,
        .copies = asked->copies,
        .copy_count = asked->copy_count,
        .count_losses = count_losses,
        .on_progress = show_progress,
        .context = asked,
    };
    struct verify_summary summary;
    struct verify_report report;
    struct error err;
    int code = COMMAND_FAILED;

    verify_report_init(&report);
    enum status st = verify_store(&options, &report, &summary, &err);
    clear_progress(asked);
    if (st == ST_OK)
        st = verify_print(asked->store_dir, &report, &summary, asked->as_json, &err);
    if (st == ST_OK && fflush(stdout) == 0)
        code = exit_code(&report);
    else
        fprintf(stderr, "telltale verify: %s\n", st != ST_OK ? err.text : "write the output");
    verify_report_fini(&report);
    return code;
}

/* --- The command line ------------------------------------------------------------------------ */

static bool take_file(const char **files, size_t *count, size_t limit, const char *path,
                      const char *what)
{
    if (*count < limit) {
        files[(*count)++] = path;
        return true;
    }
    fprintf(stderr, "telltale verify: more than %zu files of %s\n", limit, what);
    return false;
}

static bool take_key(struct key_texts *keys, const char *text)
{
    struct error err;

    if (key_texts_add(keys, text, &err) == ST_OK)
        return true;
    fprintf(stderr, "telltale verify: %s\n", err.text);
    return false;
}

static bool take_format(struct asked *asked, const char *text)
{
    asked->as_json = strcmp(text, "json") == 0;
    if (asked->as_json || strcmp(text, "text") == 0)
        return true;
    fprintf(stderr, "telltale: there is no format '%s': text or json\n", text);
    return false;
}

static bool take_option(struct asked *asked, int option, const char *value)
{
    switch (option) {
    case 's':
        (void)snprintf(asked->store_dir, sizeof(asked->store_dir), "%s", value); /* as scan.h */
        return true;
    case 'k':
        return take_key(&asked->keys, value);
    case 'w':
        return take_key(&asked->witnesses, value);
    case 'c':
        return take_file(asked->copies, &asked->copy_count, COUNT_OF(asked->copies), value,
                         "checkpoints");
    case 't':
        return take_file(asked->stamp_cas, &asked->stamp_ca_count, COUNT_OF(asked->stamp_cas),
                         value, "certificates");
    case 'f':
        return take_format(asked, value);
    default:
        return false;
    }
}

static bool read_options(struct asked *asked, int argc, char **argv)
{
    static const struct option known[] = {
        {"store", required_argument, NULL, 's'},
        {"key", required_argument, NULL, 'k'},
        {"witness", required_argument, NULL, 'w'},
        {"checkpoint", required_argument, NULL, 'c'},
        {"format", required_argument, NULL, 'f'},
        {"timestamp-ca", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!take_option(asked, option, optarg))
            return false;
    }
    return optind == argc;
}

static int run_asked(struct asked *asked, const struct config_dirs *dirs, int argc, char **argv)
{
    struct error err;

    scan_default_store(dirs, asked->store_dir);
    key_texts_init(&asked->keys, VERIFY_KEYS_MAX);
    key_texts_init(&asked->witnesses, WITNESSES_MAX);
    asked->shows_progress = isatty(STDERR_FILENO) == 1;
    if (!read_options(asked, argc, argv))
        return command_usage(&command_verify);
    if (loss_spans_read(&asked->losses, dirs->state_dir, &err) == ST_OK)
        return verify(asked);
    fprintf(stderr, "telltale verify: %s\n", err.text);
    return COMMAND_FAILED;
}

static int run_verify(const struct command_options *options, int argc, char **argv)
{
    struct config_dirs dirs;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL) {
        fputs("telltale: out of memory\n", stderr);
        return COMMAND_FAILED;
    }
    int code = run_asked(asked, &dirs, argc, argv);
    key_texts_fini(&asked->keys);
    key_texts_fini(&asked->witnesses);
    loss_spans_fini(&asked->losses);
    free(asked);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .synopsis = "[--store DIR] [--key KEY|FILE]... [--checkpoint FILE]...\n"
                "                      [--witness KEY|FILE]... [--timestamp-ca FILE]...\n"
                "                      [--format text|json]",
    .summary = "whether the store is unchanged, complete and attested",
    .run = run_verify,
};
