/* SPDX-License-Identifier: Apache-2.0 */
/* unix_reading.c -- see unix_reading.h.
 *
 * All connections are read into one buffer of UNIX_INPUT_SIZE.  A turn of the loop reads each ready
 * connection once, adds the events of all of them to the current batch, and submits it at its
 * end; under load it is submitted earlier, when it has its target size.
 *
 * When no batch is free in the middle of a buffer, its rest stays there (`rest`, of `rest_owner`)
 * and reading stops: every connection that becomes ready is parked.  When a batch has landed, the
 * rest goes first, then all are unparked.
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
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "util/clock.h"

enum {
    SMALL_READ_SIZE = 64 * 1024, /* what is read, and may be held, while memory is short */
    PROTOCOL_VERSION = 1,
};

/* --- The end of a connection -------------------------------------------------------------- */

static void unpark(struct unix_receiver *receiver, struct unix_connection *connection)
{
    if (connection->park == NOT_PARKED)
        return;
    connection->park = NOT_PARKED;
    receiver->parked_count--;
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
    unpark(receiver, connection);
    receiver->connections[connection->index] = NULL;
    receiver->generations[connection->index]++;
    receiver->connection_count--;
    metric_set(receiver->metrics.open_connections, receiver->connection_count);
    acceptor_leave(receiver->acceptor, connection->peer.uid);
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
    refusal_log_add(&receiver->refusals, refusal, 1);
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

/* There is a batch with room. */
static void take_line(struct unix_connection *connection, struct slice line)
{
    struct unix_receiver *receiver = connection->receiver;
    struct error err;
    bool is_new_span;

    if (line.size == 0 || take_preamble(connection, line))
        return;
    connection->handled++;
    enum status st = native_intake_add(
        receiver->intake, line, buf_slice(&connection->sender_fields), receiver->now_unix_ns, &err);
    if (st != ST_OK) {
        refuse_event(connection, connection->handled, refusal_of_event(st), err.text);
        return;
    }
    flights_note(receiver->flights, connection->index, connection->generation, connection->handled,
                 &is_new_span);
    connection->spans_pending += is_new_span;
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
    unix_connection_count_memory(connection);
    unix_connection_update_ack(connection);
    return true;
}

/* --- Reading ------------------------------------------------------------------------------ */

static void park(struct unix_connection *connection, enum connection_park park_for)
{
    struct error ignored;

    if (connection->park == NOT_PARKED)
        connection->receiver->parked_count++;
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

/* It holds much itself, and others need what is left. */
static bool must_wait_for_memory(const struct unix_connection *connection)
{
    return connection->counted_bytes > SMALL_READ_SIZE &&
           unix_reading_memory_is_short(connection->receiver) &&
           admission_used(connection->admission) > connection->counted_bytes;
}

static ssize_t read_some(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    size_t size = unix_reading_memory_is_short(receiver) ? SMALL_READ_SIZE : UNIX_INPUT_SIZE;
    ssize_t got;

    do
        got = recv(connection->fd, receiver->input, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got;
}

static void take_end(struct unix_connection *connection)
{
    struct slice line;

    unix_connection_end(connection);
    enum line_step step = line_framer_end(&connection->framer, &line);
    if (step == LINE_READY)
        take_line(connection, line);
    else if (step == LINE_NO_MEMORY)
        unix_reading_refuse_line(connection, REFUSAL_OVERLOADED);
    line_framer_fini(&connection->framer);
    unix_connection_count_memory(connection);
    unix_connection_update_ack(connection);
}

/* There is a batch with room for one event. */
static void read_connection(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    ssize_t got = read_some(connection);

    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    receiver->now_unix_ns = clock_unix_ns();
    if (got > 0) {
        metric_add(receiver->metrics.accepted_bytes, (uint64_t)got);
        receiver->rest_owner = connection;
        receiver->rest = slice_of(receiver->input, (size_t)got);
        if (!take_rest(receiver)) {
            park(connection, PARKED_FOR_JOURNAL);
            return;
        }
    } else if (got == 0) {
        take_end(connection);
    } else {
        unix_connection_end(connection); /* reset: a line that was cut is not an event */
    }
    unix_reading_settle(connection);
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
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
        unix_reading_settle(connection);
        return;
    }
    /* What a sender that has ended left in its socket is little, and reading it frees memory. */
    bool sender_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (receiver->rest_owner != NULL || !unix_reading_find_batch(receiver)) {
        park(connection, PARKED_FOR_JOURNAL);
    } else if (!sender_ended && must_wait_for_memory(connection)) {
        park(connection, PARKED_FOR_MEMORY);
    } else {
        unpark(receiver, connection);
        read_connection(connection);
    }
}

/* --- The end of a turn --------------------------------------------------------------------- */

static void unpark_for_journal(struct unix_receiver *receiver)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection == NULL || connection->park != PARKED_FOR_JOURNAL)
            continue;
        unpark(receiver, connection);
        unix_reading_settle(connection);
    }
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
        unpark(receiver, connection);
        unix_reading_settle(connection);
    }
    if (!some_wait)
        receiver->memory_short_since_ns = 0;
}

void unix_reading_on_end_of_turn(void *context)
{
    struct unix_receiver *receiver = context;
    struct unix_connection *owner = receiver->rest_owner;

    if (owner != NULL) {
        if (!take_rest(receiver))
            return;
        unpark(receiver, owner);
        unix_reading_settle(owner);
    }
    if (receiver->parked_count > 0 && unix_reading_find_batch(receiver))
        unpark_for_journal(receiver);
    if (receiver->memory_short_since_ns != 0 && !unix_reading_memory_is_short(receiver))
        unix_reading_unpark_for_memory(receiver);
    flights_flush(receiver->flights);
}
