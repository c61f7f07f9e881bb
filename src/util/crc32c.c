/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.c -- the choice between instruction and table is made at the first call; making it
 * twice, from two threads, gives the same answer. */
#include "util/crc32c.h"

#include <stdatomic.h>
#include <string.h>

typedef uint32_t (*crc32c_function)(uint32_t crc, const uint8_t *data, size_t size);

static uint32_t table[256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
        table[i] = crc;
    }
}

/* The table is filled before main(), so that no thread sees it half made. */
__attribute__((constructor)) static void prepare(void)
{
    fill_table();
}

static uint32_t by_table(uint32_t crc, const uint8_t *data, size_t size)
{
    while (size > 0) {
        crc = (crc >> 8) ^ table[(crc ^ *data++) & 0xff];
        size--;
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *data,
                                                                 size_t size)
{
    uint64_t wide = crc;
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, data, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
        data += 8;
        size -= 8;
    }
    crc = (uint32_t)wide;
    while (size > 0) {
        crc = __builtin_ia32_crc32qi(crc, *data++);
        size--;
    }
    return crc;
}

static crc32c_function choose(void)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction : by_table;
}
#else
static crc32c_function choose(void)
{
    return by_table;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    static _Atomic(crc32c_function) chosen;

    crc32c_function function = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (function == NULL) {
        function = choose();
        atomic_store_explicit(&chosen, function, memory_order_relaxed);
    }
    return ~function(~crc, data, size);
}
