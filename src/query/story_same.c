/* SPDX-License-Identifier: Apache-2.0 */
/* story_same.c -- what an agent says in several ways is one fact.
 *
 * Two events say the same when their kind and phase are the same, their ways are not, and they
 * belong to the same call; or, of what belongs to no call, when they are within STORY_ECHO_NS of
 * each other and say the same words.  Each way says a fact once: a second log record is a second
 * fact.  Of those that say it, the one with most to say tells it.  Nobody speaks for another user,
 * and what carries forged keys is shown by itself (attested.h).
 */
#include "query/attested.h"
#include "query/lookup.h"
#include "query/story.h"
#include "util/clock.h"

static bool same_text(const struct record_view *a, const struct record_view *b, const char *key)
{
    return slice_equal(lookup_text(a, key), lookup_text(b, key));
}

static struct slice prompt_of(const struct record_view *view)
{
    struct slice text = lookup_text(view, "prompt");

    if (text.size > 0 || view->body.type != ANY_TYPE_STRING)
        return text;
    return view->body.bytes;
}

static bool is_kind(const struct record_view *view, const char *kind)
{
    return slice_equal(lookup_text(view, "agent.event.kind"), slice_of_text(kind));
}

/* Of events that belong to no call, and are of one kind and phase. */
static bool same_words(const struct record_view *a, const struct record_view *b)
{
    if (is_kind(a, "agent.prompt"))
        return slice_equal(prompt_of(a), prompt_of(b));
    if (is_kind(a, "agent.session") || is_kind(a, "agent.turn") || is_kind(a, "agent.response"))
        return true;
    if (is_kind(a, "agent.subagent"))
        return same_text(a, b, "gen_ai.agent.id") && same_text(a, b, "gen_ai.agent.name");
    if (is_kind(a, "agent.context"))
        return same_text(a, b, "agent.context.action");
    return false;
}

static bool is_one_fact(const struct story_event *a, const struct story_event *b)
{
    if ((a->ways & b->ways) != 0 || a->call != b->call ||
        !same_text(&a->view, &b->view, "agent.event.kind") ||
        !same_text(&a->view, &b->view, "agent.event.phase"))
        return false;
    bool may_be =
        a->call != STORY_NO_CALL
            ? is_kind(&a->view, "agent.tool") || is_kind(&a->view, "agent.approval")
            : b->time_unix_ns - a->time_unix_ns <= STORY_ECHO_NS && same_words(&a->view, &b->view);
    return may_be && attested_may_be_one_fact(&a->view, &b->view);
}

/* How much it has to say. */
static int weight(const struct story_event *event)
{
    const struct record_view *view = &event->view;
    struct slice outcome = lookup_text(view, "agent.outcome");
    struct slice source = lookup_text(view, "agent.decision.source");
    int weight = event->way == WAY_LOG ? 1 : 0;

    weight += outcome.size > 0 && !slice_equal(outcome, SLICE("unknown")) ? 8 : 0;
    weight += source.size > 0 && !slice_equal(source, SLICE("unknown")) ? 4 : 0;
    weight += lookup_attribute(view, "process.exit.code") != NULL ? 2 : 0;
    return weight;
}

/* `b` says what the group of `a` says: the weightier tells it from now on. */
static void unite(struct story *story, size_t a, size_t b)
{
    struct story_event *first = &story->events[a];
    struct story_event *second = &story->events[b];

    if (weight(second) > weight(first)) {
        for (size_t i = a; i < b; i++) {
            if (story->events[i].echo_of == (int)a)
                story->events[i].echo_of = (int)b;
        }
        first->echo_of = (int)b;
        second->ways |= first->ways;
    } else {
        second->echo_of = (int)a;
        first->ways |= second->ways;
    }
}

void story_find_echoes(struct story *story)
{
    enum { LOOK_BACK = 1024, LOOK_BACK_S = 60 }; /* what is said again is said soon */

    for (size_t i = 0; i < story->event_count; i++) {
        size_t from = i > LOOK_BACK ? i - LOOK_BACK : 0;
        for (size_t j = i; j > from; j--) {
            const struct story_event *before = &story->events[j - 1];
            if (story->events[i].time_unix_ns - before->time_unix_ns > LOOK_BACK_S * NS_PER_S)
                break;
            if (before->echo_of == STORY_NO_EVENT && is_one_fact(before, &story->events[i])) {
                unite(story, j - 1, i);
                break;
            }
        }
    }
}
