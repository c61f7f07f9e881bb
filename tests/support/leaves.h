/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.h -- trees of made leaves, and what RFC 6962 says of them, word for word: slow, recursive,
 * without a line in common with src/integrity/.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/merkle_proof.h"

/* Leaf number `index` of every made tree. */
struct hash leaf_made(uint64_t index);

/* MTH(D[first:end]), RFC 6962, 2.1. */
struct hash leaves_hash(uint64_t first, uint64_t end);

/* PATH(index, D[0:size]), 2.1.1. */
void leaves_path(uint64_t index, uint64_t size, struct merkle_path *ret);

/* PROOF(old_size, D[0:new_size]), 2.1.2. */
void leaves_proof(uint64_t old_size, uint64_t new_size, struct merkle_path *ret);
