/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver.c -- see unix_receiver.h.  Here: starting, accepting, what is looked after once a
 * second, stopping.  Reading is in unix_reading.c. */
#include "receivers/unix_receiver.h"

#include <stdlib.h>
#include <string.h>

#include "receivers/unix_reading.h"
#include "util/clock.h"

#define LINGER_NS (10 * NS_PER_S)

/* --- Once a second, while there is a reason -------------------------------------------------- */

static void record_refusals(struct unix_receiver *receiver)
{
    struct refusal_log *log = &receiver->refusals;
    uint64_t event = 0;
    struct error ignored;
    bool is_new_span;

    if (!refusal_log_begin(log))
        return;
    for (size_t i = 0; i < REFUSAL_SLOTS; i++) {
        if (log->counts[i].count == 0 || !unix_reading_find_batch(receiver) ||
            native_intake_add_refusal(receiver->intake, i, &log->counts[i], clock_unix_ns(),
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

    while (receiver->memory_short_since_ns != 0 && (largest = find_largest(receiver)) != NULL) {
        receiver->memory_short_since_ns = clock_monotonic_ns(); /* the others have their time now */
        line_framer_skip(&largest->framer);
        unix_reading_refuse_line(largest, REFUSAL_OVERLOADED);
        unix_connection_count_memory(largest);
        unix_connection_update_ack(largest);
        unix_reading_settle(largest);
        unix_reading_unpark_for_memory(receiver);
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
            unix_reading_close(connection);
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

    if (receiver->memory_short_since_ns != 0)
        unix_reading_unpark_for_memory(receiver);
    if (receiver->memory_short_since_ns != 0) {
        if (now_ns >= receiver->memory_short_since_ns + receiver->settings.stall_ns)
            relieve_memory(receiver);
        again = true;
    }
    record_refusals(receiver);
    if (again || refusal_log_is_open(&receiver->refusals))
        unix_reading_need_sweep(receiver);
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

static void on_accepted(void *context, int fd, const struct listener *listener,
                        const struct peer *peer)
{
    struct unix_receiver *receiver = context;
    struct unix_connection *connection;
    struct error ignored;

    (void)listener; /* all are alike */
    if (unix_connection_create(fd, peer, receiver->loop, receiver->admission,
                               receiver->settings.limits.record_size_max, &connection,
                               &ignored) != ST_OK) {
        acceptor_leave(receiver->acceptor, peer);
        return;
    }
    connection->receiver = receiver;
    connection->user = fair_queue_join(&receiver->queue, peer->uid);
    connection->index = find_place(receiver);
    connection->generation = receiver->generations[connection->index];
    connection->watch = (struct loop_watch){unix_reading_on_ready, connection, -1};
    receiver->connections[connection->index] = connection;
    receiver->connection_count++;
    metric_add(receiver->metrics.connections, 1);
    metric_set(receiver->metrics.open_connections, receiver->connection_count);
    unix_reading_settle(connection);
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
        .on_span = unix_reading_on_span,
        .on_landed = unix_reading_on_landed,
    };
    struct acceptor_settings acceptor = {
        .loop = receiver->loop,
        .listeners = settings->listeners,
        .listener_count = settings->listener_count,
        .connections_max = settings->connections_max,
        .connections_per_uid_max = settings->connections_per_uid_max,
        .metric_labels = "receiver=\"unix\"",
        .speaks_json = true,
        .context = receiver,
        .on_accepted = on_accepted,
    };

    receiver->input = malloc(UNIX_INPUT_SIZE);
    receiver->connections = calloc(settings->connections_max, sizeof(struct unix_connection *));
    receiver->generations = calloc(settings->connections_max, sizeof(uint32_t));
    if (receiver->input == NULL || receiver->connections == NULL || receiver->generations == NULL)
        return error_set(err, ST_NO_MEMORY, "make room for %u connections",
                         settings->connections_max);
    enum status st = fair_queue_init(&receiver->queue, settings->connections_max, err);
    if (st == ST_OK)
        st = native_intake_create(&settings->limits, &receiver->intake, err);
    if (st == ST_OK)
        native_intake_set_shedding(receiver->intake, settings->shedding);
    if (st == ST_OK && settings->sources != NULL)
        native_intake_tell_source(receiver->intake, &receiver->said);
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
    fair_queue_fini(&receiver->queue);
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
    receiver->end_of_turn =
        (struct loop_message){unix_reading_on_end_of_turn, receiver, NULL, false};
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
        unix_connection_tell(connection, 0, refusal_code(REFUSAL_STOPPING), "the receiver closes");
        unix_reading_settle(connection);
    }
}

static void close_all(struct unix_receiver *receiver)
{
    for (unsigned int i = 0; i < receiver->settings.connections_max; i++) {
        if (receiver->connections[i] != NULL)
            unix_reading_close(receiver->connections[i]);
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
