/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_compact.c -- compaction of include/telltale/store_manifest.h.
 *
 * The first pass notes which files were closed, in order, and which of them are deleted; and which
 * holds have ended.  The second writes the lines again, under a new chain that begins with the last
 * value of the old one.  In place of lines about deleted files stands one line for each run of
 * neighbours, where the first file that is still there follows, or at the end. */
#include <inttypes.h>
#include <stdlib.h>

#include "telltale/store_manifest.h"

enum {
    FILES_MAX = 1 << 20,
    HOLDS_MAX = 4096,     /* what is beyond stays as it is */
    OUTPUT_MAX = 1 << 30, /* bytes of the new manifest */
    SAVED_BY_DELETED = 2, /* lines at least: closed and deleted */
};

struct known_file {
    char base[STORE_FILE_NAME_SIZE];
    bool is_deleted;
};

struct manifest_compactor {
    uint64_t unix_ns;
    struct manifest_chain looked;  /* chain of the lines in the first pass */
    struct manifest_chain written; /* in the second */
    struct manifest_chain chain;   /* of the new manifest */
    struct known_file *files;      /* owned; in order of their names */
    size_t file_count, file_capacity;
    char (*released)[MANIFEST_RULE_SIZE]; /* owned; ids of holds that have ended */
    size_t released_count;
    uint64_t saved_lines;     /* about */
    struct manifest_fact run; /* of deleted neighbours; file_count 0: none */
    struct buf out;
};

enum status manifest_compact_create(uint64_t unix_ns, struct manifest_compactor **ret,
                                    struct error *err)
{
    struct manifest_compactor *compactor = calloc(1, sizeof(*compactor));

    if (compactor == NULL)
        return error_set(err, ST_NO_MEMORY, "compaction of a manifest");
    compactor->unix_ns = unix_ns;
    buf_init(&compactor->out, OUTPUT_MAX);
    *ret = compactor;
    return ST_OK;
}

void manifest_compact_destroy(struct manifest_compactor *compactor)
{
    if (compactor == NULL)
        return;
    free(compactor->files);
    free(compactor->released);
    buf_fini(&compactor->out);
    free(compactor);
}

/* --- Looking -----------------------------------------------------------------------------------
 */

static enum status add_file(struct manifest_compactor *compactor, const char *base,
                            struct error *err)
{
    size_t count = compactor->file_count;

    if (count > 0 && strcmp(compactor->files[count - 1].base, base) >= 0)
        return error_set(err, ST_CORRUPT, "files that were not closed in order");
    if (count == FILES_MAX)
        return error_set(err, ST_LIMIT, "more than %d files", FILES_MAX);
    if (count == compactor->file_capacity) {
        size_t capacity = count == 0 ? 64 : 2 * count;
        struct known_file *grown = reallocarray(compactor->files, capacity, sizeof(*grown));
        if (grown == NULL)
            return error_set(err, ST_NO_MEMORY, "%zu files of a manifest", capacity);
        compactor->files = grown;
        compactor->file_capacity = capacity;
    }
    struct known_file *file = &compactor->files[compactor->file_count++];
    *file = (struct known_file){.is_deleted = false};
    memcpy(file->base, base, sizeof(file->base));
    return ST_OK;
}

/* NULL: no such file was closed; one from before there were proofs. */
static struct known_file *find_file(const struct manifest_compactor *compactor, const char *base)
{
    size_t low = 0, high = compactor->file_count;

    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (strcmp(compactor->files[at].base, base) < 0)
            low = at + 1;
        else
            high = at;
    }
    bool found = low < compactor->file_count && strcmp(compactor->files[low].base, base) == 0;
    return found ? &compactor->files[low] : NULL;
}

static enum status note_release(struct manifest_compactor *compactor, const char *id,
                                struct error *err)
{
    if (compactor->released_count == HOLDS_MAX)
        return ST_OK;
    if (compactor->released == NULL) {
        compactor->released = calloc(HOLDS_MAX, MANIFEST_RULE_SIZE);
        if (compactor->released == NULL)
            return error_set(err, ST_NO_MEMORY, "holds of a manifest");
    }
    memcpy(compactor->released[compactor->released_count++], id, MANIFEST_RULE_SIZE);
    compactor->saved_lines += 2;
    return ST_OK;
}

enum status manifest_compact_look(void *compactor_pointer, struct slice line, uint64_t number,
                                  struct error *err)
{
    struct manifest_compactor *compactor = compactor_pointer;
    struct manifest_fact fact;
    struct known_file *file;

    (void)number;
    enum status st = manifest_read_line(line, &compactor->looked, &fact, err);
    if (st != ST_OK)
        return st;
    switch (fact.kind) {
    case MANIFEST_CLOSED:
        return add_file(compactor, fact.base, err);
    case MANIFEST_DELETED:
        file = find_file(compactor, fact.base);
        if (file != NULL && !file->is_deleted) {
            file->is_deleted = true;
            compactor->saved_lines += SAVED_BY_DELETED;
        }
        return ST_OK;
    case MANIFEST_RELEASED:
        return note_release(compactor, fact.rule, err);
    default:
        return ST_OK;
    }
}

bool manifest_compact_is_worth(const struct manifest_compactor *compactor, uint64_t lines_min)
{
    return compactor->saved_lines >= lines_min && compactor->saved_lines > 0;
}

/* --- Writing -----------------------------------------------------------------------------------
 */

static enum status put(struct manifest_compactor *compactor, const struct manifest_fact *fact,
                       struct error *err)
{
    return manifest_put(fact, &compactor->chain, &compactor->out, err);
}

static enum status end_run(struct manifest_compactor *compactor, struct error *err)
{
    if (compactor->run.file_count == 0)
        return ST_OK;
    enum status st = put(compactor, &compactor->run, err);
    compactor->run.file_count = 0;
    return st;
}

/* A file that is gone, or several: joins the run. */
static enum status add_gone(struct manifest_compactor *compactor, const struct manifest_fact *fact,
                            struct error *err)
{
    struct manifest_fact *run = &compactor->run;
    bool is_one = fact->kind == MANIFEST_CLOSED;
    enum status st = ST_OK;

    if (run->file_count > 0 && run->range.end != fact->range.first)
        st = end_run(compactor, err);
    if (st != ST_OK)
        return st;
    if (run->file_count == 0) {
        *run = (struct manifest_fact){.kind = MANIFEST_GONE, .unix_ns = compactor->unix_ns};
        memcpy(run->base, fact->base, sizeof(run->base));
        merkle_range_init(&run->range, fact->range.first);
    }
    st = merkle_range_append(&run->range, &fact->range, err);
    if (st != ST_OK)
        return st;
    run->file_count += is_one ? 1 : fact->file_count;
    memcpy(run->last_base, is_one ? fact->base : fact->last_base, sizeof(run->last_base));
    return ST_OK;
}

static bool is_released(const struct manifest_compactor *compactor, const char *id)
{
    for (size_t i = 0; i < compactor->released_count; i++) {
        if (strcmp(compactor->released[i], id) == 0)
            return true;
    }
    return false;
}

static enum status write_fact(struct manifest_compactor *compactor,
                              const struct manifest_fact *fact, struct error *err)
{
    const struct known_file *file = fact->base[0] != 0 ? find_file(compactor, fact->base) : NULL;
    bool is_deleted = file != NULL && file->is_deleted;
    enum status st = ST_OK;

    switch (fact->kind) {
    case MANIFEST_GONE:
        return add_gone(compactor, fact, err);
    case MANIFEST_CLOSED:
        if (is_deleted)
            return add_gone(compactor, fact, err);
        st = end_run(compactor, err);
        return st == ST_OK ? put(compactor, fact, err) : st;
    case MANIFEST_COMPRESSED:
    case MANIFEST_REWRITTEN:
    case MANIFEST_DELETED:
        return is_deleted ? ST_OK : put(compactor, fact, err);
    case MANIFEST_HELD:
    case MANIFEST_RELEASED:
        return is_released(compactor, fact->rule) ? ST_OK : put(compactor, fact, err);
    case MANIFEST_COMPACTED:
        return ST_OK; /* the new one stands in front */
    }
    return ST_OK;
}

enum status manifest_compact_write(void *compactor_pointer, struct slice line, uint64_t number,
                                   struct error *err)
{
    struct manifest_compactor *compactor = compactor_pointer;
    struct manifest_fact fact;
    enum status st = ST_OK;

    (void)number;
    if (compactor->written.lines == 0) {
        const struct manifest_fact first = {.kind = MANIFEST_COMPACTED,
                                            .unix_ns = compactor->unix_ns,
                                            .previous_chain = compactor->looked.value,
                                            .line_count = compactor->looked.lines};
        st = put(compactor, &first, err);
    }
    if (st == ST_OK)
        st = manifest_read_line(line, &compactor->written, &fact, err);
    return st == ST_OK ? write_fact(compactor, &fact, err) : st;
}

enum status manifest_compact_finish(struct manifest_compactor *compactor, struct slice *ret,
                                    struct manifest_chain *ret_chain, struct error *err)
{
    if (!hash_equal(&compactor->written.value, &compactor->looked.value) ||
        compactor->written.lines != compactor->looked.lines)
        return error_set(err, ST_CORRUPT, "the manifest changed while it was compacted");
    enum status st = end_run(compactor, err);
    if (st != ST_OK)
        return st;
    *ret = buf_slice(&compactor->out);
    *ret_chain = compactor->chain;
    return ST_OK;
}
