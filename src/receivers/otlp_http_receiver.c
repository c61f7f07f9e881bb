/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_receiver.c -- see otlp_http_receiver.h.
 *
 *     RECEIVING --whole--> (decode, fill a batch) --its turn--> IN_JOURNAL --done--> ANSWERING
 *                                  |    ^                          |                     ^
 *                    others before |    | its turn                 | refused             |
 *                                  v    |                          v                     |
 *                                 WAITING <---- queue is full ----- ---------------------+
 *
 * While IN_JOURNAL or WAITING the connection is suspended.  Before a batch is submitted its
 * connection is suspended already, for the journal may be done before journal_submit() returns;
 * the library allows resuming at any time.
 *
 * Agents do not send again what is refused, so a full queue is waited for as long as something
 * of ours is on its way out of it.  Of all requests together as many bytes are in the journal as it
 * makes durable in a few milliseconds (flight_limit.h); the others wait in the order in which they
 * came, one of each connection. */
#include "receivers/otlp_http_receiver.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "receivers/http_connections.h"
#include "receivers/http_reply.h"
#include "receivers/otlp_http_metrics.h"
#include "receivers/otlp_intake.h"
#include "receivers/refusal_recorder.h"
#include "receivers/request_turns.h"
#include "util/clock.h"

enum {
    CONNECTION_MEMORY = 32 * 1024, /* headers, and one read of a body */
    BATCH_FACTOR = 2,              /* of the decoded size: what normalization adds */
    BATCH_SIZE_MAX = 1 << 30,      /* what a batch can address */
    STOP_WAIT_S = 5,
};

struct server {
    struct otlp_http_receiver *receiver;
    struct MHD_Daemon *daemon;
    bool is_unix;
    size_t open_connections; /* under the lock of `connections` */
    /* the library's thread */
    struct otlp_intake *intake;
    struct refusal_recorder refusals;
    struct body_list bodies;
};

enum exchange_state { RECEIVING, IN_JOURNAL, WAITING, ANSWERING };

/* One request and its answer. */
struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    struct http_connection *sender; /* borrowed: it outlives its requests */
    struct http_request request;
    struct append_batch *batch; /* owned, but by the journal while IN_JOURNAL */
    struct request_turn turn;   /* its bytes are in the admission; under the receiver's lock */
    struct otlp_intake_result result;
    bool carries_refusals; /* agent.pipeline records are in the batch */
    /* the library's thread, but the journal's while IN_JOURNAL */
    enum exchange_state state;
    enum status journal_status;
};

struct otlp_http_receiver {
    struct otlp_http_settings settings;
    struct journal *journal;     /* borrowed */
    struct admission *admission; /* borrowed */
    struct server servers[OTLP_HTTP_LISTENERS_MAX];
    struct otlp_http_metrics metrics;
    struct http_connections connections;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* shared, under lock */
    size_t open_exchanges;
    struct request_turns turns;
    bool stopping;
};

/* --- Answering ---------------------------------------------------------------------------- */

static enum MHD_Result answer(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct receiver_metrics *metrics = &exchange->server->receiver->metrics.receiver;

    append_batch_destroy(exchange->batch); /* it may be large, and the sender slow to read */
    exchange->batch = NULL;
    metric_add(metrics->requests, 1);
    if (http_reply_status(request) != MHD_HTTP_OK)
        metric_add(metrics->failed_requests, 1);
    return http_reply_send(exchange->connection, request, &exchange->result);
}

/* --- The journal --------------------------------------------------------------------------- */

static void fail_for_journal(struct exchange *exchange, enum status status, const char *text)
{
    struct http_request *request = &exchange->request;
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    enum refusal refusal = refusal_of_journal(status);

    metric_add(receiver->metrics.receiver.refused_records[refusal], exchange->result.accepted);
    if (request->verdict.http_status != 0)
        return; /* it was to be refused anyway */
    request->verdict.retry_after_s = refusal == REFUSAL_JOURNAL_FULL ? 30 : 1;
    http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, text);
}

static struct exchange *exchange_of(struct request_turn *turn)
{
    return (struct exchange *)((char *)turn - offsetof(struct exchange, turn));
}

static void resume(struct request_turn *turn)
{
    MHD_resume_connection(exchange_of(turn)->connection);
}

/* Under lock. */
static void leave_journal(struct otlp_http_receiver *receiver, struct request_turn *turn)
{
    request_turns_leave(&receiver->turns, turn);
    (void)pthread_cond_broadcast(&receiver->changed);
}

/* Who waits is counted as long, for its memory is there. */
static void count_batch(struct exchange *exchange)
{
    if (exchange->turn.bytes > 0)
        return;
    exchange->turn.bytes = append_batch_size(exchange->batch);
    admission_force(exchange->server->receiver->admission, exchange->turn.bytes);
}

/* Under lock: nothing of it is in the journal, or will be. */
static void forget_batch(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;

    leave_journal(receiver, &exchange->turn);
    admission_give(receiver->admission, exchange->turn.bytes);
    exchange->turn.bytes = 0;
}

/* journal thread */
static void on_done(void *context, struct append_batch *batch, enum status status,
                    const struct error *err)
{
    struct exchange *exchange = context;
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    uint64_t now_ns = clock_monotonic_ns();

    exchange->batch = batch;
    exchange->journal_status = status;
    if (status == ST_OK)
        metric_add(receiver->metrics.receiver.accepted_records, exchange->result.accepted);
    else
        fail_for_journal(exchange, status, err->text);
    exchange->state = ANSWERING;
    (void)pthread_mutex_lock(&receiver->lock);
    request_turns_landed(&receiver->turns, append_batch_commit(batch),
                         admission_is_shared(receiver->admission, now_ns), now_ns);
    forget_batch(exchange);
    MHD_resume_connection(exchange->connection); /* it is the other thread's from here on */
    (void)pthread_mutex_unlock(&receiver->lock);
}

/* False: it waits, and may be resumed already. */
static bool enter_journal(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;

    (void)pthread_mutex_lock(&receiver->lock);
    exchange->state = WAITING;
    bool may = request_turns_enter(&receiver->turns, &exchange->turn);
    if (may)
        exchange->state = IN_JOURNAL;
    (void)pthread_mutex_unlock(&receiver->lock);
    if (!may)
        metric_add(receiver->metrics.waited_requests, 1);
    return may;
}

/* The journal has refused the batch.  True: it waits, and may be resumed already. */
static bool wait_for_journal(struct exchange *exchange, enum status status)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;

    if (status != ST_AGAIN)
        return false;
    (void)pthread_mutex_lock(&receiver->lock);
    exchange->state = WAITING;
    bool waits = request_turns_wait(&receiver->turns, &exchange->turn);
    (void)pthread_cond_broadcast(&receiver->changed);
    (void)pthread_mutex_unlock(&receiver->lock);
    if (waits)
        metric_add(receiver->metrics.waited_requests, 1);
    return waits;
}

static enum status try_journal(struct exchange *exchange, struct error *err)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;

    (void)pthread_mutex_lock(&receiver->lock);
    bool stopping = receiver->stopping;
    (void)pthread_mutex_unlock(&receiver->lock);
    if (stopping)
        return error_set(err, ST_STOPPING, "the daemon stops");
    if (append_batch_size(exchange->batch) <= FLIGHT_LIMIT_SMALL)
        append_batch_set_urgent(exchange->batch);
    return journal_submit(receiver->journal, &exchange->batch, on_done, exchange, err);
}

static enum MHD_Result submit(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct error err;

    count_batch(exchange);
    MHD_suspend_connection(exchange->connection);
    if (!enter_journal(exchange))
        return MHD_YES;
    enum status st = try_journal(exchange, &err);
    if (st == ST_OK || wait_for_journal(exchange, st))
        return MHD_YES; /* the exchange is the journal's now, or may be resumed already */
    (void)pthread_mutex_lock(&receiver->lock);
    forget_batch(exchange);
    (void)pthread_mutex_unlock(&receiver->lock);
    fail_for_journal(exchange, st, err.text);
    exchange->state = ANSWERING;
    MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

/* --- A whole request ------------------------------------------------------------------------ */

static enum status make_batch(struct exchange *exchange, struct error *err)
{
    const struct otlp_http_settings *settings = &exchange->server->receiver->settings;
    size_t size_max =
        BATCH_FACTOR * settings->request_limits.decoded_size_max + settings->limits.record_size_max;

    if (size_max > BATCH_SIZE_MAX)
        size_max = BATCH_SIZE_MAX;
    return append_batch_create(size_max, &exchange->batch, err);
}

static enum status fill_batch(struct exchange *exchange, struct slice protobuf, struct error *err)
{
    const struct otlp_intake_input input = {
        .signal = exchange->request.signal,
        .request = protobuf,
        .sender_fields = buf_slice(&exchange->sender->sender_fields),
        .transport = exchange->request.encoding == OTLP_JSON ? TRANSPORT_OTLP_HTTP_JSON
                                                             : TRANSPORT_OTLP_HTTP_PROTOBUF,
        .now_unix_ns = clock_unix_ns(),
        .sources = exchange->server->receiver->settings.sources,
        .source = &exchange->sender->source,
    };

    enum status st = make_batch(exchange, err);
    if (st != ST_OK)
        return st;
    return otlp_intake_add(exchange->server->intake, &input, exchange->batch, &exchange->result,
                           err);
}

static void convert(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct http_request *request = &exchange->request;
    struct http_decoded decoded;
    struct error err;

    http_decoded_init(&decoded, request->limits);
    if (http_request_decode(request, &receiver->settings.limits, &decoded) == ST_OK) {
        enum status st = fill_batch(exchange, decoded.request, &err);
        if (st == ST_CORRUPT || st == ST_LIMIT) {
            http_request_fail(request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT, err.text);
        } else if (st != ST_OK) {
            request->verdict.retry_after_s = 1;
            http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, err.text);
        }
    }
    http_decoded_fini(&decoded);
    http_request_drop_body(request);
}

/* No record at all could be read: the whole request is bad, not a part of it. */
static void judge(struct exchange *exchange)
{
    const struct otlp_intake_result *result = &exchange->result;

    if (result->accepted == 0 && result->rejected > result->shed_count &&
        result->reason == REFUSAL_INVALID)
        http_request_fail(&exchange->request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT,
                          result->message);
}

/* Adds what was refused lately to the batch, which is made if there is none. */
static void record_refusals(struct exchange *exchange)
{
    struct refusal_recorder *recorder = &exchange->server->refusals;
    uint64_t now_ns = clock_monotonic_ns();
    struct error ignored;

    if (!refusal_recorder_is_due(recorder, now_ns))
        return;
    if (exchange->batch == NULL && make_batch(exchange, &ignored) != ST_OK)
        return;
    exchange->carries_refusals = refusal_recorder_add(recorder, exchange->batch, now_ns);
    exchange->journal_status = ST_AGAIN; /* until it is known */
}

static enum MHD_Result finish(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct http_request *request = &exchange->request;

    http_request_leave(request);
    metric_add(receiver->metrics.receiver.accepted_bytes, request->received_bytes);
    if (request->verdict.http_status == 0 &&
        (receiver->settings.signals & 1U << request->signal) == 0) {
        otlp_http_metrics_add_ignored(&receiver->metrics, request);
        return answer(exchange);
    }
    if (request->verdict.http_status == 0 &&
        !http_connection_may_send(&receiver->connections, exchange->sender,
                                  request->received_bytes))
        fail_for_journal(exchange, ST_LIMIT,
                         "the journal is nearly full; what is left is for those who send less");
    if (request->verdict.http_status == 0) {
        if (receiver->settings.shedding != NULL)
            shedding_update(receiver->settings.shedding);
        convert(exchange);
        judge(exchange);
    }
    otlp_http_metrics_add_refusals(&receiver->metrics, request, &exchange->result,
                                   &exchange->server->refusals.log);
    /* Of a request that is refused nothing is kept, even if some of it could be read. */
    if (request->verdict.http_status != 0 && exchange->batch != NULL) {
        append_batch_destroy(exchange->batch);
        exchange->batch = NULL;
        exchange->result.accepted = 0;
    }
    record_refusals(exchange);
    if (exchange->batch == NULL || append_batch_count(exchange->batch) == 0)
        return answer(exchange);
    return submit(exchange);
}

/* --- The library's callbacks ----------------------------------------------------------------- */

/* NULL: it is refused, or there was no memory for it. */
static struct http_connection *sender_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *sender = info != NULL ? info->socket_context : NULL;

    return sender != NULL && sender->user != NULL ? sender : NULL;
}

static enum MHD_Result begin(struct server *server, struct MHD_Connection *connection,
                             const char *method, const char *path, void **ret_exchange)
{
    struct otlp_http_receiver *receiver = server->receiver;
    struct http_connection *sender = sender_of(connection);
    struct exchange *exchange = sender != NULL ? calloc(1, sizeof(*exchange)) : NULL;

    if (exchange == NULL)
        return MHD_NO;
    exchange->server = server;
    exchange->sender = sender;
    exchange->connection = connection;
    http_request_init(&exchange->request, &receiver->settings.request_limits, receiver->admission,
                      connection, method, path);
    http_request_join(&exchange->request, &server->bodies);
    (void)pthread_mutex_lock(&receiver->lock);
    receiver->open_exchanges++;
    bool stopping = receiver->stopping;
    (void)pthread_mutex_unlock(&receiver->lock);
    if (stopping)
        fail_for_journal(exchange, ST_STOPPING, "the daemon stops");
    *ret_exchange = exchange;
    /* Too large to be read to its end only to be refused then. */
    if (exchange->request.verdict.http_status == MHD_HTTP_CONTENT_TOO_LARGE)
        return answer(exchange);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **exchange_of)
{
    (void)version;
    if (*exchange_of == NULL)
        return begin(context, connection, method, path, exchange_of);

    struct exchange *exchange = *exchange_of;
    if (*upload_size > 0) {
        size_t size = *upload_size;
        *upload_size = 0;
        return http_request_take(&exchange->request, upload, size) ? MHD_YES : MHD_NO;
    }
    switch (exchange->state) {
    case RECEIVING:
        return finish(exchange);
    case WAITING:
        return submit(exchange);
    case ANSWERING:
        return answer(exchange);
    case IN_JOURNAL:
        break;
    }
    ASSERT(!"a suspended request was called");
    return MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **exchange_of,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct otlp_http_receiver *receiver = server->receiver;
    struct exchange *exchange = *exchange_of;

    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    if (exchange->carries_refusals)
        refusal_log_landed(&server->refusals.log, exchange->journal_status);
    http_request_fini(&exchange->request);
    append_batch_destroy(exchange->batch);
    (void)pthread_mutex_lock(&receiver->lock);
    forget_batch(exchange); /* its sender may have gone when it was its turn */
    free(exchange);
    *exchange_of = NULL;
    receiver->open_exchanges--;
    (void)pthread_cond_broadcast(&receiver->changed);
    (void)pthread_mutex_unlock(&receiver->lock);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct http_connections *connections = &server->receiver->connections;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context =
            http_connection_open(connections, fd, server->is_unix, &server->open_connections);
    } else {
        http_connection_close(connections, *socket_context);
        *socket_context = NULL;
    }
}

/* --- Starting and stopping ---------------------------------------------------------------------
 */

void otlp_http_settings_default(struct otlp_http_settings *ret)
{
    *ret = (struct otlp_http_settings){
        .limits = otlp_limits_default,
        .request_limits = {.body_size_max = (size_t)64 * 1024 * 1024,
                           .decoded_size_max = (size_t)64 * 1024 * 1024,
                           .time_max_ns = 120 * NS_PER_S},
        .signals = SIGNALS_ALL,
        .connections_max = 1024,
        .connections_per_uid_max = 256,
        .idle_timeout_s = 30,
    };
}

static enum status init_connections(struct otlp_http_receiver *receiver, struct error *err)
{
    const struct otlp_http_settings *settings = &receiver->settings;
    const struct http_connections_settings connections = {
        .journal = receiver->journal,
        .admission = receiver->admission,
        .metrics = &receiver->metrics.receiver,
        .journal_size_max = settings->journal_size_max,
        .listener_count = settings->listener_count,
        .connections_max = settings->connections_max,
        .connections_per_uid_max = settings->connections_per_uid_max,
    };

    return http_connections_init(&connections, &receiver->connections, err);
}

static enum status start_server(struct otlp_http_receiver *receiver, struct server *server,
                                const struct listener *listener, struct error *err)
{
    const struct otlp_http_settings *settings = &receiver->settings;

    server->receiver = receiver;
    server->is_unix = listener->is_unix;
    enum status st = otlp_intake_create(&settings->limits, &server->intake, err);
    if (st != ST_OK)
        return st;
    otlp_intake_set_shedding(server->intake, settings->shedding);
    st = refusal_recorder_init(&server->refusals, &settings->limits, err);
    if (st != ST_OK)
        return st;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL,
        on_request, server, MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_CONNECTION_LIMIT,
        settings->connections_max + HTTP_CONNECTIONS_REFUSED_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        settings->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_END);
    if (server->daemon == NULL)
        return error_set_errno(err, ST_IO, "start an HTTP server on %s", listener->name);
    return ST_OK;
}

static void init_shared(struct otlp_http_receiver *receiver)
{
    pthread_condattr_t monotonic;

    /* None of these fails on Linux. */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&receiver->lock, NULL);
    (void)pthread_cond_init(&receiver->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum status otlp_http_receiver_start(const struct otlp_http_settings *settings,
                                     struct journal *journal, struct admission *admission,
                                     struct otlp_http_receiver **ret, struct error *err)
{
    ASSERT(settings->listener_count <= OTLP_HTTP_LISTENERS_MAX);
    struct otlp_http_receiver *receiver = calloc(1, sizeof(*receiver));
    if (receiver == NULL)
        return error_set(err, ST_NO_MEMORY, "make a receiver");
    receiver->settings = *settings;
    receiver->journal = journal;
    receiver->admission = admission;
    request_turns_init(&receiver->turns, resume);
    init_shared(receiver);
    otlp_http_metrics_register(&receiver->metrics);
    enum status st = init_connections(receiver, err);
    for (size_t i = 0; i < settings->listener_count && st == ST_OK; i++)
        st = start_server(receiver, &receiver->servers[i], &settings->listeners[i], err);
    if (st != ST_OK) {
        otlp_http_receiver_stop(receiver);
        return error_context(err, "start the receiver of OTLP/HTTP");
    }
    *ret = receiver;
    return ST_OK;
}

/* The journal always answers, so that is waited for without a limit; senders may not. */
static void wait_for_exchanges(struct otlp_http_receiver *receiver)
{
    struct timespec deadline;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline); /* cannot fail for this clock */
    deadline.tv_sec += STOP_WAIT_S;
    (void)pthread_mutex_lock(&receiver->lock);
    receiver->stopping = true;
    request_turns_stop(&receiver->turns);
    while (receiver->turns.count > 0)
        (void)pthread_cond_wait(&receiver->changed, &receiver->lock);
    int result = 0;
    while (receiver->open_exchanges > 0 && result == 0)
        result = pthread_cond_timedwait(&receiver->changed, &receiver->lock, &deadline);
    (void)pthread_mutex_unlock(&receiver->lock);
}

void otlp_http_receiver_stop(struct otlp_http_receiver *receiver)
{
    if (receiver == NULL)
        return;
    /* Quiesced, the library gives the listening sockets back and does not close them. */
    for (size_t i = 0; i < receiver->settings.listener_count; i++) {
        if (receiver->servers[i].daemon != NULL)
            (void)MHD_quiesce_daemon(receiver->servers[i].daemon);
    }
    wait_for_exchanges(receiver);
    for (size_t i = 0; i < receiver->settings.listener_count; i++) {
        if (receiver->servers[i].daemon != NULL)
            MHD_stop_daemon(receiver->servers[i].daemon);
        otlp_intake_destroy(receiver->servers[i].intake);
        refusal_recorder_fini(&receiver->servers[i].refusals);
    }
    http_connections_fini(&receiver->connections);
    (void)pthread_cond_destroy(&receiver->changed);
    (void)pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}
