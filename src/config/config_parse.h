/* SPDX-License-Identifier: Apache-2.0 */
/* config_parse.h -- fills structs from a YAML tree by tables of config_field.
 *
 * A section may be described by several tables, each with a struct of its own: the options
 * that every exporter has stand beside those of its type.  Whatever is wrong is reported and
 * reading goes on; an option that could not be read keeps its default.
 *
 * Texts, in the file and in default_text alike, may refer to what stands elsewhere:
 *     ${env:NAME}     the whole value is that environment variable
 *     ${file:/path}   the whole value is that file, without its last line feed
 *     ${run_dir}...   begins with the run directory; so does ${state_dir}
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "config/config_dirs.h"
#include "config/yaml_tree.h"
#include "telltale/config_field.h"

struct config_parse {
    struct config_pool *pool; /* values; borrowed */
    struct config_report *report;
    const struct config_dirs *dirs;
    bool complete; /* false: the rest of the file is unreadable, so nothing is called missing */
};

struct config_table {
    const struct config_field *fields;
    void *base; /* the struct that they describe */
};

enum { CONFIG_TABLES_MAX = 2, CONFIG_SECTION_NAME_MAX = 64 };

/* Reads `node` (NULL: absent, all defaults) into `tables`.  `path` names the section in
 * messages, "" for the file's own level. */
void config_parse_section(struct config_parse *parse, const struct yaml_node *node,
                          const char *path, const struct config_table *tables, size_t table_count);

/* "path.key"; lives in the report's pool. */
const char *config_parse_path(struct config_parse *parse, const char *path, const char *key);
