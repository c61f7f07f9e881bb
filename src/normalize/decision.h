/* SPDX-License-Identifier: Apache-2.0 */
/* decision.h -- what follows from a decision, whichever dialect tells it.
 *
 * Threads: functions of the record given.
 */
#pragma once

#include "normalize/mapping.h"

/* agent.decision.outcome with what follows from it: effect, and the outcome of the record. */
void decision_put(struct mapping *m, enum decision_outcome decision);

/* agent.decision.outcome, and that it was decided, of a record with an effect and an outcome of its
 * own. */
void decision_put_verdict(struct mapping *m, enum decision_outcome decision);

/* agent.decision.source, and .automated where that follows from it. */
void decision_put_source(struct mapping *m, enum decision_source source);
