/* SPDX-License-Identifier: Apache-2.0 */
/* decision.c -- see decision.h. */
#include "normalize/decision.h"

void decision_put(struct mapping *m, enum decision_outcome decision)
{
    static const struct {
        const char *effect;
        enum outcome outcome;
    } follows[] = {
        [DECISION_ALLOW] = {"allowed", OUTCOME_SUCCESS},
        [DECISION_DENY] = {"blocked", OUTCOME_DENIED},
        [DECISION_ASK] = {"pending", OUTCOME_PENDING},
        [DECISION_MODIFY] = {"modified", OUTCOME_SUCCESS},
        [DECISION_DEFER] = {"pending", OUTCOME_PENDING},
        [DECISION_ABORT] = {"blocked", OUTCOME_CANCELLED},
        [DECISION_TIMEOUT] = {"blocked", OUTCOME_TIMEOUT},
        [DECISION_UNKNOWN] = {"unknown", OUTCOME_UNKNOWN},
    };
    decision_put_verdict(m, decision);
    mapping_put_text(m, KEY_AGENT_DECISION_EFFECT, slice_of_text(follows[decision].effect));
    m->outcome = follows[decision].outcome;
}

void decision_put_verdict(struct mapping *m, enum decision_outcome decision)
{
    mapping_put_word(m, KEY_AGENT_DECISION_OUTCOME, decision);
    m->has_decision = true;
}

void decision_put_source(struct mapping *m, enum decision_source source)
{
    mapping_put_word(m, KEY_AGENT_DECISION_SOURCE, source);
    if (source != BY_UNKNOWN)
        mapping_put_bool(m, KEY_AGENT_DECISION_AUTOMATED, source != BY_USER);
}
