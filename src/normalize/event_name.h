/* SPDX-License-Identifier: Apache-2.0 */
/* event_name.h -- how the event of a record is called.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/mapping.h"

enum { EVENT_NAME_SIZE_MAX = 256 }; /* of agent.dialect.event and a repaired event_name */

/* Some tracing libraries name an event by the place in their source that made it. */
bool event_name_is_call_site(struct slice event_name);

/* agent.dialect.event, and the record's event_name where that says nothing.  `name` has at most
 * EVENT_NAME_SIZE_MAX bytes; none: the sender gave it no name. */
void event_name_put(struct mapping *m, struct slice name);

/* The same of a record that was made from a span: it is named after what it is, and says which
 * span. */
void event_name_put_derived(struct mapping *m, struct slice name);
