/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c -- see gate.h.
 *
 * A lane that went in while the gate was open and fails when another one has failed before it
 * says nothing new: it neither doubles the wait nor begins it anew.  If it is answered, the
 * destination works, and the gate opens. */
#include "deliver/gate.h"

#include "telltale/base.h"

void gate_init(struct gate *gate, const struct backoff *backoff)
{
    *gate = (struct gate){.backoff = *backoff};
}

bool gate_is_braking(const struct gate *gate)
{
    return gate->dead_streak >= GATE_DEAD_STREAK_MAX;
}

bool gate_enter(struct gate *gate, uint64_t now_ns, bool hurry, bool *ret_alone,
                uint64_t *ret_until_ns)
{
    bool alone = gate->failures > 0 || gate_is_braking(gate);

    if (alone && gate->trying) {
        *ret_until_ns = GATE_NO_TIME;
        return false;
    }
    if (!hurry && now_ns < gate->not_before_ns) {
        *ret_until_ns = gate->not_before_ns;
        return false;
    }
    gate->trying = gate->trying || alone;
    *ret_alone = alone;
    return true;
}

static void come_out(struct gate *gate, bool alone)
{
    ASSERT(!alone || gate->trying);
    if (alone)
        gate->trying = false;
}

static void hold_until(struct gate *gate, uint64_t ns)
{
    if (gate->not_before_ns < ns)
        gate->not_before_ns = ns;
}

void gate_answered(struct gate *gate, bool alone, uint64_t now_ns, uint64_t random)
{
    come_out(gate, alone);
    gate->failures = 0;
    gate->not_before_ns = gate->asked_for_ns;
    if (!gate_is_braking(gate))
        return;
    struct backoff backoff = gate->backoff;
    if (backoff.max_ns > GATE_BRAKE_MAX_NS)
        backoff.max_ns = GATE_BRAKE_MAX_NS;
    hold_until(gate, now_ns + backoff_delay_ns(&backoff, gate->dead_streak - GATE_DEAD_STREAK_MAX,
                                               0, random));
}

uint64_t gate_failed(struct gate *gate, bool alone, uint32_t asked_ms, uint64_t now_ns,
                     uint64_t random)
{
    bool is_news = gate->failures == 0 || alone;

    come_out(gate, alone);
    if (is_news || asked_ms > 0) {
        hold_until(gate,
                   now_ns + backoff_delay_ns(&gate->backoff, gate->failures, asked_ms, random));
        if (asked_ms > 0)
            gate->asked_for_ns = gate->not_before_ns;
    }
    if (is_news && gate->failures < UINT32_MAX)
        gate->failures++;
    return gate->not_before_ns > now_ns ? gate->not_before_ns - now_ns : 0;
}

void gate_count_dead(struct gate *gate)
{
    if (gate->dead_streak < UINT32_MAX)
        gate->dead_streak++;
}

void gate_count_accepted(struct gate *gate)
{
    gate->dead_streak = 0;
}
