/* SPDX-License-Identifier: Apache-2.0 */
/* config_shed.h -- which kinds of events may stand in limits.shed.
 *
 * The kinds are those of docs/SCHEMA.md.  This layer does not know the model, so it has their
 * names; a test compares them with the model's.
 *
 * Threads: constant tables and pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config_shed_kind {
    const char *name;
    bool may_be_shed;
};

extern const struct config_shed_kind config_shed_kinds[]; /* ends with a NULL name */

/* NULL: there is no such kind. */
const struct config_shed_kind *config_shed_find(const char *name);
