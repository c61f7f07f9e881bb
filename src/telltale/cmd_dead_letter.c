/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_dead_letter.c -- telltale dead-letter: what destinations have refused for good; why, what
 * exactly, and once more.
 *
 * `list` and `show` read the files of the state directory.  `replay` asks the daemon, which owns
 * these files, to send letters again (deliver/replay.h); it need not run.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/exporter_type.h"
#include "deliver/replay.h"
#include "query/safe_text.h"
#include "telltale/command.h"
#include "telltale/letter_output.h"
#include "telltale/letters.h"

enum { OUTPUT_MAX = 512 << 20, SUMS_MAX = 10000 };

struct request {
    struct letters letters;
    bool all, as_json;
    enum letter_format format;
    char **ids; /* what stands behind the options */
    size_t id_count;
    struct buf out;
};

static int say(const struct error *err)
{
    fprintf(stderr, "telltale: %s\n", err->text);
    return COMMAND_FAILED;
}

static enum status flush_output(struct buf *out, struct error *err)
{
    size_t size = out->size;

    if (size > 0 && fwrite(out->data, 1, size, stdout) != size)
        return error_set_errno(err, ST_IO, "write the output");
    buf_clear(out);
    return ST_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

struct listing {
    struct request *request;
    struct letter_sum *sums; /* owned */
    size_t count;
};

static bool same_text(struct slice text, const char *other)
{
    return slice_equal(text, slice_of_text(other));
}

static char *copy_text(struct slice text)
{
    return strndup((const char *)text.data, text.size);
}

static enum status find_sum(struct listing *listing, const struct letter *letter,
                            struct letter_sum **ret, struct error *err)
{
    for (size_t i = 0; i < listing->count; i++) {
        *ret = &listing->sums[i];
        if (same_text(letter->exporter, (*ret)->exporter) &&
            same_text(letter->reason, (*ret)->reason))
            return ST_OK;
    }
    if (listing->count == SUMS_MAX)
        return error_set(err, ST_LIMIT, "more than %d exporters and reasons", SUMS_MAX);
    struct letter_sum *grown =
        reallocarray(listing->sums, listing->count + 1, sizeof(*listing->sums));
    if (grown == NULL)
        return error_set(err, ST_NO_MEMORY, "list the letters");
    listing->sums = grown;
    *ret = &grown[listing->count++];
    **ret = (struct letter_sum){.exporter = copy_text(letter->exporter),
                                .reason = copy_text(letter->reason),
                                .first_unix_ns = letter->unix_ns};
    if ((*ret)->exporter == NULL || (*ret)->reason == NULL)
        return error_set(err, ST_NO_MEMORY, "list the letters");
    return ST_OK;
}

static enum status add_up(void *context, const struct letter *letter, struct error *err)
{
    struct letter_sum *sum;

    enum status st = find_sum(context, letter, &sum, err);
    if (st != ST_OK)
        return st;
    sum->count++;
    if (letter->unix_ns < sum->first_unix_ns)
        sum->first_unix_ns = letter->unix_ns;
    if (letter->unix_ns < sum->last_unix_ns)
        return ST_OK;
    sum->last_unix_ns = letter->unix_ns;
    free(sum->message);
    sum->message = copy_text(letter->message);
    return sum->message != NULL ? ST_OK : error_set(err, ST_NO_MEMORY, "list the letters");
}

static enum status print_line(void *context, const struct letter *letter, struct error *err)
{
    struct listing *listing = context;
    struct buf *out = &listing->request->out;

    listing->count++;
    enum status st = letter_put_line(out, letter, listing->request->as_json, err);
    return st == ST_OK ? flush_output(out, err) : st;
}

static bool is_replaying(const struct request *request, const char *exporter)
{
    char name[DEAD_LETTER_NAME_SIZE];
    struct error ignored; /* no exporter has such a name, and so no replay */

    return dead_letter_file_name(exporter, name, &ignored) == ST_OK &&
           replay_is_asked(request->letters.dir, name);
}

static enum status print_sums(struct listing *listing, struct error *err)
{
    struct buf *out = &listing->request->out;
    enum status st = ST_OK;

    for (size_t i = 0; i < listing->count && st == ST_OK; i++) {
        struct letter_sum *sum = &listing->sums[i];
        sum->is_replaying = is_replaying(listing->request, sum->exporter);
        st = letter_put_sum(out, sum, listing->request->as_json, err);
    }
    return st == ST_OK ? flush_output(out, err) : st;
}

static void free_sums(struct listing *listing)
{
    for (size_t i = 0; listing->sums != NULL && i < listing->count; i++) {
        free(listing->sums[i].exporter);
        free(listing->sums[i].reason);
        free(listing->sums[i].message);
    }
    free(listing->sums);
}

static int list(struct request *request)
{
    struct listing listing = {.request = request};
    struct error err;

    if (request->id_count != 0)
        return command_usage(&command_dead_letter);
    request->letters.context = &listing;
    request->letters.on_letter = request->all ? print_line : add_up;
    enum status st = letters_read(&request->letters, &err);
    if (st == ST_OK && !request->all)
        st = print_sums(&listing, &err);
    if (st == ST_OK && listing.count == 0 && !request->as_json)
        puts("no dead letters");
    free_sums(&listing);
    return st == ST_OK ? COMMAND_OK : say(&err);
}

/* --- show ------------------------------------------------------------------------------------- */

struct showing {
    struct request *request;
    uint64_t sequence;
    size_t found;
};

static enum status show_letter(void *context, const struct letter *letter, struct error *err)
{
    struct showing *showing = context;
    struct request *request = showing->request;

    if (letter->sequence != showing->sequence)
        return ST_OK;
    showing->found++;
    enum status st = letter_put_whole(&request->out, letter, request->format, err);
    return st == ST_OK ? flush_output(&request->out, err) : st;
}

static int bad_id(const char *text)
{
    fprintf(stderr,
            "telltale: '%s' names no letter; it is EXPORTER:NUMBER, as `telltale dead-letter "
            "list --all` shows it\n",
            text);
    return COMMAND_USAGE;
}

static int show(struct request *request)
{
    struct showing showing = {.request = request};
    struct error err;

    if (request->id_count != 1 || request->all || request->letters.exporter != NULL)
        return command_usage(&command_dead_letter);
    if (!letter_id_parse(request->ids[0], &showing.sequence))
        return bad_id(request->ids[0]);
    request->letters.exporter = request->ids[0];
    request->letters.context = &showing;
    request->letters.on_letter = show_letter;
    if (letters_read(&request->letters, &err) != ST_OK)
        return say(&err);
    if (showing.found > 0)
        return COMMAND_OK;
    fprintf(stderr, "telltale: there is no dead letter '%s:%llu'\n", request->ids[0],
            (unsigned long long)showing.sequence);
    return COMMAND_FAILED;
}

/* --- replay ----------------------------------------------------------------------------------- */

/* What is asked of one exporter. */
struct wish {
    char *exporter; /* owned */
    uint64_t *sequences;
    bool *found; /* beside `sequences` */
    size_t sequence_count;
    uint64_t letter_count;
};

struct wishes {
    struct wish *items; /* owned */
    size_t count;
    bool all; /* also of exporters that are not among them yet */
};

static enum status find_wish(struct wishes *wishes, struct slice exporter, bool make,
                             struct wish **ret, struct error *err)
{
    *ret = NULL;
    for (size_t i = 0; i < wishes->count; i++) {
        if (same_text(exporter, wishes->items[i].exporter)) {
            *ret = &wishes->items[i];
            return ST_OK;
        }
    }
    if (!make)
        return ST_OK;
    if (wishes->count == SUMS_MAX)
        return error_set(err, ST_LIMIT, "more than %d exporters", SUMS_MAX);
    struct wish *grown = reallocarray(wishes->items, wishes->count + 1, sizeof(*grown));
    if (grown == NULL)
        return error_set(err, ST_NO_MEMORY, "gather the letters");
    wishes->items = grown;
    grown[wishes->count] = (struct wish){.exporter = copy_text(exporter)};
    if (grown[wishes->count].exporter == NULL)
        return error_set(err, ST_NO_MEMORY, "gather the letters");
    *ret = &grown[wishes->count++];
    return ST_OK;
}

static enum status add_sequence(struct wish *wish, uint64_t sequence, struct error *err)
{
    size_t larger = wish->sequence_count + 1;

    uint64_t *sequences = reallocarray(wish->sequences, larger, sizeof(*sequences));
    if (sequences != NULL)
        wish->sequences = sequences;
    bool *found = reallocarray(wish->found, larger, sizeof(*found));
    if (found != NULL)
        wish->found = found;
    if (sequences == NULL || found == NULL)
        return error_set(err, ST_NO_MEMORY, "gather the letters");
    sequences[wish->sequence_count] = sequence;
    found[wish->sequence_count++] = false;
    return ST_OK;
}

static enum status count_letter(void *context, const struct letter *letter, struct error *err)
{
    struct wishes *wishes = context;
    struct wish *wish;
    bool is_wanted = wishes->all;

    enum status st = find_wish(wishes, letter->exporter, wishes->all, &wish, err);
    if (st != ST_OK || wish == NULL)
        return st;
    for (size_t i = 0; i < wish->sequence_count; i++) {
        if (wish->sequences[i] == letter->sequence) {
            wish->found[i] = true;
            is_wanted = true;
        }
    }
    if (is_wanted)
        wish->letter_count++;
    return ST_OK;
}

static int read_ids(const struct request *request, struct wishes *wishes)
{
    struct error err;
    struct wish *wish;
    uint64_t sequence;

    for (size_t i = 0; i < request->id_count; i++) {
        const char *exporter = request->letters.exporter;
        if (!letter_id_parse(request->ids[i], &sequence))
            return bad_id(request->ids[i]);
        if (exporter != NULL && strcmp(exporter, request->ids[i]) != 0) {
            fprintf(stderr, "telltale: '%s:%llu' is no letter of '%s'\n", request->ids[i],
                    (unsigned long long)sequence, exporter);
            return COMMAND_USAGE;
        }
        enum status st = find_wish(wishes, slice_of_text(request->ids[i]), true, &wish, &err);
        if (st == ST_OK)
            st = add_sequence(wish, sequence, &err);
        if (st != ST_OK)
            return say(&err);
    }
    return COMMAND_OK;
}

/* Nothing is asked for when one of the letters is not there. */
static bool all_found(const struct wishes *wishes)
{
    bool good = true;

    for (size_t i = 0; i < wishes->count; i++) {
        const struct wish *wish = &wishes->items[i];
        for (size_t k = 0; k < wish->sequence_count; k++) {
            if (!wish->found[k]) {
                fprintf(stderr, "telltale: there is no dead letter '%s:%llu'\n", wish->exporter,
                        (unsigned long long)wish->sequences[k]);
                good = false;
            }
        }
    }
    return good;
}

/* Names in the files are whatever stands there. */
static void print_safe(FILE *out, const char *text)
{
    struct error err;
    struct buf safe;

    buf_init(&safe, OUTPUT_MAX);
    if (safe_text_append(&safe, slice_of_text(text), 0, NEWLINES_ESCAPED, &err) == ST_OK)
        fprintf(out, "%.*s", SLICE_ARG(buf_slice(&safe)));
    buf_fini(&safe);
}

static enum status check_type(const char *exporter, struct error *err)
{
    const struct exporter_type *type =
        exporter_type_find(slice_of(exporter, strcspn(exporter, "/")));

    if (type == NULL)
        return error_set(err, ST_INVALID, "there is no such type of exporter");
    if (type->in_order_only)
        return error_set(err, ST_INVALID, "it takes records in order only, and none again");
    return ST_OK;
}

static bool ask_one(const struct request *request, const struct wish *wish)
{
    char name[DEAD_LETTER_NAME_SIZE];
    struct error err;

    enum status st = check_type(wish->exporter, &err);
    if (st == ST_OK)
        st = dead_letter_file_name(wish->exporter, name, &err);
    if (st == ST_OK)
        st = replay_ask(NULL, request->letters.dir, name, wish->sequences, wish->sequence_count,
                        &err);
    FILE *out = st == ST_OK ? stdout : stderr;
    if (st != ST_OK)
        fputs("telltale: ", out);
    print_safe(out, wish->exporter);
    if (st != ST_OK) {
        fprintf(out, ": %s\n", err.text);
        return false;
    }
    printf(": %llu %s to be sent again, when the daemon runs and the destination answers\n",
           (unsigned long long)wish->letter_count,
           wish->letter_count == 1 ? "letter is" : "letters are");
    return true;
}

static int ask_all(const struct request *request, const struct wishes *wishes)
{
    int result = COMMAND_OK;

    for (size_t i = 0; i < wishes->count; i++) {
        if (!ask_one(request, &wishes->items[i]))
            result = COMMAND_FAILED;
    }
    if (wishes->count == 0)
        puts("no dead letters");
    return result;
}

static void free_wishes(struct wishes *wishes)
{
    for (size_t i = 0; i < wishes->count; i++) {
        free(wishes->items[i].exporter);
        free(wishes->items[i].sequences);
        free(wishes->items[i].found);
    }
    free(wishes->items);
}

static int replay(struct request *request)
{
    struct wishes wishes = {.all = request->all};
    struct letters letters = request->letters;
    struct error err;

    if (request->all == (request->id_count > 0))
        return command_usage(&command_dead_letter);
    int result = read_ids(request, &wishes);
    letters.context = &wishes;
    letters.on_letter = count_letter;
    if (result == COMMAND_OK && letters_read(&letters, &err) != ST_OK)
        result = say(&err);
    if (result == COMMAND_OK && !all_found(&wishes))
        result = COMMAND_FAILED;
    if (result == COMMAND_OK)
        result = ask_all(request, &wishes);
    free_wishes(&wishes);
    return result;
}

/* --- The command line ------------------------------------------------------------------------- */

static bool read_format(const char *text, enum letter_format *ret)
{
    static const char *const names[] = {"text", "json", "otlp-json"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum letter_format)i;
            return true;
        }
    }
    fprintf(stderr, "telltale: there is no format '%s': text, json or otlp-json\n", text);
    return false;
}

static bool read_options(struct request *request, int argc, char **argv)
{
    static const struct option known[] = {
        {"exporter", required_argument, NULL, 'e'},
        {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"format", required_argument, NULL, 'F'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'e')
            request->letters.exporter = optarg;
        else if (option == 'a')
            request->all = true;
        else if (option == 'j')
            request->as_json = true;
        else if (option != 'F' || !read_format(optarg, &request->format))
            return false;
    }
    request->ids = argv + optind;
    request->id_count = (size_t)(argc - optind);
    return true;
}

static int run_dead_letter(const struct command_options *options, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct request *request);
    } actions[] = {{"list", list}, {"show", show}, {"replay", replay}};
    struct request request = {.format = LETTER_TEXT};
    struct config_dirs dirs;
    int result = COMMAND_USAGE;

    if (argc < 2 || !read_options(&request, argc - 1, argv + 1))
        return command_usage(&command_dead_letter);
    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    letters_init(&request.letters, &dirs);
    if (request.as_json)
        request.format = LETTER_JSON;
    buf_init(&request.out, OUTPUT_MAX);
    size_t i = 0;
    while (i < COUNT_OF(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    result = i < COUNT_OF(actions) ? actions[i].run(&request) : command_usage(&command_dead_letter);
    buf_fini(&request.out);
    return result == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_FAILED : result;
}

const struct command command_dead_letter = {
    .name = "dead-letter",
    .synopsis = "list [--exporter NAME] [--all] [--json]\n"
                "       telltale dead-letter show ID [--format text|json|otlp-json]\n"
                "       telltale dead-letter replay [--exporter NAME] --all | ID...",
    .summary = "what a destination refused for good; and once more",
    .run = run_dead_letter,
};
