/* SPDX-License-Identifier: Apache-2.0 */
/* template_program.c -- reads a template: the grammar of JSON, with slots as values and within
 * strings.
 *
 * Literals are copied to one text, white space left away; a step takes what has been copied since
 * the last one.  Where a member may be left out its comma is not copied: from there on to the end
 * of the object or array each member begins a step that sets the comma when it is written. */
#include "shape/template_program.h"

#include <stdlib.h>

#include "telltale/shape.h"
#include "util/utf8.h"

enum { STEPS_MAX = 2 * TEMPLATE_SLOTS_MAX };

struct slot_name {
    const char *name;
    enum slot_type type;
    size_t offset;
};

#define TEXT_FACT(name, member)                                                                    \
    {                                                                                              \
        name, SLOT_TEXT, offsetof(struct record_facts, member)                                     \
    }
#define TIME_FACT(name, member)                                                                    \
    {                                                                                              \
        name, SLOT_TIME, offsetof(struct record_facts, member)                                     \
    }

static const struct slot_name slot_names[] = {
    TEXT_FACT("kind", kind),
    TEXT_FACT("phase", phase),
    TEXT_FACT("outcome", outcome),
    TEXT_FACT("decision", decision),
    TEXT_FACT("product", product),
    TEXT_FACT("dialect", dialect),
    TEXT_FACT("dialect_event", dialect_event),
    TEXT_FACT("session", session_id),
    TEXT_FACT("conversation", conversation_id),
    TEXT_FACT("turn", turn_id),
    TEXT_FACT("tool", tool_name),
    TEXT_FACT("user", user_id),
    TEXT_FACT("user_name", user_name),
    TEXT_FACT("user_email", user_email),
    TEXT_FACT("host", host_name),
    TEXT_FACT("service", service_name),
    TEXT_FACT("uid", uid),
    TEXT_FACT("event_name", event_name),
    TEXT_FACT("severity_text", severity_text),
    {"trace_id", SLOT_HEX, offsetof(struct record_facts, trace_id)},
    {"span_id", SLOT_HEX, offsetof(struct record_facts, span_id)},
    {"severity_number", SLOT_NUMBER, offsetof(struct record_facts, severity_number)},
    {"severity", SLOT_SEVERITY, 0},
    {"sequence", SLOT_SEQUENCE, 0},
    TIME_FACT("time", time_unix_ns),
    TIME_FACT("observed", observed_unix_ns),
    TIME_FACT("received", received_unix_ns),
    {"body", SLOT_BODY, 0},
    {"attrs", SLOT_ATTRS, 0},
    {"attr", SLOT_ATTR, 0},
    {"attr_str", SLOT_ATTR, 0},
    {"shape", SLOT_SHAPE, 0},
};

static const char *const time_forms[TIME_FORM_COUNT] = {
    [TIME_RFC3339_NANO] = "rfc3339_nano", [TIME_UNIX_S] = "unix_s",
    [TIME_UNIX_MS] = "unix_ms",           [TIME_UNIX_US] = "unix_us",
    [TIME_UNIX_NS] = "unix_ns",           [TIME_UNIX_DEC9] = "unix_dec9",
    [TIME_UNIX_MS_STR] = "unix_ms_str",   [TIME_UNIX_NS_STR] = "unix_ns_str",
};

struct compiling {
    struct slice text; /* the template */
    size_t at;
    struct template_program *program;
    size_t literal; /* where the literal of the next step begins in the program's text */
    size_t member;  /* where the present member's literal begins, its comma included */
    bool may_omit;  /* the value that comes next is of a member or an element */
    bool member_was_omitted;
    bool comma; /* of the next step */
    unsigned slots, depth;
    struct error *err;
};

static enum status fail_at(struct compiling *c, size_t at, const char *what)
{
    return error_set(c->err, ST_INVALID, "column %zu: %s", at + 1, what);
}

static enum status fail(struct compiling *c, const char *what)
{
    return fail_at(c, c->at, what);
}

/* 0 at the end. */
static uint8_t peek(const struct compiling *c)
{
    return c->at < c->text.size ? c->text.data[c->at] : 0;
}

static uint8_t peek_behind_space(struct compiling *c)
{
    while (peek(c) == ' ' || peek(c) == '\t' || peek(c) == '\n' || peek(c) == '\r')
        c->at++;
    return peek(c);
}

static void copy_byte(struct compiling *c, uint8_t byte)
{
    ASSERT(c->program->text_size < c->text.size); /* no byte is copied but once */
    c->program->text[c->program->text_size++] = byte;
}

static bool is_slot(const struct compiling *c)
{
    return slice_starts_with(slice_from(c->text, c->at), SLICE("{{"));
}

/* --- Slots ----------------------------------------------------------------------------------- */

/* The part up to a colon, which is stepped over. */
static struct slice next_part(struct slice *rest)
{
    const uint8_t *colon = rest->size > 0 ? memchr(rest->data, ':', rest->size) : NULL;
    struct slice part = *rest;

    if (colon != NULL)
        part.size = (size_t)(colon - rest->data);
    *rest = slice_from(*rest, part.size + 1);
    return part;
}

static const struct slot_name *find_name(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(slot_names); i++) {
        if (slice_equal(slice_of_text(slot_names[i].name), name))
            return &slot_names[i];
    }
    return NULL;
}

static bool read_form(struct slice form, struct slot *slot)
{
    if (slice_equal(form, SLICE("str")))
        slot->form = FORM_STR;
    else if (slice_equal(form, SLICE("b64")))
        slot->form = FORM_B64;
    else
        return form.size == 0;
    return true;
}

static bool read_shape(struct compiling *c, struct slice *rest, struct slot *slot)
{
    struct slice name = next_part(rest);
    enum shape shape;
    char text[16];

    if (name.size == 0 || name.size >= sizeof(text))
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    if (!shape_named(text, &shape))
        return false;
    slot->shape = shape;
    c->program->shapes |= 1U << shape;
    return read_form(next_part(rest), slot);
}

static bool read_time_form(struct slice form, struct slot *slot)
{
    if (form.size == 0)
        return true;
    for (unsigned i = 0; i < TIME_FORM_COUNT; i++) {
        if (slice_equal(form, slice_of_text(time_forms[i]))) {
            slot->time_form = (enum time_form)i;
            return true;
        }
    }
    return false;
}

static bool read_attribute_key(struct slice name, struct slice *rest, struct slot *slot)
{
    slot->form = name.size > strlen("attr") ? FORM_STR : FORM_VALUE;
    slot->key = *rest;
    *rest = SLICE_EMPTY;
    return slot->key.size > 0;
}

static bool read_details(struct compiling *c, struct slice name, struct slice *rest,
                         struct slot *slot)
{
    switch (slot->type) {
    case SLOT_TIME:
        return read_time_form(next_part(rest), slot);
    case SLOT_BODY:
        return read_form(next_part(rest), slot);
    case SLOT_SHAPE:
        return read_shape(c, rest, slot);
    case SLOT_ATTR:
        return read_attribute_key(name, rest, slot);
    case SLOT_ATTRS: {
        struct slice form = next_part(rest);
        slot->form = slice_equal(form, SLICE("nested")) ? FORM_NESTED : FORM_VALUE;
        return slot->form == FORM_NESTED || slice_equal(form, SLICE("flat"));
    }
    default:
        return true;
    }
}

/* Reads "{{NAME:FORM?}}". */
static enum status read_slot(struct compiling *c, bool in_string, struct slot *ret)
{
    size_t start = c->at;
    struct slice rest = slice_from(c->text, start + 2);
    const uint8_t *end = rest.size > 0 ? memmem(rest.data, rest.size, "}}", 2) : NULL;

    if (end == NULL)
        return fail(c, "'{{' without '}}'");
    rest.size = (size_t)(end - rest.data);
    c->at += rest.size + 4;
    if (++c->slots > TEMPLATE_SLOTS_MAX)
        return error_set(c->err, ST_LIMIT, "more than %d slots", TEMPLATE_SLOTS_MAX);
    *ret = (struct slot){.in_string = in_string};
    uint8_t last = rest.size > 0 ? rest.data[rest.size - 1] : 0;
    if (last == '?' || last == '!') {
        ret->missing = last == '?' ? MISSING_OMIT : MISSING_EMPTY;
        rest.size--;
    }
    if (in_string && ret->missing == MISSING_OMIT)
        return fail_at(c, start, "'?' has no use within a string: nothing is written there");
    struct slice name = next_part(&rest);
    const struct slot_name *found = find_name(name);
    if (found == NULL)
        return fail_at(c, start, "no slot has this name");
    ret->type = found->type;
    ret->offset = found->offset;
    if (!read_details(c, name, &rest, ret) || rest.size > 0)
        return fail_at(c, start, "this slot has no such form");
    return ST_OK;
}

/* --- Steps ----------------------------------------------------------------------------------- */

/* Ends a step: the literal from the last one's end up to `end`, then `slot`. */
static enum status end_step(struct compiling *c, size_t end, const struct slot *slot)
{
    struct template_program *program = c->program;

    if (program->count == STEPS_MAX)
        return error_set(c->err, ST_LIMIT, "more than %d parts", STEPS_MAX);
    program->steps[program->count++] =
        (struct template_step){.text = slice_of(program->text + c->literal, end - c->literal),
                               .comma = c->comma,
                               .slot = *slot};
    c->comma = false;
    c->literal = end;
    return ST_OK;
}

/* What was copied of the present member becomes a step of its own, without its comma. */
static enum status begin_omissible(struct compiling *c)
{
    static const struct slot none = {.type = SLOT_NONE};
    enum status st = ST_OK;

    if (c->member > c->literal)
        st = end_step(c, c->member, &none);
    if (st != ST_OK)
        return st;
    if (c->program->text_size > c->literal && c->program->text[c->literal] == ',')
        c->literal++;
    c->comma = true;
    c->member_was_omitted = true;
    return ST_OK;
}

static enum status put_slot(struct compiling *c, bool in_string)
{
    struct slot slot;
    size_t start = c->at;

    enum status st = read_slot(c, in_string, &slot);
    if (st != ST_OK)
        return st;
    if (slot.missing == MISSING_OMIT) {
        if (!c->may_omit)
            return fail_at(c, start, "'?' needs a member or an element that can be left out");
        st = begin_omissible(c);
    }
    return st != ST_OK ? st : end_step(c, c->program->text_size, &slot);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static enum status read_escape(struct compiling *c)
{
    copy_byte(c, '\\');
    c->at++;
    uint8_t byte = peek(c);
    if (byte == 0 || strchr("\"\\/bfnrtu", byte) == NULL)
        return fail(c, "no escape of JSON");
    copy_byte(c, byte);
    c->at++;
    for (int i = 0; byte == 'u' && i < 4; i++) {
        uint8_t digit = peek(c);
        if (digit == 0 || strchr("0123456789abcdefABCDEF", digit) == NULL)
            return fail(c, "four hexadecimal digits must follow");
        copy_byte(c, digit);
        c->at++;
    }
    return ST_OK;
}

static enum status read_string(struct compiling *c, bool is_key)
{
    enum status st = ST_OK;

    if (peek(c) != '"')
        return fail(c, is_key ? "a key in quotes must stand here" : "a value must stand here");
    copy_byte(c, '"');
    c->at++;
    while (st == ST_OK && peek(c) != '"') {
        uint8_t byte = peek(c);
        if (c->at >= c->text.size)
            return fail(c, "a string has no end");
        if (byte < ' ')
            return fail(c, "a control character in a string");
        if (!is_key && is_slot(c)) {
            st = put_slot(c, true);
        } else if (byte == '\\') {
            st = read_escape(c);
        } else {
            copy_byte(c, byte);
            c->at++;
        }
    }
    if (st != ST_OK)
        return st;
    copy_byte(c, '"');
    c->at++;
    return ST_OK;
}

static size_t copy_digits(struct compiling *c)
{
    size_t count = 0;

    for (; peek(c) >= '0' && peek(c) <= '9'; c->at++, count++)
        copy_byte(c, peek(c));
    return count;
}

static enum status read_number(struct compiling *c)
{
    if (peek(c) == '-') {
        copy_byte(c, '-');
        c->at++;
    }
    bool zero = peek(c) == '0';
    size_t count = copy_digits(c);
    if (count == 0 || (zero && count > 1))
        return fail(c, "a value must stand here");
    if (peek(c) == '.') {
        copy_byte(c, '.');
        c->at++;
        if (copy_digits(c) == 0)
            return fail(c, "digits must follow");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        copy_byte(c, 'e');
        c->at++;
        if (peek(c) == '-' || peek(c) == '+') {
            copy_byte(c, peek(c));
            c->at++;
        }
        if (copy_digits(c) == 0)
            return fail(c, "digits must follow");
    }
    return ST_OK;
}

static enum status read_word_or_number(struct compiling *c)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct slice word = slice_of_text(words[i]);
        if (slice_starts_with(slice_from(c->text, c->at), word)) {
            for (size_t k = 0; k < word.size; k++)
                copy_byte(c, word.data[k]);
            c->at += word.size;
            return ST_OK;
        }
    }
    return read_number(c);
}

static enum status read_value(struct compiling *c);

/* The part of a member before its value. */
static enum status read_member_key(struct compiling *c)
{
    (void)peek_behind_space(c);
    enum status st = read_string(c, true);
    if (st != ST_OK)
        return st;
    if (peek_behind_space(c) != ':')
        return fail(c, "':' must follow a key");
    copy_byte(c, ':');
    c->at++;
    return ST_OK;
}

/* Behind one that may be left out a member sets its comma when it is written. */
static enum status begin_member(struct compiling *c, bool is_first, bool any_omitted)
{
    static const struct slot none = {.type = SLOT_NONE};
    enum status st = ST_OK;

    if (any_omitted && !is_first) {
        if (c->program->text_size > c->literal)
            st = end_step(c, c->program->text_size, &none);
        c->comma = true;
        c->member = c->program->text_size;
        return st;
    }
    c->member = c->program->text_size;
    if (!is_first)
        copy_byte(c, ',');
    return ST_OK;
}

static enum status read_members(struct compiling *c, uint8_t close)
{
    bool any_omitted = false;

    for (bool is_first = true;; is_first = false) {
        enum status st = begin_member(c, is_first, any_omitted);
        if (st == ST_OK && close == '}')
            st = read_member_key(c);
        c->may_omit = true;
        c->member_was_omitted = false;
        if (st == ST_OK)
            st = read_value(c);
        any_omitted = any_omitted || c->member_was_omitted;
        if (st != ST_OK)
            return st;
        uint8_t byte = peek_behind_space(c);
        if (byte != ',' && byte != close)
            return fail(c, close == '}' ? "',' or '}' must follow" : "',' or ']' must follow");
        c->at++;
        if (byte == close)
            return ST_OK;
    }
}

static enum status read_container(struct compiling *c, uint8_t open, uint8_t close)
{
    enum status st = ST_OK;

    if (++c->depth > TEMPLATE_DEPTH_MAX)
        return error_set(c->err, ST_LIMIT, "column %zu: more than %d levels", c->at + 1,
                         TEMPLATE_DEPTH_MAX);
    copy_byte(c, open);
    c->at++;
    if (peek_behind_space(c) == close)
        c->at++;
    else
        st = read_members(c, close);
    if (st != ST_OK)
        return st;
    copy_byte(c, close);
    c->depth--;
    c->member_was_omitted = false; /* that was a member of this one, not this one */
    return ST_OK;
}

static enum status read_value(struct compiling *c)
{
    uint8_t byte = peek_behind_space(c);

    if (is_slot(c))
        return put_slot(c, false);
    c->may_omit = false;
    switch (byte) {
    case '{':
        return read_container(c, '{', '}');
    case '[':
        return read_container(c, '[', ']');
    case '"':
        return read_string(c, false);
    default:
        return read_word_or_number(c);
    }
}

static enum status compile(struct compiling *c)
{
    static const struct slot none = {.type = SLOT_NONE};

    enum status st = read_value(c);
    if (st != ST_OK)
        return st;
    (void)peek_behind_space(c);
    if (c->at < c->text.size)
        return fail(c, "nothing may follow");
    return c->program->text_size > c->literal ? end_step(c, c->program->text_size, &none) : ST_OK;
}

enum status template_program_compile(struct slice text, struct template_program *ret,
                                     struct error *err)
{
    *ret = (struct template_program){.source = NULL};
    if (text.size > TEMPLATE_SIZE_MAX)
        return error_set(err, ST_LIMIT, "a template of %zu bytes, limit %d", text.size,
                         TEMPLATE_SIZE_MAX);
    ret->source = malloc(text.size + 1);
    ret->text = malloc(text.size + 1);
    ret->steps = calloc(STEPS_MAX, sizeof(*ret->steps));
    if (ret->source == NULL || ret->text == NULL || ret->steps == NULL)
        return error_set(err, ST_NO_MEMORY, "a template");
    if (text.size > 0)
        memcpy(ret->source, text.data, text.size);
    if (!utf8_is_text(text))
        return error_set(err, ST_INVALID, "a template must be UTF-8");
    struct compiling c = {.text = slice_of(ret->source, text.size), .program = ret, .err = err};
    return compile(&c);
}

void template_program_fini(struct template_program *program)
{
    free(program->source);
    free(program->text);
    free(program->steps);
    *program = (struct template_program){.source = NULL};
}
