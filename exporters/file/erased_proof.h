/* SPDX-License-Identifier: Apache-2.0 */
/* erased_proof.h -- the proof of a file whose lines are written again without some of them: salts
 * of those that stay, leaves of those that go (docs/INTEGRITY.md, "The tree").  The tree stays
 * whole; without the seed nobody can find out what the erased lines said.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "store_dir.h"
#include "telltale/store_proof.h"

struct erased_proof;

/* Reads the proof `name` in the directory.  ST_NOT_FOUND: the file has none.  ST_CORRUPT: it cannot
 * be followed. */
MUST_CHECK enum status erased_proof_begin(const struct store_dir *dir, const char *name,
                                          struct erased_proof **ret, struct error *err);
void erased_proof_destroy(struct erased_proof *proof); /* accepts NULL */

/* The next line of the file, with its '\n'.  ST_CORRUPT: the proof tells of fewer. */
MUST_CHECK enum status erased_proof_add(struct erased_proof *proof, struct slice line,
                                        uint64_t sequence, bool is_erased, struct error *err);

/* That was the last line.  *ret is the new proof, good until destroy.  ST_CORRUPT: the lines are
 * not those that the old one tells of. */
MUST_CHECK enum status erased_proof_finish(struct erased_proof *proof, struct slice *ret,
                                           struct error *err);
