/* SPDX-License-Identifier: Apache-2.0 */
/* fault_points.c -- see fault_points.h. */
#include "support/fault_points.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "telltale/base.h"

enum { SEEDS = 4 };

const struct fault_plan fault_plans[] = {
    {"one EIO", DISK_FAULT_ERROR, EIO, 1, false},
    {"ENOSPC for four calls", DISK_FAULT_ERROR, ENOSPC, 4, false},
    {"EIO for a dozen calls", DISK_FAULT_ERROR, EIO, 12, false},
    {"EIO from there on", DISK_FAULT_ERROR, EIO, UINT_MAX, false},
    {"short reads and writes", DISK_FAULT_SHORT, 0, 3, false},
    {"EINTR", DISK_FAULT_INTERRUPT, 0, 3, false},
    {"a failed sync", DISK_FAULT_SYNC, EIO, 1, false},
    {"a failed sync, then a power cut", DISK_FAULT_SYNC, EIO, 1, true},
    {"EIO twice, then a power cut", DISK_FAULT_ERROR, EIO, 2, true},
    {"a power cut", DISK_FAULT_POWER_CUT, EIO, 1, true},
    {.name = NULL},
};

void fault_point_arm(const struct fault_point *point)
{
    const struct fault_plan *plan = point->plan;

    faulty_disk_break(plan->fault, plan->os_errno, point->at, plan->length);
}

bool fault_point_end(const struct fault_point *point)
{
    bool was_hit = faulty_disk_repair();

    if (point->plan->is_cut_after)
        faulty_disk_settle(point->seed);
    return was_hit;
}

static void try_plan(const char *scenario, const struct fault_plan *plan, unsigned seeds,
                     fault_run *run, void *context, unsigned points_min)
{
    bool was_hit = true;
    unsigned runs = 0;
    unsigned at = 0;

    while (was_hit) {
        at++;
        was_hit = false;
        for (unsigned i = 0; i < seeds; i++) {
            const struct fault_point point = {plan, at, at * SEEDS + i};
            bool is_point = run(context, &point);
            was_hit = was_hit || is_point;
            runs += is_point;
        }
    }
    printf("points: %s: %s: %u, tried %u times\n", scenario, plan->name, at - 1, runs);
    ASSERT(at - 1 >= points_min); /* the faults did reach the work */
}

void fault_points_try(const char *scenario, const struct fault_plan *plan, fault_run *run,
                      void *context, unsigned points_min)
{
    try_plan(scenario, plan, plan->is_cut_after ? SEEDS : 1, run, context, points_min);
}

static unsigned least_points(const struct fault_plan *plan, unsigned points_min,
                             unsigned sync_points_min)
{
    return plan->fault == DISK_FAULT_SYNC ? sync_points_min : points_min;
}

void fault_points_try_all(const char *scenario, fault_run *run, void *context, unsigned points_min,
                          unsigned sync_points_min)
{
    for (const struct fault_plan *plan = fault_plans; plan->name != NULL; plan++)
        fault_points_try(scenario, plan, run, context,
                         least_points(plan, points_min, sync_points_min));
}

void fault_points_try_each_once(const char *scenario, fault_run *run, void *context,
                                unsigned points_min, unsigned sync_points_min)
{
    for (const struct fault_plan *plan = fault_plans; plan->name != NULL; plan++)
        try_plan(scenario, plan, 1, run, context, least_points(plan, points_min, sync_points_min));
}
