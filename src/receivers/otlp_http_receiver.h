/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_receiver.h -- logs, traces and metrics over OTLP/HTTP: POST /v1/logs, /v1/traces and
 * /v1/metrics in protobuf or JSON, plain, gzip or zstd, with or without Content-Length.
 *
 * A request is answered with success only when its records are durable; it waits suspended, and
 * keeps no other waiting.  Records over a limit are refused one by one (partial success).  What
 * the journal cannot take is answered with 503 and Retry-After.  Signals that are not wanted are
 * answered with success, counted, and not kept.  Each record says who sent it, as far as the kernel
 * tells (http_connections.h).
 *
 * Threads: each listener has a thread of the HTTP library.  Start and stop on any one thread.
 */
#pragma once

#include "journal/journal.h"
#include "net/listener.h"
#include "receivers/admission.h"
#include "receivers/http_request.h"
#include "receivers/shedding.h"
#include "receivers/source_watch.h"
#include "receivers/trusted_senders.h"
#include "telltale/error.h"
#include "wire/otlp.h"

struct otlp_http_receiver;

enum { OTLP_HTTP_LISTENERS_MAX = 8 };

struct otlp_http_settings {
    const struct listener *listeners; /* borrowed until stop, not closed by it */
    size_t listener_count;            /* up to OTLP_HTTP_LISTENERS_MAX */
    unsigned signals;                 /* a set: those that are kept */
    struct trusted_senders trusted;   /* of listeners that are; borrowed until stop */
    struct otlp_limits limits;
    struct shedding *shedding;    /* borrowed until stop; NULL: nothing is shed */
    struct source_watch *sources; /* borrowed until stop; NULL: nobody is watched */
    uint64_t journal_size_max;    /* whose last quarter is shared (recent_bytes.h); 0: it is not */
    struct http_request_limits request_limits; /* extra_paths is borrowed until stop */
    unsigned int connections_max;              /* of each listener */
    unsigned int connections_per_uid_max;      /* of all; who is not known is one user */
    unsigned int idle_timeout_s;               /* a connection that says nothing is closed */
};

/* The limits of docs/ARCHITECTURE.md; listeners are to be filled in. */
void otlp_http_settings_default(struct otlp_http_settings *ret);

/* `journal` and `admission` are borrowed until stop. */
MUST_CHECK enum status otlp_http_receiver_start(const struct otlp_http_settings *settings,
                                                struct journal *journal,
                                                struct admission *admission,
                                                struct otlp_http_receiver **ret, struct error *err);

/* Takes no more requests, waits until the journal is done with those it has and until they are
 * answered (for a few seconds at most), and closes the connections.  NULL is allowed. */
void otlp_http_receiver_stop(struct otlp_http_receiver *receiver);
