/* SPDX-License-Identifier: Apache-2.0 */
/* store_proofs.c -- see store_proofs.h.
 *
 *     | closed: leaves of all closed files | lines: of the active file | pending |
 *     0                      head.first_index                    lines.end
 *
 * active.proof says every STATE_EVERY bytes, and before each checkpoint, where the lines stand: so
 * a start has little to hash, and no line that was ever attested can be missing from it.
 *
 * A file is closed in this order, each step durable before the next: the last state; the file's new
 * name; the name of its proof; its line in the manifest.  No line is written to the next file
 * before that is done, so there is never more than one file to finish at a start
 * (proof_recovery.c).
 *
 * The manifest has no hash of a plain file: each of its bytes is in the tree already, and a second
 * pass of SHA-256 would double the price of a record.
 */
#include "store_proofs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"

enum {
    STATE_EVERY = 4 << 20,    /* bytes of lines */
    MANIFEST_ROOM = 64 << 10, /* kept free, so that a deletion on a full disk can be written */
    WIPE_SIZE_MAX = 1 << 20,  /* of a file that is overwritten */
};

void store_proofs_init(struct store_proofs *proofs, const struct store_dir *dir)
{
    *proofs = (struct store_proofs){.dir = dir, .manifest = {.fd = -1}, .active = {.fd = -1}};
    buf_init(&proofs->text, LINE_FILE_LINE_MAX);
    merkle_range_init(&proofs->closed, 0);
    merkle_range_init(&proofs->lines, 0);
    merkle_range_init(&proofs->pending, 0);
}

void store_proofs_fini(struct store_proofs *proofs)
{
    line_file_close(&proofs->manifest);
    line_file_close(&proofs->active);
    store_seed_wipe(&proofs->head.seed);
    buf_fini(&proofs->text);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static enum status make_seed(struct store_proofs *proofs, const uint8_t journal_id[JOURNAL_ID_SIZE],
                             struct error *err)
{
    struct store_proof_head *head = &proofs->head;
    const struct store_dir *dir = proofs->dir;

    line_file_close(&proofs->active);
    proofs->cover = COVER_NONE;
    *head = (struct store_proof_head){.first_index = proofs->closed.end, .has_seed = true};
    memcpy(head->origin, proofs->origin, sizeof(head->origin));
    memcpy(head->journal_id, journal_id, JOURNAL_ID_SIZE);
    buf_clear(&proofs->text);
    enum status st = store_seed_make(&head->seed, err);
    if (st == ST_OK)
        st = store_proof_put_head(head, &proofs->text, err);
    if (st == ST_OK) /* whole or not at all, in place of what may have been left there */
        st = disk_publish(dir->io, dir->fd, STORE_PROOF_ACTIVE_NAME, proofs->text.data,
                          proofs->text.size, err);
    if (st == ST_OK)
        st = line_file_open(&proofs->active, dir->io, dir->fd, STORE_PROOF_ACTIVE_NAME, NULL, err);
    if (st != ST_OK)
        return error_context(err, "make a seed");
    merkle_range_init(&proofs->lines, head->first_index);
    proofs->stated_bytes = 0;
    proofs->cover = COVER_SEEDED;
    return ST_OK;
}

enum status store_proofs_begin(struct store_proofs *proofs,
                               const uint8_t journal_id[JOURNAL_ID_SIZE], bool has_lines,
                               uint64_t now_unix_ns, struct error *err)
{
    if (!proofs->is_on)
        return ST_OK;
    enum status st = store_proofs_close(proofs, now_unix_ns, err);
    if (st != ST_OK)
        return st;
    ASSERT(!store_proofs_want_close(proofs));
    bool is_stale = proofs->cover == COVER_SEEDED &&
                    memcmp(proofs->head.journal_id, journal_id, JOURNAL_ID_SIZE) != 0;
    if (proofs->cover == COVER_NONE || (is_stale && !has_lines))
        st = make_seed(proofs, journal_id, err);
    proofs->pending = proofs->lines;
    if (proofs->is_growing)
        proofs->growing = *tree_growth_last(&proofs->growth);
    return st;
}

void store_proofs_add(struct store_proofs *proofs, uint64_t sequence, struct slice line)
{
    struct hash leaf;

    if (proofs->cover != COVER_SEEDED)
        return;
    ASSERT(line.size > 0 && line.data[line.size - 1] == '\n');
    line.size--;
    store_leaf_of_line(&proofs->head.seed, proofs->pending.end, sequence, line, &leaf);
    merkle_range_append_leaf(&proofs->pending, &leaf);
    if (proofs->is_growing)
        merkle_range_append_leaf(&proofs->growing, &leaf);
}

/* Counting of what was skipped begins with a journal's first line. */
static void note_journal(struct store_proofs *proofs, const struct store_place *first)
{
    if (proofs->first_sequence != 0 &&
        memcmp(proofs->journal_id, first->journal_id, JOURNAL_ID_SIZE) == 0)
        return;
    memcpy(proofs->journal_id, first->journal_id, JOURNAL_ID_SIZE);
    proofs->first_sequence = first->sequence;
    proofs->first_index = proofs->head.first_index;
}

void store_proofs_commit(struct store_proofs *proofs, const struct active_file *active)
{
    struct error ignored;

    if (proofs->cover != COVER_SEEDED)
        return;
    proofs->lines = proofs->pending;
    if (proofs->is_growing)
        *tree_growth_last(&proofs->growth) = proofs->growing;
    note_journal(proofs, &active->first);
    if (active->size_bytes - proofs->stated_bytes >= STATE_EVERY)
        /* The lines are durable without it; the next batch tries again. */
        (void)(store_proofs_state(proofs, active->size_bytes, &ignored) == ST_OK);
}

void store_proofs_roll_back(struct store_proofs *proofs)
{
    proofs->pending = proofs->lines;
}

enum status store_proofs_state(struct store_proofs *proofs, uint64_t size_bytes, struct error *err)
{
    struct store_proof_state state = {.offset_bytes = size_bytes};

    if (proofs->cover != COVER_SEEDED || proofs->must_close || proofs->closing.is_due ||
        proofs->stated_bytes == size_bytes)
        return ST_OK;
    state.range = proofs->lines;
    buf_clear(&proofs->text);
    enum status st = store_proof_put_state(&state, &proofs->text, err);
    if (st == ST_OK)
        st = line_file_append(&proofs->active, buf_slice(&proofs->text), err);
    if (st != ST_OK)
        return error_context(err, "write '%s'", STORE_PROOF_ACTIVE_NAME);
    proofs->stated_bytes = size_bytes;
    return ST_OK;
}

/* --- The tree --------------------------------------------------------------------------------- */

uint64_t store_proofs_size(const struct store_proofs *proofs)
{
    return proofs->cover == COVER_SEEDED ? proofs->lines.end : proofs->closed.end;
}

static void whole_tree(const struct store_proofs *proofs, struct merkle_range *ret)
{
    struct error err;

    *ret = proofs->closed;
    if (proofs->cover == COVER_SEEDED) {
        enum status st = merkle_range_append(ret, &proofs->lines, &err);
        ASSERT(st == ST_OK);
    }
}

void store_proofs_root(const struct store_proofs *proofs, struct hash *ret)
{
    struct merkle_range whole;

    whole_tree(proofs, &whole);
    merkle_range_root(&whole, ret);
}

void store_proofs_begin_growth(struct store_proofs *proofs)
{
    struct merkle_range whole;

    whole_tree(proofs, &whole);
    tree_growth_start(&proofs->growth, &whole);
    tree_growth_step(&proofs->growth);
    proofs->is_growing = true;
}

uint64_t store_proofs_skipped(const struct store_proofs *proofs, const struct store_place *last)
{
    uint64_t lines = store_proofs_size(proofs) - proofs->first_index;

    if (proofs->first_sequence == 0 || last->sequence < proofs->first_sequence ||
        memcmp(proofs->journal_id, last->journal_id, JOURNAL_ID_SIZE) != 0)
        return 0;
    uint64_t span = last->sequence - proofs->first_sequence + 1;
    return span > lines ? span - lines : 0;
}

/* --- The manifest ----------------------------------------------------------------------------- */

void store_base_format(const struct store_file_name *name, char out[STORE_FILE_NAME_SIZE])
{
    struct store_file_name plain = *name;

    plain.compressed = false;
    store_file_name_format(&plain, out);
    char *suffix = strstr(out, ".jsonl");
    ASSERT(suffix != NULL);
    *suffix = 0;
}

static void reserve_room(struct store_proofs *proofs)
{
    /* Without it the next line finds room, or says that there is none. */
    (void)proofs->dir->io->fallocate(proofs->manifest.fd, FALLOC_FL_KEEP_SIZE,
                                     (off_t)proofs->manifest.size_bytes, MANIFEST_ROOM);
}

enum status store_proofs_write(struct store_proofs *proofs, struct manifest_fact *fact,
                               uint64_t now_unix_ns, struct error *err)
{
    struct manifest_chain before = proofs->chain;

    if (!proofs->is_on)
        return ST_OK;
    fact->unix_ns = now_unix_ns;
    buf_clear(&proofs->text);
    enum status st = manifest_put(fact, &proofs->chain, &proofs->text, err);
    if (st == ST_OK)
        st = line_file_append(&proofs->manifest, buf_slice(&proofs->text), err);
    if (st != ST_OK) {
        proofs->chain = before;
        return error_context(err, "write '%s'", STORE_MANIFEST_NAME);
    }
    reserve_room(proofs);
    return ST_OK;
}

enum status store_proofs_note_deletion(struct store_proofs *proofs,
                                       const struct store_file_name *name, const char *reason,
                                       const char *rule, uint64_t now_unix_ns, struct error *err)
{
    struct manifest_fact fact = {.kind = MANIFEST_DELETED};

    store_base_format(name, fact.base);
    snprintf(fact.reason, sizeof(fact.reason), "%s", reason);
    snprintf(fact.rule, sizeof(fact.rule), "%s", rule);
    return store_proofs_write(proofs, &fact, now_unix_ns, err);
}

enum status store_proofs_note_compressed(struct store_proofs *proofs,
                                         const struct store_file_name *name, uint64_t size_bytes,
                                         const struct hash *sha256, uint64_t now_unix_ns,
                                         struct error *err)
{
    struct manifest_fact fact = {
        .kind = MANIFEST_COMPRESSED, .size_bytes = size_bytes, .sha256 = *sha256};

    store_base_format(name, fact.base);
    return store_proofs_write(proofs, &fact, now_unix_ns, err);
}

/* --- Closing ---------------------------------------------------------------------------------- */

void store_proofs_note_closed(struct store_proofs *proofs, const struct store_file_name *name,
                              uint64_t size_bytes)
{
    if (!proofs->is_on)
        return;
    proofs->closing = (struct proof_closing){.is_due = true,
                                             .has_proof = proofs->cover == COVER_SEEDED,
                                             .name = *name,
                                             .size_bytes = proofs->must_close ? proofs->stated_bytes
                                                                              : size_bytes};
}

static void proof_name(const struct store_file_name *name, char *out, size_t size)
{
    char base[STORE_FILE_NAME_SIZE];

    store_base_format(name, base);
    snprintf(out, size, "%s" STORE_PROOF_SUFFIX, base);
}

/* The name may have been given by a try before this one. */
static enum status name_proof(struct store_proofs *proofs, struct error *err)
{
    char name[STORE_FILE_NAME_SIZE + 8];
    const struct store_dir *dir = proofs->dir;

    proof_name(&proofs->closing.name, name, sizeof(name));
    line_file_close(&proofs->active);
    if (dir->io->rename_at(dir->fd, STORE_PROOF_ACTIVE_NAME, dir->fd, name) < 0 && errno != ENOENT)
        return error_set_errno(err, ST_IO, "rename '%s' to '%s'", STORE_PROOF_ACTIVE_NAME, name);
    return store_dir_sync(dir, err);
}

static enum status write_closed(struct store_proofs *proofs, uint64_t now_unix_ns,
                                struct error *err)
{
    struct manifest_fact fact = {
        .kind = MANIFEST_CLOSED,
        .size_bytes = proofs->closing.size_bytes,
        .range = proofs->lines,
    };

    store_base_format(&proofs->closing.name, fact.base);
    memcpy(fact.journal_id, proofs->head.journal_id, JOURNAL_ID_SIZE);
    return store_proofs_write(proofs, &fact, now_unix_ns, err);
}

enum status store_proofs_close(struct store_proofs *proofs, uint64_t now_unix_ns, struct error *err)
{
    struct proof_closing *closing = &proofs->closing;

    if (!closing->is_due)
        return ST_OK;
    enum status st = ST_OK;
    if (closing->has_proof) {
        st = store_dir_sync(proofs->dir, err); /* the file's name first */
        if (st == ST_OK && !closing->is_named)
            st = name_proof(proofs, err);
        closing->is_named = closing->is_named || st == ST_OK;
        if (st == ST_OK)
            st = write_closed(proofs, now_unix_ns, err);
        if (st != ST_OK)
            return error_context(err, "close the proof");
        st = merkle_range_append(&proofs->closed, &proofs->lines, err);
        ASSERT(st == ST_OK);
    }
    closing->is_due = false;
    proofs->must_close = false;
    proofs->cover = COVER_NONE;
    store_seed_wipe(&proofs->head.seed);
    merkle_range_init(&proofs->lines, proofs->closed.end);
    proofs->pending = proofs->lines;
    return ST_OK;
}

/* --- What is left of a deleted file ----------------------------------------------------------- */

static void overwrite(const struct disk_io *io, int fd)
{
    static const uint8_t zeros[4096];
    struct error ignored;
    struct stat info;

    if (io->fstat(fd, &info) < 0)
        return;
    uint64_t size = (uint64_t)info.st_size;
    for (uint64_t at = 0; at < size && at < WIPE_SIZE_MAX; at += sizeof(zeros)) {
        size_t part = size - at < sizeof(zeros) ? (size_t)(size - at) : sizeof(zeros);
        if (file_write_at(io, fd, slice_of(zeros, part), at, &ignored) != ST_OK)
            return;
    }
    (void)(disk_sync(io, fd, &ignored) == ST_OK); /* best effort, all of this */
}

void store_wipe_file(const struct disk_io *io, int dir_fd, const char *name)
{
    struct stat info;

    if (io->stat_at(dir_fd, name, &info) < 0)
        return;
    int fd = io->open_at(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd >= 0) {
        overwrite(io, fd);
        (void)close(fd); /* synced, or in vain */
    }
    (void)io->unlink_at(dir_fd, name);
}

void store_proofs_drop(const struct store_dir *dir, const struct store_file_name *name)
{
    char text[STORE_FILE_NAME_SIZE + 8];

    proof_name(name, text, sizeof(text));
    store_wipe_file(dir->io, dir->fd, text); /* else the next start tries again */
}
