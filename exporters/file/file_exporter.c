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
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "active_file.h"
#include "closed_file.h"
#include "store_dir.h"
#include "store_room.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"

enum {
    APPEND_SIZE = 1 << 20,    /* how many bytes of lines are gathered for one write */
    KEEP_SIZE = 4 << 20,      /* the memory kept between batches */
    BUSY_BUDGET = 1 << 20,    /* bytes to compress after a batch, at least */
    IDLE_BUDGET = 8 << 20,    /* and in one tick */
    EXTRA_SIZE_MAX = 4 << 10, /* the place of a line, encoded */
    RETRY_DELAY_S = 60,       /* after a failed compression; between two notes of failures */
    RETENTION_PERIOD_S = 60,
};

static const uint64_t ns_per_s = 1000000000;

enum compression { COMPRESSION_NONE, COMPRESSION_ZSTD };

struct rotate_config {
    uint64_t size_bytes;
    uint64_t age_ns;
};

struct retention_config {
    uint64_t max_age_ns; /* 0: no limit, as below */
    uint64_t max_size_bytes;
    uint64_t max_files;
};

struct file_config {
    const char *dir;
    int compression;
    uint64_t compression_level;
    struct rotate_config rotate;
    struct retention_config retention;
};

struct file_exporter {
    const struct file_config *config; /* borrowed */
    struct store_dir dir;
    struct active_file active;
    bool place_known;
    struct store_place place;    /* of the newest line; good when place_known */
    uint64_t first_new_sequence; /* the store has no record from here on, whatever its place says;
                                    UINT64_MAX: not known, or the place is of this run */
    struct closed_file_job *job;
    bool plain_left; /* there may be closed files to compress */
    uint64_t compress_not_before_ns;
    uint64_t retention_not_before_ns;
    uint64_t note_not_before_ns;
    uint64_t appended_bytes; /* since the start */
    struct buf text;         /* lines on their way to the file */
    struct buf extra;        /* the attributes that tell a line's place */
};

static uint64_t unix_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * ns_per_s + (uint64_t)now.tv_nsec;
}

/* --- Upkeep ---------------------------------------------------------------------------------- */

static enum status rotate(struct file_exporter *self, uint64_t now_unix_ns, struct error *err)
{
    struct store_entry closed;

    enum status st = store_dir_reserve(&self->dir, err);
    if (st == ST_OK)
        st = active_file_rotate(&self->active, &closed, err);
    if (st == ST_OK)
        st = store_dir_add(&self->dir, &closed, err);
    if (st != ST_OK)
        return error_context(err, "rotate");
    self->plain_left = true;
    self->retention_not_before_ns = now_unix_ns;
    return ST_OK;
}

static enum status rotate_when_due(struct file_exporter *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    const struct rotate_config *config = &self->config->rotate;
    const struct active_file *active = &self->active;

    if (active->size_bytes == 0)
        return ST_OK;
    bool old = now_unix_ns > active->begun_unix_ns &&
               now_unix_ns - active->begun_unix_ns >= config->age_ns;
    if (active->size_bytes < config->size_bytes && !old)
        return ST_OK;
    return rotate(self, now_unix_ns, err);
}

/* Why the oldest closed file must go; NULL: it may stay. */
static const char *reason_to_delete(const struct file_exporter *self, uint64_t now_unix_ns)
{
    const struct retention_config *config = &self->config->retention;

    if (self->dir.count == 0)
        return NULL;
    if (config->max_files > 0 && self->dir.count > config->max_files)
        return "max_files";
    if (config->max_size_bytes > 0 &&
        self->dir.total_size_bytes + self->active.size_bytes > config->max_size_bytes)
        return "max_size";
    uint64_t now_s = now_unix_ns / ns_per_s;
    uint64_t written_s = self->dir.entries[0].written_unix_s;
    if (config->max_age_ns > 0 && now_s > written_s &&
        now_s - written_s > config->max_age_ns / ns_per_s)
        return "max_age";
    return NULL;
}

static void abandon_job(struct file_exporter *self)
{
    closed_file_destroy(self->job);
    self->job = NULL;
}

static void put_off_compression(struct file_exporter *self, uint64_t now_unix_ns)
{
    abandon_job(self);
    self->compress_not_before_ns = now_unix_ns + RETRY_DELAY_S * ns_per_s;
}

static enum status retain_when_due(struct file_exporter *self, uint64_t now_unix_ns,
                                   struct error *err)
{
    const char *reason;

    if (now_unix_ns < self->retention_not_before_ns)
        return ST_OK;
    self->retention_not_before_ns = now_unix_ns + RETENTION_PERIOD_S * ns_per_s;
    while ((reason = reason_to_delete(self, now_unix_ns)) != NULL) {
        struct store_entry oldest = self->dir.entries[0];
        char text[STORE_FILE_NAME_SIZE];
        store_file_name_format(&oldest.name, text);
        if (self->job != NULL &&
            store_file_name_compare(closed_file_name(self->job), &oldest.name) == 0)
            abandon_job(self);
        enum status st = store_dir_remove_oldest(&self->dir, err);
        if (st != ST_OK)
            return error_context(err, "retention");
        store_dir_note(&self->dir, now_unix_ns, "deleted %s, %llu bytes: retention.%s", text,
                       (unsigned long long)oldest.size_bytes, reason);
    }
    return ST_OK;
}

/* The oldest closed file that should be compressed; NULL when there is none. */
static const struct store_entry *next_plain(const struct file_exporter *self)
{
    for (size_t i = 0; i < self->dir.count; i++) {
        const struct store_entry *entry = &self->dir.entries[i];
        if (!entry->name.compressed && !entry->keep_plain)
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

static enum status begin_next_job(struct file_exporter *self, struct error *err)
{
    const struct store_entry *plain = next_plain(self);

    if (plain == NULL) {
        self->plain_left = false;
        return ST_OK;
    }
    return closed_file_begin(&self->dir, plain, (int)self->config->compression_level, &self->job,
                             err);
}

static enum status compress_some(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                                 struct error *err)
{
    struct store_entry compressed;

    if (self->config->compression != COMPRESSION_ZSTD || !self->plain_left ||
        now_unix_ns < self->compress_not_before_ns)
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
        self->dir.total_size_bytes += compressed.size_bytes;
        *entry = compressed;
    }
    if (st == ST_CORRUPT && entry != NULL)
        entry->keep_plain = true;
    abandon_job(self);
    if (st == ST_OK)
        return ST_OK;
    put_off_compression(self, now_unix_ns);
    return error_context(err, "compress");
}

/* Gives the first failure; the other parts are done all the same. */
static enum status maintain(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                            struct error *err)
{
    struct error later;

    enum status st = active_file_check(&self->active, now_unix_ns, err);
    enum status more = rotate_when_due(self, now_unix_ns, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    more = retain_when_due(self, now_unix_ns, st == ST_OK ? err : &later);
    st = st == ST_OK ? more : st;
    more = compress_some(self, now_unix_ns, budget, st == ST_OK ? err : &later);
    return st == ST_OK ? more : st;
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
        error_context(err, "record %llu", (unsigned long long)record->sequence);
    return st;
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

    /* The lines of a file are of one journal, and their numbers rise. */
    if (self->active.size_bytes > 0 &&
        (!same_journal(&self->active.last, batch) || first.sequence <= self->active.last.sequence))
        st = rotate(self, now_unix_ns, err);
    uint64_t size_before = self->active.size_bytes;
    if (st == ST_OK)
        st = append_lines(self, batch, from, err);
    if (st == ST_OK)
        st = active_file_commit(&self->active, &first, &last, now_unix_ns, err);
    if (st != ST_OK) {
        active_file_roll_back(&self->active);
        return st;
    }
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

/* Upkeep beside a delivery, whose outcome it does not change. */
static void maintain_and_note(struct file_exporter *self, uint64_t now_unix_ns, size_t budget)
{
    struct error err;

    if (maintain(self, now_unix_ns, budget, &err) == ST_OK ||
        now_unix_ns < self->note_not_before_ns)
        return;
    self->note_not_before_ns = now_unix_ns + RETRY_DELAY_S * ns_per_s;
    store_dir_note(&self->dir, now_unix_ns, "%s", err.text);
}

static enum export_result file_send(void *self_void, const struct batch *batch,
                                    uint64_t deadline_ns, struct export_report *report,
                                    struct error *err)
{
    struct file_exporter *self = self_void;
    enum status st = ST_OK;

    (void)deadline_ns; /* a disk cannot be hurried, and the budgets below are small */
    uint64_t now_unix_ns = unix_now_ns();
    uint64_t appended_before = self->appended_bytes;
    size_t known = count_known(self, batch);
    if (known < batch->record_count)
        st = write_records(self, batch, known, now_unix_ns, err);
    buf_trim(&self->text, KEEP_SIZE);
    if (st == ST_IO) /* perhaps it is the temporary file that fills the disk */
        put_off_compression(self, now_unix_ns);
    report->sent_bytes = (size_t)(self->appended_bytes - appended_before);
    /* Compressing twice as fast as writing catches up at any load. */
    size_t budget = report->sent_bytes > BUSY_BUDGET / 2 ? report->sent_bytes * 2 : BUSY_BUDGET;
    maintain_and_note(self, now_unix_ns, budget);
    return st == ST_OK ? EXPORT_DONE : result_of(st);
}

static enum status file_tick(void *self, uint64_t now_unix_ns, struct error *err)
{
    return maintain(self, now_unix_ns, IDLE_BUDGET, err);
}

static enum status file_make_room(void *self_void, const struct exporter_room *room,
                                  uint64_t *ret_freed, struct error *err)
{
    struct file_exporter *self = self_void;
    uint64_t now_unix_ns = unix_now_ns();

    put_off_compression(self, now_unix_ns); /* it needs room itself, perhaps for the oldest file */
    enum status st = store_room_make(&self->dir, room, now_unix_ns, &self->text, ret_freed, err);
    buf_trim(&self->text, KEEP_SIZE);
    return st == ST_OK ? ST_OK : error_context(err, "make room");
}

/* --- Creation -------------------------------------------------------------------------------- */

/* Learns from the newest line of the store what it has. */
static void find_place(struct file_exporter *self, uint64_t now_unix_ns)
{
    struct error err;

    if (self->active.size_bytes > 0) {
        self->place = self->active.last;
        self->place_known = true;
        return;
    }
    enum status st = store_dir_read_newest_line(&self->dir, &self->text, &err);
    if (st == ST_NOT_FOUND)
        return;
    self->place_known = st == ST_OK && store_line_place(buf_slice(&self->text), &self->place);
    if (!self->place_known)
        store_dir_note(&self->dir, now_unix_ns, "the newest closed file tells no place: %s",
                       st == ST_OK ? "not a line of ours" : err.text);
}

static void file_destroy(void *self_void)
{
    struct file_exporter *self = self_void;

    if (self == NULL)
        return;
    closed_file_destroy(self->job);
    active_file_close(&self->active);
    store_dir_close(&self->dir);
    buf_fini(&self->text);
    buf_fini(&self->extra);
    free(self);
}

static enum status file_create(const void *config, const struct exporter_context *context,
                               void **ret_self, struct error *err)
{
    uint64_t now_unix_ns = unix_now_ns();
    char path[PATH_MAX];

    struct file_exporter *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create the file exporter");
    self->config = config;
    self->dir.fd = -1;
    self->active.fd = -1;
    self->plain_left = true;
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
        st = active_file_open(&self->active, &self->dir, now_unix_ns, &self->text, err);
    if (st != ST_OK) {
        file_destroy(self);
        return st;
    }
    find_place(self, now_unix_ns);
    buf_trim(&self->text, KEEP_SIZE);
    *ret_self = self;
    return ST_OK;
}

static const struct config_field rotate_fields[] = {
    {.key = "size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct rotate_config, size_bytes),
     .min = UINT64_C(64) << 10,
     .max = UINT64_C(64) << 30,
     .default_text = "256MiB",
     .help = "A file is closed when it has this many bytes, before compression."},
    {.key = "age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct rotate_config, age_ns),
     .min = UINT64_C(1000000000),
     .default_text = "1h",
     .help = "A file is closed when its first line is this old."},
    {.key = NULL},
};

static const struct config_field retention_fields[] = {
    {.key = "max_age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct retention_config, max_age_ns),
     .default_text = "180d",
     .help = "A closed file is deleted when its last line is older than this. 0s: never."},
    {.key = "max_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct retention_config, max_size_bytes),
     .default_text = "20GiB",
     .help = "The oldest closed files are deleted while all files together, as they lie on the "
             "disk, are larger than this. 0: never."},
    {.key = "max_files",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct retention_config, max_files),
     .default_text = "0",
     .help = "The oldest closed files are deleted while there are more than this. 0: never."},
    {.key = NULL},
};

static const char *const compression_choices[] = {
    [COMPRESSION_NONE] = "none", [COMPRESSION_ZSTD] = "zstd", NULL};

static const struct config_field file_fields[] = {
    {.key = "dir",
     .type = CONFIG_PATH,
     .offset = offsetof(struct file_config, dir),
     .help = "Directory of the store, made with mode 0700 when it is not there. Default: 'store' "
             "in the state directory. Each exporter needs its own."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct file_config, compression),
     .default_text = "zstd",
     .choices = compression_choices,
     .help = "What closed files are compressed with: zstd, in the seekable format, or none."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct file_config, compression_level),
     .min = 1,
     .max = 19,
     .default_text = "3",
     .help = "Level of the compression."},
    {.key = "rotate",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct file_config, rotate),
     .fields = rotate_fields,
     .help = "When the file that is appended to is closed and a new one begun."},
    {.key = "retention",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct file_config, retention),
     .fields = retention_fields,
     .help = "When closed files are deleted, oldest first, whole files only. Each deletion is "
             "written down in store.log."},
    {.key = NULL},
};

extern const struct exporter_ops exporter_file;
const struct exporter_ops exporter_file = {
    .name = "file",
    .fields = file_fields,
    .config_size = sizeof(struct file_config),
    .in_order_only = true,
    .create = file_create,
    .send = file_send,
    .tick = file_tick,
    .make_room = file_make_room,
    .destroy = file_destroy,
};
