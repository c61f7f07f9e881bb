/* SPDX-License-Identifier: Apache-2.0 */
/* hec_acks.h -- asks Splunk whether what it took is indexed and replicated.
 *
 * Ids count per channel, and each exporter has a channel of its own, so an id is one request.  Once
 * answered "true" it is forgotten there: if that answer is lost, all later ones say "false", as do
 * those about requests that were dropped.  There is no "failed", so the wait ends by a limit, and
 * what was sent counts as not taken then.
 *
 * Threads: one owner; hec_acks_cancel() from any.
 */
#pragma once

#include "hec_config.h"
#include "telltale/http_client.h"

enum { HEC_CHANNEL_SIZE = 36 + 1, HEC_QUERY_SIZE = 64 };

struct hec_acks {
    const struct hec_config *config; /* borrowed */
    struct http_client *client;      /* borrowed */
    const char *url;                 /* borrowed; of requests; NULL: the endpoint */
    struct buf *text;                /* borrowed; for words in answers */
    int wake_fd;                     /* an eventfd that cancel() rings; -1: none */
    char channel[HEC_CHANNEL_SIZE];
    char query[HEC_QUERY_SIZE];
};

enum hec_acks_end {
    HEC_ACKS_TRUE,
    HEC_ACKS_DISABLED,  /* the token has none: nobody will ever know */
    HEC_ACKS_NOT_KNOWN, /* not within the time, or cancelled; `err` says which */
};

/* Makes a channel: a random UUID.  ST_IO. */
MUST_CHECK enum status hec_acks_init(struct hec_acks *acks, struct error *err);
void hec_acks_fini(struct hec_acks *acks);

/* Asks about the id `ack_id` until it is true, for `ack_timeout` at most. */
MUST_CHECK enum hec_acks_end hec_acks_wait(struct hec_acks *acks, uint64_t ack_id,
                                           uint64_t deadline_ns, struct error *err);

/* Asks once, about no request of ours, whether the token has acknowledgements: HEC_ACKS_TRUE.
 * HEC_ACKS_DISABLED also where nobody answers such questions. */
MUST_CHECK enum hec_acks_end hec_acks_probe(struct hec_acks *acks, uint64_t deadline_ns,
                                            struct error *err);

/* Does nothing until then, or until it is cancelled.  False: it is. */
bool hec_acks_pause(struct hec_acks *acks, uint64_t until_ns);

/* Ends the pause under way and every later one. */
void hec_acks_cancel(struct hec_acks *acks);
