/* SPDX-License-Identifier: Apache-2.0 */
/* flights.c -- see flights.h.
 *
 * A ring: `head` is the oldest flight that has not landed, `filling` the one that is being
 * filled.
 *
 *     FREE --> FILLING --submit--> FLYING --done--> LANDED --told, in order--> FREE
 *                 |                                   ^
 *                 +----- the journal refused it ------+
 *
 * A submit that the journal answers with ST_AGAIN leaves the flight FILLING; it is tried again
 * when another flight lands, and after RETRY_NS, for the journal's queue may be full of other
 * receivers' batches. */
#include "receivers/flights.h"

#include <stdlib.h>

#include "metrics/metrics.h"
#include "receivers/flight_limit.h"
#include "util/clock.h"

enum {
    SPANS_MAX = 4096,
    LIMIT_MIN = 32 * 1024, /* bytes in flight while somebody light waits, on the slowest disk */
};
#define RETRY_NS          (5 * NS_PER_MS)
#define RECORD_GROWTH_MAX (UINT64_C(2) * 1024 * 1024) /* normalization, framing, group */

enum flight_state { FLIGHT_FREE, FLIGHT_FILLING, FLIGHT_FLYING, FLIGHT_LANDED };

struct flight {
    struct flights *flights;
    struct append_batch *batch; /* owned, but by the journal while FLYING */
    enum flight_state state;
    struct flight_span *spans; /* owned, SPANS_MAX of them */
    size_t span_count;
    size_t counted_bytes; /* in the admission */
    struct loop_message landed;
    /* journal thread until the message is received, then loop thread */
    uint64_t landed_ns;
    struct append_batch *returned;
    enum status status;
    struct error err;
};

struct flights {
    struct flights_settings settings;
    struct flight flights[FLIGHTS_MAX];
    unsigned int head; /* oldest that is not free */
    unsigned int used; /* from head on; the last of them may be FILLING */
    struct loop_timer retry;
    struct loop_message refused; /* a batch landed without having flown */
    struct flight_limit limit;
    size_t flying_bytes; /* the journal has them */
    struct metric *limit_metric;
    bool held_back; /* somebody, by the limit, since the last landing */
    bool giving_up;
};

static struct flight *flight_at(struct flights *flights, unsigned int offset)
{
    return &flights->flights[(flights->head + offset) % FLIGHTS_MAX];
}

/* The one that is being filled, or NULL. */
static struct flight *filling(struct flights *flights)
{
    if (flights->used == 0)
        return NULL;
    struct flight *last = flight_at(flights, flights->used - 1);
    return last->state == FLIGHT_FILLING ? last : NULL;
}

static bool is_full(const struct flights *flights, const struct flight *flight)
{
    return append_batch_size(flight->batch) >= flights->settings.batch_size_target ||
           flight->span_count >= SPANS_MAX;
}

/* --- Landing ----------------------------------------------------------------------------- */

static uint64_t tell_spans(struct flights *flights, struct flight *flight)
{
    const struct flights_settings *settings = &flights->settings;
    uint64_t records = flight->status == ST_OK ? append_batch_count(flight->batch) : 0;

    for (size_t i = 0; i < flight->span_count; i++)
        settings->on_span(settings->context, &flight->spans[i], flight->status, &flight->err);
    admission_give(settings->admission, flight->counted_bytes);
    flight->counted_bytes = 0;
    flight->span_count = 0;
    append_batch_reset(flight->batch);
    flight->state = FLIGHT_FREE;
    return records;
}

static void tell_landed(void *context)
{
    struct flights *flights = context;
    uint64_t records = 0;
    bool any = false;

    while (flights->used > 0 && flight_at(flights, 0)->state == FLIGHT_LANDED) {
        struct flight *flight = flight_at(flights, 0);
        records += tell_spans(flights, flight);
        flights->head = (flights->head + 1) % FLIGHTS_MAX;
        flights->used--;
        any = true;
    }
    if (any)
        flights->settings.on_landed(flights->settings.context, records);
}

static void on_landed_message(void *context)
{
    struct flight *flight = context;

    struct flights *flights = flight->flights;

    ASSERT(flight->state == FLIGHT_FLYING);
    flight->batch = flight->returned;
    flight->returned = NULL;
    flight->state = FLIGHT_LANDED;
    flights->flying_bytes -= flight->counted_bytes;
    const struct commit_facts commit = append_batch_commit(flight->batch);
    const struct flight_landing landing = {
        .bytes = commit.bytes,
        .begun_ns = commit.begun_ns,
        .landed_ns = flight->landed_ns,
        .held_back = flights->held_back,
        .is_shared = admission_is_shared(flights->settings.admission, flight->landed_ns),
    };
    flight_limit_note(&flights->limit, &landing);
    flights->held_back = false;
    metric_set(flights->limit_metric, flights->limit.limit);
    tell_landed(flights);
}

/* journal thread */
static void on_done(void *context, struct append_batch *batch, enum status status,
                    const struct error *err)
{
    struct flight *flight = context;

    flight->returned = batch;
    flight->status = status;
    flight->landed_ns = clock_monotonic_ns();
    if (status != ST_OK)
        flight->err = *err;
    loop_post(flight->flights->settings.loop, &flight->landed);
}

/* --- Submitting --------------------------------------------------------------------------- */

static void submit(struct flights *flights)
{
    struct flight *flight = filling(flights);
    struct error err;

    if (flight == NULL || append_batch_count(flight->batch) == 0)
        return;
    size_t size = append_batch_size(flight->batch);
    flight->state = FLIGHT_FLYING;
    enum status st =
        journal_submit(flights->settings.journal, &flight->batch, on_done, flight, &err);
    if (st == ST_AGAIN && !flights->giving_up) {
        flight->state = FLIGHT_FILLING;
        loop_timer_set(flights->settings.loop, &flights->retry, clock_monotonic_ns() + RETRY_NS);
        return;
    }
    if (st == ST_OK) {
        /* `flight` itself is the journal's now, but for this. */
        flight->counted_bytes = size;
        flights->flying_bytes += size;
        admission_force(flights->settings.admission, size);
        return;
    }
    flight->state = FLIGHT_LANDED;
    flight->status = st;
    flight->err = err;
    loop_defer(flights->settings.loop, &flights->refused);
}

void flights_flush(struct flights *flights)
{
    struct flight *flight = filling(flights);

    if (flight != NULL && (flights->used < FLIGHTS_MAX - 1 || is_full(flights, flight) ||
                           append_batch_is_urgent(flight->batch)))
        submit(flights);
}

static void on_retry(void *context)
{
    struct flights *flights = context;
    unsigned int before = flights->used;

    submit(flights);
    /* A place is free again although nothing landed: the reader may wait for just that. */
    if (filling(flights) == NULL && before < FLIGHTS_MAX)
        flights->settings.on_landed(flights->settings.context, 0);
}

struct append_batch *flights_current(struct flights *flights, bool want_next, bool *ret_is_new)
{
    struct flight *flight = filling(flights);

    *ret_is_new = false;
    if (flight != NULL && (want_next || is_full(flights, flight))) {
        submit(flights);
        if (filling(flights) != NULL)
            return NULL; /* the journal cannot take it now */
        flight = NULL;
    }
    if (flight == NULL) {
        if (flights->used == FLIGHTS_MAX)
            return NULL;
        flight = flight_at(flights, flights->used);
        ASSERT(flight->state == FLIGHT_FREE);
        flight->state = FLIGHT_FILLING;
        flights->used++;
        *ret_is_new = true;
    }
    return flight->batch;
}

void flights_note(struct flights *flights, uint32_t connection, uint32_t generation, uint64_t event,
                  bool *ret_is_new_span)
{
    struct flight *flight = filling(flights);

    ASSERT(flight != NULL);
    *ret_is_new_span = false;
    if (flight->span_count > 0) {
        struct flight_span *last = &flight->spans[flight->span_count - 1];
        if (last->connection == connection && last->generation == generation &&
            last->last + 1 == event) {
            last->last = event;
            return;
        }
    }
    ASSERT(flight->span_count < SPANS_MAX);
    flight->spans[flight->span_count++] =
        (struct flight_span){connection, generation, event, event};
    *ret_is_new_span = true;
}

void flights_hurry(struct flights *flights)
{
    append_batch_set_urgent(filling(flights)->batch);
}

bool flights_let_in(struct flights *flights, unsigned int percent)
{
    const struct flight *flight = filling(flights);
    size_t target = flights->settings.batch_size_target;
    size_t filled = flight != NULL ? append_batch_size(flight->batch) : 0;
    bool is_shared = admission_is_shared(flights->settings.admission, clock_monotonic_ns());
    size_t limit = flight_limit_bytes(&flights->limit, is_shared);
    size_t more = target / 2; /* reading stops within a piece now and then */
    /* Bytes that still have a place, the last batch's end being kept for the light. */
    size_t room = (FLIGHTS_MAX - flights->used) * target + (flight != NULL ? target : 0);
    bool may = flights->flying_bytes + filled < limit / 100 * percent && filled + more <= room;

    flights->held_back |= !may;
    return may;
}

bool flights_idle(const struct flights *flights)
{
    if (flights->used == 0)
        return true;
    const struct flight *head = &flights->flights[flights->head];
    return flights->used == 1 && head->state == FLIGHT_FILLING &&
           append_batch_count(head->batch) == 0;
}

void flights_give_up(struct flights *flights)
{
    flights->giving_up = true;
    submit(flights);
}

/* --- Making ------------------------------------------------------------------------------ */

enum status flights_create(const struct flights_settings *settings, struct flights **ret,
                           struct error *err)
{
    struct flights *flights = calloc(1, sizeof(*flights));
    enum status st = ST_OK;

    if (flights == NULL)
        return error_set(err, ST_NO_MEMORY, "make the batches of a receiver");
    flights->settings = *settings;
    flights->refused = (struct loop_message){.on_message = tell_landed, .context = flights};
    flight_limit_init(&flights->limit, LIMIT_MIN, FLIGHTS_MAX * settings->batch_size_target);
    flights->limit_metric = metric_register(
        METRIC_GAUGE, "telltale_receiver_in_flight_limit_bytes",
        "Bytes that may be on their way to the disk, as many as it takes in its time.",
        "receiver=\"unix\"");
    flights->retry = (struct loop_timer){.on_time = on_retry, .context = flights};
    /* What was read of the largest event may be there twice: its record, and its original. */
    size_t size_limit =
        settings->batch_size_target + 2 * settings->event_size_max + RECORD_GROWTH_MAX;
    for (size_t i = 0; i < FLIGHTS_MAX && st == ST_OK; i++) {
        struct flight *flight = &flights->flights[i];
        flight->flights = flights;
        flight->landed = (struct loop_message){.on_message = on_landed_message, .context = flight};
        flight->spans = calloc(SPANS_MAX, sizeof(*flight->spans));
        if (flight->spans == NULL)
            st = error_set(err, ST_NO_MEMORY, "make a list of %d spans", SPANS_MAX);
        if (st == ST_OK)
            st = append_batch_create(size_limit, &flight->batch, err);
    }
    if (st != ST_OK) {
        flights_destroy(flights);
        return st;
    }
    *ret = flights;
    return ST_OK;
}

void flights_destroy(struct flights *flights)
{
    if (flights == NULL)
        return;
    ASSERT(flights_idle(flights));
    loop_timer_cancel(flights->settings.loop, &flights->retry);
    loop_message_cancel(flights->settings.loop, &flights->refused);
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        append_batch_destroy(flights->flights[i].batch);
        free(flights->flights[i].spans);
    }
    free(flights);
}
