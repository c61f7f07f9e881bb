/* SPDX-License-Identifier: Apache-2.0 */
/* shaper.c -- telltale/shape.h: which shape is written by what, and what they share.
 *
 * The resource and the scope are the same for many records, so that they are written once for all
 * of these and copied. */
#include "shape/shaper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape_writer {
    const char *name;
    void (*put)(struct shaper *shaper, struct shape_out *out);
};

static const struct shape_writer writers[SHAPE_COUNT] = {
    [SHAPE_OTEL] = {"otel", shape_put_otel},
    [SHAPE_ECS] = {"ecs", shape_put_ecs},
    [SHAPE_CIM] = {"cim", shape_put_cim},
    [SHAPE_OCSF] = {"ocsf", shape_put_ocsf},
    [SHAPE_OCSF_1_9] = {"ocsf-1.9", shape_put_ocsf},
};

bool shape_named(const char *name, enum shape *ret)
{
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        if (strcmp(writers[shape].name, name) == 0) {
            *ret = (enum shape)shape;
            return true;
        }
    }
    return false;
}

const char *shape_name(enum shape shape)
{
    return writers[shape].name;
}

/* --- Making one ------------------------------------------------------------------------------ */

static enum status write_stream(struct shaper *shaper, const struct shape_options *options,
                                struct error *err)
{
    struct json_put json;

    if (options == NULL || options->dataset == NULL)
        return buf_reserve(&shaper->stream_text, 1, err); /* nothing is copied from a place, too */
    ASSERT(options->data_namespace != NULL);
    json_start(&json, &shaper->stream_text, err);
    json_put(&json, SLICE(",\"data_stream\":{\"type\":\"logs\",\"dataset\":"));
    json_put_text(&json, slice_of_text(options->dataset));
    json_put(&json, SLICE(",\"namespace\":"));
    json_put_text(&json, slice_of_text(options->data_namespace));
    json_put(&json, SLICE("}"));
    enum status st = json_finish(&json);
    return st != ST_OK
               ? st
               : buf_append(&shaper->dataset, options->dataset, strlen(options->dataset), err);
}

static enum status prepare(struct shaper *shaper, const struct shape_options *options,
                           struct error *err)
{
    enum status st = record_reader_init(&shaper->reader, err);
    if (st != ST_OK)
        return st;
    st = write_stream(shaper, options, err);
    if (st == ST_OK && shaper->shape == SHAPE_ECS)
        st = ecs_plan_create(&shaper->ecs, err);
    if (st == ST_OK && shaper->shape == SHAPE_CIM)
        st = cim_plan_create(&shaper->cim, err);
    if (st == ST_OK && shape_is_ocsf(shaper->shape))
        st = ocsf_plan_create(shaper->shape, &shaper->ocsf, err);
    return st;
}

enum status shaper_create(enum shape shape, const struct shape_options *options,
                          struct shaper **ret, struct error *err)
{
    ASSERT(shape < SHAPE_COUNT);
    struct shaper *shaper = calloc(1, sizeof(*shaper));
    if (shaper == NULL)
        return error_set(err, ST_NO_MEMORY, "a shaper");
    shaper->shape = shape;
    buf_init(&shaper->scratch, SHAPE_SCRATCH_MAX);
    buf_init(&shaper->group_text, SHAPE_GROUP_MAX);
    buf_init(&shaper->stream_text, SHAPE_GROUP_MAX);
    buf_init(&shaper->dataset, SHAPE_GROUP_MAX);
    enum status st = prepare(shaper, options, err);
    if (st != ST_OK) {
        shaper_destroy(shaper);
        return st;
    }
    *ret = shaper;
    return ST_OK;
}

void shaper_destroy(struct shaper *shaper)
{
    if (shaper == NULL)
        return;
    record_reader_fini(&shaper->reader);
    buf_fini(&shaper->scratch);
    buf_fini(&shaper->group_text);
    buf_fini(&shaper->stream_text);
    buf_fini(&shaper->dataset);
    ecs_plan_destroy(shaper->ecs);
    cim_plan_destroy(shaper->cim);
    ocsf_plan_destroy(shaper->ocsf);
    free(shaper);
}

/* --- The group ------------------------------------------------------------------------------- */

/* Whether values of the sender are written as texts. */
static bool is_textual(const struct shaper *shaper)
{
    return shaper->shape == SHAPE_ECS || shape_is_ocsf(shaper->shape);
}

static bool is_taken_by_ecs(const void *context, size_t index)
{
    const struct record_reader *reader = context;
    unsigned key = reader->resource.reads[index].id;
    return key != TEXT_TABLE_NONE && reader->resource_at[key] == index + 1 &&
           ecs_takes_resource(key);
}

/* Writes a text of the scope or resource, or keeps it for the list. */
static void put_name_or_pair(struct json_put *json, const char *key, struct slice text,
                             struct shape_pairs *pairs)
{
    if (text.size > READER_VALUE_MAX) {
        pairs->pairs[pairs->count++] = (struct shape_pair){slice_of_text(key), text};
        return;
    }
    if (text.size == 0)
        return;
    shape_put_key(json, slice_of_text(key));
    json_put_text(json, text);
}

static void put_resource(struct shaper *shaper, struct shape_out *out)
{
    const struct record_reader *reader = &shaper->reader;
    shape_skip_fn skip = shaper->shape == SHAPE_ECS ? is_taken_by_ecs : NULL;
    bool as_text = is_textual(shaper);
    struct shape_pairs pairs = {.count = 0};

    shape_put_name(&out->json, SLICE(",\"resource\":"));
    json_put(&out->json, SLICE("{"));
    put_name_or_pair(&out->json, "schema_url", reader->resource_schema_url, &pairs);
    shape_put_container(out, SHAPE_NAME("attributes"), &reader->resource, skip, reader, as_text);
    shape_put_list(out, SHAPE_NAME("attribute_list"), &reader->resource, skip, reader, pairs.pairs,
                   pairs.count);
    json_put(&out->json, SLICE("}"));
}

static void put_scope(struct shaper *shaper, struct shape_out *out)
{
    const struct record_reader *reader = &shaper->reader;
    struct shape_pairs pairs = {.count = 0};

    shape_put_name(&out->json, SLICE(",\"scope\":"));
    json_put(&out->json, SLICE("{"));
    put_name_or_pair(&out->json, "name", reader->scope_name, &pairs);
    put_name_or_pair(&out->json, "version", reader->scope_version, &pairs);
    put_name_or_pair(&out->json, "schema_url", reader->scope_schema_url, &pairs);
    shape_put_container(out, SHAPE_NAME("attributes"), &reader->scope, NULL, NULL,
                        is_textual(shaper));
    shape_put_list(out, SHAPE_NAME("attribute_list"), &reader->scope, NULL, NULL, pairs.pairs,
                   pairs.count);
    json_put(&out->json, SLICE("}"));
}

enum status shaper_set_group(struct shaper *shaper, const struct record_group *group,
                             struct error *err)
{
    struct shape_out out = {.scratch = &shaper->scratch};
    enum status st = record_reader_set_group(&shaper->reader, group, err);
    if (st != ST_OK)
        return st;
    buf_clear(&shaper->group_text);
    json_start(&out.json, &shaper->group_text, err);
    json_put(&out.json, SLICE(" ")); /* names look at the byte before them */
    put_resource(shaper, &out);
    put_scope(shaper, &out);
    st = json_finish(&out.json);
    if (st != ST_OK)
        shaper->reader.group = NULL;
    return st;
}

/* --- The record ------------------------------------------------------------------------------ */

static void add_number(struct shape_pairs *pairs, const char *key, uint64_t value)
{
    char *digits = pairs->digits[pairs->count];
    int size = snprintf(digits, SHAPE_PAIR_DIGITS, "%" PRIu64, value);
    pairs->pairs[pairs->count++] =
        (struct shape_pair){slice_of_text(key), slice_of(digits, (size_t)size)};
}

static void add_long_text(struct shape_pairs *pairs, const char *key, struct slice text)
{
    if (text.size > READER_VALUE_MAX)
        pairs->pairs[pairs->count++] = (struct shape_pair){slice_of_text(key), text};
}

void shape_find_pairs(const struct record_view *view, struct shape_pairs *ret)
{
    enum { SEVERITY_MAX = 24 };

    ret->count = 0;
    if (!shape_time_fits(view->time_unix_nano))
        add_number(ret, "time_unix_nano", view->time_unix_nano);
    if (!shape_time_fits(view->observed_time_unix_nano))
        add_number(ret, "observed_time_unix_nano", view->observed_time_unix_nano);
    if (view->severity_number > SEVERITY_MAX)
        add_number(ret, "severity_number", view->severity_number);
    add_long_text(ret, "severity_text", view->severity_text);
    add_long_text(ret, "event_name", view->event_name);
    ASSERT(ret->count < SHAPE_PAIRS_MAX);
}

enum status shaper_read(struct shaper *shaper, struct slice record, struct record_facts *ret,
                        struct error *err)
{
    ASSERT(shaper->reader.group != NULL);
    return record_reader_read(&shaper->reader, record, ret, err);
}

enum status shaper_append(struct shaper *shaper, struct buf *out, struct error *err)
{
    struct shape_out shape_out = {.scratch = &shaper->scratch};

    ASSERT(shaper->reader.is_read);
    json_start(&shape_out.json, out, err);
    json_put(&shape_out.json, SLICE("{"));
    writers[shaper->shape].put(shaper, &shape_out);
    json_put(&shape_out.json, SLICE("}"));
    return json_finish(&shape_out.json);
}
