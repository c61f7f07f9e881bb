/* SPDX-License-Identifier: Apache-2.0 */
/* sender_marks.c -- see sender_marks.h. */
#include "query/sender_marks.h"

enum { KEY_COLUMNS = 60 };

static bool is_of_another(const struct sender_marks *marks, const struct attested_peer *peer)
{
    return peer->attestation.size > 0 && !attested_is_same(&marks->first, peer);
}

struct sender_marks sender_marks_of(const struct story *story)
{
    struct sender_marks marks = {.first = {.pid = -1, .uid = -1}};
    struct slice forged[ATTESTED_FORGED_MAX];
    struct attested_peer peer;
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < story->event_count; i++) {
        attested_read(&story->events[i].view, &peer);
        if (peer.attestation.size > 0 && story->events[i].order < first) {
            first = story->events[i].order;
            marks.first = peer;
        }
    }
    for (size_t i = 0; i < story->event_count; i++) {
        attested_read(&story->events[i].view, &peer);
        marks.others += is_of_another(&marks, &peer);
        marks.forging += attested_forged_keys(&story->events[i].view, forged) > 0;
    }
    return marks;
}

void sender_marks_put(const struct sender_marks *marks, struct page *page,
                      const struct record_view *view)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    size_t count = attested_forged_keys(view, forged);
    struct attested_peer peer;

    attested_read(view, &peer);
    if (is_of_another(marks, &peer)) {
        page_put_detail(page, "sender");
        page_put_ink(page, INK_ODD, "ANOTHER PROCESS: ");
        attested_put(page, &peer);
        page_put(page, "\n");
    }
    if (count == 0)
        return;
    page_put_detail(page, "FORGED");
    page_put_ink(page, INK_BAD, "written by the sender: ");
    for (size_t i = 0; i < count; i++) {
        page_put(page, i > 0 ? ", " : "");
        page_put_text(page, forged[i], KEY_COLUMNS);
    }
    page_put(page, count == ATTESTED_FORGED_MAX ? ", ...\n" : "\n");
}

void sender_marks_put_head(const struct sender_marks *marks, struct page *page)
{
    if (marks->first.attestation.size == 0)
        return;
    page_put(page, "\n  sender   ");
    attested_put(page, &marks->first);
}

void sender_marks_put_foot(const struct sender_marks *marks, struct page *page)
{
    if (marks->others > 0) {
        page_put_format(page, "%zu events were sent by another process than the first\n",
                        marks->others);
    }
    if (marks->forging > 0) {
        page_put_format(page,
                        "%zu events carry forged keys: what they say of themselves is not "
                        "to be believed\n",
                        marks->forging);
    }
}
