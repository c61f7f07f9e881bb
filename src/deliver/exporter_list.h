/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_list.h -- all exporters there are.  A new one gets a line in exporter_list.c and in
 * exporter_type.c.
 *
 * Threads: any; the list never changes.
 */
#pragma once

#include "telltale/exporter.h"

const struct exporter_ops *const *exporter_list(size_t *ret_count);

/* By the name of its configuration section, "otlp_grpc"; NULL: there is none. */
const struct exporter_ops *exporter_find(const char *name);
