/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h -- the bytes of a segment: its header, its frames, the groups within them.
 *
 * docs/JOURNAL_FORMAT.md has the tables; these functions are the only code that knows offsets.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telltale/batch.h"
#include "util/crc32c.h"
#include "util/le.h"

enum {
    SEGMENT_HEADER_SIZE = 64,
    SEGMENT_FORMAT_VERSION = 3, /* what is written; all from 1 on are read */
    FRAME_HEADER_SIZE = 24,
    FRAME_ALIGNMENT = 8,
    RECORD_SIZE_MAX = 32 << 20, /* one event and what normalization appends to it */
    GROUP_SIZE_MAX = 4 << 20,   /* an encoded group */
    GROUP_NUMBER_MAX = (1 << 24) - 1,
};

enum frame_type {
    FRAME_GROUP = 1,
    FRAME_RECORD = 2, /* of logs */
    FRAME_END = 3, /* nothing of this segment stands behind it; carries the number that is next */
    FRAME_FILLER = 4, /* stands where an end mark would cross the border of a sector */
    FRAME_SPAN = 5,   /* a record of traces */
    FRAME_METRIC = 6, /* a record of metrics */
};

struct segment_header {
    uint32_t version;
    uint32_t salt;
    uint8_t journal_id[JOURNAL_ID_SIZE];
    uint64_t first_sequence;
    uint64_t previous_sequence; /* first sequence of the segment before, 0: there was none */
    uint64_t created_unix_ns;
};

void segment_header_put(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_header *header);

/* Whether the magic and the checksum are right; then `ret` is filled. */
bool segment_header_get(const uint8_t in[SEGMENT_HEADER_SIZE], struct segment_header *ret);

/* The two copies of the salt, of which one may have survived damage to the header. */
void segment_header_salts(const uint8_t in[SEGMENT_HEADER_SIZE], uint32_t ret_salts[2]);

struct frame_header {
    uint32_t payload_crc;
    uint32_t payload_size;
    uint32_t group; /* a record: the group it belongs to; a group: the number it is given */
    uint8_t type;   /* enum frame_type, or one from the future, to be skipped */
    uint64_t sequence;
};

static inline bool frame_is_record(uint8_t type)
{
    return type == FRAME_RECORD || type == FRAME_SPAN || type == FRAME_METRIC;
}

/* A record tells its signal itself: it has one even when its group is lost. */
static inline enum signal frame_signal(uint8_t type)
{
    return type == FRAME_SPAN ? SIGNAL_TRACES : type == FRAME_METRIC ? SIGNAL_METRICS : SIGNAL_LOGS;
}

static inline uint8_t frame_type_of(enum signal signal)
{
    return signal == SIGNAL_TRACES    ? FRAME_SPAN
           : signal == SIGNAL_METRICS ? FRAME_METRIC
                                      : FRAME_RECORD;
}

/* The room that a frame takes, padding included. */
static inline uint64_t frame_size(uint64_t payload_size)
{
    return (FRAME_HEADER_SIZE + payload_size + FRAME_ALIGNMENT - 1) &
           ~(uint64_t)(FRAME_ALIGNMENT - 1);
}

static inline void frame_header_put(uint8_t *out, uint32_t salt, const struct frame_header *header)
{
    le32_put(out + 4, header->payload_crc);
    le32_put(out + 8, header->payload_size);
    le32_put(out + 12, header->group | (uint32_t)header->type << 24);
    le64_put(out + 16, header->sequence);
    le32_put(out, crc32c(salt, out + 4, FRAME_HEADER_SIZE - 4));
}

/* Whether the header's checksum is right and its size within bounds; then `ret` is filled. */
static inline bool frame_header_get(const uint8_t *in, uint32_t salt, struct frame_header *ret)
{
    ret->payload_size = le32_get(in + 8);
    ret->type = in[15];
    if (ret->type == 0 || ret->payload_size > RECORD_SIZE_MAX)
        return false;
    if (le32_get(in) != crc32c(salt, in + 4, FRAME_HEADER_SIZE - 4))
        return false;
    ret->payload_crc = le32_get(in + 4);
    ret->group = le32_get(in + 12) & GROUP_NUMBER_MAX;
    ret->sequence = le64_get(in + 16);
    return true;
}

/* A frame without payload, such as an end mark: FRAME_HEADER_SIZE bytes. */
static inline void frame_put_empty(uint8_t *out, uint32_t salt, enum frame_type type,
                                   uint64_t sequence)
{
    struct frame_header header = {.payload_crc = salt, .type = (uint8_t)type, .sequence = sequence};
    frame_header_put(out, salt, &header);
}

/* Whether `in` is what a few damaged bytes make of the end mark that is due.  All of its bytes are
 * known, and of a frame that holds something ten differ, but for chance. */
bool end_mark_is_near(const uint8_t in[FRAME_HEADER_SIZE], uint32_t salt, uint64_t sequence);

/* The size of a group as group_put() writes it; 0 when it is over GROUP_SIZE_MAX. */
size_t group_encoded_size(const struct record_group *group);
void group_put(uint8_t *out, const struct record_group *group);

/* Slices into `encoded`; the signal is logs, since the bytes do not say it.  false: they are not a
 * group. */
bool group_get(struct slice encoded, struct record_group *ret);
