/* SPDX-License-Identifier: Apache-2.0 */
/* config_filter.h -- exporters.TYPE.filter: which events a destination is to have.
 *
 * Kinds, outcomes and severities are those of docs/SCHEMA.md.  This layer does not know the model,
 * so it has their names; a test compares them with the model's.
 *
 * Threads: constant tables and pure functions.
 */
#pragma once

#include "config/config_report.h"
#include "config/yaml_tree.h"
#include "telltale/config_field.h"

struct config_filter {
    struct config_text_list kinds, exclude_kinds, outcomes;
    int min_severity; /* index into config_severities */
};

extern const struct config_field config_filter_fields[];
extern const char *const config_outcomes[];   /* ends with NULL */
extern const char *const config_severities[]; /* ends with NULL; rising, four numbers each */

/* The smallest number of agent.severity that passes. */
uint64_t config_filter_severity(const struct config_filter *filter);

/* Reports what is wrong with `filter`, which was read from `node` (NULL: all defaults) in the
 * section that `path` names. */
void config_filter_check(const struct config_filter *filter, const struct yaml_node *node,
                         const char *path, struct config_report *report);
