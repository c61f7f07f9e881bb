/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_losses.c -- telltale losses: what destinations never got, and why.
 *
 * Reads the loss ledger of the state directory (deliver/loss_ledger.h); the daemon need not run.
 * Whoever can write there can write anything: what is printed acts on no terminal.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "deliver/loss_ledger.h"
#include "query/safe_text.h"
#include "query/time_text.h"
#include "telltale/command.h"

enum { OUTPUT_MAX = 1 << 20 };

struct listing {
    bool as_json;
    struct buf out;
    struct loss_totals sums; /* of all */
};

static enum status flush_output(struct listing *listing, struct error *err)
{
    size_t size = listing->out.size;

    if (size > 0 && fwrite(listing->out.data, 1, size, stdout) != size)
        return error_set_errno(err, ST_IO, "write the output");
    buf_clear(&listing->out);
    return ST_OK;
}

static enum status put(struct listing *listing, const char *text, struct error *err)
{
    return safe_text_append(&listing->out, slice_of_text(text), 0, NEWLINES_ESCAPED, err);
}

static enum status put_words(struct listing *listing, const struct loss_words *words,
                             struct error *err)
{
    enum status st = ST_OK;
    char count[32];

    for (size_t i = 0; i < words->count && st == ST_OK; i++) {
        snprintf(count, sizeof(count), " %llu", (unsigned long long)words->items[i].count);
        st = put(listing, i == 0 ? "  " : ", ", err);
        if (st == ST_OK)
            st = put(listing, words->items[i].text, err);
        if (st == ST_OK)
            st = put(listing, count, err);
    }
    return st;
}

static enum status put_line(struct listing *listing, const struct loss *loss, struct error *err)
{
    char time[TIME_TEXT_SIZE];
    char head[512];

    time_format_local(loss->unix_ns, time);
    snprintf(head, sizeof(head), "%s  %-24s %-17s %10llu records %12llu bytes  %llu-%llu", time,
             loss->destination, loss_reason_text(loss->reason), (unsigned long long)loss->records,
             (unsigned long long)loss->bytes, (unsigned long long)loss->first,
             (unsigned long long)loss->last);
    enum status st = put(listing, head, err);
    if (st == ST_OK && loss->file[0] != 0)
        st = put(listing, "  ", err);
    if (st == ST_OK)
        st = put(listing, loss->file, err);
    if (st == ST_OK)
        st = put_words(listing, &loss->kinds, err);
    if (st == ST_OK)
        st = buf_append(&listing->out, "\n", 1, err);
    return st;
}

static enum status take_loss(void *context, const struct loss *loss, struct error *err)
{
    struct listing *listing = context;

    loss_totals_add(&listing->sums, loss);
    enum status st =
        listing->as_json ? loss_write(loss, &listing->out, err) : put_line(listing, loss, err);
    return st == ST_OK ? flush_output(listing, err) : st;
}

static enum status take_totals(void *context, const struct loss_totals *totals, struct error *err)
{
    struct listing *listing = context;

    listing->sums = *totals;
    if (!listing->as_json || totals->count == 0)
        return ST_OK;
    enum status st = loss_totals_write(totals, &listing->out, err);
    return st == ST_OK ? flush_output(listing, err) : st;
}

static enum status put_sums(struct listing *listing, struct error *err)
{
    enum status st = put(listing, listing->sums.count > 0 ? "in all" : "no losses", err);
    char line[512];

    for (size_t i = 0; i < listing->sums.count && st == ST_OK; i++) {
        const struct loss_total *total = &listing->sums.items[i];
        snprintf(line, sizeof(line), "  %-24s %-17s %10llu records %12llu bytes in %llu incidents",
                 total->destination, loss_reason_text(total->reason),
                 (unsigned long long)total->records, (unsigned long long)total->bytes,
                 (unsigned long long)total->incidents);
        st = buf_append(&listing->out, "\n", 1, err);
        if (st == ST_OK)
            st = put(listing, line, err);
    }
    if (st == ST_OK)
        st = buf_append(&listing->out, "\n", 1, err);
    return st == ST_OK ? flush_output(listing, err) : st;
}

static int list(const char *state_dir, struct listing *listing)
{
    const struct loss_visitor visitor = {listing, take_totals, take_loss};
    uint64_t bad_lines = 0;
    struct error err;

    enum status st = loss_ledger_read(state_dir, &visitor, &bad_lines, &err);
    if (st == ST_NOT_FOUND) /* no daemon has run there */
        st = ST_OK;
    if (st == ST_OK && !listing->as_json)
        st = put_sums(listing, &err);
    if (bad_lines > 0)
        fprintf(stderr, "telltale: %llu lines of the loss ledger cannot be read\n",
                (unsigned long long)bad_lines);
    if (st == ST_OK && fflush(stdout) == 0)
        return COMMAND_OK;
    fprintf(stderr, "telltale: %s\n", st != ST_OK ? err.text : "write the output");
    return COMMAND_FAILED;
}

static int run_losses(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct config_dirs dirs;
    int option;
    struct listing *listing = calloc(1, sizeof(*listing));

    if (listing == NULL) {
        fputs("telltale: out of memory\n", stderr);
        return COMMAND_FAILED;
    }
    buf_init(&listing->out, OUTPUT_MAX);
    int result = COMMAND_OK;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        listing->as_json = true;
        if (option != 'j')
            result = COMMAND_USAGE;
    }
    if (result != COMMAND_OK || optind != argc)
        result = command_usage(&command_losses);
    else
        result = command_dirs(options, &dirs) ? list(dirs.state_dir, listing) : COMMAND_FAILED;
    buf_fini(&listing->out);
    free(listing);
    return result;
}

const struct command command_losses = {
    .name = "losses",
    .synopsis = "[--json]",
    .summary = "what destinations never got, and why",
    .run = run_losses,
};
