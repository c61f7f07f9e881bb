/* SPDX-License-Identifier: Apache-2.0 */
/* retainer_internal.h -- what the parts of retainer.h call of each other.
 *
 * Threads: as retainer.h.
 */
#pragma once

#include "retainer.h"

/* Reads the holds, if they have changed since the last look, and forgets what was found under the
 * old ones. */
MUST_CHECK enum status retainer_look_at_holds(struct file_exporter *self, uint64_t now_unix_ns,
                                              struct error *err);

/* ST_AGAIN: they have changed since, or are changing.  On ST_OK *ret_lock is to be closed, if it is
 * not -1, when the deed is done. */
MUST_CHECK enum status retainer_lock_holds(struct file_exporter *self, int *ret_lock,
                                           struct error *err);
