/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c -- see evidence.h.
 *
 * The checkpoint is read first and fixes the size of the tree that everything is proved against.
 * Then the files are gone through in their order, and of the tree only pieces are kept: the leaf of
 * each record that is asked for, and the ranges between them.  From these come all hashes of the
 * proof, since the nodes that it needs lie between such records.
 *
 * A file that does not agree with its proof proves nothing: its records are given as such, and for
 * the tree the manifest's range counts.  At the end the root has to be the signed one; while it is
 * not and the store has changed meanwhile, all is done again.
 */
#include "bundle/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/checkpoint_line.h"
#include "telltale/line_file.h"
#include "telltale/merkle_proof.h"
#include "verify/file_check.h"
#include "verify/file_plan.h"

enum { TRIES_MAX = 16, PAUSE_US = 50000 };

struct gathering {
    struct evidence *ret;
    const struct evidence_options *options;
    int dir_fd;
    struct file_plan plan;
    struct file_checker checker;
    struct merkle_forest *forest;
    uint64_t tree_size;      /* of the checkpoint; 0: there is none */
    const char *file;        /* that is read */
    struct key_chain *chain; /* owned */
};

void evidence_init(struct evidence *evidence)
{
    *evidence = (struct evidence){.count = 0};
    buf_init(&evidence->lines, EVIDENCE_SIZE_MAX);
    buf_init(&evidence->nodes, EVIDENCE_HASHES_MAX);
    buf_init(&evidence->note, NOTE_SIZE_MAX);
    buf_init(&evidence->keys, EVIDENCE_KEYS_SIZE_MAX);
}

void evidence_fini(struct evidence *evidence)
{
    buf_fini(&evidence->lines);
    buf_fini(&evidence->nodes);
    buf_fini(&evidence->note);
    buf_fini(&evidence->keys);
    free(evidence->records);
    evidence->records = NULL;
}

static void forget(struct evidence *evidence)
{
    struct evidence fresh;

    evidence_fini(evidence);
    evidence_init(&fresh);
    *evidence = fresh;
}

static void refuse(struct evidence *evidence, const char *why)
{
    if (evidence->why[0] == 0)
        (void)snprintf(evidence->why, sizeof(evidence->why), "%s", why); /* may be cut */
}

/* --- Checkpoint and keys --------------------------------------------------------------------- */

static enum status take_checkpoint(void *context, struct slice line, uint64_t number,
                                   struct error *err)
{
    struct gathering *gathering = context;
    uint64_t unix_ns;

    (void)number;
    enum status st = checkpoint_line_read(line, &unix_ns, &gathering->ret->note, err);
    if (st == ST_INVALID)
        buf_clear(&gathering->ret->note);
    return st == ST_INVALID ? ST_OK : st;
}

static enum status take_key(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct gathering *gathering = context;

    enum status st = buf_append(&gathering->ret->keys, line.data, line.size, err);
    if (st == ST_OK)
        st = buf_append(&gathering->ret->keys, "\n", 1, err);
    if (st != ST_OK)
        return st;
    st = key_chain_read_line(gathering->chain, line, number, err);
    return st == ST_CORRUPT || st == ST_INVALID ? ST_OK : st; /* the judgement shows it */
}

static enum status trust_keys(struct gathering *gathering, struct error *err)
{
    struct note_vkey key;
    enum status st = ST_OK;

    for (size_t i = 0; i < gathering->options->key_count && st == ST_OK; i++) {
        st = note_vkey_parse(slice_of_text(gathering->options->keys[i]), &key, err);
        if (st == ST_OK)
            st = key_chain_trust(gathering->chain, &key, err);
    }
    return st;
}

static enum status read_notes(struct gathering *gathering, struct error *err)
{
    struct evidence *ret = gathering->ret;
    struct error problem = {.text = ""};

    enum status st = line_file_read(&disk_io_system, gathering->dir_fd, STORE_CHECKPOINTS_NAME,
                                    take_checkpoint, gathering, NULL, err);
    if (st == ST_OK || st == ST_NOT_FOUND)
        st = line_file_read(&disk_io_system, gathering->dir_fd, STORE_KEYS_NAME, take_key,
                            gathering, NULL, err);
    if (st != ST_OK && st != ST_NOT_FOUND)
        return st;
    if (ret->note.size == 0) {
        refuse(ret, "there is no checkpoint that could cover it");
        return ST_OK;
    }
    key_chain_judge(gathering->chain, buf_slice(&ret->note), &ret->checkpoint, &ret->judgement,
                    &problem);
    if (ret->judgement.verdict == KEY_GOOD || ret->judgement.verdict == KEY_NOT_TRUSTED) {
        gathering->tree_size = ret->checkpoint.size;
        return ST_OK;
    }
    ret->is_unsettled = true;
    refuse(ret, key_verdict_words(ret->judgement.verdict));
    return ST_OK;
}

/* --- Records --------------------------------------------------------------------------------- */

static enum status add_record(struct gathering *gathering, const struct file_line *line,
                              struct error *err)
{
    struct evidence *ret = gathering->ret;

    if (ret->count == ret->capacity) {
        size_t capacity = ret->capacity > 0 ? 2 * ret->capacity : 256;
        if (capacity > EVIDENCE_RECORDS_MAX)
            return error_set(err, ST_LIMIT, "more than %zu records: ask for fewer", ret->count);
        struct evidence_record *records = reallocarray(ret->records, capacity, sizeof(*records));
        if (records == NULL)
            return error_set(err, ST_NO_MEMORY, "keep %zu records", capacity);
        ret->records = records;
        ret->capacity = capacity;
    }
    struct evidence_record *record = &ret->records[ret->count];
    *record = (struct evidence_record){.index = line->index,
                                       .sequence = line->sequence,
                                       .salt = line->salt,
                                       .start = ret->lines.size,
                                       .size = line->text.size + 1};
    (void)snprintf(record->file, sizeof(record->file), "%s", gathering->file); /* fits */
    if (!line->has_leaf)
        record->why = "its file has no proof: it is from before there were any";
    else if (line->index >= gathering->tree_size)
        record->why = "no checkpoint covers it yet";
    enum status st = buf_append(&ret->lines, line->text.data, line->text.size, err);
    if (st == ST_OK)
        st = buf_append(&ret->lines, "\n", 1, err);
    if (st == ST_LIMIT)
        return error_set(err, ST_LIMIT, "more than %d bytes of records: ask for fewer",
                         EVIDENCE_SIZE_MAX);
    ret->count += st == ST_OK;
    return st;
}

static enum status on_line(void *context, const struct file_line *line, bool *ret_alone,
                           struct error *err)
{
    struct gathering *gathering = context;
    const struct evidence_options *options = gathering->options;

    enum status st = options->matches(options->context, line->text, ret_alone, err);
    if (st == ST_OK && *ret_alone)
        st = add_record(gathering, line, err);
    return st;
}

static void unprove(struct evidence *evidence, size_t first, const char *why)
{
    for (size_t i = first; i < evidence->count; i++) {
        if (evidence->records[i].why == NULL)
            evidence->records[i].why = why;
    }
}

/* --- The tree -------------------------------------------------------------------------------- */

/* What is behind the checkpoint does not count; pieces are cut there. */
static enum status append(struct gathering *gathering, const struct merkle_range *range,
                          struct error *err)
{
    if (range->end > gathering->tree_size)
        return ST_OK;
    enum status st = merkle_forest_append_range(gathering->forest, range, err);
    if (st != ST_INVALID)
        return st;
    gathering->ret->is_unsettled = true; /* which keeps the root from being the signed one */
    return ST_OK;
}

static enum status append_manifest(struct gathering *gathering, const struct plan_file *file,
                                   struct error *err)
{
    struct merkle_range range;

    file_plan_range(&gathering->plan, file, &range);
    return append(gathering, &range, err);
}

static bool agrees_with_manifest(const struct plan_file *file, const struct file_check *check)
{
    return file == NULL || !file->is_closed ||
           (check->range.first == file->first_index && check->range.end == file->end_index);
}

static enum status take_check(struct gathering *gathering, const struct plan_file *file,
                              const struct file_check *check, size_t first_record,
                              struct error *err)
{
    struct evidence *ret = gathering->ret;
    struct merkle_range piece;
    enum status st = ST_OK;

    ret->erased_lines += check->erased_lines;
    if (check->has_proof && check->is_proved && agrees_with_manifest(file, check)) {
        for (size_t i = 0; i < check->piece_count && st == ST_OK; i++) {
            file_check_piece(check, i, &piece);
            st = append(gathering, &piece, err);
        }
        return st;
    }
    if (check->has_proof || !check->agrees) {
        ret->damaged_files++;
        ret->is_unsettled = true;
        unprove(ret, first_record, "its file is damaged, or does not agree with its proof");
    }
    return file != NULL && file->is_closed ? append_manifest(gathering, file, err) : ST_OK;
}

static enum status read_file(struct gathering *gathering, const struct plan_file *file,
                             struct file_check_job *job, struct error *err)
{
    struct file_check check;
    size_t first_record = gathering->ret->count;

    job->dir_fd = gathering->dir_fd;
    job->sizes = &gathering->tree_size;
    job->size_count = 1;
    job->on_line = on_line;
    job->context = gathering;
    gathering->file = job->name;
    file_check_init(&check);
    file_check_run(&gathering->checker, job, &check);
    enum status st = check.status;
    if (st == ST_OK) {
        st = take_check(gathering, file, &check, first_record, err);
    } else {
        *err = check.err;
    }
    file_check_fini(&check);
    return st;
}

/* --- Files ----------------------------------------------------------------------------------- */

static enum status read_closed(struct gathering *gathering, size_t index, struct error *err)
{
    const struct file_plan *plan = &gathering->plan;
    const struct plan_file *file = &plan->files[index];
    const struct evidence_options *options = gathering->options;
    struct file_check_job job = {.dir_fd = gathering->dir_fd};
    struct store_file_name name = file->name;

    job.is_compressed = file->has_compressed && (file->is_compressed || !file->has_plain);
    name.compressed = job.is_compressed;
    bool is_known = file->is_closed && file->end_index <= gathering->tree_size;
    if (is_known && !options->may_match(options->context, gathering->dir_fd, &name)) {
        gathering->ret->erased_lines += file->erased_lines;
        return append_manifest(gathering, file, err);
    }
    store_file_name_format(&name, job.name);
    bool is_rotating = !file->has_proof && !file->is_closed && index + 1 == plan->count &&
                       plan->has_active_proof && !plan->has_active;
    if (is_rotating)
        (void)snprintf(job.proof_name, sizeof(job.proof_name), "%s", STORE_PROOF_ACTIVE_NAME);
    else if (file->has_proof || file->is_closed)
        (void)snprintf(job.proof_name, sizeof(job.proof_name), "%s" STORE_PROOF_SUFFIX, file->base);
    return read_file(gathering, file, &job, err);
}

static enum status take_file(struct gathering *gathering, size_t index, struct error *err)
{
    const struct plan_file *file = &gathering->plan.files[index];
    bool is_there = file->has_plain || file->has_compressed;

    if (is_there && !file->is_deleted && !file->is_gone)
        return read_closed(gathering, index, err);
    if (!file->is_closed && !file->is_gone)
        return ST_OK; /* a proof or an index of which nothing else is left */
    if (file->is_deleted || file->is_gone) {
        gathering->ret->deleted_files += file->is_gone ? file->gone_files : 1;
        gathering->ret->deleted_lines += file->end_index - file->first_index;
    } else {
        gathering->ret->damaged_files++;
        gathering->ret->is_unsettled = true;
    }
    return append_manifest(gathering, file, err);
}

static enum status read_store(struct gathering *gathering, struct error *err)
{
    struct file_check_job active = {.name = STORE_ACTIVE_NAME, .is_active = true};

    enum status st = file_plan_read(&gathering->plan, gathering->dir_fd, err);
    for (size_t i = 0; i < gathering->plan.count && st == ST_OK; i++)
        st = take_file(gathering, i, err);
    if (st != ST_OK || !gathering->plan.has_active)
        return st;
    if (gathering->plan.has_active_proof)
        (void)snprintf(active.proof_name, sizeof(active.proof_name), "%s", STORE_PROOF_ACTIVE_NAME);
    return read_file(gathering, NULL, &active, err);
}

/* --- The proof ------------------------------------------------------------------------------- */

static size_t list_indices(const struct evidence *evidence, uint64_t *indices)
{
    size_t count = 0;

    for (size_t i = 0; i < evidence->count; i++) {
        if (evidence->records[i].why == NULL)
            indices[count++] = evidence->records[i].index;
    }
    return count;
}

static enum status put_nodes(struct gathering *gathering, const uint64_t *indices, size_t count,
                             struct merkle_part *parts, size_t parts_max, struct error *err)
{
    size_t part_count = 0;

    enum status st =
        merkle_set_parts(indices, count, gathering->tree_size, parts, parts_max, &part_count, err);
    if (st == ST_OK && part_count > parts_max)
        st = error_set(err, ST_LIMIT, "a proof of %zu hashes: ask for fewer records", part_count);
    for (size_t i = 0; i < part_count && st == ST_OK; i++) {
        struct hash hash;
        st = merkle_forest_hash(gathering->forest, parts[i].first, parts[i].end, &hash, err);
        if (st == ST_OK)
            st = buf_append(&gathering->ret->nodes, &hash, sizeof(hash), err);
    }
    return st;
}

/* The hashes that the proved records need. */
static enum status prove(struct gathering *gathering, struct error *err)
{
    struct evidence *ret = gathering->ret;
    uint64_t *indices = calloc(ret->count + 1, sizeof(*indices));
    size_t parts_max = EVIDENCE_HASHES_MAX / sizeof(struct hash);
    struct merkle_part *parts = NULL;
    enum status st = ST_OK;

    if (indices == NULL)
        return error_set(err, ST_NO_MEMORY, "prove %zu records", ret->count);
    ret->proved_count = list_indices(ret, indices);
    if (ret->proved_count > 0) {
        size_t needed = 0;
        st = merkle_set_parts(indices, ret->proved_count, gathering->tree_size, NULL, 0, &needed,
                              err);
        parts_max = needed < parts_max ? needed : parts_max;
    }
    if (st == ST_OK && ret->proved_count > 0) {
        parts = calloc(parts_max + 1, sizeof(*parts));
        st = parts != NULL ? put_nodes(gathering, indices, ret->proved_count, parts, parts_max, err)
                           : error_set(err, ST_NO_MEMORY, "a proof of %zu hashes", parts_max);
    }
    free(parts);
    free(indices);
    return st;
}

/* Whether the pieces are the tree that was signed. */
static bool has_signed_root(const struct gathering *gathering)
{
    struct hash root;
    struct error err;

    return gathering->tree_size > 0 &&
           merkle_forest_size(gathering->forest) == gathering->tree_size &&
           merkle_forest_hash(gathering->forest, 0, gathering->tree_size, &root, &err) == ST_OK &&
           hash_equal(&root, &gathering->ret->checkpoint.root);
}

/* ST_AGAIN: the store changed meanwhile. */
static enum status gather(struct gathering *gathering, struct error *err)
{
    struct evidence *ret = gathering->ret;

    enum status st = trust_keys(gathering, err);
    if (st == ST_OK)
        st = read_notes(gathering, err);
    if (st == ST_OK)
        st = read_store(gathering, err);
    bool is_right = st == ST_OK && has_signed_root(gathering);
    if ((st == ST_OK && (!is_right || ret->is_unsettled) && gathering->tree_size > 0) ||
        st == ST_NOT_FOUND) {
        if (!file_plan_holds(&gathering->plan, gathering->dir_fd))
            return error_set(err, ST_AGAIN, "the store changes faster than it is read");
    }
    if (st == ST_OK && !is_right) {
        if (gathering->tree_size > 0) {
            ret->is_unsettled = true;
            refuse(ret, "the tree of the store has not the root that was signed: see telltale "
                        "verify");
        }
        unprove(ret, 0, "nothing of this store can be proved: see custody.json");
    }
    return st == ST_OK ? prove(gathering, err) : st;
}

static enum status gather_once(struct evidence *evidence, const struct evidence_options *options,
                               int dir_fd, struct error *err)
{
    struct gathering gathering = {.ret = evidence, .options = options, .dir_fd = dir_fd};

    file_plan_init(&gathering.plan);
    file_checker_init(&gathering.checker);
    enum status st = key_chain_create(NULL, &gathering.chain, err);
    if (st == ST_OK)
        st = merkle_forest_create(MERKLE_FOREST_NODES_MAX, &gathering.forest, err);
    if (st == ST_OK)
        st = gather(&gathering, err);
    merkle_forest_destroy(gathering.forest);
    key_chain_destroy(gathering.chain);
    file_checker_fini(&gathering.checker);
    file_plan_fini(&gathering.plan);
    return st;
}

enum status evidence_gather(struct evidence *evidence, const struct evidence_options *options,
                            struct error *err)
{
    int dir_fd = open(options->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return error_set_errno(err, errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND : ST_IO,
                               "open the store '%s'", options->store_dir);
    enum status st = ST_AGAIN;
    for (int i = 0; i < TRIES_MAX && st == ST_AGAIN; i++) {
        if (i > 0)
            (void)usleep(PAUSE_US); /* an early end does no harm */
        forget(evidence);
        st = gather_once(evidence, options, dir_fd, err);
    }
    (void)close(dir_fd); /* a directory */
    return st;
}
