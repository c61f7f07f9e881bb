/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_outcome.c -- see otlp_http_outcome.h. */
#include "otlp_http_outcome.h"

#include <stdio.h>
#include <string.h>

#include "telltale/otlp_reply.h"
#include "telltale/peer_words.h"

static const struct http_rule judged = {500, 500, HTTP_VERDICT_REJECTED, NULL};
static const struct http_rule unjudged = {500, 500, HTTP_VERDICT_REPAIR,
                                          "no word on the batch: something broke there; if "
                                          "it is one record, see on_bare_500"};

enum form { FORM_PROTOBUF, FORM_JSON, FORM_OTHER };

static enum form form_of(const struct otlp_http_answer *answer)
{
    const char *type = answer->response->type;

    if (strcmp(type, "application/x-protobuf") == 0 || strcmp(type, "application/protobuf") == 0)
        return FORM_PROTOBUF;
    if (strcmp(type, "application/json") == 0)
        return FORM_JSON;
    if (type[0] != 0)
        return FORM_OTHER;
    return answer->asked_in_json ? FORM_JSON : FORM_PROTOBUF;
}

/* The request was accepted; a strange reply does not change that. */
static void take_partial_success(const struct otlp_http_answer *answer, struct buf *text,
                                 struct export_report *report)
{
    struct slice body = answer->response->body;
    struct otlp_partial_success partial = {.rejected_count = 0};
    struct error odd = {.status = ST_OK};
    enum form form = form_of(answer);
    enum status st = ST_OK;

    report->message[0] = 0;
    if (answer->response->is_cut) {
        snprintf(report->message, sizeof(report->message),
                 "its answer is compressed or too long to be read");
        return;
    }
    if (form == FORM_JSON)
        st = otlp_reply_read_partial_success_json(body, text, &partial, &odd);
    else if (form == FORM_PROTOBUF)
        st = otlp_reply_read_partial_success(body, &partial, &odd);
    if (st != ST_OK) {
        snprintf(report->message, sizeof(report->message), "%s", odd.text);
        return;
    }
    report->rejected_count = otlp_partial_records(answer->batch, partial.rejected_count);
    peer_words_copy(report->message, sizeof(report->message), partial.message);
}

static bool read_status(const struct otlp_http_answer *answer, struct buf *text,
                        struct otlp_rpc_status *ret)
{
    switch (form_of(answer)) {
    case FORM_PROTOBUF:
        return otlp_reply_read_status(answer->response->body, ret);
    case FORM_JSON:
        return otlp_reply_read_status_json(answer->response->body, text, ret);
    case FORM_OTHER:
        break;
    }
    return false;
}

enum export_result otlp_http_outcome(const struct otlp_http_answer *answer, struct buf *text,
                                     struct export_report *report, struct error *err)
{
    struct http_response response = *answer->response;
    struct otlp_rpc_status status = {.message = SLICE_EMPTY};
    struct http_outcome_input input = {
        .transport = answer->transport,
        .response = &response,
        .rules = answer->rejects_bare_500 ? &judged : &unjudged,
        .rule_count = 1,
    };

    if (answer->transport != HTTP_ANSWERED)
        return http_outcome(&input, report, err);
    if (read_status(answer, text, &status)) {
        input.rules = &judged;
        input.words = status.message;
        if (!response.has_retry_after)
            response.retry_after_ms = status.retry.delay_ms;
    }
    enum export_result result = http_outcome(&input, report, err);
    if (result == EXPORT_DONE)
        take_partial_success(answer, text, report);
    return result;
}
