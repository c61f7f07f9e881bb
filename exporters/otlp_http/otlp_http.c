/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http.c -- the exporter for OTLP over HTTP: one POST per batch, to the path of its signal.
 *
 * The request is laid end to end from the journal's bytes, or written as JSON; compressing and
 * sending it is the client's (telltale/http_client.h).  What an answer means for the batch stands
 * in otlp_http_outcome.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "otlp_http_config.h"
#include "otlp_http_outcome.h"
#include "telltale/encode.h"
#include "telltale/exporter.h"
#include "telltale/signals.h"

enum {
    REQUEST_SIZE_LIMIT = 72 * 1024 * 1024, /* of our buffer: a batch is far below it */
    WORDS_SIZE_LIMIT = 64 * 1024,          /* of a decoded message; only its beginning is kept */
    IDLE_KEEP_SIZE = 64 * 1024,            /* of buffers, when nothing is to be sent */
};

static const char *const paths[SIGNAL_COUNT] = {
    [SIGNAL_LOGS] = "/v1/logs",
    [SIGNAL_TRACES] = "/v1/traces",
    [SIGNAL_METRICS] = "/v1/metrics",
};

struct otlp_http {
    const struct otlp_http_config *config; /* borrowed */
    struct http_client *client;            /* owned */
    struct buf body;                       /* the request before compression */
    struct buf words;                      /* of answers in JSON */
};

static enum status otlp_http_check(const void *config, struct error *err)
{
    return otlp_http_config_check(config, err);
}

static const char *otlp_http_caution(const void *config)
{
    return http_config_caution(&((const struct otlp_http_config *)config)->http);
}

static unsigned otlp_http_signals(const void *config)
{
    return signals_named(&((const struct otlp_http_config *)config)->signals, NULL);
}

static void otlp_http_destroy(void *self_pointer)
{
    struct otlp_http *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    buf_fini(&self->body);
    buf_fini(&self->words);
    free(self);
}

static enum status otlp_http_create(const void *config, const struct exporter_context *context,
                                    void **ret_self, struct error *err)
{
    (void)context;
    struct otlp_http *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create an OTLP exporter");
    self->config = config;
    buf_init(&self->body, REQUEST_SIZE_LIMIT);
    buf_init(&self->words, WORDS_SIZE_LIMIT);
    const struct http_client_settings settings = {.config = &self->config->http};
    enum status st = http_client_create(&settings, &self->client, err);
    if (st != ST_OK) {
        otlp_http_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* Writes the request; ST_LIMIT: there is more than one record, and they are too much. */
static enum status encode(struct otlp_http *self, const struct batch *batch, struct error *err)
{
    bool in_json = self->config->encoding == OTLP_HTTP_JSON;

    buf_clear(&self->body);
    enum status st = in_json ? encode_otlp_json_request(batch, &self->body, err)
                             : encode_otlp_request(batch, &self->body, err);
    if (st == ST_OK && self->body.size > self->config->http.max_body_size &&
        batch->record_count > 1)
        st = error_set(err, ST_LIMIT, "request of %zu bytes, max_body_size %" PRIu64,
                       self->body.size, self->config->http.max_body_size);
    return st;
}

static enum export_result otlp_http_send(void *self_pointer, const struct batch *batch,
                                         uint64_t deadline_ns, struct export_report *report,
                                         struct error *err)
{
    struct otlp_http *self = self_pointer;
    enum signal signal = batch_signal(batch);
    struct http_response response;

    enum status st = encode(self, batch, err);
    if (st != ST_OK)
        return http_outcome_unsent(st);
    const char *url = otlp_http_config_url(self->config, signal);
    bool in_json = self->config->encoding == OTLP_HTTP_JSON;
    const struct http_request request = {
        .url = url,
        .path = url == NULL ? paths[signal] : NULL,
        .content_type = in_json ? "application/json" : "application/x-protobuf",
        .body = buf_slice(&self->body),
    };
    enum http_transport transport =
        http_client_send(self->client, &request, deadline_ns, &response, err);
    const struct otlp_http_answer answer = {
        .transport = transport,
        .response = &response,
        .asked_in_json = in_json,
        .rejects_bare_500 = self->config->on_bare_500 == OTLP_HTTP_500_DEAD_LETTER,
        .batch = batch,
    };
    return otlp_http_outcome(&answer, &self->words, report, err);
}

static void otlp_http_cancel(void *self_pointer)
{
    http_client_cancel(((struct otlp_http *)self_pointer)->client);
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status otlp_http_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct otlp_http *self = self_pointer;

    (void)now_unix_ns;
    (void)err;
    if (self->body.capacity > IDLE_KEEP_SIZE)
        buf_trim(&self->body, IDLE_KEEP_SIZE);
    http_client_trim(self->client);
    return ST_OK;
}

extern const struct exporter_ops exporter_otlp_http;
const struct exporter_ops exporter_otlp_http = {
    .name = "otlp_http",
    .fields = otlp_http_fields,
    .config_size = sizeof(struct otlp_http_config),
    .signals = SIGNALS_ALL,
    .choose_signals = otlp_http_signals,
    .check = otlp_http_check,
    .caution = otlp_http_caution,
    .create = otlp_http_create,
    .send = otlp_http_send,
    .tick = otlp_http_tick,
    .cancel = otlp_http_cancel,
    .destroy = otlp_http_destroy,
};
