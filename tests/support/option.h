/* SPDX-License-Identifier: Apache-2.0 */
/* option.h -- fills an exporter's configuration as the parser would, by the names of options. */
#pragma once

#include "telltale/exporter.h"

/* Zeroed memory for the exporter's config struct; the caller frees it. */
void *option_make_config(const struct exporter_ops *ops);

/* `path` as "tls.ca_file".  An option that does not exist, or of another type, fails the test.
 * Texts are borrowed. */
void option_set_text(const struct exporter_ops *ops, void *config, const char *path,
                     const char *value);
void option_set_number(const struct exporter_ops *ops, void *config, const char *path,
                       uint64_t value); /* integers, sizes and durations */
void option_set_bool(const struct exporter_ops *ops, void *config, const char *path, bool value);
void option_set_enum(const struct exporter_ops *ops, void *config, const char *path,
                     const char *choice);
void option_set_list(const struct exporter_ops *ops, void *config, const char *path,
                     struct config_text_list value);
void option_set_map(const struct exporter_ops *ops, void *config, const char *path,
                    struct config_text_map value);
