/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_tree.h -- a YAML text as a tree whose every node knows its place.
 *
 * A configuration needs little of YAML: maps, lists, scalars, one document.  Anchors and
 * aliases, tags and keys that are not plain text are reported as problems, and so are keys
 * that stand twice.  Depth, nodes and keys of a map are limited.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "config/config_report.h"

enum {
    YAML_DEPTH_MAX = 16,
    YAML_NODES_MAX = 20000,
    YAML_KEYS_MAX = 500, /* of one map */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct config_place place;
    const char *text; /* scalar: NUL-terminated, in the pool */
    size_t text_size;
    bool empty;             /* scalar: nothing, `~` or `null`, without quotes */
    struct yaml_node *key;  /* of a map's value; NULL elsewhere */
    struct yaml_node *next; /* the next of the same parent */
    struct yaml_node *first, *last;
    size_t count; /* of children */
};

/* Reads `report->source`.  Problems go to `report`; what could be read is in *ret all the
 * same, NULL when that is nothing; *ret_complete says whether the end was reached.  Nodes live
 * in `report->pool`.  ST_NO_MEMORY only. */
MUST_CHECK enum status yaml_tree_read(struct config_report *report, struct yaml_node **ret,
                                      bool *ret_complete, struct error *err);

/* The value of `key` in a map; NULL when there is none, or `node` is NULL or no map. */
struct yaml_node *yaml_find(const struct yaml_node *node, const char *key);
