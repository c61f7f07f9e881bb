/* SPDX-License-Identifier: Apache-2.0 */
/* intake_answer.h -- what an answer means for the records of a request.
 *
 * The common table of telltale/http_outcome.h, behind the statuses of the configuration; a success
 * may have to be said in the body too.
 *
 * Threads: pure functions of what they are given.
 */
#pragma once

#include "intake_config.h"
#include "telltale/buf.h"

/* Fills `report`; sets `err` for every result but EXPORT_DONE.  Texts are decoded to `text`. */
enum export_result intake_answer_judge(const struct intake_plan *plan,
                                       enum http_transport transport,
                                       const struct http_response *response, struct buf *text,
                                       struct export_report *report, struct error *err);

/* Replaces the secret of the address, wherever it stands. */
void intake_answer_hide(const struct intake_plan *plan, char *text);
