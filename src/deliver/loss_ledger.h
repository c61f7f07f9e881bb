/* SPDX-License-Identifier: Apache-2.0 */
/* loss_ledger.h -- the book of what was given up: DIR/loss-ledger.jsonl, append-only, a line an
 * incident (loss.h).
 *
 * A line is durable before the loss takes effect: before a cursor passes the records, before a file
 * goes.  So the worst that a crash leaves is a line whose loss has not happened yet.  Who gives
 * records of the journal up does so at the next start (loss_ledger_resume()); who deletes a file
 * finds it there and deletes it.  Either way the same loss is not written twice: of the newest
 * LOSS_RECENT_MAX incidents those are known that come again.  So the sums count each record once.
 *
 * A file that has reached its size becomes loss-ledger.N.jsonl, N rising from 1, and the new one
 * begins with the sums of all before; only a number of files is kept, but the sums lose nothing.
 *
 * Threads: any.  A write blocks others for as long as the disk takes.
 */
#pragma once

#include "deliver/loss.h"

struct disk_io; /* telltale/disk_io.h */
struct loss_ledger;

#define LOSS_LEDGER_NAME "loss-ledger"

enum { LOSS_RECENT_MAX = 512 };

struct loss_ledger_settings {
    const char *dir;          /* must exist; borrowed during open */
    uint64_t file_size;       /* bytes when a new file is begun; 0: 16 MiB */
    unsigned files_max;       /* with the present one; 0: 8 */
    const struct disk_io *io; /* borrowed; NULL: the system's.  Tests put faults here */
};

/* What is there is read; a last line that was torn is cut off.  A disk that takes nothing now does
 * not fail it: the next write tries again.  ST_IO: the directory or the file cannot be read. */
MUST_CHECK enum status loss_ledger_open(const struct loss_ledger_settings *settings,
                                        struct loss_ledger **ret, struct error *err);
void loss_ledger_close(struct loss_ledger *ledger); /* accepts NULL */

/* `on_loss` hears of every new incident once it is durable, on the thread that wrote it.  Before
 * the first write. */
void loss_ledger_listen(struct loss_ledger *ledger,
                        void (*on_loss)(void *context, const struct loss *loss), void *context);

/* Appends `loss` and syncs, unless it is known already; *ret_is_new tells.  On failure the loss
 * must not take effect, and the ledger is as it was. */
MUST_CHECK enum status loss_ledger_write(struct loss_ledger *ledger, const struct loss *loss,
                                         bool *ret_is_new, struct error *err);

/* Where `destination` goes on when its cursor is found at `sequence`: behind what was given up for
 * a full journal, if that was written down and the crash came before the cursor moved. */
uint64_t loss_ledger_resume(struct loss_ledger *ledger, const char *destination,
                            const uint8_t journal_id[JOURNAL_ID_SIZE], uint64_t sequence);

/* Sums of all that was ever written. */
void loss_ledger_sums(struct loss_ledger *ledger, struct loss_totals *ret);

/* Reads a ledger that another process may be writing to.  `on_totals`: once, the sums of what is
 * older than the oldest incident that is kept; then `on_loss` for each, oldest first.  What cannot
 * be read is counted in *ret_bad_lines.  A status that they give ends it.  ST_NOT_FOUND: there is
 * no ledger. */
struct loss_visitor {
    void *context;
    enum status (*on_totals)(void *context, const struct loss_totals *totals, struct error *err);
    enum status (*on_loss)(void *context, const struct loss *loss, struct error *err);
};
MUST_CHECK enum status loss_ledger_read(const char *dir, const struct loss_visitor *visitor,
                                        uint64_t *ret_bad_lines, struct error *err);
