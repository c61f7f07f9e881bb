/* SPDX-License-Identifier: Apache-2.0 */
/* key_ring.h -- the private keys of a log: making them, signing with them, letting the epoch's
 * evolve. Implemented in src/integrity/.
 *
 * Files, mode 0600, in a directory that need not be that of the store:
 *
 *     log.key         the log key
 *     epoch.key       the key of the present epoch
 *     epoch.key.next  while the key evolves: the next one, with its certificate
 *
 * After a crash at any point either the present key or the next one is there, and keys.jsonl names
 * it when the ring has been opened again.  What is replaced is overwritten before it is unlinked.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/disk_io.h"
#include "telltale/key_chain.h"

enum key_ring_found {
    KEY_RING_WHOLE,    /* as it was left */
    KEY_RING_NEW,      /* nothing was there: the first keys were made */
    KEY_RING_FINISHED, /* an evolution that a crash had ended was brought to its end */
    KEY_RING_LOST,     /* private keys were missing or damaged: new ones begin a new chain, which a
                          verifier sees */
};

struct key_ring;

/* Opens the keys of the log `origin`, makes what is missing and sees that STORE_KEYS_NAME in
 * `store_dir_fd` names them.  A new chain begins at `tree_size`.  Both directories and `io` are
 * borrowed until key_ring_close().  ST_INVALID: origin is no name for a key, or the keys are those
 * of another origin. On ST_OK the caller owns *ret. */
MUST_CHECK enum status key_ring_open(const struct disk_io *io, int key_dir_fd, int store_dir_fd,
                                     const char *origin, uint64_t tree_size, uint64_t unix_s,
                                     struct key_ring **ret, enum key_ring_found *ret_found,
                                     struct error *err);

/* Wipes the memory, not the files.  Accepts NULL. */
void key_ring_close(struct key_ring *ring);

const struct note_vkey *key_ring_log_key(const struct key_ring *ring); /* borrowed */
/* Number, size and time at which the present epoch began, and its verifier key.  Borrowed; good
 * until the ring evolves. */
const struct epoch_certificate *key_ring_epoch(const struct key_ring *ring);

/* Appends the checkpoint of this tree, signed by the log key and the epoch's, as a note.
 * ST_INVALID: the size is below that of the epoch's beginning. */
MUST_CHECK enum status key_ring_sign(struct key_ring *ring, uint64_t tree_size,
                                     const struct hash *root, struct buf *out, struct error *err);

/* Replaces the epoch's key by a new one from `tree_size` on; the old one is destroyed when this
 * returns ST_OK.  Blocks for several syncs.  On failure the ring goes on signing, with the old key
 * or the new one, which key_ring_epoch() tells; but nothing while keys.jsonl may or may not name
 * the new one: key_ring_sign() tries that again first.  If key_ring_has_old_key(), the next call
 * brings the change that failed to its end and makes no further one.  ST_INVALID: a size below that
 * of the present epoch's beginning. */
MUST_CHECK enum status key_ring_evolve(struct key_ring *ring, uint64_t tree_size, uint64_t unix_s,
                                       struct error *err);

/* Whether a replaced key is still on the disk because destroying it failed; key_ring_wipe() tries
 * again. */
bool key_ring_has_old_key(const struct key_ring *ring);
MUST_CHECK enum status key_ring_wipe(struct key_ring *ring, struct error *err);
