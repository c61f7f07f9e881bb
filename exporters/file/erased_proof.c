/* SPDX-License-Identifier: Apache-2.0 */
/* erased_proof.c -- see erased_proof.h.
 *
 * The old proof has a seed and states, of which the last one tells of all lines; or, after an
 * earlier erasure, runs of salts and of leaves.  Both proofs are kept in memory: at most 24 bytes a
 * record.
 *
 * With states the leaves are compared before anything is given up: a file that somebody has changed
 * is evidence as it is.
 */
#include "erased_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telltale/store_leaf.h"

enum { PROOF_SIZE_MAX = 256 << 20 };

struct erased_proof {
    struct buf old;
    size_t at; /* of the next line in it */
    struct store_proof_reader reader;
    struct store_proof_line line; /* the last one that was read */
    size_t salts_used;            /* of a run of salts */
    struct store_proof_head head;
    struct merkle_range stated; /* of the last state */
    struct merkle_range all;    /* of the lines so far */
    struct merkle_range erased; /* behind the last run that was written */
    struct store_salt kept[STORE_PROOF_RUN_MAX];
    size_t kept_count;
    struct buf out;
};

static enum status read_file(const struct store_dir *dir, const char *name, struct buf *out,
                             struct error *err)
{
    struct stat info;
    size_t got = 0;

    if (dir->io->stat_at(dir->fd, name, &info) < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "look at '%s'", name);
    int fd = dir->io->open_at(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%s'", name);
    enum status st = buf_reserve(out, (size_t)info.st_size + 1, err);
    if (st == ST_OK)
        st = disk_read(dir->io, fd, out->data, (size_t)info.st_size, 0, &got, err);
    (void)close(fd); /* only read from */
    out->size = st == ST_OK ? got : 0;
    return st;
}

/* ST_NOT_FOUND: there are no more. */
static enum status next_line(struct erased_proof *proof, struct error *err)
{
    struct slice rest = slice_from(buf_slice(&proof->old), proof->at);
    const uint8_t *newline = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;

    if (newline == NULL)
        return error_set(err, ST_NOT_FOUND, "no more lines");
    size_t size = (size_t)(newline - rest.data);
    enum status st =
        store_proof_read_line(&proof->reader, slice_of(rest.data, size), &proof->line, err);
    if (st != ST_OK)
        return error_set(err, ST_CORRUPT, "line %llu of the proof is none",
                         (unsigned long long)proof->reader.lines + 1);
    proof->at += size + 1;
    proof->salts_used = 0;
    return ST_OK;
}

/* The head, and of one with seed all states. */
static enum status read_head(struct erased_proof *proof, struct error *err)
{
    enum status st = next_line(proof, err);
    if (st != ST_OK)
        return error_set(err, ST_CORRUPT, "the proof has no head");
    proof->head = proof->line.head;
    merkle_range_init(&proof->stated, proof->head.first_index);
    merkle_range_init(&proof->all, proof->head.first_index);
    merkle_range_init(&proof->erased, proof->head.first_index);
    while (proof->head.has_seed && (st = next_line(proof, err)) == ST_OK)
        proof->stated = proof->line.state.range;
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status erased_proof_begin(const struct store_dir *dir, const char *name,
                               struct erased_proof **ret, struct error *err)
{
    struct erased_proof *proof = calloc(1, sizeof(*proof));
    if (proof == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%s'", name);
    buf_init(&proof->old, PROOF_SIZE_MAX);
    buf_init(&proof->out, PROOF_SIZE_MAX);
    store_proof_reader_init(&proof->reader);
    enum status st = read_file(dir, name, &proof->old, err);
    if (st == ST_OK)
        st = read_head(proof, err);
    if (st == ST_OK) {
        struct store_proof_head head = proof->head;
        head.has_seed = false;
        st = store_proof_put_head(&head, &proof->out, err);
    }
    if (st != ST_OK) {
        erased_proof_destroy(proof);
        return st == ST_NOT_FOUND ? st : error_context(err, "'%s'", name);
    }
    *ret = proof;
    return ST_OK;
}

void erased_proof_destroy(struct erased_proof *proof)
{
    if (proof == NULL)
        return;
    store_seed_wipe(&proof->head.seed);
    if (proof->old.data != NULL)
        explicit_bzero(proof->old.data, proof->old.size); /* the seed stands there too */
    explicit_bzero(&proof->line, sizeof(proof->line));
    buf_fini(&proof->old);
    buf_fini(&proof->out);
    free(proof);
}

static enum status put_kept(struct erased_proof *proof, struct error *err)
{
    if (proof->kept_count == 0)
        return ST_OK;
    enum status st = store_proof_put_kept(proof->kept, proof->kept_count, &proof->out, err);
    proof->kept_count = 0;
    merkle_range_init(&proof->erased, proof->all.end);
    return st;
}

static enum status put_erased(struct erased_proof *proof, struct error *err)
{
    enum status st = ST_OK;

    if (proof->erased.end > proof->erased.first)
        st = store_proof_put_erased(&proof->erased, &proof->out, err);
    merkle_range_init(&proof->erased, proof->all.end);
    return st;
}

/* Leaves of lines that were erased before. */
static enum status pass_erased(struct erased_proof *proof, struct error *err)
{
    enum status st = put_kept(proof, err);
    if (st == ST_OK)
        st = merkle_range_append(&proof->erased, &proof->line.erased, err);
    if (st == ST_OK)
        st = merkle_range_append(&proof->all, &proof->line.erased, err);
    return st;
}

static enum status next_salt(struct erased_proof *proof, struct store_salt *ret, struct error *err)
{
    if (proof->head.has_seed) {
        store_salt_derive(&proof->head.seed, proof->all.end, ret);
        return ST_OK;
    }
    while (proof->line.kind != STORE_PROOF_KEPT || proof->salts_used == proof->line.kept.count) {
        enum status st = next_line(proof, err);
        if (st == ST_OK && proof->line.kind == STORE_PROOF_ERASED)
            st = pass_erased(proof, err);
        if (st != ST_OK)
            return error_set(err, ST_CORRUPT, "the proof does not tell of all lines");
    }
    *ret = proof->line.kept.salts[proof->salts_used++];
    return ST_OK;
}

enum status erased_proof_add(struct erased_proof *proof, struct slice line, uint64_t sequence,
                             bool is_erased, struct error *err)
{
    struct store_salt salt;
    struct hash leaf;

    enum status st = next_salt(proof, &salt, err);
    if (st != ST_OK)
        return st;
    store_leaf_of_salted_line(&salt, sequence, slice_of(line.data, line.size - 1), &leaf);
    if (is_erased) {
        st = put_kept(proof, err);
        merkle_range_append_leaf(&proof->erased, &leaf);
        merkle_range_append_leaf(&proof->all, &leaf);
        return st;
    }
    st = put_erased(proof, err);
    merkle_range_append_leaf(&proof->all, &leaf);
    proof->kept[proof->kept_count++] = salt;
    if (st == ST_OK && proof->kept_count == STORE_PROOF_RUN_MAX)
        st = put_kept(proof, err);
    return st;
}

static bool is_same(const struct merkle_range *a, const struct merkle_range *b)
{
    return a->first == b->first && a->end == b->end && a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) == 0;
}

/* What stands behind the last line of an earlier erasure. */
static enum status pass_rest(struct erased_proof *proof, struct error *err)
{
    enum status st = ST_OK;

    if (proof->line.kind == STORE_PROOF_KEPT && proof->salts_used < proof->line.kept.count)
        return error_set(err, ST_CORRUPT, "the proof tells of more lines");
    while (st == ST_OK && (st = next_line(proof, err)) == ST_OK) {
        st = proof->line.kind == STORE_PROOF_ERASED
                 ? pass_erased(proof, err)
                 : error_set(err, ST_CORRUPT, "the proof tells of more lines");
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status erased_proof_finish(struct erased_proof *proof, struct slice *ret, struct error *err)
{
    enum status st = ST_OK;

    if (!proof->head.has_seed)
        st = pass_rest(proof, err);
    else if (!is_same(&proof->all, &proof->stated))
        st = error_set(err, ST_CORRUPT, "the lines are not those that the proof tells of");
    if (st == ST_OK)
        st = put_kept(proof, err);
    if (st == ST_OK)
        st = put_erased(proof, err);
    if (st == ST_OK)
        *ret = buf_slice(&proof->out);
    return st;
}
