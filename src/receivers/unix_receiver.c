/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver.c -- see unix_receiver.h.
 *
 * All connections are read into one buffer of INPUT_SIZE.  A turn of the loop reads each ready
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
 * LINGER_NS after that. */
#include "receivers/unix_receiver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "receivers/flights.h"
#include "receivers/native_intake.h"
#include "receivers/refusal.h"
#include "receivers/refusal_log.h"
#include "receivers/unix_connection.h"
#include "util/clock.h"

enum {
    INPUT_SIZE = 256 * 1024,
    SMALL_READ_SIZE = 64 * 1024, /* what is read, and may be held, while memory is short */
    PROTOCOL_VERSION = 1,
};
#define SWEEP_NS  NS_PER_S
#define LINGER_NS (10 * NS_PER_S)

struct unix_receiver {
    struct unix_receiver_settings settings;
    struct loop *loop; /* borrowed, as are the next two */
    struct journal *journal;
    struct admission *admission;
    struct flights *flights;
    struct native_intake *intake;
    struct receiver_metrics metrics;
    struct acceptor *acceptor;

    struct unix_connection **connections; /* connections_max places; NULL: free */
    uint32_t *generations;                /* of each place */
    unsigned int connection_count;
    unsigned int parked_count;

    uint8_t *input; /* INPUT_SIZE */
    struct slice rest;
    struct unix_connection *rest_owner; /* NULL: there is no rest */
    uint64_t now_unix_ns;               /* of the present turn */

    struct refusal_log refusals;
    uint64_t memory_short_since_ns; /* 0: nobody is parked for it */
    struct loop_message end_of_turn;
    struct loop_timer sweep;
};

/* --- The end of a connection -------------------------------------------------------------- */

static void unpark(struct unix_receiver *receiver, struct unix_connection *connection)
{
    if (connection->park == NOT_PARKED)
        return;
    connection->park = NOT_PARKED;
    receiver->parked_count--;
}

static void need_sweep(struct unix_receiver *receiver)
{
    if (!receiver->sweep.armed)
        loop_timer_set(receiver->loop, &receiver->sweep, clock_monotonic_ns() + SWEEP_NS);
}

static void close_connection(struct unix_connection *connection)
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
static void settle(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    struct error err;

    if (unix_connection_answer(connection, &err) != ST_OK) {
        close_connection(connection);
        return;
    }
    if (!connection->ended)
        return;
    if (unix_connection_is_over(connection))
        close_connection(connection);
    else
        need_sweep(receiver);
}

/* --- Acks and errors ---------------------------------------------------------------------- */

/* The event that is `connection->handled` now was refused. */
static void refuse_event(struct unix_connection *connection, uint64_t event, enum refusal refusal,
                         const char *message)
{
    struct unix_receiver *receiver = connection->receiver;

    metric_add(receiver->metrics.refused_records[refusal], 1);
    refusal_log_add(&receiver->refusals, refusal, 1);
    need_sweep(receiver);
    unix_connection_tell(connection, event, refusal_code(refusal), message);
}

static struct unix_connection *find_connection(const struct unix_receiver *receiver,
                                               const struct flight_span *span)
{
    if (receiver->generations[span->connection] != span->generation)
        return NULL;
    return receiver->connections[span->connection];
}

static void on_span(void *context, const struct flight_span *span, enum status status,
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
    settle(connection);
}

static void on_landed(void *context, uint64_t records)
{
    struct unix_receiver *receiver = context;

    metric_add(receiver->metrics.accepted_records, records);
    loop_defer(receiver->loop, &receiver->end_of_turn);
}

/* --- Events ------------------------------------------------------------------------------- */

/* False: no batch is free. */
static bool find_batch(struct unix_receiver *receiver)
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

static void refuse_unread_line(struct unix_connection *connection, enum refusal refusal)
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
        if (!find_batch(receiver))
            return false;
        step = line_framer_next(&connection->framer, &receiver->rest, &line);
        if (step == LINE_READY)
            take_line(connection, line);
        else if (step == LINE_TOO_LARGE)
            refuse_unread_line(connection, REFUSAL_TOO_LARGE);
        else if (step == LINE_NO_MEMORY)
            refuse_unread_line(connection, REFUSAL_OVERLOADED);
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
        need_sweep(connection->receiver);
    }
}

static bool memory_is_short(const struct unix_receiver *receiver)
{
    return admission_used(receiver->admission) >= receiver->admission->limit;
}

/* It holds much itself, and others need what is left. */
static bool must_wait_for_memory(const struct unix_connection *connection)
{
    return connection->counted_bytes > SMALL_READ_SIZE && memory_is_short(connection->receiver) &&
           admission_used(connection->admission) > connection->counted_bytes;
}

static ssize_t read_some(struct unix_connection *connection)
{
    struct unix_receiver *receiver = connection->receiver;
    size_t size = memory_is_short(receiver) ? SMALL_READ_SIZE : INPUT_SIZE;
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
        refuse_unread_line(connection, REFUSAL_OVERLOADED);
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
    settle(connection);
}

static void on_connection_ready(void *context, uint32_t events)
{
    struct unix_connection *connection = context;
    struct unix_receiver *receiver = connection->receiver;

    loop_defer(receiver->loop, &receiver->end_of_turn);
    if (connection->ended) {
        if (events & (EPOLLHUP | EPOLLERR))
            close_connection(connection); /* nobody is there to read an ack */
        else
            settle(connection);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
        settle(connection);
        return;
    }
    /* What a sender that has ended left in its socket is little, and reading it frees memory. */
    bool sender_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (receiver->rest_owner != NULL || !find_batch(receiver)) {
        park(connection, PARKED_FOR_JOURNAL);
    } else if (!sender_ended && must_wait_for_memory(connection)) {
        park(connection, PARKED_FOR_MEMORY);
    } else {
        unpark(receiver, connection);
        read_connection(connection);
    }
}

/* --- The end of a turn --------------------------------------------------------------------- */

static void unpark_all(struct unix_receiver *receiver, enum connection_park which)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection == NULL || connection->park != which)
            continue;
        unpark(receiver, connection);
        settle(connection);
    }
}

static void on_end_of_turn(void *context)
{
    struct unix_receiver *receiver = context;
    struct unix_connection *owner = receiver->rest_owner;

    if (owner != NULL) {
        if (!take_rest(receiver))
            return;
        unpark(receiver, owner);
        settle(owner);
    }
    if (receiver->parked_count > 0 && find_batch(receiver))
        unpark_all(receiver, PARKED_FOR_JOURNAL);
    if (receiver->memory_short_since_ns != 0 && !memory_is_short(receiver)) {
        receiver->memory_short_since_ns = 0;
        unpark_all(receiver, PARKED_FOR_MEMORY);
    }
    flights_flush(receiver->flights);
}

/* --- Once a second, while there is a reason -------------------------------------------------- */

static void record_refusals(struct unix_receiver *receiver)
{
    struct refusal_log *log = &receiver->refusals;
    uint64_t event = 0;
    struct error ignored;
    bool is_new_span;

    if (!refusal_log_begin(log))
        return;
    for (enum refusal i = 0; i < REFUSAL_COUNT; i++) {
        if (log->counts[i] == 0 || !find_batch(receiver) ||
            native_intake_add_refusal(receiver->intake, i, log->counts[i], clock_unix_ns(),
                                      &ignored) != ST_OK)
            continue; /* it stays for the next time */
        refusal_log_take(log, i);
        flights_note(receiver->flights, FLIGHT_NOBODY, 0, ++event, &is_new_span);
        if (is_new_span)
            refusal_log_expect_landing(log);
    }
}

static struct unix_connection *find_largest(const struct unix_receiver *receiver)
{
    struct unix_connection *largest = NULL;

    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection != NULL && connection != receiver->rest_owner &&
            line_framer_held(&connection->framer) > 0 &&
            (largest == NULL || connection->counted_bytes > largest->counted_bytes))
            largest = connection;
    }
    return largest;
}

/* Memory has been short for long: the largest unfinished events are given up, as few as it takes,
 * so that the others can finish theirs.  Their senders may as well never finish them. */
static void relieve_memory(struct unix_receiver *receiver)
{
    struct unix_connection *largest;

    while (memory_is_short(receiver) && (largest = find_largest(receiver)) != NULL) {
        line_framer_skip(&largest->framer);
        refuse_unread_line(largest, REFUSAL_OVERLOADED);
        unix_connection_count_memory(largest);
        unix_connection_update_ack(largest);
        settle(largest);
    }
}

static bool close_lingering(struct unix_receiver *receiver, uint64_t now_ns)
{
    bool some_are_left = false;

    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection == NULL || !connection->ended)
            continue;
        if (connection->spans_pending == 0 && now_ns >= connection->ended_ns + LINGER_NS)
            close_connection(connection);
        else
            some_are_left = true;
    }
    return some_are_left;
}

static void on_sweep(void *context)
{
    struct unix_receiver *receiver = context;
    uint64_t now_ns = clock_monotonic_ns();
    bool again = close_lingering(receiver, now_ns);

    if (receiver->memory_short_since_ns != 0) {
        if (now_ns >= receiver->memory_short_since_ns + receiver->settings.stall_ns)
            relieve_memory(receiver);
        again = true;
    }
    record_refusals(receiver);
    if (again || refusal_log_is_open(&receiver->refusals))
        need_sweep(receiver);
    loop_defer(receiver->loop, &receiver->end_of_turn);
}

/* --- Starting and stopping ------------------------------------------------------------------- */

static unsigned int find_place(const struct unix_receiver *receiver)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        if (receiver->connections[i] == NULL)
            return i;
    }
    ASSERT(!"the acceptor lets in more than there are places");
    return 0;
}

static void on_accepted(void *context, int fd, const struct peer *peer)
{
    struct unix_receiver *receiver = context;
    struct unix_connection *connection;
    struct error ignored;

    if (unix_connection_create(fd, peer, receiver->loop, receiver->admission,
                               receiver->settings.limits.record_size_max, &connection,
                               &ignored) != ST_OK) {
        acceptor_leave(receiver->acceptor, peer->uid);
        return;
    }
    connection->receiver = receiver;
    connection->index = find_place(receiver);
    connection->generation = receiver->generations[connection->index];
    connection->watch = (struct loop_watch){on_connection_ready, connection, -1};
    receiver->connections[connection->index] = connection;
    receiver->connection_count++;
    metric_add(receiver->metrics.connections, 1);
    metric_set(receiver->metrics.open_connections, receiver->connection_count);
    settle(connection);
}

static enum status create_parts(struct unix_receiver *receiver, struct error *err)
{
    const struct unix_receiver_settings *settings = &receiver->settings;
    struct flights_settings flights = {
        .loop = receiver->loop,
        .journal = receiver->journal,
        .admission = receiver->admission,
        .batch_size_target = settings->batch_size_target,
        .event_size_max = settings->limits.record_size_max,
        .context = receiver,
        .on_span = on_span,
        .on_landed = on_landed,
    };
    struct acceptor_settings acceptor = {
        .loop = receiver->loop,
        .listeners = settings->listeners,
        .listener_count = settings->listener_count,
        .connections_max = settings->connections_max,
        .connections_per_uid_max = settings->connections_per_uid_max,
        .context = receiver,
        .on_accepted = on_accepted,
    };

    receiver->input = malloc(INPUT_SIZE);
    receiver->connections = calloc(settings->connections_max, sizeof(struct unix_connection *));
    receiver->generations = calloc(settings->connections_max, sizeof(uint32_t));
    if (receiver->input == NULL || receiver->connections == NULL || receiver->generations == NULL)
        return error_set(err, ST_NO_MEMORY, "make room for %u connections",
                         settings->connections_max);
    enum status st = native_intake_create(&settings->limits, &receiver->intake, err);
    if (st == ST_OK)
        st = flights_create(&flights, &receiver->flights, err);
    if (st == ST_OK)
        st = acceptor_start(&acceptor, &receiver->acceptor, err);
    return st;
}

static void destroy(struct unix_receiver *receiver)
{
    loop_timer_cancel(receiver->loop, &receiver->sweep);
    loop_message_cancel(receiver->loop, &receiver->end_of_turn);
    acceptor_destroy(receiver->acceptor);
    flights_destroy(receiver->flights);
    native_intake_destroy(receiver->intake);
    free(receiver->input);
    free(receiver->connections);
    free(receiver->generations);
    free(receiver);
}

enum status unix_receiver_start(const struct unix_receiver_settings *settings, struct loop *loop,
                                struct journal *journal, struct admission *admission,
                                struct unix_receiver **ret, struct error *err)
{
    ASSERT(settings->connections_max > 0);
    struct unix_receiver *receiver = calloc(1, sizeof(*receiver));
    if (receiver == NULL)
        return error_set(err, ST_NO_MEMORY, "make a receiver");
    receiver->settings = *settings;
    if (receiver->settings.batch_size_target == 0)
        receiver->settings.batch_size_target = UNIX_BATCH_SIZE_TARGET;
    if (receiver->settings.stall_ns == 0)
        receiver->settings.stall_ns = UNIX_STALL_NS;
    receiver->loop = loop;
    receiver->journal = journal;
    receiver->admission = admission;
    receiver->end_of_turn = (struct loop_message){on_end_of_turn, receiver, NULL, false};
    receiver->sweep = (struct loop_timer){.on_time = on_sweep, .context = receiver};
    receiver_metrics_register(&receiver->metrics, "receiver=\"unix\"");
    enum status st = create_parts(receiver, err);
    if (st != ST_OK) {
        destroy(receiver);
        return error_context(err, "start the receiver of native events");
    }
    *ret = receiver;
    return ST_OK;
}

static void end_all(struct unix_receiver *receiver)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        struct unix_connection *connection = receiver->connections[i];
        if (connection == NULL)
            continue;
        unix_connection_end(connection);
        unix_connection_tell(connection, 0, refusal_code(REFUSAL_STOPPING), "the daemon stops");
        settle(connection);
    }
}

static void close_all(struct unix_receiver *receiver)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        if (receiver->connections[i] != NULL)
            close_connection(receiver->connections[i]);
    }
}

void unix_receiver_stop(struct unix_receiver *receiver)
{
    struct error ignored;

    if (receiver == NULL)
        return;
    acceptor_close(receiver->acceptor);
    end_all(receiver);
    uint64_t deadline_ns = clock_monotonic_ns() + LINGER_NS;
    while (receiver->rest_owner != NULL || !flights_idle(receiver->flights)) {
        uint64_t now_ns = clock_monotonic_ns();
        if (now_ns >= deadline_ns)
            flights_give_up(receiver->flights);
        loop_defer(receiver->loop, &receiver->end_of_turn);
        if (loop_run_once(receiver->loop, now_ns, &ignored) == ST_OK &&
            !flights_idle(receiver->flights) &&
            loop_run_once(receiver->loop, now_ns + 10 * NS_PER_MS, &ignored) != ST_OK)
            continue; /* the journal has what is ours: nothing helps but to wait for it */
    }
    close_all(receiver);
    destroy(receiver);
}

unsigned int unix_receiver_connections(const struct unix_receiver *receiver)
{
    return receiver->connection_count;
}
