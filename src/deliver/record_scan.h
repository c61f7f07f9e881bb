/* SPDX-License-Identifier: Apache-2.0 */
/* record_scan.h -- the little that delivery reads of a log record: what happened, how it ended, how
 * grave it is, and when.
 *
 * The attributes are those of docs/SCHEMA.md, with as many agent.norm. in front as normalization
 * had to put there: what a sender wrote at the same key does not count, nor what agent.norm.errors
 * lists (wire/believed.h).
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

/* Slices are borrowed from the record; empty where nothing is said. */
struct record_scan {
    struct slice kind;    /* agent.event.kind, as in agent.tool */
    struct slice facets;  /* agent.event.facets: an encoded AnyValue */
    struct slice outcome; /* agent.outcome */
    uint64_t severity;    /* agent.severity, 1 to 24; 0: none */
    uint64_t time_ns;     /* of the event, else of its observation; 0: none */
};

/* Reads a LogRecord.  What cannot be read of it is left out. */
void record_scan_read(struct slice record, struct record_scan *ret);

/* `word` is one of the record's facets. */
bool record_scan_has_facet(const struct record_scan *scan, struct slice word);
