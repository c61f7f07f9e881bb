/* SPDX-License-Identifier: Apache-2.0 */
/* http_outcome.h -- what the end of an HTTP request means for the batch that was sent.  Implemented
 * in src/http/.
 *
 * The common table, which an exporter overrides row by row:
 *
 * | Status | Verdict | Why |
 * |---|---|---|
 * | 2xx | DONE | |
 * | 408 417 425 429 500 502 503 504, other 5xx | RETRY | it may work the next time |
 * | 413 | SPLIT | |
 * | 1xx 3xx 401 402 403 404 405 406 407 410 411 412 414 415 421 426 428 431 451 501 505 506 508
 * 510 511 | REPAIR | see below |
 * | 400 409 422, other 4xx | REJECTED | the destination has judged the batch |
 * | 400 with words like "too large" | SPLIT | |
 * | 2xx, REJECTED, with a web page for a body | REPAIR | some proxy or portal answered |
 *
 * What concerns the destination and not the batch - credentials, paths, formats - is tried again,
 * slowly: a recorder must not put its whole backlog among the dead letters because a token
 * expired.  Nothing is lost while somebody repairs it.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/exporter.h"
#include "telltale/http_client.h"

enum http_verdict {
    HTTP_VERDICT_DONE,
    HTTP_VERDICT_RETRY,    /* it may work the next time: Retry-After, or our backoff */
    HTTP_VERDICT_REPAIR,   /* it will work when somebody has repaired something: slowly */
    HTTP_VERDICT_SPLIT,    /* too large */
    HTTP_VERDICT_REJECTED, /* the destination has judged the batch */
};

enum { HTTP_RETRY_REPAIR_MS = 60000 }; /* until we look again whether somebody has repaired it */

struct http_rule {
    int first, last; /* statuses, both included */
    enum http_verdict verdict;
    const char *hint; /* what to do about it; NULL: nothing to add */
};

struct http_outcome_input {
    enum http_transport transport;
    const struct http_response *response;
    const struct http_rule *rules; /* the exporter's own: the first that fits counts */
    size_t rule_count;
    struct slice words;      /* the destination's own; empty: its body, if that is a text */
    bool web_page_is_answer; /* a body in HTML is what this destination says */
};

/* The verdict on an answer. */
enum http_verdict http_outcome_judge(const struct http_outcome_input *input);

/* Fills `report` (but rejected_count); `err` comes from http_client_send(), and is set here for
 * every answer that is not EXPORT_DONE. */
enum export_result http_outcome(const struct http_outcome_input *input,
                                struct export_report *report, struct error *err);

/* The same with a verdict that the exporter has found itself, in the body. */
enum export_result http_outcome_as(enum http_verdict verdict, const char *hint,
                                   const struct http_outcome_input *input,
                                   struct export_report *report, struct error *err);

/* Nothing was sent because the batch could not be encoded. */
enum export_result http_outcome_unsent(enum status st);

/* Whether the words say that a request is too large. */
bool http_outcome_says_too_large(struct slice words);
