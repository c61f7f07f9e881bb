/* SPDX-License-Identifier: Apache-2.0 */
/* fault_points.h -- the same work again and again, each time with the disk failing at a later call,
 * until it ends before it fails.
 *
 * Threads: one test at a time.
 */
#pragma once

#include "support/faulty_disk.h"

struct fault_plan {
    const char *name;
    enum disk_fault fault;
    int os_errno;
    unsigned length;   /* calls that meet it */
    bool is_cut_after; /* power goes when the work is done; so it does with DISK_FAULT_POWER_CUT */
};

/* What every part that keeps files is tried with.  They end with one that has no name. */
extern const struct fault_plan fault_plans[];

struct fault_point {
    const struct fault_plan *plan;
    unsigned at;   /* number of the call */
    unsigned seed; /* of what a power cut leaves */
};

/* Before the work: the disk will fail. */
void fault_point_arm(const struct fault_point *point);

/* After the work, when nobody uses the disk: it is in order again, and if power went, what was not
 * durable is gone.  False: the work ended before the fault. */
bool fault_point_end(const struct fault_point *point);

/* Calls `run`, which arms the point, works, ends it, checks, and says what fault_point_end() said,
 * for the first call, the second and so on.  Prints how many there were; fewer than `points_min`
 * fail the test. */
typedef bool fault_run(void *context, const struct fault_point *point);
void fault_points_try(const char *scenario, const struct fault_plan *plan, fault_run *run,
                      void *context, unsigned points_min);

/* The same with all plans; plans that only meet syncs have `sync_points_min`. */
void fault_points_try_all(const char *scenario, fault_run *run, void *context, unsigned points_min,
                          unsigned sync_points_min);

/* The same, with one random choice of what a power cut leaves for each point instead of four.  For
 * work of so many calls that the points beside it leave nearly the same. */
void fault_points_try_each_once(const char *scenario, fault_run *run, void *context,
                                unsigned points_min, unsigned sync_points_min);
