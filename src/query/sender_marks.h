/* SPDX-License-Identifier: Apache-2.0 */
/* sender_marks.h -- what of a session's timeline does not fit to who sent the session: events of
 * another process, and keys of the daemon's that a sender wrote.
 *
 * Any process that may connect can name any session.  So an event is held against the sender of
 * the one that arrived first: times are the senders' own, the order of arrival is not.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/attested.h"
#include "query/page.h"
#include "query/story.h"

struct sender_marks {
    struct attested_peer first; /* borrowed from the story; no attestation: nothing is known */
    size_t others, forging;     /* events of another process; with forged keys */
};

struct sender_marks sender_marks_of(const struct story *story);

/* Lines below an event, if there is something to say. */
void sender_marks_put(const struct sender_marks *marks, struct page *page,
                      const struct record_view *view);

/* The session's sender, as a fact of its head; and the counts, as a line at its foot. */
void sender_marks_put_head(const struct sender_marks *marks, struct page *page);
void sender_marks_put_foot(const struct sender_marks *marks, struct page *page);
