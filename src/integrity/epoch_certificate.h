/* SPDX-License-Identifier: Apache-2.0 */
/* epoch_certificate.h -- a line of keys.jsonl, read: for the chain and for the ring.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/key_chain.h"

struct key_line {
    bool is_epoch;
    struct note_vkey log_key;       /* unless is_epoch */
    struct epoch_certificate epoch; /* signatures not checked */
};

/* `note` is scratch; the certificate's note stays in it, for is_epoch.  ST_INVALID. */
MUST_CHECK enum status key_line_read(struct slice line, struct buf *note, struct key_line *ret,
                                     struct error *err);
