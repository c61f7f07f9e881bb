/* SPDX-License-Identifier: Apache-2.0 */
/* loss_notes.h -- every line of the loss ledger becomes a note, and so an agent.pipeline record.
 *
 * Threads: any.
 */
#pragma once

#include "deliver/loss.h"

/* loss_ledger_listen(); the context is a struct pipeline_notes. */
void loss_notes_take(void *context, const struct loss *loss);
