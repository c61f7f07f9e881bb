/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h -- who may come in: memory for events in flight, shared by all receivers, and
 * connections per user.
 *
 * Threads: struct admission, any thread.  struct uid_table, one owner at a time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "telltale/error.h"

/* --- Memory for events in flight ---------------------------------------------------------- */

struct admission {
    _Atomic size_t used; /* bytes */
    size_t limit;
    _Atomic uint64_t light_ns; /* when somebody who says little was read last; monotonic */
};

void admission_init(struct admission *admission, size_t limit);

/* `more` bytes beside the `held` that the same frame or request holds already.  Someone who is
 * alone is always let in, so that a frame within its own limit, but over this one, can pass.
 * On false nothing was taken. */
MUST_CHECK bool admission_take(struct admission *admission, size_t held, size_t more);

/* Without asking: for bytes that are there already. */
void admission_force(struct admission *admission, size_t more);
void admission_give(struct admission *admission, size_t size);
size_t admission_used(const struct admission *admission);

/* Somebody who says little waits for acks: for a while, those who say much keep less in flight. */
void admission_note_light(struct admission *admission, uint64_t now_ns);
bool admission_is_shared(const struct admission *admission, uint64_t now_ns);

/* --- Connections per user ----------------------------------------------------------------- */

struct uid_count {
    uid_t uid;
    unsigned int connections; /* 0: the place is free */
};

struct uid_table {
    struct uid_count *counts; /* owned; one place for each connection that there may be */
    size_t size;
    unsigned int per_uid_max;
};

MUST_CHECK enum status uid_table_init(struct uid_table *table, size_t connections_max,
                                      unsigned int per_uid_max, struct error *err);
void uid_table_fini(struct uid_table *table);

/* False: the user has as many as allowed already. */
MUST_CHECK bool uid_table_enter(struct uid_table *table, uid_t uid);
void uid_table_leave(struct uid_table *table, uid_t uid);
