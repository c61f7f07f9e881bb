/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_call.c -- see otlp_grpc_parts.h.
 *
 *     begun --> GATED --room--> RECEIVING --whole--> TAKEN (request_flow.h) --> ANSWERING -->
 * ANSWERED |                           | cut off: answered, though nobody reads it      ^
 *       +--- unknown method --------+------------------------------------------------+
 *
 * A message is asked for when there is room; until then its sender waits, for no more of it than a
 * stream's window is read.  Agents do not send again what is refused.
 *
 * A call is freed when it is ANSWERED and all its tags are back. */
#include "receivers/otlp_grpc_parts.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receivers/grpc_answers.h"
#include "receivers/grpc_message.h"
#include "util/clock.h"

enum { ANSWER_MAX = 4096 };

static void fail(struct grpc_exchange *exchange, enum rpc_code code, unsigned int retry_after_s,
                 const char *message)
{
    struct grpc_verdict *verdict = &exchange->verdict;

    if (verdict->code != 0)
        return;
    verdict->code = code;
    verdict->retry_after_s = retry_after_s;
    snprintf(verdict->message, sizeof(verdict->message), "%s", message);
}

static void fail_for_journal(struct grpc_exchange *exchange, enum status status, const char *text)
{
    enum refusal refusal = refusal_of_journal(status);

    metric_add(exchange->connection->receiver->metrics.refused_records[refusal],
               exchange->otlp.result.accepted);
    fail(exchange, RPC_UNAVAILABLE, refusal == REFUSAL_JOURNAL_FULL ? 30 : 1, text);
}

/* --- The end of a call ---------------------------------------------------------------------------
 */

static void unlink_exchange(struct grpc_exchange *exchange)
{
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        exchange->connection->receiver->exchanges = exchange->next;
}

static void drop_message(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    if (exchange->message != NULL)
        grpc_byte_buffer_destroy(exchange->message);
    exchange->message = NULL;
    admission_give(receiver->admission, exchange->counted_bytes);
    exchange->counted_bytes = 0;
}

static void end(struct grpc_exchange *exchange)
{
    struct grpc_connection *connection = exchange->connection;
    struct request_flow *flow = &connection->receiver->flow;

    ASSERT(exchange->state == CALL_ANSWERED && exchange->pending == 0);
    if (exchange->otlp.carries_refusals)
        refusal_log_landed(&connection->receiver->refusals.log, exchange->otlp.flow.journal_status);
    drop_message(exchange);
    unlink_exchange(exchange);
    grpc_call_unref(exchange->call);
    connection->quiet_since_ns = clock_monotonic_ns();
    connection->call_count--;
    request_flow_lock_and_forget(&exchange->otlp.flow);
    free(exchange);
    request_flow_unlock_closed(flow);
    otlp_grpc_open_gate(connection->receiver);
    otlp_grpc_connection_leave(connection);
}

static void leave(struct grpc_exchange *exchange)
{
    exchange->pending--;
    if (exchange->pending == 0 && exchange->state == CALL_ANSWERED)
        end(exchange);
}

/* --- Answering ------------------------------------------------------------------------------ */

static void on_answered(void *owner, bool ok)
{
    struct grpc_exchange *exchange = owner;

    (void)ok; /* its sender may have gone: his business */
    exchange->state = CALL_ANSWERED;
    leave(exchange);
}

static grpc_slice make_response(const struct grpc_exchange *exchange)
{
    struct buf body;
    struct error ignored;

    buf_init(&body, ANSWER_MAX);
    /* Without memory for it: an empty one, which is success as well. */
    if (http_answer_export(OTLP_PROTOBUF, exchange->signal,
                           otlp_intake_rejected(&exchange->otlp.result, exchange->signal),
                           exchange->otlp.result.message, &body, &ignored) != ST_OK)
        buf_clear(&body);
    grpc_slice bytes = grpc_slice_from_copied_buffer((const char *)body.data, body.size);
    buf_fini(&body);
    return bytes;
}

static grpc_slice make_details(const struct grpc_verdict *verdict)
{
    struct buf details;
    struct error ignored;

    buf_init(&details, ANSWER_MAX);
    if (grpc_answer_details(verdict->code, verdict->message, verdict->retry_after_s, &details,
                            &ignored) != ST_OK)
        buf_clear(&details);
    grpc_slice bytes = grpc_slice_from_copied_buffer((const char *)details.data, details.size);
    buf_fini(&details);
    return bytes;
}

static void start(struct grpc_exchange *exchange, const grpc_op *ops, size_t count,
                  struct grpc_tag *tag)
{
    exchange->pending++;
    grpc_call_error refused = grpc_call_start_batch(exchange->call, ops, count, tag, NULL);
    ASSERT(refused == GRPC_CALL_OK); /* each operation is started once */
}

static void send_success(struct grpc_exchange *exchange)
{
    grpc_slice bytes = make_response(exchange);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&bytes, 1);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server.status = GRPC_STATUS_OK},
    };

    start(exchange, ops, COUNT_OF(ops), &exchange->answered);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(bytes);
}

static void send_failure(struct grpc_exchange *exchange)
{
    const struct grpc_verdict *verdict = &exchange->verdict;
    grpc_slice message = grpc_slice_from_copied_string(verdict->message);
    grpc_metadata details = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                             .value = make_details(verdict)};
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = (grpc_status_code)verdict->code,
                                          .status_details = &message,
                                          .trailing_metadata_count = 1,
                                          .trailing_metadata = &details}},
    };

    start(exchange, ops, COUNT_OF(ops), &exchange->answered);
    grpc_slice_unref(details.value);
    grpc_slice_unref(message);
}

static void answer(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    append_batch_destroy(exchange->otlp.flow.batch); /* it may be large, and the sender slow */
    exchange->otlp.flow.batch = NULL;
    drop_message(exchange);
    exchange->state = CALL_ANSWERING;
    exchange->deadline_ns = clock_monotonic_ns() + receiver->settings.request_time_max_ns;
    metric_add(receiver->metrics.requests, 1);
    if (exchange->verdict.code != 0)
        metric_add(receiver->metrics.failed_requests, 1);
    if (exchange->verdict.code != 0)
        send_failure(exchange);
    else
        send_success(exchange);
}

/* --- The journal ---------------------------------------------------------------------------- */

static struct grpc_exchange *exchange_of(struct flow_request *flow)
{
    return (struct grpc_exchange *)((char *)flow - offsetof(struct grpc_exchange, otlp.flow));
}

/* journal thread */
void otlp_grpc_on_landed(struct flow_request *flow, enum status status, const struct error *err)
{
    struct grpc_exchange *exchange = exchange_of(flow);

    if (status == ST_OK)
        otlp_exchange_count_accepted(&exchange->otlp, &exchange->connection->receiver->metrics);
    else
        fail_for_journal(exchange, status, err->text);
}

/* any thread, under the flow's lock */
void otlp_grpc_resume(struct flow_request *flow)
{
    struct grpc_exchange *exchange = exchange_of(flow);

    otlp_grpc_post(exchange->connection->receiver, &exchange->resumed);
}

static void submit(struct grpc_exchange *exchange)
{
    struct error err;

    enum status st = request_flow_submit(&exchange->otlp.flow, &err);
    if (st == ST_OK)
        return; /* it is the journal's now, or will be resumed */
    fail_for_journal(exchange, st, err.text);
    answer(exchange);
}

/* --- A whole message ------------------------------------------------------------------------ */

static void judge_message(struct grpc_exchange *exchange, enum status status, const char *text)
{
    if (status == ST_LIMIT)
        fail(exchange, RPC_RESOURCE_EXHAUSTED, 0, text);
    else if (status == ST_IO)
        fail(exchange, RPC_INTERNAL, 0, text);
    else if (status == ST_NO_MEMORY)
        fail(exchange, RPC_UNAVAILABLE, 1, text);
    else if (status != ST_OK)
        fail(exchange, RPC_INVALID_ARGUMENT, 0, text);
}

static void judge_taking(struct grpc_exchange *exchange, enum status status, const char *text)
{
    if (status == ST_CORRUPT || status == ST_LIMIT || status == ST_INVALID)
        fail(exchange, RPC_INVALID_ARGUMENT, 0, text);
    else if (status != ST_OK)
        fail(exchange, RPC_UNAVAILABLE, 1, text);
}

static size_t batch_size_max(const struct otlp_grpc_settings *settings)
{
    return otlp_batch_size_max(settings->message_size_max, settings->limits.record_size_max);
}

/* "ipv6:%5B::1%5D:4317" without the port. */
static struct slice address_of(const char *peer)
{
    const char *port = strrchr(peer, ':');

    return slice_of(peer, port != NULL ? (size_t)(port - peer) : strlen(peer));
}

static enum otlp_taking take_request(struct grpc_exchange *exchange, struct slice request)
{
    const struct grpc_connection *connection = exchange->connection;
    struct otlp_grpc_receiver *receiver = connection->receiver;
    const struct otlp_intake_input input = {
        .signal = exchange->signal,
        .request = request,
        .sender_fields = buf_slice(&connection->sender),
        .transport = TRANSPORT_OTLP_GRPC,
        .now_unix_ns = clock_unix_ns(),
        .sources = receiver->settings.sources,
        .source = &connection->source,
        .is_trusted = connection->is_trusted,
    };
    struct slice address = slice_of(connection->address.bytes, connection->address.size);
    char *peer = connection->is_tls ? grpc_call_get_peer(exchange->call) : NULL;
    enum otlp_taking taking;
    struct error err = {.text = ""};

    if (peer != NULL)
        address = address_of(peer);
    enum status st = otlp_exchange_take(&exchange->otlp, receiver->intake, &input, address,
                                        batch_size_max(&receiver->settings), &taking, &err);
    judge_taking(exchange, st, err.text);
    gpr_free(peer);
    return taking;
}

static enum otlp_taking convert(struct grpc_exchange *exchange)
{
    size_t size_max = exchange->connection->receiver->settings.message_size_max;
    enum otlp_taking taking = OTLP_TAKEN;
    struct grpc_message message;
    struct error err = {.text = ""};

    enum status st = grpc_message_open(&message, exchange->message, size_max, &err);
    if (st == ST_OK)
        taking = take_request(exchange, message.content);
    else
        judge_message(exchange, st, err.text);
    grpc_message_close(&message);
    return taking;
}

static void settle_refusals(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;
    enum refusal whole = REFUSAL_COUNT;

    if (exchange->verdict.code == RPC_INVALID_ARGUMENT)
        whole = REFUSAL_INVALID;
    else if (exchange->verdict.code == RPC_RESOURCE_EXHAUSTED)
        whole = REFUSAL_TOO_LARGE;
    otlp_exchange_settle_refusals(&exchange->otlp, &receiver->refusals, &receiver->metrics, whole,
                                  exchange->verdict.code != 0, batch_size_max(&receiver->settings));
}

/* The message, unless there is a verdict. */
static void take(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;
    enum otlp_taking taking = OTLP_TAKEN;

    if (exchange->verdict.code == 0) {
        if (receiver->settings.shedding != NULL)
            shedding_update(receiver->settings.shedding);
        taking = convert(exchange);
    }
    if (taking == OTLP_COPY) {
        request_flow_wait_as_copy(&exchange->otlp.flow);
        return;
    }
    drop_message(exchange);
    if (taking == OTLP_TAKEN)
        settle_refusals(exchange);
    if (otlp_exchange_has_batch(&exchange->otlp))
        submit(exchange);
    else
        answer(exchange);
}

static void on_resumed(void *owner)
{
    struct grpc_exchange *exchange = owner;

    switch (exchange->otlp.flow.state) {
    case REQUEST_COPY:
        take(exchange);
        break;
    case REQUEST_LANDED:
        answer(exchange);
        break;
    default:
        submit(exchange);
        break;
    }
}

/* A message of a signal that is not kept. */
static void ignore(struct grpc_exchange *exchange, size_t size)
{
    ignored_metrics_count(&exchange->connection->receiver->ignored[exchange->signal], size);
    answer(exchange);
}

static void take_message(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;
    size_t size = grpc_byte_buffer_length(exchange->message);

    exchange->state = CALL_TAKEN;
    exchange->counted_bytes = size;
    admission_force(receiver->admission, size);
    metric_add(receiver->metrics.accepted_bytes, size);
    if (size > receiver->settings.message_size_max) {
        fail(exchange, RPC_RESOURCE_EXHAUSTED, 0, "the message is larger than max_request_size");
    } else if (exchange->verdict.code == 0 &&
               (receiver->settings.signals & 1U << exchange->signal) == 0) {
        ignore(exchange, size);
        return;
    } else if (!request_flow_has_share(&receiver->flow, &exchange->connection->recent, size)) {
        fail_for_journal(exchange, ST_LIMIT,
                         "the journal is nearly full; what is left is for those who send less");
    }
    take(exchange);
}

static void on_received(void *owner, bool ok)
{
    struct grpc_exchange *exchange = owner;
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    receiver->receiving_count--;
    exchange->pending--; /* it is answered from here on, and so not freed */
    if (ok && exchange->message != NULL) {
        take_message(exchange);
    } else {
        metric_add(receiver->unfinished_calls, 1);
        fail(exchange, RPC_INVALID_ARGUMENT, 0, "there is no whole message");
        answer(exchange);
    }
    otlp_grpc_open_gate(receiver);
}

/* --- The gate ------------------------------------------------------------------------------- */

static void receive(struct grpc_exchange *exchange)
{
    const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE,
                        .data.recv_message.recv_message = &exchange->message};

    exchange->connection->receiver->receiving_count++;
    exchange->state = CALL_RECEIVING;
    start(exchange, &op, 1, &exchange->received);
}

/* How large a message will be is not known before it is there. */
static bool has_room(const struct otlp_grpc_receiver *receiver)
{
    return receiver->receiving_count == 0 ||
           admission_used(receiver->admission) < receiver->admission->limit / 2;
}

void otlp_grpc_open_gate(struct otlp_grpc_receiver *receiver)
{
    while (receiver->gated != NULL && has_room(receiver)) {
        struct grpc_exchange *first = receiver->gated;
        receiver->gated = first->next_gated;
        if (receiver->gated == NULL)
            receiver->gated_end = &receiver->gated;
        receive(first);
    }
}

static void wait_at_gate(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    exchange->next_gated = NULL;
    *receiver->gated_end = exchange;
    receiver->gated_end = &exchange->next_gated;
    otlp_grpc_open_gate(receiver);
    if (exchange->state == CALL_GATED)
        metric_add(receiver->gated_calls, 1);
}

static void leave_gate(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;
    struct grpc_exchange **at = &receiver->gated;

    while (*at != exchange)
        at = &(*at)->next_gated;
    *at = exchange->next_gated;
    if (*at == NULL)
        receiver->gated_end = at;
}

/* --- The beginning -------------------------------------------------------------------------- */

static bool find_signal(grpc_slice method, enum signal *ret)
{
    static const char *const methods[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        [SIGNAL_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        [SIGNAL_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    for (int signal = SIGNAL_LOGS; signal < SIGNAL_COUNT; signal++) {
        if (grpc_slice_str_cmp(method, methods[signal]) == 0) {
            *ret = (enum signal)signal;
            return true;
        }
    }
    return false;
}

static void on_closed(void *owner, bool ok)
{
    struct grpc_exchange *exchange = owner;

    (void)ok;
    if (exchange->cancelled && exchange->state == CALL_GATED) {
        leave_gate(exchange);
        metric_add(exchange->connection->receiver->unfinished_calls, 1);
        fail(exchange, RPC_UNAVAILABLE, 1, "cancelled");
        answer(exchange);
    }
    leave(exchange);
}

static void route(struct grpc_exchange *exchange, grpc_slice method)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    if (request_flow_open(&receiver->flow, &exchange->otlp.flow))
        fail_for_journal(exchange, ST_STOPPING, "the daemon stops");
    else if (!find_signal(method, &exchange->signal))
        fail(exchange, RPC_UNIMPLEMENTED, 0,
             "there is Export of LogsService, TraceService and MetricsService");
    if (exchange->verdict.code != 0)
        answer(exchange);
    else
        wait_at_gate(exchange);
}

void otlp_grpc_call_begin(struct grpc_connection *connection)
{
    struct otlp_grpc_receiver *receiver = connection->receiver;
    struct grpc_exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL) {
        (void)grpc_call_cancel(connection->call, NULL); /* its sender hears that it was */
        grpc_call_unref(connection->call);
        return;
    }
    exchange->connection = connection;
    exchange->call = connection->call;
    exchange->received = (struct grpc_tag){on_received, exchange};
    exchange->closed = (struct grpc_tag){on_closed, exchange};
    exchange->answered = (struct grpc_tag){on_answered, exchange};
    exchange->resumed = (struct grpc_mail){.on_mail = on_resumed, .owner = exchange};
    exchange->deadline_ns = clock_monotonic_ns() + receiver->settings.request_time_max_ns;
    exchange->next = receiver->exchanges;
    if (exchange->next != NULL)
        exchange->next->previous = exchange;
    receiver->exchanges = exchange;
    connection->call_count++;
    connection->pending++;
    const grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                        .data.recv_close_on_server.cancelled = &exchange->cancelled};
    start(exchange, &op, 1, &exchange->closed);
    route(exchange, connection->details.method);
}

/* --- Now and then --------------------------------------------------------------------------- */

static void look_after(struct grpc_exchange *exchange)
{
    struct otlp_grpc_receiver *receiver = exchange->connection->receiver;

    switch (exchange->state) {
    case CALL_GATED:
        leave_gate(exchange);
        fail(exchange, RPC_UNAVAILABLE, 1, "memory for events in flight is short");
        metric_add(receiver->metrics.refused_records[REFUSAL_OVERLOADED], 1);
        answer(exchange);
        break;
    case CALL_RECEIVING:
        exchange->deadline_ns = UINT64_MAX; /* once is enough */
        fail(exchange, RPC_UNAVAILABLE, 1, "the message did not come to its end in time");
        (void)grpc_call_cancel_with_status(exchange->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                           "the message did not come to its end in time", NULL);
        break;
    case CALL_ANSWERING:
        metric_add(receiver->slow_readers, 1);
        exchange->deadline_ns = UINT64_MAX;
        if (exchange->connection->is_tls)
            (void)grpc_call_cancel(exchange->call, NULL); /* the others there may be reading */
        else
            otlp_grpc_connection_end(exchange->connection, true);
        break;
    default:
        break;
    }
}

/* Nothing is freed in it: that takes an event. */
void otlp_grpc_sweep_calls(struct otlp_grpc_receiver *receiver, uint64_t now_ns)
{
    for (struct grpc_exchange *at = receiver->exchanges; at != NULL; at = at->next) {
        if (now_ns >= at->deadline_ns)
            look_after(at);
    }
    otlp_grpc_open_gate(receiver);
}
