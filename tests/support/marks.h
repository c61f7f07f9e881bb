/* SPDX-License-Identifier: Apache-2.0 */
/* marks.h -- events that say who sent them and as which: so that each one can be looked for
 * where it should have arrived.
 *
 * The mark is the attribute event.id, 16 hexadecimal digits: "ed", three of the sender, eleven of
 * the event's number.
 *
 * Threads: one owner at a time, as said.  Failures abort.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telltale/slice.h"

enum { MARK_SIZE = 16, MARK_SENDERS_MAX = 4096 };

/* Writes MARK_SIZE characters. */
void mark_write(char *out, unsigned int sender, uint64_t number);

/* Numbers of events, from 1 on. */
struct number_set {
    uint64_t *words; /* owned */
    size_t word_count;
    uint64_t count;
};
/* False: it is there already. */
bool number_set_add(struct number_set *set, uint64_t number);
bool number_set_has(const struct number_set *set, uint64_t number);
void number_set_fini(struct number_set *set);

/* What came, by sender. */
struct mark_tally {
    struct number_set senders[MARK_SENDERS_MAX];
    uint64_t doubled;
};
/* Finds the marks in a LogRecord or more. */
void mark_tally_add(struct mark_tally *tally, struct slice message);
uint64_t mark_tally_count(const struct mark_tally *tally);
void mark_tally_fini(struct mark_tally *tally);
