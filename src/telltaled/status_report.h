/* SPDX-License-Identifier: Apache-2.0 */
/* status_report.h -- what the daemon says about itself: the JSON that `telltale status` shows,
 * and the gauges of the exporters.
 *
 * Threads: create, update and destroy on the main thread; copying the text, any thread.
 */
#pragma once

#include "journal/journal.h"
#include "telltale/buf.h"
#include "telltaled/destinations.h"

struct loss_ledger;
struct status_report;

/* `journal` and `ledger` are borrowed until status_report_destroy(). */
MUST_CHECK enum status status_report_create(struct journal *journal, struct loss_ledger *ledger,
                                            struct status_report **ret, struct error *err);
void status_report_destroy(struct status_report *report); /* accepts NULL */

/* Looks at everything anew.  `destinations` may be NULL: none run.  A failure leaves the report
 * of before. */
void status_report_update(struct status_report *report, const struct destinations *destinations,
                          bool receivers_are_open);

/* Appends the JSON object of the last update. */
MUST_CHECK enum status status_report_copy(struct status_report *report, struct buf *out,
                                          struct error *err);

/* False: something is wrong that a restart or an operator should look at; `why` gets a sentence.
 * A destination that is down is not: that is what the journal is for. */
bool status_report_is_healthy(struct status_report *report, char *why, size_t why_size);
