/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.c -- see acceptor.h.  When the process has no descriptors left, accepting stops for
 * PAUSE_NS: the listening socket would be reported as ready for ever. */
#include "receivers/acceptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "receivers/admission.h"
#include "util/clock.h"

enum { ACCEPTS_PER_TURN = 64 };
#define PAUSE_NS NS_PER_S

struct listening {
    struct acceptor *acceptor;
    struct loop_watch watch;
    const struct listener *listener; /* borrowed */
};

struct acceptor {
    struct acceptor_settings settings;
    struct listening listening[ACCEPTOR_LISTENERS_MAX];
    struct uid_table uids;
    unsigned int connection_count;
    struct loop_timer pause;
    struct metric *refused_total;
    struct metric *refused_per_uid;
};

static void refuse(const struct acceptor *acceptor, int fd, struct metric *counter,
                   const char *message)
{
    char line[192];

    metric_add(counter, 1);
    if (!acceptor->settings.speaks_json) {
        (void)close(fd); /* nothing was read from it */
        return;
    }
    int size =
        snprintf(line, sizeof(line),
                 "{\"error\":{\"code\":\"too_many_connections\",\"message\":\"%s\"}}\n", message);
    ssize_t sent = send(fd, line, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;      /* he is gone already, then */
    (void)close(fd); /* nothing was read from it */
}

/* False: the connection is closed already. */
static bool enter_user(const struct listening *listening, int fd, struct peer *ret)
{
    struct acceptor *acceptor = listening->acceptor;
    struct error ignored;

    if (!listening->listener->is_unix) {
        peer_of_loopback_socket(fd, ret);
        if (ret->attestation == PEER_UNKNOWN)
            return true;
    } else if (peer_of_unix_socket_only_ids(fd, ret, &ignored) != ST_OK) {
        (void)close(fd); /* gone between connect and accept */
        return false;
    }
    if (uid_table_enter(&acceptor->uids, ret->uid))
        return true;
    refuse(acceptor, fd, acceptor->refused_per_uid,
           "this user has as many connections as it may have");
    return false;
}

static void admit(const struct listening *listening, int fd)
{
    struct acceptor *acceptor = listening->acceptor;
    const struct acceptor_settings *settings = &acceptor->settings;
    struct peer peer;

    if (acceptor->connection_count >= settings->connections_max) {
        refuse(acceptor, fd, acceptor->refused_total,
               "this socket has as many connections as it may have");
        return;
    }
    if (!enter_user(listening, fd, &peer))
        return;
    acceptor->connection_count++;
    if (listening->listener->is_unix)
        peer_learn_process(fd, &peer); /* only now: who is refused costs little */
    settings->on_accepted(settings->context, fd, listening->listener, &peer);
}

static void stop_listening(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->settings.listener_count; i++)
        loop_watch_remove(acceptor->settings.loop, &acceptor->listening[i].watch);
}

static void pause_accepting(struct acceptor *acceptor)
{
    stop_listening(acceptor);
    loop_timer_set(acceptor->settings.loop, &acceptor->pause, clock_monotonic_ns() + PAUSE_NS);
}

static void on_listener_ready(void *context, uint32_t events)
{
    const struct listening *listening = context;

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listening->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(listening, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            pause_accepting(listening->acceptor);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return; /* EAGAIN: that was the last */
        }
    }
}

static enum status start_listening(struct acceptor *acceptor, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < acceptor->settings.listener_count && st == ST_OK; i++) {
        struct listening *listening = &acceptor->listening[i];
        st = loop_watch_add(acceptor->settings.loop, &listening->watch, listening->listener->fd,
                            EPOLLIN, err);
    }
    return st;
}

static void on_pause_over(void *context)
{
    struct acceptor *acceptor = context;
    struct error ignored;

    if (start_listening(acceptor, &ignored) != ST_OK)
        pause_accepting(acceptor);
}

static struct metric *register_refused(const struct acceptor *acceptor, const char *reason)
{
    char labels[96];

    snprintf(labels, sizeof(labels), "%s,reason=\"%s\"", acceptor->settings.metric_labels, reason);
    return metric_register(METRIC_COUNTER, "telltale_receiver_refused_connections_total",
                           "Connections that were refused because of a limit.", labels);
}

static void register_metrics(struct acceptor *acceptor)
{
    acceptor->refused_total = register_refused(acceptor, "total");
    acceptor->refused_per_uid = register_refused(acceptor, "per_uid");
}

enum status acceptor_start(const struct acceptor_settings *settings, struct acceptor **ret,
                           struct error *err)
{
    ASSERT(settings->listener_count <= ACCEPTOR_LISTENERS_MAX);
    struct acceptor *acceptor = calloc(1, sizeof(*acceptor));
    if (acceptor == NULL)
        return error_set(err, ST_NO_MEMORY, "make an acceptor");
    acceptor->settings = *settings;
    acceptor->pause = (struct loop_timer){.on_time = on_pause_over, .context = acceptor};
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct listening *listening = &acceptor->listening[i];
        *listening = (struct listening){.acceptor = acceptor, .listener = &settings->listeners[i]};
        listening->watch = (struct loop_watch){on_listener_ready, listening, -1};
    }
    register_metrics(acceptor);
    enum status st = uid_table_init(&acceptor->uids, settings->connections_max,
                                    settings->connections_per_uid_max, err);
    if (st == ST_OK)
        st = start_listening(acceptor, err);
    if (st != ST_OK) {
        acceptor_destroy(acceptor);
        return st;
    }
    *ret = acceptor;
    return ST_OK;
}

void acceptor_leave(struct acceptor *acceptor, const struct peer *peer)
{
    ASSERT(acceptor->connection_count > 0);
    acceptor->connection_count--;
    if (peer->attestation != PEER_UNKNOWN)
        uid_table_leave(&acceptor->uids, peer->uid);
}

void acceptor_close(struct acceptor *acceptor)
{
    stop_listening(acceptor);
    loop_timer_cancel(acceptor->settings.loop, &acceptor->pause);
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    acceptor_close(acceptor);
    uid_table_fini(&acceptor->uids);
    free(acceptor);
}
