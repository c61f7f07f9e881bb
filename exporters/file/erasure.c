/* SPDX-License-Identifier: Apache-2.0 */
/* erasure.c -- see erasure.h.
 *
 * The new file keeps the time of the old one's last line.  The order:
 *
 *     <name>.next and <base>.proof.next are durable
 *     the manifest has the new size and hash: a start goes forward from here on, before it back
 *     <name>.next becomes <name>
 *     the old proof, with its seed, is overwritten and deleted; <base>.proof.next takes its place
 *
 * Of a file without proof the rename alone counts.
 */
#include "erasure.h"

#include <stdio.h>
#include <stdlib.h>

#include "erased_proof.h"
#include "frame_writer.h"
#include "telltale/closed_lines.h"
#include "telltale/file_survey.h"

struct erasure {
    const struct store_dir *dir;
    struct store_proofs *proofs;
    struct store_entry entry;
    const struct retention_config *config;
    struct record_classifier *classifier;
    uint64_t now_unix_ns;
    char name[STORE_FILE_NAME_SIZE];
    char next_name[ERASURE_NAME_SIZE];
    char proof_name[ERASURE_NAME_SIZE];
    char next_proof_name[ERASURE_NAME_SIZE];
    bool is_committed; /* what there is with .next is needed */
    bool has_line;     /* the manifest has it: */
    struct hash line;  /* chain value of that */
    struct closed_lines *lines;
    struct erased_proof *proof; /* NULL: its lines are in no tree */
    struct frame_writer writer;
    struct hash sha256;
    struct erasure_result result;
};

static void name_files(struct erasure *erasure)
{
    char base[STORE_FILE_NAME_SIZE];

    store_file_name_format(&erasure->entry.name, erasure->name);
    store_base_format(&erasure->entry.name, base);
    snprintf(erasure->next_name, ERASURE_NAME_SIZE, "%s" ERASURE_NEXT_SUFFIX, erasure->name);
    snprintf(erasure->proof_name, ERASURE_NAME_SIZE, "%s" STORE_PROOF_SUFFIX, base);
    snprintf(erasure->next_proof_name, ERASURE_NAME_SIZE,
             "%s" STORE_PROOF_SUFFIX ERASURE_NEXT_SUFFIX, base);
}

enum status erasure_begin(const struct store_dir *dir, struct store_proofs *proofs,
                          const struct store_entry *entry, const struct erasure_order *order,
                          struct erasure **ret, struct error *err)
{
    struct erasure *erasure = calloc(1, sizeof(*erasure));
    if (erasure == NULL)
        return error_set(err, ST_NO_MEMORY, "begin to erase");
    erasure->dir = dir;
    erasure->proofs = proofs;
    erasure->entry = *entry;
    erasure->config = order->config;
    erasure->classifier = order->classifier;
    erasure->now_unix_ns = order->now_unix_ns;
    erasure->writer.fd = -1;
    name_files(erasure);
    enum status st = ST_NOT_FOUND;
    if (proofs->is_on)
        st = erased_proof_begin(dir, erasure->proof_name, &erasure->proof, err);
    if (st == ST_NOT_FOUND)
        st = ST_OK;
    if (st == ST_OK)
        st =
            closed_lines_open(dir->fd, erasure->name, entry->name.compressed, &erasure->lines, err);
    if (st == ST_OK) {
        st = frame_writer_open(&erasure->writer, dir->io, dir->fd, erasure->next_name,
                               entry->name.compressed ? order->level : 0, err);
    }
    if (st != ST_OK) {
        erasure_destroy(erasure);
        return st;
    }
    *ret = erasure;
    return ST_OK;
}

static void count_rest(struct erasure_result *result, const struct record_class *record,
                       uint64_t arrived_unix_ns)
{
    result->rest_count++;
    if (record->is_held)
        result->rest.held++;
    else
        retention_tally_add(&result->rest.classes[record->class], arrived_unix_ns);
}

/* A line that tells no place is none that retention may judge of. */
static enum status take_line(struct erasure *erasure, struct slice line, struct error *err)
{
    const struct retention_file file = {.begun_unix_s = erasure->entry.name.begun_unix_s,
                                        .written_unix_s = erasure->entry.written_unix_s};
    struct erasure_result *result = &erasure->result;
    struct record_class record;
    struct store_place place;

    record_classify(erasure->classifier, line, &record);
    uint64_t arrived = file_survey_arrival(&file, &record);
    bool has_place = store_line_place(line, &place);
    bool is_erased =
        has_place && !record.is_held &&
        retention_is_due(erasure->config, &file, record.class, arrived, erasure->now_unix_ns);
    enum status st = ST_OK;
    if (erasure->proof != NULL)
        st = has_place ? erased_proof_add(erasure->proof, line, place.sequence, is_erased, err)
                       : error_set(err, ST_CORRUPT, "a line tells no place");
    if (st != ST_OK)
        return st;
    if (!is_erased) {
        count_rest(result, &record, arrived);
        return frame_writer_add(&erasure->writer, line, err);
    }
    if (result->erased++ == 0)
        result->first_sequence = place.sequence;
    result->last_sequence = place.sequence;
    return ST_OK;
}

static enum status finish(struct erasure *erasure, struct erasure_result *ret, struct error *err)
{
    enum status st = ST_OK;
    struct slice proof;

    /* First of all: a file that is not what was written is left as it is. */
    if (erasure->proof != NULL)
        st = erased_proof_finish(erasure->proof, &proof, err);
    if (st != ST_OK)
        return error_context(err, "'%s'", erasure->name);
    if (erasure->proof != NULL && erasure->result.erased > 0)
        st = disk_publish(erasure->dir->io, erasure->dir->fd, erasure->next_proof_name, proof.data,
                          proof.size, err);
    if (st == ST_OK && erasure->result.rest_count > 0)
        st = frame_writer_finish(&erasure->writer, erasure->entry.written_unix_s, &erasure->sha256,
                                 err);
    if (st != ST_OK)
        return error_context(err, "write '%s'", erasure->next_name);
    erasure->result.size_bytes = erasure->writer.offset;
    *ret = erasure->result;
    return ST_OK;
}

enum status erasure_step(struct erasure *erasure, size_t *budget, struct erasure_result *ret,
                         struct error *err)
{
    struct slice line;

    while (*budget > 0) {
        enum status st = closed_lines_next(erasure->lines, &line, err);
        if (st == ST_NOT_FOUND)
            return finish(erasure, ret, err);
        if (st != ST_OK)
            return error_context(err, "read '%s'", erasure->name);
        st = take_line(erasure, line, err);
        if (st != ST_OK)
            return error_context(err, "write '%s'", erasure->next_name);
        *budget -= line.size < *budget ? line.size : *budget;
    }
    return ST_AGAIN;
}

void erasure_drop_index(const struct store_dir *dir, const struct store_file_name *name)
{
    char base[STORE_FILE_NAME_SIZE];
    char text[ERASURE_NAME_SIZE];

    store_base_format(name, base);
    snprintf(text, sizeof(text), "%s.idx", base);
    store_wipe_file(dir->io, dir->fd, text);
}

enum status erasure_replace(const struct store_dir *dir, const char *next_name, const char *name,
                            struct error *err)
{
    if (dir->io->rename_at(dir->fd, next_name, dir->fd, name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", next_name);
    return store_dir_sync(dir, err);
}

enum status erasure_replace_proof(const struct store_dir *dir, const char *next_name,
                                  const char *name, struct error *err)
{
    store_wipe_file(dir->io, dir->fd, name);
    return erasure_replace(dir, next_name, name, err);
}

static enum status write_fact(struct erasure *erasure, const char *reason, const char *rule,
                              struct error *err)
{
    struct manifest_fact fact = {
        .kind = MANIFEST_REWRITTEN,
        .size_bytes = erasure->result.size_bytes,
        .sha256 = erasure->sha256,
        .record_count = erasure->result.erased,
    };

    store_base_format(&erasure->entry.name, fact.base);
    snprintf(fact.reason, sizeof(fact.reason), "%s", reason);
    snprintf(fact.rule, sizeof(fact.rule), "%s", rule);
    enum status st = store_dir_sync(erasure->dir, err); /* the names with .next */
    if (st == ST_OK)
        st = store_proofs_write(erasure->proofs, &fact, erasure->now_unix_ns, err);
    erasure->has_line = st == ST_OK;
    erasure->line = erasure->proofs->chain.value;
    return st;
}

enum status erasure_commit(struct erasure *erasure, const char *reason, const char *rule,
                           struct error *err)
{
    const struct store_dir *dir = erasure->dir;
    bool has_proof = erasure->proof != NULL;

    ASSERT(erasure->result.erased > 0 && erasure->result.rest_count > 0);
    enum status st = has_proof ? write_fact(erasure, reason, rule, err) : ST_OK;
    if (st != ST_OK)
        return st;
    erasure->is_committed = has_proof; /* what fails from here on, the next start finishes */
    erasure_drop_index(dir, &erasure->entry.name);
    if (dir->io->rename_at(dir->fd, erasure->next_name, dir->fd, erasure->name) < 0)
        return error_set_errno(err, ST_IO, "rename '%s'", erasure->next_name);
    erasure->is_committed = true;
    st = store_dir_sync(dir, err);
    if (st != ST_OK)
        return st;
    return has_proof
               ? erasure_replace_proof(dir, erasure->next_proof_name, erasure->proof_name, err)
               : ST_OK;
}

bool erasure_is_committed(const struct erasure *erasure)
{
    return erasure->is_committed;
}

const struct hash *erasure_line(const struct erasure *erasure)
{
    return erasure->has_line ? &erasure->line : NULL;
}

const struct store_file_name *erasure_name(const struct erasure *erasure)
{
    return &erasure->entry.name;
}

void erasure_destroy(struct erasure *erasure)
{
    if (erasure == NULL)
        return;
    const struct store_dir *dir = erasure->dir;
    bool was_made = erasure->writer.fd >= 0;
    frame_writer_close(&erasure->writer);
    if (was_made && !erasure->is_committed) {
        (void)dir->io->unlink_at(dir->fd, erasure->next_name); /* the next start tries again */
        if (erasure->proof != NULL)
            (void)dir->io->unlink_at(dir->fd, erasure->next_proof_name); /* the same */
    }
    erased_proof_destroy(erasure->proof);
    closed_lines_close(erasure->lines);
    free(erasure);
}
