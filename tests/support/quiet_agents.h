/* SPDX-License-Identifier: Apache-2.0 */
/* quiet_agents.h -- many senders on the Unix socket that each say a little, and how long they wait
 * for their acks.
 *
 * One thread serves them all, with the priority of real time where it may, so that what is
 * measured is the daemon and not the measuring.  Senders are marked 0, 1, 2, ... (marks.h).
 *
 * Threads: functions are for one owner.  Failures abort.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/ack_lines.h"

enum { QUIET_PHASES = 2 };

struct quiet_agents;

/* Each of `count` connections sends `per_second` events. */
struct quiet_agents *quiet_agents_start(const char *socket_path, unsigned int count,
                                        double per_second);

/* Latencies are added to those of this phase from now on; the first is 0. */
void quiet_agents_enter_phase(struct quiet_agents *agents, unsigned int phase);

/* Sends no more, waits for the last answers.  Aborts when they do not come for a minute. */
void quiet_agents_finish(struct quiet_agents *agents);

/* After quiet_agents_finish(): */
struct quiet_latencies {
    size_t count;
    double p50_ms, p90_ms, p99_ms, max_ms;
};
struct quiet_latencies quiet_agents_latencies(struct quiet_agents *agents, unsigned int phase);
uint64_t quiet_agents_sent(const struct quiet_agents *agents, unsigned int sender);
const struct ack_lines *quiet_agents_answers(const struct quiet_agents *agents,
                                             unsigned int sender);
void quiet_agents_free(struct quiet_agents *agents);
