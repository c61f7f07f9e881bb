/* SPDX-License-Identifier: Apache-2.0 */
/* exporter_list.h -- the exporters that this build has.
 *
 * Threads: any; the list is constant.
 */
#pragma once

#include "telltale/exporter.h"

/* The list is static. */
const struct exporter_ops *const *exporter_list(size_t *ret_count);
