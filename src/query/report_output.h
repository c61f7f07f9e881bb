/* SPDX-License-Identifier: Apache-2.0 */
/* report_output.h -- a report as a page with bars, or as one JSON object.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/page.h"
#include "query/report.h"

struct report_style {
    size_t rows_max; /* shown of each part */
    bool has_blocks; /* the terminal shows Unicode: bars are blocks, else '#' */
};

/* All names are made safe. */
void report_write(const struct report *report, const struct report_style *style, struct page *page);

/* One line: "since", "until", "records", "forged", and an array for each part. */
MUST_CHECK enum status report_write_json(const struct report *report,
                                         const struct report_style *style, struct buf *out,
                                         struct error *err);
