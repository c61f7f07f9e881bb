/* SPDX-License-Identifier: Apache-2.0 */
/* user_id.h -- users by name or number, as configurations name them.
 *
 * Threads: one at a time, for the C library's are not better. */
#pragma once

#include <sys/types.h>

#include "telltale/error.h"

/* ST_INVALID: there is no such user, and it is no number. */
MUST_CHECK enum status user_id_find(const char *name, uid_t *ret, struct error *err);
