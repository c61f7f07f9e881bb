/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_outcome.h -- what an answer to an OTLP request over HTTP means for the batch.
 *
 * The common table of telltale/http_outcome.h, with one row of its own: 500 is a receiver's word on
 * the batch, which OTLP does not retry, if a google.rpc.Status comes with it, in either encoding.
 * Without one something broke before the batch was judged: it is tried again, slowly,
 * unless the configuration says that such a word rejects too.
 *
 * The Status' words are what is reported, and decide about 400: "request body too large" is how
 * the OpenTelemetry Collector says 413.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/http_outcome.h"

struct otlp_http_answer {
    enum http_transport transport;
    const struct http_response *response;
    bool asked_in_json;        /* for answers that do not say what they are */
    bool rejects_bare_500;     /* 500 without a Status is a word on the batch, too */
    const struct batch *batch; /* that was sent */
};

/* Fills `report`; sets `err` for every result but EXPORT_DONE.  Texts are decoded to `text`. */
enum export_result otlp_http_outcome(const struct otlp_http_answer *answer, struct buf *text,
                                     struct export_report *report, struct error *err);
