/* SPDX-License-Identifier: Apache-2.0 */
/* http_connections.c -- see http_connections.h. */
#include "receivers/http_connections.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "receivers/sender.h"
#include "util/clock.h"

static const char refused_answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                     "Content-Type: text/plain; charset=utf-8\r\n"
                                     "Content-Length: 21\r\n"
                                     "Retry-After: 1\r\n"
                                     "Connection: close\r\n"
                                     "\r\n"
                                     "too many connections\n";

enum status http_connections_init(const struct http_connections_settings *settings,
                                  struct http_connections *ret, struct error *err)
{
    const char *help = "Connections that were refused because of a limit.";

    *ret = (struct http_connections){.settings = *settings};
    (void)pthread_mutex_init(&ret->lock, NULL); /* does not fail on Linux */
    ret->refused_total =
        metric_register(METRIC_COUNTER, "telltale_receiver_refused_connections_total", help,
                        "receiver=\"otlp_http\",reason=\"total\"");
    ret->refused_per_uid =
        metric_register(METRIC_COUNTER, "telltale_receiver_refused_connections_total", help,
                        "receiver=\"otlp_http\",reason=\"per_uid\"");
    return http_users_init(&ret->users, settings->listener_count * settings->connections_max,
                           settings->connections_per_uid_max, err);
}

void http_connections_fini(struct http_connections *connections)
{
    http_users_fini(&connections->users);
    (void)pthread_mutex_destroy(&connections->lock);
}

static void identify(int fd, bool is_unix, struct peer *ret)
{
    struct error ignored;

    if (!is_unix)
        peer_of_loopback_socket(fd, ret);
    else if (peer_of_unix_socket_only_ids(fd, ret, &ignored) != ST_OK)
        *ret = (struct peer){.attestation = PEER_UNKNOWN};
}

/* NULL: too many.  Under lock. */
static struct http_user *enter(struct http_connections *connections, uid_t uid,
                               size_t *listener_open)
{
    if (*listener_open >= connections->settings.connections_max) {
        metric_add(connections->refused_total, 1);
        return NULL;
    }
    struct http_user *user = http_users_enter(&connections->users, uid, clock_monotonic_ns());
    if (user == NULL) {
        metric_add(connections->refused_per_uid, 1);
        return NULL;
    }
    ++*listener_open;
    connections->open++;
    metric_set(connections->settings.metrics->open_connections, connections->open);
    metric_add(connections->settings.metrics->connections, 1);
    return user;
}

static void shut(int fd)
{
    (void)shutdown(fd, SHUT_RDWR); /* he is gone already, then */
}

static void refuse(int fd)
{
    ssize_t sent =
        send(fd, refused_answer, sizeof(refused_answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)sent; /* he is gone already, then */
    shut(fd);
}

static bool write_sender(struct http_connection *connection, const struct peer *peer)
{
    struct error ignored;

    buf_init(&connection->sender_fields, SENDER_FIELDS_MAX);
    return sender_append_fields(peer, &connection->sender_fields, &ignored) == ST_OK;
}

struct http_connection *http_connection_open(struct http_connections *connections, int fd,
                                             const struct listener *listener, size_t *listener_open)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    struct peer peer;

    if (connection == NULL) {
        shut(fd);
        return NULL;
    }
    identify(fd, listener->is_unix, &peer);
    uid_t uid = peer.attestation == PEER_UNKNOWN ? HTTP_USER_UNKNOWN : peer.uid;
    connection->listener_open = listener_open;
    connection->recent.since_ns = clock_monotonic_ns();
    (void)pthread_mutex_lock(&connections->lock);
    connection->user = enter(connections, uid, listener_open);
    (void)pthread_mutex_unlock(&connections->lock);
    if (connection->user == NULL) {
        refuse(fd);
        return connection;
    }
    peer_learn_process(fd, &peer); /* only now: who is refused costs little */
    connection->source = source_id_of_peer(&peer);
    connection->is_trusted =
        trusted_senders_include(&connections->settings.trusted, listener, &peer);
    if (peer.attestation == PEER_UNKNOWN)
        peer_address_of_socket(fd, &connection->address);
    if (write_sender(connection, &peer))
        return connection;
    http_connection_close(connections, connection);
    shut(fd);
    return NULL;
}

void http_connection_close(struct http_connections *connections, struct http_connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->user != NULL) {
        (void)pthread_mutex_lock(&connections->lock);
        http_users_leave(connection->user);
        --*connection->listener_open;
        connections->open--;
        metric_set(connections->settings.metrics->open_connections, connections->open);
        (void)pthread_mutex_unlock(&connections->lock);
    }
    buf_fini(&connection->sender_fields);
    free(connection);
}

bool http_connection_may_send(struct http_connections *connections,
                              struct http_connection *connection, uint64_t bytes)
{
    const struct http_connections_settings *settings = &connections->settings;
    uint64_t size_max = settings->journal_size_max;
    uint64_t now_ns = clock_monotonic_ns();

    if (size_max == 0)
        return true;
    uint64_t size = journal_size(settings->journal);
    bool drops = journal_drops_for_room(settings->journal);
    bool is_shared = admission_is_shared(settings->admission, now_ns);
    (void)pthread_mutex_lock(&connections->lock);
    /* Without others there is nobody to leave room for, as far as is known. */
    bool has_others = connections->open > 1 || is_shared;
    recent_bytes_add(&connection->recent, 0, now_ns);
    recent_bytes_add(&connection->user->recent, 0, now_ns);
    bool may = drops || !has_others ||
               !http_user_is_over_share(connection->user, &connection->recent,
                                        size < size_max ? size_max - size : 0, size_max);
    if (may) {
        recent_bytes_add(&connection->recent, bytes, now_ns);
        recent_bytes_add(&connection->user->recent, bytes, now_ns);
    }
    (void)pthread_mutex_unlock(&connections->lock);
    return may;
}
