/* SPDX-License-Identifier: Apache-2.0 */
/* file_check.c -- see file_check.h.
 *
 * Lines and proof are read side by side.  Under a seed the proof has states, each of which is
 * compared as soon as the lines have come that far; without one it has runs, and each line takes
 * the next salt.  The first thing that is wrong is told with its place.  After that the file is
 * read on, as long as its lines can be told apart, for the pieces before that place.
 */
#include "verify/file_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/store_index.h"

enum {
    HASH_CHUNK_SIZE = 256 << 10,
    PIECE_HASHES_MAX = 1 << 30, /* bytes */
};

struct walk {
    struct file_checker *checker;
    const struct file_check_job *job;
    struct file_check *ret;
    struct merkle_range piece;
    size_t next_size;     /* in job->sizes */
    uint64_t good_line;   /* up to here a state said that all is well */
    bool has_state;       /* proof.line is a state that the lines have not reached */
    bool states_differ;   /* from one on, which was told */
    bool is_proof_bad;    /* it cannot be read on, which was told */
    bool has_salts;       /* proof.line is a run of salts ... */
    size_t salts_used;    /* ... and so many are used up */
    bool proof_ended;     /* or cannot be read on */
    struct slice line;    /* the present one */
    struct error problem; /* of the lines: set when they cannot be read on */
};

void file_checker_init(struct file_checker *checker)
{
    line_source_init(&checker->lines);
    proof_source_init(&checker->proof);
}

void file_checker_fini(struct file_checker *checker)
{
    line_source_fini(&checker->lines);
    proof_source_fini(&checker->proof);
}

void file_check_init(struct file_check *check)
{
    *check = (struct file_check){.status = ST_OK};
    verify_report_init(&check->report);
    buf_init(&check->hashes, PIECE_HASHES_MAX);
}

void file_check_fini(struct file_check *check)
{
    verify_report_fini(&check->report);
    buf_fini(&check->hashes);
    free(check->pieces);
    check->pieces = NULL;
}

/* --- Findings ------------------------------------------------------------------------------- */

/* Something is wrong at line `line` of the file; 0: at none in particular. */
static void tell(struct walk *walk, const char *file, uint64_t line, const char *text)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_UNCHANGED, VERIFY_NO, file, "%s", text);
    finding.has_line = line > 0;
    finding.line = line;
    verify_report_add(&walk->ret->report, &finding);
    walk->ret->agrees = false;
}

/* The proof cannot be read on. */
static enum status give_up_proof(struct walk *walk, enum status st, const struct error *err)
{
    walk->proof_ended = true;
    walk->has_state = false;
    walk->has_salts = false;
    if (st == ST_NOT_FOUND && !walk->checker->proof.is_torn)
        return ST_OK;
    if (st == ST_NOT_FOUND) {
        walk->is_proof_bad = !walk->job->is_active;
        if (walk->is_proof_bad)
            tell(walk, walk->job->proof_name, walk->checker->proof.reader.lines + 1,
                 "ends within a line");
        return ST_OK;
    }
    if (st != ST_INVALID && st != ST_CORRUPT && st != ST_LIMIT)
        return st;
    tell(walk, walk->job->proof_name, walk->checker->proof.reader.lines + 1, err->text);
    walk->is_proof_bad = true;
    return ST_OK;
}

/* --- Pieces --------------------------------------------------------------------------------- */

static enum status keep_piece(struct walk *walk, struct error *err)
{
    struct file_check *ret = walk->ret;

    if (ret->piece_count == ret->piece_capacity) {
        size_t capacity = ret->piece_capacity > 0 ? 2 * ret->piece_capacity : 16;
        struct file_piece *pieces = reallocarray(ret->pieces, capacity, sizeof(*pieces));
        if (pieces == NULL)
            return error_set(err, ST_NO_MEMORY, "keep %zu pieces of a file", capacity);
        ret->pieces = pieces;
        ret->piece_capacity = capacity;
    }
    ret->pieces[ret->piece_count++] = (struct file_piece){
        .end = walk->piece.end, .first_hash = ret->hashes.size / sizeof(struct hash)};
    enum status st =
        buf_append(&ret->hashes, walk->piece.hashes, walk->piece.count * sizeof(struct hash), err);
    if (st == ST_OK)
        st = merkle_range_append(&ret->range, &walk->piece, err);
    merkle_range_init(&walk->piece, walk->piece.end);
    return st;
}

/* After leaves were appended: cuts where a checkpoint does. */
static enum status cut(struct walk *walk, struct error *err)
{
    const struct file_check_job *job = walk->job;

    while (walk->next_size < job->size_count && job->sizes[walk->next_size] < walk->piece.end)
        walk->next_size++; /* among leaves that are not known one by one */
    if (walk->next_size == job->size_count || job->sizes[walk->next_size] != walk->piece.end)
        return ST_OK;
    walk->next_size++;
    return keep_piece(walk, err);
}

void file_check_piece(const struct file_check *check, size_t index, struct merkle_range *ret)
{
    const struct file_piece *piece = &check->pieces[index];
    uint64_t first = index > 0 ? check->pieces[index - 1].end : check->first_index;

    merkle_range_init(ret, first);
    ret->end = piece->end;
    ret->count = merkle_range_count(first, piece->end);
    if (ret->count > 0) /* of a file without lines there are none at all */
        memcpy(ret->hashes, check->hashes.data + piece->first_hash * sizeof(struct hash),
               ret->count * sizeof(struct hash));
}

/* --- The proof beside the lines -------------------------------------------------------------- */

static bool range_equal(const struct merkle_range *a, const struct merkle_range *b)
{
    return a->first == b->first && a->end == b->end && a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) == 0;
}

/* The next state of the proof, of those that the lines have reached all have been compared. */
static enum status compare_states(struct walk *walk, struct error *err)
{
    struct proof_source *proof = &walk->checker->proof;
    struct file_check *ret = walk->ret;
    char text[VERIFY_TEXT_SIZE];

    while (!walk->proof_ended) {
        if (!walk->has_state) {
            enum status st = proof_source_next(proof, err);
            if (st != ST_OK)
                return give_up_proof(walk, st, err);
            walk->has_state = true;
            ret->has_stated = true;
            ret->stated = proof->line->state.range;
        }
        const struct store_proof_state *state = &proof->line->state;
        if (state->range.end > walk->piece.end)
            return ST_OK;
        walk->has_state = false;
        if (walk->states_differ) /* all behind the first one do */
            continue;
        struct merkle_range so_far = ret->range;
        enum status st = merkle_range_append(&so_far, &walk->piece, err);
        if (st != ST_OK)
            return st;
        if (state->offset_bytes == ret->bytes && range_equal(&state->range, &so_far)) {
            walk->good_line = ret->lines;
            continue;
        }
        walk->states_differ = true;
        (void)snprintf(text, sizeof(text),
                       "lines %" PRIu64 " to %" PRIu64 " are not those that the proof (%s, line "
                       "%" PRIu64 ") was made of",
                       walk->good_line + 1, ret->lines, walk->job->proof_name, proof->reader.lines);
        tell(walk, walk->job->name, walk->good_line + 1, text);
    }
    return ST_OK;
}

/* Steps over runs of erased lines, up to salts for the next line, or to the end. */
static enum status find_salts(struct walk *walk, struct error *err)
{
    struct proof_source *proof = &walk->checker->proof;

    while (!walk->proof_ended && !walk->has_salts) {
        enum status st = proof_source_next(proof, err);
        if (st != ST_OK)
            return give_up_proof(walk, st, err);
        if (proof->line->kind == STORE_PROOF_ERASED) {
            walk->ret->erased_lines += proof->line->erased.end - proof->line->erased.first;
            st = merkle_range_append(&walk->piece, &proof->line->erased, err);
            if (st == ST_OK)
                st = cut(walk, err);
            if (st != ST_OK)
                return st;
        } else {
            walk->has_salts = true;
            walk->salts_used = 0;
        }
    }
    return ST_OK;
}

/* The head is behind us: finds where to begin. */
static enum status start_tree(struct walk *walk, struct error *err)
{
    const struct store_proof_head *head = &walk->checker->proof.line->head;
    struct file_check *ret = walk->ret;
    const struct file_check_job *job = walk->job;

    ret->has_proof = true;
    memcpy(ret->origin, head->origin, sizeof(ret->origin));
    ret->first_index = head->first_index;
    merkle_range_init(&ret->range, head->first_index);
    merkle_range_init(&walk->piece, head->first_index);
    while (walk->next_size < job->size_count && job->sizes[walk->next_size] <= head->first_index)
        walk->next_size++;
    return head->has_seed ? compare_states(walk, err) : find_salts(walk, err);
}

/* --- One line -------------------------------------------------------------------------------- */

/* False: that was told, and the lines need not be read on. */
static bool take_place(struct walk *walk, const uint8_t *journal_id, struct store_place *place)
{
    struct file_check *ret = walk->ret;
    char text[VERIFY_TEXT_SIZE];

    if (!store_line_place(walk->line, place)) {
        tell(walk, walk->job->name, ret->lines, "is no line of a store: it tells no place");
        return false;
    }
    if (journal_id != NULL && memcmp(journal_id, place->journal_id, JOURNAL_ID_SIZE) != 0) {
        (void)snprintf(text, sizeof(text), "is of another journal than its proof (%s)",
                       walk->job->proof_name);
        tell(walk, walk->job->name, ret->lines, text);
        return false;
    }
    if (!ret->has_places)
        ret->first_place = *place;
    ret->has_places = true;
    ret->last_place = *place;
    return true;
}

/* What stays of the head while other lines are read. */
struct head {
    bool has_seed;
    struct store_seed seed;
    uint8_t journal_id[JOURNAL_ID_SIZE];
};

/* Tells of the present line.  `salt`: NULL if it has no leaf. */
static enum status tell_line(struct walk *walk, const struct store_salt *salt, uint64_t sequence,
                             bool *ret_alone, struct error *err)
{
    struct file_line line = {.text = walk->line,
                             .sequence = sequence,
                             .has_leaf = salt != NULL,
                             .index = walk->piece.end};

    *ret_alone = false;
    if (walk->job->on_line == NULL)
        return ST_OK;
    if (salt != NULL)
        line.salt = *salt;
    return walk->job->on_line(walk->job->context, &line, ret_alone, err);
}

/* Appends the leaf of the present line, which is `is_alone` in its piece or not. */
static enum status take_leaf(struct walk *walk, const struct hash *leaf, bool is_alone,
                             struct error *err)
{
    enum status st = ST_OK;

    if (is_alone && walk->piece.end > walk->piece.first)
        st = keep_piece(walk, err);
    if (st == ST_OK)
        merkle_range_append_leaf(&walk->piece, leaf);
    return st == ST_OK && is_alone ? keep_piece(walk, err) : st;
}

static enum status take_seeded(struct walk *walk, const struct head *head, uint64_t sequence,
                               struct error *err)
{
    struct store_salt salt;
    struct hash leaf;
    bool is_alone;

    store_salt_derive(&head->seed, walk->piece.end, &salt);
    store_leaf_of_salted_line(&salt, sequence, walk->line, &leaf);
    enum status told = tell_line(walk, &salt, sequence, &is_alone, err);
    if (told == ST_OK)
        told = take_leaf(walk, &leaf, is_alone, err);
    if (told != ST_OK)
        return told;
    if (walk->has_state && walk->checker->proof.line->state.range.end == walk->piece.end) {
        enum status st = compare_states(walk, err);
        if (st != ST_OK)
            return st;
    }
    return cut(walk, err);
}

/* ST_NOT_FOUND: there is no salt for it. */
static enum status take_salted(struct walk *walk, uint64_t sequence, struct error *err)
{
    const struct store_proof_line *run = walk->checker->proof.line;
    struct hash leaf;
    bool is_alone;

    if (!walk->has_salts)
        return ST_NOT_FOUND;
    const struct store_salt *salt = &run->kept.salts[walk->salts_used];
    store_leaf_of_salted_line(salt, sequence, walk->line, &leaf);
    enum status st = tell_line(walk, salt, sequence, &is_alone, err);
    if (st == ST_OK)
        st = take_leaf(walk, &leaf, is_alone, err);
    if (st == ST_OK)
        st = cut(walk, err);
    if (++walk->salts_used < run->kept.count || st != ST_OK)
        return st;
    walk->has_salts = false;
    return find_salts(walk, err);
}

/* The proof says nothing of the lines from here on, so the exporter had not acknowledged them: what
 * is no line among them, a crash left. */
static bool is_unproved_end(const struct walk *walk)
{
    return walk->job->is_active &&
           (!walk->ret->has_proof || (walk->proof_ended && !walk->has_state));
}

/* The present line does not count, nor what is behind it. */
static void pass_by_end(struct walk *walk)
{
    struct file_check *ret = walk->ret;
    struct verify_finding finding;

    ret->lines--;
    ret->bytes -= walk->line.size + 1;
    ret->is_whole = true;
    verify_finding_set(&finding, VERIFY_UNCHANGED, VERIFY_CANNOT, walk->job->name,
                       "behind line %" PRIu64 " is what is no line, and what the proof does not "
                       "tell of: after a crash the next start cuts it off",
                       ret->lines);
    verify_report_add(&ret->report, &finding);
}

/* ST_NOT_FOUND: that was told, and the rest of the lines is not read. */
static enum status take_line(struct walk *walk, const struct head *head, struct error *err)
{
    struct file_check *ret = walk->ret;
    struct store_place place;

    ret->lines++;
    ret->bytes += walk->line.size + 1;
    if (!store_line_place(walk->line, &place) && is_unproved_end(walk)) {
        pass_by_end(walk);
        return ST_NOT_FOUND;
    }
    if (!take_place(walk, ret->has_proof ? head->journal_id : NULL, &place))
        return ST_NOT_FOUND;
    if (!ret->has_proof) {
        bool is_alone; /* there is nothing to be alone in */
        return tell_line(walk, NULL, place.sequence, &is_alone, err);
    }
    if (walk->piece.end >= MERKLE_SIZE_MAX) {
        tell(walk, walk->job->name, ret->lines, "is beyond the largest tree");
        return ST_NOT_FOUND;
    }
    if (head->has_seed)
        return take_seeded(walk, head, place.sequence, err);
    enum status st = take_salted(walk, place.sequence, err);
    if (st == ST_NOT_FOUND)
        tell(walk, walk->job->name, ret->lines, "the proof has no salt for this line");
    return st;
}

/* --- All lines ------------------------------------------------------------------------------- */

static void tell_damage(struct walk *walk, const struct error *err)
{
    struct verify_finding finding;

    verify_finding_set(&finding, VERIFY_UNCHANGED, VERIFY_NO, walk->job->name,
                       "cannot be read on: %s", err->text);
    finding.has_line = true;
    finding.line = walk->ret->lines + 1;
    finding.has_offset = walk->job->is_compressed;
    finding.offset = walk->checker->lines.file.frame_start;
    verify_report_add(&walk->ret->report, &finding);
    walk->ret->agrees = false;
}

/* ST_OK: all there was; is_whole says whether it was all right. */
static enum status read_lines(struct walk *walk, const struct head *head, struct error *err)
{
    enum status st;

    line_source_begin(&walk->checker->lines);
    do {
        st = line_source_next(&walk->checker->lines, &walk->line, err);
        if (st == ST_CORRUPT) {
            tell_damage(walk, err);
            return ST_OK;
        }
        if (st == ST_NOT_FOUND)
            break;
        if (st == ST_OK)
            st = take_line(walk, head, err);
        if (st == ST_NOT_FOUND)
            return ST_OK;
    } while (st == ST_OK);
    if (st != ST_NOT_FOUND)
        return st;
    walk->ret->is_whole = true;
    if (walk->checker->lines.is_torn && !walk->job->is_active) {
        tell(walk, walk->job->name, walk->ret->lines + 1, "ends within this line");
        walk->ret->is_whole = false;
    }
    return ST_OK;
}

/* What the proof tells of beyond the lines that there are. */
static enum status finish_proof(struct walk *walk, const struct head *head, struct error *err)
{
    struct file_check *ret = walk->ret;
    char text[VERIFY_TEXT_SIZE];

    if (ret->is_whole && (walk->has_state || walk->has_salts)) {
        (void)snprintf(text, sizeof(text),
                       "lines are missing behind line %" PRIu64 ": the proof (%s) tells of more",
                       ret->lines, walk->job->proof_name);
        tell(walk, walk->job->name, ret->lines, text);
        ret->is_whole = false;
    }
    /* The rest is read for what it says of the tree, and to be sure that it can be read. */
    while (!walk->proof_ended) {
        enum status st = proof_source_next(&walk->checker->proof, err);
        if (st != ST_OK)
            st = give_up_proof(walk, st, err);
        else if (head->has_seed)
            ret->stated = walk->checker->proof.line->state.range;
        if (st != ST_OK)
            return st;
    }
    enum status st = ret->is_whole ? keep_piece(walk, err) : ST_OK;
    if (st != ST_OK)
        return st;
    ret->is_proved = ret->is_whole && !walk->states_differ && !walk->is_proof_bad;
    return ST_OK;
}

/* --- The whole ------------------------------------------------------------------------------- */

/* The file byte by byte, as the manifest has it. */
static enum status compare_sha256(struct walk *walk, struct error *err)
{
    struct buf *text = &walk->checker->lines.text;
    struct hasher hasher;
    struct hash hash;
    off_t offset = 0;

    buf_clear(text);
    enum status st = buf_reserve(text, HASH_CHUNK_SIZE, err);
    if (st != ST_OK)
        return st;
    hasher_start(&hasher);
    for (;;) {
        ssize_t got = pread(walk->checker->lines.file.fd, text->data, HASH_CHUNK_SIZE, offset);
        if (got < 0)
            return error_set_errno(err, ST_IO, "read '%s'", walk->job->name);
        if (got == 0)
            break;
        hasher_add(&hasher, slice_of(text->data, (size_t)got));
        offset += got;
    }
    hasher_finish(&hasher, &hash);
    if (!hash_equal(&hash, &walk->job->sha256))
        tell(walk, walk->job->name, 0,
             "its bytes are not those that the manifest has the SHA-256 of");
    return ST_OK;
}

/* The index is under checksums of its own.  What it says of the lines is not compared with them. */
static enum status check_index(struct walk *walk, struct error *err)
{
    struct store_index *index = NULL;
    char name[STORE_FILE_NAME_SIZE];

    enum status st = store_index_open(walk->job->dir_fd, &walk->job->index_of,
                                      walk->checker->lines.file.fd, &index, err);
    bool is_whole = st == ST_OK && store_index_is_whole(index);
    if (st == ST_OK)
        store_index_close(index);
    if (is_whole || st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK && st != ST_CORRUPT && st != ST_INVALID && st != ST_LIMIT)
        return st;
    store_index_name(&walk->job->index_of, name);
    tell(walk, name, 0, "the index is damaged, or of another file; it can be made again");
    return ST_OK;
}

static enum status open_lines(struct walk *walk, struct error *err)
{
    struct store_source *source = &walk->checker->lines.file;
    struct stat info;

    store_source_close(source);
    enum status st = store_source_open(source, walk->job->dir_fd, walk->job->name,
                                       walk->job->is_compressed, err);
    if (st != ST_OK)
        return st;
    if (fstat(source->fd, &info) < 0)
        return error_set_errno(err, ST_IO, "fstat '%s'", walk->job->name);
    if (!S_ISREG(info.st_mode))
        return error_set(err, ST_CORRUPT, "'%s' is no file", walk->job->name);
    file_identify(&info, &walk->ret->data_identity);
    walk->ret->disk_bytes = (uint64_t)info.st_size;
    if (walk->job->has_sha256)
        st = compare_sha256(walk, err);
    return st == ST_OK && walk->job->has_index ? check_index(walk, err) : st;
}

/* Reads the head.  A proof that is not there or cannot be read is a finding. */
static enum status open_proof(struct walk *walk, struct head *head, struct error *err)
{
    struct proof_source *proof = &walk->checker->proof;
    const struct file_check_job *job = walk->job;

    walk->proof_ended = true;
    if (job->proof_name[0] == 0)
        return ST_OK;
    enum status st = proof_source_open(proof, job->dir_fd, job->proof_name, err);
    if (st == ST_NOT_FOUND) {
        tell(walk, job->proof_name, 0, "is missing: nothing proves the lines of its file");
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    file_identify(&proof->info, &walk->ret->proof_identity);
    st = proof_source_next(proof, err);
    if (st == ST_NOT_FOUND) { /* not even a head */
        tell(walk, job->proof_name, 1, "is empty: nothing proves the lines of its file");
        return ST_OK;
    }
    if (st != ST_OK)
        return give_up_proof(walk, st, err);
    walk->proof_ended = false;
    head->has_seed = proof->line->head.has_seed;
    head->seed = proof->line->head.seed;
    memcpy(head->journal_id, proof->line->head.journal_id, sizeof(head->journal_id));
    return ST_OK;
}

static enum status run(struct walk *walk, struct error *err)
{
    struct file_check *ret = walk->ret;
    struct head head = {.has_seed = false};

    enum status st = open_proof(walk, &head, err);
    if (st == ST_OK)
        st = open_lines(walk, err);
    if (st == ST_OK && !walk->proof_ended)
        st = start_tree(walk, err);
    if (st == ST_OK)
        st = read_lines(walk, &head, err);
    if (st == ST_OK && ret->has_proof)
        st = finish_proof(walk, &head, err);
    store_seed_wipe(&head.seed);
    return st;
}

void file_check_run(struct file_checker *checker, const struct file_check_job *job,
                    struct file_check *ret)
{
    struct walk walk = {.checker = checker, .job = job, .ret = ret};

    ret->agrees = true;
    ret->status = run(&walk, &ret->err);
    store_source_close(&checker->lines.file);
    if (ret->status == ST_CORRUPT) { /* no file at all, behind that name */
        tell(&walk, job->name, 0, ret->err.text);
        ret->status = ST_OK;
    }
}
