/* SPDX-License-Identifier: Apache-2.0 */
/* file_exporter.c -- the forensic store: every record as a line of OTLP JSON in a directory of
 * files that grep, jq and zstd read (include/telltale/store_file.h says what stands there).
 *
 * Exactly once.  Delivery is at least once: when a crash loses the cursor, records come again.
 * Each line tells its place in the journal, so the last line of the store says what it has; records
 * up to there, of the same journal, are skipped.  But not those that are new to the journal since
 * the start: damage may have taken its end, and then their numbers are used for the second time.
 *
 * All or nothing.  The lines of a batch are appended, then synced together.  Whatever fails
 * before takes all of them back, and the batch comes again.
 *
 * Bad records.  One that cannot be written as JSON must not take a batch with it: the batch is
 * rejected, so that it comes again in halves until the record is alone and goes to the dead
 * letters.
 *
 * Upkeep (rotation, compression, retention) is done in slices, after a batch, also one that failed
 * (retention may make room), or while idle.  Its failures never fail a delivery: they are noted in
 * store.log and tried again.
 *
 * Rejected: compressing while writing.  The newest lines could not be read with plain tools, and a
 * crash would cost the frame under construction.
 */
#include "file_exporter.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store_room.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"
#include "upkeep.h"

enum {
    APPEND_SIZE = 1 << 20,    /* how many bytes of lines are gathered for one write */
    KEEP_SIZE = 4 << 20,      /* the memory kept between batches */
    BUSY_BUDGET = 1 << 20,    /* bytes to compress after a batch, at least */
    IDLE_BUDGET = 8 << 20,    /* and in one tick */
    EXTRA_SIZE_MAX = 4 << 10, /* the place of a line, encoded */
    PLACE_TRIES_MAX = 8,
};

static const uint64_t ns_per_s = 1000000000;

static uint64_t unix_now_ns(const struct file_exporter *self)
{
    struct timespec now;

    if (self->read_clock != NULL)
        return self->read_clock();
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * ns_per_s + (uint64_t)now.tv_nsec;
}

/* --- Sending --------------------------------------------------------------------------------- */

static bool same_journal(const struct store_place *place, const struct batch *batch)
{
    return memcmp(place->journal_id, batch->journal_id, JOURNAL_ID_SIZE) == 0;
}

static bool is_known(const struct file_exporter *self, uint64_t sequence)
{
    return sequence <= self->place.sequence && sequence < self->first_new_sequence;
}

/* How many records at the head of `batch` the store has already. */
static size_t count_known(const struct file_exporter *self, const struct batch *batch)
{
    size_t count = 0;

    if (!self->place_known || !same_journal(&self->place, batch))
        return 0;
    while (count < batch->record_count && is_known(self, batch->records[count].sequence))
        count++;
    return count;
}

/* Appends the line of `record` to self->text.  `extra` holds the journal's id already, in its
 * first `id_size` bytes. */
static enum status add_line(struct file_exporter *self, const struct batch *batch,
                            const struct record *record, size_t id_size, struct error *err)
{
    size_t start = self->text.size;

    ASSERT(record->group_index < batch->group_count);
    self->extra.size = id_size;
    enum status st = encode_attribute_int(SLICE(STORE_JOURNAL_SEQUENCE_KEY),
                                          (int64_t)record->sequence, &self->extra, err);
    if (st == ST_OK)
        st = encode_otlp_json_line(&batch->groups[record->group_index], record->bytes,
                                   buf_slice(&self->extra), &self->text, err);
    if (st == ST_OK && self->text.size - start > STORE_LINE_SIZE_MAX)
        st = error_set(err, ST_LIMIT, "a line of %zu bytes", self->text.size - start);
    if (st != ST_OK)
        return error_context(err, "record %llu", (unsigned long long)record->sequence);
    store_proofs_add(&self->proofs, record->sequence, slice_from(buf_slice(&self->text), start));
    return ST_OK;
}

/* Whether the record is the daemon's own word about its stores, which calls for no checkpoint. */
static bool is_about_stores(struct file_exporter *self, const struct batch *batch,
                            const struct record *record)
{
    const struct record_group *group = &batch->groups[record->group_index];
    struct record_facts facts;
    struct error ignored;

    return group->signal == SIGNAL_LOGS &&
           record_reader_set_group(self->reader, group, &ignored) == ST_OK &&
           record_reader_read(self->reader, record->bytes, &facts, &ignored) == ST_OK &&
           slice_equal(facts.kind, SLICE("agent.integrity")) &&
           slice_equal(facts.transport, SLICE("internal"));
}

/* Looks no further than to the first record of another kind. */
static void look_for_news(struct file_exporter *self, const struct batch *batch, size_t from)
{
    if (!self->attestation.is_on || (self->attestation.has_news && self->attestation.file_has_news))
        return;
    for (size_t i = from; i < batch->record_count; i++) {
        if (!is_about_stores(self, batch, &batch->records[i])) {
            attestation_note_news(&self->attestation);
            return;
        }
    }
}

static enum status append_lines(struct file_exporter *self, const struct batch *batch, size_t from,
                                struct error *err)
{
    char id_text[JOURNAL_ID_TEXT_SIZE];

    buf_clear(&self->text);
    buf_clear(&self->extra);
    journal_id_format(batch->journal_id, id_text);
    enum status st = encode_attribute_text(SLICE(STORE_JOURNAL_ID_KEY),
                                           slice_of(id_text, sizeof(id_text)), &self->extra, err);
    size_t id_size = self->extra.size;
    for (size_t i = from; st == ST_OK && i < batch->record_count; i++) {
        st = add_line(self, batch, &batch->records[i], id_size, err);
        if (st != ST_OK || (self->text.size < APPEND_SIZE && i + 1 < batch->record_count))
            continue;
        st = active_file_append(&self->active, buf_slice(&self->text), err);
        buf_clear(&self->text);
    }
    return st;
}

static struct store_place place_of(const struct batch *batch, size_t index)
{
    struct store_place place = {.sequence = batch->records[index].sequence};
    memcpy(place.journal_id, batch->journal_id, JOURNAL_ID_SIZE);
    return place;
}

/* Makes the records from `from` on durable, all or none. */
static enum status write_records(struct file_exporter *self, const struct batch *batch, size_t from,
                                 uint64_t now_unix_ns, struct error *err)
{
    struct store_place first = place_of(batch, from);
    struct store_place last = place_of(batch, batch->record_count - 1);
    enum status st = ST_OK;

    /* The lines of a file are of one journal, their numbers rise, and all are in the tree. */
    if (self->active.size_bytes > 0 &&
        (!same_journal(&self->active.last, batch) || first.sequence <= self->active.last.sequence ||
         store_proofs_want_close(&self->proofs)))
        st = upkeep_rotate(self, now_unix_ns, err);
    uint64_t size_before = self->active.size_bytes;
    if (st == ST_OK)
        st =
            store_proofs_begin(&self->proofs, batch->journal_id, size_before > 0, now_unix_ns, err);
    if (st == ST_OK)
        st = append_lines(self, batch, from, err);
    if (st == ST_OK)
        st = active_file_commit(&self->active, &first, &last, now_unix_ns, err);
    if (st != ST_OK) {
        active_file_roll_back(&self->active);
        store_proofs_roll_back(&self->proofs);
        return st;
    }
    store_proofs_commit(&self->proofs, &self->active);
    look_for_news(self, batch, from);
    self->appended_bytes += self->active.size_bytes - size_before;
    self->place = last;
    self->place_known = true;
    self->first_new_sequence = UINT64_MAX;
    return ST_OK;
}

/* Never EXPORT_TOO_LARGE: one line is the matter, and smaller batches would only cost syncs. */
static enum export_result result_of(enum status st)
{
    return st == ST_CORRUPT || st == ST_LIMIT ? EXPORT_REJECTED : EXPORT_RETRY;
}

/* Learns from the newest line of the store what it has.  ST_IO: it could not be read. */
static enum status find_place(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    if (self->active.size_bytes > 0) {
        self->place = self->active.last;
        self->place_known = true;
        return ST_OK;
    }
    enum status st = store_dir_read_newest_line(&self->dir, &self->text, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    self->place_known = st == ST_OK && store_line_place(buf_slice(&self->text), &self->place);
    /* The last lines of that file may have been erased. */
    uint64_t last = self->dir.entries[self->dir.count - 1].name.last_sequence;
    if (self->place_known && self->place.sequence < last)
        self->place.sequence = last;
    if (!self->place_known)
        store_dir_note(&self->dir, now_unix_ns, "the newest closed file tells no place: %s",
                       st == ST_OK ? "not a line of ours" : err->text);
    return st == ST_IO ? ST_IO : ST_OK;
}

/* While it is not known what the store has, what comes may be there already; but a file that stays
 * unreadable must not hold up the delivery for ever. */
static enum status seek_place(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    if (self->place_tries == 0)
        return ST_OK;
    self->place_tries--;
    enum status st = find_place(self, now_unix_ns, err);
    if (st == ST_OK)
        self->place_tries = 0;
    return self->place_tries > 0 ? st : ST_OK;
}

static enum export_result file_send(void *self_void, const struct batch *batch,
                                    uint64_t deadline_ns, struct export_report *report,
                                    struct error *err)
{
    struct file_exporter *self = self_void;
    (void)deadline_ns; /* a disk cannot be hurried, and the budgets below are small */
    uint64_t now_unix_ns = unix_now_ns(self);
    uint64_t appended_before = self->appended_bytes;
    enum status st = seek_place(self, now_unix_ns, err);
    size_t known = count_known(self, batch);
    if (st == ST_OK && known < batch->record_count)
        st = write_records(self, batch, known, now_unix_ns, err);
    buf_trim(&self->text, KEEP_SIZE);
    if (st == ST_IO) /* perhaps it is the temporary file that fills the disk */
        upkeep_put_off_compression(self, now_unix_ns);
    report->sent_bytes = (size_t)(self->appended_bytes - appended_before);
    /* Compressing twice as fast as writing catches up at any load. */
    size_t budget = report->sent_bytes > BUSY_BUDGET / 2 ? report->sent_bytes * 2 : BUSY_BUDGET;
    upkeep_beside_delivery(self, now_unix_ns, budget);
    return st == ST_OK ? EXPORT_DONE : result_of(st);
}

static enum status file_tick(void *self, uint64_t now_unix_ns, struct error *err)
{
    return upkeep_do(self, now_unix_ns, IDLE_BUDGET, err);
}

static enum status file_make_room(void *self_void, const struct exporter_room *room,
                                  uint64_t *ret_freed, struct error *err)
{
    struct file_exporter *self = self_void;
    uint64_t now_unix_ns = unix_now_ns(self);

    upkeep_put_off_compression(self,
                               now_unix_ns); /* it needs room itself, perhaps for the oldest file */
    enum status st = store_room_make(self, room, now_unix_ns, ret_freed, err);
    buf_trim(&self->text, KEEP_SIZE);
    return st == ST_OK ? ST_OK : error_context(err, "make room");
}

/* --- Creation -------------------------------------------------------------------------------- */

static void file_destroy(void *self_void)
{
    struct file_exporter *self = self_void;

    if (self == NULL)
        return;
    retainer_fini(&self->retainer);
    closed_file_destroy(self->job);
    index_job_destroy(self->index_job);
    deeds_tick(&self->deeds);
    attestation_fini(&self->attestation, unix_now_ns(self));
    store_proofs_fini(&self->proofs);
    record_reader_destroy(self->reader);
    active_file_close(&self->active);
    store_dir_close(&self->dir);
    buf_fini(&self->text);
    buf_fini(&self->extra);
    free(self);
}

static enum status start_proofs(struct file_exporter *self, const struct exporter_context *context,
                                uint64_t now_unix_ns, struct error *err)
{
    const struct attestation_parts parts = {
        .dir = &self->dir,
        .active = &self->active,
        .proofs = &self->proofs,
        .newest = &self->place,
    };

    if (!self->config->integrity.enabled)
        return attestation_end(&self->attestation, &self->config->integrity, context, &parts,
                               now_unix_ns, err);
    enum status st = record_reader_create(&self->reader, err);
    if (st == ST_OK)
        st = attestation_open(&self->attestation, &self->config->integrity, context, &parts,
                              now_unix_ns, &self->text, err);
    if (st == ST_OK)
        st = deeds_open(&self->deeds, self->attestation.key_dir_fd, now_unix_ns, err);
    return st;
}

/* A disk that fails now does not keep the store from starting: upkeep tries again. */
static enum status finish_erasures(struct file_exporter *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    bool has_proofs = self->config->integrity.enabled;

    enum status st = erasure_recover(&self->dir, has_proofs, now_unix_ns, err);
    if (st != ST_IO)
        return st;
    self->retainer.is_unfinished = has_proofs;
    store_dir_note(&self->dir, now_unix_ns, "an erasure cannot be finished yet: %s", err->text);
    return ST_OK;
}

static enum status file_create(const void *config, const struct exporter_context *context,
                               void **ret_self, struct error *err)
{
    char path[PATH_MAX];

    struct file_exporter *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create the file exporter");
    self->config = config;
    self->name = context->name;
    self->notes = context->notes;
    self->read_clock = context->read_clock;
    uint64_t now_unix_ns = unix_now_ns(self);
    retainer_init(&self->retainer);
    self->dir.fd = -1;
    self->active.fd = -1;
    store_proofs_init(&self->proofs, &self->dir);
    attestation_init(&self->attestation, context);
    deeds_init(&self->deeds, &self->dir, &self->proofs, context);
    self->plain_left = true;
    self->unindexed_left = true;
    self->first_new_sequence =
        context->first_new_sequence > 0 ? context->first_new_sequence : UINT64_MAX;
    buf_init(&self->text, APPEND_SIZE + (size_t)STORE_LINE_SIZE_MAX);
    buf_init(&self->extra, EXTRA_SIZE_MAX);
    int size = self->config->dir != NULL
                   ? snprintf(path, sizeof(path), "%s", self->config->dir)
                   : snprintf(path, sizeof(path), "%s/store", context->state_dir);
    enum status st = size < 0 || (size_t)size >= sizeof(path)
                         ? error_set(err, ST_INVALID, "the name of the directory is too long")
                         : store_dir_open(&self->dir, path, disk_io_or_system(context->io), err);
    if (st == ST_OK)
        st = finish_erasures(self, now_unix_ns, err);
    if (st == ST_OK)
        st = active_file_open(&self->active, &self->dir, now_unix_ns, &self->text, err);
    if (st == ST_OK) {
        self->place_tries = PLACE_TRIES_MAX;
        (void)seek_place(self, now_unix_ns, err); /* the first batch tries again */
        st = start_proofs(self, context, now_unix_ns, err);
    }
    if (st != ST_OK) {
        file_destroy(self);
        return st;
    }
    buf_trim(&self->text, KEEP_SIZE);
    *ret_self = self;
    return ST_OK;
}

static enum status file_check(const void *config_void, struct error *err)
{
    const struct file_config *config = config_void;
    const char *origin = config->integrity.origin;

    if (origin != NULL && !note_name_is_good(slice_of_text(origin)))
        return error_set(err, ST_INVALID, "integrity.origin is no name for a log");
    return retention_check(&config->retention, err);
}

extern const struct exporter_ops exporter_file;
const struct exporter_ops exporter_file = {
    .name = "file",
    .fields = file_config_fields,
    .config_size = sizeof(struct file_config),
    .in_order_only = true,
    .check = file_check,
    .create = file_create,
    .send = file_send,
    .tick = file_tick,
    .make_room = file_make_room,
    .destroy = file_destroy,
};
