/* SPDX-License-Identifier: Apache-2.0 */
/* counting_sink.c -- see counting_sink.h.  gRPC hands compressed messages over as they came, so
 * that their size on the wire is known; to count records they are inflated here. */
#include "support/counting_sink.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/otlp_count.h"
#include "telltale/buf.h"
#include "util/clock.h"
#include "wire/compress.h"

enum { MESSAGE_MAX = 64 << 20 };

/* One of the sink's threads, with its own events. */
struct server_thread {
    struct counting_sink *sink;
    grpc_completion_queue *cq;
    pthread_t thread;
    struct buf inflated;
};

struct counting_sink {
    grpc_server *server;
    uint64_t latency_ns;
    struct server_thread threads[COUNTING_SINK_THREADS_MAX];
    size_t thread_count;
    void (*visit)(void *context, struct slice record); /* NULL: nobody looks at records */
    void *context;                                     /* borrowed */
    /* shared, atomic */
    _Atomic uint64_t requests;
    _Atomic uint64_t wire_bytes;
    _Atomic uint64_t records;
    _Atomic uint64_t pace; /* records a second; 0: no limit */
};

/* --- Counting -------------------------------------------------------------------------- */

/* As long as these records may take; in short steps, for the pace may change. */
static void wait_for_pace(const struct counting_sink *sink, uint64_t records)
{
    enum { STEP_US = 10000 };
    uint64_t waited_us = 0;

    while (sink->pace != 0 && waited_us < records * 1000000 / sink->pace) {
        (void)usleep(STEP_US);
        waited_us += STEP_US;
    }
}

static void count_message(struct server_thread *self, struct slice message)
{
    struct error err;

    self->sink->requests++;
    self->sink->wire_bytes += message.size;
    if (slice_starts_with(message, SLICE("\x1f\x8b"))) {
        buf_clear(&self->inflated);
        enum status st = content_decode(ENCODING_GZIP, message, &self->inflated, &err);
        ASSERT(st == ST_OK);
        message = buf_slice(&self->inflated);
    }
    const struct record_visitor visitor = {self->sink->visit, self->sink->context};
    uint64_t records = otlp_count_records(message, &visitor);
    self->sink->records += records;
    wait_for_pace(self->sink, records);
}

static void count_buffer(struct server_thread *self, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;

    ASSERT(grpc_byte_buffer_reader_init(&reader, message) != 0);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    count_message(self, slice_of(GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes)));
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
}

/* --- Calls ----------------------------------------------------------------------------- */

/* Waits for the event `tag`; those of calls that were given up may come before it. */
static bool await(struct server_thread *self, void *tag)
{
    grpc_event event;

    do
        event = grpc_completion_queue_next(self->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    while (event.type == GRPC_OP_COMPLETE && event.tag != tag);
    return event.type == GRPC_OP_COMPLETE && event.success != 0;
}

static bool run(struct server_thread *self, grpc_call *call, const grpc_op *ops, size_t count)
{
    return grpc_call_start_batch(call, ops, count, call, NULL) == GRPC_CALL_OK && await(self, call);
}

static void accept_message(struct server_thread *self, grpc_call *call)
{
    grpc_byte_buffer *answer = grpc_raw_byte_buffer_create(NULL, 0);
    int was_cancelled;
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = answer},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server.status = GRPC_STATUS_OK},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &was_cancelled},
    };

    (void)run(self, call, ops, COUNT_OF(ops)); /* the client may have gone: its business */
    grpc_byte_buffer_destroy(answer);
}

static void wait_for_latency(uint64_t ns)
{
    const struct timespec delay = {.tv_sec = (time_t)(ns / NS_PER_S),
                                   .tv_nsec = (long)(ns % NS_PER_S)};

    if (ns > 0)
        (void)nanosleep(&delay, NULL);
}

static void serve(struct server_thread *self, grpc_call *call)
{
    grpc_byte_buffer *message = NULL;
    const grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE,
                             .data.recv_message.recv_message = &message};

    if (run(self, call, &receive, 1) && message != NULL) {
        count_buffer(self, message);
        grpc_byte_buffer_destroy(message);
        wait_for_latency(self->sink->latency_ns);
        accept_message(self, call);
    }
    grpc_call_unref(call);
}

static void *run_sink(void *context)
{
    struct server_thread *self = context;
    bool open = true;

    while (open) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array metadata;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&metadata);
        open = grpc_server_request_call(self->sink->server, &call, &details, &metadata, self->cq,
                                        self->cq, &call) == GRPC_CALL_OK &&
               await(self, &call);
        if (open)
            serve(self, call);
        grpc_metadata_array_destroy(&metadata);
        grpc_call_details_destroy(&details);
    }
    return NULL;
}

/* --- Starting and stopping ---------------------------------------------------------------- */

static void start_thread(struct counting_sink *sink, struct server_thread *self)
{
    self->sink = sink;
    buf_init(&self->inflated, MESSAGE_MAX);
    self->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(sink->server, self->cq, NULL);
}

static struct counting_sink *make_sink(size_t threads)
{
    struct counting_sink *sink = calloc(1, sizeof(*sink));

    ASSERT(sink != NULL && threads > 0 && threads <= COUNTING_SINK_THREADS_MAX);
    sink->thread_count = threads;
    return sink;
}

static struct counting_sink *start(struct counting_sink *sink, const char *address)
{
    grpc_arg list[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
         .value.integer = 0},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = MESSAGE_MAX},
    };
    const grpc_channel_args args = {COUNT_OF(list), list};

    grpc_init();
    sink->server = grpc_server_create(&args, NULL);
    for (size_t i = 0; i < sink->thread_count; i++)
        start_thread(sink, &sink->threads[i]);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(sink->server, address, credentials);
    ASSERT(port > 0);
    grpc_server_credentials_release(credentials);
    grpc_server_start(sink->server);
    for (size_t i = 0; i < sink->thread_count; i++) {
        int failed = pthread_create(&sink->threads[i].thread, NULL, run_sink, &sink->threads[i]);
        ASSERT(failed == 0);
    }
    return sink;
}

struct counting_sink *counting_sink_start(const char *address)
{
    return start(make_sink(1), address);
}

struct counting_sink *counting_sink_start_far(const char *address, size_t threads,
                                              uint64_t latency_ns)
{
    struct counting_sink *sink = make_sink(threads);

    sink->latency_ns = latency_ns;
    return start(sink, address);
}

struct counting_sink *counting_sink_start_visiting(const char *address,
                                                   void (*visit)(void *, struct slice),
                                                   void *context)
{
    struct counting_sink *sink = make_sink(1);

    sink->visit = visit;
    sink->context = context;
    return start(sink, address);
}

void counting_sink_set_pace(struct counting_sink *sink, uint64_t records_per_second)
{
    sink->pace = records_per_second;
}

struct sink_counts counting_sink_read(struct counting_sink *sink)
{
    return (struct sink_counts){sink->requests, sink->wire_bytes, sink->records};
}

static void drop_thread(struct server_thread *self)
{
    grpc_completion_queue_shutdown(self->cq);
    while (grpc_completion_queue_next(self->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(self->cq);
    buf_fini(&self->inflated);
}

void counting_sink_stop(struct counting_sink *sink)
{
    /* The shutdown's own event comes to a queue of its own, whoever waits on the other. */
    grpc_completion_queue *ended = grpc_completion_queue_create_for_pluck(NULL);

    grpc_server_shutdown_and_notify(sink->server, ended, sink);
    grpc_server_cancel_all_calls(sink->server);
    for (size_t i = 0; i < sink->thread_count; i++)
        (void)pthread_join(sink->threads[i].thread, NULL);
    (void)grpc_completion_queue_pluck(ended, sink, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_completion_queue_shutdown(ended);
    grpc_completion_queue_destroy(ended);
    grpc_server_destroy(sink->server);
    for (size_t i = 0; i < sink->thread_count; i++)
        drop_thread(&sink->threads[i]);
    free(sink);
    grpc_shutdown();
}
