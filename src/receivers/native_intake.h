/* SPDX-License-Identifier: Apache-2.0 */
/* native_intake.h -- native events (lines of JSON) into an append_batch: read, normalized,
 * grouped by resource.  Also the agent.pipeline records that the daemon mints about its own
 * refusals.
 *
 * Nothing is allocated per event: the record is built in the batch itself.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "journal/append_batch.h"
#include "receivers/refusal.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "wire/otlp.h"

struct native_intake;

MUST_CHECK enum status native_intake_create(const struct otlp_limits *limits,
                                            struct native_intake **ret, struct error *err);
void native_intake_destroy(struct native_intake *intake); /* accepts NULL */

/* The next events go into `batch`, which is borrowed until the next call. */
void native_intake_use_batch(struct native_intake *intake, struct append_batch *batch);

/* False: the batch has so many groups that the next event may not find a place. */
bool native_intake_has_room(const struct native_intake *intake);

/* Adds one event.  `sender_fields` are encoded agent.peer.* attributes.  ST_INVALID, ST_LIMIT:
 * the event breaks a rule or a limit; ST_NO_MEMORY.  On failure the batch is as it was. */
MUST_CHECK enum status native_intake_add(struct native_intake *intake, struct slice line,
                                         struct slice sender_fields, uint64_t now_unix_ns,
                                         struct error *err);

/* Adds an agent.pipeline record: `count` events were refused for this reason. */
MUST_CHECK enum status native_intake_add_refusal(struct native_intake *intake, enum refusal refusal,
                                                 uint64_t count, uint64_t now_unix_ns,
                                                 struct error *err);

/* Adds a record of the daemon's own: an event as agents send it, of kind agent.pipeline. */
MUST_CHECK enum status native_intake_add_own(struct native_intake *intake, struct slice line,
                                             uint64_t now_unix_ns, struct error *err);

/* Reads the first line of a stream, {"telltale":1,"ack":true}.  ST_NOT_FOUND: it is an event. */
struct native_preamble {
    int64_t version;
    bool ack;
};
MUST_CHECK enum status native_intake_read_preamble(struct native_intake *intake, struct slice line,
                                                   struct native_preamble *ret, struct error *err);
