/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan.h -- what lines of a store must have in them for a filter to let their records pass.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/filter.h"
#include "store/store_plan.h"

/* ST_NO_MEMORY.  On ST_OK the caller owns *ret, which borrows nothing from the filter. */
MUST_CHECK enum status filter_plan_create(const struct query_filter *filter,
                                          struct store_plan **ret, struct error *err);
