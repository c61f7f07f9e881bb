/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_list.c -- a new exporter is added here. */
#include "deliver/exporter_list.h"

extern const struct exporter_ops exporter_null;

static const struct exporter_ops *const exporters[] = {
    &exporter_null,
};

const struct exporter_ops *const *exporter_list(size_t *ret_count)
{
    *ret_count = COUNT_OF(exporters);
    return exporters;
}
