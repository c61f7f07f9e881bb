/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline_notes.c -- see pipeline_notes.h.
 *
 *     add ─► waiting ─flush─► flying ─► durable: forgotten
 *                ^               │
 *                '───────────────┴─► not taken: added to those that wait
 */
#include "telltaled/pipeline_notes.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receivers/native_intake.h"
#include "util/clock.h"
#include "util/log.h"
#include "wire/json_member.h"

enum {
    NOTES_MAX = 64,
    LINE_SIZE_MAX = 8192,
    BATCH_SIZE_MAX = 1 << 20,
    SEVERITY_WARN = 13,
    SEVERITY_ERROR = 17,
};

#define PERIOD_NS (5 * NS_PER_S)

struct list {
    struct pipeline_note items[NOTES_MAX];
    size_t count;
};

struct pipeline_notes {
    struct journal *journal; /* borrowed */
    pthread_mutex_t lock;
    /* shared, under lock */
    struct list waiting;
    struct list flying;
    bool is_flying;
    /* main thread */
    struct native_intake *intake; /* owned */
    struct buf line;
    uint64_t not_before_ns; /* monotonic */
};

/* --- Adding up -------------------------------------------------------------------------------- */

static struct pipeline_note *place_of(struct list *list, const struct pipeline_note *note)
{
    for (size_t i = 0; i < list->count; i++) {
        struct pipeline_note *item = &list->items[i];
        if (strcmp(item->code, note->code) == 0 &&
            strcmp(item->destination, note->destination) == 0 && item->pid == note->pid)
            return item;
    }
    if (list->count < NOTES_MAX) {
        struct pipeline_note *item = &list->items[list->count++];
        *item = (struct pipeline_note){.reason = note->reason};
        memcpy(item->code, note->code, sizeof(item->code));
        memcpy(item->destination, note->destination, sizeof(item->destination));
        memcpy(item->executable, note->executable, sizeof(item->executable));
        item->pid = note->pid;
        item->said = note->said;
        return item;
    }
    struct pipeline_note *last = &list->items[NOTES_MAX - 1];
    snprintf(last->code, sizeof(last->code), "several");
    last->destination[0] = 0;
    last->pid = 0;
    return last;
}

static uint64_t smaller_known(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_up(struct list *list, const struct pipeline_note *note)
{
    struct pipeline_note *item = place_of(list, note);

    item->count += note->count;
    item->bytes += note->bytes;
    item->first = smaller_known(item->first, note->first);
    item->last = larger(item->last, note->last);
    item->from_ns = smaller_known(item->from_ns, note->from_ns);
    item->to_ns = larger(item->to_ns, note->to_ns);
}

void pipeline_notes_add(struct pipeline_notes *notes, const struct pipeline_note *note)
{
    (void)pthread_mutex_lock(&notes->lock); /* fails only if we hold it */
    add_up(&notes->waiting, note);
    (void)pthread_mutex_unlock(&notes->lock); /* fails only if we do not hold it */
}

/* --- Records ---------------------------------------------------------------------------------- */

static void put_body(struct json_put *json, const struct pipeline_note *note)
{
    char body[256];

    if (note->pid != 0) {
        snprintf(body, sizeof(body), "%s: process %" PRId64 "%s%s", note->code, note->pid,
                 note->said.product[0] != 0 ? ", " : "", note->said.product);
    } else {
        snprintf(body, sizeof(body), "%s: %" PRIu64 " events%s%s", note->code, note->count,
                 note->destination[0] != 0 ? ", " : "", note->destination);
    }
    json_member_text(json, "body", body);
}

/* The agent that it is about. */
static void put_agent(struct json_put *json, const struct pipeline_note *note)
{
    if (note->pid == 0)
        return;
    json_member_known_uint(json, "process.pid", (uint64_t)note->pid);
    json_member_known_text(json, "process.executable.path", note->executable);
    json_member_known_text(json, "agent.product", note->said.product);
}

static enum status make_line(struct buf *line, const struct pipeline_note *note, struct error *err)
{
    struct json_put json;

    buf_clear(line);
    json_start(&json, line, err);
    json_put(&json, SLICE("{"));
    json_member_text(&json, "kind", "agent.pipeline");
    json_member_uint(&json, "severity", note->pid != 0 ? SEVERITY_WARN : SEVERITY_ERROR);
    json_member_known_text(&json, "session", note->pid != 0 ? note->said.session : "");
    put_body(&json, note);
    json_member_key(&json, "attributes");
    json_put(&json, SLICE("{"));
    json_member_text(&json, "agent.pipeline.reason", note->reason);
    json_member_text(&json, "agent.pipeline.code", note->code);
    if (note->pid == 0)
        json_member_uint(&json, "agent.pipeline.count", note->count);
    json_member_known_text(&json, "agent.pipeline.destination", note->destination);
    json_member_known_uint(&json, "agent.pipeline.bytes", note->bytes);
    json_member_known_uint(&json, "agent.pipeline.first", note->first);
    json_member_known_uint(&json, "agent.pipeline.last", note->last);
    json_member_known_time(&json, "agent.pipeline.from", note->from_ns);
    json_member_known_time(&json, "agent.pipeline.to", note->to_ns);
    put_agent(&json, note);
    json_put(&json, SLICE("}}"));
    return json_finish(&json);
}

static enum status make_batch(struct pipeline_notes *notes, struct append_batch **ret,
                              struct error *err)
{
    struct append_batch *batch;

    enum status st = append_batch_create(BATCH_SIZE_MAX, &batch, err);
    if (st != ST_OK)
        return st;
    native_intake_use_batch(notes->intake, batch);
    for (size_t i = 0; i < notes->flying.count && st == ST_OK; i++) {
        st = make_line(&notes->line, &notes->flying.items[i], err);
        if (st == ST_OK)
            st =
                native_intake_add_own(notes->intake, buf_slice(&notes->line), clock_unix_ns(), err);
    }
    if (st != ST_OK) {
        append_batch_destroy(batch);
        return st;
    }
    *ret = batch;
    return ST_OK;
}

static void land(struct pipeline_notes *notes, enum status status)
{
    (void)pthread_mutex_lock(&notes->lock); /* as above */
    for (size_t i = 0; i < notes->flying.count && status != ST_OK; i++)
        add_up(&notes->waiting, &notes->flying.items[i]);
    notes->flying.count = 0;
    notes->is_flying = false;
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

static void say(const struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pipeline_note *note = &list->items[i];
        if (note->pid != 0) {
            log_warn("pipeline.source", "code=%s pid=%" PRId64 " executable=%s product=%s",
                     note->code, note->pid, LOG_TEXT(note->executable),
                     LOG_TEXT(note->said.product));
            continue;
        }
        log_warn("pipeline.note",
                 "code=%s destination=%s records=%" PRIu64 " bytes=%" PRIu64 " first=%" PRIu64
                 " last=%" PRIu64,
                 note->code, LOG_TEXT(note->destination), note->count, note->bytes, note->first,
                 note->last);
    }
}

/* Moves what waits to what flies; false: there is nothing, or something flies. */
static bool take(struct pipeline_notes *notes)
{
    (void)pthread_mutex_lock(&notes->lock); /* as above */
    bool may = !notes->is_flying && notes->waiting.count > 0;
    if (may) {
        notes->flying = notes->waiting;
        notes->waiting.count = 0;
        notes->is_flying = true;
    }
    (void)pthread_mutex_unlock(&notes->lock);
    return may;
}

void pipeline_notes_flush(struct pipeline_notes *notes, uint64_t now_ns, bool is_last)
{
    struct append_batch *batch;
    struct error err;

    if ((now_ns < notes->not_before_ns && !is_last) || !take(notes))
        return;
    notes->not_before_ns = now_ns + PERIOD_NS;
    say(&notes->flying);
    enum status st = make_batch(notes, &batch, &err);
    if (st == ST_OK) {
        st = journal_submit(notes->journal, &batch, on_done, notes, &err);
        if (st != ST_OK)
            append_batch_destroy(batch);
    }
    if (st != ST_OK)
        land(notes, st);
}

/* --- Making ----------------------------------------------------------------------------------- */

enum status pipeline_notes_create(struct journal *journal, struct pipeline_notes **ret,
                                  struct error *err)
{
    struct pipeline_notes *notes = calloc(1, sizeof(*notes));
    if (notes == NULL)
        return error_set(err, ST_NO_MEMORY, "make room for notes");
    notes->journal = journal;
    (void)pthread_mutex_init(&notes->lock, NULL); /* cannot fail with default attributes */
    buf_init(&notes->line, LINE_SIZE_MAX);
    enum status st = native_intake_create(&otlp_limits_default, &notes->intake, err);
    if (st != ST_OK) {
        pipeline_notes_destroy(notes);
        return st;
    }
    *ret = notes;
    return ST_OK;
}

void pipeline_notes_destroy(struct pipeline_notes *notes)
{
    if (notes == NULL)
        return;
    native_intake_destroy(notes->intake);
    buf_fini(&notes->line);
    (void)pthread_mutex_destroy(&notes->lock); /* nobody holds it */
    free(notes);
}
