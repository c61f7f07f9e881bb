/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h -- CRC-32C (Castagnoli), by the processor's instruction where it has one.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc`, the result for the bytes before these; 0 to begin. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
