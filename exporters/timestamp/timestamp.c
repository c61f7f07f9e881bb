/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.c -- the exporter that has checkpoints of stores stamped by a time authority, and puts
 * the time stamps on record (docs/INTEGRITY.md, "Time stamps").
 *
 * It looks only at the daemon's own records about stores.  A checkpoint is taken when it is in the
 * state (timestamp_log.h), so that an authority that is away for a week holds back no journal; in
 * between the newest of each log is stamped, at most once each `every`.  A failure is told as one
 * of tick(), and what the authority refuses, once, as a record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "telltale/clocks.h"
#include "telltale/exporter.h"
#include "telltale/integrity_records.h"
#include "telltale/log_files.h"
#include "telltale/log_slots.h"
#include "timestamp_config.h"
#include "timestamp_log.h"
#include "timestamp_post.h"

enum {
    QUERY_SIZE_LIMIT = 4 << 10,
    ANSWER_S = 20,        /* how long one may take in tick() */
    RETRY_S = 60,         /* until an authority that failed is asked again; doubled each time */
    TELL_S = 10,          /* until a stamp from before the start is told again */
    RETRY_DOUBLE_MAX = 8, /* times */
};

static const char away[] = "the time stamp authority gives no stamps: checkpoints wait for them";

struct timestamp {
    const struct timestamp_config *config; /* borrowed */
    struct exporter_notes notes;
    uint64_t (*read_clock)(void);
    char name[128];
    struct log_files files;
    struct http_client *client;   /* owned, as these: */
    struct record_reader *reader; /* of records */
    struct buf body;
    struct log_slots slots;
    struct timestamp_log logs[LOG_SLOTS_MAX]; /* each in the slot of its index */
};

static enum status timestamp_check(const void *config, struct error *err)
{
    return timestamp_config_check(config, err);
}

static const char *timestamp_caution(const void *config)
{
    return http_config_caution(&((const struct timestamp_config *)config)->http);
}

static void timestamp_destroy(void *self_pointer)
{
    struct timestamp *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    record_reader_destroy(self->reader);
    buf_fini(&self->body);
    for (size_t i = 0; i < LOG_SLOTS_MAX; i++)
        timestamp_log_fini(&self->logs[i]);
    log_files_close(&self->files);
    free(self);
}

static enum status timestamp_create(const void *config, const struct exporter_context *context,
                                    void **ret_self, struct error *err)
{
    struct timestamp *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create a timestamp exporter");
    self->config = config;
    self->notes = context->notes;
    self->read_clock = context->read_clock != NULL ? context->read_clock : clock_unix_ns;
    self->files.dir_fd = -1;
    (void)snprintf(self->name, sizeof(self->name), "%s", context->name); /* cut, if need be */
    buf_init(&self->body, QUERY_SIZE_LIMIT);
    for (size_t i = 0; i < LOG_SLOTS_MAX; i++)
        timestamp_log_init(&self->logs[i]);
    const struct http_client_settings settings = {.config = &self->config->http};
    enum status st = record_reader_create(&self->reader, err);
    if (st == ST_OK)
        st = log_files_open(&self->files, disk_io_or_system(context->io), context->state_dir,
                            "timestamp", self->name, err);
    if (st == ST_OK)
        st = http_client_create(&settings, &self->client, err);
    if (st != ST_OK) {
        timestamp_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- Taking ----------------------------------------------------------------------------------- */

/* When the log may be asked for, as far as the state says. */
static uint64_t due_of(const struct timestamp *self, const struct timestamp_log *log)
{
    uint64_t wait_ns = log->is_answered ? self->config->every_ns : RETRY_S * NS_PER_S;

    if (log->asked_unix_s == 0 || log->asked_unix_s > (UINT64_MAX - wait_ns) / NS_PER_S)
        return 0;
    return log->asked_unix_s * NS_PER_S + wait_ns;
}

static enum status find_log(struct timestamp *self, const char *origin, struct timestamp_log **ret,
                            struct error *err)
{
    bool is_new;
    size_t index = log_slots_find(&self->slots, origin, &is_new);

    *ret = &self->logs[index];
    if (!is_new)
        return ST_OK;
    log_slots_leave(&self->slots, index);
    enum status st = timestamp_log_open(*ret, &self->files, origin, err);
    if (st != ST_OK)
        return st;
    log_slots_take(&self->slots, index, origin);
    self->slots.items[index].due_ns = due_of(self, *ret);
    (*ret)->tell_due_ns = self->read_clock() + TELL_S * NS_PER_S; /* it may come by yet */
    return ST_OK;
}

static enum status take(void *context, const struct record_facts *facts, struct error *err)
{
    struct timestamp *self = context;
    bool is_stamp = slice_equal(facts->integrity_action, SLICE("timestamp"));
    struct checkpoint checkpoint;
    struct timestamp_log *log;
    bool is_news;

    if (is_stamp ? !integrity_record_has_checkpoint(facts, &checkpoint)
                 : !integrity_record_is_checkpoint(facts, &checkpoint))
        return ST_OK;
    enum status st = find_log(self, checkpoint.origin, &log, err);
    if (st == ST_OK && is_stamp) /* if it is ours, the journal has it */
        is_news = timestamp_log_saw(log, facts->integrity_token);
    else if (st == ST_OK)
        st = timestamp_log_take(log, checkpoint.size, facts->integrity_note, &is_news, err);
    return st == ST_OK && is_news ? timestamp_log_save(log, &self->files, err) : st;
}

/* --- Telling ---------------------------------------------------------------------------------- */

/* NUL-terminated for the note; the size is as before. */
static enum status end_text(struct buf *text, struct error *err)
{
    enum status st = buf_append(text, "", 1, err);

    if (st == ST_OK)
        text->size--;
    return st;
}

static enum status put_on_record(struct timestamp *self, struct timestamp_log *log,
                                 const struct checkpoint *checkpoint, struct error *err)
{
    char root_text[HASH_BASE64_SIZE + 1] = {0};

    hash_format_base64(&checkpoint->root, root_text);
    const struct exporter_note note = {
        .action = "timestamp",
        .origin = log->origin,
        .has_size = true,
        .size = checkpoint->size,
        .root = root_text,
        .note = (const char *)log->stamped.data,
        .token = (const char *)log->token.data,
        .token_unix_s = log->token_unix_s,
        .actor = log->signer,
        .reason = "stamped",
    };
    if (!exporter_tell(&self->notes, self->name, &note))
        return error_set(err, ST_AGAIN, "there is no room to put a time stamp on record");
    log->is_told = true;
    return ST_OK;
}

static enum status tell_stamp(struct timestamp *self, struct timestamp_log *log, struct error *err)
{
    struct checkpoint checkpoint;
    struct note *note = malloc(sizeof(*note));

    if (note == NULL)
        return error_set(err, ST_NO_MEMORY, "put a time stamp on record");
    enum status st = note_parse(buf_slice(&log->stamped), note, err);
    if (st == ST_OK)
        st = checkpoint_parse(note->text, &checkpoint, err);
    free(note);
    if (st == ST_OK)
        st = end_text(&log->stamped, err);
    if (st == ST_OK)
        st = end_text(&log->token, err);
    return st == ST_OK ? put_on_record(self, log, &checkpoint, err) : st;
}

/* --- Asking ----------------------------------------------------------------------------------- */

/* A wait that doubles with each failure, and is not shorter than the authority wishes. */
static uint64_t wait_after_failure(const struct timestamp *self, struct timestamp_log *log,
                                   const struct timestamp_answer *answer)
{
    uint64_t wait_ns = (RETRY_S * NS_PER_S) << log->failures;
    uint64_t wish_ns = answer->retry_after_ms * NS_PER_MS;

    if (log->failures < RETRY_DOUBLE_MAX)
        log->failures++;
    if (wait_ns > self->config->every_ns)
        wait_ns = self->config->every_ns;
    return wish_ns > wait_ns ? wish_ns : wait_ns;
}

static enum status keep_stamp(struct timestamp *self, size_t index,
                              const struct timestamp_reply *reply, struct error *err)
{
    struct timestamp_log *log = &self->logs[index];

    log->failures = 0;
    self->slots.items[index].told_trouble = 0;
    /* One that did not come by in all that time gives way: once more, and if there is no room, then
     * the new one says more. */
    if (log->token.size > 0)
        (void)(tell_stamp(self, log, err) == ST_OK);
    enum status st = timestamp_log_settle(log, reply->token, &reply->info, err);
    if (st == ST_OK)
        st = timestamp_log_save(log, &self->files, err);
    return st == ST_OK ? tell_stamp(self, log, err) : st;
}

static enum status ask(struct timestamp *self, size_t index, struct timestamp_authority *authority,
                       uint64_t deadline_ns, uint64_t *ret_wait_ns, struct error *err)
{
    struct timestamp_log *log = &self->logs[index];
    struct hash imprint = hash_bytes(buf_slice(&log->newest));
    struct timestamp_query query;
    struct timestamp_answer answer;

    enum status st = timestamp_query_make(&imprint, self->config->policy, &query, err);
    if (st != ST_OK)
        return st;
    enum timestamp_word word =
        timestamp_post(self->client, &query, authority, deadline_ns, &self->body, &answer, err);
    if (word == TIMESTAMP_GRANTED) {
        *ret_wait_ns = self->config->every_ns;
        return keep_stamp(self, index, &answer.reply, err);
    }
    *ret_wait_ns = wait_after_failure(self, log, &answer);
    if (word == TIMESTAMP_REFUSED) {
        const struct exporter_note note = {
            .action = "timestamp", .size = log->newest_size, .reason = err->text};
        log_slot_tell_trouble(&self->slots.items[index], &self->notes, self->name,
                              answer.reply.trouble, &note);
    }
    return ST_IO;
}

/* That it is asked is durable before it is. */
static enum status ask_durably(struct timestamp *self, size_t index,
                               struct timestamp_authority *authority, uint64_t now_unix_ns,
                               uint64_t deadline_ns, uint64_t *ret_wait_ns, struct error *err)
{
    struct timestamp_log *log = &self->logs[index];

    log->asked_unix_s = now_unix_ns / NS_PER_S;
    log->is_answered = false;
    enum status st = timestamp_log_save(log, &self->files, err);
    return st == ST_OK ? ask(self, index, authority, deadline_ns, ret_wait_ns, err) : st;
}

static enum status stamp_log(struct timestamp *self, size_t index, uint64_t now_unix_ns,
                             uint64_t deadline_ns, struct error *err)
{
    struct timestamp_authority *authority = NULL;
    uint64_t wait_ns = RETRY_S * NS_PER_S;

    enum status st = ST_OK;

    /* The file is read each time: it may have been replaced. */
    if (self->config->ca_file != NULL) {
        st = timestamp_authority_read(self->config->ca_file, &authority, err);
        if (st != ST_OK)
            (void)error_context(err, "ca_file");
    }
    if (st == ST_OK)
        st = ask_durably(self, index, authority, now_unix_ns, deadline_ns, &wait_ns, err);
    timestamp_authority_destroy(authority);
    self->slots.items[index].due_ns = now_unix_ns + wait_ns;
    return st == ST_OK ? ST_OK : error_context(err, "log %s", self->logs[index].origin);
}

static bool is_to_be_told(const struct timestamp_log *log, uint64_t now_unix_ns)
{
    return log->token.size > 0 && !log->is_told &&
           (now_unix_ns >= log->tell_due_ns || log->tell_due_ns - now_unix_ns > TELL_S * NS_PER_S);
}

/* The last failure counts. */
static enum status stamp_due(struct timestamp *self, uint64_t now_unix_ns, uint64_t deadline_ns,
                             struct error *err)
{
    uint64_t wait_max_ns = self->config->every_ns + UINT32_MAX * NS_PER_MS;
    enum status result = ST_OK;

    for (size_t i = 0; i < LOG_SLOTS_MAX; i++) {
        struct timestamp_log *log = &self->logs[i];
        struct log_slot *slot = &self->slots.items[i];
        enum status st = ST_OK;
        if (slot->origin[0] == 0)
            continue;
        if (log->newest.size > 0 && log_slot_is_due(slot, now_unix_ns, wait_max_ns))
            st = stamp_log(self, i, now_unix_ns, deadline_ns, err);
        else if (is_to_be_told(log, now_unix_ns))
            st = tell_stamp(self, log, err);
        result = st != ST_OK ? st : result;
    }
    return result;
}

/* --- The exporter ----------------------------------------------------------------------------- */

static enum export_result timestamp_send(void *self_pointer, const struct batch *batch,
                                         uint64_t deadline_ns, struct export_report *report,
                                         struct error *err)
{
    struct timestamp *self = self_pointer;

    enum status st = integrity_records_visit(self->reader, batch, take, self, err);
    if (st != ST_OK)
        return EXPORT_RETRY;
    /* Where records never cease there is no tick(). */
    if (stamp_due(self, self->read_clock(), deadline_ns, &report->upkeep) != ST_OK)
        report->notice = away;
    else
        report->upkeep = (struct error){.status = ST_OK}; /* what was set on the way is nobody's */
    return EXPORT_DONE;
}

static enum status timestamp_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct timestamp *self = self_pointer;

    return stamp_due(self, now_unix_ns, clock_monotonic_ns() + ANSWER_S * NS_PER_S, err);
}

static void timestamp_cancel(void *self_pointer)
{
    http_client_cancel(((struct timestamp *)self_pointer)->client);
}

extern const struct exporter_ops exporter_timestamp;
const struct exporter_ops exporter_timestamp = {
    .name = "timestamp",
    .fields = timestamp_fields,
    .config_size = sizeof(struct timestamp_config),
    .in_order_only = true,
    .one_lane = true,
    .check = timestamp_check,
    .caution = timestamp_caution,
    .create = timestamp_create,
    .send = timestamp_send,
    .tick = timestamp_tick,
    .cancel = timestamp_cancel,
    .destroy = timestamp_destroy,
};
