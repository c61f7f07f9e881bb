/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.c -- the choice between instruction and table is made at the first call; making it
 * twice, from two threads, gives the same answer.
 *
 * The instruction gives its result three cycles after it began, but another can begin each cycle.
 * So long inputs are cut into blocks of three lanes that are summed side by side.  A checksum is
 * linear: to put the lanes together, the sum of the first is moved over the bytes of the second
 * as if they were zero, and so on; `over_lane` has the moves of each byte of a sum. */
#include "util/crc32c.h"

#include <stdatomic.h>
#include <string.h>

enum { LANE_SIZE = 128, LANES = 3 };

typedef uint32_t (*crc32c_function)(uint32_t crc, const uint8_t *data, size_t size);

static uint32_t table[256];
static uint32_t over_lane[sizeof(uint32_t)][256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
        table[i] = crc;
    }
}

static uint32_t pass_zeros(uint32_t crc, size_t count)
{
    while (count-- > 0)
        crc = (crc >> 8) ^ table[crc & 0xff];
    return crc;
}

/* The move of a byte is the sum of the moves of its bits. */
static void fill_over_lane(void)
{
    for (unsigned byte = 0; byte < sizeof(uint32_t); byte++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint32_t moved = pass_zeros(1u << (8 * byte + bit), LANE_SIZE);
            for (unsigned value = 0; value < 1u << bit; value++)
                over_lane[byte][1u << bit | value] = over_lane[byte][value] ^ moved;
        }
    }
}

/* The tables are filled before main(), so that no thread sees them half made. */
__attribute__((constructor)) static void prepare(void)
{
    fill_table();
    fill_over_lane();
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
static uint32_t move_over_lane(uint32_t crc)
{
    return over_lane[0][crc & 0xff] ^ over_lane[1][crc >> 8 & 0xff] ^
           over_lane[2][crc >> 16 & 0xff] ^ over_lane[3][crc >> 24];
}

static uint64_t word_at(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t by_lanes(uint32_t crc, const uint8_t *data)
{
    uint64_t first = crc;
    uint64_t second = 0;
    uint64_t third = 0;

    for (size_t i = 0; i < LANE_SIZE; i += sizeof(uint64_t)) {
        first = __builtin_ia32_crc32di(first, word_at(data + i));
        second = __builtin_ia32_crc32di(second, word_at(data + LANE_SIZE + i));
        third = __builtin_ia32_crc32di(third, word_at(data + (size_t)2 * LANE_SIZE + i));
    }
    crc = move_over_lane((uint32_t)first) ^ (uint32_t)second;
    return move_over_lane(crc) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *data,
                                                                 size_t size)
{
    for (; size >= (size_t)LANES * LANE_SIZE; size -= (size_t)LANES * LANE_SIZE) {
        crc = by_lanes(crc, data);
        data += (size_t)LANES * LANE_SIZE;
    }
    uint64_t wide = crc;
    for (; size >= sizeof(wide); size -= sizeof(wide)) {
        wide = __builtin_ia32_crc32di(wide, word_at(data));
        data += sizeof(wide);
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
