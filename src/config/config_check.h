/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.h -- what no single option can get wrong: rules between them.
 *
 * Threads: a configuration is checked by the thread that loads it.
 */
#pragma once

#include "config/config.h"
#include "config/config_report.h"
#include "config/yaml_tree.h"

/* Reports every broken rule.  `root` is the file that `config` was read from, or NULL. */
void config_check(const struct config *config, const struct yaml_node *root,
                  struct config_report *report);

/* The same for one exporter and its section.  `readable`: all its options could be read, so
 * that its type may look at them. */
void config_check_exporter(const struct config_exporter *exporter, const struct yaml_node *node,
                           const char *path, bool readable, struct config_report *report);
