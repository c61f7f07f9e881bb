/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_receiver.c -- see otlp_http_receiver.h.
 *
 *     RECEIVING --whole--> (decode, fill a batch) --> request_flow.h --landed--> answered
 *
 * While the batch is in the journal, or waits for its turn, the connection is suspended.  Before a
 * batch is submitted its connection is suspended already, for the journal may be done before
 * request_flow_submit() returns; the library allows resuming at any time. */
#include "receivers/otlp_http_receiver.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "receivers/http_reply.h"
#include "receivers/otlp_intake.h"
#include "receivers/otlp_refusals.h"
#include "receivers/recent_bytes.h"
#include "receivers/request_flow.h"
#include "receivers/sender.h"
#include "util/clock.h"

enum {
    CONNECTION_MEMORY = 32 * 1024, /* headers, and one read of a body */
    SENDER_FIELDS_MAX = 1024,
    STOP_WAIT_S = 5,
};

#define LABELS "receiver=\"otlp_http\""

struct server {
    struct otlp_http_receiver *receiver;
    struct MHD_Daemon *daemon;
    bool is_unix;
    /* the library's thread */
    struct otlp_intake *intake;
    struct refusal_recorder refusals;
    struct body_list bodies;
};

/* One request and its answer. */
struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    struct http_request request;
    struct flow_request flow; /* with the batch */
    struct otlp_intake_result result;
    bool carries_refusals; /* agent.pipeline records are in the batch */
};

struct otlp_http_receiver {
    struct otlp_http_settings settings;
    struct admission *admission; /* borrowed */
    struct server servers[OTLP_HTTP_LISTENERS_MAX];
    struct receiver_metrics metrics;
    struct ignored_metrics ignored[SIGNAL_METRICS + 1];
    struct request_flow flow;
};

/* --- Answering ---------------------------------------------------------------------------- */

static enum MHD_Result answer(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct receiver_metrics *metrics = &exchange->server->receiver->metrics;

    append_batch_destroy(exchange->flow.batch); /* it may be large, and the sender slow to read */
    exchange->flow.batch = NULL;
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

    metric_add(receiver->metrics.refused_records[refusal], exchange->result.accepted);
    if (request->verdict.http_status != 0)
        return; /* it was to be refused anyway */
    request->verdict.retry_after_s = refusal == REFUSAL_JOURNAL_FULL ? 30 : 1;
    http_request_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, RPC_UNAVAILABLE, text);
}

static struct exchange *exchange_of(struct flow_request *flow)
{
    return (struct exchange *)((char *)flow - offsetof(struct exchange, flow));
}

static void resume(struct flow_request *flow)
{
    MHD_resume_connection(exchange_of(flow)->connection);
}

/* journal thread */
static void on_landed(struct flow_request *flow, enum status status, const struct error *err)
{
    struct exchange *exchange = exchange_of(flow);

    if (status == ST_OK)
        metric_add(exchange->server->receiver->metrics.accepted_records, exchange->result.accepted);
    else
        fail_for_journal(exchange, status, err->text);
}

static enum MHD_Result submit(struct exchange *exchange)
{
    struct error err;

    MHD_suspend_connection(exchange->connection);
    enum status st = request_flow_submit(&exchange->flow, &err);
    if (st == ST_OK)
        return MHD_YES; /* the exchange is the journal's now, or may be resumed already */
    fail_for_journal(exchange, st, err.text);
    MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

/* --- A whole request ------------------------------------------------------------------------ */

static enum status append_sender(const struct exchange *exchange, struct buf *out,
                                 struct error *err)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct peer peer;

    if (!exchange->server->is_unix || info == NULL ||
        peer_of_unix_socket(info->connect_fd, &peer, err) != ST_OK)
        return sender_append_fields(NULL, out, err);
    return sender_append_fields(&peer, out, err);
}

static size_t batch_size_max(const struct exchange *exchange)
{
    const struct otlp_http_settings *settings = &exchange->server->receiver->settings;

    return otlp_batch_size_max(settings->request_limits.decoded_size_max,
                               settings->limits.record_size_max);
}

static enum status fill_batch(struct exchange *exchange, struct slice protobuf, struct error *err)
{
    const struct http_request *request = &exchange->request;
    struct buf sender;

    enum status st = append_batch_create(batch_size_max(exchange), &exchange->flow.batch, err);
    if (st != ST_OK)
        return st;
    buf_init(&sender, SENDER_FIELDS_MAX);
    st = append_sender(exchange, &sender, err);
    if (st == ST_OK) {
        const struct otlp_intake_input input = {
            .request = protobuf,
            .sender_fields = buf_slice(&sender),
            .transport = request->encoding == OTLP_JSON ? TRANSPORT_OTLP_HTTP_JSON
                                                        : TRANSPORT_OTLP_HTTP_PROTOBUF,
            .now_unix_ns = clock_unix_ns(),
        };
        st = otlp_intake_add(exchange->server->intake, &input, exchange->flow.batch,
                             &exchange->result, err);
    }
    buf_fini(&sender);
    return st;
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

static void judge(struct exchange *exchange)
{
    if (otlp_refusals_is_invalid(&exchange->result))
        http_request_fail(&exchange->request, MHD_HTTP_BAD_REQUEST, RPC_INVALID_ARGUMENT,
                          exchange->result.message);
}

static void note_refusals(struct exchange *exchange)
{
    enum refusal whole = REFUSAL_COUNT;

    if (exchange->request.verdict.http_status == MHD_HTTP_BAD_REQUEST)
        whole = REFUSAL_INVALID; /* a request that holds nobody knows how many */
    else if (exchange->request.verdict.http_status == MHD_HTTP_CONTENT_TOO_LARGE)
        whole = REFUSAL_TOO_LARGE;
    otlp_refusals_note(&exchange->server->refusals, &exchange->server->receiver->metrics,
                       &exchange->result, whole);
}

static void record_refusals(struct exchange *exchange)
{
    exchange->carries_refusals = otlp_refusals_record(
        &exchange->server->refusals, batch_size_max(exchange), &exchange->flow.batch);
    exchange->flow.journal_status = ST_AGAIN; /* until it is known */
}

/* While little of the journal is free, who has sent much lately has to wait. */
static void check_share(struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (info == NULL || info->socket_context == NULL)
        return;
    if (!request_flow_has_share(&exchange->server->receiver->flow, info->socket_context,
                                exchange->request.received_bytes))
        fail_for_journal(exchange, ST_LIMIT,
                         "the journal is nearly full; what is left is for those who send less");
}

static enum MHD_Result finish(struct exchange *exchange)
{
    struct otlp_http_receiver *receiver = exchange->server->receiver;
    struct http_request *request = &exchange->request;

    http_request_leave(request);
    metric_add(receiver->metrics.accepted_bytes, request->received_bytes);
    if (request->verdict.http_status == 0 && request->signal != SIGNAL_LOGS) {
        ignored_metrics_count(&receiver->ignored[request->signal], request->received_bytes);
        return answer(exchange);
    }
    if (request->verdict.http_status == 0)
        check_share(exchange);
    if (request->verdict.http_status == 0) {
        if (receiver->settings.shedding != NULL)
            shedding_update(receiver->settings.shedding);
        convert(exchange);
        judge(exchange);
    }
    note_refusals(exchange);
    /* Of a request that is refused nothing is kept, even if some of it could be read. */
    if (request->verdict.http_status != 0 && exchange->flow.batch != NULL) {
        append_batch_destroy(exchange->flow.batch);
        exchange->flow.batch = NULL;
        exchange->result.accepted = 0;
    }
    record_refusals(exchange);
    if (exchange->flow.batch == NULL || append_batch_count(exchange->flow.batch) == 0)
        return answer(exchange);
    return submit(exchange);
}

/* --- The library's callbacks ----------------------------------------------------------------- */

static enum MHD_Result begin(struct server *server, struct MHD_Connection *connection,
                             const char *method, const char *path, void **ret_exchange)
{
    struct otlp_http_receiver *receiver = server->receiver;
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return MHD_NO;
    exchange->server = server;
    exchange->connection = connection;
    http_request_init(&exchange->request, &receiver->settings.request_limits, receiver->admission,
                      connection, method, path);
    http_request_join(&exchange->request, &server->bodies);
    if (request_flow_open(&receiver->flow, &exchange->flow))
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
    switch (exchange->flow.state) {
    case REQUEST_NEW:
        return finish(exchange);
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
    struct otlp_http_receiver *receiver = server->receiver;
    struct exchange *exchange = *exchange_of;

    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    if (exchange->carries_refusals)
        refusal_log_landed(&server->refusals.log, exchange->flow.journal_status);
    http_request_fini(&exchange->request);
    request_flow_lock_and_forget(&exchange->flow);
    free(exchange);
    *exchange_of = NULL;
    request_flow_unlock_closed(&receiver->flow);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct otlp_http_receiver *receiver = server->receiver;
    bool is_new = code == MHD_CONNECTION_NOTIFY_STARTED;

    (void)connection;
    if (is_new) {
        *socket_context =
            calloc(1, sizeof(struct recent_bytes)); /* NULL: it has no share to lose */
    } else {
        free(*socket_context);
        *socket_context = NULL;
    }
    metric_set(receiver->metrics.open_connections,
               request_flow_count_connection(&receiver->flow, is_new));
    if (is_new)
        metric_add(receiver->metrics.connections, 1);
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
        .connections_max = 1024,
        .idle_timeout_s = 30,
    };
}

static void register_metrics(struct otlp_http_receiver *receiver)
{
    static const char *const labels[] = {"signal=\"logs\"", "signal=\"traces\"",
                                         "signal=\"metrics\""};

    receiver_metrics_register(&receiver->metrics, LABELS);
    for (int i = SIGNAL_TRACES; i <= SIGNAL_METRICS; i++)
        ignored_metrics_register(&receiver->ignored[i], labels[i]);
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
        settings->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, settings->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (server->daemon == NULL)
        return error_set_errno(err, ST_IO, "start an HTTP server on %s", listener->name);
    return ST_OK;
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
        .journal_size_max = settings->journal_size_max,
        .metric_labels = LABELS,
        .resume = resume,
        .on_landed = on_landed,
    };
    request_flow_init(&receiver->flow, &flow);
    register_metrics(receiver);
    enum status st = ST_OK;
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
    request_flow_fini(&receiver->flow);
    free(receiver);
}
