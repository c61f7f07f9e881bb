/* SPDX-License-Identifier: Apache-2.0 */
/* attestation_open.c -- the start of attestation.h.
 *
 *     origin ─► last checkpoint ─► tree ─► does it continue that? ─► keys
 *                                            │ no
 *                                            '─► another log: other origin, keys and tree
 *
 * A tree that is smaller than one that was signed, or another of the same size, can never be signed
 * under the same name: that would be what a forger does.  Then the files of the old log are put
 * aside, its last checkpoint last, so that a crash in between is found again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attestation_internal.h"
#include "log_origin.h"
#include "telltale/checkpoint.h"
#include "telltale/checkpoint_line.h"

static const uint64_t ns_per_s = 1000000000;

/* --- The last checkpoint ---------------------------------------------------------------------- */

struct checkpoint_reading {
    struct buf line; /* the last one */
    struct buf note;
    uint64_t offset, end;
    uint64_t epoch; /* of the last one */
    uint64_t epoch_offset;
};

/* Of the key that signed it, by its name alone: it only decides what is thinned.  0: none. */
static uint64_t epoch_of(struct slice line)
{
    static const char mark[] = "/epoch/";
    const uint8_t *at = line.size > 0 ? memmem(line.data, line.size, mark, sizeof(mark) - 1) : NULL;
    uint64_t number = 0;

    if (at == NULL)
        return 0;
    for (at += sizeof(mark) - 1; at < line.data + line.size && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static enum status visit_checkpoint(void *context, struct slice line, uint64_t number,
                                    struct error *err)
{
    struct checkpoint_reading *reading = context;

    (void)number;
    buf_clear(&reading->line);
    reading->offset = reading->end;
    reading->end += line.size + 1;
    uint64_t epoch = epoch_of(line);
    if (epoch != reading->epoch)
        reading->epoch_offset = reading->offset;
    reading->epoch = epoch;
    return buf_append(&reading->line, line.data, line.size, err);
}

/* Its signatures are not looked at: who could write here could have told the tree otherwise, too.
 * ST_NOT_FOUND: there is none that can be read. */
static enum status parse_last(struct checkpoint_reading *reading, struct checkpoint *ret,
                              struct error *err)
{
    uint64_t unix_ns;
    struct note note;

    if (reading->line.size == 0)
        return error_set(err, ST_NOT_FOUND, "no checkpoint");
    enum status st = checkpoint_line_read(buf_slice(&reading->line), &unix_ns, &reading->note, err);
    if (st == ST_OK)
        st = note_parse(buf_slice(&reading->note), &note, err);
    if (st == ST_OK)
        st = checkpoint_parse(note.text, ret, err);
    return st == ST_OK || st == ST_NO_MEMORY ? st : error_set(err, ST_NOT_FOUND, "no checkpoint");
}

static enum status read_last(struct attestation *self, struct checkpoint *ret, struct error *err)
{
    const struct store_dir *dir = self->dir;
    struct checkpoint_reading reading = {.offset = 0};

    *ret = (struct checkpoint){.size = 0};
    buf_init(&reading.line, LINE_FILE_LINE_MAX);
    buf_init(&reading.note, NOTE_SIZE_MAX);
    line_file_close(&self->checkpoints);
    enum status st =
        line_file_open(&self->checkpoints, dir->io, dir->fd, STORE_CHECKPOINTS_NAME, NULL, err);
    if (st == ST_OK)
        st = line_file_read(dir->io, dir->fd, STORE_CHECKPOINTS_NAME, visit_checkpoint, &reading,
                            NULL, err);
    if (st == ST_OK)
        st = parse_last(&reading, ret, err);
    self->has_last = st == ST_OK;
    if (st == ST_OK) {
        self->last_size = ret->size;
        self->last_root = ret->root;
    }
    self->last_offset = reading.offset;
    self->epoch_offset = reading.epoch_offset;
    buf_fini(&reading.line);
    buf_fini(&reading.note);
    return st == ST_NOT_FOUND || st == ST_LIMIT ? ST_OK : st;
}

/* --- The origin ------------------------------------------------------------------------------- */

static enum status find_origin(struct attestation *self, const struct checkpoint *last,
                               char out[NOTE_NAME_SIZE], struct error *err)
{
    const struct disk_io *io = self->dir->io;

    enum status st = log_origin_read(io, self->key_dir_fd, out, err);
    if (st != ST_NOT_FOUND)
        return st;
    if (self->has_last) {
        memcpy(out, last->origin, NOTE_NAME_SIZE);
        st = ST_OK;
    } else if (self->config->origin != NULL) {
        snprintf(out, NOTE_NAME_SIZE, "%s", self->config->origin);
        st = ST_OK;
    } else {
        st = log_origin_make(NULL, out, err);
    }
    return st == ST_OK ? log_origin_write(io, self->key_dir_fd, out, err) : st;
}

/* --- Another log ------------------------------------------------------------------------------ */

static enum status put_aside(const struct store_dir *dir, const char *name, uint64_t now_unix_ns,
                             struct error *err)
{
    char aside[64];
    struct stat info;

    if (dir->io->stat_at(dir->fd, name, &info) < 0)
        return ST_OK;
    snprintf(aside, sizeof(aside), "%s.old-%llu", name, (unsigned long long)now_unix_ns);
    if (dir->io->rename_at(dir->fd, name, dir->fd, aside) < 0)
        return error_set_errno(err, ST_IO, "rename '%s' to '%s'", name, aside);
    return store_dir_sync(dir, err);
}

/* The next start begins another log, whose name is `origin`. */
static enum status end_log(struct attestation *self, char origin[NOTE_NAME_SIZE],
                           uint64_t now_unix_ns, struct error *err)
{
    static const char *const keys[] = {"log.key", "epoch.key", "epoch.key.next"};
    const struct store_dir *dir = self->dir;

    key_ring_close(self->ring);
    self->ring = NULL;
    line_file_close(&self->checkpoints);
    enum status st = put_aside(dir, STORE_MANIFEST_NAME, now_unix_ns, err);
    if (st == ST_OK)
        st = put_aside(dir, STORE_PROOF_ACTIVE_NAME, now_unix_ns, err);
    if (st == ST_OK)
        st = put_aside(dir, STORE_KEYS_NAME, now_unix_ns, err);
    for (size_t i = 0; st == ST_OK && i < COUNT_OF(keys); i++)
        store_wipe_file(dir->io, self->key_dir_fd, keys[i]);
    if (st == ST_OK)
        st = log_origin_make(self->config->origin, origin, err);
    if (st == ST_OK)
        st = log_origin_write(dir->io, self->key_dir_fd, origin, err);
    if (st == ST_OK)
        st = put_aside(dir, STORE_CHECKPOINTS_NAME, now_unix_ns, err);
    return st;
}

static enum status begin_other_log(struct attestation *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    const struct store_dir *dir = self->dir;
    char origin[NOTE_NAME_SIZE];

    enum status st = end_log(self, origin, now_unix_ns, err);
    if (st == ST_OK)
        st = store_proofs_restart(self->proofs, self->active, origin, err);
    self->has_last = false;
    self->last_offset = self->epoch_offset = 0;
    if (st == ST_OK)
        st =
            line_file_open(&self->checkpoints, dir->io, dir->fd, STORE_CHECKPOINTS_NAME, NULL, err);
    return st == ST_OK ? ST_OK : error_context(err, "begin another log");
}

/* --- What is said ----------------------------------------------------------------------------- */

static void tell_trouble(struct attestation *self, const char *reason, bool is_alarm,
                         uint64_t now_unix_ns)
{
    bool has_lines = self->active->size_bytes > 0;
    const struct exporter_note note = {
        .action = "unproved",
        .origin = self->proofs->origin,
        .has_size = true,
        .size = store_proofs_size(self->proofs),
        .reason = reason,
        .file = has_lines ? STORE_ACTIVE_NAME : NULL,
        .first = has_lines ? self->active->first.sequence : 0,
        .last = has_lines ? self->active->last.sequence : 0,
        .is_alarm = is_alarm,
    };

    store_dir_note(self->dir, now_unix_ns, "not proved: %s", reason);
    (void)exporter_tell(&self->notes, self->exporter, &note); /* store.log has it */
}

static void tell_findings(struct attestation *self, const struct proof_findings *findings,
                          bool is_other, bool is_first, enum key_ring_found found,
                          uint64_t now_unix_ns)
{
    if (is_other)
        tell_trouble(self, "the tree of before cannot be continued: another log begins", true,
                     now_unix_ns);
    if (findings->trouble != NULL && !is_other)
        tell_trouble(self, findings->trouble, !is_first, now_unix_ns);
    if (findings->is_chain_broken && !is_other)
        tell_trouble(self, "a line of the manifest was changed, removed or put in", true,
                     now_unix_ns);
    if (found == KEY_RING_NEW)
        attestation_tell_keys(self, true, "new", false);
    else if (found == KEY_RING_LOST)
        attestation_tell_keys(self, true, "lost", true);
    else if (found == KEY_RING_FINISHED)
        attestation_tell_keys(self, false, "epoch", false);
}

/* --- The whole -------------------------------------------------------------------------------- */

static enum status open_keys(struct attestation *self, uint64_t now_unix_ns,
                             enum key_ring_found *ret_found, struct error *err)
{
    return key_ring_open(self->dir->io, self->key_dir_fd, self->dir->fd, self->proofs->origin,
                         store_proofs_size(self->proofs), now_unix_ns / ns_per_s, &self->ring,
                         ret_found, err);
}

static bool continues_last(const struct attestation *self)
{
    uint64_t size = store_proofs_size(self->proofs);
    struct hash root;

    if (!self->has_last || size > self->last_size)
        return true;
    store_proofs_root(self->proofs, &root);
    return size == self->last_size && hash_equal(&root, &self->last_root);
}

/* When its key is due. */
static void begin_times(struct attestation *self, uint64_t now_unix_ns)
{
    uint64_t begun_ns = key_ring_epoch(self->ring)->unix_s * ns_per_s;

    self->clock_ns = now_unix_ns;
    self->checkpoint_due_ns = now_unix_ns;
    self->heartbeat_due_ns = now_unix_ns;
    self->epoch_due_ns = (begun_ns < now_unix_ns ? begun_ns : now_unix_ns) + self->config->epoch_ns;
}

static enum status open_log(struct attestation *self, uint64_t now_unix_ns, struct buf *line,
                            struct error *err)
{
    enum key_ring_found found = KEY_RING_WHOLE;
    struct proof_findings findings;
    char origin[NOTE_NAME_SIZE];
    struct checkpoint last;

    enum status st = read_last(self, &last, err);
    if (st == ST_OK)
        st = find_origin(self, &last, origin, err);
    bool is_first = !self->has_last;
    if (st == ST_OK)
        st = store_proofs_open(self->proofs, self->dir, self->active, origin, now_unix_ns, line,
                               &findings, err);
    if (st != ST_OK)
        return st;
    bool is_other = findings.is_broken || !continues_last(self) ||
                    (self->has_last && strcmp(last.origin, origin) != 0);
    if (!is_other) {
        st = open_keys(self, now_unix_ns, &found, err);
        is_other = st == ST_INVALID || (st == ST_OK && key_ring_epoch(self->ring)->first_size >
                                                           store_proofs_size(self->proofs));
    }
    if (is_other) {
        st = begin_other_log(self, now_unix_ns, err);
        if (st == ST_OK)
            st = open_keys(self, now_unix_ns, &found, err);
    }
    if (st != ST_OK)
        return st;
    begin_times(self, now_unix_ns);
    if (self->config->witness)
        store_proofs_recover_growth(self->proofs, self->dir, self->active, line);
    self->is_on = true;
    tell_findings(self, &findings, is_other, is_first, found, now_unix_ns);
    return ST_OK;
}

static void take_parts(struct attestation *self, const struct integrity_config *config,
                       const struct attestation_parts *parts)
{
    self->config = config;
    self->dir = parts->dir;
    self->active = parts->active;
    self->proofs = parts->proofs;
    self->newest = parts->newest;
}

enum status attestation_open(struct attestation *self, const struct integrity_config *config,
                             const struct exporter_context *context,
                             const struct attestation_parts *parts, uint64_t now_unix_ns,
                             struct buf *line, struct error *err)
{
    take_parts(self, config, parts);
    self->file_has_news = parts->active->size_bytes > 0;
    enum status st =
        log_keys_open(self->dir->io, context->state_dir, context->name, &self->key_dir_fd, err);
    if (st == ST_OK)
        st = open_log(self, now_unix_ns, line, err);
    return st == ST_OK ? ST_OK : error_context(err, "attest the store");
}

enum status attestation_end(struct attestation *self, const struct integrity_config *config,
                            const struct exporter_context *context,
                            const struct attestation_parts *parts, uint64_t now_unix_ns,
                            struct error *err)
{
    const struct store_dir *dir = parts->dir;
    char origin[NOTE_NAME_SIZE];
    struct stat info;

    if (dir->io->stat_at(dir->fd, STORE_CHECKPOINTS_NAME, &info) < 0)
        return ST_OK;
    take_parts(self, config, parts);
    enum status st =
        log_keys_open(dir->io, context->state_dir, context->name, &self->key_dir_fd, err);
    if (st == ST_OK)
        st = end_log(self, origin, now_unix_ns, err);
    if (st != ST_OK)
        return error_context(err, "end the log");
    tell_trouble(self, "the proofs of the store were switched off", true, now_unix_ns);
    return ST_OK;
}
