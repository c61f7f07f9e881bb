/* SPDX-License-Identifier: Apache-2.0 */
/* config_dirs.h -- where the daemon's sockets and its data are, for the daemon and for every
 * program that looks for it.
 *
 *              run directory                         state directory
 *     root     /run/telltale                         /var/lib/telltale
 *     others   $XDG_RUNTIME_DIR/telltale, or         $XDG_STATE_HOME/telltale, or
 *              /tmp/telltale-UID                     ~/.local/state/telltale
 *
 * --run-dir and --state-dir come before all that.  Nothing is made here.  A directory below
 * /tmp can be made by anybody beforehand: who uses it checks that it belongs to this user and
 * has mode 0700 (`run_dir_shared_parent`).
 *
 * Threads: pure functions, but for the environment.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "telltale/error.h"

struct config_dirs {
    char run_dir[PATH_MAX];   /* absolute */
    char state_dir[PATH_MAX]; /* absolute */
    bool run_dir_shared_parent;
};

/* What the choice depends on.  Texts are borrowed; NULL and "": not given. */
struct config_dirs_input {
    uid_t uid;
    const char *run_dir, *state_dir; /* --run-dir, --state-dir; may be relative */
    const char *working_dir;
    const char *xdg_runtime_dir, *xdg_state_home, *home;
};

/* ST_INVALID: a path is too long, or there is no home directory to fall back to. */
MUST_CHECK enum status config_dirs_choose(const struct config_dirs_input *input,
                                          struct config_dirs *ret, struct error *err);

/* The same for this process; NULL: no such option was given. */
MUST_CHECK enum status config_dirs_resolve(const char *run_dir, const char *state_dir,
                                           struct config_dirs *ret, struct error *err);
