/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_link.c -- see grpc_link.h.
 *
 * A completion queue of the plucking kind: the calling thread waits for its own tag, and no
 * thread of ours is needed.  Every operation that was started is waited for before its storage,
 * which is on the stack, goes out of scope.
 *
 * Reconnecting.  A call does not wait for a connection (a dead destination is known at once, and
 * the worker's backoff is the only one that counts).  But gRPC fails calls without trying while
 * its own backoff runs; so when the last attempt failed, the backoff is reset and the new attempt
 * gets RECONNECT_WAIT_MS to succeed before the call is made.
 */
#include "grpc_link.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARGS_MAX = 20,
    CONNECT_TIMEOUT_MS = 5000,
    RECONNECT_INITIAL_MS = 200,
    RECONNECT_MAX_MS = 5000,
    RECONNECT_WAIT_MS = 500,
    RESOLVE_INTERVAL_MS = 5000,
    METADATA_SIZE_MAX = 64 * 1024, /* of what a peer sends us */
};

struct grpc_link {
    grpc_channel *channel;     /* owned */
    grpc_completion_queue *cq; /* owned */
    /* shared, under lock */
    pthread_mutex_t lock;
    grpc_call *call; /* the one under way; borrowed from grpc_link_call() */
    bool cancelled;
};

/* What one call needs until its status is there. */
struct unary {
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *response;
    grpc_status_code code;
    grpc_slice message;
};

struct arg_list {
    grpc_arg items[ARGS_MAX];
    size_t count;
};

/* gRPC takes the names as char * but only copies them. */
static void put_int(struct arg_list *list, const char *key, int value)
{
    ASSERT(list->count < ARGS_MAX);
    list->items[list->count++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static void put_text(struct arg_list *list, const char *key, const char *value)
{
    ASSERT(list->count < ARGS_MAX);
    list->items[list->count++] =
        (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

static int ns_to_ms(uint64_t ns)
{
    uint64_t ms = ns / 1000000;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void fill_args(struct arg_list *list, const struct grpc_link_settings *settings)
{
    put_text(list, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "telltale/" TELLTALE_VERSION);
    /* The worker bounds what it sends; a single record may be larger than any usual limit. */
    put_int(list, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    put_int(list, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)settings->response_size_max);
    put_int(list, GRPC_ARG_MAX_METADATA_SIZE, METADATA_SIZE_MAX);
    put_int(list, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_INITIAL_MS);
    put_int(list, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS); /* that is what it does */
    put_int(list, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    put_int(list, GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RESOLVE_INTERVAL_MS);
    /* The worker retries; a retry inside gRPC would keep copies and could not be counted. */
    put_int(list, GRPC_ARG_ENABLE_RETRIES, 0);
    /* A DNS TXT record must not change how we behave. */
    put_int(list, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    put_int(list, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    put_int(list, GRPC_ARG_ENABLE_HTTP_PROXY, settings->use_proxy ? 1 : 0);
    if (settings->keepalive_time_ns > 0) {
        /* Only while a call is under way: servers hang up on clients that ping in between. */
        put_int(list, GRPC_ARG_KEEPALIVE_TIME_MS, ns_to_ms(settings->keepalive_time_ns));
        put_int(list, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ns_to_ms(settings->keepalive_timeout_ns));
        put_int(list, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
    }
    if (settings->server_name_override != NULL)
        put_text(list, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, settings->server_name_override);
}

enum status grpc_link_open(const struct grpc_link_settings *settings,
                           grpc_channel_credentials *credentials, struct grpc_link **ret,
                           struct error *err)
{
    struct arg_list list = {.count = 0};

    struct grpc_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return error_set(err, ST_NO_MEMORY, "open a gRPC channel");
    fill_args(&list, settings);
    (void)pthread_mutex_init(&link->lock, NULL); /* cannot fail with default attributes */
    const grpc_channel_args args = {list.count, list.items};
    link->cq = grpc_completion_queue_create_for_pluck(NULL);
    link->channel = grpc_channel_create(settings->target, credentials, &args);
    *ret = link;
    return ST_OK;
}

void grpc_link_close(struct grpc_link *link)
{
    if (link == NULL)
        return;
    grpc_channel_destroy(link->channel);
    grpc_completion_queue_shutdown(link->cq); /* nothing is under way: see grpc_link_call() */
    grpc_completion_queue_destroy(link->cq);
    (void)pthread_mutex_destroy(&link->lock); /* nobody holds it */
    free(link);
}

void grpc_link_answer_fini(struct grpc_link_answer *answer)
{
    grpc_slice_unref(answer->message);
    grpc_slice_unref(answer->details);
    grpc_slice_unref(answer->response);
}

static gpr_timespec deadline_of(uint64_t ns)
{
    return gpr_time_from_nanos(ns > INT64_MAX ? INT64_MAX : (int64_t)ns, GPR_CLOCK_MONOTONIC);
}

static void wait_while_reconnecting(struct grpc_link *link, gpr_timespec deadline)
{
    if (grpc_channel_check_connectivity_state(link->channel, 1) != GRPC_CHANNEL_TRANSIENT_FAILURE)
        return;
    grpc_channel_reset_connect_backoff(link->channel);

    gpr_timespec patience = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_millis(RECONNECT_WAIT_MS, GPR_TIMESPAN));
    grpc_channel_watch_connectivity_state(link->channel, GRPC_CHANNEL_TRANSIENT_FAILURE,
                                          gpr_time_min(patience, deadline), link->cq, link);
    /* The watch has a deadline, so the event comes; whether it found anything does not matter. */
    (void)grpc_completion_queue_pluck(link->cq, link, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

static grpc_call_error start(grpc_call *call, const struct grpc_link_request *request,
                             struct unary *unary)
{
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = request->metadata_count,
                                        .metadata = request->metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = request->message},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &unary->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &unary->response},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &unary->trailing,
                                        .status = &unary->code,
                                        .status_details = &unary->message}},
    };
    return grpc_call_start_batch(call, ops, COUNT_OF(ops), unary, NULL);
}

/* gRPC ends a call at its deadline by itself; should it not, the call is cancelled. */
static void finish(struct grpc_link *link, grpc_call *call, void *tag, gpr_timespec deadline)
{
    grpc_event event = grpc_completion_queue_pluck(link->cq, tag, deadline, NULL);

    if (event.type == GRPC_OP_COMPLETE)
        return;
    /* Its status then says so; should it have ended by itself meanwhile, that counts. */
    (void)grpc_call_cancel_with_status(call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                       "no answer by the deadline", NULL);
    event = grpc_completion_queue_pluck(link->cq, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    ASSERT(event.type == GRPC_OP_COMPLETE);
}

static grpc_slice find_details(const grpc_metadata_array *trailing)
{
    for (size_t i = 0; i < trailing->count; i++) {
        /* gRPC core has taken the base64 of "-bin" metadata off. */
        if (grpc_slice_str_cmp(trailing->metadata[i].key, "grpc-status-details-bin") == 0)
            return grpc_slice_ref(trailing->metadata[i].value);
    }
    return grpc_empty_slice();
}

static grpc_slice read_response(grpc_byte_buffer *response)
{
    grpc_byte_buffer_reader reader;

    if (response == NULL || !grpc_byte_buffer_reader_init(&reader, response))
        return grpc_empty_slice();
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return bytes;
}

static void fini(struct unary *unary)
{
    grpc_metadata_array_destroy(&unary->initial);
    grpc_metadata_array_destroy(&unary->trailing);
    if (unary->response != NULL)
        grpc_byte_buffer_destroy(unary->response);
}

/* Shows the call to grpc_link_cancel(), or, with NULL, that it is over. */
static void show_call(struct grpc_link *link, grpc_call *call)
{
    (void)pthread_mutex_lock(&link->lock); /* fails only if we hold it */
    link->call = call;
    if (call != NULL && link->cancelled)
        (void)grpc_call_cancel(call, NULL);  /* it ends with CANCELLED as soon as it begins */
    (void)pthread_mutex_unlock(&link->lock); /* fails only if we do not hold it */
}

void grpc_link_cancel(struct grpc_link *link)
{
    (void)pthread_mutex_lock(&link->lock); /* fails only if we hold it */
    link->cancelled = true;
    if (link->call != NULL)
        (void)grpc_call_cancel(link->call, NULL); /* a call that has ended does not mind */
    (void)pthread_mutex_unlock(&link->lock);      /* fails only if we do not hold it */
}

enum status grpc_link_call(struct grpc_link *link, const struct grpc_link_request *request,
                           uint64_t deadline_ns, struct grpc_link_answer *ret_answer,
                           struct error *err)
{
    gpr_timespec deadline = deadline_of(deadline_ns);
    struct unary unary = {.code = GRPC_STATUS_UNKNOWN, .message = grpc_empty_slice()};
    enum status st = ST_OK;

    wait_while_reconnecting(link, deadline);
    grpc_call *call = grpc_channel_create_call(
        link->channel, NULL, GRPC_PROPAGATE_DEFAULTS, link->cq,
        grpc_slice_from_static_string(request->method), NULL, deadline, NULL);
    show_call(link, call);
    grpc_metadata_array_init(&unary.initial);
    grpc_metadata_array_init(&unary.trailing);
    grpc_call_error refused = start(call, request, &unary);
    if (refused != GRPC_CALL_OK) {
        st = error_set(err, ST_INVALID, "gRPC refuses the call: %s",
                       grpc_call_error_to_string(refused));
        goto out;
    }
    finish(link, call, &unary, deadline);
    ret_answer->code = unary.code;
    ret_answer->message = unary.message;
    ret_answer->details = find_details(&unary.trailing);
    ret_answer->response = read_response(unary.response);
out:
    fini(&unary);
    show_call(link, NULL);
    grpc_call_unref(call);
    return st;
}
