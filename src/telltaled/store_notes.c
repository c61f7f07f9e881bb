/* SPDX-License-Identifier: Apache-2.0 */
/* store_notes.c -- see store_notes.h.
 *
 *     tell ─► waiting ─flush─► flying ─► durable: forgotten
 *                                │ ^
 *                                '─┴─ not taken: flies again, before what waits
 *
 * A queue is the lines of JSON themselves, made by who tells, so that nothing of the note need be
 * kept.  The line for the log is made then as well, but written by the main thread: it may block.
 */
#include "telltaled/store_notes.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "metrics/metrics.h"
#include "receivers/native_intake.h"
#include "util/clock.h"
#include "util/log.h"
#include "wire/json_put.h"

enum {
    QUEUE_SIZE_MAX = 256 << 10, /* bytes of lines that wait; some hundred checkpoints */
    SAID_SIZE_MAX = 64 << 10,   /* of lines for the log: what has no room there is not said */
    BATCH_SIZE_MAX = 4 << 20,
    LOG_LINE_MAX = 1024,
    BOOT_ID_SIZE = 37, /* with NUL */
    SEVERITY_INFO = 9,
    SEVERITY_WARN = 13,
};

#define RETRY_NS        (5 * NS_PER_S)
#define LAST_PATIENCE_S 2

struct store_notes {
    struct journal *journal;       /* borrowed */
    struct pipeline_notes *losses; /* borrowed */
    struct metric *told, *lost;    /* shared, atomic */
    char boot_id[BOOT_ID_SIZE];    /* empty: not known */
    pthread_mutex_t lock;
    pthread_cond_t landed;
    /* shared, under lock */
    struct buf waiting; /* lines of JSON */
    struct buf said;    /* lines for the log; the first byte is the level's */
    bool is_flying;
    uint64_t taken_count, durable_count; /* notes, since the start */
    uint64_t waiting_count, flying_count;
    /* main thread; the journal's while is_flying */
    struct buf flying;
    /* main thread */
    struct buf saying;
    struct native_intake *intake; /* owned */
    uint64_t not_before_ns;       /* monotonic */
};

/* --- Telling: any thread ---------------------------------------------------------------------- */

static bool is_said(const char *text)
{
    return text != NULL && text[0] != 0;
}

static void put_text(struct json_put *json, struct slice key, const char *value)
{
    if (!is_said(value))
        return;
    json_put(json, key);
    json_put_text(json, slice_of_text(value));
}

static void put_number(struct json_put *json, struct slice key, uint64_t value)
{
    if (value == 0)
        return;
    json_put(json, key);
    json_put_uint(json, value);
}

static void put_time(struct json_put *json, struct slice key, uint64_t unix_s)
{
    if (unix_s == 0 || unix_s > UINT64_MAX / NS_PER_S)
        return;
    json_put(json, key);
    json_put_time(json, unix_s * NS_PER_S);
}

static bool fits(const struct exporter_note *note)
{
    const char *const texts[] = {note->action, note->origin,   note->root, note->note, note->growth,
                                 note->token,  note->reason,   note->rule, note->hold, note->file,
                                 note->actor,  note->manifest, note->body};
    size_t size = 0;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        size += texts[i] != NULL ? strlen(texts[i]) : 0;
    return is_said(note->action) && size <= EXPORTER_NOTE_TEXT_MAX;
}

static void put_body(struct json_put *json, const char *exporter, const struct exporter_note *note)
{
    char body[512];
    int used;

    if (is_said(note->body)) {
        json_put_text(json, slice_of_text(note->body));
        return;
    }
    used = snprintf(body, sizeof(body), "%s: %s", exporter, note->action);
    if (note->has_size && used > 0 && (size_t)used < sizeof(body))
        used +=
            snprintf(body + used, sizeof(body) - (size_t)used, ", %" PRIu64 " lines", note->size);
    if (is_said(note->file) && used > 0 && (size_t)used < sizeof(body))
        snprintf(body + used, sizeof(body) - (size_t)used, ", %s", note->file);
    json_put_text(json, slice_of_text(body));
}

/* What the daemon knows itself. */
static void put_surroundings(const struct store_notes *notes, struct json_put *json)
{
    json_put(json, SLICE(",\"agent.integrity.journal\":"));
    json_put_hex(json, slice_of(journal_id(notes->journal), JOURNAL_ID_SIZE));
    json_put(json, SLICE(",\"agent.integrity.sequence\":"));
    json_put_uint(json, journal_committed(notes->journal) - 1);
    put_text(json, SLICE(",\"agent.integrity.boot\":"), notes->boot_id);
    json_put(json, SLICE(",\"agent.integrity.monotonic_ns\":"));
    json_put_uint(json, clock_monotonic_ns());
    json_put(json, SLICE(",\"agent.integrity.time\":"));
    json_put_time(json, clock_unix_ns());
}

static enum status put_line(const struct store_notes *notes, const char *exporter,
                            const struct exporter_note *note, struct buf *out, struct error *err)
{
    struct json_put json;

    json_start(&json, out, err);
    json_put(&json, SLICE("{\"kind\":\"agent.integrity\",\"severity\":"));
    json_put_uint(&json, note->is_alarm ? SEVERITY_WARN : SEVERITY_INFO);
    json_put(&json, SLICE(",\"body\":"));
    put_body(&json, exporter, note);
    json_put(&json, SLICE(",\"attributes\":{\"agent.integrity.action\":"));
    json_put_text(&json, slice_of_text(note->action));
    put_text(&json, SLICE(",\"agent.integrity.destination\":"), exporter);
    put_text(&json, SLICE(",\"agent.integrity.origin\":"), note->origin);
    if (note->has_size) {
        json_put(&json, SLICE(",\"agent.integrity.size\":"));
        json_put_uint(&json, note->size);
    }
    put_text(&json, SLICE(",\"agent.integrity.root\":"), note->root);
    put_text(&json, SLICE(",\"agent.integrity.note\":"), note->note);
    put_text(&json, SLICE(",\"agent.integrity.growth\":"), note->growth);
    put_text(&json, SLICE(",\"agent.integrity.token\":"), note->token);
    put_time(&json, SLICE(",\"agent.integrity.token_time\":"), note->token_unix_s);
    put_text(&json, SLICE(",\"agent.integrity.key\":"), note->key);
    put_number(&json, SLICE(",\"agent.integrity.epoch\":"), note->epoch);
    put_text(&json, SLICE(",\"agent.integrity.reason\":"), note->reason);
    put_text(&json, SLICE(",\"agent.integrity.rule\":"), note->rule);
    put_text(&json, SLICE(",\"agent.integrity.hold\":"), note->hold);
    put_text(&json, SLICE(",\"agent.integrity.file\":"), note->file);
    put_number(&json, SLICE(",\"agent.integrity.first\":"), note->first);
    put_number(&json, SLICE(",\"agent.integrity.last\":"), note->last);
    put_number(&json, SLICE(",\"agent.integrity.count\":"), note->count);
    put_number(&json, SLICE(",\"agent.integrity.bytes\":"), note->bytes);
    put_text(&json, SLICE(",\"agent.integrity.actor\":"), note->actor);
    put_text(&json, SLICE(",\"agent.integrity.manifest\":"), note->manifest);
    put_number(&json, SLICE(",\"agent.integrity.skipped\":"), note->skipped);
    put_surroundings(notes, &json);
    json_put(&json, SLICE("}}\n"));
    return json_finish(&json);
}

/* `lock` is held.  The root is on the log's line: that too is a copy elsewhere. */
static void put_said(struct store_notes *notes, const char *exporter,
                     const struct exporter_note *note)
{
    char line[LOG_LINE_MAX];
    struct error ignored;

    int size = snprintf(line, sizeof(line),
                        "%cexporter=%s action=%s origin=%.128s size=%" PRIu64
                        " root=%.64s epoch=%" PRIu64 " file=%.80s reason=%s",
                        note->is_alarm ? 'w' : 'i', LOG_TEXT(exporter), note->action,
                        is_said(note->origin) ? note->origin : "-", note->size,
                        is_said(note->root) ? note->root : "-", note->epoch,
                        is_said(note->file) ? note->file : "-",
                        LOG_TEXT(is_said(note->reason) ? note->reason : ""));
    if (size <= 0 || (size_t)size >= sizeof(line))
        return;
    (void)(buf_append(&notes->said, line, (size_t)size + 1, &ignored) == ST_OK); /* else unsaid */
}

bool store_notes_tell(void *context, const char *exporter, const struct exporter_note *note)
{
    struct store_notes *notes = context;
    enum status st = ST_LIMIT;
    struct error ignored;

    if (fits(note)) {
        (void)pthread_mutex_lock(&notes->lock); /* fails only if we hold it */
        st = put_line(notes, exporter, note, &notes->waiting, &ignored);
        put_said(notes, exporter, note);
        notes->taken_count += st == ST_OK;
        notes->waiting_count += st == ST_OK;
        (void)pthread_mutex_unlock(&notes->lock); /* fails only if we do not hold it */
    }
    metric_add(st == ST_OK ? notes->told : notes->lost, 1);
    if (st == ST_OK)
        return true;
    struct pipeline_note loss = {.code = "store_notes", .reason = "overflow", .count = 1};
    snprintf(loss.destination, sizeof(loss.destination), "%s", exporter);
    loss.from_ns = loss.to_ns = clock_unix_ns();
    pipeline_notes_add(notes->losses, &loss);
    return false;
}

void store_notes_count(void *context, uint64_t *ret_taken, uint64_t *ret_durable)
{
    struct store_notes *notes = context;

    (void)pthread_mutex_lock(&notes->lock); /* as above */
    *ret_taken = notes->taken_count;
    *ret_durable = notes->durable_count;
    (void)pthread_mutex_unlock(&notes->lock); /* as above */
}

/* --- Records: main thread --------------------------------------------------------------------- */

static enum status add_line(struct store_notes *notes, struct slice line, struct error *err)
{
    enum status st = native_intake_add_own(notes->intake, line, clock_unix_ns(), err);

    if (st == ST_INVALID) { /* it would come again for ever */
        log_error("store.note", "error=%s next=\"it is let go\"", LOG_TEXT(err->text));
        metric_add(notes->lost, 1);
        return ST_OK;
    }
    return st;
}

static enum status make_batch(struct store_notes *notes, struct append_batch **ret,
                              struct error *err)
{
    struct slice left = buf_slice(&notes->flying);
    struct append_batch *batch;

    enum status st = append_batch_create(BATCH_SIZE_MAX, &batch, err);
    if (st != ST_OK)
        return st;
    native_intake_use_batch(notes->intake, batch);
    while (st == ST_OK && left.size > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        ASSERT(end != NULL);
        size_t size = (size_t)(end - left.data);
        st = add_line(notes, slice_of(left.data, size), err);
        left = slice_from(left, size + 1);
    }
    if (st != ST_OK) {
        append_batch_destroy(batch);
        return st;
    }
    *ret = batch;
    return ST_OK;
}

static void land(struct store_notes *notes, enum status status)
{
    (void)pthread_mutex_lock(&notes->lock); /* as above */
    if (status == ST_OK) {
        buf_clear(&notes->flying);
        notes->durable_count += notes->flying_count;
        notes->flying_count = 0;
    }
    notes->is_flying = false;
    (void)pthread_cond_signal(&notes->landed);
    (void)pthread_mutex_unlock(&notes->lock);
}

/* journal thread */
static void on_done(void *context, struct append_batch *batch, enum status status,
                    const struct error *err)
{
    (void)err;
    append_batch_destroy(batch);
    land(context, status);
}

/* `lock` is held. */
static void swap(struct buf *a, struct buf *b)
{
    struct buf was = *a;

    *a = *b;
    *b = was;
}

/* `lock` is held.  What flies lands soon: the journal answers everything that it took. */
static void await_landing(struct store_notes *notes)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
    until.tv_sec += LAST_PATIENCE_S;
    while (notes->is_flying &&
           pthread_cond_timedwait(&notes->landed, &notes->lock, &until) != ETIMEDOUT)
        ;
}

/* Moves what waits to what flies; false: there is nothing, or something flies. */
static bool take(struct store_notes *notes, bool is_last)
{
    (void)pthread_mutex_lock(&notes->lock); /* as above */
    if (is_last)
        await_landing(notes);
    if (!notes->is_flying && notes->flying.size == 0) {
        swap(&notes->waiting, &notes->flying);
        notes->flying_count = notes->waiting_count;
        notes->waiting_count = 0;
    }
    bool may = !notes->is_flying && notes->flying.size > 0;
    notes->is_flying = notes->is_flying || may;
    buf_clear(&notes->saying);
    swap(&notes->said, &notes->saying);
    (void)pthread_mutex_unlock(&notes->lock);
    return may;
}

static void say(const struct store_notes *notes)
{
    const char *line = (const char *)notes->saying.data;

    for (size_t at = 0; at < notes->saying.size; at += strlen(line + at) + 1)
        log_event(line[at] == 'w' ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "store.note", "%s",
                  line + at + 1);
}

/* False: the journal did not take them. */
static bool fly(struct store_notes *notes)
{
    struct append_batch *batch;
    struct error err;

    enum status st = make_batch(notes, &batch, &err);
    if (st == ST_OK) {
        st = journal_submit(notes->journal, &batch, on_done, notes, &err);
        if (st != ST_OK)
            append_batch_destroy(batch);
    }
    if (st != ST_OK)
        land(notes, st);
    return st == ST_OK;
}

void store_notes_flush(struct store_notes *notes, uint64_t now_ns, bool is_last)
{
    if (now_ns < notes->not_before_ns && !is_last)
        return;
    bool may = take(notes, is_last);
    say(notes);
    if (!may)
        return;
    if (!fly(notes))
        notes->not_before_ns = now_ns + RETRY_NS;
    else if (is_last && take(notes, true)) /* what waited behind notes that had to fly again */
        (void)fly(notes);                  /* it was the last chance */
}

/* --- Making ----------------------------------------------------------------------------------- */

static void read_boot_id(char out[BOOT_ID_SIZE])
{
    out[0] = 0;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL)
        return;
    if (fgets(out, BOOT_ID_SIZE, file) == NULL)
        out[0] = 0;
    (void)fclose(file); /* only read from */
    out[strcspn(out, "\n")] = 0;
}

static void init_lock(struct store_notes *notes)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&notes->lock, NULL); /* these cannot fail with such attributes */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&notes->landed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

enum status store_notes_create(struct journal *journal, struct pipeline_notes *losses,
                               struct store_notes **ret, struct error *err)
{
    struct store_notes *notes = calloc(1, sizeof(*notes));
    if (notes == NULL)
        return error_set(err, ST_NO_MEMORY, "make room for notes of stores");
    notes->journal = journal;
    notes->losses = losses;
    notes->told = metric_register(METRIC_COUNTER, "telltale_store_notes_total",
                                  "What exporters had to put on record about their stores.", "");
    notes->lost = metric_register(METRIC_COUNTER, "telltale_store_notes_lost_total",
                                  "Of these, what found no room.", "");
    init_lock(notes);
    buf_init(&notes->waiting, QUEUE_SIZE_MAX);
    buf_init(&notes->flying, QUEUE_SIZE_MAX);
    buf_init(&notes->said, SAID_SIZE_MAX);
    buf_init(&notes->saying, SAID_SIZE_MAX);
    read_boot_id(notes->boot_id);
    enum status st = native_intake_create(&otlp_limits_default, &notes->intake, err);
    if (st != ST_OK) {
        store_notes_destroy(notes);
        return st;
    }
    *ret = notes;
    return ST_OK;
}

void store_notes_destroy(struct store_notes *notes)
{
    if (notes == NULL)
        return;
    native_intake_destroy(notes->intake);
    buf_fini(&notes->waiting);
    buf_fini(&notes->flying);
    buf_fini(&notes->said);
    buf_fini(&notes->saying);
    (void)pthread_cond_destroy(&notes->landed); /* nobody waits */
    (void)pthread_mutex_destroy(&notes->lock);  /* nobody holds it */
    free(notes);
}
