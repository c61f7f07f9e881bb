/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_receiver.h -- logs over OTLP/gRPC: LogsService/Export, plain, gzip or deflate, over
 * Unix sockets, TCP, and TLS with or without the sender's certificate.
 *
 * A call is answered with OK only when its records are durable; it keeps no other waiting.  Records
 * over a limit are refused one by one (partial success).  What cannot be taken now is held back as
 * long as possible, for most agents never send again; what the journal cannot take is answered with
 * UNAVAILABLE and RetryInfo.  Traces and metrics are answered with success, counted, and not kept.
 *
 * Threads: start and stop on the loop's thread, which accepts plaintext connections; one thread of
 * its own does all else.
 */
#pragma once

#include "journal/journal.h"
#include "loop/loop.h"
#include "net/listener.h"
#include "receivers/admission.h"
#include "receivers/shedding.h"
#include "receivers/source_watch.h"
#include "receivers/trusted_senders.h"
#include "telltale/error.h"
#include "wire/otlp.h"

struct otlp_grpc_receiver;

enum { OTLP_GRPC_LISTENERS_MAX = 8 };

struct otlp_grpc_tls {
    const char *cert_file, *key_file; /* PEM */
    const char *client_ca_file;       /* NULL: senders need no certificate */
};

struct otlp_grpc_settings {
    const struct listener *listeners; /* plaintext; borrowed until stop, not closed by it */
    size_t listener_count;            /* up to OTLP_GRPC_LISTENERS_MAX */
    const char *const *tls_addresses; /* "host:port"; borrowed during the start */
    const bool *tls_trusted; /* of each of them: whether its senders are upstreams whose word is
                                taken; borrowed during the start; NULL: of none */
    size_t tls_address_count;
    struct otlp_grpc_tls tls;       /* borrowed during the start */
    struct trusted_senders trusted; /* of listeners that are; borrowed until stop */
    struct otlp_limits limits;
    struct shedding *shedding;    /* borrowed until stop; NULL: nothing is shed */
    struct source_watch *sources; /* borrowed until stop; NULL: nobody is watched */
    uint64_t journal_size_max;    /* whose last quarter is shared (recent_bytes.h); 0: it is not */
    unsigned int signals;         /* a bit each; others are answered with success and counted */
    size_t message_size_max;      /* of a call, as it arrives and after decompression */
    unsigned int connections_max; /* of all plaintext listeners together */
    unsigned int connections_per_uid_max;
    unsigned int streams_max; /* calls of one connection at a time */
    uint64_t request_time_max_ns;
    uint64_t idle_max_ns; /* a connection without a call is closed then */
    uint64_t keepalive_time_ns, keepalive_timeout_ns;
    uint64_t ping_interval_min_ns; /* who pings more often is closed */
};

/* The limits of docs/CONFIGURATION.md; listeners are to be filled in. */
void otlp_grpc_settings_default(struct otlp_grpc_settings *ret);

/* `loop`, `journal` and `admission` are borrowed until stop. */
MUST_CHECK enum status otlp_grpc_receiver_start(const struct otlp_grpc_settings *settings,
                                                struct loop *loop, struct journal *journal,
                                                struct admission *admission,
                                                struct otlp_grpc_receiver **ret, struct error *err);

/* Takes no more connections and calls, waits until the journal is done with those it has and until
 * they are answered (for a few seconds at most), and closes the connections.  NULL is allowed. */
void otlp_grpc_receiver_stop(struct otlp_grpc_receiver *receiver);
