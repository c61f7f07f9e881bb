/* SPDX-License-Identifier: Apache-2.0 */
/* witness.c -- the exporter that shows checkpoints of stores to an outside witness, and puts the
 * cosignatures on record (docs/INTEGRITY.md, "Witnesses").
 *
 * It looks only at the daemon's own records about stores.  A checkpoint is taken when it is in the
 * state (witness_log.h), so that a witness that is away for a week holds back no journal; it is
 * shown in between, the newest of each log, at most once each `every`.  A failure is told as one of
 * tick(), and what the witness refuses, once, as a record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "telltale/clocks.h"
#include "telltale/exporter.h"
#include "telltale/integrity_records.h"
#include "telltale/log_files.h"
#include "telltale/log_slots.h"
#include "witness_config.h"
#include "witness_post.h"

enum {
    BODY_SIZE_LIMIT = 32 << 10, /* of a request */
    NOTE_SIZE_LIMIT = 96 << 10, /* a checkpoint and an answer */
    ANSWER_S = 20,              /* how long one may take in tick() */
    REPAIR_S = 60,              /* until a witness that refused is asked again */
    ATTEMPTS_MAX = 3,           /* with the sizes that the witness says */
};

static const char lacking[] = "checkpoints of a store do not say how its tree grew: they cannot "
                              "be shown without integrity.witness there";
static const char away[] = "the witness does not cosign: checkpoints wait for it";

struct witness {
    const struct witness_config *config; /* borrowed */
    struct note_vkey key;
    struct exporter_notes notes;
    char name[128];
    struct log_files files;
    struct http_client *client;   /* owned, as these: */
    struct record_reader *reader; /* of records */
    struct tree_growth *growth;   /* of the record at hand */
    struct buf body, note;
    bool lacks_growth; /* so did the last checkpoint */
    struct log_slots slots;
    struct witness_log logs[LOG_SLOTS_MAX]; /* each in the slot of its index */
};

static enum status witness_check(const void *config, struct error *err)
{
    return witness_config_check(config, err);
}

static const char *witness_caution(const void *config)
{
    return http_config_caution(&((const struct witness_config *)config)->http);
}

static void witness_destroy(void *self_pointer)
{
    struct witness *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    record_reader_destroy(self->reader);
    free(self->growth);
    buf_fini(&self->body);
    buf_fini(&self->note);
    for (size_t i = 0; i < LOG_SLOTS_MAX; i++)
        witness_log_fini(&self->logs[i]);
    log_files_close(&self->files);
    free(self);
}

static enum status witness_create(const void *config, const struct exporter_context *context,
                                  void **ret_self, struct error *err)
{
    struct witness *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create a witness exporter");
    self->config = config;
    self->notes = context->notes;
    self->files.dir_fd = -1;
    (void)snprintf(self->name, sizeof(self->name), "%s", context->name); /* cut, if need be */
    buf_init(&self->body, BODY_SIZE_LIMIT);
    buf_init(&self->note, NOTE_SIZE_LIMIT);
    for (size_t i = 0; i < LOG_SLOTS_MAX; i++)
        witness_log_init(&self->logs[i]);
    const struct http_client_settings settings = {.config = &self->config->http};
    enum status st = witness_config_key(self->config, &self->key, err);
    self->growth = malloc(sizeof(*self->growth));
    if (st == ST_OK && self->growth == NULL)
        st = error_set(err, ST_NO_MEMORY, "create a witness exporter");
    if (st == ST_OK)
        st = record_reader_create(&self->reader, err);
    if (st == ST_OK)
        st = log_files_open(&self->files, disk_io_or_system(context->io), context->state_dir,
                            "witness", self->name, err);
    if (st == ST_OK)
        st = http_client_create(&settings, &self->client, err);
    if (st != ST_OK) {
        witness_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- Taking ----------------------------------------------------------------------------------- */

static enum status find_log(struct witness *self, const char *origin, struct witness_log **ret,
                            struct error *err)
{
    bool is_new;
    size_t index = log_slots_find(&self->slots, origin, &is_new);

    *ret = &self->logs[index];
    if (!is_new)
        return ST_OK;
    log_slots_leave(&self->slots, index);
    enum status st = witness_log_open(*ret, &self->files, origin, err);
    if (st == ST_OK)
        log_slots_take(&self->slots, index, origin);
    return st;
}

/* Whether it is a checkpoint of ours that says how its tree grew, and all of it goes together. */
static bool read_checkpoint(struct witness *self, const struct record_facts *facts,
                            struct checkpoint *ret)
{
    struct error ignored;
    struct hash root;

    if (!integrity_record_is_checkpoint(facts, ret))
        return false;
    self->lacks_growth = facts->integrity_growth.size == 0;
    if (self->lacks_growth ||
        tree_growth_read(facts->integrity_growth, self->growth, &ignored) != ST_OK ||
        ret->size != tree_growth_size(self->growth))
        return false;
    tree_growth_root(self->growth, &root);
    return hash_equal(&root, &ret->root);
}

static enum status take(void *context, const struct record_facts *facts, struct error *err)
{
    struct witness *self = context;
    struct checkpoint checkpoint;
    struct witness_log *log;
    bool is_news;

    if (!read_checkpoint(self, facts, &checkpoint))
        return ST_OK;
    enum status st = find_log(self, checkpoint.origin, &log, err);
    if (st == ST_OK)
        st = witness_log_take(log, self->growth, facts->integrity_note, &is_news, err);
    return st == ST_OK && is_news ? witness_log_save(log, &self->files, err) : st;
}

/* --- Showing ---------------------------------------------------------------------------------- */

static enum status tell_cosigned(struct witness *self, const struct witness_log *log,
                                 struct error *err)
{
    char root_text[HASH_BASE64_SIZE + 1];
    struct merkle_range whole = log->witnessed;
    struct hash root;

    enum status st = merkle_range_append(&whole, &log->sent, err);
    if (st == ST_OK)
        st = buf_append(&self->note, "", 1, err); /* a NUL */
    if (st != ST_OK)
        return st;
    merkle_range_root(&whole, &root);
    hash_format_base64(&root, root_text);
    root_text[HASH_BASE64_SIZE] = 0;
    const struct exporter_note note = {
        .action = "witness",
        .origin = log->origin,
        .has_size = true,
        .size = log->sent.end,
        .root = root_text,
        .note = (const char *)self->note.data,
        .actor = self->key.name,
        .reason = "cosigned",
    };
    return exporter_tell(&self->notes, self->name, &note)
               ? ST_OK
               : error_set(err, ST_AGAIN, "there is no room to put a cosignature on record");
}

/* Shows the checkpoint that was chosen until the witness has cosigned it, or says why not. */
static enum status show(struct witness *self, size_t index, uint64_t deadline_ns,
                        uint64_t *ret_wait_ns, struct error *err)
{
    struct witness_log *log = &self->logs[index];
    struct witness_reply reply;

    *ret_wait_ns = self->config->every_ns;
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        enum witness_word word = witness_post(self->client, log, &self->key, deadline_ns,
                                              &self->body, &self->note, &reply, err);
        if (word == WITNESS_SILENT) {
            if (reply.retry_after_ms * NS_PER_MS > *ret_wait_ns)
                *ret_wait_ns = reply.retry_after_ms * NS_PER_MS;
            return ST_IO;
        }
        if (word == WITNESS_COSIGNED) {
            enum status st = tell_cosigned(self, log, err);
            if (st == ST_OK) {
                witness_log_settle(log);
                self->slots.items[index].told_trouble = 0;
                st = witness_log_save(log, &self->files, err);
            }
            return st;
        }
        if (word == WITNESS_REFUSES || witness_log_go_to(log, reply.size, err) != ST_OK)
            break;
        (void)error_set(err, ST_IO, "the witness says another size each time");
    }
    const struct exporter_note note = {
        .action = "witness", .size = log->sent.end, .reason = err->text};
    log_slot_tell_trouble(&self->slots.items[index], &self->notes, self->name, reply.status, &note);
    if (*ret_wait_ns < REPAIR_S * NS_PER_S)
        *ret_wait_ns = REPAIR_S * NS_PER_S;
    return ST_IO;
}

static enum status show_log(struct witness *self, size_t index, uint64_t now_unix_ns,
                            uint64_t deadline_ns, struct error *err)
{
    struct witness_log *log = &self->logs[index];
    struct log_slot *slot = &self->slots.items[index];
    uint64_t wait_ns;

    enum status st = witness_log_choose(log, err);
    if (st == ST_OK)
        st = witness_log_save(log, &self->files, err);
    slot->due_ns = now_unix_ns + self->config->every_ns;
    if (st != ST_OK)
        return st;
    st = show(self, index, deadline_ns, &wait_ns, err);
    slot->due_ns = now_unix_ns + wait_ns;
    return st == ST_OK ? ST_OK : error_context(err, "log %s", log->origin);
}

/* The last failure counts. */
static enum status show_due(struct witness *self, uint64_t now_unix_ns, uint64_t deadline_ns,
                            struct error *err)
{
    uint64_t wait_max_ns = self->config->every_ns + UINT32_MAX * NS_PER_MS;
    enum status result = ST_OK;

    for (size_t i = 0; i < LOG_SLOTS_MAX; i++) {
        if (!log_slot_is_due(&self->slots.items[i], now_unix_ns, wait_max_ns) ||
            !witness_log_waits(&self->logs[i]))
            continue;
        enum status st = show_log(self, i, now_unix_ns, deadline_ns, err);
        result = st != ST_OK ? st : result;
    }
    return result;
}

/* --- The exporter ----------------------------------------------------------------------------- */

static enum export_result witness_send(void *self_pointer, const struct batch *batch,
                                       uint64_t deadline_ns, struct export_report *report,
                                       struct error *err)
{
    struct witness *self = self_pointer;

    enum status st = integrity_records_visit(self->reader, batch, take, self, err);
    if (st != ST_OK)
        return EXPORT_RETRY;
    if (self->lacks_growth)
        report->notice = lacking;
    /* Where records never cease there is no tick(). */
    if (show_due(self, clock_unix_ns(), deadline_ns, &report->upkeep) != ST_OK)
        report->notice = away;
    else
        report->upkeep = (struct error){.status = ST_OK}; /* what was set on the way is nobody's */
    return EXPORT_DONE;
}

static enum status witness_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct witness *self = self_pointer;

    return show_due(self, now_unix_ns, clock_monotonic_ns() + ANSWER_S * NS_PER_S, err);
}

static void witness_cancel(void *self_pointer)
{
    http_client_cancel(((struct witness *)self_pointer)->client);
}

extern const struct exporter_ops exporter_witness;
const struct exporter_ops exporter_witness = {
    .name = "witness",
    .fields = witness_fields,
    .config_size = sizeof(struct witness_config),
    .in_order_only = true,
    .one_lane = true,
    .check = witness_check,
    .caution = witness_caution,
    .create = witness_create,
    .send = witness_send,
    .tick = witness_tick,
    .cancel = witness_cancel,
    .destroy = witness_destroy,
};
