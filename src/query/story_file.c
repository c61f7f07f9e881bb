/* SPDX-License-Identifier: Apache-2.0 */
/* story_file.c -- Gemini CLI and Qwen Code tell what a tool did to a file in a record of its own,
 * which names the tool and neither the call nor the path.
 *
 * It is written while the call runs, or shortly before the call's own clock starts, and the call's
 * result follows.  So it belongs to a later result of the same thread, tool and file extension, and
 * of the same turn where it names one:
 *
 *     the one call that was running at its time; or, if none was,
 *     the one call that began within LEAD_NS behind it
 *
 * With two of them, or with two operations for one call, nothing is joined: what cannot be told is
 * not told. */
#include "query/attested.h"
#include "query/lookup.h"
#include "query/story.h"
#include "util/clock.h"

enum { LOOK_AHEAD = 256, LOOK_AHEAD_S = 3600 };

#define LEAD_NS NS_PER_S

static bool has_text(const struct record_view *view, const char *key, const char *text)
{
    return slice_equal(lookup_text(view, key), slice_of_text(text));
}

static bool same_text(const struct record_view *a, const struct record_view *b, const char *key)
{
    return slice_equal(lookup_text(a, key), lookup_text(b, key));
}

static bool is_operation(const struct story_event *event)
{
    return has_text(&event->view, "agent.event.kind", "agent.file") &&
           has_text(&event->view, "agent.file.path_source", "none") &&
           event->call == STORY_NO_CALL && lookup_text(&event->view, "gen_ai.tool.name").size > 0;
}

/* "js" fits "src/greet.js"; where one of them is not known, anything does. */
static bool fits_extension(struct slice path, struct slice extension)
{
    if (path.size == 0 || extension.size == 0)
        return true;
    return path.size > extension.size && path.data[path.size - extension.size - 1] == '.' &&
           slice_equal(slice_from(path, path.size - extension.size), extension);
}

static bool same_turn(const struct record_view *operation, const struct record_view *result)
{
    return lookup_text(operation, "agent.turn.id").size == 0 ||
           same_text(operation, result, "agent.turn.id");
}

/* Both are log records of the agent itself, so that another program does not speak for it. */
static bool same_sender(const struct record_view *a, const struct record_view *b)
{
    struct attested_peer of_a, of_b;

    attested_read(a, &of_a);
    attested_read(b, &of_b);
    return attested_is_same(&of_a, &of_b) && attested_may_be_one_fact(a, b);
}

static bool may_be_its_result(const struct story_event *operation, const struct story_event *event)
{
    const struct record_view *a = &operation->view, *b = &event->view;

    return has_text(b, "agent.event.kind", "agent.tool") &&
           has_text(b, "agent.event.phase", "end") && event->way == operation->way &&
           lookup_number(b, "agent.tool.executed", 1) != 0 && same_text(a, b, "gen_ai.tool.name") &&
           same_text(a, b, "session.id") && same_text(a, b, "gen_ai.conversation.id") &&
           same_turn(a, b) &&
           fits_extension(lookup_text(b, "file.path"), lookup_text(a, "file.extension")) &&
           same_sender(a, b);
}

static uint64_t begin_of(const struct story_event *result)
{
    double duration_ns = lookup_number(&result->view, "agent.duration_ms", 0) * (double)NS_PER_MS;

    if (!(duration_ns > 0) || duration_ns >= (double)result->time_unix_ns)
        return result->time_unix_ns;
    return result->time_unix_ns - (uint64_t)duration_ns;
}

/* The result that the operation belongs to, or STORY_NO_EVENT. */
static int find_result(const struct story *story, size_t operation)
{
    const struct story_event *file = &story->events[operation];
    int running = STORY_NO_EVENT, next = STORY_NO_EVENT;
    unsigned int running_count = 0, next_count = 0;

    for (size_t i = operation + 1; i < story->event_count && i <= operation + LOOK_AHEAD; i++) {
        const struct story_event *event = &story->events[i];
        if (event->time_unix_ns - file->time_unix_ns > LOOK_AHEAD_S * NS_PER_S)
            break;
        if (!may_be_its_result(file, event))
            continue;
        uint64_t begin = begin_of(event);
        if (begin <= file->time_unix_ns) {
            running = (int)i;
            running_count++;
        } else if (begin - file->time_unix_ns <= LEAD_NS) {
            next = (int)i;
            next_count++;
        }
    }
    if (running_count > 0)
        return running_count == 1 ? running : STORY_NO_EVENT;
    return next_count == 1 ? next : STORY_NO_EVENT;
}

/* Of a result that several operations were found for, none is a part. */
static void part_rivals(struct story *story, size_t operation)
{
    int result = story->events[operation].part_of;
    bool has_rival = false;

    if (result == STORY_NO_EVENT)
        return;
    for (size_t i = operation + 1; i < (size_t)result; i++) {
        if (story->events[i].part_of == result) {
            story->events[i].part_of = STORY_NO_EVENT;
            has_rival = true;
        }
    }
    if (has_rival)
        story->events[operation].part_of = STORY_NO_EVENT;
}

void story_find_parts(struct story *story)
{
    for (size_t i = 0; i < story->event_count; i++) {
        if (is_operation(&story->events[i]))
            story->events[i].part_of = find_result(story, i);
    }
    for (size_t i = 0; i < story->event_count; i++)
        part_rivals(story, i);
    for (size_t i = 0; i < story->event_count; i++) {
        struct story_event *event = &story->events[i];
        if (event->part_of != STORY_NO_EVENT &&
            story->events[event->part_of].echo_of != STORY_NO_EVENT)
            event->part_of = story->events[event->part_of].echo_of;
    }
}
