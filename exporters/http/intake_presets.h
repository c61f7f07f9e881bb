/* SPDX-License-Identifier: Apache-2.0 */
/* intake_presets.h -- what known destinations want, one row each.
 *
 * Threads: constant tables.
 */
#pragma once

#include "intake_config.h"

struct intake_preset {
    const char *path; /* NULL: none */
    const char *query;
    const char *content_type;
    const char *record;
    enum intake_framing framing;
    const char *body_prefix, *body_suffix;
    const char *group_by;
    enum intake_compression compression;
    uint64_t max_body_size, max_items, max_item_size;
    enum intake_large on_large_item;
    uint64_t max_age_ns;
};

/* In the order of the table; NULL-terminated. */
extern const char *const intake_preset_names[];
extern const struct intake_preset intake_presets[];
