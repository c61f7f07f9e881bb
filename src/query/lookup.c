/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c -- see lookup.h. */
#include "query/lookup.h"

#include "wire/believed.h"

const struct any_view *lookup_attribute(const struct record_view *view, const char *key)
{
    size_t found = believed_find(view, slice_of_text(key));
    return found < view->attribute_count ? &view->attributes[found].value : NULL;
}

struct slice lookup_text(const struct record_view *view, const char *key)
{
    const struct any_view *value = lookup_attribute(view, key);
    return value != NULL && value->type == ANY_TYPE_STRING ? value->bytes : SLICE_EMPTY;
}

double lookup_number(const struct record_view *view, const char *key, double fallback)
{
    const struct any_view *value = lookup_attribute(view, key);
    if (value == NULL)
        return fallback;
    if (value->type == ANY_TYPE_INT || value->type == ANY_TYPE_BOOL)
        return (double)value->integer;
    return value->type == ANY_TYPE_DOUBLE ? value->number : fallback;
}

static struct slice find_in_resource(struct slice resource, struct slice key)
{
    struct pb_walk walk = pb_walk_start(resource);
    struct pb_field field;
    struct error ignored;
    struct attribute_view attribute;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number != RESOURCE_ATTRIBUTES || field.type != WIRE_BYTES)
            continue;
        if (otlp_read_attribute(field.bytes, &attribute, &ignored) != ST_OK)
            continue;
        if (slice_equal(attribute.key, key) && attribute.value.type == ANY_TYPE_STRING)
            return attribute.value.bytes;
    }
    return SLICE_EMPTY;
}

struct slice lookup_resource_text(const struct record_group *group, const char *key)
{
    struct pb_walk walk = pb_walk_start(group->resource_logs_fields);
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RESOURCE_LOGS_RESOURCE && field.type == WIRE_BYTES)
            return find_in_resource(field.bytes, slice_of_text(key));
    }
    return SLICE_EMPTY;
}

uint64_t lookup_time(const struct record_view *view)
{
    return view->time_unix_nano != 0 ? view->time_unix_nano : view->observed_time_unix_nano;
}
