/* SPDX-License-Identifier: Apache-2.0 */
/* http_intake.c -- the exporter for every HTTP intake that has none of its own: what the bodies
 * are, how they are authorized and what answers mean is said by the configuration
 * (docs/INTAKES.md).
 *
 * A request has as many records of the batch as the limits allow; the others come again at once.
 * Where an answer refuses a request of several records the batch is halved until the one that is
 * meant stands alone; of what was taken meanwhile nothing is sent again but for intakes that take a
 * part of what they refuse. */
#include <stdlib.h>

#include "intake_answer.h"
#include "intake_auth.h"
#include "intake_body.h"
#include "telltale/clocks.h"

enum {
    WORDS_SIZE_LIMIT = 64 * 1024, /* of a member of an answer */
    HTTP_UNAUTHORIZED = 401,
};

struct intake {
    struct intake_plan plan;
    struct http_client *client; /* owned */
    struct intake_body body;
    struct intake_auth auth;
    struct buf words; /* of answers */
};

static enum status intake_check(const void *config, struct error *err)
{
    struct intake_plan *plan = malloc(sizeof(*plan));
    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "check an HTTP exporter");
    enum status st = intake_plan_make(config, plan, err);
    free(plan);
    return st;
}

static const char *intake_caution(const void *config)
{
    return http_config_caution(&((const struct intake_config *)config)->http);
}

static void intake_destroy(void *self_pointer)
{
    struct intake *self = self_pointer;

    if (self == NULL)
        return;
    http_client_destroy(self->client);
    intake_body_fini(&self->body);
    intake_auth_fini(&self->auth);
    buf_fini(&self->words);
    free(self);
}

static enum status build(struct intake *self, const void *config, struct error *err)
{
    const struct http_client_settings settings = {.config = &self->plan.http};

    enum status st = intake_plan_make(config, &self->plan, err);
    if (st == ST_OK)
        st = intake_body_init(&self->body, &self->plan, err);
    if (st == ST_OK)
        st = intake_auth_init(&self->auth, &self->plan, err);
    return st != ST_OK ? st : http_client_create(&settings, &self->client, err);
}

static enum status intake_create(const void *config, const struct exporter_context *context,
                                 void **ret_self, struct error *err)
{
    (void)context;
    struct intake *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return error_set(err, ST_NO_MEMORY, "create an HTTP exporter");
    buf_init(&self->words, WORDS_SIZE_LIMIT);
    enum status st = build(self, config, err);
    if (st != ST_OK) {
        intake_destroy(self);
        return st;
    }
    *ret_self = self;
    return ST_OK;
}

/* --- A request ------------------------------------------------------------------------------- */

/* *ret_status: 0 without an answer. */
static enum export_result post(struct intake *self, uint64_t deadline_ns, int *ret_status,
                               struct export_report *report, struct error *err)
{
    const struct intake_plan *plan = &self->plan;
    struct http_request request = {
        .method = plan->method,
        .path = plan->path[0] != 0 ? plan->path : NULL,
        .query = plan->query,
        .content_type = plan->content_type,
        .body = intake_body_bytes(&self->body),
    };
    struct http_response response;

    *ret_status = 0;
    enum export_result ready = intake_auth_prepare(&self->auth, deadline_ns, &request, report, err);
    if (ready != EXPORT_DONE)
        return ready;
    enum http_transport transport =
        http_client_send(self->client, &request, deadline_ns, &response, err);
    *ret_status = response.status;
    return intake_answer_judge(plan, transport, &response, &self->words, report, err);
}

/* With a token that is not wanted any more the request is made once again. */
static enum export_result post_authorized(struct intake *self, uint64_t deadline_ns,
                                          struct export_report *report, struct error *err)
{
    int status;

    enum export_result result = post(self, deadline_ns, &status, report, err);
    if (status != HTTP_UNAUTHORIZED || !intake_auth_renew(&self->auth))
        return result;
    report->retry_after_ms = 0;
    *err = (struct error){.status = ST_OK};
    return post(self, deadline_ns, &status, report, err);
}

static enum export_result tell_items(const struct intake *self, const struct batch *batch,
                                     enum item_outcome outcome, const char *words,
                                     struct export_report *report)
{
    const struct intake_body *body = &self->body;

    for (size_t i = 0; i < body->count; i++)
        report->tell(report, body->records[i], outcome, words);
    for (size_t i = body->end; i < batch->record_count; i++)
        report->tell(report, i, ITEM_AGAIN, NULL);
    return EXPORT_MIXED;
}

/* From the request to the batch, which may have more records. */
static enum export_result settle(const struct intake *self, const struct batch *batch,
                                 enum export_result result, struct export_report *report,
                                 struct error *err)
{
    const struct intake_body *body = &self->body;
    bool is_whole = body->count == batch->record_count;

    switch (result) {
    case EXPORT_DONE:
        return is_whole ? EXPORT_DONE : tell_items(self, batch, ITEM_DONE, NULL, report);
    case EXPORT_REJECTED:
    case EXPORT_TOO_LARGE:
        if (is_whole || body->count > 1)
            return result;
        return tell_items(self, batch, result == EXPORT_REJECTED ? ITEM_REJECTED : ITEM_TOO_LARGE,
                          err->text, report);
    default:
        return result;
    }
}

static enum export_result intake_send(void *self_pointer, const struct batch *batch,
                                      uint64_t deadline_ns, struct export_report *report,
                                      struct error *err)
{
    struct intake *self = self_pointer;

    enum status st = intake_body_fill(&self->body, batch, clock_unix_ns(), report, err);
    if (st != ST_OK)
        return http_outcome_unsent(st);
    if (self->body.count == 0)
        return EXPORT_MIXED; /* every record was told of */
    enum export_result result = post_authorized(self, deadline_ns, report, err);
    return settle(self, batch, result, report, err);
}

static void intake_cancel(void *self_pointer)
{
    struct intake *self = self_pointer;

    http_client_cancel(self->client);
    intake_auth_cancel(&self->auth);
}

/* Nothing to send: a burst's buffers need not stay. */
static enum status intake_tick(void *self_pointer, uint64_t unix_ns, struct error *err)
{
    struct intake *self = self_pointer;

    (void)unix_ns;
    (void)err;
    intake_body_trim(&self->body);
    http_client_trim(self->client);
    return ST_OK;
}

extern const struct exporter_ops exporter_http;
const struct exporter_ops exporter_http = {
    .name = "http",
    .fields = intake_fields,
    .config_size = sizeof(struct intake_config),
    .check = intake_check,
    .caution = intake_caution,
    .create = intake_create,
    .send = intake_send,
    .tick = intake_tick,
    .cancel = intake_cancel,
    .destroy = intake_destroy,
};
