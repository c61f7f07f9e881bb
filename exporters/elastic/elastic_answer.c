/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_answer.c -- see elastic_answer.h, which has the table. */
#include "elastic_answer.h"

#include <stdio.h>

#include "telltale/bulk_reply.h"
#include "telltale/peer_words.h"

#define NOT_SHOWN "what it said may quote records: error_reasons shows it"

/* --- One item -------------------------------------------------------------------------------- */

enum verdict { DONE, PUT_ASIDE, RETRY, REPAIR, TOO_LARGE, REJECTED, VERDICT_COUNT };

/* Errors that come with 400, and are about the index and not about the record. */
static const char *const index_errors[] = {
    "validation_exception", /* too many shards in the cluster */
    "index_closed_exception",
    "invalid_index_name_exception",
    "cluster_block_exception",
};

/* The same where only the reason says it. */
static const char *const index_reasons[] = {
    "pipeline with id [", /* does not exist */
    "no write index is defined for alias [",
    "only write ops with an op_type of create are allowed in data streams",
};

static bool is_about_index(const struct bulk_item *item)
{
    for (size_t i = 0; i < COUNT_OF(index_errors); i++) {
        if (slice_equal(item->type, slice_of_text(index_errors[i])))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(index_reasons); i++) {
        if (slice_starts_with(item->reason, slice_of_text(index_reasons[i])))
            return true;
    }
    return false;
}

static enum verdict judge(const struct bulk_item *item)
{
    switch (item->status) {
    case 409:
        return DONE;
    case 401:
    case 403:
    case 404:
        return REPAIR;
    case 408:
    case 429:
        return RETRY;
    case 413:
        return TOO_LARGE;
    case 400:
        return is_about_index(item) ? REPAIR : REJECTED;
    default:
        break;
    }
    if (item->status >= 200 && item->status <= 299)
        return item->is_in_failure_store ? PUT_ASIDE : DONE;
    return item->status >= 400 && item->status <= 499 ? REJECTED : RETRY;
}

static enum item_outcome outcome_of(enum verdict verdict)
{
    static const enum item_outcome outcomes[VERDICT_COUNT] = {
        [DONE] = ITEM_DONE,    [PUT_ASIDE] = ITEM_DONE,      [RETRY] = ITEM_RETRY,
        [REPAIR] = ITEM_RETRY, [TOO_LARGE] = ITEM_TOO_LARGE, [REJECTED] = ITEM_REJECTED,
    };
    return outcomes[verdict];
}

/* --- All items ------------------------------------------------------------------------------- */

struct reading {
    const struct elastic_answer *answer;
    struct export_report *report;
    size_t counts[VERDICT_COUNT];
    char again[ITEM_WORDS_MAX + 1]; /* why records come again: of the first one, or the worst */
};

/* "400 document_parsing_exception" */
static void describe(const struct bulk_item *item, bool show_reason, char *out, size_t out_size)
{
    struct slice reason = show_reason ? item->reason : SLICE_EMPTY;
    char type[ITEM_WORDS_MAX / 2];
    char shown[ITEM_WORDS_MAX + 1];

    peer_words_copy(type, sizeof(type), item->type);
    peer_words_copy(shown, sizeof(shown), reason);
    snprintf(out, out_size, "%u%s%s%s%s", item->status, type[0] != 0 ? " " : "", type,
             shown[0] != 0 ? ": " : "", shown);
}

static void on_item(void *context, size_t index, const struct bulk_item *item)
{
    struct reading *reading = context;
    struct export_report *report = reading->report;
    const struct elastic_answer *answer = reading->answer;
    enum verdict verdict = judge(item);
    size_t position = elastic_body_position(answer->body, index);
    char words[ITEM_WORDS_MAX + 1];

    reading->counts[verdict]++;
    if (verdict == DONE || verdict == PUT_ASIDE) {
        report->tell(report, position, ITEM_DONE, NULL);
        return;
    }
    describe(item, answer->show_reasons, words, sizeof(words));
    report->tell(report, position, outcome_of(verdict), words);
    bool is_first = reading->counts[RETRY] + reading->counts[REPAIR] == 1;
    bool is_worse = verdict == REPAIR && reading->counts[REPAIR] == 1;
    if ((verdict == RETRY || verdict == REPAIR) && (is_first || is_worse))
        snprintf(reading->again, sizeof(reading->again), "%s", words);
}

static enum export_result settle(const struct reading *reading, struct error *err)
{
    const struct elastic_answer *answer = reading->answer;
    struct export_report *report = reading->report;
    const size_t *counts = reading->counts;
    size_t again = counts[RETRY] + counts[REPAIR];

    report->put_aside_count = (uint32_t)counts[PUT_ASIDE];
    if (counts[PUT_ASIDE] > 0)
        snprintf(report->message, sizeof(report->message),
                 "a mapping or a pipeline refused them: they are in the failure store");
    if (counts[DONE] + counts[PUT_ASIDE] == answer->record_count)
        return EXPORT_DONE;
    if (counts[REPAIR] > 0)
        report->retry_after_ms = HTTP_RETRY_REPAIR_MS;
    else if (counts[RETRY] > 0)
        report->retry_after_ms = answer->response->retry_after_ms;
    if (again > 0) {
        (void)error_set(err, ST_IO, "%zu of %zu records were not taken: %s%s", again,
                        elastic_body_count(answer->body), reading->again,
                        counts[REPAIR] > 0
                            ? "; check index template, pipeline and what the credentials may do"
                            : "");
    } else {
        (void)error_set(err, ST_INVALID, "%zu records were refused, %zu did not fit the request",
                        counts[REJECTED] + counts[TOO_LARGE],
                        answer->record_count - elastic_body_count(answer->body));
    }
    return EXPORT_MIXED;
}

/* --- The request ----------------------------------------------------------------------------- */

/* The answer is longer than is read: as it is about fewer records it is shorter. */
static enum export_result cut(const struct elastic_answer *answer, struct http_outcome_input *input,
                              struct export_report *report, struct error *err)
{
    bool can_halve = answer->record_count > 1;

    input->words = SLICE("the answer is longer than max_response_size");
    return http_outcome_as(can_halve ? HTTP_VERDICT_SPLIT : HTTP_VERDICT_REPAIR, NULL, input,
                           report, err);
}

static enum export_result read_items(const struct elastic_answer *answer,
                                     struct http_outcome_input *input, struct buf *text,
                                     struct export_report *report, struct error *err)
{
    struct reading reading = {.answer = answer, .report = report};
    const struct bulk_reply_reader reader = {on_item, &reading};
    struct error damage = {.status = ST_OK};

    if (answer->response->is_cut)
        return cut(answer, input, report, err);
    if (bulk_reply_read(answer->response->body, elastic_body_count(answer->body), text, &reader,
                        &damage) != ST_OK) {
        input->words = slice_of_text(damage.text);
        return http_outcome_as(HTTP_VERDICT_RETRY, NULL, input, report, err);
    }
    report->sent_bytes = answer->response->sent_bytes;
    return settle(&reading, err);
}

/* What may be said of a request that was refused whole.  A reason that comes with 400 may quote
 * it. */
static struct slice shown_words(const struct elastic_answer *answer,
                                const struct bulk_failure *failure, char *out, size_t out_size)
{
    bool may_quote = answer->response->status == 400 && !answer->show_reasons;
    char type[ITEM_WORDS_MAX / 2];
    char reason[ITEM_WORDS_MAX + 1];

    if (failure->type.size + failure->reason.size == 0)
        return may_quote ? SLICE(NOT_SHOWN) : SLICE_EMPTY;
    peer_words_copy(type, sizeof(type), failure->type);
    peer_words_copy(reason, sizeof(reason), may_quote ? SLICE(NOT_SHOWN) : failure->reason);
    snprintf(out, out_size, "%s%s%s", type, type[0] != 0 && reason[0] != 0 ? ": " : "", reason);
    return slice_of_text(out);
}

enum export_result elastic_answer_outcome(const struct elastic_answer *answer, struct buf *text,
                                          struct export_report *report, struct error *err)
{
    struct http_outcome_input input = {.transport = answer->transport,
                                       .response = answer->response};
    struct bulk_failure failure = {.type = SLICE_EMPTY};
    char words[2 * ITEM_WORDS_MAX];

    if (answer->transport != HTTP_ANSWERED)
        return http_outcome(&input, report, err);
    bool is_success = answer->response->status >= 200 && answer->response->status <= 299;
    if (!is_success && bulk_reply_read_failure(answer->response->body, text, &failure))
        input.words = failure.reason;
    enum http_verdict verdict = http_outcome_judge(&input);
    if (verdict == HTTP_VERDICT_DONE) {
        input.words = SLICE_EMPTY;
        return read_items(answer, &input, text, report, err);
    }
    input.words = shown_words(answer, &failure, words, sizeof(words));
    /* Not judged again: it may have been by words that are not shown. */
    if (verdict == HTTP_VERDICT_SPLIT)
        return http_outcome_as(verdict, NULL, &input, report, err);
    if (verdict == HTTP_VERDICT_REJECTED || answer->response->status == 400)
        return http_outcome_as(HTTP_VERDICT_REPAIR,
                               "check the endpoint, whether it wants https://, and the versions",
                               &input, report, err);
    return http_outcome(&input, report, err);
}
