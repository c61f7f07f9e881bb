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

/* That of the run directory if it is there, else the system's if it is, else that of the run
 * directory. */
void hook_place_socket(const struct config_dirs *dirs, char out[static PATH_MAX]);
