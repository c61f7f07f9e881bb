/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h -- bytes out of base64, for the readers of JSON.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes in place, which shrinks: both alphabets, padded or not.  False: it is not base64, and
 * the bytes are of no meaning. */
bool base64_decode(uint8_t *bytes, size_t size, size_t *ret_size);
