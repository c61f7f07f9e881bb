/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.c -- RFC 9562, version 7: 48 bits of milliseconds, then random bits.  The random bits
 * need to be unique, not secret: a fast generator, seeded by the kernel, serves. */
#include "util/uuid.h"

#include <sys/random.h>

enum status uuid_source_init(struct uuid_source *source, struct error *err)
{
    if (getrandom(source->state, sizeof(source->state), 0) != (ssize_t)sizeof(source->state))
        return error_set_errno(err, ST_IO, "read random bytes");
    source->state[0] |= 1; /* the all-zero state is the only bad one */
    return ST_OK;
}

static uint64_t rotate_left(uint64_t value, int count)
{
    return (value << count) | (value >> (64 - count));
}

static uint64_t next_random(uint64_t s[4])
{
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

static void put_hex(char *out, uint64_t value, int digits)
{
    static const char hex[] = "0123456789abcdef";

    for (int i = digits - 1; i >= 0; i--) {
        out[i] = hex[value & 15];
        value >>= 4;
    }
}

void uuid_source_next(struct uuid_source *source, uint64_t unix_ns, char out[UUID_TEXT_SIZE])
{
    uint64_t millis = unix_ns / 1000000;
    uint64_t high = next_random(source->state);
    uint64_t low = next_random(source->state);

    put_hex(out, millis >> 16, 8);
    out[8] = '-';
    put_hex(out + 9, millis & 0xffff, 4);
    out[13] = '-';
    put_hex(out + 14, 0x7000 | (high & 0xfff), 4);
    out[18] = '-';
    put_hex(out + 19, 0x8000 | ((high >> 12) & 0x3fff), 4);
    out[23] = '-';
    put_hex(out + 24, low, 12);
}
