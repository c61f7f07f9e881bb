/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c -- see verify.h.
 *
 * First what was signed is read, then the lines: so in a store that is being written to there are
 * at least as many lines as were signed. */
#include "verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "telltale/checkpoint_line.h"
#include "verify/checkpoint_set.h"
#include "verify/tree_walk.h"

/* Where the last closed files ended before anything else was read: each has had its checkpoint. */
struct closed_ends {
    uint64_t last, second_last;
    size_t count; /* with files that have proofs, and no manifest that says where they end */
    struct file_identity checkpoints; /* before they were read */
};

static enum status read_closed_ends(int dir_fd, struct closed_ends *ret, struct error *err)
{
    struct file_plan plan;
    struct stat info;

    file_plan_init(&plan);
    enum status st = file_plan_read(&plan, dir_fd, err);
    for (size_t i = 0; i < plan.count && st == ST_OK; i++) {
        ret->count += plan.files[i].is_closed || plan.files[i].has_proof;
        if (!plan.files[i].is_closed || plan.files[i].end_index <= ret->last)
            continue;
        ret->second_last = ret->last;
        ret->last = plan.files[i].end_index;
    }
    file_plan_fini(&plan);
    if (fstatat(dir_fd, STORE_CHECKPOINTS_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0)
        file_identify(&info, &ret->checkpoints);
    return st;
}

/* A file is closed with a checkpoint: the last one may be waiting for it, for a moment, or after a
 * crash until the next start. */
static void look_at_seals(const struct checkpoint_set *set, const struct closed_ends *ends,
                          int dir_fd, struct verify_report *report)
{
    struct verify_finding finding;
    bool is_missing = ends->second_last > set->last_size;

    if (set->lines == 0 || ends->last <= set->last_size)
        return;
    if (!is_missing && !file_identity_holds(&ends->checkpoints, dir_fd, STORE_CHECKPOINTS_NAME))
        return; /* it has come meanwhile */
    verify_finding_set(&finding, VERIFY_ATTESTED, is_missing ? VERIFY_NO : VERIFY_CANNOT,
                       STORE_CHECKPOINTS_NAME,
                       is_missing ? "files were closed behind the last checkpoint, and each has "
                                    "one: checkpoints are missing"
                                  : "a file was closed behind the last checkpoint: its own is "
                                    "missing, unless there was a crash just then");
    finding.has_line = true;
    finding.line = set->lines;
    verify_report_add(report, &finding);
}

static void tell_old(const struct tree_walk *walk, struct verify_report *report)
{
    const struct verify_summary *summary = walk->summary;

    if (summary->old_files > 0)
        verify_report_say(report, VERIFY_UNCHANGED, VERIFY_CANNOT, NULL,
                          "%" PRIu64 " records in %" PRIu64
                          " files have no proof: from before there were any, or written without",
                          summary->old_lines, summary->old_files);
    if (!walk->has_tree)
        verify_report_say(report, VERIFY_COMPLETE, VERIFY_CANNOT, NULL,
                          "no file has a proof: nothing tells what was there");
}

static void tell_rest(const struct tree_walk *walk, struct verify_report *report)
{
    const struct verify_summary *summary = walk->summary;

    tell_old(walk, report);
    if (summary->unmatched_sizes > 0 && !walk->is_lost)
        verify_report_say(report, VERIFY_UNCHANGED, VERIFY_YES, NULL,
                          "the roots of %" PRIu64
                          " checkpoints lie within records that are gone: the roots behind them "
                          "stand for them",
                          summary->unmatched_sizes);
    if (summary->uncovered_lines > 0)
        verify_report_say(report, VERIFY_ATTESTED, VERIFY_YES, NULL,
                          "%" PRIu64 " records are not yet covered by a checkpoint",
                          summary->uncovered_lines);
    if (summary->lost > 0)
        verify_report_say(report, VERIFY_COMPLETE, VERIFY_YES, NULL,
                          "%" PRIu64 " records of the journal were lost: the book of losses has "
                          "them",
                          summary->lost);
    if (summary->passed_by > 0)
        verify_report_say(report, VERIFY_COMPLETE, VERIFY_YES, NULL,
                          "%" PRIu64 " numbers of the journal are of records that the store was "
                          "not given: of other signals, or held back by a filter",
                          summary->passed_by);
}

static void fill_summary(const struct tree_walk *walk, struct verify_summary *summary)
{
    const struct checkpoint_set *set = walk->set;
    size_t epochs = key_chain_count(set->chain);
    uint64_t last = set->last_size;

    summary->leaves = walk->next_index;
    summary->checkpoints = set->lines;
    summary->copies = set->copies;
    summary->epochs = epochs;
    summary->last_size = last;
    summary->uncovered_lines = walk->next_index > last ? walk->next_index - last : 0;
    (void)snprintf(summary->origin, sizeof(summary->origin), "%s",
                   key_chain_origin(set->chain)); /* fits */
    for (size_t i = set->count; i-- > 0;) {
        if (set->roots[i].copy == 0 && set->roots[i].size == last) {
            hash_format_base64(&set->roots[i].root, summary->last_root);
            break;
        }
    }
    if (epochs == 0)
        return;
    struct epoch_certificate first = key_chain_epoch(set->chain, 0);
    note_vkey_format(&first.vkey, summary->first_key);
    summary->first_unix_s = first.unix_s;
    summary->last_unix_s = key_chain_epoch(set->chain, epochs - 1).unix_s;
}

static unsigned choose_threads(unsigned wanted)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (wanted == 0)
        wanted = processors > 0 ? (unsigned)processors : 1;
    return wanted < VERIFY_THREADS_MAX ? wanted : VERIFY_THREADS_MAX;
}

static enum status verify_tree(const struct verify_options *options, struct checkpoint_set *set,
                               const struct closed_ends *ends, int dir_fd,
                               struct verify_report *report, struct verify_summary *summary,
                               struct error *err)
{
    struct tree_walk walk = {
        .dir_fd = dir_fd, .options = options, .set = set, .report = report, .summary = summary};

    enum status st = check_pool_create(choose_threads(options->threads), &walk.pool, err);
    if (st != ST_OK)
        return st;
    tree_walk_init(&walk);
    st = deed_book_create(dir_fd, key_chain_origin(set->chain), &walk.deeds, err);
    if (st == ST_OK)
        st = tree_walk_run(&walk, err);
    if (st == ST_OK)
        st = deed_book_conclude(walk.deeds, dir_fd, report, err);
    if (st == ST_OK) {
        fill_summary(&walk, summary);
        look_at_seals(set, ends, dir_fd, report);
        checkpoint_set_conclude(set, walk.has_tree, ends->count > 1); /* the last may wait */
        tell_rest(&walk, report);
    }
    check_pool_destroy(walk.pool);
    deed_book_destroy(walk.deeds);
    tree_walk_fini(&walk);
    if (st == ST_OK && report->has_no_memory)
        st = error_set(err, ST_NO_MEMORY, "keep what was found");
    return st;
}

enum status verify_store(const struct verify_options *options, struct verify_report *report,
                         struct verify_summary *ret, struct error *err)
{
    struct closed_ends ends = {.last = 0};
    struct checkpoint_set set;

    *ret = (struct verify_summary){.files = 0};
    int dir_fd = open(options->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_set_errno(err, errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND : ST_IO,
                               "open the store '%s'", options->store_dir);
    enum status st = checkpoint_set_init(&set, options, report, err);
    if (st == ST_OK)
        st = read_closed_ends(dir_fd, &ends, err);
    if (st == ST_OK)
        st = checkpoint_set_read(&set, dir_fd, err);
    if (st == ST_OK)
        st = verify_tree(options, &set, &ends, dir_fd, report, ret, err);
    checkpoint_set_fini(&set);
    (void)close(dir_fd); /* a directory */
    return st;
}
