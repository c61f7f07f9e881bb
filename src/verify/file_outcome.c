/* SPDX-License-Identifier: Apache-2.0 */
/* file_outcome.c -- see file_outcome.h. */
#include "verify/file_outcome.h"

#include <inttypes.h>

/* --- Parts -------------------------------------------------------------------- */

static void say(struct file_outcome *outcome, enum verify_question question,
                enum verify_answer answer, const char *file, const char *text)
{
    verify_report_say(&outcome->found, question, answer, file, "%s", text);
}

static void use_closed_range(const struct tree_walk *walk, const struct plan_file *file,
                             struct file_outcome *outcome)
{
    if (!file->is_closed && !file->is_gone)
        return;
    file_plan_range(&walk->plan, file, &outcome->range);
    outcome->has_range = true;
}

void file_outcome_of_absent(const struct tree_walk *walk, const struct plan_file *file,
                            struct file_outcome *outcome)
{
    use_closed_range(walk, file, outcome);
    if (file->is_gone || file->is_deleted) /* one from before there were proofs has no leaves */
        return;
    if (file->is_closed)
        say(outcome, VERIFY_COMPLETE, VERIFY_NO, file->base,
            "the file is missing, and no deletion is on record");
    else if (file->has_proof)
        say(outcome, VERIFY_COMPLETE, VERIFY_NO, file->base,
            "the file is missing: only its proof is there");
    else if (!file->has_index)
        say(outcome, VERIFY_COMPLETE, VERIFY_NO, file->base,
            "the manifest tells of the file, and not of when it was closed");
}

/* What the manifest has of the file, and what the check found. */
static void compare_closed(const struct tree_walk *walk, const struct plan_file *file,
                           const struct file_check *check, struct file_outcome *outcome)
{
    struct verify_finding finding;
    struct merkle_range closed;

    file_plan_range(&walk->plan, file, &closed);
    bool is_same_size = file->is_rewritten || file->closed_bytes == check->bytes;
    if (is_same_size && closed.first == check->range.first && closed.end == check->range.end &&
        memcmp(closed.hashes, check->range.hashes, closed.count * sizeof(closed.hashes[0])) == 0)
        return;
    verify_finding_set(&finding, VERIFY_UNCHANGED, VERIFY_NO, STORE_MANIFEST_NAME,
                       "what it says of %s is not what that file holds", file->base);
    finding.has_line = true;
    finding.line = file->closed_line;
    verify_report_add(&outcome->found, &finding);
}

static void compare_name(const struct store_file_name *name, const char *file,
                         const struct file_check *check, struct file_outcome *outcome)
{
    if (!check->has_places || check->erased_lines > 0)
        return;
    if (name->first_sequence != check->first_place.sequence ||
        name->last_sequence != check->last_place.sequence)
        say(outcome, VERIFY_UNCHANGED, VERIFY_NO, file, "its name tells of other lines");
}

/* A file with a proof that could be read.  `file`: NULL for the active one. */
static void look_at_proved(const struct tree_walk *walk, const struct plan_file *file,
                           const char *name, const char *proof_name, const struct file_check *check,
                           struct file_outcome *outcome)
{
    const char *origin = key_chain_origin(walk->set->chain);

    if (origin[0] != 0 && strcmp(origin, check->origin) != 0)
        say(outcome, VERIFY_UNCHANGED, VERIFY_NO, proof_name, "is of another log");
    if (check->is_proved) {
        outcome->has_range = true;
        outcome->has_pieces = true;
        outcome->range = check->range;
        if (file != NULL) {
            compare_name(&file->name, name, check, outcome);
            if (file->is_closed)
                compare_closed(walk, file, check, outcome);
        }
        return;
    }
    if (file != NULL)
        use_closed_range(walk, file, outcome);
    if (!outcome->has_range && check->has_stated) {
        outcome->has_range = true;
        outcome->range = check->stated;
    }
}

void file_outcome_check_index(const struct tree_walk *walk, const char *name,
                              const char *proof_name, struct file_outcome *outcome)
{
    struct verify_finding finding;

    if (!outcome->has_range || outcome->range.first == walk->next_index)
        return;
    outcome->begins_late = outcome->range.first > walk->next_index;
    if (outcome->begins_late)
        verify_finding_set(&finding, VERIFY_COMPLETE, VERIFY_NO, name,
                           "leaves %" PRIu64 " to %" PRIu64
                           " are missing before this file, if its proof (%s) is right: no file "
                           "has them, and no deletion is on record",
                           walk->next_index, outcome->range.first - 1, proof_name);
    else
        verify_finding_set(&finding, VERIFY_COMPLETE, VERIFY_NO, name,
                           "begins with leaf %" PRIu64 " by its proof (%s), and leaf %" PRIu64
                           " is the next one",
                           outcome->range.first, proof_name, walk->next_index);
    finding.has_index = true;
    finding.index = walk->next_index;
    verify_report_add(&outcome->found, &finding);
    outcome->has_range = outcome->begins_late;
}

void file_outcome_of_lines(const struct tree_walk *walk, const struct plan_file *file,
                           const struct file_check_job *job, const struct file_check *check,
                           struct file_outcome *outcome)
{
    for (size_t i = 0; i < check->report.count; i++)
        verify_report_add(&outcome->found, &check->report.findings[i]);
    if (check->has_proof) {
        look_at_proved(walk, file, job->name, job->proof_name, check, outcome);
        return;
    }
    if (file != NULL)
        use_closed_range(walk, file, outcome);
    if (job->proof_name[0] != 0 || check->lines == 0)
        return;
    outcome->is_unproved = true;
    if (walk->has_tree)
        say(outcome, VERIFY_COMPLETE, VERIFY_CANNOT, job->name,
            "its lines are not in the tree: written while there were no proofs, or put there");
}

void file_outcome_under_erasure(const struct tree_walk *walk, const struct plan_file *file,
                                const char *name, struct file_outcome *outcome)
{
    verify_report_fini(&outcome->found);
    *outcome = (struct file_outcome){.has_range = false};
    verify_report_init(&outcome->found);
    use_closed_range(walk, file, outcome);
    say(outcome, VERIFY_UNCHANGED, VERIFY_CANNOT, name,
        "an erasure of it was not finished (what ends in .next): after a crash the next start "
        "goes on with it");
}
