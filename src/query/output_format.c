/* SPDX-License-Identifier: Apache-2.0 */
/* output_format.c -- see output_format.h. */
#include "query/output_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telltale/encode.h"
#include "telltale/shape.h"

enum { SCRATCH_MAX = 64 << 20 };

/* A spreadsheet wants few columns that are always the same. */
static const char csv_fields[] =
    "time,agent.product,session.id,user.name,resource.host.name,agent.peer.uid,agent.peer.pid,"
    "agent.peer.executable.path,agent.event.kind,agent.event.phase,agent.outcome,"
    "agent.decision.outcome,agent.decision.source,gen_ai.tool.name,process.command_line,"
    "file.path,server.address,summary";

enum format {
    FORMAT_TABLE,
    FORMAT_JSON,
    FORMAT_NDJSON,
    FORMAT_OTLP_JSON,
    FORMAT_CSV,
    FORMAT_TIMESKETCH,
    FORMAT_COUNT,
    FORMAT_SHAPE = FORMAT_COUNT,
};

static const char *const names[FORMAT_COUNT] = {"table",     "json", "ndjson",
                                                "otlp-json", "csv",  "timesketch"};

struct output {
    enum format format;
    size_t columns;
    struct field fields[OUTPUT_FIELDS_MAX];
    struct output_fields chosen; /* count 0: all */
    struct buf scratch;
    struct shaper *shaper; /* owned; NULL: no shape */
};

static enum status read_fields(struct output *output, const char *text, struct error *err)
{
    enum status st = ST_OK;

    while (st == ST_OK) {
        size_t size = strcspn(text, ",");
        if (output->chosen.count == OUTPUT_FIELDS_MAX)
            return error_set(err, ST_LIMIT, "more than %d fields", OUTPUT_FIELDS_MAX);
        st = field_init(&output->fields[output->chosen.count++], slice_of(text, size), err);
        if (text[size] == 0)
            break;
        text += size + 1;
    }
    return st;
}

static enum status read_format(struct output *output, const char *name, struct error *err)
{
    enum shape shape;

    while (output->format < FORMAT_COUNT && strcmp(names[output->format], name) != 0)
        output->format++;
    if (output->format < FORMAT_COUNT)
        return ST_OK;
    if (shape_named(name, &shape))
        return shaper_create(shape, NULL, &output->shaper, err);
    char known[SHAPE_COUNT * 20 + 1] = "";
    for (unsigned i = 0; i < SHAPE_COUNT; i++)
        snprintf(known + strlen(known), 20, ", %s", shape_name((enum shape)i));
    return error_set(err, ST_INVALID,
                     "there is no format '%.60s'; there are table, json, ndjson, otlp-json, csv, "
                     "timesketch%s",
                     name, known);
}

static enum status prepare(struct output *output, const struct output_options *options,
                           struct error *err)
{
    const char *fields = options->fields;

    enum status st = read_format(output, options->format != NULL ? options->format : "table", err);
    if (st != ST_OK)
        return st;
    bool has_choice = output->format <= FORMAT_NDJSON || output->format == FORMAT_CSV;
    if (fields != NULL && !has_choice)
        return error_set(err, ST_INVALID,
                         "'%s' is always whole: fields can be chosen for table, "
                         "json, ndjson and csv",
                         options->format);
    if (fields == NULL && output->format == FORMAT_CSV)
        fields = csv_fields;
    return fields != NULL ? read_fields(output, fields, err) : ST_OK;
}

enum status output_create(const struct output_options *options, struct output **ret,
                          struct error *err)
{
    struct output *output = calloc(1, sizeof(*output));

    if (output == NULL)
        return error_set(err, ST_NO_MEMORY, "an output");
    buf_init(&output->scratch, SCRATCH_MAX);
    output->columns = options->columns;
    output->chosen.fields = output->fields;
    output->chosen.scratch = &output->scratch;
    enum status st = prepare(output, options, err);
    if (st != ST_OK) {
        output_destroy(output);
        return st;
    }
    *ret = output;
    return ST_OK;
}

void output_destroy(struct output *output)
{
    if (output == NULL)
        return;
    shaper_destroy(output->shaper);
    buf_fini(&output->scratch);
    free(output);
}

enum status output_head(struct output *output, struct buf *out, struct error *err)
{
    if (output->format == FORMAT_CSV)
        return output_fields_csv(out, &output->chosen, NULL, err);
    if (output->format != FORMAT_TABLE)
        return ST_OK;
    return output->chosen.count > 0
               ? output_fields_row(out, &output->chosen, NULL, output->columns, err)
               : output_table_head(out, output->columns, err);
}

static enum status append_shape(struct output *output, const struct store_record_view *record,
                                struct buf *out, struct error *err)
{
    struct record_facts facts;

    /* Each line of a store has a group of its own. */
    enum status st = shaper_set_group(output->shaper, record->group, err);
    if (st == ST_OK)
        st = shaper_read(output->shaper, record->bytes, &facts, err);
    if (st == ST_OK)
        st = shaper_append(output->shaper, out, err);
    return st == ST_OK ? buf_append(out, "\n", 1, err) : st;
}

enum status output_record(struct output *output, const struct store_record_view *record,
                          struct buf *out, struct error *err)
{
    const struct field_record seen = {.group = record->group, .view = record->record};
    bool is_chosen = output->chosen.count > 0;

    switch (output->format) {
    case FORMAT_TABLE:
        return is_chosen ? output_fields_row(out, &output->chosen, &seen, output->columns, err)
                         : output_table_row(out, record->record, output->columns, err);
    case FORMAT_JSON:
    case FORMAT_NDJSON:
        return is_chosen ? output_fields_json(out, &output->chosen, &seen, err)
                         : output_flat_json(out, record->group, record->record, err);
    case FORMAT_OTLP_JSON:
        return encode_otlp_json_line(record->group, record->bytes, SLICE_EMPTY, out, err);
    case FORMAT_CSV:
        return output_fields_csv(out, &output->chosen, &seen, err);
    case FORMAT_TIMESKETCH:
        return output_timesketch(out, record->group, record->record, err);
    case FORMAT_SHAPE:
        return append_shape(output, record, out, err);
    }
    return ST_OK;
}
