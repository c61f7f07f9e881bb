/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h -- all sockets of the daemon: the receivers and the control server.
 *
 * Threads: the main thread, which is the loop's.
 */
#pragma once

#include "config/config.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "telltaled/pipeline_notes.h"
#include "telltaled/status_report.h"

struct intake;

/* Opens what `config` says.  All is borrowed until intake_stop().  If one socket cannot be
 * opened, none is left open. */
MUST_CHECK enum status intake_start(const struct config *config, struct loop *loop,
                                    struct journal *journal, struct status_report *report,
                                    struct intake **ret, struct error *err);

/* Takes no more, waits for the journal, sends the last answers, closes.  NULL is allowed. */
void intake_stop(struct intake *intake);

/* Closes the sockets of the receivers, or opens them again; the control server stays.  Not from
 * within a callback of the loop, which is turned meanwhile.  Closing sends the last answers; if one
 * socket cannot be opened, none is left open. */
void intake_close_receivers(struct intake *intake);
MUST_CHECK enum status intake_open_receivers(struct intake *intake, struct error *err);
bool intake_is_open(const struct intake *intake);

/* To be called now and then: agents that fell silent or speak again become notes. */
void intake_look_for_silence(struct intake *intake, struct pipeline_notes *notes);

/* Whether two configurations open the same sockets in the same way, with the same limits. */
bool intake_opens_the_same(const struct config *a, const struct config *b);
