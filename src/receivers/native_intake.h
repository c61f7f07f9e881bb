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
#include "receivers/event_ids.h"
#include "receivers/refusal_log.h"
#include "receivers/shedding.h"
#include "telltale/error.h"
#include "telltale/slice.h"
#include "wire/otlp.h"

struct native_intake;

MUST_CHECK enum status native_intake_create(const struct otlp_limits *limits,
                                            struct native_intake **ret, struct error *err);
void native_intake_destroy(struct native_intake *intake); /* accepts NULL */

/* Events may be shed from now on; NULL, and at first: none.  Borrowed. */
void native_intake_set_shedding(struct native_intake *intake, const struct shedding *shedding);

/* See normalizer_tell_source(). */
void native_intake_tell_source(struct native_intake *intake, struct normalized_source *source);

/* The next events are this user's; those with an id that is in `ids` are not added again.
 * Borrowed; NULL, and at first: ids are not looked at. */
void native_intake_set_ids(struct native_intake *intake, struct event_ids *ids, uid_t uid);

/* The last event was not added, for it is durable already. */
bool native_intake_is_duplicate(const struct native_intake *intake);

/* The last event, which was added, is `owner`'s: remembers its id if it has one. */
void native_intake_remember(struct native_intake *intake, const struct event_id_owner *owner);

/* What the last event that was read turned out to be. */
struct normalized_kind native_intake_last(const struct native_intake *intake);

/* The next events go into `batch`, which is borrowed until the next call. */
void native_intake_use_batch(struct native_intake *intake, struct append_batch *batch);

/* False: the batch has so many groups that the next event may not find a place. */
bool native_intake_has_room(const struct native_intake *intake);

/* Adds one event.  `sender_fields` are encoded agent.peer.* attributes.  ST_INVALID, ST_LIMIT:
 * the event breaks a rule or a limit; ST_NO_MEMORY, also when another copy of it is on its way;
 * ST_AGAIN: it is shed.  On failure, and for a duplicate, the batch is as it was. */
MUST_CHECK enum status native_intake_add(struct native_intake *intake, struct slice line,
                                         struct slice sender_fields, uint64_t now_unix_ns,
                                         struct error *err);

/* Adds an agent.pipeline record: so many events were refused for this reason; `slot` as in
 * refusal_log.h. */
MUST_CHECK enum status native_intake_add_refusal(struct native_intake *intake, size_t slot,
                                                 const struct refusal_count *count,
                                                 uint64_t now_unix_ns, struct error *err);

/* Adds a record of the daemon's own: an event as agents send it, of kind agent.pipeline or
 * agent.integrity. */
MUST_CHECK enum status native_intake_add_own(struct native_intake *intake, struct slice line,
                                             uint64_t now_unix_ns, struct error *err);

/* Reads the first line of a stream, {"telltale":1,"ack":true}.  ST_NOT_FOUND: it is an event. */
struct native_preamble {
    int64_t version;
    bool ack;
};
MUST_CHECK enum status native_intake_read_preamble(struct native_intake *intake, struct slice line,
                                                   struct native_preamble *ret, struct error *err);
