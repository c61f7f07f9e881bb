/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_words.h -- words of the model, as a person reads them in a timeline.
 *
 * Threads: pure functions of what is given.
 */
#pragma once

#include "query/page.h"
#include "telltale/slice.h"

enum timeline_words {
    WORDS_DECISION, /* agent.decision.outcome */
    WORDS_NETWORK,  /* the same, of the network */
    WORDS_DECIDER,  /* agent.decision.source */
    WORDS_OUTCOME,  /* agent.outcome */
    WORDS_SCOPE,    /* agent.decision.scope, where it is worth a word */
    WORDS_THREAD,   /* agent.role, for timeline_words_put_thread() */
};

/* NULL: the list has no such word. */
const char *timeline_words_find(enum timeline_words list, struct slice value);

/* Writes the words for the value in their ink; for one that the list has not, `otherwise`, which is
 * false then. */
bool timeline_words_put(struct page *page, enum timeline_words list, struct slice value,
                        const char *otherwise);

/* Whose thread it is by its role, if not the person's own.  Returns the columns of that. */
size_t timeline_words_put_thread(struct page *page, struct slice role);

/* "11106 tokens in, 783 out". */
void timeline_words_put_tokens(struct page *page, double input, double output);
