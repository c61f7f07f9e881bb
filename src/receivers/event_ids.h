/* SPDX-License-Identifier: Apache-2.0 */
/* event_ids.h -- which events have arrived lately, by the ids that their senders gave them.
 *
 * Who has not heard that an event is durable sends it again, later, by way of the spool.  The
 * memory is bounded, the oldest is forgotten first, and it does not outlive the daemon: an event
 * that comes again behind that is kept twice.  A user's ids are his own: nobody can have another's
 * event taken for one that is there.
 *
 * Threads: the loop's.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "telltale/error.h"
#include "telltale/slice.h"

enum { EVENT_IDS_MAX = 16384, EVENT_IDS_PENDING_MAX = 1024 };

struct event_ids;

struct event_id_key {
    uint64_t words[2];
};

enum event_id_state {
    EVENT_ID_NEW,
    EVENT_ID_PENDING, /* on its way to the disk */
    EVENT_ID_DURABLE,
};

/* Whose event it is, for event_ids_land(). */
struct event_id_owner {
    uint32_t connection, generation;
    uint64_t event;
};

MUST_CHECK enum status event_ids_create(struct event_ids **ret, struct error *err);
void event_ids_destroy(struct event_ids *ids); /* accepts NULL */

struct event_id_key event_ids_key(const struct event_ids *ids, uid_t uid, struct slice id);
enum event_id_state event_ids_find(const struct event_ids *ids, struct event_id_key key);

/* A new one is on its way.  With EVENT_IDS_PENDING_MAX of them it is not remembered. */
void event_ids_take(struct event_ids *ids, struct event_id_key key,
                    const struct event_id_owner *owner);

/* The owner's events `first` to `last` are durable, or will not be and are forgotten. */
void event_ids_land(struct event_ids *ids, uint32_t connection, uint32_t generation, uint64_t first,
                    uint64_t last, bool durable);

/* One that had arrived came again. */
void event_ids_count_duplicate(struct event_ids *ids);
