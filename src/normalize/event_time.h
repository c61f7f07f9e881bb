/* SPDX-License-Identifier: Apache-2.0 */
/* event_time.h -- when the event of a record happened, as far as anybody says.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/mapping.h"

struct event_time {
    enum time_source source;
    uint64_t unix_ns;
};

/* Repairs the record's times and says where they come from.  `stamp`: its attribute
 * event.timestamp; may be empty. */
struct event_time event_time_put(struct mapping *m, struct slice stamp);
