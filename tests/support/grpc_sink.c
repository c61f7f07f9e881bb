/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_sink.c -- see grpc_sink.h.  Messages are not decompressed by gRPC but here, so that a test
 * can tell what came over the wire. */
#include "support/grpc_sink.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "telltale/base.h"

enum { SINK_REQUESTS_MAX = 256, SINK_SCRIPT_MAX = 64, SINK_BODY_MAX = 64 * 1024 * 1024 };

struct grpc_sink {
    grpc_server *server;
    grpc_completion_queue *cq;
    pthread_t thread;
    int port;
    bool discard;
    /* the sink's thread */
    grpc_call *held[SINK_REQUESTS_MAX];
    size_t held_count;
    /* shared, under lock */
    pthread_mutex_t lock;
    struct grpc_sink_answer script[SINK_SCRIPT_MAX];
    size_t script_count;
    size_t script_next;
    struct grpc_sink_request requests[SINK_REQUESTS_MAX];
    size_t request_count;
};

static void copy_slice(char *out, size_t out_size, grpc_slice slice)
{
    snprintf(out, out_size, "%.*s", (int)GRPC_SLICE_LENGTH(slice),
             (const char *)GRPC_SLICE_START_PTR(slice));
}

static struct slice inflate_gzip(struct slice in)
{
    z_stream stream = {.next_in = (uint8_t *)in.data, .avail_in = (uInt)in.size};
    uint8_t *out = malloc(SINK_BODY_MAX);

    ASSERT(out != NULL && inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    stream.next_out = out;
    stream.avail_out = SINK_BODY_MAX;
    ASSERT(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t size = stream.total_out;
    (void)inflateEnd(&stream);
    uint8_t *fitting = realloc(out, size + 1);
    ASSERT(fitting != NULL);
    return slice_of(fitting, size);
}

static void keep_body(struct grpc_sink_request *request, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;

    ASSERT(message != NULL && grpc_byte_buffer_reader_init(&reader, message));
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    struct slice body = slice_of(GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes));
    request->wire_size = body.size;
    request->compressed = slice_starts_with(body, SLICE("\x1f\x8b"));
    if (request->compressed) {
        request->body = inflate_gzip(body);
    } else {
        uint8_t *copy = malloc(body.size + 1);
        ASSERT(copy != NULL);
        if (body.size > 0)
            memcpy(copy, body.data, body.size);
        request->body = slice_of(copy, body.size);
    }
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
}

static void keep_headers(struct grpc_sink_request *request, const grpc_metadata_array *metadata)
{
    for (size_t i = 0; i < metadata->count && i < GRPC_SINK_HEADERS_MAX; i++) {
        struct grpc_sink_header *header = &request->headers[request->header_count++];
        copy_slice(header->key, sizeof(header->key), metadata->metadata[i].key);
        copy_slice(header->value, sizeof(header->value), metadata->metadata[i].value);
    }
}

/* Runs operations to their end.  False: the call is gone. */
static bool run(struct grpc_sink *sink, grpc_call *call, const grpc_op *ops, size_t count)
{
    if (grpc_call_start_batch(call, ops, count, call, NULL) != GRPC_CALL_OK)
        return false;
    grpc_event event =
        grpc_completion_queue_next(sink->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    while (event.type == GRPC_OP_COMPLETE && event.tag != call)
        event = grpc_completion_queue_next(sink->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success != 0;
}

static void answer(struct grpc_sink *sink, grpc_call *call, const struct grpc_sink_answer *script)
{
    grpc_slice words =
        grpc_slice_from_copied_string(script->message != NULL ? script->message : "");
    grpc_slice bytes =
        grpc_slice_from_copied_buffer((const char *)script->response.data, script->response.size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_metadata details = {
        .key = grpc_slice_from_static_string("grpc-status-details-bin"),
        .value =
            grpc_slice_from_copied_buffer((const char *)script->details.data, script->details.size),
    };
    int was_cancelled;
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t count = 1;

    if (script->code == GRPC_STATUS_OK) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = message;
    }
    ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[count].data.send_status_from_server.status = (grpc_status_code)script->code;
    ops[count].data.send_status_from_server.status_details = &words;
    ops[count].data.send_status_from_server.trailing_metadata_count =
        script->details.size > 0 ? 1 : 0;
    ops[count++].data.send_status_from_server.trailing_metadata = &details;
    ops[count].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    ops[count++].data.recv_close_on_server.cancelled = &was_cancelled;
    (void)run(sink, call, ops, count); /* the client may have gone: its business */
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(details.value);
    grpc_slice_unref(bytes);
    grpc_slice_unref(words);
}

static struct grpc_sink_answer next_answer(struct grpc_sink *sink)
{
    struct grpc_sink_answer next = {.code = GRPC_STATUS_OK};

    if (sink->script_count > 0) {
        next = sink->script[sink->script_next];
        if (sink->script_next + 1 < sink->script_count)
            sink->script_next++;
    }
    return next;
}

static void serve(struct grpc_sink *sink, grpc_call *call, const grpc_call_details *details,
                  const grpc_metadata_array *metadata)
{
    struct grpc_sink_request request = {.header_count = 0};
    grpc_byte_buffer *message = NULL;
    const grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE,
                             .data.recv_message.recv_message = &message};

    if (!run(sink, call, &receive, 1) || message == NULL) {
        grpc_call_unref(call);
        return;
    }
    if (!sink->discard) {
        copy_slice(request.path, sizeof(request.path), details->method);
        keep_headers(&request, metadata);
        keep_body(&request, message);
    }
    grpc_byte_buffer_destroy(message);

    (void)pthread_mutex_lock(&sink->lock);
    ASSERT(sink->discard || sink->request_count < SINK_REQUESTS_MAX);
    if (!sink->discard)
        sink->requests[sink->request_count] = request;
    sink->request_count++;
    struct grpc_sink_answer script = next_answer(sink);
    (void)pthread_mutex_unlock(&sink->lock);

    if (script.hold) {
        sink->held[sink->held_count++] = call;
        return;
    }
    answer(sink, call, &script);
    grpc_call_unref(call);
}

/* Takes one call and serves it.  False: the server is shutting down. */
static bool take_call(struct grpc_sink *sink)
{
    grpc_call *call = NULL;
    grpc_call_details details;
    grpc_metadata_array metadata;

    grpc_call_details_init(&details);
    grpc_metadata_array_init(&metadata);
    bool open = grpc_server_request_call(sink->server, &call, &details, &metadata, sink->cq,
                                         sink->cq, &call) == GRPC_CALL_OK;
    while (open) {
        grpc_event event =
            grpc_completion_queue_next(sink->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type != GRPC_OP_COMPLETE || (event.tag == &call && event.success == 0))
            open = false;
        else if (event.tag == &call)
            break;
    }
    if (open)
        serve(sink, call, &details, &metadata);
    grpc_metadata_array_destroy(&metadata);
    grpc_call_details_destroy(&details);
    return open;
}

static void *run_sink(void *context)
{
    struct grpc_sink *sink = context;

    while (take_call(sink))
        ;
    for (size_t i = 0; i < sink->held_count; i++)
        grpc_call_unref(sink->held[i]);
    return NULL;
}

static grpc_server_credentials *make_credentials(const struct grpc_sink_settings *settings)
{
    if (settings->cert == NULL)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {settings->key, settings->cert};
    return grpc_ssl_server_credentials_create_ex(
        settings->client_ca, &pair, 1,
        settings->client_ca != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
}

struct grpc_sink *grpc_sink_start(const struct grpc_sink_settings *settings)
{
    grpc_arg list[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
         .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = 4 * 1024 * 1024},
    };
    const grpc_channel_args args = {COUNT_OF(list), list};

    struct grpc_sink *sink = calloc(1, sizeof(*sink));
    ASSERT(sink != NULL);
    grpc_init();
    sink->discard = settings->discard;
    (void)pthread_mutex_init(&sink->lock, NULL);
    sink->server = grpc_server_create(&args, NULL);
    sink->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(sink->server, sink->cq, NULL);
    grpc_server_credentials *credentials = make_credentials(settings);
    sink->port = grpc_server_add_http2_port(sink->server, settings->address, credentials);
    ASSERT(sink->port > 0);
    grpc_server_credentials_release(credentials);
    grpc_server_start(sink->server);
    ASSERT(pthread_create(&sink->thread, NULL, run_sink, sink) == 0);
    return sink;
}

void grpc_sink_stop_with(struct grpc_sink *sink,
                         void (*visit)(struct grpc_sink *sink, bool *context), bool *context)
{
    /* The shutdown's own event comes to a queue of its own, whoever is waiting on the other. */
    grpc_completion_queue *cq = grpc_completion_queue_create_for_pluck(NULL);
    grpc_server_shutdown_and_notify(sink->server, cq, sink);
    grpc_server_cancel_all_calls(sink->server);
    (void)pthread_join(sink->thread, NULL);
    (void)grpc_completion_queue_pluck(cq, sink, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_destroy(cq);
    grpc_server_destroy(sink->server);
    grpc_completion_queue_shutdown(sink->cq);
    while (grpc_completion_queue_next(sink->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(sink->cq);
    if (visit != NULL)
        visit(sink, context);
    for (size_t i = 0; i < sink->request_count && !sink->discard; i++)
        free((uint8_t *)sink->requests[i].body.data);
    (void)pthread_mutex_destroy(&sink->lock);
    free(sink);
    grpc_shutdown();
}

void grpc_sink_stop(struct grpc_sink *sink)
{
    if (sink != NULL)
        grpc_sink_stop_with(sink, NULL, NULL);
}

int grpc_sink_port(const struct grpc_sink *sink)
{
    return sink->port;
}

void grpc_sink_script(struct grpc_sink *sink, const struct grpc_sink_answer *answers, size_t count)
{
    ASSERT(count > 0 && count <= SINK_SCRIPT_MAX);
    (void)pthread_mutex_lock(&sink->lock);
    memcpy(sink->script, answers, count * sizeof(*answers));
    sink->script_count = count;
    sink->script_next = 0;
    (void)pthread_mutex_unlock(&sink->lock);
}

size_t grpc_sink_count(struct grpc_sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    size_t count = sink->request_count;
    (void)pthread_mutex_unlock(&sink->lock);
    return count;
}

const struct grpc_sink_request *grpc_sink_request(struct grpc_sink *sink, size_t index)
{
    ASSERT(index < grpc_sink_count(sink));
    return &sink->requests[index];
}

const char *grpc_sink_header(const struct grpc_sink_request *request, const char *key)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].key, key) == 0)
            return request->headers[i].value;
    }
    return NULL;
}
