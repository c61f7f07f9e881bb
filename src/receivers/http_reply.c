/* SPDX-License-Identifier: Apache-2.0 */
/* http_reply.c -- see http_reply.h. */
#include "receivers/http_reply.h"

#include <stdio.h>

enum { ANSWER_MAX = 4096 };

unsigned int http_reply_status(const struct http_request *request)
{
    return request->verdict.http_status != 0 ? request->verdict.http_status : MHD_HTTP_OK;
}

static enum status write_body(const struct http_request *request,
                              const struct otlp_intake_result *result, struct buf *body,
                              struct error *err)
{
    const struct http_verdict *verdict = &request->verdict;

    if (verdict->http_status == 0) {
        return http_answer_export(request->encoding, request->signal,
                                  otlp_intake_rejected(result, request->signal), result->message,
                                  body, err);
    }
    if (verdict->is_text)
        return buf_append(body, verdict->message, strlen(verdict->message), err);
    return http_answer_status(request->encoding, verdict->code, verdict->message, body, err);
}

static void add_headers(struct MHD_Response *response, const struct http_request *request)
{
    const struct http_verdict *verdict = &request->verdict;
    const char *type = verdict->is_text ? "text/plain; charset=utf-8"
                                        : http_answer_content_type(request->encoding);
    char seconds[16];

    /* A header that finds no memory is missing: the answer is worth more than that. */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (verdict->http_status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    if (verdict->http_status != 0 && verdict->retry_after_s > 0) {
        snprintf(seconds, sizeof(seconds), "%u", verdict->retry_after_s);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

static enum MHD_Result queue(struct MHD_Connection *connection, const struct http_request *request,
                             const struct buf *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->size, body->data, MHD_RESPMEM_MUST_COPY);

    if (response == NULL)
        return MHD_NO;
    add_headers(response, request);
    enum MHD_Result queued = MHD_queue_response(connection, http_reply_status(request), response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result http_reply_send(struct MHD_Connection *connection,
                                const struct http_request *request,
                                const struct otlp_intake_result *result)
{
    struct buf body;
    struct error ignored;
    enum MHD_Result queued = MHD_NO;

    buf_init(&body, ANSWER_MAX);
    if (write_body(request, result, &body, &ignored) == ST_OK)
        queued = queue(connection, request, &body);
    buf_fini(&body);
    return queued;
}
