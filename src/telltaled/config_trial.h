/* SPDX-License-Identifier: Apache-2.0 */
/* config_trial.h -- a configuration is read and nothing is started: `telltaled --check`, which is
 * also what `telltale check` runs.
 *
 * Threads: the main thread.
 */
#pragma once

#include "config/config_dirs.h"

/* Every mistake of the file goes to stderr.  With `print` the effective configuration, defaults
 * and all, goes to stdout.  `path`, NULL: no file, all defaults.  False: there is a mistake, or
 * stdout cannot be written. */
bool config_trial(const char *path, const struct config_dirs *dirs, bool print);
