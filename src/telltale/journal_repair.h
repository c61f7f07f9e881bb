/* SPDX-License-Identifier: Apache-2.0 */
/* journal_repair.h -- does with a journal what the daemon does at its start, and says what it did.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/journal_place.h"

/* Takes the journal's lock meanwhile.  What was put aside, cut and is missing is written to stdout.
 * ST_AGAIN: a process has the journal open, which repairs it when it starts; ST_INVALID: the
 * directory belongs to another user, or a newer version has written there; nothing was changed. */
MUST_CHECK enum status journal_repair(const struct journal_place *place, struct error *err);
