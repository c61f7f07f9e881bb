/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c -- see filter.h.  Cheap parts are asked first. */
#include "query/filter.h"

#include <ctype.h>
#include <string.h>

#include "query/lookup.h"

enum { SESSION_PART_MIN = 8 };

/* The beginnings of time-ordered ids are alike, so tables show their ends. */
static bool names_id(const char *wanted, struct slice id)
{
    struct slice asked = slice_of_text(wanted);

    if (id.size == 0)
        return false;
    if (asked.size < SESSION_PART_MIN || asked.size > id.size)
        return slice_equal(id, asked);
    return slice_starts_with(id, asked) || slice_equal(slice_from(id, id.size - asked.size), asked);
}

bool query_is_of_session(const char *session, const struct record_view *view)
{
    return names_id(session, lookup_text(view, "session.id")) ||
           names_id(session, lookup_text(view, "gen_ai.conversation.id")) ||
           names_id(session, lookup_text(view, "agent.parent.conversation.id"));
}

/* Whether `value` is one of the comma-separated `list`, with or without "agent." before it. */
static bool is_in_list(const char *list, struct slice value)
{
    static const struct slice prefix = {(const uint8_t *)"agent.", 6};
    struct slice bare = slice_starts_with(value, prefix) ? slice_from(value, prefix.size) : value;

    while (*list != 0) {
        size_t size = strcspn(list, ",");
        struct slice word = slice_of(list, size);
        if (slice_equal(word, value) || slice_equal(word, bare))
            return true;
        list += size;
        list += *list == ',';
    }
    return false;
}

static bool contains(struct slice haystack, struct slice needle)
{
    int first = tolower(needle.data[0]);

    for (size_t at = 0; at + needle.size <= haystack.size; at++) {
        size_t same = 0;
        if (tolower(haystack.data[at]) != first)
            continue;
        while (same < needle.size &&
               tolower(haystack.data[at + same]) == tolower(needle.data[same]))
            same++;
        if (same == needle.size)
            return true;
    }
    return false;
}

bool query_filter_matches(const struct query_filter *filter, struct slice record,
                          const struct record_view *view)
{
    uint64_t time = lookup_time(view);

    if (time < filter->since_unix_ns)
        return false;
    if (filter->until_unix_ns != 0 && time >= filter->until_unix_ns)
        return false;
    if (filter->kinds != NULL && !is_in_list(filter->kinds, lookup_text(view, "agent.event.kind")))
        return false;
    if (filter->outcomes != NULL &&
        !is_in_list(filter->outcomes, lookup_text(view, "agent.outcome")))
        return false;
    if (filter->tool != NULL &&
        !slice_equal(slice_of_text(filter->tool), lookup_text(view, "gen_ai.tool.name")))
        return false;
    if (filter->session != NULL && !query_is_of_session(filter->session, view))
        return false;
    /* Texts stand in the record's bytes as they are, so those can be searched whole. */
    return filter->text == NULL || *filter->text == 0 ||
           contains(record, slice_of_text(filter->text));
}
