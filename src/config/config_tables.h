/* SPDX-License-Identifier: Apache-2.0 */
/* config_tables.h -- the options of the daemon: what may stand in the file.
 *
 * Threads: constant tables, read by all.
 */
#pragma once

#include "telltale/config_field.h"

/* Of struct config.  The field `exporters` has no table of its own: each entry is a section
 * made of the fields of its type and of config_delivery_fields. */
extern const struct config_field config_root_fields[];

/* Of struct config_receivers. */
extern const struct config_field config_receivers_fields[];

/* Of struct config_delivery. */
extern const struct config_field config_delivery_fields[];

/* What `exporters` is when the file does not say. */
#define CONFIG_DEFAULT_EXPORTERS "file/forensic: { dir: \"${state_dir}/store\" }"
