/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep.h -- what a store does beside taking records: rotation, retention, compression and
 * indexes, in slices, when each is due.
 *
 * Threads: those of the exporter whose store it is.
 */
#pragma once

#include "file_exporter.h"

/* Closes the active file, which holds lines and nothing uncommitted, and begins the next. */
MUST_CHECK enum status upkeep_rotate(struct file_exporter *self, uint64_t now_unix_ns,
                                     struct error *err);

/* Does what is due; compresses, or reads for an index, about `budget` bytes.  Gives the first
 * failure; the other parts are done all the same. */
MUST_CHECK enum status upkeep_do(struct file_exporter *self, uint64_t now_unix_ns, size_t budget,
                                 struct error *err);

/* The same beside a delivery, whose outcome it does not change: failures are noted in store.log. */
void upkeep_beside_delivery(struct file_exporter *self, uint64_t now_unix_ns, size_t budget);

/* Deletes the closed file entries[index], on record.  Holds have been asked.  `reason` as in
 * store.log; `rule` may be empty. */
MUST_CHECK enum status upkeep_delete(struct file_exporter *self, size_t index, const char *reason,
                                     const char *rule, uint64_t now_unix_ns, struct error *err);

/* Gives up the compression of this file, if it is under way. */
void upkeep_abandon_job_of(struct file_exporter *self, const struct store_file_name *name);

/* Gives up the compression, and the index, that is under way, for a while. */
void upkeep_put_off_compression(struct file_exporter *self, uint64_t now_unix_ns);
