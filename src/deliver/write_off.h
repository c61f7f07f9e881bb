/* SPDX-License-Identifier: Apache-2.0 */
/* write_off.h -- what a worker has to write down before its cursor passes records that were not
 * delivered; for worker.c and the lanes.
 *
 * Each is durable in the ledger when it returns ST_OK, and counted and said then.  On failure the
 * records may not be passed.  Without a ledger (worker_settings) they are only counted.
 *
 * Threads: any of the worker's lanes.
 */
#pragma once

#include "deliver/worker_internal.h"

/* Goes on behind what was given up before a crash, or what is gone: at the start, when `start` is
 * what was found.  A ledger that cannot be written to does not stop it. */
void write_off_at_start(struct worker *worker, const struct progress_start *start);

/* Nobody wants `part` delivered any more. */
MUST_CHECK enum status write_off_part(struct worker *worker, const struct batch *part,
                                      struct error *err);

/* The same of every record that the destination takes, from `first` on, below `next`. */
MUST_CHECK enum status write_off_range(struct worker *worker, uint64_t first, uint64_t next,
                                       struct error *err);

/* exporter_room.before_deletion; the context is the worker. */
MUST_CHECK enum status write_off_file(void *context, const struct exporter_deletion *deletion,
                                      struct error *err);

/* Records from `from` on are damaged, up to `present`, if that is larger. */
MUST_CHECK enum status write_off_gap(struct worker *worker, uint64_t from, uint64_t present,
                                     struct error *err);
