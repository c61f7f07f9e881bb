/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep.c -- see upkeep.h. */
#include "upkeep.h"

enum {
    RETRY_DELAY_S = 60, /* after a failed compression; between two notes of failures */
    QUIET_AGE_FACTOR = 24,
};

static const uint64_t ns_per_s = 1000000000;

enum status upkeep_rotate(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    struct store_entry closed;

    enum status st = store_dir_reserve(&self->dir, err);
    if (st == ST_OK)
        st = store_proofs_state(&self->proofs, self->active.size_bytes, err);
    if (st == ST_OK)
        st = active_file_rotate(&self->active, &closed, err);
    if (st == ST_OK)
        st = store_dir_add(&self->dir, &closed, err);
    if (st == ST_OK) {
        self->plain_left = true;
        self->retainer.not_before_ns = now_unix_ns;
        store_proofs_note_closed(&self->proofs, &closed.name, closed.size_bytes);
        self->attestation.file_has_news = false;
        st = store_proofs_close(&self->proofs, now_unix_ns, err);
    }
    if (st == ST_OK)
        st = attestation_sign(&self->attestation, "checkpoint", "close", now_unix_ns, err);
    return st == ST_OK ? ST_OK : error_context(err, "rotate");
}

/* Somebody may have taken the active file: what its proof says stays in the tree, under the name
 * that the file would have got. */
static enum status check_active(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    uint64_t size_bytes = self->active.size_bytes;
    struct store_file_name name;

    enum status st = active_file_check(&self->active, now_unix_ns, err);
    if (st == ST_OK && size_bytes > 0 && self->active.size_bytes == 0) {
        active_file_closed_name(&self->active, &name);
        st = store_proofs_state(&self->proofs, size_bytes, err);
        store_proofs_note_closed(&self->proofs, &name, size_bytes);
        attestation_tell_loss(&self->attestation, &name);
    }
    if (st == ST_OK)
        st = store_proofs_close(&self->proofs, now_unix_ns, err);
    return st;
}

/* A machine where nothing happens should not fill its store with files of heartbeats. */
static uint64_t age_factor(const struct file_exporter *self)
{
    return self->attestation.is_on && !self->attestation.file_has_news ? QUIET_AGE_FACTOR : 1;
}

static enum status rotate_when_due(struct file_exporter *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    const struct rotate_config *config = &self->config->rotate;
    const struct active_file *active = &self->active;

    if (active->size_bytes == 0)
        return ST_OK;
    bool old = now_unix_ns > active->begun_unix_ns &&
               (now_unix_ns - active->begun_unix_ns) / age_factor(self) >= config->age_ns;
    if (active->size_bytes < config->size_bytes && !old && !store_proofs_want_close(&self->proofs))
        return ST_OK;
    return upkeep_rotate(self, now_unix_ns, err);
}

static void abandon_job(struct file_exporter *self)
{
    closed_file_destroy(self->job);
    self->job = NULL;
}

static void abandon_index_job(struct file_exporter *self)
{
    index_job_destroy(self->index_job);
    self->index_job = NULL;
}

void upkeep_put_off_compression(struct file_exporter *self, uint64_t now_unix_ns)
{
    abandon_job(self);
    abandon_index_job(self);
    self->compress_not_before_ns = now_unix_ns + RETRY_DELAY_S * ns_per_s;
}

void upkeep_abandon_job_of(struct file_exporter *self, const struct store_file_name *name)
{
    if (self->job != NULL && store_file_name_compare(closed_file_name(self->job), name) == 0)
        abandon_job(self);
    if (self->index_job != NULL &&
        store_file_name_compare(index_job_file(self->index_job), name) == 0)
        abandon_index_job(self);
}

/* Once, however often the file cannot be deleted then. */
static enum status note_deletion(struct file_exporter *self, size_t index, const char *reason,
                                 const char *rule, uint64_t now_unix_ns, struct error *err)
{
    struct store_entry *entry = &self->dir.entries[index];

    if (!self->proofs.is_on || entry->is_deleted)
        return ST_OK;
    enum status st =
        store_proofs_note_deletion(&self->proofs, &entry->name, reason, rule, now_unix_ns, err);
    if (st != ST_OK)
        return st;
    entry->is_deleted = true;
    entry->deletion = self->proofs.chain.value;
    deeds_expect(&self->deeds);
    return ST_OK;
}

enum status upkeep_delete(struct file_exporter *self, size_t index, const char *reason,
                          const char *rule, uint64_t now_unix_ns, struct error *err)
{
    struct store_entry entry = self->dir.entries[index];
    char text[STORE_FILE_NAME_SIZE];
    const struct deed deed = {.action = "deletion",
                              .file = text,
                              .reason = reason,
                              .rule = rule,
                              .first = entry.name.first_sequence,
                              .last = entry.name.last_sequence,
                              .bytes = entry.size_bytes,
                              .line = self->proofs.is_on ? &entry.deletion : NULL};

    store_file_name_format(&entry.name, text);
    upkeep_abandon_job_of(self, &entry.name);
    enum status st = note_deletion(self, index, reason, rule, now_unix_ns, err);
    entry = self->dir.entries[index];
    if (st == ST_OK)
        st = store_dir_remove(&self->dir, index, err);
    if (st != ST_OK)
        return st;
    store_proofs_drop(&self->dir, &entry.name);
    store_dir_note(&self->dir, now_unix_ns, "deleted %s, %llu bytes: %s%s%s", text,
                   (unsigned long long)entry.size_bytes, reason, rule[0] != 0 ? " " : "", rule);
    deeds_tell(&self->deeds, &deed);
    return ST_OK;
}

/* The oldest closed file that should be compressed; NULL when there is none. */
static const struct store_entry *next_plain(const struct file_exporter *self)
{
    for (size_t i = 0; i < self->dir.count; i++) {
        const struct store_entry *entry = &self->dir.entries[i];
        if (!entry->name.compressed && !entry->keep_plain && !entry->is_deleted)
            return entry;
    }
    return NULL;
}

static struct store_entry *find_entry(struct file_exporter *self,
                                      const struct store_file_name *name)
{
    for (size_t i = 0; i < self->dir.count; i++) {
        if (store_file_name_compare(&self->dir.entries[i].name, name) == 0)
            return &self->dir.entries[i];
    }
    return NULL;
}

static enum status note_compressed(void *context, const struct store_file_name *name,
                                   uint64_t size_bytes, const struct hash *sha256,
                                   struct error *err)
{
    struct file_exporter *self = context;

    return store_proofs_note_compressed(&self->proofs, name, size_bytes, sha256,
                                        self->upkeep_unix_ns, err);
}

static enum status begin_next_job(struct file_exporter *self, struct error *err)
{
    const struct store_entry *plain = next_plain(self);

    if (plain == NULL) {
        self->plain_left = false;
        return ST_OK;
    }
    const struct closed_file_listener listener = {self, note_compressed};
    return closed_file_begin(&self->dir, plain, (int)self->config->compression_level,
                             self->config->index, &listener, &self->job, err);
}

static enum status compress_some(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                                 struct error *err)
{
    struct store_entry compressed;

    if (self->config->compression != COMPRESSION_ZSTD || !self->plain_left ||
        now_unix_ns < self->compress_not_before_ns || self->proofs.closing.is_due ||
        self->retainer.erasure != NULL || self->retainer.is_unfinished)
        return ST_OK;
    enum status st = self->job == NULL ? begin_next_job(self, err) : ST_OK;
    if (st == ST_OK && self->job == NULL)
        return ST_OK;
    if (st == ST_OK)
        st = closed_file_step(self->job, budget, &compressed, err);
    if (st == ST_AGAIN)
        return ST_OK;
    struct store_entry *entry =
        self->job != NULL ? find_entry(self, closed_file_name(self->job)) : NULL;
    if (st == ST_OK && entry != NULL) {
        self->dir.total_size_bytes -= entry->size_bytes;
        self->dir.total_size_bytes += compressed.size_bytes + compressed.index_bytes;
        compressed.survey = entry->survey; /* the lines are the same */
        *entry = compressed;
        self->unindexed_left |= compressed.index != INDEX_GOOD;
    }
    if (st == ST_CORRUPT && entry != NULL)
        entry->keep_plain = true;
    abandon_job(self);
    if (st == ST_OK)
        return ST_OK;
    upkeep_put_off_compression(self, now_unix_ns);
    return error_context(err, "compress");
}

/* --- Indexes of files that have none --------------------------------------------------------- */

/* Looks at the newest compressed file of which nothing is known, and begins to make its index when
 * that is missing or of no use. */
static enum status begin_next_index(struct file_exporter *self, struct error *err)
{
    struct store_entry *entry = NULL;
    uint64_t size_bytes;

    for (size_t i = self->dir.count; i > 0 && entry == NULL; i--) {
        if (self->dir.entries[i - 1].name.compressed &&
            self->dir.entries[i - 1].index == INDEX_UNKNOWN)
            entry = &self->dir.entries[i - 1];
    }
    if (entry == NULL) {
        self->unindexed_left = false;
        return ST_OK;
    }
    enum status st = index_file_check(&self->dir, &entry->name, &size_bytes, err);
    if (st == ST_OK)
        entry->index = INDEX_GOOD;
    if (st == ST_OK || st == ST_NO_MEMORY)
        return st;
    st = index_job_begin(&self->dir, &entry->name, &self->index_job, err);
    if (st == ST_OK || st == ST_NO_MEMORY)
        return st;
    entry->index = INDEX_NEVER; /* until the next start: others are not to wait for it */
    return error_context(err, "index");
}

static void take_index(struct file_exporter *self, struct store_entry *entry, uint64_t size_bytes)
{
    self->dir.total_size_bytes -= entry->index_bytes;
    self->dir.total_size_bytes += size_bytes;
    entry->index_bytes = size_bytes;
    entry->index = INDEX_GOOD;
}

static enum status index_some(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                              struct error *err)
{
    uint64_t size_bytes = 0;

    /* What is written now is asked for most: compression goes first. */
    if (!self->config->index || !self->unindexed_left || self->job != NULL ||
        now_unix_ns < self->index_not_before_ns)
        return ST_OK;
    enum status st = self->index_job == NULL ? begin_next_index(self, err) : ST_OK;
    if (st == ST_OK && self->index_job == NULL)
        return ST_OK;
    if (st == ST_OK)
        st = index_job_step(self->index_job, budget, &size_bytes, err);
    if (st == ST_AGAIN)
        return ST_OK;
    struct store_entry *entry =
        self->index_job != NULL ? find_entry(self, index_job_file(self->index_job)) : NULL;
    abandon_index_job(self);
    if (st == ST_OK && entry != NULL)
        take_index(self, entry, size_bytes);
    if (st == ST_OK)
        return ST_OK;
    if ((st == ST_CORRUPT || st == ST_LIMIT) && entry != NULL)
        entry->index = INDEX_NEVER;
    self->index_not_before_ns = now_unix_ns + RETRY_DELAY_S * ns_per_s;
    return st;
}

/* Gives the first failure; the other parts are done all the same. */
enum status upkeep_do(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                      struct error *err)
{
    struct error later;

    self->upkeep_unix_ns = now_unix_ns;
    enum status st = check_active(self, now_unix_ns, err);
    enum status more = rotate_when_due(self, now_unix_ns, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    more = retainer_do(self, now_unix_ns, budget, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    more = compress_some(self, now_unix_ns, budget, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    more = index_some(self, now_unix_ns, budget, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    deeds_tick(&self->deeds);
    more = attestation_tick(&self->attestation, now_unix_ns, st == ST_OK ? err : &later);
    return st == ST_OK ? more : st;
}

/* Upkeep beside a delivery, whose outcome it does not change. */
void upkeep_beside_delivery(struct file_exporter *self, uint64_t now_unix_ns, size_t budget)
{
    struct error err;

    if (upkeep_do(self, now_unix_ns, budget, &err) == ST_OK ||
        now_unix_ns < self->note_not_before_ns)
        return;
    self->note_not_before_ns = now_unix_ns + RETRY_DELAY_S * ns_per_s;
    store_dir_note(&self->dir, now_unix_ns, "%s", err.text);
}
