/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_proof.h -- the proof that one record is in a log, as a text that other tools check: C2SP
 * tlog-proof.  Implemented in src/integrity/.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64, which we use for the entry>
 *     index <decimal>
 *     <base64 of a hash>, a line for each of the path
 *     <empty line>
 *     <the checkpoint, a signed note>
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/merkle_proof.h"
#include "telltale/store_leaf.h"

/* Appends the text.  `entry` may be NULL: no line for it. */
MUST_CHECK enum status tlog_proof_put(uint64_t index, const uint8_t entry[STORE_ENTRY_SIZE],
                                      const struct merkle_path *path, struct slice checkpoint_note,
                                      struct buf *out, struct error *err);

struct tlog_proof {
    uint64_t index;
    bool has_entry;
    uint8_t entry[STORE_ENTRY_SIZE];
    struct merkle_path path;
    struct slice checkpoint_note; /* borrowed from what was parsed */
};

/* ST_INVALID: it is none. */
MUST_CHECK enum status tlog_proof_parse(struct slice text, struct tlog_proof *ret,
                                        struct error *err);
