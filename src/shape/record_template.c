/* SPDX-License-Identifier: Apache-2.0 */
/* record_template.c -- see include/telltale/record_template.h.
 *
 * A step is a literal, copied, and a slot.  The reader of a shape that a template names reads the
 * record for the facts too, so that it is read once for all; only further shapes read it again. */
#include "telltale/record_template.h"

#include <stdlib.h>

#include "shape/shaper.h"
#include "shape/template_nested.h"
#include "shape/template_program.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)
#define NS_PER_S  UINT64_C(1000000000)

enum { FORM_TEXT_MAX = 64 << 20 }; /* a document before it becomes a string */

struct record_templates {
    struct template_program programs[TEMPLATES_MAX];
    size_t count;
    struct shaper *shapers[SHAPE_COUNT]; /* owned; NULL: no template needs it */
    struct shaper *reader;               /* one of them: whose reader gives the facts */
    struct record_facts facts;
    uint64_t sequence;
    struct buf form;           /* owned: a value before it becomes a string */
    struct nested_keys nested; /* of attrs:nested */
};

/* One append(). */
struct writing {
    struct record_templates *set;
    struct shape_out out;
    struct buf *into;
    struct error *err;
};

/* --- Making a set ---------------------------------------------------------------------------- */

enum status record_templates_create(struct record_templates **ret, struct error *err)
{
    struct record_templates *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return error_set(err, ST_NO_MEMORY, "a set of templates");
    buf_init(&set->form, FORM_TEXT_MAX);
    *ret = set;
    return ST_OK;
}

void record_templates_destroy(struct record_templates *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        template_program_fini(&set->programs[i]);
    for (size_t i = 0; i < SHAPE_COUNT; i++)
        shaper_destroy(set->shapers[i]);
    buf_fini(&set->form);
    nested_keys_fini(&set->nested);
    free(set);
}

static enum status add_shaper(struct record_templates *set, enum shape shape, struct error *err)
{
    if (set->shapers[shape] != NULL)
        return ST_OK;
    enum status st = shaper_create(shape, NULL, &set->shapers[shape], err);
    if (st == ST_OK && set->reader == NULL)
        set->reader = set->shapers[shape];
    return st;
}

enum status record_templates_add(struct record_templates *set, struct slice text, struct error *err)
{
    ASSERT(set->count < TEMPLATES_MAX);
    struct template_program *program = &set->programs[set->count++];
    enum status st = template_program_compile(text, program, err);
    for (unsigned shape = 0; shape < SHAPE_COUNT && st == ST_OK; shape++) {
        if ((program->shapes & 1U << shape) != 0)
            st = add_shaper(set, (enum shape)shape, err);
    }
    return st;
}

enum status record_template_check(struct slice text, struct error *err)
{
    struct template_program program;

    enum status st = template_program_compile(text, &program, err);
    template_program_fini(&program);
    return st;
}

/* --- Reading --------------------------------------------------------------------------------- */

enum status record_templates_set_group(struct record_templates *set,
                                       const struct record_group *group, struct error *err)
{
    enum status st = set->reader == NULL ? add_shaper(set, SHAPE_OTEL, err) : ST_OK;

    for (size_t i = 0; i < SHAPE_COUNT && st == ST_OK; i++) {
        if (set->shapers[i] != NULL)
            st = shaper_set_group(set->shapers[i], group, err);
    }
    return st;
}

enum status record_templates_read(struct record_templates *set, struct slice record,
                                  uint64_t sequence, struct record_facts *ret, struct error *err)
{
    struct record_facts same;

    enum status st = shaper_read(set->reader, record, &set->facts, err);
    for (size_t i = 0; i < SHAPE_COUNT && st == ST_OK; i++) {
        if (set->shapers[i] != NULL && set->shapers[i] != set->reader)
            st = shaper_read(set->shapers[i], record, &same, err);
    }
    if (st != ST_OK)
        return st;
    set->sequence = sequence;
    *ret = set->facts;
    return ST_OK;
}

/* --- Facts ----------------------------------------------------------------------------------- */

static const void *fact(const struct writing *w, const struct slot *slot)
{
    return (const char *)&w->set->facts + slot->offset;
}

static struct slice text_fact(const struct writing *w, const struct slot *slot)
{
    return *(const struct slice *)fact(w, slot);
}

static uint32_t number_fact(const struct writing *w, const struct slot *slot)
{
    return *(const uint32_t *)fact(w, slot);
}

static uint64_t time_fact(const struct writing *w, const struct slot *slot)
{
    return *(const uint64_t *)fact(w, slot);
}

/* The model's own where there are two. */
static uint32_t severity(const struct record_facts *facts)
{
    return facts->severity_number != 0 ? facts->severity_number : facts->agent_severity;
}

/* The last attribute with that key. */
static const struct any_view *find_in(const struct attribute_set *set, struct slice key)
{
    for (size_t i = set->count; i > 0; i--) {
        if (slice_equal(set->views[i - 1].key, key))
            return &set->views[i - 1].value;
    }
    return NULL;
}

static const struct any_view *find_attribute(const struct writing *w, struct slice key)
{
    const struct record_reader *reader = &w->set->reader->reader;
    uint16_t id = text_table_find(&reader->keys, key);
    const struct any_view *value = NULL;

    if (id < SCHEMA_KEY_COUNT)
        value = reader_value(reader, id);
    if (value == NULL && id >= SCHEMA_KEY_COUNT)
        value = find_in(&reader->record, key);
    return value != NULL ? value : find_in(&reader->resource, key);
}

/* --- Slots ----------------------------------------------------------------------------------- */

struct unit {
    uint64_t divisor;
    bool is_text;
};

static const struct unit units[TIME_FORM_COUNT] = {
    [TIME_UNIX_S] = {NS_PER_S, false},      [TIME_UNIX_MS] = {NS_PER_MS, false},
    [TIME_UNIX_US] = {NS_PER_US, false},    [TIME_UNIX_NS] = {1, false},
    [TIME_UNIX_MS_STR] = {NS_PER_MS, true}, [TIME_UNIX_NS_STR] = {1, true},
    [TIME_UNIX_DEC9] = {NS_PER_S, false},
};

static void put_fraction(struct json_put *json, uint64_t unix_ns)
{
    enum { DIGITS = 9 };
    uint8_t text[1 + DIGITS] = {'.'};
    uint64_t rest = unix_ns % NS_PER_S;

    for (int i = DIGITS; i > 0; i--, rest /= 10)
        text[i] = (uint8_t)('0' + rest % 10);
    json_put(json, slice_of(text, sizeof(text)));
}

static void put_time(struct json_put *json, enum time_form form, uint64_t unix_ns)
{
    const struct unit *unit = &units[form];

    if (form == TIME_RFC3339_NANO) {
        json_put_time(json, unix_ns);
        return;
    }
    if (unit->is_text)
        json_put(json, SLICE("\""));
    json_put_uint(json, unix_ns / unit->divisor);
    if (form == TIME_UNIX_DEC9)
        put_fraction(json, unix_ns);
    if (unit->is_text)
        json_put(json, SLICE("\""));
}

static void put_severity(struct json_put *json, uint32_t number)
{
    static const char *const names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    enum { STEP = 4 };
    size_t index = (number - 1) / STEP;

    json_put_text(json,
                  slice_of_text(names[index < COUNT_OF(names) ? index : COUNT_OF(names) - 1]));
}

/* Lets `put` write to another buffer, and the result as a string. */
static struct json_put begin_form(struct writing *w)
{
    struct json_put outer = w->out.json;

    buf_clear(&w->set->form);
    json_start(&w->out.json, &w->set->form, w->err);
    return outer;
}

static void end_form(struct writing *w, struct json_put outer, enum slot_form form)
{
    enum status st = json_finish(&w->out.json);

    w->out.json = outer;
    if (!json_note(&w->out.json, st))
        return;
    if (form == FORM_B64)
        json_put_base64(&w->out.json, buf_slice(&w->set->form));
    else
        json_put_text(&w->out.json, buf_slice(&w->set->form));
}

/* A value is written with its type; what becomes a string is first text. */
static void put_any(struct writing *w, const struct any_view *value, enum slot_form form)
{
    if (form == FORM_VALUE) {
        shape_put_value(&w->out, value);
        return;
    }
    if (form == FORM_STR) {
        shape_put_as_text(&w->out, value);
        return;
    }
    if (value->type == ANY_TYPE_STRING || value->type == ANY_TYPE_BYTES) {
        json_put_base64(&w->out.json, value->bytes);
        return;
    }
    struct json_put outer = begin_form(w);
    shape_put_value(&w->out, value);
    end_form(w, outer, form);
}

/* Keys that are unusual, stand twice or have a long value. */
static void put_listed(struct writing *w, const struct attribute_set *set)
{
    shape_put_list(&w->out, SHAPE_NAME("other attributes"), set, NULL, NULL, NULL, 0);
}

static void put_attributes(struct writing *w, bool nested)
{
    struct attribute_set *set = &w->set->reader->reader.record;
    struct json_put *json = &w->out.json;

    if (nested) {
        if (json_note(json, nested_keys_sort(&w->set->nested, set, w->err)))
            nested_keys_put(&w->set->nested, set, &w->out);
        return;
    }
    json_put(json, SLICE("{"));
    for (size_t i = 0; i < set->count && json_good(json); i++) {
        if (set->reads[i].is_listed)
            continue;
        shape_put_key(json, set->views[i].key);
        shape_put_value(&w->out, &set->views[i].value);
    }
    put_listed(w, set);
    json_put(json, SLICE("}"));
}

static void put_document(struct writing *w, unsigned shape)
{
    struct shaper *shaper = w->set->shapers[shape];
    enum status st = json_finish(&w->out.json);
    struct buf *into = w->out.json.out;

    if (st == ST_OK)
        st = shaper_append(shaper, into, w->err);
    size_t start = w->out.json.start;
    json_start(&w->out.json, into, w->err);
    w->out.json.start = start;
    (void)json_note(&w->out.json, st);
}

static void put_shape(struct writing *w, const struct slot *slot, enum slot_form form)
{
    if (form == FORM_VALUE) {
        put_document(w, slot->shape);
        return;
    }
    struct json_put outer = begin_form(w);
    put_document(w, slot->shape);
    end_form(w, outer, form);
}

static bool is_missing(const struct writing *w, const struct slot *slot)
{
    const struct record_facts *facts = &w->set->facts;

    switch (slot->type) {
    case SLOT_TEXT:
    case SLOT_HEX:
        return text_fact(w, slot).size == 0;
    case SLOT_NUMBER:
        return number_fact(w, slot) == 0;
    case SLOT_TIME:
        return time_fact(w, slot) == 0;
    case SLOT_SEVERITY:
        return severity(facts) == 0;
    case SLOT_BODY:
        return w->set->reader->reader.view.body.type == ANY_TYPE_NONE;
    case SLOT_ATTR:
        return find_attribute(w, slot->key) == NULL;
    default:
        return false;
    }
}

/* The value of a slot as JSON. */
static void put_value(struct writing *w, const struct slot *slot)
{
    struct json_put *json = &w->out.json;
    bool is_text_only = slot->in_string && slot->form == FORM_VALUE;

    switch (slot->type) {
    case SLOT_TEXT:
        json_put_text(json, text_fact(w, slot));
        break;
    case SLOT_HEX:
        json_put_hex(json, text_fact(w, slot));
        break;
    case SLOT_NUMBER:
        json_put_uint(json, number_fact(w, slot));
        break;
    case SLOT_SEQUENCE:
        json_put_uint(json, w->set->sequence);
        break;
    case SLOT_SEVERITY:
        put_severity(json, severity(&w->set->facts));
        break;
    case SLOT_TIME:
        put_time(json, slot->time_form, time_fact(w, slot));
        break;
    case SLOT_BODY:
        put_any(w, &w->set->reader->reader.view.body, is_text_only ? FORM_STR : slot->form);
        break;
    case SLOT_ATTR:
        put_any(w, find_attribute(w, slot->key), is_text_only ? FORM_STR : slot->form);
        break;
    case SLOT_SHAPE:
        put_shape(w, slot, is_text_only ? FORM_STR : slot->form);
        break;
    case SLOT_ATTRS: {
        struct json_put outer = *json;
        if (slot->in_string)
            outer = begin_form(w);
        put_attributes(w, slot->form == FORM_NESTED);
        if (slot->in_string)
            end_form(w, outer, FORM_STR);
        break;
    }
    case SLOT_NONE:
        break;
    }
}

/* Within a string: the value without quotes of its own. */
static void put_in_string(struct writing *w, const struct slot *slot)
{
    struct json_put *json = &w->out.json;
    size_t before = (size_t)(json->at - json->out->data);

    put_value(w, slot);
    if (!json_good(json))
        return;
    uint8_t *start = json->out->data + before;
    size_t size = (size_t)(json->at - start);
    if (size < 2 || start[0] != '"')
        return;
    memmove(start, start + 1, size - 2);
    json->at -= 2;
}

static void put_step(struct writing *w, const struct template_step *step)
{
    const struct slot *slot = &step->slot;
    struct json_put *json = &w->out.json;
    bool missing = slot->type != SLOT_NONE && is_missing(w, slot);

    if (missing && slot->missing == MISSING_OMIT)
        return;
    if (step->comma && !shape_is_first(json))
        json_put(json, SLICE(","));
    json_put(json, step->text);
    if (missing && !slot->in_string)
        json_put(json, slot->missing == MISSING_EMPTY ? SLICE("\"\"") : SLICE("null"));
    else if (!missing && slot->in_string)
        put_in_string(w, slot);
    else if (!missing)
        put_value(w, slot);
}

enum status record_templates_append(struct record_templates *set, size_t number, struct buf *out,
                                    struct error *err)
{
    ASSERT(number < set->count && set->reader != NULL);
    const struct template_program *program = &set->programs[number];
    struct writing w = {.set = set, .into = out, .err = err};
    size_t start = out->size;

    w.out.scratch = &set->reader->scratch;
    enum status st = buf_reserve(out, program->text_size + 1, err);
    if (st != ST_OK)
        return st;
    json_start(&w.out.json, out, err);
    for (size_t i = 0; i < program->count && json_good(&w.out.json); i++)
        put_step(&w, &program->steps[i]);
    st = json_finish(&w.out.json);
    if (st != ST_OK)
        out->size = start;
    return st;
}
