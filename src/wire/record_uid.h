/* SPDX-License-Identifier: Apache-2.0 */
/* record_uid.h -- what log.record.uid, a UUIDv7, tells.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

/* When the record was taken, in milliseconds at best; 0: `uid` is no UUIDv7. */
uint64_t record_uid_unix_ns(struct slice uid);
