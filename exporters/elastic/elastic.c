/* SPDX-License-Identifier: Apache-2.0 */
/* elastic.c -- the exporter for Elasticsearch and OpenSearch: one _bulk request a batch, of
 * `create` actions, which is the only kind that a data stream takes, and the only interface there
 * that answers for each document.
 *
 * elastic_body.h makes the request, elastic_answer.h reads the answer, elastic_server.h knows what
 * the server understands. */
#include <stdlib.h>

#include "elastic_answer.h"
#include "elastic_body.h"
#include "elastic_server.h"
#include "telltale/exporter.h"

enum {
    WORDS_SIZE_LIMIT = 16 * 1024, /* of the decoded texts of one error; longer ones are left away */
};

#define TIMEOUT_NS (UINT64_C(90) * 1000000000)

struct elastic {
    const struct elastic_config *config; /* borrowed */
    struct http_config http;             /* what the client has: with our API key for a token */
    struct http_client *client;          /* owned */
    struct elastic_server server;
    struct elastic_body body;
    struct buf words; /* of errors */
};

static enum status elastic_check(const void *config, struct error *err)
{
    return elastic_config_check(config, err);
}

static const char *elastic_caution(const void *config)
{
    return http_config_caution(&((const struct elastic_config *)config)->http);
}

static void elastic_destroy(void *self_pointer)
{
    struct elastic *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    elastic_body_fini(&self->body);
    buf_fini(&self->words);
    free(self);
}

static enum status elastic_create(const void *config, const struct exporter_context *context,
                                  void **ret_self, struct error *err)
{
    (void)context;
    struct elastic *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create an Elasticsearch exporter");
    struct http_client_settings settings = {.config = &self->http};
    self->config = config;
    self->http = elastic_config_http(self->config, &settings.token_scheme);
    elastic_server_init(&self->server, self->config);
    buf_init(&self->words, WORDS_SIZE_LIMIT);
    enum status st = elastic_body_init(&self->body, self->config, err);
    if (st == ST_OK)
        st = http_client_create(&settings, &self->client, err);
    if (st != ST_OK) {
        elastic_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

static enum export_result elastic_send(void *self_pointer, const struct batch *batch,
                                       uint64_t deadline_ns, struct export_report *report,
                                       struct error *err)
{
    struct elastic *self = self_pointer;
    struct http_response response;

    enum status st = elastic_body_write(&self->body, batch, report, err);
    if (st != ST_OK)
        return EXPORT_RETRY;
    if (elastic_body_count(&self->body) == 0)
        return EXPORT_MIXED; /* no document could be made of any; `err` has the last one's reason */
    *err = (struct error){.status = ST_OK};
    enum export_result result =
        elastic_server_learn(&self->server, self->client, deadline_ns, report, err);
    if (result != EXPORT_DONE)
        return result;
    const struct http_request request = {
        .path = "/_bulk",
        .query = self->server.query,
        .content_type = "application/x-ndjson",
        .body = buf_slice(&self->body.bytes),
    };
    const struct elastic_answer answer = {
        .transport = http_client_send(self->client, &request, deadline_ns, &response, err),
        .response = &response,
        .body = &self->body,
        .record_count = batch->record_count,
        .show_reasons = self->config->error_reasons,
    };
    result = elastic_answer_outcome(&answer, &self->words, report, err);
    if (answer.transport == HTTP_ANSWERED && response.status == 400)
        elastic_server_forget(&self->server);
    return result;
}

static void elastic_cancel(void *self_pointer)
{
    http_client_cancel(((struct elastic *)self_pointer)->client);
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status elastic_tick(void *self_pointer, uint64_t now_unix_ns, struct error *err)
{
    struct elastic *self = self_pointer;

    (void)now_unix_ns;
    (void)err;
    elastic_body_trim(&self->body);
    http_client_trim(self->client);
    return ST_OK;
}

extern const struct exporter_ops exporter_elastic;
const struct exporter_ops exporter_elastic = {
    .name = "elastic",
    .fields = elastic_fields,
    .config_size = sizeof(struct elastic_config),
    .timeout_ns = TIMEOUT_NS,
    .check = elastic_check,
    .caution = elastic_caution,
    .create = elastic_create,
    .send = elastic_send,
    .tick = elastic_tick,
    .cancel = elastic_cancel,
    .destroy = elastic_destroy,
};
