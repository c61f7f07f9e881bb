/* SPDX-License-Identifier: Apache-2.0 */
/* hec_reply.h -- what Splunk's HTTP Event Collector says, in JSON.  Implemented in src/wire/.
 *
 * Messages from a peer that is not trusted: each is read in one pass, and whatever is not
 * understood is passed over.  Of a member that stands twice the last one counts.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"

enum { HEC_CODE_MAX = 9999 };

struct hec_reply {
    unsigned code;         /* at most HEC_CODE_MAX */
    bool has_event_number; /* "invalid-event-number", from 0 */
    uint64_t event_number;
    bool has_ack_id; /* "ackId" */
    uint64_t ack_id;
    struct slice text; /* borrowed, see below; empty when absent */
};

/* Reads {"text":"Success","code":0,"ackId":7}.  The text is decoded to `text`; what does not fit
 * into it is left away.  False: it is none, or has no code. */
bool hec_reply_read(struct slice reply, struct buf *text, struct hec_reply *ret);

enum hec_ack {
    HEC_ACK_UNSAID,
    HEC_ACK_PENDING, /* or unknown there */
    HEC_ACK_TRUE,
};

/* Reads {"acks":{"7":true}}: what it says of `id`.  HEC_ACK_UNSAID also when it is none. */
enum hec_ack hec_reply_read_ack(struct slice reply, uint64_t id);
