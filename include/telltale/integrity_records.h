/* SPDX-License-Identifier: Apache-2.0 */
/* integrity_records.h -- the daemon's own records about stores, found among all others: for
 * exporters that show checkpoints to somebody outside.  Implemented in src/attest/.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/checkpoint.h"
#include "telltale/record_facts.h"

enum { SHOWN_NOTE_MAX = 16 << 10 }; /* bytes of a checkpoint; longer ones are not shown */

/* `facts` are borrowed during the call.  A failure ends the visit and is given back. */
typedef enum status integrity_visit(void *context, const struct record_facts *facts,
                                    struct error *err);

/* Visits those of the batch, in its order. */
MUST_CHECK enum status integrity_records_visit(struct record_reader *reader,
                                               const struct batch *batch, integrity_visit *visit,
                                               void *context, struct error *err);

/* Whether its note is a checkpoint of some lines that can be read; facts->integrity_note is the
 * note. */
bool integrity_record_has_checkpoint(const struct record_facts *facts, struct checkpoint *ret);

/* Whether it is the record of such a checkpoint, and not of what somebody else said of one. */
bool integrity_record_is_checkpoint(const struct record_facts *facts, struct checkpoint *ret);
