/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h -- finding what a record says, wherever normalization had to put it.
 *
 * Where a sender had already used a key of the model for something else, the normalized value
 * stands at agent.norm.KEY, and where it had used that too, one agent.norm. further on
 * (docs/SCHEMA.md).  So every lookup takes the longest chain of agent.norm. before the key, of
 * several the last, and none that agent.norm.errors lists (wire/believed.h): what a sender wrote
 * itself never hides what the daemon says, and never stands for it.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

/* The value of `key`, or NULL.  Borrowed from `view`. */
const struct any_view *lookup_attribute(const struct record_view *view, const char *key);

/* The same, as text; empty when it is absent or not a text. */
struct slice lookup_text(const struct record_view *view, const char *key);

/* The same, as a number (INT, BOOL or DOUBLE); `fallback` when it is absent or no number. */
double lookup_number(const struct record_view *view, const char *key, double fallback);

/* A text attribute of the group's resource, or empty.  Borrowed from `group`. */
struct slice lookup_resource_text(const struct record_group *group, const char *key);

/* Any attribute of the group's resource, the last of that key; false: there is none.  Borrowed from
 * `group`. */
bool lookup_resource(const struct record_group *group, const char *key, struct any_view *ret);

/* The name of the group's scope, or empty. */
struct slice lookup_scope_name(const struct record_group *group);

/* Calls `on_attribute` for each attribute of the group's resource until it returns true, which is
 * given back. */
bool lookup_each_resource(const struct record_group *group,
                          bool (*on_attribute)(void *context,
                                               const struct attribute_view *attribute),
                          void *context);

/* When it happened, in Unix nanoseconds: time, else observed time. */
uint64_t lookup_time(const struct record_view *view);
