/* SPDX-License-Identifier: Apache-2.0 */
/* proof_recovery.c -- see proof_recovery.h.  What a crash may have left:
 *
 *     active.jsonl   active.proof              newest closed file    then
 *     lines          seed, older lines         -                     the others are hashed
 *     none           seed                      -                     it is used
 *     none           seed, all its lines       without proof         the closing is finished
 *     -              -                         with proof, not in    its line is written
 *                                              the manifest
 *     -              -                         in the manifest as    it is deleted
 *                                              deleted
 *
 * What no crash leaves:
 *
 *     lines          none, or not of the tree  -                     not covered; closed at once
 *     fewer lines    than it tells of          -                     closed with what it tells:
 *                                                                    verification finds them
 * missing none           seed and lines            none that fits        the same, of a file that
 * is gone
 */
#include "proof_recovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_io.h"
#include "telltale/store_file.h"

enum {
    HASH_CHUNK = 1 << 20,
    DROPPED_MAX = 16,
    GROWTH_STATES = TREE_GROWTH_STEPS_MAX - 1, /* to lead on from */
    GROWTH_BYTES_MAX = 32 << 20,               /* of lines that are hashed for that */
};

/* --- The manifest ----------------------------------------------------------------------------- */

struct manifest_reading {
    struct store_proofs *proofs;
    struct store_dir *dir;
    struct proof_findings *findings;
    struct store_file_name dropped[DROPPED_MAX]; /* the last deletions, a ring */
    size_t dropped_count;
    struct manifest_fact fact;
};

static bool parse_base(const char *base, struct store_file_name *ret)
{
    char text[STORE_FILE_NAME_SIZE + 8];

    snprintf(text, sizeof(text), "%s.jsonl", base);
    return store_file_name_parse(text, ret);
}

static int compare_with_entry(const void *key, const void *entry)
{
    return store_file_name_compare(key, &((const struct store_entry *)entry)->name);
}

static struct store_entry *find_entry(struct store_dir *dir, const struct store_file_name *name)
{
    return dir->count == 0 ? NULL
                           : bsearch(name, dir->entries, dir->count, sizeof(dir->entries[0]),
                                     compare_with_entry);
}

/* The first line of a journal that is in the tree. */
static void note_first(struct store_proofs *proofs, const struct manifest_fact *fact,
                       const struct store_file_name *name)
{
    bool is_known = fact->kind == MANIFEST_CLOSED;

    if (proofs->first_sequence != 0 &&
        (!is_known || memcmp(proofs->journal_id, fact->journal_id, JOURNAL_ID_SIZE) == 0))
        return;
    if (is_known)
        memcpy(proofs->journal_id, fact->journal_id, JOURNAL_ID_SIZE);
    proofs->first_sequence = name->first_sequence;
    proofs->first_index = fact->range.first;
}

static void take_fact(struct manifest_reading *reading)
{
    const struct manifest_fact *fact = &reading->fact;
    struct store_proofs *proofs = reading->proofs;
    struct store_file_name name;
    struct error ignored;

    if (fact->kind == MANIFEST_CLOSED || fact->kind == MANIFEST_GONE) {
        if (merkle_range_append(&proofs->closed, &fact->range, &ignored) != ST_OK)
            reading->findings->is_broken = true;
    }
    if (!parse_base(fact->base, &name))
        return;
    struct store_entry *entry = find_entry(reading->dir, &name);
    if (fact->kind == MANIFEST_CLOSED || fact->kind == MANIFEST_GONE)
        note_first(proofs, fact, &name);
    if (fact->kind == MANIFEST_CLOSED && entry != NULL)
        entry->in_manifest = true;
    if (fact->kind != MANIFEST_DELETED)
        return;
    reading->dropped[reading->dropped_count++ % DROPPED_MAX] = name;
    if (entry != NULL)
        entry->is_deleted = true;
}

static enum status visit_fact(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct manifest_reading *reading = context;

    (void)number;
    enum status st = manifest_read_line(line, &reading->proofs->chain, &reading->fact, err);
    if (st == ST_INVALID) {
        reading->findings->is_broken = true;
        return ST_OK;
    }
    if (st == ST_CORRUPT)
        reading->findings->is_chain_broken = true;
    else if (st != ST_OK)
        return st;
    take_fact(reading);
    return ST_OK;
}

/* Deletions that a crash kept from being done. */
static enum status finish_deletions(struct manifest_reading *reading, struct error *err)
{
    struct store_dir *dir = reading->dir;

    for (size_t i = 0; i < dir->count;) {
        if (!dir->entries[i].is_deleted) {
            i++;
            continue;
        }
        enum status st = store_dir_remove(dir, i, err);
        if (st != ST_OK)
            return st;
    }
    for (size_t i = 0; i < reading->dropped_count && i < DROPPED_MAX; i++)
        store_proofs_drop(dir, &reading->dropped[i]);
    return ST_OK;
}

static enum status read_manifest(struct store_proofs *proofs, struct store_dir *dir,
                                 struct proof_findings *findings, struct error *err)
{
    struct manifest_reading *reading = calloc(1, sizeof(*reading));

    if (reading == NULL)
        return error_set(err, ST_NO_MEMORY, "read the manifest");
    *reading = (struct manifest_reading){.proofs = proofs, .dir = dir, .findings = findings};
    enum status st =
        line_file_open(&proofs->manifest, dir->io, dir->fd, STORE_MANIFEST_NAME, NULL, err);
    if (st == ST_OK)
        st = line_file_read(dir->io, dir->fd, STORE_MANIFEST_NAME, visit_fact, reading, NULL, err);
    if (st == ST_LIMIT || st == ST_CORRUPT || st == ST_INVALID || st == ST_NOT_FOUND) {
        findings->is_broken = true;
        st = ST_OK;
    }
    if (st == ST_OK && !findings->is_broken)
        st = finish_deletions(reading, err);
    free(reading);
    return st;
}

/* --- A proof ---------------------------------------------------------------------------------- */

struct proof_reading {
    struct store_proof_reader reader;
    bool has_head, has_state, is_damaged;
    uint64_t size_max; /* of the file: */
    bool has_more;     /* a state tells of more than that */
    struct store_proof_head head;
    struct store_proof_state state; /* the last one that fits; if has_more, the last one */
    struct store_proof_line line;
};

static enum status visit_proof(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct proof_reading *reading = context;

    (void)number;
    enum status st = store_proof_read_line(&reading->reader, line, &reading->line, err);
    if (st == ST_NO_MEMORY)
        return st;
    if (st != ST_OK) {
        reading->is_damaged = true;
        return ST_STOPPING; /* what was read before is good */
    }
    if (reading->line.kind == STORE_PROOF_HEAD) {
        reading->head = reading->line.head;
        reading->has_head = reading->head.has_seed;
    } else if (reading->line.kind == STORE_PROOF_STATE) {
        reading->state = reading->line.state;
        reading->has_state = true;
        reading->has_more = reading->state.offset_bytes > reading->size_max;
    }
    return ST_OK;
}

/* ST_NOT_FOUND: there is none. */
static enum status read_proof(const struct store_dir *dir, const char *name, uint64_t size_max,
                              struct proof_reading *ret, struct error *err)
{
    bool is_torn = false;

    memset(ret, 0, sizeof(*ret));
    ret->size_max = size_max;
    store_proof_reader_init(&ret->reader);
    enum status st = line_file_read(dir->io, dir->fd, name, visit_proof, ret, &is_torn, err);
    if (st == ST_STOPPING)
        st = ST_OK;
    if (st == ST_LIMIT || st == ST_INVALID || st == ST_CORRUPT) {
        ret->is_damaged = true;
        st = ST_OK;
    }
    ret->is_damaged = ret->is_damaged || is_torn;
    return st;
}

static bool fits_tree(const struct store_proofs *proofs, const struct proof_reading *reading)
{
    return reading->has_head && strcmp(reading->head.origin, proofs->origin) == 0 &&
           reading->head.first_index == proofs->closed.end;
}

static void use(struct store_proofs *proofs, const struct proof_reading *reading)
{
    proofs->head = reading->head;
    proofs->cover = COVER_SEEDED;
    merkle_range_init(&proofs->lines, reading->head.first_index);
    proofs->stated_bytes = 0;
    if (reading->has_state) {
        proofs->lines = reading->state.range;
        proofs->stated_bytes = reading->state.offset_bytes;
    }
    proofs->pending = proofs->lines;
}

/* --- The newest closed file ------------------------------------------------------------------- */

/* It may have its proof and no line in the manifest. */
static enum status finish_newest(struct store_proofs *proofs, const struct store_dir *dir,
                                 struct proof_reading *reading, uint64_t now_unix_ns,
                                 struct error *err)
{
    char base[STORE_FILE_NAME_SIZE];
    char name[STORE_FILE_NAME_SIZE + sizeof(STORE_PROOF_SUFFIX)];

    if (dir->count == 0 || dir->entries[dir->count - 1].in_manifest)
        return ST_OK;
    const struct store_entry *newest = &dir->entries[dir->count - 1];
    store_base_format(&newest->name, base);
    snprintf(name, sizeof(name), "%s" STORE_PROOF_SUFFIX, base);
    enum status st = read_proof(dir, name, UINT64_MAX, reading, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK || !fits_tree(proofs, reading) || !reading->has_state)
        return st;
    use(proofs, reading);
    store_proofs_note_closed(proofs, &newest->name, reading->state.offset_bytes);
    proofs->closing.is_named = true;
    return store_proofs_close(proofs, now_unix_ns, err);
}

/* --- The active file -------------------------------------------------------------------------- */

/* False: not a line of this journal. */
static bool hash_line(struct store_proofs *proofs, struct slice line)
{
    struct store_place place;

    if (!store_line_place(line, &place) ||
        memcmp(place.journal_id, proofs->head.journal_id, JOURNAL_ID_SIZE) != 0)
        return false;
    store_proofs_add(proofs, place.sequence, line);
    return true;
}

/* Hashes the lines from one offset to another.  ST_CORRUPT: they are not lines of ours. */
static enum status hash_lines(struct store_proofs *proofs, const struct active_file *active,
                              uint64_t at, uint64_t until, struct buf *line, struct error *err)
{
    buf_clear(line);
    while (at < until) {
        uint64_t left = until - at;
        size_t want = left < HASH_CHUNK ? (size_t)left : HASH_CHUNK;
        size_t got;
        size_t start = 0;
        enum status st = buf_reserve(line, want, err);
        if (st == ST_OK)
            st = disk_read(active->dir->io, active->fd, line->data + line->size, want, at, &got,
                           err);
        if (st != ST_OK)
            return st == ST_LIMIT ? error_set(err, ST_CORRUPT, "a line without end") : st;
        if (got < want)
            return error_set(err, ST_IO, "'%s' shrinks", STORE_ACTIVE_NAME);
        at += got;
        line->size += got;
        for (;;) {
            const uint8_t *end = memchr(line->data + start, '\n', line->size - start);
            if (end == NULL)
                break;
            size_t size = (size_t)(end - (line->data + start)) + 1;
            if (!hash_line(proofs, slice_of(line->data + start, size)))
                return error_set(err, ST_CORRUPT, "a line of another origin");
            start += size;
        }
        memmove(line->data, line->data + start, line->size - start);
        line->size -= start;
    }
    return line->size == 0 ? ST_OK : error_set(err, ST_CORRUPT, "a line without end");
}

static void set_aside(const struct store_dir *dir, uint64_t now_unix_ns)
{
    char name[64];

    snprintf(name, sizeof(name), "damaged-%llu.proof", (unsigned long long)now_unix_ns);
    (void)dir->io->rename_at(dir->fd, STORE_PROOF_ACTIVE_NAME, dir->fd,
                             name); /* else the next seed takes its place */
}

static enum status leave_uncovered(struct store_proofs *proofs, const struct active_file *active,
                                   struct proof_findings *findings, const char *why)
{
    line_file_close(&proofs->active);
    merkle_range_init(&proofs->lines, proofs->closed.end);
    proofs->pending = proofs->lines;
    proofs->cover = active->size_bytes > 0 ? COVER_MISSING : COVER_NONE;
    if (active->size_bytes > 0)
        findings->trouble = why;
    return ST_OK;
}

/* A proof with a damaged line is written anew, as far as it was good. */
static enum status open_active(struct store_proofs *proofs, const struct proof_reading *reading,
                               struct error *err)
{
    const struct store_dir *dir = proofs->dir;
    enum status st = ST_OK;

    if (reading->is_damaged) {
        buf_clear(&proofs->text);
        st = store_proof_put_head(&reading->head, &proofs->text, err);
        if (st == ST_OK && reading->has_state)
            st = store_proof_put_state(&reading->state, &proofs->text, err);
        if (st == ST_OK)
            st = disk_publish(dir->io, dir->fd, STORE_PROOF_ACTIVE_NAME, proofs->text.data,
                              proofs->text.size, err);
    }
    if (st == ST_OK)
        st = line_file_open(&proofs->active, dir->io, dir->fd, STORE_PROOF_ACTIVE_NAME, NULL, err);
    return st;
}

/* Without a line in the active file: was it closed, or is it gone? */
static void close_former(struct store_proofs *proofs, const struct store_dir *dir,
                         const struct proof_reading *reading, uint64_t now_unix_ns,
                         struct proof_findings *findings)
{
    const struct store_entry *newest = dir->count > 0 ? &dir->entries[dir->count - 1] : NULL;
    const struct merkle_range *range = &reading->state.range;
    struct store_file_name name;
    struct error ignored;

    if (newest != NULL && !newest->in_manifest && !newest->name.compressed &&
        newest->size_bytes == reading->state.offset_bytes) {
        name = newest->name;
    } else { /* it gets the name that it would have now */
        name.begun_unix_s = now_unix_ns / 1000000000;
        if (newest != NULL && newest->name.begun_unix_s > name.begun_unix_s)
            name.begun_unix_s = newest->name.begun_unix_s;
        name.first_sequence = newest != NULL ? newest->name.last_sequence + 1 : 1;
        name.last_sequence = name.first_sequence + (range->end - range->first) - 1;
        name.compressed = false;
        findings->trouble = "the active file is gone, with lines that its proof tells of";
    }
    store_proofs_note_closed(proofs, &name, reading->state.offset_bytes);
    /* Before the next line at the latest. */
    (void)(store_proofs_close(proofs, now_unix_ns, &ignored) == ST_OK);
}

static enum status read_active(struct store_proofs *proofs, const struct store_dir *dir,
                               const struct active_file *active, uint64_t now_unix_ns,
                               struct buf *line, struct proof_reading *reading,
                               struct proof_findings *findings, struct error *err)
{
    enum status st = read_proof(dir, STORE_PROOF_ACTIVE_NAME, active->size_bytes, reading, err);
    if (st == ST_NOT_FOUND)
        return leave_uncovered(proofs, active, findings, "there is no seed for the active file");
    if (st != ST_OK)
        return st;
    if (!fits_tree(proofs, reading) ||
        (active->size_bytes > 0 &&
         memcmp(reading->head.journal_id, active->first.journal_id, JOURNAL_ID_SIZE) != 0)) {
        set_aside(dir, now_unix_ns);
        return leave_uncovered(proofs, active, findings,
                               "the proof of the active file is damaged, or of another tree");
    }
    st = open_active(proofs, reading, err);
    if (st != ST_OK)
        return st;
    use(proofs, reading);
    if (active->size_bytes == 0) {
        if (reading->has_state)
            close_former(proofs, dir, reading, now_unix_ns, findings);
        return ST_OK;
    }
    if (reading->has_more) {
        findings->trouble = "the active file has fewer lines than its proof tells of";
        proofs->must_close = true;
        return ST_OK;
    }
    findings->hashed_bytes = active->size_bytes - proofs->stated_bytes;
    st = hash_lines(proofs, active, proofs->stated_bytes, active->size_bytes, line, err);
    if (st == ST_CORRUPT) {
        set_aside(dir, now_unix_ns);
        return leave_uncovered(proofs, active, findings, "the active file has lines of others");
    }
    proofs->lines = proofs->pending;
    return st;
}

/* --- Growth ----------------------------------------------------------------------------------- */

struct growth_reading {
    struct store_proof_reader reader;
    uint64_t size_bytes; /* of the file */
    size_t count;
    struct store_proof_state states[GROWTH_STATES]; /* the last ones */
    struct store_proof_line line;
};

static enum status visit_state(void *context, struct slice line, uint64_t number, struct error *err)
{
    struct growth_reading *reading = context;

    (void)number;
    enum status st = store_proof_read_line(&reading->reader, line, &reading->line, err);
    const struct store_proof_state *state = &reading->line.state;
    if (st != ST_OK || reading->line.kind != STORE_PROOF_STATE ||
        state->offset_bytes > reading->size_bytes)
        return st;
    bool is_full = reading->count == GROWTH_STATES;
    if (is_full || (reading->count > 0 &&
                    reading->size_bytes - reading->states[0].offset_bytes > GROWTH_BYTES_MAX)) {
        reading->count--;
        memmove(&reading->states[0], &reading->states[1],
                reading->count * sizeof(reading->states[0]));
    }
    reading->states[reading->count++] = *state;
    return ST_OK;
}

/* Hashes the lines behind the first state, with a step at each. */
static enum status hash_steps(struct store_proofs *proofs, const struct active_file *active,
                              const struct growth_reading *reading, struct buf *line,
                              struct error *err)
{
    struct merkle_range whole = proofs->closed;

    enum status st = merkle_range_append(&whole, &reading->states[0].range, err);
    if (st != ST_OK)
        return st;
    tree_growth_start(&proofs->growth, &whole);
    proofs->pending = reading->states[0].range;
    proofs->is_growing = true;
    for (size_t i = 0; i < reading->count && st == ST_OK; i++) {
        bool is_last = i + 1 == reading->count;
        tree_growth_step(&proofs->growth);
        proofs->growing = *tree_growth_last(&proofs->growth);
        st = hash_lines(proofs, active, reading->states[i].offset_bytes,
                        is_last ? active->size_bytes : reading->states[i + 1].offset_bytes, line,
                        err);
        *tree_growth_last(&proofs->growth) = proofs->growing;
    }
    return st;
}

/* Whether the lines that were hashed again give the tree that was found before. */
static bool growth_is_good(const struct store_proofs *proofs)
{
    struct hash root, grown;

    if (tree_growth_size(&proofs->growth) != store_proofs_size(proofs))
        return false;
    store_proofs_root(proofs, &root);
    tree_growth_root(&proofs->growth, &grown);
    return hash_equal(&root, &grown);
}

void store_proofs_recover_growth(struct store_proofs *proofs, const struct store_dir *dir,
                                 const struct active_file *active, struct buf *line)
{
    struct growth_reading *reading = calloc(1, sizeof(*reading));
    struct error ignored;
    bool is_good = false;

    if (reading != NULL && proofs->cover == COVER_SEEDED && !proofs->must_close) {
        reading->size_bytes = active->size_bytes;
        store_proof_reader_init(&reading->reader);
        is_good = line_file_read(dir->io, dir->fd, STORE_PROOF_ACTIVE_NAME, visit_state, reading,
                                 NULL, &ignored) == ST_OK &&
                  reading->count > 0 &&
                  hash_steps(proofs, active, reading, line, &ignored) == ST_OK &&
                  growth_is_good(proofs);
        proofs->pending = proofs->lines;
    }
    if (reading != NULL)
        store_seed_wipe(&reading->line.head.seed);
    free(reading);
    buf_clear(line);
    if (!is_good)
        store_proofs_begin_growth(proofs);
}

/* --- Public ----------------------------------------------------------------------------------- */

enum status store_proofs_open(struct store_proofs *proofs, struct store_dir *dir,
                              const struct active_file *active, const char *origin,
                              uint64_t now_unix_ns, struct buf *line, struct proof_findings *ret,
                              struct error *err)
{
    struct proof_reading *reading = calloc(1, sizeof(*reading));

    *ret = (struct proof_findings){.is_broken = false};
    if (reading == NULL)
        return error_set(err, ST_NO_MEMORY, "read the proofs");
    proofs->is_on = true;
    snprintf(proofs->origin, sizeof(proofs->origin), "%s", origin);
    enum status st = read_manifest(proofs, dir, ret, err);
    if (st == ST_OK && !ret->is_broken)
        st = finish_newest(proofs, dir, reading, now_unix_ns, err);
    if (st == ST_OK && !ret->is_broken)
        st = read_active(proofs, dir, active, now_unix_ns, line, reading, ret, err);
    if (st == ST_OK && proofs->first_sequence == 0 && active->size_bytes > 0)
        store_proofs_commit(proofs, active); /* notes the journal */
    store_seed_wipe(&reading->head.seed);
    free(reading);
    if (st != ST_OK)
        proofs->is_on = false;
    return st == ST_OK ? ST_OK : error_context(err, "proofs of store '%s'", dir->path);
}

enum status store_proofs_restart(struct store_proofs *proofs, const struct active_file *active,
                                 const char *origin, struct error *err)
{
    const struct store_dir *dir = proofs->dir;

    store_proofs_fini(proofs);
    store_proofs_init(proofs, dir);
    proofs->is_on = true;
    snprintf(proofs->origin, sizeof(proofs->origin), "%s", origin);
    proofs->cover = active->size_bytes > 0 ? COVER_MISSING : COVER_NONE;
    return line_file_open(&proofs->manifest, dir->io, dir->fd, STORE_MANIFEST_NAME, NULL, err);
}
