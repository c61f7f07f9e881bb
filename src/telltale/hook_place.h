/* SPDX-License-Identifier: Apache-2.0 */
/* hook_place.h -- where telltale-hook stands, and which socket it is to use.
 *
 * Threads: the main thread.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "config/config_dirs.h"

/* Beside this program, or in PATH; absolute.  False: nowhere. */
bool hook_place_program(char out[static PATH_MAX]);

/* Where a hook finds its daemon. */
struct hook_place {
    char socket[PATH_MAX], spool[PATH_MAX];
};

/* Those of `dirs` if there is a socket, else the system's if there is one, else those of `dirs`. */
void hook_place_find(const struct config_dirs *dirs, struct hook_place *ret);
