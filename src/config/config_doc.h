/* SPDX-License-Identifier: Apache-2.0 */
/* config_doc.h -- the reference of all options, docs/CONFIGURATION.md, from the tables.
 *
 * Threads: any.
 */
#pragma once

#include "config/config.h"

/* Appends Markdown. */
MUST_CHECK enum status config_doc(const struct exporter_ops *const *exporters,
                                  size_t exporter_count, struct buf *out, struct error *err);
