/* SPDX-License-Identifier: Apache-2.0 */
/* config_print.h -- the effective configuration as a file: every option with its value,
 * references put in, secrets masked.  Without secrets it reads back as the same
 * configuration.
 *
 * Threads: any, the configuration is immutable.
 */
#pragma once

#include "config/config.h"

/* Appends YAML. */
MUST_CHECK enum status config_print(const struct config *config, struct buf *out,
                                    struct error *err);
