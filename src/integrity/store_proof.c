/* SPDX-License-Identifier: Apache-2.0 */
/* store_proof.c -- see include/telltale/store_proof.h. */
#include "telltale/store_proof.h"

#include <inttypes.h>

#include "integrity/line_fields.h"

#define PROOF_FORMAT "telltale-proof/1"

enum { FORMAT_SIZE = 32 };

/* Members, in the order in which they are written. */
enum {
    FORMAT,
    ORIGIN,
    FIRST_INDEX,
    JOURNAL_ID,
    SEED,
    OFFSET,
    RECORDS,
    ERASED,
    RANGE,
    SALTS,
    FIELDS,
};

enum {
    HEAD_MASK = 1 << FORMAT | 1 << ORIGIN | 1 << FIRST_INDEX | 1 << JOURNAL_ID,
    SEED_MASK = 1 << SEED,
    STATE_MASK = 1 << OFFSET | 1 << RECORDS | 1 << RANGE,
    ERASED_MASK = 1 << ERASED | 1 << RANGE,
    KEPT_MASK = 1 << SALTS,
};

struct proof_members {
    char format[FORMAT_SIZE];
    struct store_proof_head *head;
    uint64_t offset_bytes, records, erased;
    struct merkle_range *range;
    struct store_salt *salts;
    size_t salt_count;
};

static void fill_table(struct line_field fields[FIELDS], struct proof_members *members)
{
    struct store_proof_head *head = members->head;

    fields[FORMAT] =
        (struct line_field){"format", LINE_TEXT, members->format, FORMAT_SIZE, 0, NULL};
    fields[ORIGIN] =
        (struct line_field){"origin", LINE_TEXT, head->origin, NOTE_NAME_SIZE, 0, NULL};
    fields[FIRST_INDEX] =
        (struct line_field){"first_index", LINE_UINT, &head->first_index, 0, 0, NULL};
    fields[JOURNAL_ID] =
        (struct line_field){"journal_id", LINE_HEX, head->journal_id, JOURNAL_ID_SIZE, 0, NULL};
    fields[SEED] =
        (struct line_field){"seed", LINE_BASE64, head->seed.bytes, STORE_SEED_SIZE, 0, NULL};
    fields[OFFSET] = (struct line_field){"offset", LINE_UINT, &members->offset_bytes, 0, 0, NULL};
    fields[RECORDS] = (struct line_field){"records", LINE_UINT, &members->records, 0, 0, NULL};
    fields[ERASED] = (struct line_field){"erased", LINE_UINT, &members->erased, 0, 0, NULL};
    fields[RANGE] = (struct line_field){"range",   LINE_LIST,           members->range->hashes,
                                        HASH_SIZE, MERKLE_RANGE_HASHES, &members->range->count};
    fields[SALTS] = (struct line_field){"salts",         LINE_LIST,           members->salts,
                                        STORE_SALT_SIZE, STORE_PROOF_RUN_MAX, &members->salt_count};
}

/* --- Writing -----------------------------------------------------------------------------------
 */

static enum status put_line(struct proof_members *members, uint32_t mask, struct buf *out,
                            struct error *err)
{
    struct store_proof_head no_head = {.first_index = 0};
    struct merkle_range no_range = {.count = 0};
    struct line_field fields[FIELDS];

    if (members->head == NULL)
        members->head = &no_head;
    if (members->range == NULL)
        members->range = &no_range;
    fill_table(fields, members);
    return line_fields_put(fields, FIELDS, mask, out, err);
}

enum status store_proof_put_head(const struct store_proof_head *head, struct buf *out,
                                 struct error *err)
{
    struct proof_members members = {.format = PROOF_FORMAT,
                                    .head = (struct store_proof_head *)head};

    return put_line(&members, HEAD_MASK | (head->has_seed ? (uint32_t)SEED_MASK : 0), out, err);
}

enum status store_proof_put_state(const struct store_proof_state *state, struct buf *out,
                                  struct error *err)
{
    struct proof_members members = {
        .offset_bytes = state->offset_bytes,
        .records = state->range.end - state->range.first,
        .range = (struct merkle_range *)&state->range,
    };

    ASSERT(merkle_range_is_sound(&state->range));
    return put_line(&members, STATE_MASK, out, err);
}

enum status store_proof_put_kept(const struct store_salt *salts, size_t count, struct buf *out,
                                 struct error *err)
{
    struct proof_members members = {.salts = (struct store_salt *)salts, .salt_count = count};

    ASSERT(count > 0 && count <= STORE_PROOF_RUN_MAX);
    return put_line(&members, KEPT_MASK, out, err);
}

enum status store_proof_put_erased(const struct merkle_range *leaves, struct buf *out,
                                   struct error *err)
{
    struct proof_members members = {.erased = leaves->end - leaves->first,
                                    .range = (struct merkle_range *)leaves};

    ASSERT(merkle_range_is_sound(leaves) && leaves->end > leaves->first);
    return put_line(&members, ERASED_MASK, out, err);
}

/* --- Reading -----------------------------------------------------------------------------------
 */

void store_proof_reader_init(struct store_proof_reader *reader)
{
    *reader = (struct store_proof_reader){.lines = 0};
}

static enum status take_head(struct store_proof_reader *reader, const struct proof_members *members,
                             bool has_seed, struct store_proof_line *ret, struct error *err)
{
    if (strcmp(members->format, PROOF_FORMAT) != 0)
        return error_set(err, ST_INVALID, "not the format " PROOF_FORMAT);
    if (members->head->first_index > MERKLE_SIZE_MAX)
        return error_set(err, ST_INVALID, "no tree has a leaf %" PRIu64,
                         members->head->first_index);
    ret->kind = STORE_PROOF_HEAD;
    ret->head = *members->head;
    ret->head.has_seed = has_seed;
    reader->has_seed = has_seed;
    reader->first_index = ret->head.first_index;
    reader->next_index = ret->head.first_index;
    return ST_OK;
}

/* Gives the range its limits.  False: it has another number of hashes. */
static bool place_range(struct merkle_range *range, uint64_t first, uint64_t leaves)
{
    range->first = first;
    range->end = first + leaves; /* both are below 2^63 */
    return merkle_range_is_sound(range);
}

static enum status take_state(struct store_proof_reader *reader,
                              const struct proof_members *members, struct store_proof_line *ret,
                              struct error *err)
{
    if (!place_range(&ret->state.range, reader->first_index, members->records))
        return error_set(err, ST_INVALID, "%" PRIu64 " records do not have these hashes",
                         members->records);
    if (ret->state.range.end < reader->next_index || members->offset_bytes < reader->offset_bytes)
        return error_set(err, ST_INVALID, "a state that goes back");
    ret->kind = STORE_PROOF_STATE;
    ret->state.offset_bytes = members->offset_bytes;
    reader->next_index = ret->state.range.end;
    reader->offset_bytes = members->offset_bytes;
    return ST_OK;
}

static enum status take_run(struct store_proof_reader *reader, const struct proof_members *members,
                            uint32_t mask, struct store_proof_line *ret, struct error *err)
{
    bool is_kept = mask == KEPT_MASK;
    uint64_t leaves = is_kept ? members->salt_count : members->erased;

    if (leaves == 0 || leaves > MERKLE_SIZE_MAX - reader->next_index)
        return error_set(err, ST_INVALID, "a run of %" PRIu64 " records", leaves);
    if (!is_kept && !place_range(&ret->erased, reader->next_index, leaves))
        return error_set(err, ST_INVALID, "%" PRIu64 " records do not have these hashes", leaves);
    ret->kind = is_kept ? STORE_PROOF_KEPT : STORE_PROOF_ERASED;
    if (is_kept)
        ret->kept.count = members->salt_count;
    reader->next_index += leaves;
    return ST_OK;
}

/* Each kind of line is read into its place in *ret; the head, which has members of another kind in
 * the same place, by way of the stack. */
static enum status take_line(struct store_proof_reader *reader, const struct proof_members *members,
                             uint32_t mask, struct store_proof_line *ret, struct error *err)
{
    bool is_first = reader->lines == 0;

    if (is_first && (mask & ~(uint32_t)SEED_MASK) == HEAD_MASK)
        return take_head(reader, members, (mask & SEED_MASK) != 0, ret, err);
    if (!is_first && mask == STATE_MASK && reader->has_seed)
        return take_state(reader, members, ret, err);
    if (!is_first && (mask == KEPT_MASK || mask == ERASED_MASK) && !reader->has_seed)
        return take_run(reader, members, mask, ret, err);
    return error_set(err, ST_INVALID, "a line that does not belong here");
}

enum status store_proof_read_line(struct store_proof_reader *reader, struct slice line,
                                  struct store_proof_line *ret, struct error *err)
{
    struct store_proof_head head = {.first_index = 0};
    struct merkle_range range;
    struct line_field fields[FIELDS];
    struct proof_members members = {.head = &head, .range = &range, .salts = ret->kept.salts};
    uint32_t mask;

    range.count = 0;
    fill_table(fields, &members);
    enum status st = line_fields_read(line, fields, FIELDS, &mask, err);
    if (st == ST_OK && mask == STATE_MASK)
        ret->state.range = range;
    if (st == ST_OK && mask == ERASED_MASK)
        ret->erased = range;
    if (st == ST_OK)
        st = take_line(reader, &members, mask, ret, err);
    store_seed_wipe(&head.seed);
    if (st == ST_OK)
        reader->lines++;
    return st;
}
