/* SPDX-License-Identifier: Apache-2.0 */
/* tree_walk.c -- see tree_walk.h.
 *
 * A plan (file_plan.h) is walked from the first file to the last, and the active file comes at the
 * end.  The writer goes on meanwhile: files are rotated, compressed, rewritten and deleted.  So
 * before anything is said to be wrong with a file, it is looked whether directory, manifest and
 * that file are still as they were when the plan was made; if not, a new plan is made and the walk
 * goes on with it behind the last file that it is done with.
 *
 * A file that does not agree with its proof is named, and for the tree the range counts that
 * manifest or proof have of it: so the roots behind it can still be computed, and whether others
 * were changed as well comes out.  Only when leaves are not known at all, or a root turns out to be
 * another than the signed one, no root behind it can be compared any more.
 */
#include "verify/tree_walk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "verify/file_outcome.h"

enum { PLAN_TRIES_MAX = 16, PLAN_PAUSE_US = 20000 };

void tree_walk_init(struct tree_walk *walk)
{
    file_plan_init(&walk->plan);
    merkle_range_init(&walk->tree, 0);
}

void tree_walk_fini(struct tree_walk *walk)
{
    file_plan_fini(&walk->plan);
}

/* --- Roots ----------------------------------------------------------------------------------- */

static void tell_root(struct tree_walk *walk, const struct signed_root *root, const char *file)
{
    struct verify_finding finding;
    const char *from = walk->good_file[0] != 0 ? walk->good_file : "the first file";

    verify_finding_set(&finding, VERIFY_UNCHANGED, VERIFY_NO, file,
                       "the root at size %" PRIu64 " is not the signed one (%s, line %" PRIu64
                       "): something from leaf %" PRIu64 " on, from %s to here, is not what was "
                       "written",
                       root->size, checkpoint_set_file(walk->set, root), root->line,
                       walk->good_size, from);
    finding.has_index = true;
    finding.index = walk->good_size;
    verify_report_add(walk->report, &finding);
    if (root->copy == 0)
        return;
    verify_finding_set(&finding, VERIFY_ATTESTED, VERIFY_NO, checkpoint_set_file(walk->set, root),
                       "the root at size %" PRIu64 " is not that of this store", root->size);
    finding.has_line = true;
    finding.line = root->line;
    verify_report_add(walk->report, &finding);
}

/* Compares with all that was signed up to the leaves that are there. */
static void compare_roots(struct tree_walk *walk, const char *file)
{
    const struct checkpoint_set *set = walk->set;
    struct hash root;

    while (walk->next_root < set->count && set->roots[walk->next_root].size < walk->next_index) {
        walk->summary->unmatched_sizes++;
        walk->next_root++;
    }
    if (walk->next_root == set->count || set->roots[walk->next_root].size != walk->next_index)
        return;
    if (!walk->is_lost)
        merkle_range_root(&walk->tree, &root);
    for (; walk->next_root < set->count; walk->next_root++) {
        const struct signed_root *signed_root = &set->roots[walk->next_root];
        if (signed_root->size != walk->next_index)
            break;
        if (walk->is_lost) {
            walk->summary->unmatched_sizes++;
        } else if (hash_equal(&root, &signed_root->root)) {
            walk->summary->matched++;
            walk->good_size = signed_root->size;
            (void)snprintf(walk->good_file, sizeof(walk->good_file), "%s", file); /* fits */
        } else {
            tell_root(walk, signed_root, file);
            walk->is_lost = true;
        }
    }
}

static enum status append(struct tree_walk *walk, const struct merkle_range *range,
                          const char *file, struct error *err)
{
    enum status st = ST_OK;

    if (!walk->is_lost)
        st = merkle_range_append(&walk->tree, range, err);
    walk->next_index = range->end;
    if (st == ST_OK)
        compare_roots(walk, file);
    return st;
}

static enum status append_outcome(struct tree_walk *walk, const struct file_outcome *outcome,
                                  const struct file_check *check, const char *file,
                                  struct error *err)
{
    struct merkle_range piece;
    enum status st = ST_OK;

    if (!outcome->has_range)
        return ST_OK;
    walk->has_tree = true;
    walk->is_lost |= outcome->begins_late;
    if (!outcome->has_pieces)
        return append(walk, &outcome->range, file, err);
    ASSERT(check != NULL); /* who found pieces has looked at the file */
    for (size_t i = 0; i < check->piece_count && st == ST_OK; i++) {
        file_check_piece(check, i, &piece);
        st = append(walk, &piece, file, err);
    }
    return st;
}

/* --- What a file counts for ------------------------------------------------------------------ */

static void count_gap(struct tree_walk *walk, const uint8_t *journal_id, uint64_t first,
                      uint64_t last, uint64_t there)
{
    const struct verify_options *options = walk->options;
    uint64_t missing = last - first + 1 - there;

    if (last < first || last - first + 1 < there || missing == 0)
        return;
    uint64_t lost = options->count_losses != NULL
                        ? options->count_losses(options->context, journal_id, first, last)
                        : 0;
    lost = lost < missing ? lost : missing;
    walk->summary->lost += lost;
    walk->summary->passed_by += missing - lost;
}

/* Which records of the journal are not in the store: within a file, and between two. */
static void count_sequences(struct tree_walk *walk, const struct file_check *check)
{
    if (!check->has_places)
        return;
    const struct store_place *first = &check->first_place;
    const struct store_place *last = &check->last_place;
    bool is_same =
        walk->has_last && memcmp(walk->last_journal, first->journal_id, JOURNAL_ID_SIZE) == 0;
    if (is_same && first->sequence > walk->last_sequence + 1)
        count_gap(walk, first->journal_id, walk->last_sequence + 1, first->sequence - 1, 0);
    count_gap(walk, first->journal_id, first->sequence, last->sequence,
              check->lines + check->erased_lines);
    memcpy(walk->last_journal, last->journal_id, JOURNAL_ID_SIZE);
    walk->last_sequence = last->sequence;
    walk->has_last = true;
}

static void count_check(struct tree_walk *walk, const struct file_outcome *outcome,
                        const struct file_check *check)
{
    struct verify_summary *summary = walk->summary;

    summary->files++;
    summary->lines += check->lines;
    summary->bytes += check->bytes;
    summary->erased_lines += check->erased_lines;
    if (outcome->is_unproved) {
        summary->old_files++;
        summary->old_lines += check->lines;
    }
    count_sequences(walk, check);
    walk->done_bytes += check->disk_bytes;
    if (walk->options->on_progress != NULL)
        walk->options->on_progress(walk->options->context, walk->done_bytes,
                                   walk->done_bytes > walk->total_bytes ? walk->done_bytes
                                                                        : walk->total_bytes);
}

static void count_absent(struct tree_walk *walk, const struct plan_file *file,
                         const struct file_outcome *outcome)
{
    ASSERT(file != NULL);
    walk->has_last = false; /* what was before the next line is not known */
    if (!outcome->has_range || !(file->is_gone || file->is_deleted))
        return;
    walk->summary->deleted_files += file->is_gone ? file->gone_files : 1;
    walk->summary->deleted_lines += outcome->range.end - outcome->range.first;
}

static bool has_no(const struct verify_report *report)
{
    for (int question = 0; question < VERIFY_QUESTION_COUNT; question++) {
        if (verify_report_answer(report, (enum verify_question)question) == VERIFY_NO)
            return true;
    }
    return false;
}

static void give_findings(struct tree_walk *walk, const struct verify_report *found)
{
    for (size_t i = 0; i < found->count; i++)
        verify_report_add(walk->report, &found->findings[i]);
}

/* --- Closed files ---------------------------------------------------------------------------- */

/* Whether its lines are there to be checked. */
static bool needs_check(const struct plan_file *file)
{
    return (file->has_plain || file->has_compressed) && !file->is_deleted && !file->is_gone;
}

static void make_job(const struct tree_walk *walk, size_t index, struct file_check_job *ret)
{
    const struct plan_file *file = &walk->plan.files[index];
    bool is_compressed = file->has_compressed && (file->is_compressed || !file->has_plain);

    *ret = (struct file_check_job){.dir_fd = walk->dir_fd,
                                   .is_compressed = is_compressed,
                                   .has_sha256 =
                                       file->has_sha256 && (is_compressed || !file->is_compressed),
                                   .sha256 = file->sha256,
                                   .sizes = walk->set->sizes,
                                   .size_count = walk->set->size_count,
                                   .on_line = deed_book_line,
                                   .context = walk->deeds};
    struct store_file_name name = file->name;
    name.compressed = is_compressed;
    store_file_name_format(&name, ret->name);
    ret->has_index = is_compressed && file->has_index;
    ret->index_of = name;
    if (walk->plan.is_proof_of_last && index + 1 == walk->plan.count)
        (void)snprintf(ret->proof_name, sizeof(ret->proof_name), "%s", STORE_PROOF_ACTIVE_NAME);
    else if (file->has_proof || file->is_closed)
        (void)snprintf(ret->proof_name, sizeof(ret->proof_name), "%s" STORE_PROOF_SUFFIX,
                       file->base);
}

/* Everything is still as it was when the plan was made and the file was read. */
static bool is_settled(const struct tree_walk *walk, const struct file_check_job *job,
                       const struct file_check *check)
{
    return file_plan_holds(&walk->plan, walk->dir_fd) &&
           (check == NULL ||
            (file_identity_holds(&check->data_identity, walk->dir_fd, job->name) &&
             (job->proof_name[0] == 0 ||
              file_identity_holds(&check->proof_identity, walk->dir_fd, job->proof_name))));
}

/* ST_AGAIN: the store has changed meanwhile. */
static enum status settle(struct tree_walk *walk, const struct plan_file *file,
                          const struct file_check_job *job, const struct file_check *check,
                          bool may_retry, struct file_outcome *outcome, struct error *err)
{
    if (check != NULL && check->status == ST_NOT_FOUND) {
        if (may_retry)
            return ST_AGAIN;
        verify_report_say(&outcome->found, VERIFY_COMPLETE, VERIFY_NO, job->name,
                          "the file has gone");
    } else if (check != NULL && check->status != ST_OK) {
        *err = check->err;
        return check->status;
    } else if (check != NULL) {
        file_outcome_of_lines(walk, file, job, check, outcome);
    } else {
        file_outcome_of_absent(walk, file, outcome);
    }
    file_outcome_check_index(walk, check != NULL ? job->name : file->base,
                             check != NULL ? job->proof_name : STORE_MANIFEST_NAME, outcome);
    /* A file that had no proof when the plan was made may have got one with its first lines. */
    if ((has_no(&outcome->found) || outcome->is_unproved) && may_retry &&
        !is_settled(walk, job, check))
        return ST_AGAIN;
    /* Before the manifest has the erasure the file is as it was, and what is wrong with it is
     * wrong; a name alone excuses nothing. */
    if (file != NULL && file->is_closed && file->is_rewritten && file->has_next &&
        has_no(&outcome->found))
        file_outcome_under_erasure(walk, file, job->name, outcome);
    return ST_OK;
}

static enum status take(struct tree_walk *walk, const struct plan_file *file,
                        const struct file_check_job *job, const struct file_check *check,
                        bool may_retry, struct error *err)
{
    struct file_outcome outcome = {.has_range = false};

    verify_report_init(&outcome.found);
    enum status st = settle(walk, file, job, check, may_retry, &outcome, err);
    if (st == ST_OK) {
        give_findings(walk, &outcome.found);
        if (check != NULL)
            count_check(walk, &outcome, check);
        else
            count_absent(walk, file, &outcome);
        st = append_outcome(walk, &outcome, check, check != NULL ? job->name : file->base, err);
    }
    verify_report_fini(&outcome.found);
    return st;
}

static void submit_ahead(struct tree_walk *walk, size_t *next)
{
    struct file_check_job job;

    while (*next < walk->plan.count && check_pool_has_room(walk->pool)) {
        if (needs_check(&walk->plan.files[*next])) {
            make_job(walk, *next, &job);
            check_pool_submit(walk->pool, &job);
        }
        (*next)++;
    }
}

static enum status walk_closed(struct tree_walk *walk, bool may_retry, struct error *err)
{
    size_t index = 0;
    enum status st = ST_OK;

    while (index < walk->plan.count && walk->has_position &&
           store_file_name_compare(&walk->plan.files[index].name, &walk->position) <= 0)
        index++;
    for (size_t ahead = index; index < walk->plan.count && st == ST_OK; index++) {
        const struct plan_file *file = &walk->plan.files[index];
        const struct file_check *check = NULL;
        struct file_check_job job;
        make_job(walk, index, &job);
        submit_ahead(walk, &ahead);
        if (needs_check(file))
            check = check_pool_wait(walk->pool);
        st = take(walk, file, &job, check, may_retry, err);
        if (check != NULL)
            check_pool_release(walk->pool);
        if (st == ST_OK) {
            walk->position = file->is_gone ? file->last_name : file->name;
            walk->has_position = true;
        }
    }
    check_pool_drop(walk->pool);
    return st;
}

/* --- The active file ------------------------------------------------------------------------- */

static enum status walk_active(struct tree_walk *walk, bool may_retry, struct error *err)
{
    struct file_check_job job = {.dir_fd = walk->dir_fd,
                                 .name = STORE_ACTIVE_NAME,
                                 .is_active = true,
                                 .sizes = walk->set->sizes,
                                 .size_count = walk->set->size_count,
                                 .on_line = deed_book_line,
                                 .context = walk->deeds};

    if (!walk->plan.has_active) /* what was signed of it is missed at the end */
        return may_retry && !file_plan_holds(&walk->plan, walk->dir_fd) ? ST_AGAIN : ST_OK;
    if (walk->plan.has_active_proof && !walk->plan.is_proof_of_last)
        (void)snprintf(job.proof_name, sizeof(job.proof_name), "%s", STORE_PROOF_ACTIVE_NAME);
    check_pool_submit(walk->pool, &job);
    const struct file_check *check = check_pool_wait(walk->pool);
    enum status st = take(walk, NULL, &job, check, may_retry, err);
    check_pool_release(walk->pool);
    return st;
}

/* --- The end --------------------------------------------------------------------------------- */

static void tell_cut(struct tree_walk *walk, enum verify_question question, const char *file,
                     uint64_t line, uint64_t size, const char *what)
{
    struct verify_finding finding;

    verify_finding_set(&finding, question, VERIFY_NO, file,
                       "%s %" PRIu64 " leaves, and %" PRIu64
                       " are there: the end of the store was cut off",
                       what, size, walk->next_index);
    finding.has_line = line > 0;
    finding.line = line;
    finding.has_index = true;
    finding.index = walk->next_index;
    verify_report_add(walk->report, &finding);
}

/* What was signed beyond the last leaf. */
static void look_behind(struct tree_walk *walk)
{
    const struct checkpoint_set *set = walk->set;
    const struct signed_root *last = NULL;
    const struct signed_root *last_copy = NULL;

    for (size_t i = walk->next_root; i < set->count; i++) {
        if (set->roots[i].size <= walk->next_index)
            continue;
        if (set->roots[i].copy == 0)
            last = &set->roots[i];
        else
            last_copy = &set->roots[i];
    }
    if (last != NULL)
        tell_cut(walk, VERIFY_COMPLETE, checkpoint_set_file(set, last), last->line, last->size,
                 "a checkpoint of the store covers");
    if (last_copy != NULL) {
        tell_cut(walk, VERIFY_COMPLETE, checkpoint_set_file(set, last_copy), last_copy->line,
                 last_copy->size, "a checkpoint kept elsewhere covers");
        tell_cut(walk, VERIFY_ATTESTED, checkpoint_set_file(set, last_copy), last_copy->line,
                 last_copy->size, "a checkpoint kept elsewhere covers");
    }
    if (set->last_epoch_size > walk->next_index)
        tell_cut(walk, VERIFY_COMPLETE, STORE_KEYS_NAME, 0, set->last_epoch_size,
                 "the last epoch began at");
}

static void look_at_manifest(struct tree_walk *walk)
{
    if (!walk->has_tree)
        return;
    if (!walk->plan.has_manifest && walk->plan.count > 0)
        verify_report_say(walk->report, VERIFY_COMPLETE, VERIFY_NO, STORE_MANIFEST_NAME,
                          "is missing: nothing tells of the files that were closed and deleted");
    else
        give_findings(walk, &walk->plan.report);
}

/* A closed file that the manifest should have: only the last one may be waiting for its line. */
static bool is_unlisted(const struct file_plan *plan, size_t index)
{
    const struct plan_file *file = &plan->files[index];

    return index + 1 < plan->count && file->has_proof && !file->is_closed && !file->is_gone &&
           !file->is_deleted;
}

static void look_at_unlisted(struct tree_walk *walk)
{
    for (size_t i = 0; i < walk->plan.count && walk->plan.has_manifest; i++) {
        if (is_unlisted(&walk->plan, i))
            verify_report_say(walk->report, VERIFY_COMPLETE, VERIFY_NO, walk->plan.files[i].base,
                              "the manifest does not have this file");
    }
}

/* Whether there is nothing to say of manifest and directory. */
static bool is_plan_clean(const struct file_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (is_unlisted(plan, i))
            return false;
    }
    return plan->report.count == 0 && (plan->has_manifest || plan->count == 0);
}

static enum status make_plan(struct tree_walk *walk, struct error *err)
{
    struct stat info;
    char name[STORE_FILE_NAME_SIZE];

    enum status st = file_plan_read(&walk->plan, walk->dir_fd, err);
    if (st != ST_OK || walk->total_bytes > 0)
        return st;
    for (size_t i = 0; i < walk->plan.count; i++) {
        const struct plan_file *file = &walk->plan.files[i];
        struct store_file_name parts = file->name;
        parts.compressed = file->has_compressed;
        store_file_name_format(&parts, name);
        if (fstatat(walk->dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
            walk->total_bytes += (uint64_t)info.st_size;
    }
    return ST_OK;
}

enum status tree_walk_run(struct tree_walk *walk, struct error *err)
{
    struct store_file_name before = {.begun_unix_s = 0}; /* the position of the last try */
    enum status st = ST_OK;

    compare_roots(walk, "the first file"); /* of the empty tree */
    for (int tries = 0; tries <= PLAN_TRIES_MAX; tries++) {
        bool may_retry = tries < PLAN_TRIES_MAX;
        if (tries > 0)
            (void)usleep(PLAN_PAUSE_US); /* an early end does no harm */
        st = make_plan(walk, err);
        if (st == ST_OK)
            st = walk_closed(walk, may_retry, err);
        if (st == ST_OK)
            st = walk_active(walk, may_retry, err);
        if (st != ST_AGAIN)
            break;
        if (walk->has_position && store_file_name_compare(&walk->position, &before) != 0)
            tries = 0;
        before = walk->position;
    }
    for (int tries = 0; tries < PLAN_TRIES_MAX && st == ST_OK; tries++) {
        if (is_plan_clean(&walk->plan) || file_plan_holds(&walk->plan, walk->dir_fd))
            break;
        (void)usleep(PLAN_PAUSE_US); /* as above */
        st = make_plan(walk, err);
    }
    if (st != ST_OK)
        return st;
    look_behind(walk);
    look_at_manifest(walk);
    look_at_unlisted(walk);
    return ST_OK;
}
