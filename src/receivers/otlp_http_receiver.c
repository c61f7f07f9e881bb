/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_receiver.c -- see otlp_http_receiver.h.
 *
 *     received --whole--> otlp_exchange.h --> request_flow.h --landed--> answered
 *
 * While the batch is in the journal, or waits for its turn, or a copy for its first, the connection
 * is suspended.  It is before the flow has the request, for the journal may be done before
 * request_flow_submit() returns; the library allows resuming at any time. */
#include "receivers/otlp_http_receiver.h"

#include <stddef.h>
#include <stdlib.h>

#include "receivers/http_connections.h"
#include "receivers/http_reply.h"
#include "receivers/otlp_exchange.h"
#include "util/clock.h"

enum {
    CONNECTION_MEMORY = 32 * 1024, /* headers, and one read of a body */
    STOP_WAIT_S = 5,
};

#define LABELS "receiver=\"otlp_http\""

struct server {
    struct otlp_http_receiver *receiver;
    struct MHD_Daemon *daemon;
    const struct listener *listener; /* borrowed */
    size_t open_connections;         /* under the lock of `connections` */
    /* the library's thread */
    struct otlp_intake *intake;
    struct refusal_recorder refusals;
    struct body_list bodies;
};

/* One request and its answer. */
struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    struct http_connection *sender; /* borrowed: it outlives its requests */
    struct http_request request;
    struct otlp_exchange otlp;
};

struct otlp_http_receiver {
    struct otlp_http_settings settings;
    struct admission *admission; /* borrowed */
    struct server servers[OTLP_HTTP_LISTENERS_MAX];
    struct receiver_metrics metrics;
    struct ignored_metrics ignored[SIGNAL_COUNT];
    struct request_flow flow;
    struct http_connections connections;
};

/* --- Answering ---------------------------------------------------------------------------- */

static enum MHD_Result answer(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct receiver_metrics *metrics = &exchange->server->receiver->metrics;

    append_batch_destroy(exchange->otlp.flow.batch); /* it may be large, and the sender slow */
    exchange->otlp.flow.batch = NULL;
    metric_add(metrics->requests, 1);
    if (http_reply_status(request) != MHD_HTTP_OK)
        metric_add(metrics->failed_requests, 1);
    return http_reply_send(exchange->connection, request, &exchange->otlp.result);
}

/* --- The journal --------------------------------------------------------------------------- */

static void fail_for_journal(struct exchange *exchange, enum status status, const char *text)
{
    struct http_request *request = &exchange->request;
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    enum refusal refusal = refusal_of_journal(status);

    metric_add(receiver->metrics.refused_records[refusal], exchange->otlp.result.accepted);
    if (request->verdict.http_status != 0)
        return; /* it was to be refused anyway */
    request->verdict.retry_after_s = refusal == REFUSAL_JOURNAL_FULL ? 30 : 1;
    http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, text);
}

static struct exchange *exchange_of(struct flow_request *flow)
{
    return (struct exchange *)((char *)flow - offsetof(struct exchange, otlp.flow));
}

/* any thread, under the flow's lock */
static void resume(struct flow_request *flow)
{
    MHD_resume_connection(exchange_of(flow)->connection);
}

/* journal thread */
static void on_landed(struct flow_request *flow, enum status status, const struct error *err)
{
    struct exchange *exchange = exchange_of(flow);

    if (status == ST_OK)
        otlp_exchange_count_accepted(&exchange->otlp, &exchange->server->receiver->metrics);
    else
        fail_for_journal(exchange, status, err->text);
}

static enum MHD_Result submit(struct exchange *exchange)
{
    struct error err;

    MHD_suspend_connection(exchange->connection);
    enum status st = request_flow_submit(&exchange->otlp.flow, &err);
    if (st == ST_OK)
        return MHD_YES; /* the exchange is the journal's now, or may be resumed already */
    fail_for_journal(exchange, st, err.text);
    MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

/* --- A whole request ------------------------------------------------------------------------ */

static size_t batch_size_max(const struct otlp_http_settings *settings)
{
    return otlp_batch_size_max(settings->request_limits.decoded_size_max,
                               settings->limits.record_size_max);
}

static void judge_taking(struct http_request *request, enum status status, const char *text)
{
    if (status == ST_CORRUPT || status == ST_LIMIT || status == ST_INVALID) {
        http_request_fail(request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT, text);
    } else if (status != ST_OK) {
        request->verdict.retry_after_s = 1;
        http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, text);
    }
}

static enum otlp_taking take_request(struct exchange *exchange, struct slice protobuf)
{
    const struct http_connection *sender = exchange->sender;
    const struct otlp_intake_input input = {
        .signal = exchange->request.signal,
        .request = protobuf,
        .sender_fields = buf_slice(&sender->sender_fields),
        .transport = exchange->request.encoding == OTLP_JSON ? TRANSPORT_OTLP_HTTP_JSON
                                                             : TRANSPORT_OTLP_HTTP_PROTOBUF,
        .now_unix_ns = clock_unix_ns(),
        .is_trusted = sender->is_trusted,
        .sources = exchange->server->receiver->settings.sources,
        .source = &exchange->sender->source,
    };
    enum otlp_taking taking;
    struct error err = {.text = ""};

    enum status st =
        otlp_exchange_take(&exchange->otlp, exchange->server->intake, &input,
                           slice_of(sender->address.bytes, sender->address.size),
                           batch_size_max(&exchange->server->receiver->settings), &taking, &err);
    judge_taking(&exchange->request, st, err.text);
    return taking;
}

static enum otlp_taking convert(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct http_request *request = &exchange->request;
    enum otlp_taking taking = OTLP_TAKEN;
    struct http_decoded decoded;

    if (receiver->settings.shedding != NULL)
        shedding_update(receiver->settings.shedding);
    http_decoded_init(&decoded, request->limits);
    if (http_request_decode(request, &receiver->settings.limits, &decoded) == ST_OK)
        taking = take_request(exchange, decoded.request);
    http_decoded_fini(&decoded);
    return taking;
}

static void settle_refusals(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    unsigned int http_status = exchange->request.verdict.http_status;
    enum refusal whole = REFUSAL_COUNT;

    if (http_status == MHD_HTTP_BAD_REQUEST)
        whole = REFUSAL_INVALID; /* a request that holds nobody knows how many */
    else if (http_status == MHD_HTTP_CONTENT_TOO_LARGE)
        whole = REFUSAL_TOO_LARGE;
    otlp_exchange_settle_refusals(&exchange->otlp, &exchange->server->refusals, &receiver->metrics,
                                  whole, http_status != 0, batch_size_max(&receiver->settings));
}

static enum MHD_Result wait_as_copy(struct exchange *exchange)
{
    MHD_suspend_connection(exchange->connection);
    request_flow_wait_as_copy(&exchange->otlp.flow);
    return MHD_YES; /* it may be resumed already */
}

/* The body, unless there is a verdict. */
static enum MHD_Result take(struct exchange *exchange)
{
    struct http_request *request = &exchange->request;
    enum otlp_taking taking = request->verdict.http_status == 0 ? convert(exchange) : OTLP_TAKEN;

    if (taking == OTLP_COPY)
        return wait_as_copy(exchange);
    http_request_drop_body(request);
    if (taking == OTLP_TAKEN)
        settle_refusals(exchange);
    return otlp_exchange_has_batch(&exchange->otlp) ? submit(exchange) : answer(exchange);
}

static enum MHD_Result finish(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct http_request *request = &exchange->request;

    http_request_leave(request);
    metric_add(receiver->metrics.accepted_bytes, request->received_bytes);
    if (request->verdict.http_status == 0 &&
        (receiver->settings.signals & 1U << request->signal) == 0) {
        ignored_metrics_count(&receiver->ignored[request->signal], request->received_bytes);
        return answer(exchange);
    }
    if (request->verdict.http_status == 0 &&
        !http_connection_may_send(&receiver->connections, exchange->sender,
                                  request->received_bytes))
        fail_for_journal(exchange, ST_LIMIT,
                         "the journal is nearly full; what is left is for those who send less");
    return take(exchange);
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
    if (request_flow_open(&receiver->flow, &exchange->otlp.flow))
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
    switch (exchange->otlp.flow.state) {
    case REQUEST_NEW:
        return finish(exchange);
    case REQUEST_COPY:
        return take(exchange);
    case REQUEST_WAITING:
        return submit(exchange);
    case REQUEST_LANDED:
        return answer(exchange);
    case REQUEST_IN_JOURNAL:
        break;
    }
    ASSERT(!"a suspended request was called");
    return MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **exchange_of,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct exchange *exchange = *exchange_of;

    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    if (exchange->otlp.carries_refusals)
        refusal_log_landed(&server->refusals.log, exchange->otlp.flow.journal_status);
    http_request_fini(&exchange->request);
    request_flow_lock_and_forget(&exchange->otlp.flow);
    free(exchange);
    *exchange_of = NULL;
    request_flow_unlock_closed(&server->receiver->flow);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct http_connections *connections = &server->receiver->connections;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context =
            http_connection_open(connections, fd, server->listener, &server->open_connections);
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
        .journal = receiver->flow.settings.journal,
        .admission = receiver->admission,
        .metrics = &receiver->metrics,
        .journal_size_max = settings->journal_size_max,
        .listener_count = settings->listener_count,
        .connections_max = settings->connections_max,
        .connections_per_uid_max = settings->connections_per_uid_max,
        .trusted = settings->trusted,
    };

    return http_connections_init(&connections, &receiver->connections, err);
}

static enum status start_server(struct otlp_http_receiver *receiver, struct server *server,
                                const struct listener *listener, struct error *err)
{
    const struct otlp_http_settings *settings = &receiver->settings;

    server->receiver = receiver;
    server->listener = listener;
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

static void register_metrics(struct otlp_http_receiver *receiver)
{
    receiver_metrics_register(&receiver->metrics, LABELS);
    ignored_metrics_register(&receiver->ignored[SIGNAL_LOGS], "signal=\"logs\"");
    ignored_metrics_register(&receiver->ignored[SIGNAL_TRACES], "signal=\"traces\"");
    ignored_metrics_register(&receiver->ignored[SIGNAL_METRICS], "signal=\"metrics\"");
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
    receiver->admission = admission;
    const struct request_flow_settings flow = {
        .journal = journal,
        .admission = admission,
        .metric_labels = LABELS,
        .resume = resume,
        .on_landed = on_landed,
    };
    enum status st = request_flow_init(&receiver->flow, &flow, err);
    register_metrics(receiver);
    if (st == ST_OK)
        st = init_connections(receiver, err);
    for (size_t i = 0; i < settings->listener_count && st == ST_OK; i++)
        st = start_server(receiver, &receiver->servers[i], &settings->listeners[i], err);
    if (st != ST_OK) {
        otlp_http_receiver_stop(receiver);
        return error_context(err, "start the receiver of OTLP/HTTP");
    }
    *ret = receiver;
    return ST_OK;
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
    request_flow_stop(&receiver->flow, STOP_WAIT_S);
    for (size_t i = 0; i < receiver->settings.listener_count; i++) {
        if (receiver->servers[i].daemon != NULL)
            MHD_stop_daemon(receiver->servers[i].daemon);
        otlp_intake_destroy(receiver->servers[i].intake);
        refusal_recorder_fini(&receiver->servers[i].refusals);
    }
    http_connections_fini(&receiver->connections);
    request_flow_fini(&receiver->flow);
    free(receiver);
}
