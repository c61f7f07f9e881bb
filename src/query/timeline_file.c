/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_file.c -- see timeline_file.h. */
#include "query/timeline_file.h"

#include "query/lookup.h"

void timeline_file_put(struct page *page, const struct story *story,
                       const struct story_event *event)
{
    const struct record_view *view = &event->view;
    double added = lookup_number(view, "agent.file.lines_added", -1);
    double removed = lookup_number(view, "agent.file.lines_removed", -1);
    int self = (int)(event - story->events);

    for (size_t i = 0; i < story->event_count; i++) {
        if (story->events[i].part_of != self)
            continue;
        page_put(page, ", ");
        page_put_text(page, lookup_text(&story->events[i].view, "agent.file.operation"), 20);
        double lines = lookup_number(&story->events[i].view, "lines", 0);
        page_put(page, " of ");
        page_put_number(page, lines);
        page_put(page, lines == 1 ? " line" : " lines");
    }
    if (added < 0 || removed < 0 ||
        !slice_equal(lookup_text(view, "agent.outcome"), SLICE("success")))
        return;
    page_put(page, ", +");
    page_put_number(page, added);
    page_put(page, " -");
    page_put_number(page, removed);
    page_put(page, " lines");
}
