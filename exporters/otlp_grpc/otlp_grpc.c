/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc.c -- the exporter for OTLP over gRPC: one Export call per batch, of the service for its
 * signal.
 *
 * The request is laid end to end from the journal's bytes into a buffer that gRPC borrows.  With
 * compression, libdeflate writes that buffer and gRPC is told that the bytes are gzip already
 * (a raw compressed buffer, and the metadata from which it makes the grpc-encoding header):
 * gRPC's own way is zlib, at twice the cost.
 *
 * What a status means for the batch stands in grpc_outcome.h, which options there are and what
 * they may be in otlp_grpc_config.h.
 */
#include <grpc/byte_buffer.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "grpc_link.h"
#include "grpc_outcome.h"
#include "grpc_payload.h"
#include "grpc_secrets.h"
#include "otlp_grpc_config.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"
#include "telltale/otlp_reply.h"
#include "telltale/signals.h"

enum {
    REQUEST_SIZE_LIMIT = 72 * 1024 * 1024, /* of our buffers: a batch is far below it */
    RESPONSE_SIZE_MAX = 4 * 1024 * 1024,   /* as OTLP says */
    IDLE_KEEP_SIZE = 64 * 1024,            /* of buffers, when nothing is to be sent */
    OWN_HEADERS = 2,                       /* grpc-internal-encoding-request, authorization */
};

static const char *const export_methods[SIGNAL_COUNT] = {
    [SIGNAL_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    [SIGNAL_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    [SIGNAL_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

struct otlp_grpc {
    const struct otlp_grpc_config *config; /* borrowed */
    struct grpc_link *link;                /* owned */
    bool encrypted;
    struct grpc_tls_files tls_files;
    struct libdeflate_compressor *deflate; /* owned; NULL without compression */
    struct buf plain;                      /* the request, when it is to be compressed */
    struct grpc_payload *payload;          /* owned: what goes out */
    struct grpc_token token;               /* path is NULL without one */
    grpc_metadata *metadata;               /* owned: the fixed headers, and room for our own */
    size_t fixed_count;
    pthread_mutex_t lock; /* of `link`, as far as cancel() is concerned, and of: */
    bool cancelled;
};

static enum status otlp_grpc_check(const void *config, struct error *err)
{
    return otlp_grpc_config_check(config, err);
}

/* --- Creation ------------------------------------------------------------------------------- */

/* gRPC core writes its complaints to stderr, where only the daemon's log lines belong; what
 * matters in them comes back as the status of a call. */
static void swallow_log(gpr_log_func_args *args)
{
    (void)args;
}

static enum status make_credentials(struct otlp_grpc *self, const struct grpc_endpoint *endpoint,
                                    grpc_channel_credentials **ret, struct error *err)
{
    self->encrypted = otlp_grpc_config_wants_tls(self->config, endpoint);
    if (self->encrypted)
        return grpc_secrets_load_tls(&self->tls_files, ret, err);
    *ret = grpc_insecure_credentials_create();
    return ST_OK;
}

static void replace_link(struct otlp_grpc *self, struct grpc_link *link)
{
    (void)pthread_mutex_lock(&self->lock); /* fails only if we hold it */
    struct grpc_link *old = self->link;
    self->link = link;
    if (self->cancelled)
        grpc_link_cancel(link);
    (void)pthread_mutex_unlock(&self->lock); /* fails only if we do not hold it */
    grpc_link_close(old);
}

/* Opens a link and puts it into the place of the present one, if there is one. */
static enum status open_link(struct otlp_grpc *self, struct error *err)
{
    const struct otlp_grpc_config *config = self->config;
    struct grpc_endpoint endpoint;
    grpc_channel_credentials *credentials = NULL;
    struct grpc_link *link = NULL;

    enum status st = grpc_endpoint_parse(config->endpoint, &endpoint, err);
    if (st == ST_OK)
        st = make_credentials(self, &endpoint, &credentials, err);
    if (st != ST_OK)
        return st;
    const struct grpc_link_settings settings = {
        .target = endpoint.target,
        .server_name_override = config->tls.server_name_override,
        .use_proxy = !endpoint.is_local,
        .keepalive_time_ns = config->keepalive.time_ns,
        .keepalive_timeout_ns = config->keepalive.timeout_ns,
        .response_size_max = RESPONSE_SIZE_MAX,
    };
    st = grpc_link_open(&settings, credentials, &link, err);
    grpc_channel_credentials_release(credentials);
    if (st != ST_OK)
        return st;
    replace_link(self, link);
    return ST_OK;
}

/* Certificates are replaced long before they expire, so the present link does until the new
 * files are whole. */
static void follow_certificates(struct otlp_grpc *self)
{
    struct error ignored;

    if (self->encrypted && grpc_secrets_tls_changed(&self->tls_files))
        (void)open_link(self, &ignored);
}

static enum status make_headers(struct otlp_grpc *self, struct error *err)
{
    const struct config_text_map *headers = &self->config->headers;

    self->metadata = calloc(headers->count + OWN_HEADERS, sizeof(*self->metadata));
    if (self->metadata == NULL)
        return error_set(err, ST_NO_MEMORY, "make the headers");
    for (size_t i = 0; i < headers->count; i++) {
        self->metadata[i].key = otlp_grpc_config_header_key(headers->pairs[i].key);
        self->metadata[i].value = grpc_slice_from_copied_string(headers->pairs[i].value);
    }
    self->fixed_count = headers->count;
    return ST_OK;
}

static void otlp_grpc_destroy(void *self_pointer)
{
    struct otlp_grpc *self = self_pointer;

    if (self == NULL)
        return;
    grpc_link_close(self->link);
    for (size_t i = 0; i < self->fixed_count; i++) {
        grpc_slice_unref(self->metadata[i].key);
        grpc_slice_unref(self->metadata[i].value);
    }
    free(self->metadata);
    grpc_token_fini(&self->token);
    grpc_payload_release(self->payload);
    buf_fini(&self->plain);
    if (self->deflate != NULL)
        libdeflate_free_compressor(self->deflate);
    (void)pthread_mutex_destroy(&self->lock); /* nobody holds it */
    free(self);
    grpc_shutdown();
}

static enum status build(struct otlp_grpc *self, struct error *err)
{
    enum status st = make_headers(self, err);
    if (st == ST_OK)
        st = grpc_payload_create(REQUEST_SIZE_LIMIT, &self->payload, err);
    if (st == ST_OK)
        st = open_link(self, err);
    if (st != ST_OK || self->config->compression == COMPRESSION_NONE)
        return st;
    self->deflate = libdeflate_alloc_compressor((int)self->config->compression_level);
    if (self->deflate == NULL)
        return error_set(err, ST_NO_MEMORY, "make a compressor");
    return ST_OK;
}

static enum status otlp_grpc_create(const void *config, const struct exporter_context *context,
                                    void **ret_self, struct error *err)
{
    (void)context;
    if (getenv("GRPC_VERBOSITY") == NULL)
        gpr_set_log_function(swallow_log);

    struct otlp_grpc *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create an OTLP exporter");
    grpc_init(); /* counted: each instance has its own */
    self->config = config;
    (void)pthread_mutex_init(&self->lock, NULL); /* cannot fail with default attributes */
    buf_init(&self->plain, REQUEST_SIZE_LIMIT);
    grpc_token_init(&self->token, self->config->token_file);
    self->tls_files = (struct grpc_tls_files){.ca_file = self->config->tls.ca_file,
                                              .cert_file = self->config->tls.cert_file,
                                              .key_file = self->config->tls.key_file};

    enum status st = build(self, err);
    if (st != ST_OK) {
        otlp_grpc_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- Sending -------------------------------------------------------------------------------- */

static enum status compress(struct otlp_grpc *self, struct buf *out, struct error *err)
{
    size_t bound = libdeflate_gzip_compress_bound(self->deflate, self->plain.size);

    enum status st = buf_reserve(out, bound, err);
    if (st != ST_OK)
        return st;
    out->size = libdeflate_gzip_compress(self->deflate, self->plain.data, self->plain.size,
                                         out->data, buf_room(out));
    ASSERT(out->size > 0); /* the bound is large enough for anything */
    return ST_OK;
}

/* Puts the batch into the payload, as it goes out. */
static enum status encode(struct otlp_grpc *self, const struct batch *batch, struct error *err)
{
    enum status st = grpc_payload_renew(&self->payload, err);
    if (st != ST_OK)
        return st;
    struct buf *out = grpc_payload_buf(self->payload);
    if (self->deflate == NULL)
        return encode_otlp_request(batch, out, err);
    buf_clear(&self->plain);
    st = encode_otlp_request(batch, &self->plain, err);
    if (st == ST_OK)
        st = compress(self, out, err);
    return st;
}

/* Puts our own headers behind the fixed ones; returns how many there are in all. */
static size_t add_own_headers(struct otlp_grpc *self)
{
    size_t count = self->fixed_count;

    if (self->deflate != NULL) {
        self->metadata[count].key = grpc_slice_from_static_string("grpc-internal-encoding-request");
        self->metadata[count++].value = grpc_slice_from_static_string("gzip");
    }
    if (self->token.path != NULL) {
        self->metadata[count].key = grpc_slice_from_static_string("authorization");
        self->metadata[count++].value = grpc_slice_from_copied_buffer(
            (const char *)self->token.header.data, self->token.header.size);
    }
    return count;
}

static void drop_own_headers(struct otlp_grpc *self, size_t count)
{
    for (size_t i = self->fixed_count; i < count; i++)
        grpc_slice_unref(self->metadata[i].value); /* the keys are static */
}

static enum status call(struct otlp_grpc *self, enum signal signal, uint64_t deadline_ns,
                        struct grpc_link_answer *ret_answer, struct error *err)
{
    grpc_slice slice = grpc_payload_lend(self->payload);
    grpc_byte_buffer *message =
        self->deflate != NULL
            ? grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP)
            : grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice); /* the byte buffer has its own reference */

    size_t count = add_own_headers(self);
    const struct grpc_link_request request = {export_methods[signal], self->metadata, count,
                                              message};
    enum status st = grpc_link_call(self->link, &request, deadline_ns, ret_answer, err);
    drop_own_headers(self, count);
    grpc_byte_buffer_destroy(message);
    return st;
}

static struct slice slice_of_grpc(const grpc_slice *slice)
{
    return slice_of(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

/* Nothing went out.  What a batch cannot help is tried again; a batch that cannot be encoded
 * is no batch for any destination. */
static enum export_result not_sent(enum status st)
{
    switch (st) {
    case ST_CORRUPT:
        return EXPORT_REJECTED;
    case ST_LIMIT:
        return EXPORT_TOO_LARGE;
    default:
        return EXPORT_RETRY;
    }
}

static enum export_result otlp_grpc_send(void *self_pointer, const struct batch *batch,
                                         uint64_t deadline_ns, struct export_report *report,
                                         struct error *err)
{
    struct otlp_grpc *self = self_pointer;
    struct grpc_link_answer answer;

    size_t request_size = encode_otlp_request_size(batch);
    if (request_size > self->config->max_message_size && batch->record_count > 1) {
        (void)error_set(err, ST_LIMIT, "request of %zu bytes, max_message_size %" PRIu64,
                        request_size, self->config->max_message_size);
        return EXPORT_TOO_LARGE;
    }
    if (self->token.path != NULL && grpc_token_refresh(&self->token, err) != ST_OK) {
        report->retry_after_ms = GRPC_RETRY_REPAIR_MS;
        return EXPORT_RETRY;
    }
    follow_certificates(self);
    enum status st = encode(self, batch, err);
    if (st != ST_OK)
        return not_sent(st);
    report->sent_bytes = grpc_payload_buf(self->payload)->size;
    if (call(self, batch_signal(batch), deadline_ns, &answer, err) != ST_OK)
        return EXPORT_RETRY;

    const struct grpc_outcome_input input = {
        .code = answer.code,
        .message = slice_of_grpc(&answer.message),
        .rpc_status = slice_of_grpc(&answer.details),
        .response = slice_of_grpc(&answer.response),
        .request_size = request_size,
        .record_count = otlp_partial_count(batch),
    };
    enum export_result result = grpc_outcome(&input, report, err);
    report->rejected_count = otlp_partial_records(batch, report->rejected_count);
    grpc_link_answer_fini(&answer);
    return result;
}

static void otlp_grpc_cancel(void *self_pointer)
{
    struct otlp_grpc *self = self_pointer;

    (void)pthread_mutex_lock(&self->lock); /* fails only if we hold it */
    self->cancelled = true;
    grpc_link_cancel(self->link);
    (void)pthread_mutex_unlock(&self->lock); /* fails only if we do not hold it */
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status otlp_grpc_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct otlp_grpc *self = self_pointer;

    (void)now_unix_ns;
    (void)err;
    if (self->plain.capacity > IDLE_KEEP_SIZE)
        buf_trim(&self->plain, IDLE_KEEP_SIZE);
    grpc_payload_trim(self->payload, IDLE_KEEP_SIZE);
    return ST_OK;
}

static unsigned otlp_grpc_signals(const void *config)
{
    return signals_named(&((const struct otlp_grpc_config *)config)->signals, NULL);
}

extern const struct exporter_ops exporter_otlp_grpc;
const struct exporter_ops exporter_otlp_grpc = {
    .name = "otlp_grpc",
    .fields = otlp_grpc_fields,
    .signals = SIGNALS_ALL,
    .choose_signals = otlp_grpc_signals,
    .config_size = sizeof(struct otlp_grpc_config),
    .check = otlp_grpc_check,
    .create = otlp_grpc_create,
    .send = otlp_grpc_send,
    .tick = otlp_grpc_tick,
    .cancel = otlp_grpc_cancel,
    .destroy = otlp_grpc_destroy,
};
