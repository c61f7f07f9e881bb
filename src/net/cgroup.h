/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h -- the control group of a process, and the container that it stands for, from the text
 * of /proc/PID/cgroup.
 *
 * Names of control groups are given by whoever may make them: container runtimes, and any user
 * within the subtree that is delegated to him.  Of nested containers the outermost is named: what
 * is inside a container cannot make it another.
 *
 * Threads: pure functions.
 */
#pragma once

#include "telltale/slice.h"

enum { CGROUP_LINE_MAX = 512, CGROUP_CONTAINER_ID_SIZE = 64 };

struct cgroup {
    char line[CGROUP_LINE_MAX];                      /* "0::/system.slice/x.service", or empty */
    char container_id[CGROUP_CONTAINER_ID_SIZE + 1]; /* lower-case hex, or empty */
};

/* Takes the line that names a container, else that of cgroup v2, else the first.  A last line
 * without an end was cut and does not count. */
void cgroup_read(struct slice text, struct cgroup *ret);
