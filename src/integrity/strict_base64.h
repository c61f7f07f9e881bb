/* SPDX-License-Identifier: Apache-2.0 */
/* strict_base64.h -- base64 with one spelling for each value: standard alphabet, padded, no bits
 * left over.  What is signed or hashed must not be writable in two ways.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

static inline size_t base64_size(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes base64_size() characters, no NUL. */
void base64_put(struct slice bytes, char *out);

/* Whether `text` is base64; *ret_size is of the bytes in it. */
bool base64_check(struct slice text, size_t *ret_size);

/* Decodes exactly `size` bytes.  False: it is not base64, or of another size. */
bool base64_take(struct slice text, uint8_t *out, size_t size);
