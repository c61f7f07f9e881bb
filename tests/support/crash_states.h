/* SPDX-License-Identifier: Apache-2.0 */
/* crash_states.h -- what a power cut may leave of the changes that disk_trace.h has written down.
 *
 * After each event of the trace:
 *
 *   - a sync of a file has made durable what was written to it before, and its size;
 *   - a sync of a directory has made durable what was made, renamed and removed in it before;
 *   - of all other writes any sectors may be there or not, in any combination, with any of the
 *     sizes that the file has had meanwhile; where a size is there and the bytes are not, they are
 *     zeros;
 *   - of all other changes of names any may be there or not, each whole.
 *
 * Sectors have 512 or 4096 bytes.  Where there are few such changes, every combination is made;
 * where there are many, as many as asked for, chosen at random.  A state that was tried before is
 * not tried again.
 *
 * Threads: one test at a time.
 */
#pragma once

#include "support/disk_trace.h"

struct crash_settings {
    unsigned samples;        /* after each event where not all combinations are tried */
    unsigned every_bits_max; /* up to so many changes, all are */
    unsigned seed;
};

struct crash_tally {
    uint64_t events;    /* of the trace */
    uint64_t states;    /* different ones, tried */
    uint64_t exhausted; /* events after which all combinations were tried */
    uint64_t failures;
    const char *first_failure; /* in words */
    uint64_t failed_event;     /* after which it was */
};

/* Looks at the state below `root` with the real code; `marks` is what the test had marked when
 * power went.  NULL: all is well; otherwise what is wrong, in words that stay. */
typedef const char *crash_check(void *context, const char *root, const uint64_t marks[TRACE_MARKS]);

void crash_states_try(const struct crash_settings *settings, crash_check *check, void *context,
                      struct crash_tally *ret);

/* How many samples a test takes: `base`, times the environment variable TELLTALE_CRASH_SCALE. */
unsigned crash_samples(unsigned base);
