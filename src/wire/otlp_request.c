/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_request.c -- otlp_walk_request() of otlp.h: what stands around the records of a request.
 *
 * Their attributes are looked through at the door: common receivers refuse a whole request over one
 * that is broken. */
#include "wire/otlp.h"

/* Fields picked from a message.  While they stand side by side, they are a slice of it; the
 * first gap moves them to a buffer. */
struct gathered {
    struct slice fields;
    struct buf copy;
};

struct request_walk {
    const struct otlp_request_visitor *visitor;
    struct gathered request, resource_logs, scope_logs;
};

static void gather_start(struct gathered *gathered)
{
    gathered->fields = SLICE_EMPTY;
    buf_clear(&gathered->copy);
}

static enum status gather(struct gathered *gathered, struct slice whole, struct error *err)
{
    struct slice *fields = &gathered->fields;
    if (fields->size == 0) {
        *fields = whole;
        return ST_OK;
    }
    if (gathered->copy.size == 0) {
        if (fields->data + fields->size == whole.data) {
            fields->size += whole.size;
            return ST_OK;
        }
        enum status st = buf_append(&gathered->copy, fields->data, fields->size, err);
        if (st != ST_OK)
            return st;
    }
    enum status st = buf_append(&gathered->copy, whole.data, whole.size, err);
    if (st == ST_OK)
        *fields = buf_slice(&gathered->copy);
    return st;
}

/* What stands around the children of ResourceLogs and ScopeLogs. */
struct shape {
    const char *name;
    const char *owner_name;
    uint32_t child;         /* the field that is repeated and not gathered */
    uint32_t attributes;    /* within the owner, which is field 1 */
    uint32_t entity_refs;   /* ditto; 0: there are none */
    enum wire_type wire[5]; /* of the owner's fields by number, from 1 */
    uint32_t wire_count;
};

enum { OWNER = 1, SCHEMA_URL = 3 }; /* of ResourceLogs and of ScopeLogs */

static const struct shape resource_logs_shape = {
    .name = "ResourceLogs",
    .owner_name = "resource",
    .child = RESOURCE_LOGS_SCOPE_LOGS,
    .attributes = RESOURCE_ATTRIBUTES,
    .entity_refs = RESOURCE_ENTITY_REFS,
    .wire = {0, WIRE_BYTES, WIRE_VARINT, WIRE_BYTES},
    .wire_count = 4,
};

static const struct shape scope_logs_shape = {
    .name = "ScopeLogs",
    .owner_name = "scope",
    .child = SCOPE_LOGS_LOG_RECORDS,
    .attributes = SCOPE_ATTRIBUTES,
    .wire = {0, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_VARINT},
    .wire_count = 5,
};

/* Texts and lists of texts only. */
static enum status check_entity_ref(struct slice entity_ref, struct error *err)
{
    struct pb_walk walk = pb_walk_start(entity_ref);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number <= ENTITY_DESCRIPTION_KEYS && field.type != WIRE_BYTES)
            step = PB_BROKEN;
        if (step == PB_BROKEN)
            break;
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "an entity reference is broken");
}

static enum status check_owner(struct slice owner, const struct shape *shape, struct error *err)
{
    struct pb_walk walk = pb_walk_start(owner);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = ST_OK;
        if (field.number < shape->wire_count && field.type != shape->wire[field.number])
            st = error_set(err, ST_CORRUPT, "field %u has wire type %d", field.number,
                           (int)field.type);
        else if (field.number == shape->attributes)
            st = otlp_check_attribute(field.bytes, err);
        else if (field.number == shape->entity_refs)
            st = check_entity_ref(field.bytes, err);
        if (st != ST_OK)
            return error_context(err, "%s", shape->owner_name);
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the %s is cut", shape->owner_name);
}

static enum status gather_field(struct gathered *gathered, const struct pb_field *field,
                                const struct shape *shape, struct error *err)
{
    bool is_known = field->number <= SCHEMA_URL; /* all of BYTES */
    if (is_known && field->type != WIRE_BYTES)
        return error_set(err, ST_CORRUPT, "field %u has wire type %d", field->number,
                         (int)field->type);
    if (field->number == shape->child)
        return ST_OK;
    if (field->number == OWNER) {
        enum status st = check_owner(field->bytes, shape, err);
        if (st != ST_OK)
            return st;
    }
    return gather(gathered, field->whole, err);
}

/* Gathers every field of `message` but the children. */
static enum status gather_around(struct gathered *gathered, struct slice message,
                                 const struct shape *shape, struct error *err)
{
    gather_start(gathered);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        enum status st = gather_field(gathered, &field, shape, err);
        if (st != ST_OK)
            return error_context(err, "%s", shape->name);
    }
    return step == PB_END ? ST_OK : error_set(err, ST_CORRUPT, "the %s are cut", shape->name);
}

static enum status visit_scope_logs(struct request_walk *self, struct slice message,
                                    struct error *err)
{
    enum status st = gather_around(&self->scope_logs, message, &scope_logs_shape, err);
    if (st != ST_OK)
        return st;
    const struct otlp_request_visitor *visitor = self->visitor;
    struct record_group group = {.request_fields = self->request.fields,
                                 .resource_logs_fields = self->resource_logs.fields,
                                 .scope_logs_fields = self->scope_logs.fields};
    st = visitor->on_group(visitor->context, &group, err);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == SCOPE_LOGS_LOG_RECORDS)
            st = visitor->on_record(visitor->context, field.bytes, err);
    }
    return st;
}

static enum status visit_resource_logs(struct request_walk *self, struct slice message,
                                       struct error *err)
{
    enum status st = gather_around(&self->resource_logs, message, &resource_logs_shape, err);
    struct pb_walk walk = pb_walk_start(message);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == RESOURCE_LOGS_SCOPE_LOGS)
            st = visit_scope_logs(self, field.bytes, err);
    }
    return st;
}

static enum status gather_request(struct request_walk *self, struct slice request,
                                  struct error *err)
{
    struct pb_walk walk = pb_walk_start(request);
    struct pb_field field;
    enum pb_step step;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == REQUEST_RESOURCE_LOGS) {
            if (field.type != WIRE_BYTES)
                return error_set(err, ST_CORRUPT, "resource_logs has wire type %d",
                                 (int)field.type);
            continue;
        }
        enum status st = gather(&self->request, field.whole, err);
        if (st != ST_OK)
            return st;
    }
    return step == PB_END ? ST_OK
                          : error_set(err, ST_CORRUPT, "the request breaks off at byte %zu",
                                      request.size - walk.rest.size);
}

enum status otlp_walk_request(struct slice request, const struct otlp_request_visitor *visitor,
                              struct error *err)
{
    struct request_walk self = {.visitor = visitor};
    buf_init(&self.request.copy, request.size);
    buf_init(&self.resource_logs.copy, request.size);
    buf_init(&self.scope_logs.copy, request.size);
    enum status st = gather_request(&self, request, err);
    struct pb_walk walk = pb_walk_start(request);
    struct pb_field field;
    while (st == ST_OK && pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == REQUEST_RESOURCE_LOGS)
            st = visit_resource_logs(&self, field.bytes, err);
    }
    buf_fini(&self.request.copy);
    buf_fini(&self.resource_logs.copy);
    buf_fini(&self.scope_logs.copy);
    return st;
}
