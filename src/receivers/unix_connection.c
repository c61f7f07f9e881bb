/* SPDX-License-Identifier: Apache-2.0 */
/* unix_connection.c -- see unix_connection.h. */
#include "receivers/unix_connection.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "receivers/sender.h"
#include "util/clock.h"

enum status unix_connection_create(int fd, const struct peer *peer, struct loop *loop,
                                   struct admission *admission, size_t event_size_max,
                                   struct unix_connection **ret, struct error *err)
{
    struct unix_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        (void)close(fd); /* nothing was read from it */
        return error_set(err, ST_NO_MEMORY, "make a connection");
    }
    connection->fd = fd;
    connection->watch.fd = -1;
    connection->loop = loop;
    connection->admission = admission;
    line_framer_init(&connection->framer, event_size_max);
    answers_init(&connection->answers);
    buf_init(&connection->sender_fields, SENDER_FIELDS_MAX);
    connection->peer = *peer;
    connection->dropped_answers = metric_register(
        METRIC_COUNTER, "telltale_receiver_dropped_answers_total",
        "Errors that were not told to a sender that does not read.", "receiver=\"unix\"");
    enum status st = sender_append_fields(peer, &connection->sender_fields, err);
    if (st != ST_OK) {
        unix_connection_destroy(connection);
        return st;
    }
    *ret = connection;
    return ST_OK;
}

void unix_connection_destroy(struct unix_connection *connection)
{
    loop_watch_remove(connection->loop, &connection->watch);
    line_framer_fini(&connection->framer);
    unix_connection_count_memory(connection);
    answers_fini(&connection->answers);
    buf_fini(&connection->sender_fields);
    (void)close(connection->fd); /* what was written is with the kernel */
    free(connection);
}

static uint32_t wanted_interest(const struct unix_connection *connection)
{
    uint32_t wanted = 0;

    if (connection->park == PARKED_FOR_MEMORY)
        return EPOLLRDHUP;
    if (!connection->ended)
        wanted |= EPOLLIN;
    if (connection->wants_write)
        wanted |= EPOLLOUT;
    return wanted;
}

enum status unix_connection_update(struct unix_connection *connection, struct error *err)
{
    uint32_t wanted = wanted_interest(connection);
    enum status st;

    if (connection->park == PARKED_FOR_TURN) {
        loop_watch_remove(connection->loop, &connection->watch);
        return ST_OK;
    }
    if (connection->watch.fd < 0)
        st = loop_watch_add(connection->loop, &connection->watch, connection->fd, wanted, err);
    else if (wanted != connection->interest)
        st = loop_watch_change(connection->loop, &connection->watch, wanted, err);
    else
        return ST_OK;
    connection->interest = wanted;
    return st;
}

void unix_connection_count_memory(struct unix_connection *connection)
{
    size_t now = connection->framer.partial.capacity;

    if (now > connection->counted_bytes)
        admission_force(connection->admission, now - connection->counted_bytes);
    else if (now < connection->counted_bytes)
        admission_give(connection->admission, connection->counted_bytes - now);
    if (connection->user != NULL)
        connection->user->held_bytes += now - connection->counted_bytes;
    connection->counted_bytes = now;
}

void unix_connection_end(struct unix_connection *connection)
{
    if (connection->ended)
        return;
    connection->ended = true;
    connection->ended_ns = clock_monotonic_ns();
}

void unix_connection_update_ack(struct unix_connection *connection)
{
    if (connection->spans_pending == 0)
        connection->landed = connection->handled;
    if (connection->wants_acks)
        answers_ack(&connection->answers, connection->landed);
}

void unix_connection_tell(struct unix_connection *connection, uint64_t event, const char *code,
                          const char *message)
{
    if (connection->answered && !answers_error(&connection->answers, event, code, message))
        metric_add(connection->dropped_answers, 1);
}

enum status unix_connection_answer(struct unix_connection *connection, struct error *err)
{
    enum status st = answers_write(&connection->answers, connection->fd, err);

    connection->wants_write = st == ST_AGAIN || st == ST_NO_MEMORY;
    return st == ST_IO ? st : unix_connection_update(connection, err);
}

bool unix_connection_is_over(const struct unix_connection *connection)
{
    return connection->ended && connection->spans_pending == 0 && !connection->wants_write;
}
