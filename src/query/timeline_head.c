/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_head.c -- see timeline_head.h. */
#include "query/timeline_head.h"

#include "query/lookup.h"
#include "query/time_text.h"
#include "query/timeline_words.h"
#include "query/totals.h"

static struct slice first_text(const struct story *story, const char *key)
{
    for (size_t i = 0; i < story->event_count; i++) {
        struct slice text = lookup_text(&story->events[i].view, key);
        if (text.size > 0)
            return text;
    }
    return SLICE_EMPTY;
}

static void put_fact(struct page *page, const char *before, struct slice value)
{
    if (value.size == 0)
        return;
    page_put_format(page, "%s", before);
    page_put_text(page, value, 80);
}

void timeline_head_put(struct page *page, const struct story *story,
                       const struct sender_marks *marks)
{
    const struct story_event *first = &story->events[0];
    const struct story_event *last = &story->events[story->event_count - 1];
    struct record_group group = {.resource_logs_fields = buf_slice(&story->resource)};
    char text[TIME_TEXT_SIZE];

    page_put_ink(page, INK_BOLD, "Session ");
    page_put_text(page, first_text(story, "session.id"), 0);
    put_fact(page, "\n  agent    ", first_text(story, "agent.product"));
    put_fact(page, " ", first_text(story, "agent.product.version"));
    put_fact(page, " on ", lookup_resource_text(&group, "host.name"));
    put_fact(page, ", model ", first_text(story, "gen_ai.request.model"));
    time_format_local(first->time_unix_ns, text);
    page_put_format(page, "\n  when     %s, ", text);
    time_format_duration((double)(last->time_unix_ns - first->time_unix_ns) / 1e6, text);
    page_put_format(page, "%s", text);
    put_fact(page, "\n  asks     ", first_text(story, "agent.permission.mode"));
    put_fact(page, "\n  sandbox  ", first_text(story, "agent.sandbox.mode"));
    put_fact(page, "\n  user     ", first_text(story, "user.email"));
    sender_marks_put_head(marks, page);
    page_put(page, "\n\n");
}

void timeline_foot_put(struct page *page, const struct story *story)
{
    struct totals totals;

    totals_count(story, &totals);
    page_put_format(page,
                    "\n%zu prompts, %zu tool calls (%zu failed, %zu blocked, %zu not run), network "
                    "%zu allowed and %zu blocked, %zu model answers (",
                    totals.prompts, totals.calls, totals.failed, totals.blocked, totals.not_run,
                    totals.network_allowed, totals.network_blocked, totals.model_requests);
    timeline_words_put_tokens(page, totals.input_tokens, totals.output_tokens);
    page_put(page, ")\n");
    if (totals.no_result > 0)
        page_put_format(page, "missing: the results of %zu calls\n", totals.no_result);
    if (story->left_out > 0)
        page_put_format(page, "%zu more events are not shown: the session is too large\n",
                        story->left_out);
}
