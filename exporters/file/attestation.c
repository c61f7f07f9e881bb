/* SPDX-License-Identifier: Apache-2.0 */
/* attestation.c -- see attestation.h; attestation_open.c has the start.
 *
 * What is signed is durable before: the lines, and active.proof says where they stand.  So the tree
 * of a later start is never smaller than a checkpoint that somebody has.
 *
 * Times are counted by the clock on the wall, which an administrator may set.  When it goes back,
 * everything that is due goes back with it, so that nothing waits for longer than its interval.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attestation_internal.h"
#include "telltale/checkpoint_line.h"

enum {
    RETRY_S = 10,                 /* after a failure */
    CHECKPOINTS_MAX = 64 << 20,   /* bytes of a file that is thinned */
    NOTE_LIMIT = NOTE_SIZE_MAX,   /* of a checkpoint */
    LINE_LIMIT = CHECKPOINTS_MAX, /* of the buffer for lines, and for thinning */
};

static const uint64_t ns_per_s = 1000000000;

void attestation_init(struct attestation *self, const struct exporter_context *context)
{
    *self =
        (struct attestation){.key_dir_fd = -1, .checkpoints = {.fd = -1}, .notes = context->notes};
    snprintf(self->exporter, sizeof(self->exporter), "%s", context->name);
    buf_init(&self->note, NOTE_LIMIT + 1);
    buf_init(&self->growth, EXPORTER_NOTE_TEXT_MAX);
    buf_init(&self->line, LINE_LIMIT);
}

/* --- The clock -------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t time, uint64_t by)
{
    return time > by ? time - by : 0;
}

static void follow_clock(struct attestation *self, uint64_t now_unix_ns)
{
    if (now_unix_ns < self->clock_ns) {
        uint64_t back = self->clock_ns - now_unix_ns;
        self->checkpoint_due_ns = earlier(self->checkpoint_due_ns, back);
        self->heartbeat_due_ns = earlier(self->heartbeat_due_ns, back);
        self->epoch_due_ns = earlier(self->epoch_due_ns, back);
    }
    self->clock_ns = now_unix_ns;
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

/* How the tree grew; NULL: nobody wants to know, or it cannot be said: the next one says it.  What
 * comes behind it is a step of its own. */
static const char *put_growth(struct attestation *self)
{
    struct error ignored;

    if (!self->proofs->is_growing)
        return NULL;
    buf_clear(&self->growth);
    enum status st = tree_growth_put(&self->proofs->growth, &self->growth, &ignored);
    tree_growth_step(&self->proofs->growth);
    if (st == ST_OK)
        st = buf_append(&self->growth, "", 1, &ignored); /* a NUL */
    return st == ST_OK ? (const char *)self->growth.data : NULL;
}

static void tell_checkpoint(struct attestation *self, const char *action, const char *reason,
                            uint64_t size, const struct hash *root)
{
    char root_text[HASH_BASE64_SIZE + 1];
    const struct exporter_note note = {
        .action = action,
        .origin = self->proofs->origin,
        .has_size = true,
        .size = size,
        .root = root_text,
        .note = (const char *)self->note.data,
        .growth = put_growth(self),
        .epoch = key_ring_epoch(self->ring)->number,
        .reason = reason,
        .first = self->proofs->first_sequence,
        .last = self->newest->sequence,
        .skipped = store_proofs_skipped(self->proofs, self->newest),
    };

    hash_format_base64(root, root_text);
    root_text[HASH_BASE64_SIZE] = 0;
    /* The daemon counts what it has no room for. */
    (void)exporter_tell(&self->notes, self->exporter, &note);
}

static enum status keep_checkpoint(struct attestation *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    buf_clear(&self->line);
    enum status st = checkpoint_line_put(now_unix_ns, buf_slice(&self->note), &self->line, err);
    uint64_t offset = self->checkpoints.size_bytes;
    if (st == ST_OK)
        st = line_file_append(&self->checkpoints, buf_slice(&self->line), err);
    if (st == ST_OK)
        self->last_offset = offset;
    return st;
}

static enum status sign(struct attestation *self, uint64_t size, const struct hash *root,
                        uint64_t now_unix_ns, struct error *err)
{
    buf_clear(&self->note);
    enum status st = store_proofs_state(self->proofs, self->active->size_bytes, err);
    if (st == ST_OK)
        st = key_ring_sign(self->ring, size, root, &self->note, err);
    if (st == ST_OK)
        st = buf_reserve(&self->note, 1, err);
    if (st != ST_OK)
        return st;
    self->note.data[self->note.size] = 0; /* not counted: it is also given as a text */
    if (self->has_last && self->last_size == size)
        return ST_OK; /* it has been said; only heartbeats say it again */
    return keep_checkpoint(self, now_unix_ns, err);
}

enum status attestation_sign(struct attestation *self, const char *action, const char *reason,
                             uint64_t now_unix_ns, struct error *err)
{
    struct hash root;

    if (!self->is_on)
        return ST_OK;
    follow_clock(self, now_unix_ns);
    uint64_t size = store_proofs_size(self->proofs);
    store_proofs_root(self->proofs, &root);
    self->checkpoint_due_ns = now_unix_ns + RETRY_S * ns_per_s;
    self->heartbeat_due_ns = self->checkpoint_due_ns;
    enum status st = sign(self, size, &root, now_unix_ns, err);
    if (st != ST_OK)
        return error_context(err, "sign a checkpoint");
    self->has_last = true;
    self->last_size = size;
    self->last_root = root;
    self->has_news = false;
    self->has_started = true;
    self->checkpoint_due_ns = now_unix_ns + self->config->checkpoint_interval_ns;
    self->heartbeat_due_ns = now_unix_ns + self->config->heartbeat_ns;
    tell_checkpoint(self, action, reason, size, &root);
    return ST_OK;
}

/* --- Epochs ----------------------------------------------------------------------------------- */

/* Of an epoch that is over the last checkpoint is enough.  The file is replaced whole, or stays as
 * it is. */
static enum status thin(struct attestation *self, struct error *err)
{
    struct line_file *file = &self->checkpoints;
    const struct store_dir *dir = self->dir;
    size_t got;

    if (self->last_offset <= self->epoch_offset || file->size_bytes > CHECKPOINTS_MAX) {
        self->epoch_offset = file->size_bytes;
        return ST_OK;
    }
    size_t last_size = (size_t)(file->size_bytes - self->last_offset);
    size_t size = (size_t)self->epoch_offset + last_size;
    buf_clear(&self->line);
    enum status st = buf_reserve(&self->line, size, err);
    if (st == ST_OK)
        st =
            disk_read(dir->io, file->fd, self->line.data, (size_t)self->epoch_offset, 0, &got, err);
    if (st == ST_OK && got < self->epoch_offset)
        st = error_set(err, ST_IO, "'%s' shrinks", STORE_CHECKPOINTS_NAME);
    if (st == ST_OK)
        st = disk_read(dir->io, file->fd, self->line.data + self->epoch_offset, last_size,
                       self->last_offset, &got, err);
    if (st == ST_OK && got < last_size)
        st = error_set(err, ST_IO, "'%s' shrinks", STORE_CHECKPOINTS_NAME);
    if (st == ST_OK)
        st = disk_publish(dir->io, dir->fd, STORE_CHECKPOINTS_NAME, self->line.data, size, err);
    if (st == ST_OK) {
        line_file_close(file);
        st = line_file_open(file, dir->io, dir->fd, STORE_CHECKPOINTS_NAME, NULL, err);
    }
    if (st != ST_OK)
        return error_context(err, "thin '%s'", STORE_CHECKPOINTS_NAME);
    self->last_offset = self->epoch_offset;
    self->epoch_offset = file->size_bytes;
    return ST_OK;
}

static void tell_key(struct attestation *self, const struct note_vkey *key, uint64_t epoch,
                     const char *reason, bool is_alarm)
{
    char text[NOTE_VKEY_SIZE];
    const struct exporter_note note = {
        .action = "key",
        .origin = self->proofs->origin,
        .has_size = true,
        .size = store_proofs_size(self->proofs),
        .key = text,
        .epoch = epoch,
        .reason = reason,
        .is_alarm = is_alarm,
    };

    note_vkey_format(key, text);
    (void)exporter_tell(&self->notes, self->exporter, &note); /* as above */
}

void attestation_tell_keys(struct attestation *self, bool with_log_key, const char *reason,
                           bool is_alarm)
{
    const struct epoch_certificate *epoch = key_ring_epoch(self->ring);

    if (with_log_key)
        tell_key(self, key_ring_log_key(self->ring), 0, reason, is_alarm);
    tell_key(self, &epoch->vkey, epoch->number, reason, is_alarm);
}

/* The old key's last word comes first, if there is one to say. */
static enum status evolve(struct attestation *self, uint64_t now_unix_ns, struct error *err)
{
    enum status st = ST_OK;

    self->epoch_due_ns = now_unix_ns + RETRY_S * ns_per_s;
    uint64_t before = key_ring_epoch(self->ring)->number;
    if (!self->has_last || self->last_size != store_proofs_size(self->proofs))
        st = attestation_sign(self, "checkpoint", "epoch", now_unix_ns, err);
    if (st == ST_OK)
        st = key_ring_evolve(self->ring, store_proofs_size(self->proofs), now_unix_ns / ns_per_s,
                             err);
    if (key_ring_epoch(self->ring)->number != before) {
        self->epoch_due_ns = now_unix_ns + self->config->epoch_ns;
        attestation_tell_keys(self, false, "epoch", false);
        if (st == ST_OK)
            st = thin(self, err);
    }
    return st == ST_OK ? ST_OK : error_context(err, "replace the epoch's key");
}

/* --- Upkeep ----------------------------------------------------------------------------------- */

enum status attestation_tick(struct attestation *self, uint64_t now_unix_ns, struct error *err)
{
    if (!self->is_on)
        return ST_OK;
    follow_clock(self, now_unix_ns);
    if (now_unix_ns >= self->epoch_due_ns) {
        enum status st = evolve(self, now_unix_ns, err);
        if (st != ST_OK)
            return st;
    }
    if (!self->has_started)
        return now_unix_ns >= self->checkpoint_due_ns
                   ? attestation_sign(self, "heartbeat", "start", now_unix_ns, err)
                   : ST_OK;
    if (self->has_news && now_unix_ns >= self->checkpoint_due_ns)
        return attestation_sign(self, "checkpoint", "interval", now_unix_ns, err);
    if (now_unix_ns >= self->heartbeat_due_ns)
        return attestation_sign(self, "heartbeat", "interval", now_unix_ns, err);
    if (key_ring_has_old_key(self->ring))
        return key_ring_wipe(self->ring, err);
    return ST_OK;
}

void attestation_tell_loss(struct attestation *self, const struct store_file_name *name)
{
    char text[STORE_FILE_NAME_SIZE];
    const struct exporter_note note = {
        .action = "unproved",
        .origin = self->proofs != NULL ? self->proofs->origin : NULL,
        .reason = "somebody took the active file away",
        .file = text,
        .first = name->first_sequence,
        .last = name->last_sequence,
        .is_alarm = true,
    };

    store_file_name_format(name, text);
    (void)exporter_tell(&self->notes, self->exporter, &note); /* store.log has it */
}

void attestation_fini(struct attestation *self, uint64_t now_unix_ns)
{
    struct error ignored;

    if (self->is_on && (!self->has_last || self->last_size != store_proofs_size(self->proofs)))
        /* The next start says it. */
        (void)(attestation_sign(self, "checkpoint", "stop", now_unix_ns, &ignored) == ST_OK);
    self->is_on = false;
    key_ring_close(self->ring);
    self->ring = NULL;
    line_file_close(&self->checkpoints);
    if (self->key_dir_fd >= 0)
        (void)close(self->key_dir_fd); /* a directory */
    self->key_dir_fd = -1;
    buf_fini(&self->note);
    buf_fini(&self->growth);
    buf_fini(&self->line);
}
