/* SPDX-License-Identifier: Apache-2.0 */
/* store_room.h -- deleting closed files before their time, because the disk is full.
 *
 * Oldest first.  What is held or younger than retention.min_age is passed over.  Otherwise none
 * goes out of turn: it ends at the first file that another destination still needs a record of, or
 * that is of another journal, whose records nobody can vouch for.
 *
 * Threads: belongs to the exporter whose store it is.
 */
#pragma once

#include "file_exporter.h"

/* exporter_ops.make_room of a store; nothing may be compressing the oldest files. */
MUST_CHECK enum status store_room_make(struct file_exporter *self, const struct exporter_room *room,
                                       uint64_t now_unix_ns, uint64_t *ret_freed,
                                       struct error *err);
