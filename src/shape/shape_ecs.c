/* SPDX-License-Identifier: Apache-2.0 */
/* shape_ecs.c -- the document of the Elastic Common Schema, by the tables of ecs_fields.h and
 * ecs_kind.h.
 *
 * The plan has a row for each field, sorted by path.  A record marks the rows that it fills; these
 * are then visited in order, and between two of them the objects that end are closed and those that
 * begin are opened, so that each object stands once.  An attribute of the model that fills no row,
 * because its value does not fit the field, goes where the sender's own ones go. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "shape/ecs_fields.h"
#include "shape/ecs_kind.h"
#include "shape/shaper.h"
#include "util/clock.h"

enum {
    DEPTH_MAX = 6,    /* objects around a field */
    KEY_ROWS_MAX = 8, /* fields that one key of the model fills */
    ROW_WORDS = (ECS_FIELDS_MAX + 63) / 64,
    CONSUMED_WORDS = (READER_KEY_COUNT + 63) / 64,
};

struct row {
    struct ecs_field field;
    struct slice name;           /* `,"name":`, in the plan's text */
    uint16_t objects[DEPTH_MAX]; /* around it, from the outermost: 1 + index of its opener */
    uint8_t depth;
};

struct ecs_plan {
    struct row rows[ECS_FIELDS_MAX];
    size_t row_count;
    struct slice openers[ECS_FIELDS_MAX]; /* `,"name":{` of each object */
    size_t object_count;
    uint16_t rows_of_key[READER_KEY_COUNT][KEY_ROWS_MAX]; /* 1 + row; 0 ends */
    uint16_t row_of_fact[FACT_VERSION + 1];               /* row */
    uint16_t resource_rows[READER_KEY_COUNT - SCHEMA_KEY_COUNT + 1];
    size_t resource_row_count;
    struct buf text; /* owned; behind the slices */
};

/* --- The plan -------------------------------------------------------------------------------- */

/* Appends `,"` `part` `"` `end`; the buffer has room. */
static struct slice add_text(struct buf *text, struct slice part, struct slice end)
{
    size_t start = text->size;
    buf_append_reserved(text, ",\"", 2);
    buf_append_reserved(text, part.data, part.size);
    buf_append_reserved(text, end.data, end.size);
    return slice_of(text->data + start, text->size - start);
}

/* Names the field and finds the objects around it; those that the row before has too are shared. */
static void plan_path(struct ecs_plan *plan, struct row *row, const struct row *before)
{
    const char *start = row->field.path, *part = start, *dot;
    bool is_shared = before != NULL;

    for (; (dot = strchr(part, '.')) != NULL; part = dot + 1) {
        size_t size = (size_t)(dot - start) + 1;
        ASSERT(row->depth < DEPTH_MAX);
        is_shared = is_shared && row->depth < before->depth &&
                    strncmp(before->field.path, start, size) == 0;
        if (is_shared) {
            row->objects[row->depth] = before->objects[row->depth];
        } else {
            plan->openers[plan->object_count++] =
                add_text(&plan->text, slice_of(part, (size_t)(dot - part)), SLICE("\":{"));
            row->objects[row->depth] = (uint16_t)plan->object_count;
        }
        row->depth++;
    }
    row->name = add_text(&plan->text, slice_of_text(part), SLICE("\":"));
}

static void plan_source(struct ecs_plan *plan, uint16_t index)
{
    const struct ecs_field *field = &plan->rows[index].field;

    if (field->source == FROM_RECORD) {
        plan->row_of_fact[field->key] = index;
        return;
    }
    if (field->source == FROM_RESOURCE) {
        ASSERT(plan->resource_row_count < COUNT_OF(plan->resource_rows));
        plan->resource_rows[plan->resource_row_count++] = index;
        return;
    }
    size_t count = 0;
    while (plan->rows_of_key[field->key][count] != 0)
        count++;
    ASSERT(count + 1 < COUNT_OF(plan->rows_of_key[0]));
    plan->rows_of_key[field->key][count] = index + 1;
}

enum status ecs_plan_create(struct ecs_plan **ret, struct error *err)
{
    enum { TEXT_MAX = ECS_FIELDS_MAX * (ECS_PATH_MAX + 8) * 2 };
    struct ecs_field fields[ECS_FIELDS_MAX];
    char paths[ECS_FIELDS_MAX][ECS_PATH_MAX];
    struct ecs_plan *plan = calloc(1, sizeof(*plan));

    if (plan == NULL)
        return error_set(err, ST_NO_MEMORY, "the fields of ECS");
    buf_init(&plan->text, TEXT_MAX);
    enum status st = buf_reserve(&plan->text, TEXT_MAX, err);
    if (st != ST_OK) {
        ecs_plan_destroy(plan);
        return st;
    }
    plan->row_count = ecs_all_fields(fields, paths);
    for (size_t i = 0; i < plan->row_count; i++) {
        plan->rows[i].field = fields[i];
        plan_path(plan, &plan->rows[i], i > 0 ? &plan->rows[i - 1] : NULL);
        plan_source(plan, (uint16_t)i);
    }
    for (size_t i = 0; i < plan->row_count; i++)
        plan->rows[i].field.path = NULL; /* it may be in `paths` */
    *ret = plan;
    return ST_OK;
}

void ecs_plan_destroy(struct ecs_plan *plan)
{
    if (plan == NULL)
        return;
    buf_fini(&plan->text);
    free(plan);
}

bool ecs_takes_resource(unsigned key)
{
    return key >= SCHEMA_KEY_COUNT; /* a record may have a container of its own besides */
}

/* --- What a record fills -----------------------------------------------------------------------
 */

struct filling {
    const struct record_reader *reader;
    uint64_t rows[ROW_WORDS];
    uint64_t consumed[CONSUMED_WORDS]; /* keys whose attribute stands in a row */
    struct ecs_verdict verdict;
    struct slice dataset, level;
};

static void mark(uint64_t *words, unsigned number)
{
    words[number / 64] |= UINT64_C(1) << number % 64;
}

static bool is_marked(const uint64_t *words, unsigned number)
{
    return (words[number / 64] >> number % 64 & 1) != 0;
}

static double number_of(const struct any_view *value)
{
    return value->type == ANY_TYPE_INT ? (double)value->integer : value->number;
}

/* Whether the field can be a long of nanoseconds. */
static bool duration_fits(const struct any_view *value)
{
    double ns = number_of(value) * (double)NS_PER_MS;
    return fabs(ns) < 9e18;
}

static bool fits(const struct ecs_field *field, const struct any_view *value)
{
    if (field->source == FROM_IP || field->source == FROM_DOMAIN) {
        if (shape_is_address(value->bytes) != (field->source == FROM_IP))
            return false;
    }
    switch (field->type) {
    case ECS_KEYWORD:
    case ECS_KEYWORDS:
        return value->encoded.size <= READER_VALUE_MAX;
    case ECS_INTEGER:
        return value->integer >= INT32_MIN && value->integer <= INT32_MAX;
    default:
        return field->source != FROM_MS || duration_fits(value);
    }
}

static void fill_from_model(const struct ecs_plan *plan, struct filling *filling)
{
    const struct record_reader *reader = filling->reader;

    for (unsigned word = 0; word < READER_WORDS; word++) {
        for (uint64_t left = reader->said[word]; left != 0; left &= left - 1) {
            unsigned key = word * 64 + (unsigned)__builtin_ctzll(left);
            const struct any_view *value = reader_value(reader, key);
            for (const uint16_t *row = plan->rows_of_key[key]; *row != 0; row++) {
                if (!fits(&plan->rows[*row - 1].field, value))
                    continue;
                mark(filling->rows, *row - 1U);
                mark(filling->consumed, key);
            }
        }
    }
}

/* What the resource says of itself goes first; a record's own is then the sender's. */
static void fill_from_resource(const struct ecs_plan *plan, struct filling *filling)
{
    const struct record_reader *reader = filling->reader;

    for (size_t i = 0; i < plan->resource_row_count; i++) {
        unsigned row = plan->resource_rows[i], key = plan->rows[row].field.key;
        const struct any_view *own = reader_value(reader, key);
        bool is_own =
            reader->resource_at[key] == 0 && own != NULL && own->encoded.size <= READER_VALUE_MAX;
        if (reader->resource_at[key] != 0 || is_own)
            mark(filling->rows, row);
        if (is_own)
            mark(filling->consumed, key);
    }
    if (reader->resource_at[KEY_CONTAINER_ID] != 0)
        mark(filling->rows, plan->rows_of_key[KEY_CONTAINER_ID][0] - 1U);
}

static struct slice level_of(const struct record_reader *reader)
{
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error", "fatal"};
    enum { NUMBERS_PER_LEVEL = 4 };
    uint32_t number = reader->facts.severity_number != 0 ? reader->facts.severity_number
                                                         : reader->facts.agent_severity;
    struct slice text = shape_short(reader->view.severity_text);

    if (text.size > 0 || number == 0)
        return text;
    return slice_of_text(levels[(number - 1) / NUMBERS_PER_LEVEL]);
}

static void fill_fact(const struct ecs_plan *plan, struct filling *filling, enum ecs_fact fact,
                      bool is_said)
{
    if (is_said)
        mark(filling->rows, plan->row_of_fact[fact]);
}

static bool is_shown_time(uint64_t unix_ns)
{
    return unix_ns != 0 && shape_time_fits(unix_ns);
}

static void fill_from_record(const struct ecs_plan *plan, struct filling *filling)
{
    const struct record_facts *facts = &filling->reader->facts;
    const struct record_view *view = &filling->reader->view;

    fill_fact(plan, filling, FACT_TIME, true);
    fill_fact(plan, filling, FACT_OBSERVED, is_shown_time(facts->observed_unix_ns));
    fill_fact(plan, filling, FACT_RECEIVED, is_shown_time(facts->received_unix_ns));
    fill_fact(plan, filling, FACT_KIND, true);
    fill_fact(plan, filling, FACT_CATEGORY, filling->verdict.categories[0] != NULL);
    fill_fact(plan, filling, FACT_TYPE, true);
    fill_fact(plan, filling, FACT_ACTION, filling->reader->kind != KIND_COUNT);
    fill_fact(plan, filling, FACT_OUTCOME, true);
    fill_fact(plan, filling, FACT_DATASET, filling->dataset.size > 0);
    fill_fact(plan, filling, FACT_LEVEL, filling->level.size > 0);
    fill_fact(plan, filling, FACT_MESSAGE, view->body.type != ANY_TYPE_NONE);
    fill_fact(plan, filling, FACT_TRACE_ID, view->trace_id.size > 0);
    fill_fact(plan, filling, FACT_SPAN_ID, view->span_id.size > 0);
    fill_fact(plan, filling, FACT_EVENT_NAME, shape_short(view->event_name).size > 0);
    fill_fact(plan, filling, FACT_FLAGS, view->flags != 0);
    fill_fact(plan, filling, FACT_DROPPED, view->dropped_attributes_count != 0);
    fill_fact(plan, filling, FACT_SEVERITY_NUMBER, facts->severity_number != 0);
    fill_fact(plan, filling, FACT_VERSION, true);
}

/* --- Writing --------------------------------------------------------------------------------- */

static void put_words(struct json_put *json, const char *const *words)
{
    json_put(json, SLICE("["));
    for (size_t i = 0; words[i] != NULL; i++) {
        json_put(json, i > 0 ? SLICE(",\"") : SLICE("\""));
        json_put(json, slice_of_text(words[i]));
        json_put(json, SLICE("\""));
    }
    json_put(json, SLICE("]"));
}

static void put_word(struct json_put *json, const char *word)
{
    json_put(json, SLICE("\""));
    json_put(json, slice_of_text(word));
    json_put(json, SLICE("\""));
}

/* agent.tool and end make tool-end. */
static void put_action(struct json_put *json, const struct record_reader *reader)
{
    struct slice name = slice_of_text(schema_kinds[reader->kind].name);
    unsigned phase = reader_word(reader, KEY_AGENT_EVENT_PHASE, words_phase, PHASE_POINT + 1);

    json_put(json, SLICE("\""));
    json_put(json, slice_from(name, sizeof("agent.") - 1));
    if (phase <= PHASE_POINT) {
        json_put(json, SLICE("-"));
        json_put(json, slice_of_text(words_phase[phase]));
    }
    json_put(json, SLICE("\""));
}

static void put_fact(struct shape_out *out, const struct filling *filling, enum ecs_fact fact)
{
    struct json_put *json = &out->json;
    const struct record_facts *facts = &filling->reader->facts;
    const struct record_view *view = &filling->reader->view;

    switch (fact) {
    case FACT_TIME:
        json_put_time(json, facts->time_unix_ns);
        break;
    case FACT_OBSERVED:
        json_put_time(json, facts->observed_unix_ns);
        break;
    case FACT_RECEIVED:
        json_put_time(json, facts->received_unix_ns);
        break;
    case FACT_KIND:
        put_word(json, filling->verdict.kind);
        break;
    case FACT_CATEGORY:
        put_words(json, filling->verdict.categories);
        break;
    case FACT_TYPE:
        put_words(json, filling->verdict.types);
        break;
    case FACT_ACTION:
        put_action(json, filling->reader);
        break;
    case FACT_OUTCOME:
        put_word(json, filling->verdict.outcome);
        break;
    case FACT_DATASET:
        json_put_text(json, filling->dataset);
        break;
    case FACT_LEVEL:
        json_put_text(json, filling->level);
        break;
    case FACT_MESSAGE:
        shape_put_as_text(out, &view->body);
        break;
    case FACT_TRACE_ID:
        json_put_hex(json, view->trace_id);
        break;
    case FACT_SPAN_ID:
        json_put_hex(json, view->span_id);
        break;
    case FACT_EVENT_NAME:
        json_put_text(json, view->event_name);
        break;
    case FACT_FLAGS:
        json_put_uint(json, view->flags);
        break;
    case FACT_DROPPED:
        json_put_uint(json, view->dropped_attributes_count);
        break;
    case FACT_SEVERITY_NUMBER:
        json_put_uint(json, facts->severity_number);
        break;
    case FACT_VERSION:
        json_put(json, SLICE("\"" ECS_VERSION "\""));
        break;
    }
}

static const struct any_view *value_of(const struct record_reader *reader,
                                       const struct ecs_field *field)
{
    uint32_t at = reader->resource_at[field->key];
    const struct any_view *own = reader_value(reader, field->key);

    if (field->source == FROM_RESOURCE && at != 0)
        return &reader->resource.views[at - 1].value;
    if (field->source == FROM_EITHER && (own == NULL || !fits(field, own)))
        return &reader->resource.views[at - 1].value;
    return own;
}

static void put_row(struct shape_out *out, const struct filling *filling,
                    const struct ecs_field *field)
{
    struct json_put *json = &out->json;

    if (field->source == FROM_RECORD) {
        put_fact(out, filling, (enum ecs_fact)field->key);
        return;
    }
    const struct any_view *value = value_of(filling->reader, field);
    if (field->source == FROM_MS) {
        double ns = number_of(value) * (double)NS_PER_MS;
        json_put_int(json, (int64_t)(ns < 0 ? ns - 0.5 : ns + 0.5));
        return;
    }
    switch (field->type) {
    case ECS_KEYWORDS:
        shape_put_texts(json, value);
        break;
    case ECS_LONG:
    case ECS_INTEGER:
        json_put_int(json, value->integer);
        break;
    case ECS_DOUBLE:
        json_put_double(json, number_of(value));
        break;
    case ECS_BOOLEAN:
        json_put(json, value->integer != 0 ? SLICE("true") : SLICE("false"));
        break;
    default:
        json_put_text(json, value->bytes);
        break;
    }
}

/* The objects around the field that was written last. */
struct open_objects {
    const uint16_t *objects;
    unsigned depth;
};

static void put_braces(struct json_put *json, unsigned count)
{
    while (count-- > 0)
        json_put(json, SLICE("}"));
}

static void put_path(struct json_put *json, const struct ecs_plan *plan, const struct row *row,
                     struct open_objects *open)
{
    unsigned common = 0;

    while (common < open->depth && common < row->depth &&
           open->objects[common] == row->objects[common])
        common++;
    put_braces(json, open->depth - common);
    for (unsigned i = common; i < row->depth; i++)
        shape_put_name(json, plan->openers[row->objects[i] - 1]);
    *open = (struct open_objects){row->objects, row->depth};
    shape_put_name(json, row->name);
}

static void put_rows(struct shape_out *out, const struct ecs_plan *plan,
                     const struct filling *filling)
{
    struct open_objects open = {NULL, 0};

    for (unsigned word = 0; word < ROW_WORDS; word++) {
        for (uint64_t left = filling->rows[word]; left != 0; left &= left - 1) {
            const struct row *row = &plan->rows[word * 64 + (unsigned)__builtin_ctzll(left)];
            put_path(&out->json, plan, row, &open);
            put_row(out, filling, &row->field);
        }
    }
    put_braces(&out->json, open.depth);
}

static bool is_consumed(const void *context, size_t index)
{
    const struct filling *filling = context;
    unsigned key = filling->reader->record.reads[index].id;
    return key != TEXT_TABLE_NONE && filling->reader->at[key] == index + 1 &&
           is_marked(filling->consumed, key);
}

void shape_put_ecs(struct shaper *shaper, struct shape_out *out)
{
    const struct record_reader *reader = &shaper->reader;
    struct filling filling = {
        .reader = reader, .dataset = buf_slice(&shaper->dataset), .level = level_of(reader)};
    struct shape_pairs pairs;

    ecs_judge(reader, reader->kind, &filling.verdict);
    fill_from_model(shaper->ecs, &filling);
    fill_from_resource(shaper->ecs, &filling);
    fill_from_record(shaper->ecs, &filling);
    put_rows(out, shaper->ecs, &filling);
    json_put(&out->json, buf_slice(&shaper->stream_text));
    shape_put_container(out, SHAPE_NAME("attributes"), &reader->record, is_consumed, &filling,
                        true);
    shape_find_pairs(&reader->view, &pairs);
    shape_put_list(out, SHAPE_NAME("attribute_list"), &reader->record, is_consumed, &filling,
                   pairs.pairs, pairs.count);
    json_put(&out->json, slice_from(buf_slice(&shaper->group_text), 1));
}
