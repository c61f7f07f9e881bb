/* SPDX-License-Identifier: Apache-2.0 */
/* hec_outcome.h -- what an answer of Splunk's HTTP Event Collector means.
 *
 * Its code counts, whatever the HTTP status is, but only 2xx is a success:
 *
 * | Code | | Verdict |
 * |---|---|---|
 * | 0 | success | TAKEN |
 * | 24 25 | taken, the queue is nearly full | SLOW |
 * | 6 12 13 15 | object N cannot be indexed; those before it are, none behind it is | EVENT |
 * | 6, N is 0, of more than 5 MiB | how Splunk Cloud says that a request is too large | TOO_LARGE |
 * | 7 | the index is not allowed; N is the object behind | REPAIR, or EVENT by policy |
 * | 5 | no data: our mistake | REJECTED |
 * | 8 | broken there; what has arrived is not known | RETRY |
 * | 9 18 19 20 26 27 | busy, nothing was taken | RETRY |
 * | 23 | that server stops | ELSEWHERE |
 * | 14 | acknowledgements are off | REPAIR; to a question about one: see hec_acks.h |
 * | 1 2 3 4 21 22 | token | REPAIR |
 * | 10 11 28 | channel | REPAIR |
 * | 16 | | REPAIR |
 * | 17 | the answer of another path | REPAIR |
 *
 * An answer without a code, or with one that nobody knows, is none of Splunk's: the status counts
 * (telltale/http_outcome.h), and 2xx is REPAIR.  EVENT without a number that can be is REJECTED, so
 * that the worker looks for the event in halves.
 *
 * Threads: pure functions.
 */
#pragma once

#include "hec_config.h"
#include "telltale/hec_reply.h"
#include "telltale/http_outcome.h"

enum hec_verdict {
    HEC_TAKEN,
    HEC_SLOW,      /* taken, but the next request should wait a little */
    HEC_EVENT,     /* one event is bad: `event` */
    HEC_TOO_LARGE, /* the request */
    HEC_REJECTED,
    HEC_RETRY,
    HEC_ELSEWHERE, /* the same, over a new connection */
    HEC_REPAIR,    /* it will work when somebody has repaired something */
};

enum {
    HEC_CODE_BAD_INDEX = 7,
    HEC_CODE_ACK_DISABLED = 14,
};

struct hec_answer {
    const struct http_response *response; /* of an HTTP_ANSWERED */
    struct hec_reply reply;
    bool is_reply;      /* there is one */
    size_t event_count; /* that were sent */
    size_t body_size;   /* before compression */
    int on_incorrect_index;
};

struct hec_judgement {
    enum hec_verdict verdict;
    size_t event;     /* HEC_EVENT */
    const char *hint; /* what to do about it; NULL: nothing to add */
    bool by_status;   /* as telltale/http_outcome.h has it, which knows the words */
};

struct hec_judgement hec_judge(const struct hec_answer *answer);
