/* SPDX-License-Identifier: Apache-2.0 */
/* id_table.c -- see id_table.h.  The table:
 *
 *     a bit for each frame, in whole bytes: it may have any id
 *     1  B, the number of bits of a bucket
 *     4  for each of the 2^B buckets and one more: where its entries begin, from the first one
 *     the entries of the buckets, each:
 *         3  bits of the hash behind those of the bucket
 *         varint  first frame * 4 + form
 *         form 0: no other frame
 *         form 1: varint count, and for each further frame a varint, how many lie between
 *         form 2: varint count of runs, and for each: varint length of the run - 1, then, but for
 * the last, varint gap - 1
 *
 * A bucket has eight ids or fewer on average, so another id is taken for one of these once in two
 * million times.
 */
#include "index/id_table.h"

#include <stdlib.h>

#include "index/varint.h"
#include "util/le.h"

enum { REST_BITS = 24, REST_SIZE = 3, BUCKET_BITS_MAX = PAIR_HASH_BITS - REST_BITS, A_BUCKET = 8 };

enum form { FORM_SINGLE, FORM_GAPS, FORM_RUNS };

/* The frames of one id, as they stand in the sorted pairs. */
struct posting {
    const uint64_t *pairs;
    size_t count;
};

static uint64_t cut_hash(uint64_t pair, unsigned bucket_bits)
{
    return pair_hash(pair) >> (BUCKET_BITS_MAX - bucket_bits);
}

/* Ids whose hashes are alike as far as they are kept are one. */
static struct posting next_posting(const struct pair_list *list, size_t from, unsigned bucket_bits)
{
    size_t end = from + 1;

    while (end < list->count &&
           cut_hash(list->pairs[end], bucket_bits) == cut_hash(list->pairs[from], bucket_bits))
        end++;
    return (struct posting){.pairs = list->pairs + from, .count = end - from};
}

static int compare_places(const void *a, const void *b)
{
    uint32_t x = pair_place(*(const uint64_t *)a);
    uint32_t y = pair_place(*(const uint64_t *)b);
    return (x > y) - (x < y);
}

/* Two ids that became one: their frames in order, each once. */
static void mend(struct posting *posting, uint64_t *pairs)
{
    size_t kept = 1;

    for (size_t i = 1; i < posting->count; i++) {
        if (pair_place(pairs[i - 1]) >= pair_place(pairs[i])) {
            qsort(pairs, posting->count, sizeof(*pairs), compare_places);
            break;
        }
    }
    for (size_t i = 1; i < posting->count; i++) {
        if (pair_place(pairs[i]) != pair_place(pairs[kept - 1]))
            pairs[kept++] = pairs[i];
    }
    posting->count = kept;
}

static size_t count_runs(const struct posting *posting)
{
    size_t runs = 1;

    for (size_t i = 1; i < posting->count; i++)
        runs += pair_place(posting->pairs[i]) > pair_place(posting->pairs[i - 1]) + 1;
    return runs;
}

static enum status append_gaps(const struct posting *posting, struct buf *out, struct error *err)
{
    uint32_t before = pair_place(posting->pairs[0]);
    enum status st = varint_append(out, posting->count - 1, err);

    for (size_t i = 1; st == ST_OK && i < posting->count; i++) {
        uint32_t place = pair_place(posting->pairs[i]);
        st = varint_append(out, place - before - 1, err);
        before = place;
    }
    return st;
}

static enum status append_runs(const struct posting *posting, size_t runs, struct buf *out,
                               struct error *err)
{
    enum status st = varint_append(out, runs, err);
    size_t start = 0;

    for (size_t i = 1; st == ST_OK && i <= posting->count; i++) {
        uint32_t before = pair_place(posting->pairs[i - 1]);
        if (i < posting->count && pair_place(posting->pairs[i]) <= before + 1)
            continue;
        st = varint_append(out, before - pair_place(posting->pairs[start]), err);
        if (st == ST_OK && i < posting->count)
            st = varint_append(out, pair_place(posting->pairs[i]) - before - 2, err);
        start = i;
    }
    return st;
}

static enum status append_entry(const struct posting *posting, unsigned bucket_bits,
                                struct buf *out, struct error *err)
{
    uint64_t rest = cut_hash(posting->pairs[0], bucket_bits);
    uint8_t bytes[REST_SIZE] = {(uint8_t)rest, (uint8_t)(rest >> 8), (uint8_t)(rest >> 16)};
    size_t runs = count_runs(posting);
    enum form form = FORM_GAPS;

    if (posting->count == 1)
        form = FORM_SINGLE;
    else if (2 * runs < posting->count)
        form = FORM_RUNS;
    enum status st = buf_append(out, bytes, sizeof(bytes), err);
    if (st == ST_OK)
        st = varint_append(out, (uint64_t)pair_place(posting->pairs[0]) << 2 | form, err);
    if (st == ST_OK && form == FORM_GAPS)
        st = append_gaps(posting, out, err);
    if (st == ST_OK && form == FORM_RUNS)
        st = append_runs(posting, runs, out, err);
    return st;
}

static size_t count_ids(const struct pair_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += i == 0 || pair_hash(list->pairs[i]) != pair_hash(list->pairs[i - 1]);
    return count;
}

enum status id_table_append(const struct pair_list *list, const uint64_t *unknown,
                            size_t frame_count, struct buf *out, struct error *err)
{
    unsigned bits = 0;
    uint8_t offset[4];
    enum status st = ST_OK;

    for (size_t ids = count_ids(list); bits < BUCKET_BITS_MAX && ids >> bits > A_BUCKET;)
        bits++;
    for (size_t i = 0; st == ST_OK && i < (frame_count + 7) / 8; i++) {
        uint8_t byte = (uint8_t)(unknown[i / 8] >> (8 * (i % 8)));
        st = buf_append(out, &byte, 1, err);
    }
    uint8_t bits_byte = (uint8_t)bits;
    if (st == ST_OK)
        st = buf_append(out, &bits_byte, 1, err);
    size_t buckets = (size_t)1 << bits;
    if (st == ST_OK)
        st = buf_reserve(out, (buckets + 1) * sizeof(offset), err);
    if (st != ST_OK)
        return st;
    size_t table = out->size;
    size_t entries = table + (buckets + 1) * sizeof(offset);
    out->size = entries;
    size_t bucket = 0;
    for (size_t at = 0; st == ST_OK && at < list->count;) {
        struct posting posting = next_posting(list, at, bits);
        size_t own = cut_hash(posting.pairs[0], bits) >> REST_BITS;
        while (bucket <= own)
            le32_put(out->data + table + 4 * bucket++, (uint32_t)(out->size - entries));
        size_t end = at + posting.count;
        mend(&posting, list->pairs + at);
        st = append_entry(&posting, bits, out, err);
        at = end;
    }
    while (bucket <= buckets)
        le32_put(out->data + table + 4 * bucket++, (uint32_t)(out->size - entries));
    return st;
}

/* --- Reading --------------------------------------------------------------------------------- */

struct part_frames {
    struct frame_set *set;
    size_t first;
    size_t count;
};

static bool add(const struct part_frames *part, uint64_t from, uint64_t count)
{
    if (from >= part->count || count > part->count - from)
        return false;
    frame_set_add(part->set, part->first + from, part->first + from + count);
    return true;
}

/* Reads the frames of an entry, and adds them when it is `wanted`; false: damaged. */
static bool take_entry(struct slice *rest, bool wanted, const struct part_frames *part)
{
    uint64_t head, count, value;

    if (!varint_take(rest, &head))
        return false;
    uint64_t frame = head >> 2;
    if ((head & 3) == FORM_SINGLE)
        return !wanted || add(part, frame, 1);
    if ((head & 3) > FORM_RUNS || !varint_take(rest, &count) || count > part->count)
        return false;
    bool is_runs = (head & 3) == FORM_RUNS;
    if (wanted && !is_runs && !add(part, frame, 1))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t length = 0;
        if (is_runs && (!varint_take(rest, &length) || length > part->count))
            return false;
        if (is_runs && wanted && !add(part, frame, length + 1))
            return false;
        if (is_runs && i + 1 == count)
            break;
        if (!varint_take(rest, &value) || value > part->count)
            return false;
        frame += length + value + (is_runs ? 2 : 1);
        if (frame > part->count)
            return false;
        if (wanted && !is_runs && !add(part, frame, 1))
            return false;
    }
    return true;
}

static bool find_in_bucket(struct slice entries, uint32_t wanted, const struct part_frames *part)
{
    while (entries.size > 0) {
        if (entries.size < REST_SIZE)
            return false;
        uint32_t rest =
            entries.data[0] | (uint32_t)entries.data[1] << 8 | (uint32_t)entries.data[2] << 16;
        entries = slice_from(entries, REST_SIZE);
        if (!take_entry(&entries, rest == wanted, part))
            return false;
        if (rest == wanted)
            return true;
    }
    return true;
}

static bool find(struct slice table, uint64_t hash, const struct part_frames *part)
{
    size_t bitmap_size = (part->count + 7) / 8;

    if (table.size < bitmap_size + 1 || table.data[bitmap_size] > BUCKET_BITS_MAX)
        return false;
    unsigned bits = table.data[bitmap_size];
    size_t buckets = (size_t)1 << bits;
    for (size_t i = 0; i < part->count; i++) {
        if ((table.data[i / 8] >> (i % 8) & 1) != 0)
            (void)add(part, i, 1); /* it is one of its frames */
    }
    struct slice rest = slice_from(table, bitmap_size + 1);
    if (rest.size < 4 * (buckets + 1))
        return false;
    uint64_t cut = hash >> (64 - REST_BITS - bits);
    size_t bucket = (size_t)(cut >> REST_BITS);
    ASSERT(rest.data != NULL);
    uint32_t start = le32_get(rest.data + 4 * bucket);
    uint32_t end = le32_get(rest.data + 4 * bucket + 4);
    struct slice entries = slice_from(rest, 4 * (buckets + 1));
    if (start > end || end > entries.size)
        return false;
    if (start == end)
        return true;
    return find_in_bucket(slice_of(entries.data + start, end - start),
                          (uint32_t)cut & ((1 << REST_BITS) - 1), part);
}

void id_table_find(struct slice table, uint64_t hash, size_t first_frame, size_t frame_count,
                   struct frame_set *set)
{
    const struct part_frames part = {.set = set, .first = first_frame, .count = frame_count};

    if (!find(table, hash, &part))
        frame_set_add(set, first_frame, first_frame + frame_count);
}
