/* SPDX-License-Identifier: Apache-2.0 */
/* store_room.h -- deleting closed files before their time, because the disk is full.
 *
 * Oldest first, and none of them out of turn: it ends at the first file that may not go, because
 * another destination still needs one of its records, or because it is of another journal, whose
 * records nobody can vouch for.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "file_exporter.h"
#include "telltale/exporter.h"

/* exporter_ops.make_room of a store; nothing may be using the oldest files. */
MUST_CHECK enum status store_room_make(struct file_exporter *self, const struct exporter_room *room,
                                       uint64_t now_unix_ns, uint64_t *ret_freed,
                                       struct error *err);
