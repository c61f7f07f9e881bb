/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h -- size and root of a tree as the text of a note: C2SP tlog-checkpoint.
 * Implemented in src/integrity/.
 *
 *     <origin>
 *     <size, decimal>
 *     <root, base64>
 *     <further lines, which we do not write>
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/hash.h"
#include "telltale/signed_note.h"

struct checkpoint {
    char origin[NOTE_NAME_SIZE]; /* of our own logs also the name of the log key */
    uint64_t size;               /* leaves */
    struct hash root;
};

/* Appends the text, with its last '\n'.  ST_INVALID: an origin that is not note_name_is_good(). */
MUST_CHECK enum status checkpoint_put(const struct checkpoint *checkpoint, struct buf *out,
                                      struct error *err);

/* Reads the text of a note.  Strict: no sign, no leading zeros, canonical base64.  Further lines
 * are passed over.  ST_INVALID: it is no checkpoint. */
MUST_CHECK enum status checkpoint_parse(struct slice text, struct checkpoint *ret,
                                        struct error *err);
