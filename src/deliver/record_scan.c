/* SPDX-License-Identifier: Apache-2.0 */
/* record_scan.c -- see record_scan.h.
 *
 * Every record of a filtered destination comes through here, so an attribute whose key does not
 * begin with "agent." is passed over by its first bytes.  A sender may write a key twice into one
 * attribute, and readers take the last: where the first one looks like ours, the attribute is
 * walked whole.  (Where only a later one does, it is the sender's: ours are never written so.) */
#include "deliver/record_scan.h"

#include "wire/believed.h"

enum { WHAT_KIND, WHAT_FACETS, WHAT_OUTCOME, WHAT_SEVERITY, WHAT_ERRORS, WHAT_COUNT };

/* What has been found of each, and behind how many agent.norm. */
struct findings {
    struct slice values[WHAT_COUNT];
    int chains[WHAT_COUNT];
};

/* The last key and value of an attribute, as readers take them. */
struct key_value {
    struct slice key, value;
};

static bool looks_like_ours(struct slice attribute)
{
    enum { KEY_AT = 2 };
    const struct slice prefix = SLICE("agent.");

    return attribute.size > KEY_AT + prefix.size && attribute.data[0] == (KEY_VALUE_KEY << 3 | 2) &&
           slice_starts_with(slice_from(attribute, KEY_AT + (attribute.data[1] >= 0x80)), prefix);
}

static struct key_value read_attribute(struct slice attribute)
{
    struct pb_walk walk = pb_walk_start(attribute);
    struct key_value ret = {.key = SLICE_EMPTY};
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.type == WIRE_BYTES && field.number == KEY_VALUE_KEY)
            ret.key = field.bytes;
        else if (field.type == WIRE_BYTES && field.number == KEY_VALUE_VALUE)
            ret.value = field.bytes;
    }
    return ret;
}

static void note(struct findings *findings, struct slice attribute)
{
    static const struct slice keys[WHAT_COUNT] = {
        [WHAT_KIND] = {(const uint8_t *)"agent.event.kind", 16},
        [WHAT_FACETS] = {(const uint8_t *)"agent.event.facets", 18},
        [WHAT_OUTCOME] = {(const uint8_t *)"agent.outcome", 13},
        [WHAT_SEVERITY] = {(const uint8_t *)"agent.severity", 14},
        [WHAT_ERRORS] = {(const uint8_t *)"agent.norm.errors", 17},
    };
    struct key_value there = read_attribute(attribute);
    int chain = believed_chain(&there.key);

    if (chain > BELIEVED_CHAIN_MAX)
        return;
    for (int i = 0; i < WHAT_COUNT; i++) {
        if (chain >= findings->chains[i] && slice_equal(there.key, keys[i])) {
            findings->values[i] = there.value;
            findings->chains[i] = chain;
        }
    }
}

/* The text of an AnyValue; empty: it is something else. */
static struct slice any_text(struct slice any)
{
    struct pb_walk walk = pb_walk_start(any);
    struct slice text = SLICE_EMPTY;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == ANY_STRING && field.type == WIRE_BYTES)
            text = field.bytes;
    }
    return text;
}

static uint64_t any_int(struct slice any)
{
    struct pb_walk walk = pb_walk_start(any);
    uint64_t value = 0;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == ANY_INT && field.type == WIRE_VARINT)
            value = field.value;
    }
    return value;
}

/* The encoded list of an AnyValue; empty: it is something else. */
static struct slice any_list(struct slice any)
{
    struct any_view view;
    struct error ignored;

    return otlp_read_any(any, &view, &ignored) == ST_OK && view.type == ANY_TYPE_ARRAY
               ? view.bytes
               : SLICE_EMPTY;
}

/* --- Facets of a record with keys that are not to be believed --------------------------------- */

/* Where `wanted` stands last behind its longest chain, of those that are not left out; its value is
 * written.  UINT32_MAX: nowhere. */
static uint32_t find_believed(struct slice record, struct slice wanted,
                              const struct disbelief *disbelief, struct slice *ret_value)
{
    struct pb_walk walk = pb_walk_start(record);
    uint32_t found = UINT32_MAX;
    uint32_t index = 0;
    struct pb_field field;
    int longest = 0;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != RECORD_ATTRIBUTES || field.type != WIRE_BYTES)
            continue;
        struct key_value there = read_attribute(field.bytes);
        struct slice key = there.key;
        int chain = believed_chain(&key);
        if (chain >= longest && chain <= BELIEVED_CHAIN_MAX && slice_equal(key, wanted) &&
            !disbelief_has(disbelief, there.key, index)) {
            longest = chain;
            found = index;
            *ret_value = there.value;
        }
        index++;
    }
    return found;
}

/* Facets are not in every record, so those that are there may be a sender's. */
static struct slice believed_facets(struct slice record, const struct findings *findings)
{
    struct disbelief disbelief = {.list = any_list(findings->values[WHAT_ERRORS])};
    const struct disbelief nothing = {.list = SLICE_EMPTY};
    struct slice facets = SLICE_EMPTY;
    struct slice ignored;

    if (findings->values[WHAT_FACETS].size == 0 || disbelief.list.size == 0)
        return findings->values[WHAT_FACETS];
    disbelief.has_all = believed_list_has(disbelief.list, BELIEVED_ALL);
    if (disbelief.has_all)
        disbelief.ours_index = find_believed(record, BELIEVED_UID_KEY, &nothing, &ignored);
    (void)find_believed(record, SLICE("agent.event.facets"), &disbelief, &facets);
    return facets;
}

/* --- The whole ---------------------------------------------------------------------------------
 */

void record_scan_read(struct slice record, struct record_scan *ret)
{
    struct pb_walk walk = pb_walk_start(record);
    struct findings findings = {.chains = {0}};
    uint64_t time_ns = 0;
    uint64_t observed_ns = 0;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RECORD_ATTRIBUTES && field.type == WIRE_BYTES) {
            if (looks_like_ours(field.bytes))
                note(&findings, field.bytes);
        } else if (field.number == RECORD_TIME_UNIX_NANO && field.type == WIRE_FIXED64) {
            time_ns = field.value;
        } else if (field.number == RECORD_OBSERVED_TIME_UNIX_NANO && field.type == WIRE_FIXED64) {
            observed_ns = field.value;
        }
    }
    *ret = (struct record_scan){
        .kind = any_text(findings.values[WHAT_KIND]),
        .facets = believed_facets(record, &findings),
        .outcome = any_text(findings.values[WHAT_OUTCOME]),
        .severity = any_int(findings.values[WHAT_SEVERITY]),
        .time_ns = time_ns != 0 ? time_ns : observed_ns,
    };
}

bool record_scan_has_facet(const struct record_scan *scan, struct slice word)
{
    struct pb_walk any = pb_walk_start(scan->facets);
    struct pb_field list;
    struct pb_field item;

    while (pb_next(&any, &list) == PB_FIELD) {
        if (list.number != ANY_ARRAY || list.type != WIRE_BYTES)
            continue;
        struct pb_walk items = pb_walk_start(list.bytes);
        while (pb_next(&items, &item) == PB_FIELD) {
            if (item.number == LIST_VALUES && item.type == WIRE_BYTES &&
                slice_equal(any_text(item.bytes), word))
                return true;
        }
    }
    return false;
}
