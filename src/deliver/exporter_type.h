/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_type.h -- what can be told of the exporters without their code.
 *
 * For the command, which links none of them: their libraries take longer to load than most of its
 * answers take.  A new exporter gets a line here and one in exporter_list.c; a test compares them.
 *
 * Threads: any; the table never changes.
 */
#pragma once

#include "telltale/base.h"
#include "telltale/slice.h"

/* As in `struct exporter_ops`. */
struct exporter_type {
    const char *name;
    bool in_order_only;
};

const struct exporter_type *exporter_types(size_t *ret_count);

/* By the name of its configuration section, "otlp_grpc"; NULL: there is none. */
const struct exporter_type *exporter_type_find(struct slice name);
