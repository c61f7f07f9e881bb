/* SPDX-License-Identifier: Apache-2.0 */
/* unix_reading.c -- see unix_reading.h.
 *
 * All connections are read into one buffer of UNIX_INPUT_SIZE.  Those that are ready stand in a
 * queue (fair_queue.h); at its end a turn of the loop reads from its front, some TURN_BYTES, adds
 * the events to the current batch, and submits it; under load it is submitted earlier, when it has
 * its target size.  A connection with more to read than was read is parked: it stays in the queue,
 * and epoll has nothing to say about it.
 *
 * As many bytes are let in as the disk makes durable in a few milliseconds (flight_limit.h). Beyond
 * that only the light are read, so that nobody waits long behind those who say much.
 *
 * When no batch is free in the middle of a buffer, its rest stays there (`rest`, of `rest_owner`)
 * and reading stops.  When a batch has landed, the rest goes first.
 *
 * An event is handled when it is in a batch or was refused.  What may be acked is what has
 * landed, and refused events up to the next that has not: `landed`, or `handled` when nothing of
 * the connection is in flight.
 *
 * A connection ends when its sender closes, or says something that we cannot go on from.  It
 * stays until its last events have landed and its answers are written, but not for longer than
 * ten seconds after that. */
#include "receivers/unix_reading.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "util/clock.h"

enum {
    SMALL_HOLD_SIZE = 64 * 1024,  /* may be held while memory is short */
    TURN_BYTES = UNIX_INPUT_SIZE, /* are read in a turn, before those who came meanwhile are seen */
    LIGHT_BYTES_MIN = 64,         /* a greeting is less, an event more */
    LIGHT_BYTES_MAX = 16 * 1024,
    SHARED_TURN_BYTES = 4 * 1024, /* the same, while somebody light may come meanwhile */
    READS_PER_TURN = 256,
    NARROW_PERCENT = 150, /* of what the disk takes in its time, for light connections */
    PROTOCOL_VERSION = 1,
};

/* --- The end of a connection -------------------------------------------------------------- */

/* It waits for nothing but to be ready. */
static void unpark(struct unix_connection *connection)
{
    fair_queue_remove(&connection->receiver->queue, connection->user, &connection->flow);
    connection->park = NOT_PARKED;
}

void unix_reading_need_sweep(struct unix_receiver *receiver)
{
    if (!receiver->sweep.armed)
        loop_timer_set(receiver->loop, &receiver->sweep, clock_monotonic_ns() + UNIX_SWEEP_NS);
}

void unix_reading_close(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;

    /* Its last bytes are still to be read: they were received, the sender may rely on them. */
    if (receiver->rest_owner == connection) {
        unix_connection_end(connection);
        return;
    }
    unpark(connection);
    receiver->connections[connection->index] = NULL;
    receiver->generations[connection->index]++;
    receiver->connection_count--;
    metric_set(receiver->metrics.open_connections, receiver->connection_count);
    acceptor_leave(receiver->acceptor, &connection->peer);
    line_framer_fini(&connection->framer);
    unix_connection_count_memory(connection);
    fair_queue_leave(connection->user);
    connection->user = NULL;
    unix_connection_destroy(connection);
}

/* Writes what is to be said, and closes when that was the last. */
void unix_reading_settle(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    struct error err;

    if (unix_connection_answer(connection, &err) != ST_OK) {
        unix_reading_close(connection);
        return;
    }
    if (!connection->ended)
        return;
    if (unix_connection_is_over(connection))
        unix_reading_close(connection);
    else
        unix_reading_need_sweep(receiver);
}

/* --- Acks and errors ---------------------------------------------------------------------- */

/* The event that is `connection->handled` now was refused. */
static void refuse_event(struct unix_connection *connection, uint64_t event, enum refusal refusal,
                         const char *message)
{
    struct unix_receiver *receiver = connection->receiver;

    metric_add(receiver->metrics.refused_records[refusal], 1);
    if (refusal != REFUSAL_SHED)
        refusal_log_add(&receiver->refusals, refusal, 1, clock_unix_ns());
    unix_reading_need_sweep(receiver);
    unix_connection_tell(connection, event, refusal_code(refusal), message);
}

static struct unix_connection *find_connection(const struct unix_receiver *receiver,
                                               const struct flight_span *span)
{
    if (receiver->generations[span->connection] != span->generation)
        return NULL;
    return receiver->connections[span->connection];
}

void unix_reading_on_span(void *context, const struct flight_span *span, enum status status,
                          const struct error *err)
{
    struct unix_receiver *receiver = context;
    enum refusal refusal = refusal_of_journal(status);

    if (receiver->settings.ids != NULL) {
        event_ids_land(receiver->settings.ids, span->connection, span->generation, span->first,
                       span->last, status == ST_OK);
    }
    if (span->connection == FLIGHT_NOBODY) {
        refusal_log_landed(&receiver->refusals, status);
        return;
    }
    struct unix_connection *connection = find_connection(receiver, span);
    if (connection == NULL) {
        if (status != ST_OK)
            metric_add(receiver->metrics.refused_records[refusal], span->last - span->first + 1);
        return;
    }
    ASSERT(connection->spans_pending > 0 && span->last > connection->landed);
    if (status != ST_OK) {
        for (uint64_t event = span->first; event <= span->last; event++)
            refuse_event(connection, event, refusal, err->text);
    }
    connection->spans_pending--;
    connection->landed = span->last;
    unix_connection_update_ack(connection);
    unix_reading_settle(connection);
}

void unix_reading_on_landed(void *context, uint64_t records)
{
    struct unix_receiver *receiver = context;

    metric_add(receiver->metrics.accepted_records, records);
    loop_defer(receiver->loop, &receiver->end_of_turn);
}

/* --- Events ------------------------------------------------------------------------------- */

/* False: no batch is free. */
bool unix_reading_find_batch(struct unix_receiver *receiver)
{
    bool is_new;

    bool want_next = !native_intake_has_room(receiver->intake);
    struct append_batch *batch = flights_current(receiver->flights, want_next, &is_new);
    if (batch == NULL)
        return false;
    if (is_new)
        native_intake_use_batch(receiver->intake, batch);
    return true;
}

static void fail_connection(struct unix_connection *connection, const char *code,
                            const char *message)
{
    connection->answered = true;
    unix_connection_tell(connection, 0, code, message);
    unix_connection_end(connection);
    connection->failed = true;
}

/* True: the first line said how to talk, and is no event. */
static bool take_preamble(struct unix_connection *connection, struct slice line)
{
    struct native_preamble preamble;
    struct error err;

    if (connection->began)
        return false;
    connection->began = true;
    if (native_intake_read_preamble(connection->receiver->intake, line, &preamble, &err) != ST_OK)
        return false;
    if (preamble.version != PROTOCOL_VERSION) {
        fail_connection(connection, "unsupported_version",
                        "this daemon speaks version 1 of the protocol");
        return true;
    }
    connection->wants_acks = preamble.ack;
    connection->answered = preamble.ack;
    return true;
}

static void note_shed(struct unix_receiver *receiver)
{
    enum event_kind kind = native_intake_last(receiver->intake).kind;

    shedding_count(receiver->settings.shedding, kind);
    refusal_log_add_shed(&receiver->refusals, kind, 1, receiver->now_unix_ns);
}

/* There is a batch with room. */
static void take_line(struct unix_connection *connection, struct slice line)
{
    struct unix_receiver *receiver = connection->receiver;
    struct event_id_owner owner = {connection->index, connection->generation, 0};
    struct error err;
    bool is_new_span;

    if (line.size == 0 || take_preamble(connection, line))
        return;
    connection->handled++;
    if (connection->is_over_share) {
        refuse_event(connection, connection->handled, REFUSAL_JOURNAL_FULL,
                     "the journal is nearly full; what is left is for those who send less");
        return;
    }
    native_intake_set_ids(receiver->intake, receiver->settings.ids, connection->peer.uid);
    enum status st = native_intake_add(
        receiver->intake, line, buf_slice(&connection->sender_fields), receiver->now_unix_ns, &err);
    if (st != ST_OK) {
        if (st == ST_AGAIN)
            note_shed(receiver);
        refuse_event(connection, connection->handled, refusal_of_event(st), err.text);
        return;
    }
    if (native_intake_is_duplicate(receiver->intake))
        return; /* the disk has it: that is all that an ack says */
    owner.event = connection->handled;
    native_intake_remember(receiver->intake, &owner);
    flights_note(receiver->flights, connection->index, connection->generation, connection->handled,
                 &is_new_span);
    connection->spans_pending += is_new_span;
    if (connection->is_light)
        flights_hurry(receiver->flights);
}

void unix_reading_refuse_line(struct unix_connection *connection, enum refusal refusal)
{
    char message[96];

    connection->began = true;
    connection->handled++;
    if (refusal == REFUSAL_TOO_LARGE) {
        snprintf(message, sizeof(message), "an event may have %zu bytes",
                 connection->framer.line_max);
    } else {
        snprintf(message, sizeof(message), "memory for events in flight is short");
    }
    refuse_event(connection, connection->handled, refusal, message);
}

/* Events of it were handled, or not. */
static void note_source(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;

    if (receiver->settings.sources == NULL || connection->handled == connection->noted)
        return;
    connection->noted = connection->handled;
    const struct source_id id = source_id_of_peer(&connection->peer);
    source_watch_note(receiver->settings.sources, &id, &receiver->said, clock_monotonic_ns(),
                      receiver->now_unix_ns);
}

/* Takes lines while there is a batch.  False: the rest must wait. */
static bool take_rest(struct unix_receiver *receiver)
{
    struct unix_connection *connection = receiver->rest_owner;
    enum line_step step = LINE_READY;
    struct slice line;

    while (step != LINE_MORE && !connection->failed) {
        if (!unix_reading_find_batch(receiver))
            return false;
        step = line_framer_next(&connection->framer, &receiver->rest, &line);
        if (step == LINE_READY)
            take_line(connection, line);
        else if (step == LINE_TOO_LARGE)
            unix_reading_refuse_line(connection, REFUSAL_TOO_LARGE);
        else if (step == LINE_NO_MEMORY)
            unix_reading_refuse_line(connection, REFUSAL_OVERLOADED);
    }
    receiver->rest_owner = NULL;
    receiver->rest = SLICE_EMPTY;
    note_source(connection);
    unix_connection_count_memory(connection);
    unix_connection_update_ack(connection);
    return true;
}

/* --- Reading ------------------------------------------------------------------------------ */

static void park(struct unix_connection *connection, enum connection_park park_for)
{
    struct error ignored;

    if (connection->park == park_for)
        return;
    connection->park = park_for;
    enum status st = unix_connection_update(connection, &ignored);
    ASSERT(st == ST_OK); /* it is in epoll, and asking for less cannot fail */
    if (park_for == PARKED_FOR_MEMORY) {
        if (connection->receiver->memory_short_since_ns == 0)
            connection->receiver->memory_short_since_ns = clock_monotonic_ns();
        unix_reading_need_sweep(connection->receiver);
    }
}

bool unix_reading_memory_is_short(const struct unix_receiver *receiver)
{
    return admission_used(receiver->admission) >= receiver->admission->limit;
}

/* Its user holds more than half of the memory, and more than is left for the others. */
static bool user_holds_too_much(const struct unix_connection *connection)
{
    const struct admission *admission = connection->admission;
    size_t used = admission_used(admission);
    size_t held = connection->user->held_bytes;
    size_t left = used < admission->limit ? admission->limit - used : 0;

    return held > admission->limit / 2 && held > left && used > held;
}

/* It holds much itself, and others need what is left. */
static bool must_wait_for_memory(const struct unix_connection *connection)
{
    if (connection->hung_up || connection->counted_bytes <= SMALL_HOLD_SIZE)
        return false;
    return (unix_reading_memory_is_short(connection->receiver) ||
            user_holds_too_much(connection)) &&
           admission_used(connection->admission) > connection->counted_bytes;
}

/* Who has said little for a second, an event or some, waits for its acks and not for its turn; it
 * must not wait for the company of those who say much either. */
static void note_light(struct unix_connection *connection, size_t got)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (got > LIGHT_BYTES_MAX || connection->flow.place == FAIR_HEAVY)
        connection->heavy_ns = now_ns;
    connection->is_light = got >= LIGHT_BYTES_MIN && now_ns >= connection->heavy_ns + NS_PER_S;
    if (connection->is_light)
        admission_note_light(connection->admission, now_ns);
}

static size_t turn_bytes(const struct unix_receiver *receiver)
{
    return admission_is_shared(receiver->admission, clock_monotonic_ns()) ? SHARED_TURN_BYTES
                                                                          : TURN_BYTES;
}

static ssize_t read_some(struct unix_connection *connection, size_t size)
{
    ssize_t got;

    do
        got = recv(connection->fd, connection->receiver->input, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got;
}

static void take_end(struct unix_connection *connection)
{
    struct slice line;

    connection->receiver->said = (struct normalized_source){0};
    unix_connection_end(connection);
    enum line_step step = line_framer_end(&connection->framer, &line);
    if (step == LINE_READY)
        take_line(connection, line);
    else if (step == LINE_NO_MEMORY)
        unix_reading_refuse_line(connection, REFUSAL_OVERLOADED);
    note_source(connection);
    line_framer_fini(&connection->framer);
    unix_connection_count_memory(connection);
    unix_connection_update_ack(connection);
}

/* What is left in the socket waits in the queue; what will come is told by epoll. */
static void go_on_later(struct unix_connection *connection, bool has_more)
{
    if (has_more) {
        park(connection, PARKED_FOR_TURN);
        return;
    }
    unpark(connection);
    unix_reading_settle(connection);
}

/* What is refused for it does not count: so it has its share again soon. */
static void update_share(struct unix_connection *connection, size_t more)
{
    const struct unix_receiver *receiver = connection->receiver;
    uint64_t now_ns = clock_monotonic_ns();

    recent_bytes_add(&connection->recent, 0, now_ns);
    connection->is_over_share = recent_bytes_is_too_much(
        &connection->recent, receiver->journal_room, receiver->settings.journal_size_max);
    if (!connection->is_over_share)
        recent_bytes_add(&connection->recent, more, now_ns);
}

/* Reads once.  There is a batch with room for one event. */
static size_t read_connection(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    size_t size = turn_bytes(receiver);
    ssize_t got = read_some(connection, size);

    if (got > 0) {
        update_share(connection, (size_t)got);
        note_light(connection, (size_t)got);
        fair_queue_charge(connection->user, &connection->flow, (size_t)got, clock_monotonic_ns());
        metric_add(receiver->metrics.accepted_bytes, (uint64_t)got);
        receiver->now_unix_ns = clock_unix_ns();
        receiver->said = (struct normalized_source){0};
        receiver->rest_owner = connection;
        receiver->rest = slice_of(receiver->input, (size_t)got);
        if (!take_rest(receiver))
            park(connection, PARKED_FOR_TURN);
        else
            go_on_later(connection, (size_t)got == size && !connection->ended);
        return (size_t)got;
    }
    if (got == 0) {
        receiver->now_unix_ns = clock_unix_ns();
        take_end(connection);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        unix_connection_end(connection); /* reset: a line that was cut is not an event */
    }
    go_on_later(connection, false);
    return 0;
}

/* One that is told to be ready again, and still waits, need not be told a third time. */
static void enqueue(struct unix_connection *connection)
{
    if (connection->flow.place != FAIR_OUT) {
        park(connection, PARKED_FOR_TURN);
        return;
    }
    fair_queue_add(&connection->receiver->queue, connection->user, &connection->flow,
                   clock_monotonic_ns());
}

void unix_reading_on_ready(void *context, uint32_t events)
{
    struct unix_connection *connection = context;
    struct unix_receiver *receiver = connection->receiver;

    loop_defer(receiver->loop, &receiver->end_of_turn);
    if (connection->ended) {
        if (events & (EPOLLHUP | EPOLLERR))
            unix_reading_close(connection); /* nobody is there to read an ack */
        else
            unix_reading_settle(connection);
        return;
    }
    /* What a sender that has ended left in its socket is little, and reading it frees memory. */
    connection->hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (connection->hung_up || (events & EPOLLIN))
        enqueue(connection);
    if (events & EPOLLOUT)
        unix_reading_settle(connection);
}

/* --- The end of a turn --------------------------------------------------------------------- */

/* Who may be read, by what is on its way to the disk already. */
static enum fair_gate find_gate(const struct unix_receiver *receiver)
{
    if (flights_let_in(receiver->flights, 100))
        return FAIR_GATE_OPEN;
    return flights_let_in(receiver->flights, NARROW_PERCENT) ? FAIR_GATE_NARROW : FAIR_GATE_LIGHT;
}

static struct unix_connection *connection_of(struct fair_flow *flow)
{
    return (struct unix_connection *)((char *)flow - offsetof(struct unix_connection, flow));
}

/* Reads as many bytes as a turn may.  True: there is more, and it need not wait. */
static bool read_queued(struct unix_receiver *receiver)
{
    size_t bytes_max = turn_bytes(receiver);
    size_t bytes = 0;

    for (unsigned int reads = 0; reads < READS_PER_TURN; reads++) {
        struct fair_flow *flow = fair_queue_next(&receiver->queue, find_gate(receiver));
        if (flow == NULL || !unix_reading_find_batch(receiver))
            return false;
        if (bytes >= bytes_max)
            return true;
        struct unix_connection *connection = connection_of(flow);
        if (connection->ended) {
            go_on_later(connection, false);
            continue;
        }
        if (must_wait_for_memory(connection)) {
            unpark(connection);
            park(connection, PARKED_FOR_MEMORY);
            continue;
        }
        bytes += read_connection(connection);
        if (receiver->rest_owner != NULL)
            return false;
    }
    return true;
}

/* Those that still have to wait do; when none does, memory is not short any more. */
void unix_reading_unpark_for_memory(struct unix_receiver *receiver)
{
    bool some_wait = false;

    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection == NULL || connection->park != PARKED_FOR_MEMORY)
            continue;
        if (must_wait_for_memory(connection)) {
            some_wait = true;
            continue;
        }
        unpark(connection);
        unix_reading_settle(connection);
    }
    if (!some_wait)
        receiver->memory_short_since_ns = 0;
}

/* How much room there is, once a turn: as much as one likes, where there is nobody to share it with
 * or destinations make more. */
static void look_around(struct unix_receiver *receiver)
{
    uint64_t size_max = receiver->settings.journal_size_max;

    if (receiver->settings.shedding != NULL)
        shedding_update(receiver->settings.shedding);
    receiver->journal_room = UINT64_MAX;
    if (size_max > 0 && receiver->connection_count > 1 &&
        !journal_drops_for_room(receiver->journal)) {
        uint64_t size = journal_size(receiver->journal);
        receiver->journal_room = size < size_max ? size_max - size : 0;
    }
}

void unix_reading_on_end_of_turn(void *context)
{
    struct unix_receiver *receiver = context;
    struct unix_connection *owner = receiver->rest_owner;

    if (owner != NULL) {
        if (!take_rest(receiver))
            return;
        /* More may have come meanwhile: reading tells. */
        go_on_later(owner, !owner->ended);
    }
    look_around(receiver);
    if (read_queued(receiver))
        loop_defer(receiver->loop, &receiver->end_of_turn);
    if (receiver->memory_short_since_ns != 0 && !unix_reading_memory_is_short(receiver))
        unix_reading_unpark_for_memory(receiver);
    flights_flush(receiver->flights);
}
