/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_connection.c -- see otlp_grpc_parts.h.
 *
 *     loop: accepted --arrived--> SERVING --end--> ENDING --last tag--> loop: ended
 *                                    ^                                      |
 *                   hung_up, idle, stop                 freed <--gone-- farewell
 *
 * The farewell goes through the mail, behind a hang-up that may be there still.
 *
 * Each accepted connection has a grpc_server of its own on the common completion queue.  A common
 * server would name a call's connection by its descriptor ("fd:7"), and a descriptor that is closed
 * belongs to the next who connects: a call still under way would be taken for one of his.
 *
 * The library owns the descriptor that it is given and tells nobody when it closes it.  It shuts
 * the socket down first, so a duplicate of ours in the loop sees the hang-up, as it does when the
 * other side goes.  TLS needs the library's own ports; who connects there is not seen before his
 * call. */
#include "receivers/otlp_grpc_parts.h"

#include <fcntl.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "receivers/sender.h"
#include "util/clock.h"

enum {
    METADATA_SIZE_MAX = 16 * 1024, /* the headers of a call */
    HANDSHAKE_TIME_MS = 10 * 1000,
    ARGS_MAX = 20,
};

/* --- The library's settings --------------------------------------------------------------------
 */

struct arg_list {
    grpc_arg items[ARGS_MAX];
    size_t count;
};

static void put_number(struct arg_list *list, const char *key, uint64_t value)
{
    ASSERT(list->count < ARGS_MAX);
    list->items[list->count++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER,
                   .key = (char *)key, /* it is only copied */
                   .value.integer = value > INT32_MAX ? INT32_MAX : (int)value};
}

static void put_time(struct arg_list *list, const char *key, uint64_t time_ns)
{
    put_number(list, key, time_ns / NS_PER_MS);
}

static void fill_args(struct arg_list *list, const struct otlp_grpc_receiver *receiver, bool is_tls)
{
    const struct otlp_grpc_settings *settings = &receiver->settings;

    /* Inflated by the library a message could become as large as it likes. */
    put_number(list, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    /* It would be checked when the message is whole, and its sender told no more than by us. */
    put_number(list, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, INT32_MAX);
    put_number(list, GRPC_ARG_MAX_METADATA_SIZE, METADATA_SIZE_MAX);
    put_number(list, GRPC_ARG_MAX_CONCURRENT_STREAMS, settings->streams_max);
    put_number(list, GRPC_ARG_HTTP2_BDP_PROBE, 0); /* windows stay small */
    put_time(list, GRPC_ARG_KEEPALIVE_TIME_MS, settings->keepalive_time_ns);
    put_time(list, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, settings->keepalive_timeout_ns);
    put_number(list, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    put_time(list, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
             settings->ping_interval_min_ns);
    put_number(list, GRPC_ARG_ENABLE_CHANNELZ, 0);
    put_number(list, GRPC_ARG_ALLOW_REUSEPORT, 0); /* the address is taken: that must be an error */
    if (is_tls) {
        put_number(list, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIME_MS);
        put_time(list, GRPC_ARG_MAX_CONNECTION_IDLE_MS, settings->idle_max_ns);
    }
    ASSERT(list->count < ARGS_MAX);
    list->items[list->count++] =
        (grpc_arg){.type = GRPC_ARG_POINTER,
                   .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
                   .value.pointer = {receiver->quota, grpc_resource_quota_arg_vtable()}};
}

/* --- Calls -------------------------------------------------------------------------------------
 */

static void request_call(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;

    grpc_call_details_init(&connection->details);
    grpc_metadata_array_init(&connection->metadata);
    connection->pending++;
    grpc_call_error refused = grpc_server_request_call(
        connection->server, &connection->call, &connection->details, &connection->metadata,
        receiver->cq, receiver->cq, &connection->requested);
    ASSERT(refused == GRPC_CALL_OK); /* its arguments are right */
}

static void on_requested(void *owner, bool ok)
{
    struct grpc_connection *connection = owner;

    if (ok)
        otlp_grpc_call_begin(connection);
    grpc_call_details_destroy(&connection->details);
    grpc_metadata_array_destroy(&connection->metadata);
    if (ok && !connection->ending)
        request_call(connection);
    otlp_grpc_connection_leave(connection);
}

/* --- The end ------------------------------------------------------------------------------------
 */

static void on_shut_down(void *owner, bool ok)
{
    (void)ok;
    otlp_grpc_connection_leave(owner);
}

void otlp_grpc_connection_end(struct grpc_connection *connection, bool cut)
{
    if (!connection->ending) {
        connection->ending = true;
        connection->pending++;
        grpc_server_shutdown_and_notify(connection->server, connection->receiver->cq,
                                        &connection->shut_down);
    }
    if (cut) /* and what is idle; a second time does no harm */
        grpc_server_cancel_all_calls(connection->server);
}

static void unlink_connection(struct grpc_connection *connection)
{
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connection->receiver->connections = connection->next;
}

/* From here on it is the loop's. */
static void give_back(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;

    if (!connection->is_tls)
        metric_set(receiver->metrics.open_connections,
                   request_flow_count_connection(&receiver->flow, false));
    loop_post(receiver->loop, &connection->ended);
}

void otlp_grpc_connection_leave(struct grpc_connection *connection)
{
    ASSERT(connection->pending > 0);
    if (--connection->pending > 0)
        return;
    ASSERT(connection->ending);
    grpc_server_destroy(connection->server);
    connection->server = NULL;
    unlink_connection(connection);
    give_back(connection);
}

static void on_hung_up(void *owner)
{
    struct grpc_connection *connection = owner;

    if (connection->server != NULL)
        otlp_grpc_connection_end(connection, true);
}

void otlp_grpc_sweep_connections(struct otlp_grpc_receiver *receiver, uint64_t now_ns)
{
    for (struct grpc_connection *at = receiver->connections; at != NULL; at = at->next) {
        bool is_quiet = at->call_count == 0 && !at->is_tls && !at->ending;
        if (!is_quiet || now_ns < at->quiet_since_ns + receiver->settings.idle_max_ns)
            continue;
        metric_add(receiver->idle_connections, 1);
        otlp_grpc_connection_end(at, true);
    }
}

/* --- The beginning ------------------------------------------------------------------------------
 */

static void make_server(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;
    struct arg_list list = {.count = 0};

    fill_args(&list, receiver, connection->is_tls);
    const grpc_channel_args args = {list.count, list.items};
    connection->server = grpc_server_create(&args, NULL);
    grpc_server_register_completion_queue(connection->server, receiver->cq, NULL);
    connection->requested = (struct grpc_tag){on_requested, connection};
    connection->shut_down = (struct grpc_tag){on_shut_down, connection};
    connection->quiet_since_ns = clock_monotonic_ns();
}

static void serve(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;

    connection->next = receiver->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    receiver->connections = connection;
    if (!connection->is_tls)
        metric_set(receiver->metrics.open_connections,
                   request_flow_count_connection(&receiver->flow, true));
    grpc_server_start(connection->server);
    request_call(connection);
}

static void on_arrived(void *owner)
{
    struct grpc_connection *connection = owner;
    struct otlp_grpc_receiver *receiver = connection->receiver;

    metric_add(receiver->metrics.connections, 1);
    make_server(connection);
    serve(connection);
    grpc_server_add_channel_from_fd(connection->server, connection->fd, receiver->insecure);
    connection->fd = -1;
    if (receiver->stopping)
        otlp_grpc_connection_end(connection, false);
}

/* --- The loop's part ----------------------------------------------------------------------------
 */

static void unlink_of_loop(struct grpc_connection *connection)
{
    if (connection->next_of_loop != NULL)
        connection->next_of_loop->previous_of_loop = connection->previous_of_loop;
    if (connection->previous_of_loop != NULL)
        connection->previous_of_loop->next_of_loop = connection->next_of_loop;
    else
        connection->receiver->first_of_loop = connection->next_of_loop;
}

static void free_connection(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;

    ASSERT(connection->server == NULL);
    loop_watch_remove(receiver->loop, &connection->watch);
    loop_message_cancel(receiver->loop, &connection->ended);
    loop_message_cancel(receiver->loop, &connection->gone);
    if (connection->watched_fd >= 0)
        (void)close(connection->watched_fd); /* the library has shut it down */
    if (connection->fd >= 0)
        (void)close(connection->fd); /* nothing was read from it */
    if (!connection->is_tls)
        acceptor_leave(receiver->acceptor, &connection->peer);
    unlink_of_loop(connection);
    buf_fini(&connection->sender);
    free(connection);
}

static void on_gone(void *owner)
{
    free_connection(owner);
}

static void on_ended(void *owner)
{
    struct grpc_connection *connection = owner;

    loop_watch_remove(connection->receiver->loop, &connection->watch); /* no more hang-ups */
    otlp_grpc_post(connection->receiver, &connection->farewell);
}

/* the receiver's thread */
static void on_farewell(void *owner)
{
    struct grpc_connection *connection = owner;

    loop_post(connection->receiver->loop, &connection->gone);
}

/* Only hang-ups and errors are watched for. */
static void on_socket_over(void *owner, uint32_t events)
{
    struct grpc_connection *connection = owner;

    (void)events;
    loop_watch_remove(connection->receiver->loop, &connection->watch);
    otlp_grpc_post(connection->receiver, &connection->hung_up);
}

static struct grpc_connection *new_connection(struct otlp_grpc_receiver *receiver,
                                              const struct peer *peer)
{
    struct grpc_connection *connection = calloc(1, sizeof(*connection));
    struct error ignored;

    if (connection == NULL)
        return NULL;
    connection->receiver = receiver;
    connection->watched_fd = connection->fd = -1;
    connection->watch = (struct loop_watch){on_socket_over, connection, -1};
    connection->ended = (struct loop_message){.on_message = on_ended, .context = connection};
    connection->gone = (struct loop_message){.on_message = on_gone, .context = connection};
    connection->farewell = (struct grpc_mail){.on_mail = on_farewell, .owner = connection};
    connection->arrived = (struct grpc_mail){.on_mail = on_arrived, .owner = connection};
    connection->hung_up = (struct grpc_mail){.on_mail = on_hung_up, .owner = connection};
    if (peer != NULL)
        connection->peer = *peer;
    connection->source = source_id_of_peer(&connection->peer);
    buf_init(&connection->sender, SENDER_FIELDS_MAX);
    if (sender_append_fields(peer, &connection->sender, &ignored) != ST_OK) {
        buf_fini(&connection->sender);
        free(connection);
        return NULL;
    }
    connection->next_of_loop = receiver->first_of_loop;
    if (connection->next_of_loop != NULL)
        connection->next_of_loop->previous_of_loop = connection;
    receiver->first_of_loop = connection;
    return connection;
}

void otlp_grpc_on_accepted(void *context, int fd, const struct listener *listener,
                           const struct peer *peer)
{
    struct otlp_grpc_receiver *receiver = context;
    struct grpc_connection *connection = new_connection(receiver, peer);
    const int one = 1;
    struct error ignored;

    if (connection == NULL) {
        (void)close(fd); /* nothing was read from it */
        acceptor_leave(receiver->acceptor, peer);
        return;
    }
    if (peer->attestation == PEER_UNKNOWN)
        peer_address_of_socket(fd, &connection->address);
    connection->is_trusted = trusted_senders_include(&receiver->settings.trusted, listener, peer);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* answers are small */
    connection->watched_fd = fd;
    connection->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (connection->fd < 0 || loop_watch_add(receiver->loop, &connection->watch,
                                             connection->watched_fd, 0, &ignored) != ST_OK) {
        free_connection(connection); /* the process has no descriptors left */
        return;
    }
    otlp_grpc_post(receiver, &connection->arrived);
}

void otlp_grpc_close_connections(struct otlp_grpc_receiver *receiver)
{
    struct grpc_connection *next;

    for (struct grpc_connection *at = receiver->first_of_loop; at != NULL; at = next) {
        next = at->next_of_loop;
        free_connection(at);
    }
}

enum status otlp_grpc_listen_tls(struct otlp_grpc_receiver *receiver, const char *address,
                                 bool is_trusted, grpc_server_credentials *credentials,
                                 struct error *err)
{
    struct grpc_connection *connection = new_connection(receiver, NULL);

    if (connection == NULL)
        return error_set(err, ST_NO_MEMORY, "listen on %s", address);
    connection->is_tls = true;
    connection->is_trusted = is_trusted;
    make_server(connection);
    if (grpc_server_add_http2_port(connection->server, address, credentials) == 0) {
        grpc_server_destroy(connection->server);
        connection->server = NULL;
        return error_set(err, ST_AGAIN,
                         "listen on %s: another process has this port, or it is not an address of "
                         "this machine",
                         address);
    }
    serve(connection);
    return ST_OK;
}
