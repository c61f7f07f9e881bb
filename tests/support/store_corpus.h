/* SPDX-License-Identifier: Apache-2.0 */
/* store_corpus.h -- lines of a store, any number of them, like those of many people at work.
 *
 * The records are those of the corpus, normalized, in an order that chance gives them.  What makes
 * records different is made anew: sessions, turns, calls and traces have ids of their own, users
 * and hosts are many, and the texts are of a vocabulary with a few words that are often used and
 * many that are rare.  Sessions of about a thousand records run beside each other.  The same seed
 * gives the same lines.
 *
 * Every CORPUS_CANARY_EVERYth line holds a word that no other line has: store_corpus_canary().
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/buf.h"

enum {
    CORPUS_CANARY_EVERY = 10007,
    CORPUS_CANARY_SIZE = 32,
    CORPUS_ID_SIZE = 36,
};

struct store_corpus;

/* What the line that was made last says. */
struct store_corpus_line {
    uint64_t sequence; /* the first line is 1 */
    uint64_t unix_ns;
    char session[CORPUS_ID_SIZE + 1];
    char user[32];
    char host[32];
    bool has_canary;
};

/* Fails the test when there is no memory. */
struct store_corpus *store_corpus_create(uint64_t seed);
void store_corpus_destroy(struct store_corpus *corpus); /* accepts NULL */

/* Appends the next line, with its '\n'; `ret` may be NULL. */
void store_corpus_next(struct store_corpus *corpus, struct buf *out, struct store_corpus_line *ret);

/* The word that line `sequence` alone has, if that is one of those lines. */
void store_corpus_canary(uint64_t sequence, char out[CORPUS_CANARY_SIZE]);
