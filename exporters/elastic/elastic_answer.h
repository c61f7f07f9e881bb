/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_answer.h -- what an answer to a _bulk request means for each record.
 *
 * | Item | Outcome | Why |
 * |---|---|---|
 * | 2xx | done | |
 * | 2xx, failure_store "used" | done, counted as put aside | a mapping or pipeline refused it, and
 * it stands in the failure store | | 409 | done | the index has its id: it came before | | 429 408,
 * 5xx, what is no status of ours | retry, behind the backoff | it may work the next time | | 401
 * 403 404, 400 with the words of a missing pipeline, a closed index and the like | retry, slowly |
 * somebody has to repair the destination | | 413 | too large | | | 400, other 4xx | rejected | the
 * record does not fit the mapping |
 *
 * Requests as a whole follow the common table of telltale/http_outcome.h, but nothing rejects a
 * whole request: records are judged one by one, so 400 is about us or about the destination.  A 2xx
 * whose body is not an answer with as many items as were sent is a failure; one that is longer than
 * is read is cut in halves.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "elastic_body.h"
#include "telltale/http_outcome.h"

struct elastic_answer {
    enum http_transport transport;
    const struct http_response *response;
    const struct elastic_body *body; /* that was sent */
    size_t record_count;             /* of the batch */
    bool show_reasons;               /* in `report` and `err` */
};

/* Fills `report`; sets `err` for every result but EXPORT_DONE.  Texts are decoded to `text`. */
enum export_result elastic_answer_outcome(const struct elastic_answer *answer, struct buf *text,
                                          struct export_report *report, struct error *err);
