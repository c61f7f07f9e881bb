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

static struct slice message_field(struct slice fields, uint32_t number)
{
    struct pb_walk walk = pb_walk_start(fields);
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES)
            return field.bytes;
    }
    return SLICE_EMPTY;
}

bool lookup_each_resource(const struct record_group *group,
                          bool (*on_attribute)(void *context,
                                               const struct attribute_view *attribute),
                          void *context)
{
    struct pb_walk walk =
        pb_walk_start(message_field(group->resource_logs_fields, RESOURCE_LOGS_RESOURCE));
    struct attribute_view attribute;
    struct pb_field field;
    struct error ignored;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RESOURCE_ATTRIBUTES && field.type == WIRE_BYTES &&
            otlp_read_attribute(field.bytes, &attribute, &ignored) == ST_OK &&
            on_attribute(context, &attribute))
            return true;
    }
    return false;
}

struct resource_search {
    struct slice key;
    struct any_view *ret;
    bool found;
};

static bool keep_if_wanted(void *context, const struct attribute_view *attribute)
{
    struct resource_search *search = context;

    if (slice_equal(attribute->key, search->key)) {
        *search->ret = attribute->value;
        search->found = true;
    }
    return false;
}

bool lookup_resource(const struct record_group *group, const char *key, struct any_view *ret)
{
    struct resource_search search = {.key = slice_of_text(key), .ret = ret};

    (void)lookup_each_resource(group, keep_if_wanted, &search); /* it never stops early */
    return search.found;
}

struct slice lookup_resource_text(const struct record_group *group, const char *key)
{
    struct any_view value;

    if (!lookup_resource(group, key, &value) || value.type != ANY_TYPE_STRING)
        return SLICE_EMPTY;
    return value.bytes;
}

struct slice lookup_scope_name(const struct record_group *group)
{
    return message_field(message_field(group->scope_logs_fields, SCOPE_LOGS_SCOPE), SCOPE_NAME);
}

uint64_t lookup_time(const struct record_view *view)
{
    return view->time_unix_nano != 0 ? view->time_unix_nano : view->observed_time_unix_nano;
}
