/* SPDX-License-Identifier: Apache-2.0 */
/* report.h -- the work of agents in numbers: who uses them, for what, what it costs, who decides,
 * what is denied, where people wait.
 *
 * Records are counted as they come and not kept.  A call that is told in several ways (a log, a
 * hook, a span) is counted once if it has an id, and so is a decision about it; tokens that are
 * told twice are those that carry agent.usage.duplicate.
 *
 * Threads: one owner.
 */
#pragma once

#include "query/field.h"
#include "query/tally.h"

/* So many calls and decisions are known again; behind that each is counted as it comes. */
enum { REPORT_CALLS_MAX = 1 << 19, REPORT_DENIED_MAX = 1 << 16 };

enum report_part {
    REPORT_AGENTS,       /* events, requests, input, output, cost */
    REPORT_USERS,        /* the same */
    REPORT_MODELS,       /* requests, input, output, cost */
    REPORT_TOOLS,        /* calls, failed, denied */
    REPORT_APPROVALS,    /* by source and outcome: decisions, seconds waited */
    REPORT_DESTINATIONS, /* denied: decisions */
    REPORT_ASKED,        /* by tool, of people: questions, seconds waited */
    REPORT_RETRIED,      /* denied, and tried again: times */
    REPORT_FAILURES,     /* by what failed: times */
    REPORT_PART_COUNT,
};

struct report_denied;

struct report {
    struct tally parts[REPORT_PART_COUNT];
    uint64_t *calls; /* owned: hashes of what was counted; 0: free */
    size_t call_count;
    struct report_denied *denied; /* owned */
    size_t denied_count;
    uint64_t records, forged, first_unix_ns, last_unix_ns;
};

MUST_CHECK enum status report_init(struct report *report, struct error *err);
void report_fini(struct report *report); /* accepts one that is all zero */

void report_add(struct report *report, const struct field_record *record);

/* Puts every part in the order in which it is shown: call once, behind the last record. */
void report_finish(struct report *report);
