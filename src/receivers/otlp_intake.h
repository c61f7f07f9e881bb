/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_intake.h -- the records of one ExportLogsServiceRequest, ExportTraceServiceRequest or
 * ExportMetricsServiceRequest into an append_batch: each passes byte for byte, a log record with
 * what normalization says laid behind it, unless a Telltale that is trusted has said it already.
 *
 * A record that breaks a limit is refused alone; its neighbours are kept.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "journal/append_batch.h"
#include "normalize/normalize.h"
#include "receivers/refusal.h"
#include "receivers/shedding.h"
#include "receivers/source_watch.h"
#include "telltale/error.h"

struct otlp_intake;

MUST_CHECK enum status otlp_intake_create(const struct otlp_limits *limits,
                                          struct otlp_intake **ret, struct error *err);
/* Records may be shed from now on; NULL, and at first: none.  Borrowed. */
void otlp_intake_set_shedding(struct otlp_intake *intake, const struct shedding *shedding);
void otlp_intake_destroy(struct otlp_intake *intake); /* accepts NULL */

struct otlp_intake_input {
    enum signal signal;         /* which of the requests it is */
    struct slice request;       /* protobuf */
    struct slice sender_fields; /* encoded agent.peer.* attributes */
    enum transport transport;
    uint64_t now_unix_ns;
    struct source_watch *sources;   /* is told of the sender; NULL: nobody is watched */
    const struct source_id *source; /* who that is; NULL only without `sources` */
    bool is_again;                  /* it was added to a batch before, and that was not kept */
    bool is_trusted;                /* its sender is an upstream that is named (upstream.h) */
};

struct otlp_intake_result {
    uint64_t derived; /* log records that follow from spans */
    uint64_t notes;   /* agent.pipeline records of ours about the sender */
    uint64_t alike;   /* records that may be followed by others of the same bytes: logs without a
                         time, spans without an id, data points without a time */
    uint64_t coarse;  /* log records whose time is to the second at best */
    uint64_t passed;  /* accepted log records that an upstream had normalized */
    uint64_t accepted, rejected; /* those that were shed are among the rejected */
    uint64_t rejected_points;    /* data points of the metrics among the rejected */
    uint64_t shed[KIND_COUNT];
    uint64_t shed_count;
    enum refusal reason; /* of the first that was rejected for another reason */
    char message[256];   /* of the first that was rejected */
};

/* What a partial success says: log records, spans, or data points. */
static inline uint64_t otlp_intake_rejected(const struct otlp_intake_result *result,
                                            enum signal signal)
{
    return signal == SIGNAL_METRICS ? result->rejected_points : result->rejected;
}

/* All of it was taken, and if it comes again it is a copy: nobody says the same twice of the same
 * moments, unless his clock knows seconds only, as a script's may. */
static inline bool otlp_intake_tells_copies(const struct otlp_intake_result *result)
{
    return result->accepted > 0 && result->rejected == 0 && result->alike == 0 &&
           result->coarse < result->accepted;
}

/* Adds the records to `batch`.  ST_CORRUPT: that is no such request; ST_LIMIT: a value of a
 * resource or a scope nests too deep; ST_NO_MEMORY: the whole may come again.  On failure the batch
 * is to be thrown away. */
MUST_CHECK enum status otlp_intake_add(struct otlp_intake *intake,
                                       const struct otlp_intake_input *input,
                                       struct append_batch *batch, struct otlp_intake_result *ret,
                                       struct error *err);
