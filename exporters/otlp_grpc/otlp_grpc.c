/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc.c -- the exporter for OTLP over gRPC: one Export call per batch.
 *
 * The request is laid end to end from the journal's bytes into a buffer that gRPC borrows.  With
 * compression, libdeflate writes that buffer and gRPC is told that the bytes are gzip already
 * (a raw compressed buffer, and the metadata from which it makes the grpc-encoding header):
 * gRPC's own way is zlib, at twice the cost.
 *
 * Plain text is spoken to this machine only (loopback, Unix sockets), unless the configuration
 * says tls.insecure.  What a status means for the batch stands in grpc_outcome.h.
 */
#include <grpc/byte_buffer.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grpc_endpoint.h"
#include "grpc_link.h"
#include "grpc_outcome.h"
#include "grpc_payload.h"
#include "grpc_secrets.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"

enum {
    REQUEST_SIZE_LIMIT = 72 * 1024 * 1024, /* of our buffers: a batch is far below it */
    RESPONSE_SIZE_MAX = 4 * 1024 * 1024,   /* as OTLP says */
    IDLE_KEEP_SIZE = 64 * 1024,            /* of buffers, when nothing is to be sent */
    HEADERS_MAX = 64,
    OWN_HEADERS = 2, /* grpc-internal-encoding-request, authorization */
};

static const char export_method[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP };

struct tls_config {
    bool insecure;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const char *server_name_override;
};

struct keepalive_config {
    uint64_t time_ns;
    uint64_t timeout_ns;
};

struct otlp_grpc_config {
    const char *endpoint;
    struct tls_config tls;
    struct config_text_map headers;
    const char *token_file;
    int compression; /* enum compression */
    uint64_t compression_level;
    struct keepalive_config keepalive;
    uint64_t max_message_size;
};

struct otlp_grpc {
    const struct otlp_grpc_config *config; /* borrowed */
    struct grpc_link *link;                /* owned */
    struct libdeflate_compressor *deflate; /* owned; NULL without compression */
    struct buf plain;                      /* the request, when it is to be compressed */
    struct grpc_payload *payload;          /* owned: what goes out */
    struct grpc_token token;               /* path is NULL without one */
    grpc_metadata *metadata;               /* owned: the fixed headers, and room for our own */
    size_t fixed_count;
};

/* --- Configuration -------------------------------------------------------------------------- */

static const char *const compression_choices[] = {"none", "gzip", NULL};

static const struct config_field tls_fields[] = {
    {.key = "insecure",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct tls_config, insecure),
     .default_text = "false",
     .help = "Speak plain text to a host that is not this one."},
    {.key = "ca_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, ca_file),
     .help = "Certificates (PEM) that the server's must descend from; the system's when absent."},
    {.key = "cert_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, cert_file),
     .help = "Our own certificate chain (PEM), for servers that ask for one."},
    {.key = "key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct tls_config, key_file),
     .help = "The private key (PEM) of cert_file."},
    {.key = "server_name_override",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct tls_config, server_name_override),
     .help = "The name that the server's certificate must bear, if it is not the endpoint's host."},
    {.key = NULL},
};

static const struct config_field keepalive_fields[] = {
    {.key = "time",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct keepalive_config, time_ns),
     .min = UINT64_C(10000000000),
     .max = UINT64_C(86400000000000),
     .default_text = "5m",
     .help = "Ping the server when a call has been quiet for this long. Many servers hang up on "
             "clients that ping more often than every 5 minutes."},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct keepalive_config, timeout_ns),
     .min = UINT64_C(1000000000),
     .max = UINT64_C(600000000000),
     .default_text = "20s",
     .help = "Give the connection up when nothing comes back for this long."},
    {.key = NULL},
};

static const struct config_field fields[] = {
    {.key = "endpoint",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct otlp_grpc_config, endpoint),
     .required = true,
     .help = "host:port (4317 when no port is given), with http:// or https:// if you like, or "
             "unix:/path."},
    {.key = "tls",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct otlp_grpc_config, tls),
     .fields = tls_fields,
     .help = "Used for every endpoint that is not on this machine; and there, with https:// or "
             "ca_file."},
    {.key = "headers",
     .type = CONFIG_TEXT_MAP,
     .offset = offsetof(struct otlp_grpc_config, headers),
     .secret = true,
     .help = "Metadata that goes with every request."},
    {.key = "token_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct otlp_grpc_config, token_file),
     .help = "A file with a token that is sent as 'authorization: Bearer TOKEN'. It is read again "
             "when it changes."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct otlp_grpc_config, compression),
     .choices = compression_choices,
     .default_text = "gzip",
     .help = "How requests are compressed."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct otlp_grpc_config, compression_level),
     .min = 1,
     .max = 12,
     .default_text = "1",
     .help = "From 1, the fastest, to 12, the smallest."},
    {.key = "keepalive",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct otlp_grpc_config, keepalive),
     .fields = keepalive_fields,
     .help = "How a dead connection is noticed."},
    {.key = "max_message_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct otlp_grpc_config, max_message_size),
     .min = 4096,
     .max = 64 * 1024 * 1024,
     .default_text = "3584KiB",
     .help = "Requests of more than one record are split above this, measured before compression. "
             "Most servers refuse more than 4 MiB."},
    {.key = NULL},
};

static bool wants_tls(const struct otlp_grpc_config *config, const struct grpc_endpoint *endpoint)
{
    if (endpoint->scheme != GRPC_SCHEME_NONE)
        return endpoint->scheme == GRPC_SCHEME_HTTPS;
    if (config->tls.insecure)
        return false;
    return !endpoint->is_local || config->tls.ca_file != NULL || config->tls.cert_file != NULL;
}

static enum status check_tls(const struct otlp_grpc_config *config,
                             const struct grpc_endpoint *endpoint, struct error *err)
{
    const struct tls_config *tls = &config->tls;

    if ((tls->cert_file == NULL) != (tls->key_file == NULL))
        return error_set(err, ST_INVALID, "tls.cert_file and tls.key_file go together");
    if (tls->insecure && endpoint->scheme == GRPC_SCHEME_HTTPS)
        return error_set(err, ST_INVALID, "tls.insecure contradicts https://");
    if (wants_tls(config, endpoint))
        return ST_OK;
    if (!endpoint->is_local && !tls->insecure) {
        return error_set(err, ST_INVALID,
                         "plain text to another host needs tls.insecure: true; '%s' is not on "
                         "this machine",
                         config->endpoint);
    }
    if (tls->ca_file != NULL || tls->cert_file != NULL || tls->server_name_override != NULL) {
        return error_set(err, ST_INVALID,
                         "certificates and names have no use in plain text; say https://");
    }
    return ST_OK;
}

static bool is_reserved(const char *key)
{
    static const char *const names[] = {"content-type", "te", "user-agent", "host", "connection"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcasecmp(key, names[i]) == 0)
            return true;
    }
    size_t size = strlen(key);
    return strncasecmp(key, "grpc-", 5) == 0 || key[0] == ':' ||
           (size >= 4 && strcasecmp(key + size - 4, "-bin") == 0);
}

/* HTTP/2 has names in lower case; people write them as they like. */
static grpc_slice lower_case(const char *key)
{
    grpc_slice slice = grpc_slice_from_copied_string(key);

    for (size_t i = 0; i < GRPC_SLICE_LENGTH(slice); i++) {
        uint8_t *byte = GRPC_SLICE_START_PTR(slice) + i;
        if (*byte >= 'A' && *byte <= 'Z')
            *byte = (uint8_t)(*byte + ('a' - 'A'));
    }
    return slice;
}

static enum status check_header(const struct config_text_pair *pair, bool has_token,
                                struct error *err)
{
    grpc_slice key = lower_case(pair->key);
    grpc_slice value = grpc_slice_from_static_string(pair->value);
    bool key_ok = grpc_header_key_is_legal(key) != 0 && !is_reserved(pair->key);
    bool value_ok = grpc_header_nonbin_value_is_legal(value) != 0;

    grpc_slice_unref(key);
    if (!key_ok)
        return error_set(err, ST_INVALID, "headers: '%s' cannot be set", pair->key);
    if (!value_ok)
        return error_set(err, ST_INVALID, "headers: the value of '%s' is not ASCII text",
                         pair->key);
    if (has_token && strcasecmp(pair->key, "authorization") == 0)
        return error_set(err, ST_INVALID,
                         "headers: 'authorization' and token_file exclude another");
    return ST_OK;
}

static enum status check_headers(const struct otlp_grpc_config *config, struct error *err)
{
    if (config->headers.count > HEADERS_MAX) {
        return error_set(err, ST_LIMIT, "headers: %zu of them, limit %d", config->headers.count,
                         HEADERS_MAX);
    }
    for (size_t i = 0; i < config->headers.count; i++) {
        enum status st = check_header(&config->headers.pairs[i], config->token_file != NULL, err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status otlp_grpc_check(const void *config_struct, struct error *err)
{
    const struct otlp_grpc_config *config = config_struct;
    struct grpc_endpoint endpoint;

    enum status st = grpc_endpoint_parse(config->endpoint, &endpoint, err);
    if (st == ST_OK)
        st = check_tls(config, &endpoint, err);
    if (st == ST_OK)
        st = check_headers(config, err);
    return st;
}

/* --- Creation ------------------------------------------------------------------------------- */

/* gRPC core writes its complaints to stderr, where only the daemon's log lines belong; what
 * matters in them comes back as the status of a call. */
static void swallow_log(gpr_log_func_args *args)
{
    (void)args;
}

static enum status open_link(struct otlp_grpc *self, struct error *err)
{
    const struct otlp_grpc_config *config = self->config;
    struct grpc_endpoint endpoint;
    grpc_channel_credentials *credentials;

    enum status st = grpc_endpoint_parse(config->endpoint, &endpoint, err);
    if (st != ST_OK)
        return st;
    if (wants_tls(config, &endpoint)) {
        const struct grpc_tls_files files = {config->tls.ca_file, config->tls.cert_file,
                                             config->tls.key_file};
        st = grpc_secrets_load_tls(&files, &credentials, err);
        if (st != ST_OK)
            return st;
    } else {
        credentials = grpc_insecure_credentials_create();
    }
    const struct grpc_link_settings settings = {
        .target = endpoint.target,
        .server_name_override = config->tls.server_name_override,
        .use_proxy = !endpoint.is_local,
        .keepalive_time_ns = config->keepalive.time_ns,
        .keepalive_timeout_ns = config->keepalive.timeout_ns,
        .response_size_max = RESPONSE_SIZE_MAX,
    };
    st = grpc_link_open(&settings, credentials, &self->link, err);
    grpc_channel_credentials_release(credentials);
    return st;
}

static enum status make_headers(struct otlp_grpc *self, struct error *err)
{
    const struct config_text_map *headers = &self->config->headers;

    self->metadata = calloc(headers->count + OWN_HEADERS, sizeof(*self->metadata));
    if (self->metadata == NULL)
        return error_set(err, ST_NO_MEMORY, "make the headers");
    for (size_t i = 0; i < headers->count; i++) {
        self->metadata[i].key = lower_case(headers->pairs[i].key);
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
    buf_init(&self->plain, REQUEST_SIZE_LIMIT);
    grpc_token_init(&self->token, self->config->token_file);

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

static enum status call(struct otlp_grpc *self, uint64_t deadline_ns,
                        struct grpc_link_answer *ret_answer, struct error *err)
{
    grpc_slice slice = grpc_payload_lend(self->payload);
    grpc_byte_buffer *message =
        self->deflate != NULL
            ? grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP)
            : grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice); /* the byte buffer has its own reference */

    size_t count = add_own_headers(self);
    const struct grpc_link_request request = {export_method, self->metadata, count, message};
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
    enum status st = encode(self, batch, err);
    if (st != ST_OK)
        return not_sent(st);
    report->sent_bytes = grpc_payload_buf(self->payload)->size;
    if (call(self, deadline_ns, &answer, err) != ST_OK)
        return EXPORT_RETRY;

    const struct grpc_outcome_input input = {
        .code = answer.code,
        .message = slice_of_grpc(&answer.message),
        .rpc_status = slice_of_grpc(&answer.details),
        .response = slice_of_grpc(&answer.response),
        .request_size = request_size,
        .record_count = batch->record_count,
    };
    enum export_result result = grpc_outcome(&input, report, err);
    grpc_link_answer_fini(&answer);
    return result;
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

extern const struct exporter_ops exporter_otlp_grpc;
const struct exporter_ops exporter_otlp_grpc = {
    .name = "otlp_grpc",
    .fields = fields,
    .config_size = sizeof(struct otlp_grpc_config),
    .check = otlp_grpc_check,
    .create = otlp_grpc_create,
    .send = otlp_grpc_send,
    .tick = otlp_grpc_tick,
    .destroy = otlp_grpc_destroy,
};
