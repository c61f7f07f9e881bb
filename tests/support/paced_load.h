/* SPDX-License-Identifier: Apache-2.0 */
/* paced_load.h -- senders that follow a clock and not the daemon: each event is due at a moment
 * that was set beforehand, and its latency counts from then on, whether or not the sender could
 * send it in time.  So a daemon that stalls is charged with every event that was due meanwhile.
 *
 * Nothing is allocated while events are sent.  Failures abort; what the daemon refuses is counted.
 */
#pragma once

#include "support/agent_events.h"
#include "support/latency_histogram.h"

struct paced_load {
    const char *socket_path; /* a Unix socket, of either kind */
    unsigned int connections;
    uint64_t interval_ns; /* from one write to the next, whichever connection has its turn */
    uint64_t writes;
    unsigned int events_per_write; /* all due at the same time */
};

struct paced_result {
    struct latency_histogram acks; /* from when an event was due until its ack was read */
    struct latency_histogram late; /* from when a write was due until it began: the sender's part */
    uint64_t refused;              /* errors of the Unix protocol; or requests with a bad status */
};

enum { PACED_CONNECTIONS_MAX = 64 };

/* Events over the Unix protocol, from one thread; another one reads the acks. */
void paced_load_unix(const struct paced_load *load, const struct agent_events *events,
                     struct paced_result *ret);

/* The same request of `events_per_write` records again and again, with a thread for each
 * connection; the answer to a request is its ack. */
void paced_load_http(const struct paced_load *load, struct slice request, struct paced_result *ret);
