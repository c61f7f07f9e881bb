/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c -- the segment header and groups:
 *
 *     offset  size   segment header
 *          0     8   "TTALESEG"
 *          8     4   format version
 *         12     4   salt
 *         16    16   journal id
 *         32     8   first sequence number
 *         40     8   first sequence number of the segment before
 *         48     8   time of creation, Unix nanoseconds
 *         56     4   salt, again
 *         60     4   CRC-32C of bytes 0..59
 *
 *     A group is three times: size (4), bytes.
 */
#include "journal/frame.h"

#include <string.h>

static const char magic[8] = {'T', 'T', 'A', 'L', 'E', 'S', 'E', 'G'};

enum { GROUP_FIELDS = 3 };

void segment_header_put(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_header *header)
{
    memcpy(out, magic, sizeof(magic));
    le32_put(out + 8, header->version);
    le32_put(out + 12, header->salt);
    memcpy(out + 16, header->journal_id, JOURNAL_ID_SIZE);
    le64_put(out + 32, header->first_sequence);
    le64_put(out + 40, header->previous_sequence);
    le64_put(out + 48, header->created_unix_ns);
    le32_put(out + 56, header->salt);
    le32_put(out + 60, crc32c(0, out, 60));
}

bool segment_header_get(const uint8_t in[SEGMENT_HEADER_SIZE], struct segment_header *ret)
{
    if (memcmp(in, magic, sizeof(magic)) != 0 || le32_get(in + 60) != crc32c(0, in, 60))
        return false;
    ret->version = le32_get(in + 8);
    ret->salt = le32_get(in + 12);
    memcpy(ret->journal_id, in + 16, JOURNAL_ID_SIZE);
    ret->first_sequence = le64_get(in + 32);
    ret->previous_sequence = le64_get(in + 40);
    ret->created_unix_ns = le64_get(in + 48);
    return true;
}

void segment_header_salts(const uint8_t in[SEGMENT_HEADER_SIZE], uint32_t ret_salts[2])
{
    ret_salts[0] = le32_get(in + 12);
    ret_salts[1] = le32_get(in + 56);
}

bool end_mark_is_near(const uint8_t in[FRAME_HEADER_SIZE], uint32_t salt, uint64_t sequence)
{
    enum { ENOUGH = FRAME_HEADER_SIZE - 4 };
    uint8_t mark[FRAME_HEADER_SIZE];
    int same = 0;

    frame_put_empty(mark, salt, FRAME_END, sequence);
    for (size_t i = 0; i < sizeof(mark); i++)
        same += in[i] == mark[i];
    return same >= ENOUGH;
}

size_t group_encoded_size(const struct record_group *group)
{
    const size_t sizes[GROUP_FIELDS] = {group->request_fields.size,
                                        group->resource_logs_fields.size,
                                        group->scope_logs_fields.size};
    size_t total = 0;

    for (size_t i = 0; i < GROUP_FIELDS; i++) {
        if (sizes[i] > GROUP_SIZE_MAX)
            return 0;
        total += sizeof(uint32_t) + sizes[i];
    }
    return total <= GROUP_SIZE_MAX ? total : 0;
}

static uint8_t *field_put(uint8_t *out, struct slice field)
{
    le32_put(out, (uint32_t)field.size);
    if (field.size > 0)
        memcpy(out + sizeof(uint32_t), field.data, field.size);
    return out + sizeof(uint32_t) + field.size;
}

void group_put(uint8_t *out, const struct record_group *group)
{
    out = field_put(out, group->request_fields);
    out = field_put(out, group->resource_logs_fields);
    (void)field_put(out, group->scope_logs_fields);
}

static bool field_get(struct slice *rest, struct slice *ret)
{
    if (rest->size < sizeof(uint32_t))
        return false;
    size_t size = le32_get(rest->data);
    if (size > rest->size - sizeof(uint32_t))
        return false;
    *ret = slice_of(rest->data + sizeof(uint32_t), size);
    *rest = slice_of(ret->data + size, rest->size - sizeof(uint32_t) - size);
    return true;
}

bool group_get(struct slice encoded, struct record_group *ret)
{
    ret->signal = SIGNAL_LOGS;
    return field_get(&encoded, &ret->request_fields) &&
           field_get(&encoded, &ret->resource_logs_fields) &&
           field_get(&encoded, &ret->scope_logs_fields) && encoded.size == 0;
}
