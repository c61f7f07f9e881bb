/* SPDX-License-Identifier: Apache-2.0 */
/* verify_print.h -- what a verification of the store found, on stdout: for people, or as one JSON
 * object.  Whether stdout took it all, its error flag says.
 *
 * Threads: the main thread.
 */
#pragma once

#include "verify/verify.h"

/* `store_dir` is for the reader to know which. */
MUST_CHECK enum status verify_print(const char *store_dir, const struct verify_report *report,
                                    const struct verify_summary *summary, bool as_json,
                                    struct error *err);
