/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c -- see filter.h.  Cheap parts are asked first. */
#include "query/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "query/attested.h"
#include "query/lookup.h"
#include "util/text_find.h"

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

bool query_contains(struct slice haystack, struct slice needle)
{
    if (needle.size == 0)
        return true;
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

/* An empty text too. */
static bool is_number(struct slice text)
{
    size_t at = 0;

    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at == text.size;
}

bool query_is_of_user(const char *list, const struct record_view *view)
{
    static const char *const keys[] = {"user.name", "user.id", "user.email", "process.user.name"};
    struct attested_peer peer;
    char uid[32];

    attested_read(view, &peer);
    int size = snprintf(uid, sizeof(uid), "%.0f", peer.uid);
    if (peer.uid >= 0 && is_in_list(list, slice_of(uid, (size_t)size)))
        return true;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice name = lookup_text(view, keys[i]);
        /* A number is a uid, and of those only the kernel's word counts. */
        if (!is_number(name) && is_in_list(list, name))
            return true;
    }
    return false;
}

bool query_is_of_host(const char *list, const struct field_record *seen)
{
    static const char *const keys[] = {"host.name", "host.id"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice name = lookup_resource_text(seen->group, keys[i]);
        if (name.size == 0)
            name = lookup_text(seen->view, keys[i]);
        if (name.size > 0 && is_in_list(list, name))
            return true;
    }
    return false;
}

static bool is_of_agent(const char *list, const struct record_view *view)
{
    struct slice name = lookup_text(view, "gen_ai.agent.name");

    return is_in_list(list, lookup_text(view, "agent.product")) ||
           (name.size > 0 && is_in_list(list, name));
}

static bool text_matches(void *context, struct slice text)
{
    return pattern_matches(context, text);
}

static bool attribute_matches(void *context, const struct attribute_view *attribute)
{
    return field_each_text(&attribute->value, text_matches, context);
}

static bool is_found(struct pattern *grep, const struct field_record *seen)
{
    const struct record_view *view = seen->view;

    if (pattern_matches(grep, view->event_name) || field_each_text(&view->body, text_matches, grep))
        return true;
    for (size_t i = 0; i < view->attribute_count; i++) {
        if (attribute_matches(grep, &view->attributes[i]))
            return true;
    }
    return lookup_each_resource(seen->group, attribute_matches, grep);
}

struct text_question {
    struct text_needle needle;
    bool whole_words;
};

static bool text_contains(void *context, struct slice text)
{
    const struct text_question *question = context;

    return (question->whole_words ? text_find_word(&question->needle, text)
                                  : text_find(&question->needle, text)) != NULL;
}

/* Whether the text stands within one of the record's texts or keys.  They stand in its bytes as
 * they are; only a record that has the text somewhere in these is looked at closer. */
static bool has_text(const char *text, bool whole_words, struct slice record,
                     const struct record_view *view)
{
    struct text_question question = {.whole_words = whole_words};
    char small[FILTER_TEXT_MAX];
    size_t size = strlen(text);

    if (size > sizeof(small))
        return false;
    for (size_t i = 0; i < size; i++)
        small[i] = (char)text_lower((uint8_t)text[i]);
    question.needle = text_needle_of(slice_of(small, size), true);
    if (text_find(&question.needle, record) == NULL)
        return false;
    if (size == 0 || text_contains(&question, view->event_name) ||
        text_contains(&question, view->severity_text) ||
        field_each_text_or_key(&view->body, text_contains, &question))
        return true;
    for (size_t i = 0; i < view->attribute_count; i++) {
        if (text_contains(&question, view->attributes[i].key) ||
            field_each_text_or_key(&view->attributes[i].value, text_contains, &question))
            return true;
    }
    return false;
}

static bool is_about(const struct query_filter *filter, const struct field_record *seen)
{
    const struct record_view *view = seen->view;
    struct slice tool = lookup_text(view, "gen_ai.tool.name");

    if (filter->kinds != NULL && !is_in_list(filter->kinds, lookup_text(view, "agent.event.kind")))
        return false;
    if (filter->outcomes != NULL &&
        !is_in_list(filter->outcomes, lookup_text(view, "agent.outcome")))
        return false;
    if (filter->tool != NULL && !slice_equal(slice_of_text(filter->tool), tool))
        return false;
    if (filter->session != NULL && !query_is_of_session(filter->session, view))
        return false;
    if (filter->agents != NULL && !is_of_agent(filter->agents, view))
        return false;
    if (filter->users != NULL && !query_is_of_user(filter->users, view))
        return false;
    return filter->hosts == NULL || query_is_of_host(filter->hosts, seen);
}

bool query_filter_matches(const struct query_filter *filter, struct slice record,
                          const struct field_record *seen)
{
    uint64_t time = lookup_time(seen->view);

    if (time < filter->since_unix_ns)
        return false;
    if (filter->until_unix_ns != 0 && time >= filter->until_unix_ns)
        return false;
    if (!is_about(filter, seen))
        return false;
    for (size_t i = 0; i < filter->condition_count; i++) {
        if (!condition_holds(&filter->conditions[i], seen, filter->scratch))
            return false;
    }
    if (filter->text != NULL && !has_text(filter->text, false, record, seen->view))
        return false;
    for (size_t i = 0; i < filter->word_count; i++) {
        if (!has_text(filter->words[i], true, record, seen->view))
            return false;
    }
    return filter->grep == NULL || is_found(filter->grep, seen);
}
