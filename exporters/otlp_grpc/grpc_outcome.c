/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_outcome.c -- see grpc_outcome.h, which has the table. */
#include "grpc_outcome.h"

#include <stdio.h>
#include <string.h>

#include "telltale/otlp_reply.h"
#include "telltale/peer_words.h"

enum verdict {
    VERDICT_DONE,
    VERDICT_RETRY,    /* it may work the next time */
    VERDICT_REPAIR,   /* it will work when somebody has repaired something */
    VERDICT_CAPACITY, /* too much at once, or too large */
    VERDICT_REJECTED, /* the receiver has judged the batch */
    VERDICT_UNCLEAR,  /* the receiver has judged the batch, unless gRPC made the status up */
};

struct code_row {
    const char *name;
    enum verdict verdict;
    const char *hint; /* what to do about it; NULL: nothing to add */
};

static const struct code_row codes[] = {
    [GRPC_STATUS_OK] = {"OK", VERDICT_DONE, NULL},
    [GRPC_STATUS_CANCELLED] = {"CANCELLED", VERDICT_RETRY, NULL},
    [GRPC_STATUS_UNKNOWN] = {"UNKNOWN", VERDICT_UNCLEAR, NULL},
    [GRPC_STATUS_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", VERDICT_REJECTED, NULL},
    [GRPC_STATUS_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", VERDICT_RETRY, NULL},
    [GRPC_STATUS_NOT_FOUND] = {"NOT_FOUND", VERDICT_REPAIR, "check the endpoint"},
    [GRPC_STATUS_ALREADY_EXISTS] = {"ALREADY_EXISTS", VERDICT_REJECTED, NULL},
    [GRPC_STATUS_PERMISSION_DENIED] = {"PERMISSION_DENIED", VERDICT_REPAIR,
                                       "check the token and what it may do"},
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", VERDICT_CAPACITY, NULL},
    [GRPC_STATUS_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", VERDICT_REJECTED, NULL},
    [GRPC_STATUS_ABORTED] = {"ABORTED", VERDICT_RETRY, NULL},
    [GRPC_STATUS_OUT_OF_RANGE] = {"OUT_OF_RANGE", VERDICT_RETRY, NULL},
    [GRPC_STATUS_UNIMPLEMENTED] = {"UNIMPLEMENTED", VERDICT_REPAIR,
                                   "check that the endpoint takes OTLP logs over gRPC, and this "
                                   "compression"},
    [GRPC_STATUS_INTERNAL] = {"INTERNAL", VERDICT_UNCLEAR, NULL},
    [GRPC_STATUS_UNAVAILABLE] = {"UNAVAILABLE", VERDICT_RETRY, NULL},
    [GRPC_STATUS_DATA_LOSS] = {"DATA_LOSS", VERDICT_RETRY, NULL},
    [GRPC_STATUS_UNAUTHENTICATED] = {"UNAUTHENTICATED", VERDICT_REPAIR, "check the token"},
};

/* How the implementations of gRPC word that a message is over the receiver's limit. */
static const char *const size_words[] = {
    "larger than max",
    "exceeds maximum size",
    "exceeds the maximum",
    "too large",
};

/* How gRPC core words a status that no receiver sent. */
static const char *const transport_words[] = {
    "Received http2 header with status",
    "Stream removed",
    "Received RST_STREAM with error code",
};

static const struct code_row *find_row(grpc_status_code code)
{
    size_t index = (size_t)code < COUNT_OF(codes) ? (size_t)code : GRPC_STATUS_UNKNOWN;
    return &codes[index];
}

const char *grpc_outcome_code_name(grpc_status_code code)
{
    return find_row(code)->name;
}

static bool contains_any(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasestr(text, words[i]) != NULL)
            return true;
    }
    return false;
}

static enum export_result done(const struct grpc_outcome_input *input, struct export_report *report)
{
    struct otlp_partial_success partial;
    struct error ignored; /* the batch was accepted; a strange reply does not change that */

    if (otlp_reply_read_partial_success(input->response, &partial, &ignored) != ST_OK) {
        snprintf(report->message, sizeof(report->message), "%s", ignored.text);
        return EXPORT_DONE;
    }
    report->rejected_count =
        (uint32_t)(partial.rejected_count < input->record_count ? partial.rejected_count
                                                                : input->record_count);
    peer_words_copy(report->message, sizeof(report->message), partial.message);
    return EXPORT_DONE;
}

static enum export_result exhausted(const struct grpc_outcome_input *input,
                                    struct export_report *report)
{
    if (input->request_size > GRPC_SPLIT_SIZE_MIN ||
        contains_any(report->message, size_words, COUNT_OF(size_words)))
        return EXPORT_TOO_LARGE;
    report->retry_after_ms = GRPC_RETRY_REPAIR_MS;
    return EXPORT_RETRY;
}

static enum export_result judge(const struct grpc_outcome_input *input, enum verdict verdict,
                                struct export_report *report)
{
    struct otlp_retry_info info = otlp_reply_find_retry_info(input->rpc_status);

    switch (verdict) {
    case VERDICT_RETRY:
        report->retry_after_ms = info.delay_ms;
        return EXPORT_RETRY;
    case VERDICT_CAPACITY:
        if (!info.present)
            return exhausted(input, report);
        report->retry_after_ms = info.delay_ms;
        return EXPORT_RETRY;
    case VERDICT_UNCLEAR:
        if (!contains_any(report->message, transport_words, COUNT_OF(transport_words)))
            return EXPORT_REJECTED;
        report->retry_after_ms = GRPC_RETRY_REPAIR_MS;
        return EXPORT_RETRY;
    case VERDICT_REPAIR:
        report->retry_after_ms = GRPC_RETRY_REPAIR_MS;
        return EXPORT_RETRY;
    case VERDICT_REJECTED:
    case VERDICT_DONE: /* handled by the caller */
        break;
    }
    return EXPORT_REJECTED;
}

static enum status status_of(enum export_result result)
{
    switch (result) {
    case EXPORT_DONE:
        return ST_OK;
    case EXPORT_RETRY:
        return ST_IO;
    case EXPORT_REJECTED:
        return ST_INVALID;
    case EXPORT_TOO_LARGE:
        return ST_LIMIT;
    case EXPORT_MIXED: /* OTLP answers for a request as a whole */
        break;
    }
    return ST_IO;
}

enum export_result grpc_outcome(const struct grpc_outcome_input *input,
                                struct export_report *report, struct error *err)
{
    const struct code_row *row = find_row(input->code);

    if (row->verdict == VERDICT_DONE)
        return done(input, report);

    peer_words_copy(report->message, sizeof(report->message), input->message);
    enum export_result result = judge(input, row->verdict, report);
    (void)error_set(err, status_of(result), "%s%s%s: %s", row->name, row->hint != NULL ? ", " : "",
                    row->hint != NULL ? row->hint : "", report->message);
    return result;
}
