/* SPDX-License-Identifier: Apache-2.0 */
/* story.c -- see story.h.
 *
 * Each event is one allocation: the attribute array, then a copy of the record's bytes that the
 * view points into.  Calls are found by a linear search from the newest: the events of a call
 * stand close together.
 */
#include "query/story.h"

#include <stdlib.h>
#include <string.h>

#include "query/lookup.h"
#include "query/summary.h"
#include "util/clock.h"

enum { ATTRIBUTES_MAX = 4096, FIRST_CAPACITY = 64, RESOURCE_SIZE_MAX = 1 << 20 };

void story_init(struct story *story)
{
    *story = (struct story){0};
    buf_init(&story->resource, RESOURCE_SIZE_MAX);
}

void story_fini(struct story *story)
{
    for (size_t i = 0; i < story->event_count; i++)
        free(story->events[i].view.attributes);
    free(story->events);
    free(story->calls);
    buf_fini(&story->resource);
    *story = (struct story){0};
}

static enum status grow(void **array, size_t *capacity, size_t count, size_t element_size,
                        struct error *err)
{
    if (count < *capacity)
        return ST_OK;
    size_t larger = *capacity > 0 ? *capacity * 2 : FIRST_CAPACITY;
    void *grown = reallocarray(*array, larger, element_size);
    if (grown == NULL)
        return error_set(err, ST_NO_MEMORY, "keep %zu events", larger);
    *array = grown;
    *capacity = larger;
    return ST_OK;
}

/* Counts the attributes, so that each event takes only what it needs. */
static size_t count_attributes(struct slice record)
{
    struct pb_walk walk = pb_walk_start(record);
    struct pb_field field;
    size_t count = 0;

    while (pb_next(&walk, &field) == PB_FIELD)
        count += field.number == RECORD_ATTRIBUTES;
    return count;
}

static enum status copy_record(struct slice record, struct record_view *ret, size_t *ret_size,
                               struct error *err)
{
    struct otlp_limits limits = otlp_limits_default;
    size_t count = count_attributes(record);

    if (count > ATTRIBUTES_MAX)
        return error_set(err, ST_LIMIT, "%zu attributes, shown are at most %d", count,
                         ATTRIBUTES_MAX);
    limits.attribute_count_max = ATTRIBUTES_MAX;
    size_t array_size = (count + 1) * sizeof(struct attribute_view);
    struct attribute_view *attributes = malloc(array_size + record.size);
    if (attributes == NULL)
        return error_set(err, ST_NO_MEMORY, "keep an event of %zu bytes", record.size);
    uint8_t *bytes = (uint8_t *)attributes + array_size;
    if (record.size > 0)
        memcpy(bytes, record.data, record.size);
    enum status st =
        otlp_read_record(slice_of(bytes, record.size), &limits, attributes, count + 1, ret, err);
    if (st != ST_OK) {
        free(attributes);
        return st;
    }
    *ret_size = array_size + record.size;
    return ST_OK;
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.size >= end.size && slice_equal(slice_from(text, text.size - end.size), end);
}

static enum story_way way_of(const struct record_view *view)
{
    struct slice dialect = lookup_text(view, "agent.dialect");

    if (lookup_number(view, "agent.derived", 0) != 0)
        return WAY_SPAN;
    bool is_hook = ends_with(dialect, SLICE("_hook")) || ends_with(dialect, SLICE("_notify")) ||
                   ends_with(dialect, SLICE("_plugin"));
    return is_hook ? WAY_HOOK : WAY_LOG;
}

enum status story_add(struct story *story, const struct record_group *group, struct slice record,
                      struct error *err)
{
    struct story_event event = {
        .order = story->event_count,
        .call = STORY_NO_CALL,
        .echo_of = STORY_NO_EVENT,
        .part_of = STORY_NO_EVENT,
    };
    size_t size = 0;

    if (story->size_bytes >= STORY_SIZE_MAX) {
        story->left_out++;
        return ST_OK;
    }
    if (story->event_count == 0) {
        struct slice resource = group->resource_logs_fields;
        enum status st = buf_append(&story->resource, resource.data, resource.size, err);
        if (st != ST_OK)
            return st;
    }
    enum status st = grow((void **)&story->events, &story->event_capacity, story->event_count,
                          sizeof(*story->events), err);
    if (st != ST_OK)
        return st;
    st = copy_record(record, &event.view, &size, err);
    if (st != ST_OK)
        return st;
    event.time_unix_ns = lookup_time(&event.view);
    event.way = way_of(&event.view);
    event.ways = event.way;
    story->events[story->event_count++] = event;
    story->size_bytes += size;
    return ST_OK;
}

static int by_time(const void *left, const void *right)
{
    const struct story_event *a = left;
    const struct story_event *b = right;

    if (a->time_unix_ns != b->time_unix_ns)
        return a->time_unix_ns < b->time_unix_ns ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* Hooks name the session where logs name the thread: across ways the id alone counts. */
static int find_call(const struct story *story, const struct story_event *event, struct slice id,
                     struct slice conversation)
{
    for (size_t i = story->call_count; i > 0; i--) {
        const struct story_call *call = &story->calls[i - 1];
        if (slice_equal(call->id, id) &&
            (slice_equal(call->conversation, conversation) || call->way != event->way))
            return (int)(i - 1);
    }
    return STORY_NO_CALL;
}

static bool has_kind(const struct record_view *view, const char *kind)
{
    return slice_equal(lookup_text(view, "agent.event.kind"), slice_of_text(kind));
}

static void learn(struct story_call *call, const struct story_event *event)
{
    const struct record_view *view = &event->view;
    uint64_t begin = event->time_unix_ns;
    bool ends = slice_equal(lookup_text(view, "agent.event.phase"), SLICE("end"));

    if (has_kind(view, "agent.tool") && ends) {
        double duration_ms = lookup_number(view, "agent.duration_ms", 0);
        double limit_ms = (double)begin / (double)NS_PER_MS;
        if (duration_ms > 0 && duration_ms < limit_ms)
            begin -= (uint64_t)(duration_ms * (double)NS_PER_MS);
        call->end_unix_ns = event->time_unix_ns;
        call->has_result = true;
    }
    if (has_kind(view, "agent.approval") || has_kind(view, "agent.review"))
        call->has_decision = true;
    if (has_kind(view, "agent.approval") && lookup_number(view, "agent.tool.executed", 1) == 0)
        call->was_refused = true;
    if (begin < call->begin_unix_ns)
        call->begin_unix_ns = begin;
}

static enum status open_call(struct story *story, struct story_event *event, struct slice id,
                             struct slice conversation, struct error *err)
{
    enum status st = grow((void **)&story->calls, &story->call_capacity, story->call_count,
                          sizeof(*story->calls), err);

    if (st != ST_OK)
        return st;
    story->calls[story->call_count] = (struct story_call){.id = id,
                                                          .conversation = conversation,
                                                          .begin_unix_ns = event->time_unix_ns,
                                                          .way = event->way,
                                                          .first = event};
    event->call = (int)story->call_count++;
    return ST_OK;
}

static enum status join_by_id(struct story *story, struct error *err)
{
    for (size_t i = 0; i < story->event_count; i++) {
        struct story_event *event = &story->events[i];
        struct slice id = lookup_text(&event->view, "gen_ai.tool.call.id");
        struct slice conversation = lookup_text(&event->view, "gen_ai.conversation.id");
        if (id.size == 0)
            continue;
        event->call = find_call(story, event, id, conversation);
        enum status st =
            event->call == STORY_NO_CALL ? open_call(story, event, id, conversation, err) : ST_OK;
        if (st != ST_OK)
            return st;
        learn(&story->calls[event->call], event);
    }
    return ST_OK;
}

static bool same_words(const struct record_view *a, const struct record_view *b)
{
    return slice_equal(lookup_text(a, "gen_ai.tool.name"), lookup_text(b, "gen_ai.tool.name")) &&
           slice_equal(summary_of_call(a), summary_of_call(b));
}

/* The latest call of the same words that the event can belong to. */
static int find_by_words(const struct story *story, const struct story_event *event)
{
    uint64_t from = event->time_unix_ns - STORY_ECHO_NS;

    for (size_t i = story->call_count; i > 0; i--) {
        const struct story_call *call = &story->calls[i - 1];
        bool is_over = call->end_unix_ns != 0 && call->end_unix_ns < from;
        bool is_later = call->begin_unix_ns > event->time_unix_ns + STORY_ECHO_NS;
        if (!is_over && !is_later && same_words(&call->first->view, &event->view))
            return (int)(i - 1);
    }
    return STORY_NO_CALL;
}

/* Hooks of some agents name no call, nor do some agents' logs: where a hook says that a tool
 * begins, what follows with the same words belongs to it. */
static enum status join_by_words(struct story *story, struct error *err)
{
    for (size_t i = 0; i < story->event_count; i++) {
        struct story_event *event = &story->events[i];
        bool is_tool = has_kind(&event->view, "agent.tool");
        bool is_asked = has_kind(&event->view, "agent.approval") && event->way == WAY_HOOK;
        if (event->call != STORY_NO_CALL || (!is_tool && !is_asked))
            continue;
        bool begins = is_tool && event->way == WAY_HOOK &&
                      slice_equal(lookup_text(&event->view, "agent.event.phase"), SLICE("start"));
        enum status st = ST_OK;
        if (begins)
            st = open_call(story, event, SLICE_EMPTY, SLICE_EMPTY, err);
        else
            event->call = find_by_words(story, event);
        if (st != ST_OK)
            return st;
        event->joined_by_words = !begins && event->call != STORY_NO_CALL;
        if (event->call != STORY_NO_CALL)
            learn(&story->calls[event->call], event);
    }
    return ST_OK;
}

/* The one call that was running at the event's time, or STORY_NO_CALL. */
static int running_call(const struct story *story, const struct story_event *event)
{
    struct slice conversation = lookup_text(&event->view, "gen_ai.conversation.id");
    int found = STORY_NO_CALL;

    for (size_t i = 0; i < story->call_count; i++) {
        const struct story_call *call = &story->calls[i];
        bool runs = call->has_result && call->begin_unix_ns <= event->time_unix_ns &&
                    event->time_unix_ns <= call->end_unix_ns;
        if (!runs || !slice_equal(call->conversation, conversation))
            continue;
        if (found != STORY_NO_CALL)
            return STORY_NO_CALL;
        found = (int)i;
    }
    return found;
}

enum status story_join(struct story *story, struct error *err)
{
    if (story->event_count > 0)
        qsort(story->events, story->event_count, sizeof(*story->events), by_time);
    enum status st = join_by_id(story, err);
    if (st == ST_OK)
        st = join_by_words(story, err);
    if (st != ST_OK)
        return st;
    story_find_echoes(story);
    story_find_parts(story);
    for (size_t i = 0; i < story->event_count; i++) {
        struct story_event *event = &story->events[i];
        if (event->call != STORY_NO_CALL || !has_kind(&event->view, "agent.network"))
            continue;
        event->call = running_call(story, event);
        event->joined_by_time = event->call != STORY_NO_CALL;
    }
    return ST_OK;
}
