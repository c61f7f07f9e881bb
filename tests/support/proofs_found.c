/* SPDX-License-Identifier: Apache-2.0 */
/* proofs_found.c -- see proofs_found.h.  Everything is kept in memory: the stores are small. */
#include "support/proofs_found.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_reader.h"
#include "telltale/checkpoint_line.h"
#include "telltale/key_chain.h"
#include "telltale/line_file.h"
#include "telltale/store_manifest.h"
#include "telltale/store_proof.h"

enum { FACTS_MAX = 8192, SIZE_MAX_LINES = 8192, STATES_MAX = 256, RUNS_MAX = 256 };

/* Of a proof without seed. */
struct run {
    bool is_erased;
    struct merkle_range erased;
    size_t count, used;
    struct store_salt salts[STORE_PROOF_RUN_MAX];
};

struct looking {
    struct proofs_found *found;
    const char *path;
    int dir_fd;
    struct manifest_chain chain;
    struct manifest_fact *facts; /* FACTS_MAX */
    size_t fact_count;
    struct merkle_range tree;
    struct hash *roots;  /* by size */
    bool *is_root_known; /* the same; not within files that were deleted */
    struct key_chain *keys;
    struct buf note;
    /* of the present file */
    char file[96];
    bool has_proof;
    struct store_proof_reader reader;
    struct store_proof_line line;
    struct store_proof_head head;
    struct store_proof_state *states; /* STATES_MAX */
    size_t state_count, next_state;
    struct run *runs; /* RUNS_MAX */
    size_t run_count, next_run;
    struct merkle_range range;
    uint64_t size_bytes;
};

static void PRINTF_LIKE(2, 3) complain(struct looking *look, const char *fmt, ...)
{
    va_list args;

    if (look->found->trouble[0] != 0)
        return;
    va_start(args, fmt);
    vsnprintf(look->found->trouble, sizeof(look->found->trouble), fmt, args);
    va_end(args);
}

static bool same_range(const struct merkle_range *a, const struct merkle_range *b)
{
    return a->first == b->first && a->end == b->end && a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) == 0;
}

static void read_lines(struct looking *look, const char *name, line_file_visit *visit)
{
    struct error err;

    enum status st = line_file_read(&disk_io_system, look->dir_fd, name, visit, look, NULL, &err);
    if (st != ST_OK && st != ST_NOT_FOUND)
        complain(look, "%s: %s", name, err.text);
}

/* --- The manifest ----------------------------------------------------------------------------- */

static enum status take_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct looking *look = context;

    ASSERT(look->fact_count < FACTS_MAX);
    struct manifest_fact *fact = &look->facts[look->fact_count];
    enum status st = manifest_read_line(line, &look->chain, fact, err);
    if (st != ST_OK) {
        complain(look, "line %u of the manifest: %s", (unsigned)number, err->text);
        return st;
    }
    look->fact_count++;
    look->found->closed += fact->kind == MANIFEST_CLOSED;
    look->found->compressed += fact->kind == MANIFEST_COMPRESSED;
    look->found->deleted += fact->kind == MANIFEST_DELETED;
    look->found->rewritten += fact->kind == MANIFEST_REWRITTEN;
    return ST_OK;
}

static const struct manifest_fact *last_fact(const struct looking *look, enum manifest_kind kind,
                                             const char *base)
{
    const struct manifest_fact *last = NULL;

    for (size_t i = 0; i < look->fact_count; i++) {
        if (look->facts[i].kind == kind && strcmp(look->facts[i].base, base) == 0)
            last = &look->facts[i];
    }
    return last;
}

/* --- The tree --------------------------------------------------------------------------------- */

static void note_root(struct looking *look)
{
    ASSERT(look->tree.end < SIZE_MAX_LINES);
    merkle_range_root(&look->tree, &look->roots[look->tree.end]);
    look->is_root_known[look->tree.end] = true;
}

/* Files that are gone, by the manifest, up to leaf `index`. */
static void pass_over_gone(struct looking *look, uint64_t index)
{
    struct error err;

    for (size_t i = 0; i < look->fact_count && look->tree.end < index; i++) {
        const struct manifest_fact *fact = &look->facts[i];
        if (fact->kind != MANIFEST_CLOSED || fact->range.first != look->tree.end)
            continue;
        if (merkle_range_append(&look->tree, &fact->range, &err) != ST_OK)
            complain(look, "the manifest: %s", err.text);
        if (last_fact(look, MANIFEST_DELETED, fact->base) == NULL)
            complain(look, "%s is gone and was not deleted on record", fact->base);
        note_root(look);
    }
    if (look->tree.end != index)
        complain(look, "there are no leaves from %llu to %llu", (unsigned long long)look->tree.end,
                 (unsigned long long)index);
}

/* --- A file ----------------------------------------------------------------------------------- */

static enum status take_proof_line(void *context, struct slice line, uint64_t number,
                                   struct error *err)
{
    struct looking *look = context;

    (void)number;
    enum status st = store_proof_read_line(&look->reader, line, &look->line, err);
    if (st != ST_OK) {
        complain(look, "proof of %s: %s", look->file, err->text);
        return st;
    }
    if (look->line.kind == STORE_PROOF_HEAD) {
        look->head = look->line.head;
        look->has_proof = true;
    } else if (look->line.kind == STORE_PROOF_STATE) {
        ASSERT(look->state_count < STATES_MAX);
        look->states[look->state_count++] = look->line.state;
    } else {
        ASSERT(look->run_count < RUNS_MAX);
        struct run *run = &look->runs[look->run_count++];
        *run = (struct run){.is_erased = look->line.kind == STORE_PROOF_ERASED};
        if (run->is_erased) {
            run->erased = look->line.erased;
        } else {
            run->count = look->line.kept.count;
            memcpy(run->salts, look->line.kept.salts, run->count * sizeof(run->salts[0]));
        }
    }
    return ST_OK;
}

static bool is_active(const struct looking *look)
{
    return strcmp(look->file, STORE_ACTIVE_NAME) == 0;
}

static void base_of(const struct looking *look, char out[96])
{
    snprintf(out, 96, "%s", look->file);
    char *suffix = strstr(out, ".jsonl");
    ASSERT(suffix != NULL);
    *suffix = 0;
}

static void begin_file(struct looking *look, const char *file)
{
    char name[128];

    snprintf(look->file, sizeof(look->file), "%s", file);
    base_of(look, name);
    strcat(name, STORE_PROOF_SUFFIX);
    look->has_proof = false;
    look->state_count = look->next_state = 0;
    look->run_count = look->next_run = 0;
    look->size_bytes = 0;
    store_proof_reader_init(&look->reader);
    read_lines(look, name, take_proof_line);
    if (!look->has_proof)
        return;
    if (look->found->origin[0] == 0)
        snprintf(look->found->origin, sizeof(look->found->origin), "%s", look->head.origin);
    if (strcmp(look->found->origin, look->head.origin) != 0)
        complain(look, "%s is of another log", file);
    pass_over_gone(look, look->head.first_index);
    merkle_range_init(&look->range, look->head.first_index);
}

static void check_states(struct looking *look)
{
    while (look->next_state < look->state_count &&
           look->states[look->next_state].offset_bytes <= look->size_bytes) {
        const struct store_proof_state *state = &look->states[look->next_state++];
        if (state->offset_bytes != look->size_bytes || !same_range(&state->range, &look->range))
            complain(look, "%s: a state at %llu is not that of its lines", look->file,
                     (unsigned long long)state->offset_bytes);
    }
}

/* Goes on to the next salt of a proof without seed; NULL: there is none. */
static const struct store_salt *next_salt(struct looking *look)
{
    struct error err;

    for (; look->next_run < look->run_count; look->next_run++) {
        struct run *run = &look->runs[look->next_run];
        if (!run->is_erased && run->used < run->count)
            return &run->salts[run->used++];
        if (!run->is_erased)
            continue;
        look->found->erased += run->erased.end - run->erased.first;
        if (merkle_range_append(&look->tree, &run->erased, &err) != ST_OK ||
            merkle_range_append(&look->range, &run->erased, &err) != ST_OK)
            complain(look, "%s: %s", look->file, err.text);
    }
    return NULL;
}

static void add_line(struct looking *look, const struct store_line *line)
{
    struct store_place place;
    struct hash leaf;

    look->size_bytes += line->text.size + 1;
    if (!look->has_proof) {
        look->found->uncovered++;
        return;
    }
    if (!store_line_place(line->text, &place)) {
        complain(look, "%s: a line without a place", look->file);
        return;
    }
    look->found->covered++;
    if (look->head.has_seed) {
        store_leaf_of_line(&look->head.seed, look->tree.end, place.sequence, line->text, &leaf);
    } else {
        const struct store_salt *salt = next_salt(look);
        if (salt == NULL) {
            complain(look, "%s: its proof tells of fewer lines", look->file);
            return;
        }
        store_leaf_of_salted_line(salt, place.sequence, line->text, &leaf);
    }
    merkle_range_append_leaf(&look->tree, &leaf);
    merkle_range_append_leaf(&look->range, &leaf);
    note_root(look);
    check_states(look);
}

static void check_compressed(struct looking *look, const char *base)
{
    const struct manifest_fact *fact = last_fact(look, MANIFEST_REWRITTEN, base);
    const struct manifest_fact *compressed = last_fact(look, MANIFEST_COMPRESSED, base);
    struct hasher hasher;
    uint8_t chunk[4096];
    uint64_t size = 0;
    struct hash hash;
    ssize_t got;

    /* Of both the last word counts, and facts stand in their order. */
    if (fact == NULL || compressed > fact)
        fact = compressed;
    if (fact == NULL) {
        complain(look, "%s is not in the manifest", look->file);
        return;
    }
    int fd = openat(look->dir_fd, look->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* compressed or deleted meanwhile */
    hasher_start(&hasher);
    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        hasher_add(&hasher, slice_of(chunk, (size_t)got));
        size += (uint64_t)got;
    }
    (void)close(fd); /* only read from */
    hasher_finish(&hasher, &hash);
    if (size != fact->size_bytes || !hash_equal(&hash, &fact->sha256))
        complain(look, "%s has another hash than the manifest says", look->file);
}

static void end_file(struct looking *look)
{
    char base[96];

    if (look->file[0] == 0 || !look->has_proof)
        return;
    if (look->next_state < look->state_count)
        complain(look, "%s: its proof tells of more lines than there are", look->file);
    if (is_active(look)) {
        look->found->states = (unsigned)look->state_count;
        return;
    }
    base_of(look, base);
    const struct manifest_fact *fact = last_fact(look, MANIFEST_CLOSED, base);
    bool is_rewritten = last_fact(look, MANIFEST_REWRITTEN, base) != NULL;
    if (!look->head.has_seed && next_salt(look) != NULL)
        complain(look, "%s: its proof tells of more lines than there are", look->file);
    if (is_rewritten == look->head.has_seed)
        complain(look, "%s: the seed is %s", look->file, is_rewritten ? "there still" : "gone");
    if (fact == NULL || (!is_rewritten && fact->size_bytes != look->size_bytes) ||
        !same_range(&fact->range, &look->range))
        complain(look, "%s is not what the manifest says", look->file);
    if (strstr(look->file, ".zst") != NULL || is_rewritten)
        check_compressed(look, base);
}

static void read_files(struct looking *look)
{
    struct store_reader *reader;
    struct store_line line;
    struct error err;
    enum status st;

    ASSERT(store_reader_open(look->path, NULL, &reader, &err) == ST_OK);
    while ((st = store_reader_next(reader, &line, &err)) != ST_AGAIN) {
        if (st != ST_OK) {
            complain(look, "%s", err.text);
            continue;
        }
        if (strcmp(line.file, look->file) != 0) {
            end_file(look);
            begin_file(look, line.file);
        }
        add_line(look, &line);
    }
    end_file(look);
    store_reader_close(reader);
    look->found->tree_size = look->tree.end;
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

static enum status take_key(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct looking *look = context;

    return key_chain_read_line(look->keys, line, number, err);
}

static enum status take_checkpoint(void *context, struct slice line, uint64_t number,
                                   struct error *err)
{
    struct looking *look = context;
    struct key_judgement judgement;
    struct checkpoint checkpoint;
    uint64_t unix_ns;
    struct error why;

    enum status st = checkpoint_line_read(line, &unix_ns, &look->note, err);
    if (st != ST_OK)
        return st;
    key_chain_judge(look->keys, buf_slice(&look->note), &checkpoint, &judgement, &why);
    if (judgement.verdict != KEY_GOOD)
        complain(look, "checkpoint %u: %s", (unsigned)number, why.text);
    else if (checkpoint.size > look->tree.end || checkpoint.size < look->found->signed_size)
        complain(look, "checkpoint %u: size %llu behind %llu, of %llu", (unsigned)number,
                 (unsigned long long)checkpoint.size, (unsigned long long)look->found->signed_size,
                 (unsigned long long)look->tree.end);
    else if (look->is_root_known[checkpoint.size] &&
             !hash_equal(&checkpoint.root, &look->roots[checkpoint.size]))
        complain(look, "checkpoint %u: another root at size %llu", (unsigned)number,
                 (unsigned long long)checkpoint.size);
    look->found->signed_size = checkpoint.size;
    look->found->checkpoints++;
    return ST_OK;
}

static void read_checkpoints(struct looking *look)
{
    struct error err;

    ASSERT(key_chain_create(NULL, &look->keys, &err) == ST_OK);
    read_lines(look, STORE_KEYS_NAME, take_key);
    look->found->epochs = (unsigned)key_chain_count(look->keys);
    if (look->found->origin[0] != 0 && look->found->epochs > 0 &&
        strcmp(key_chain_origin(look->keys), look->found->origin) != 0)
        complain(look, "the keys are of another log");
    read_lines(look, STORE_CHECKPOINTS_NAME, take_checkpoint);
    key_chain_destroy(look->keys);
}

/* --- The whole -------------------------------------------------------------------------------- */

void proofs_found_read(const char *path, struct proofs_found *ret)
{
    struct looking *look = calloc(1, sizeof(*look));

    ASSERT(look != NULL);
    *ret = (struct proofs_found){.covered = 0};
    look->found = ret;
    look->path = path;
    look->facts = calloc(FACTS_MAX, sizeof(*look->facts));
    look->roots = calloc(SIZE_MAX_LINES, sizeof(*look->roots));
    look->is_root_known = calloc(SIZE_MAX_LINES, sizeof(*look->is_root_known));
    look->states = calloc(STATES_MAX, sizeof(*look->states));
    look->runs = calloc(RUNS_MAX, sizeof(*look->runs));
    ASSERT(look->runs != NULL);
    ASSERT(look->facts != NULL && look->roots != NULL && look->is_root_known != NULL &&
           look->states != NULL);
    buf_init(&look->note, NOTE_SIZE_MAX);
    look->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(look->dir_fd >= 0);
    merkle_range_init(&look->tree, 0);
    note_root(look);
    read_lines(look, STORE_MANIFEST_NAME, take_fact);
    read_files(look);
    read_checkpoints(look);
    (void)close(look->dir_fd); /* a directory */
    buf_fini(&look->note);
    free(look->facts);
    free(look->roots);
    free(look->is_root_known);
    free(look->states);
    free(look->runs);
    free(look);
}
