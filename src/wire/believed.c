/* SPDX-License-Identifier: Apache-2.0 */
/* believed.c -- see believed.h.  Linear: a record has some dozens of attributes.  The list is
 * looked for only where what was found begins with agent. and is not always there. */
#include "wire/believed.h"

#include <string.h>

#define NORM_PREFIX  SLICE("agent.norm.")
#define AGENT_PREFIX SLICE("agent.")

int believed_chain(struct slice *key)
{
    int chain = 0;

    while (slice_starts_with(*key, NORM_PREFIX) && !slice_equal(*key, BELIEVED_ERRORS_KEY)) {
        *key = slice_from(*key, NORM_PREFIX.size);
        chain++;
    }
    return chain;
}

bool believed_is_always(struct slice key)
{
    static const char *const keys[] = {
        "agent.event.kind", "agent.outcome",       "agent.event.phase",    "agent.role",
        "agent.dialect",    "agent.dialect.event", "agent.severity",       "agent.product",
        "agent.transport",  "agent.time.source",   "agent.classification", "agent.schema.version",
        "log.record.uid",   "agent.norm.errors",
    };

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (slice_equal(key, slice_of_text(keys[i])))
            return true;
    }
    return false;
}

bool believed_list_has(struct slice list, struct slice text)
{
    struct pb_walk walk = pb_walk_start(list);
    struct pb_field field;
    struct any_view item;
    struct error ignored;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == LIST_VALUES && field.type == WIRE_BYTES &&
            otlp_read_any(field.bytes, &item, &ignored) == ST_OK && item.type == ANY_TYPE_STRING &&
            slice_equal(item.bytes, text))
            return true;
    }
    return false;
}

/* How many agent.norm. stand before `key` in `text`; -1: it is another key. */
static int chain_of(struct slice text, struct slice key)
{
    int chain = 0;

    if (text.size < key.size || memcmp(text.data + text.size - key.size, key.data, key.size) != 0)
        return -1;
    text.size -= key.size;
    for (; slice_starts_with(text, NORM_PREFIX); chain++)
        text = slice_from(text, NORM_PREFIX.size);
    return text.size == 0 && chain <= BELIEVED_CHAIN_MAX ? chain : -1;
}

/* The last of the longest chain that is not left out. */
static size_t find(const struct record_view *view, struct slice key,
                   const struct disbelief *disbelief)
{
    size_t found = view->attribute_count;
    int longest = 0;

    for (size_t i = 0; i < view->attribute_count; i++) {
        struct slice there = view->attributes[i].key;
        int chain = chain_of(there, key);
        if (chain < longest || (disbelief != NULL && disbelief_has(disbelief, there, i)))
            continue;
        longest = chain;
        found = i;
    }
    return found;
}

void disbelief_read(const struct record_view *view, struct disbelief *ret)
{
    size_t errors = find(view, BELIEVED_ERRORS_KEY, NULL);

    *ret = (struct disbelief){.list = SLICE_EMPTY};
    if (errors == view->attribute_count || view->attributes[errors].value.type != ANY_TYPE_ARRAY)
        return;
    ret->list = view->attributes[errors].value.bytes;
    ret->has_all = believed_list_has(ret->list, BELIEVED_ALL);
    if (ret->has_all)
        ret->ours_index = (uint32_t)find(view, BELIEVED_UID_KEY, NULL);
}

bool disbelief_has(const struct disbelief *disbelief, struct slice key, size_t index)
{
    if (disbelief->list.size == 0 || !slice_starts_with(key, AGENT_PREFIX))
        return false;
    return disbelief->has_all ? index < disbelief->ours_index
                              : believed_list_has(disbelief->list, key);
}

size_t believed_find(const struct record_view *view, struct slice key)
{
    size_t found = find(view, key, NULL);
    struct disbelief disbelief;

    if (found == view->attribute_count ||
        !slice_starts_with(view->attributes[found].key, AGENT_PREFIX) || believed_is_always(key))
        return found;
    disbelief_read(view, &disbelief);
    return disbelief_has(&disbelief, view->attributes[found].key, found)
               ? find(view, key, &disbelief)
               : found;
}
