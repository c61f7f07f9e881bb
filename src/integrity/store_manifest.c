/* SPDX-License-Identifier: Apache-2.0 */
/* store_manifest.c -- see include/telltale/store_manifest.h.
 *
 * The chain value of a line is SHA-256 of the 32 bytes before and of the line up to `,"chain":`,
 * which is its last member and so takes the last 56 bytes. */
#include "telltale/store_manifest.h"

#include <inttypes.h>

#include "integrity/line_fields.h"

enum { KIND_SIZE = 16, CHAIN_MEMBER_SIZE = 56 /* ,"chain":"<44>"} */ };

/* Members, in the order in which they are written. */
enum {
    FACT,
    TIME,
    BASE,
    LAST_BASE,
    JOURNAL_ID,
    FIRST_INDEX,
    RECORDS,
    FILES,
    SIZE,
    SHA256,
    RANGE,
    REASON,
    RULE,
    PREVIOUS,
    LINES,
    CHAIN,
    FIELDS,
};

enum {
    ALL_MASK = 1 << FACT | 1 << TIME | 1 << CHAIN,
    RANGE_MASK = 1 << FIRST_INDEX | 1 << RECORDS | 1 << RANGE,
    HASH_MASK = 1 << SIZE | 1 << SHA256,
    WHY_MASK = 1 << REASON | 1 << RULE,
};

static const struct {
    const char *name;
    uint32_t mask;
} kinds[] = {
    [MANIFEST_CLOSED] = {"closed", ALL_MASK | 1 << BASE | 1 << JOURNAL_ID | RANGE_MASK | HASH_MASK},
    [MANIFEST_COMPRESSED] = {"compressed", ALL_MASK | 1 << BASE | HASH_MASK},
    [MANIFEST_REWRITTEN] = {"rewritten",
                            ALL_MASK | 1 << BASE | 1 << RECORDS | HASH_MASK | WHY_MASK},
    [MANIFEST_DELETED] = {"deleted", ALL_MASK | 1 << BASE | WHY_MASK},
    [MANIFEST_HELD] = {"held", ALL_MASK | WHY_MASK},
    [MANIFEST_RELEASED] = {"released", ALL_MASK | WHY_MASK},
    [MANIFEST_GONE] = {"gone", ALL_MASK | 1 << BASE | 1 << LAST_BASE | 1 << FILES | RANGE_MASK},
    [MANIFEST_COMPACTED] = {"compacted", ALL_MASK | 1 << PREVIOUS | 1 << LINES},
};

struct manifest_members {
    char kind[KIND_SIZE];
    uint64_t records;
    struct hash chain;
};

static void fill_table(struct line_field fields[FIELDS], struct manifest_fact *fact,
                       struct manifest_members *members)
{
    fields[FACT] = (struct line_field){"fact", LINE_TEXT, members->kind, KIND_SIZE, 0, NULL};
    fields[TIME] = (struct line_field){"time", LINE_TIME, &fact->unix_ns, 0, 0, NULL};
    fields[BASE] = (struct line_field){"base", LINE_TEXT, fact->base, sizeof(fact->base), 0, NULL};
    fields[LAST_BASE] = (struct line_field){
        "last_base", LINE_TEXT, fact->last_base, sizeof(fact->last_base), 0, NULL};
    fields[JOURNAL_ID] =
        (struct line_field){"journal_id", LINE_HEX, fact->journal_id, JOURNAL_ID_SIZE, 0, NULL};
    fields[FIRST_INDEX] =
        (struct line_field){"first_index", LINE_UINT, &fact->range.first, 0, 0, NULL};
    fields[RECORDS] = (struct line_field){"records", LINE_UINT, &members->records, 0, 0, NULL};
    fields[FILES] = (struct line_field){"files", LINE_UINT, &fact->file_count, 0, 0, NULL};
    fields[SIZE] = (struct line_field){"size", LINE_UINT, &fact->size_bytes, 0, 0, NULL};
    fields[SHA256] =
        (struct line_field){"sha256", LINE_HEX, fact->sha256.bytes, HASH_SIZE, 0, NULL};
    fields[RANGE] = (struct line_field){"range",   LINE_LIST,           fact->range.hashes,
                                        HASH_SIZE, MERKLE_RANGE_HASHES, &fact->range.count};
    fields[REASON] =
        (struct line_field){"reason", LINE_TEXT, fact->reason, sizeof(fact->reason), 0, NULL};
    fields[RULE] = (struct line_field){"rule", LINE_TEXT, fact->rule, sizeof(fact->rule), 0, NULL};
    fields[PREVIOUS] = (struct line_field){
        "previous_chain", LINE_BASE64, fact->previous_chain.bytes, HASH_SIZE, 0, NULL};
    fields[LINES] = (struct line_field){"lines", LINE_UINT, &fact->line_count, 0, 0, NULL};
    fields[CHAIN] =
        (struct line_field){"chain", LINE_BASE64, members->chain.bytes, HASH_SIZE, 0, NULL};
}

/* `line` ends with the chain member, or has room for it: of no meaning yet. */
static void next_chain(const struct hash *before, struct slice line, struct hash *ret)
{
    ASSERT(line.size > CHAIN_MEMBER_SIZE);
    const struct slice parts[] = {slice_of(before->bytes, HASH_SIZE),
                                  slice_of(line.data, line.size - CHAIN_MEMBER_SIZE)};

    hash_parts(parts, COUNT_OF(parts), ret);
}

enum status manifest_put(const struct manifest_fact *fact, struct manifest_chain *chain,
                         struct buf *out, struct error *err)
{
    struct manifest_fact copy = *fact;
    struct manifest_members members = {.records = fact->record_count};
    struct line_field fields[FIELDS];
    const uint32_t mask = kinds[fact->kind].mask;
    const size_t start = out->size;

    if ((mask & 1 << RANGE) != 0) {
        ASSERT(merkle_range_is_sound(&fact->range));
        members.records = fact->range.end - fact->range.first;
    }
    memcpy(members.kind, kinds[fact->kind].name, strlen(kinds[fact->kind].name));
    fill_table(fields, &copy, &members);
    enum status st = line_fields_put(fields, FIELDS, mask, out, err);
    if (st != ST_OK)
        return st;
    struct slice line = slice_of(out->data + start, out->size - start - 1);
    next_chain(&chain->value, line, &chain->value);
    hash_format_base64(&chain->value, (char *)out->data + out->size - 1 - 2 - HASH_BASE64_SIZE);
    chain->lines++;
    return ST_OK;
}

/* -1: there is no such fact. */
static int find_kind(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* What a table cannot say. */
static enum status check_members(struct manifest_fact *fact, const struct manifest_members *members,
                                 uint32_t mask, struct error *err)
{
    if ((mask & 1 << RANGE) == 0) {
        fact->record_count = members->records;
        return ST_OK;
    }
    fact->range.end = fact->range.first + members->records; /* both are below 2^63 */
    if (!merkle_range_is_sound(&fact->range))
        return error_set(err, ST_INVALID,
                         "%" PRIu64 " records from leaf %" PRIu64 " on do not have these hashes",
                         members->records, fact->range.first);
    return ST_OK;
}

/* Of spellings of one object there is only ours: the chain is the last member, without white space.
 */
static bool ends_with_chain(struct slice line)
{
    static const struct slice name = {(const uint8_t *)",\"chain\":\"", 10};

    return line.size > CHAIN_MEMBER_SIZE &&
           slice_starts_with(slice_from(line, line.size - CHAIN_MEMBER_SIZE), name) &&
           line.data[line.size - 1] == '}';
}

enum status manifest_read_line(struct slice line, struct manifest_chain *chain,
                               struct manifest_fact *ret, struct error *err)
{
    struct manifest_fact fact = {.kind = MANIFEST_CLOSED};
    struct manifest_members members = {.records = 0};
    struct line_field fields[FIELDS];
    uint32_t mask;

    fill_table(fields, &fact, &members);
    enum status st = line_fields_read(line, fields, FIELDS, &mask, err);
    if (st != ST_OK)
        return st;
    int kind = find_kind(members.kind);
    if (kind < 0 || kinds[kind].mask != mask || !ends_with_chain(line))
        return error_set(err, ST_INVALID, "not a fact with its members");
    fact.kind = (enum manifest_kind)kind;
    st = check_members(&fact, &members, mask, err);
    if (st != ST_OK)
        return st;
    struct hash expected;
    next_chain(&chain->value, line, &expected);
    chain->value = members.chain;
    chain->lines++;
    *ret = fact;
    if (!hash_equal(&expected, &members.chain))
        return error_set(err, ST_CORRUPT,
                         "line %" PRIu64 " is not the one that was written behind those before",
                         chain->lines);
    return ST_OK;
}
