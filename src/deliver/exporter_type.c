/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_type.c -- see exporter_type.h.  In the order of exporter_list.c. */
#include "deliver/exporter_type.h"

static const struct exporter_type all[] = {
    {.name = "elastic"},
    {.name = "file", .in_order_only = true},
    {.name = "http"},
    {.name = "kafka"},
    {.name = "null"},
    {.name = "otlp_grpc"},
    {.name = "otlp_http"},
    {.name = "splunk_hec"},
    {.name = "timestamp", .in_order_only = true},
    {.name = "witness", .in_order_only = true},
};

const struct exporter_type *exporter_types(size_t *ret_count)
{
    *ret_count = COUNT_OF(all);
    return all;
}

const struct exporter_type *exporter_type_find(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (slice_equal(name, slice_of_text(all[i].name)))
            return &all[i];
    }
    return NULL;
}
