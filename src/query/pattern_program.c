/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_program.c -- see pattern_program.h; pattern.c says how programs look.
 *
 *     either = all ('|' all)*
 *     all    = (atom repeat*)*
 *     atom   = '(' either ')' | '[' set ']' | '.' | '^' | '$' | '\' letter | character
 *     repeat = '*' | '+' | '?' | '{' count [',' [count]] '}'
 *
 * A failure is kept, and what follows does nothing of use. */
#include "query/pattern_program.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

enum { TAIL_FIRST = 0x80, TAIL_LAST = 0xbf };

struct parser {
    struct slice text;
    size_t at;
    bool any_case;
    unsigned depth;
    struct pattern_program *program;
    enum status status;
    struct error *err;
};

static void fail(struct parser *parser, enum status status, const char *reason)
{
    if (parser->status == ST_OK)
        parser->status = error_set(parser->err, status, "byte %zu: %s", parser->at + 1, reason);
}

static int peek(const struct parser *parser)
{
    return parser->status == ST_OK && parser->at < parser->text.size ? parser->text.data[parser->at]
                                                                     : -1;
}

static bool take(struct parser *parser, int byte)
{
    if (peek(parser) != byte)
        return false;
    parser->at++;
    return true;
}

/* --- Steps ----------------------------------------------------------------------------------- */

static bool has_room(struct parser *parser, size_t more)
{
    if (parser->program->count + more > PATTERN_STEPS_MAX)
        fail(parser, ST_LIMIT, "the pattern is too large from here on");
    return parser->status == ST_OK;
}

static void emit(struct parser *parser, struct pattern_step step)
{
    if (has_room(parser, 1))
        parser->program->steps[parser->program->count++] = step;
}

static void insert(struct parser *parser, size_t start, struct pattern_step step)
{
    struct pattern_program *program = parser->program;

    if (!has_room(parser, 1))
        return;
    memmove(program->steps + start + 1, program->steps + start,
            (program->count - start) * sizeof(step));
    program->steps[start] = step;
    program->count++;
}

static void emit_set(struct parser *parser, const uint8_t set[PATTERN_SET_SIZE])
{
    struct pattern_program *program = parser->program;
    size_t index = 0;

    while (index < program->set_count && memcmp(program->sets[index], set, PATTERN_SET_SIZE) != 0)
        index++;
    if (index == PATTERN_SETS_MAX) {
        fail(parser, ST_LIMIT, "too many different sets of characters");
        return;
    }
    if (index == program->set_count)
        memcpy(program->sets[program->set_count++], set, PATTERN_SET_SIZE);
    emit(parser, (struct pattern_step){.op = PATTERN_SET, .set = (uint16_t)index});
}

static void set_add_range(uint8_t *set, int from, int to)
{
    for (int byte = from; byte <= to; byte++)
        pattern_set_add(set, (uint8_t)byte);
}

static void emit_byte(struct parser *parser, uint8_t byte)
{
    if (!parser->any_case || byte >= 0x80 || !isalpha(byte)) {
        emit(parser, (struct pattern_step){.op = PATTERN_BYTE, .byte = byte});
        return;
    }
    uint8_t set[PATTERN_SET_SIZE] = {0};
    pattern_set_add(set, (uint8_t)tolower(byte));
    pattern_set_add(set, (uint8_t)toupper(byte));
    emit_set(parser, set);
}

/* A whole character that is not in `set`, which is of ASCII, and is no line feed. */
static void emit_all_but(struct parser *parser, const uint8_t set[PATTERN_SET_SIZE])
{
    uint8_t first[PATTERN_SET_SIZE] = {0};
    uint8_t tail[PATTERN_SET_SIZE] = {0};

    for (int byte = 0; byte <= UINT8_MAX; byte++) {
        bool is_tail = byte >= TAIL_FIRST && byte <= TAIL_LAST;
        if (!is_tail && byte != '\n' && !pattern_set_has(set, (uint8_t)byte))
            pattern_set_add(first, (uint8_t)byte);
    }
    set_add_range(tail, TAIL_FIRST, TAIL_LAST);
    emit_set(parser, first);
    emit(parser, (struct pattern_step){.op = PATTERN_SPLIT, .to = 1, .other = 3});
    emit_set(parser, tail);
    emit(parser, (struct pattern_step){.op = PATTERN_JUMP, .to = -2});
}

/* --- Sets ------------------------------------------------------------------------------------ */

/* The set of \d, \w or \s, and of [:names:]; false: there is none of that name. */
static bool add_class(uint8_t *set, const char *name)
{
    static const struct {
        const char *name;
        int (*has)(int byte);
    } classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},
                   {"upper", isupper}, {"lower", islower}, {"space", isspace},
                   {"blank", isblank}, {"punct", ispunct}, {"print", isprint},
                   {"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit}};

    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (strcmp(classes[i].name, name) != 0)
            continue;
        for (int byte = 0; byte < 0x80; byte++) {
            if (classes[i].has(byte))
                pattern_set_add(set, (uint8_t)byte);
        }
        return true;
    }
    return false;
}

static bool add_escaped_class(uint8_t *set, int letter)
{
    switch (tolower(letter)) {
    case 'd':
        return add_class(set, "digit");
    case 's':
        return add_class(set, "space");
    case 'w':
        pattern_set_add(set, '_');
        return add_class(set, "alnum");
    default:
        return false;
    }
}

/* "[:alpha:]" behind its first bracket. */
static void parse_named_class(struct parser *parser, uint8_t *set)
{
    char name[16] = "";
    size_t size = 0;

    parser->at++; /* ':' */
    while (size + 1 < sizeof(name) && isalpha(peek(parser)))
        name[size++] = (char)parser->text.data[parser->at++];
    if (!take(parser, ':') || !take(parser, ']') || !add_class(set, name))
        fail(parser, ST_INVALID, "there is no such class of characters");
}

/* The next byte of a set that stands for itself, or -1. */
static int parse_member(struct parser *parser)
{
    int byte = peek(parser);

    if (byte == -1) {
        fail(parser, ST_INVALID, "a bracket is not closed");
        return -1;
    }
    parser->at++;
    if (byte == '\\') {
        byte = peek(parser);
        parser->at += byte != -1;
        if (isalnum(byte) && byte != 'n' && byte != 't')
            fail(parser, ST_INVALID, "\\ before this character means nothing in brackets");
        byte = byte == 'n' ? '\n' : byte == 't' ? '\t' : byte;
    }
    if (byte == -1 || byte >= 0x80) {
        fail(parser, ST_INVALID, "only ASCII may stand in brackets; write (x|y)");
        return -1;
    }
    return byte;
}

static bool parse_class_member(struct parser *parser, uint8_t *set)
{
    int byte = peek(parser);
    int second = parser->at + 1 < parser->text.size ? parser->text.data[parser->at + 1] : -1;

    if (byte == '[' && second == ':') {
        parser->at++;
        parse_named_class(parser, set);
        return true;
    }
    if (byte == '\\' && islower(second) && add_escaped_class(set, second)) {
        parser->at += 2;
        return true;
    }
    return false;
}

static void parse_set(struct parser *parser)
{
    uint8_t set[PATTERN_SET_SIZE] = {0};
    bool is_negative = take(parser, '^');
    bool is_first = true;

    while (parser->status == ST_OK && (is_first || peek(parser) != ']')) {
        is_first = false;
        if (parse_class_member(parser, set))
            continue;
        int from = parse_member(parser);
        int to = from;
        bool is_range = peek(parser) == '-' && parser->at + 1 < parser->text.size &&
                        parser->text.data[parser->at + 1] != ']';
        if (is_range) {
            parser->at++;
            to = parse_member(parser);
        }
        if (parser->status == ST_OK && to < from)
            fail(parser, ST_INVALID, "a range goes backwards");
        if (parser->status == ST_OK)
            set_add_range(set, from, to);
    }
    if (!take(parser, ']'))
        fail(parser, ST_INVALID, "a bracket is not closed");
    for (int byte = 'a'; parser->any_case && byte <= 'z'; byte++) {
        int upper = toupper(byte);
        if (pattern_set_has(set, (uint8_t)byte) || pattern_set_has(set, (uint8_t)upper)) {
            pattern_set_add(set, (uint8_t)byte);
            pattern_set_add(set, (uint8_t)upper);
        }
    }
    if (is_negative)
        emit_all_but(parser, set);
    else
        emit_set(parser, set);
}

/* --- Atoms ----------------------------------------------------------------------------------- */

static void parse_either(struct parser *parser);

static void parse_group(struct parser *parser)
{
    if (peek(parser) == '?') {
        parser->at++;
        if (!take(parser, ':'))
            fail(parser, ST_INVALID, "of (?...) there is only (?:...), and (?i) at the beginning");
    }
    if (++parser->depth > PATTERN_DEPTH_MAX)
        fail(parser, ST_LIMIT, "too many groups within groups");
    parse_either(parser);
    parser->depth--;
    if (!take(parser, ')'))
        fail(parser, ST_INVALID, "a group is not closed");
}

static void parse_escape(struct parser *parser)
{
    uint8_t set[PATTERN_SET_SIZE] = {0};
    int letter = peek(parser);

    parser->at++;
    if (letter == -1) {
        parser->at--;
        fail(parser, ST_INVALID, "nothing stands behind the last \\");
    } else if (letter == 'b') {
        emit(parser, (struct pattern_step){.op = PATTERN_WORD_EDGE});
    } else if (letter == 'B') {
        emit(parser, (struct pattern_step){.op = PATTERN_NO_WORD_EDGE});
    } else if (letter == 'n' || letter == 't') {
        emit_byte(parser, letter == 'n' ? '\n' : '\t');
    } else if (letter < 0x80 && isalpha(letter) && add_escaped_class(set, letter)) {
        if (isupper(letter))
            emit_all_but(parser, set);
        else
            emit_set(parser, set);
    } else if (letter < 0x80 && isalnum(letter)) {
        parser->at--;
        fail(parser, ST_INVALID, "\\ before this character means nothing here");
    } else {
        emit_byte(parser, (uint8_t)letter);
    }
}

static void parse_character(struct parser *parser)
{
    const uint8_t *at = parser->text.data + parser->at;
    size_t size = utf8_size(at, parser->text.data + parser->text.size);

    if (size == 0) {
        fail(parser, ST_INVALID, "this is not UTF-8");
        return;
    }
    parser->at += size;
    for (size_t i = 0; i < size; i++)
        emit_byte(parser, at[i]);
}

static void parse_atom(struct parser *parser)
{
    static const uint8_t nothing[PATTERN_SET_SIZE];

    if (take(parser, '('))
        parse_group(parser);
    else if (take(parser, '['))
        parse_set(parser);
    else if (take(parser, '.'))
        emit_all_but(parser, nothing);
    else if (take(parser, '^'))
        emit(parser, (struct pattern_step){.op = PATTERN_LINE_BEGIN});
    else if (take(parser, '$'))
        emit(parser, (struct pattern_step){.op = PATTERN_LINE_END});
    else if (take(parser, '\\'))
        parse_escape(parser);
    else if (peek(parser) == '*' || peek(parser) == '+' || peek(parser) == '?')
        fail(parser, ST_INVALID, "there is nothing to repeat");
    else
        parse_character(parser);
}

/* --- Repeats --------------------------------------------------------------------------------- */

enum { WITHOUT_END = -1 };

static int parse_count(struct parser *parser)
{
    int count = 0;

    if (!isdigit(peek(parser)))
        fail(parser, ST_INVALID, "a number of repeats is missing; a brace itself is \\{");
    while (isdigit(peek(parser)) && count <= PATTERN_REPEAT_MAX)
        count = count * 10 + (parser->text.data[parser->at++] - '0');
    if (count > PATTERN_REPEAT_MAX)
        fail(parser, ST_LIMIT, "more than 255 repeats");
    return count;
}

static void repeat(struct parser *parser, size_t start, int least, int most)
{
    struct pattern_program *program = parser->program;
    size_t size = program->count - start;
    struct pattern_step *part = malloc((size + 1) * sizeof(*part));

    if (part == NULL) {
        fail(parser, ST_NO_MEMORY, "no memory to repeat this");
        return;
    }
    memcpy(part, program->steps + start, size * sizeof(*part));
    program->count = start;
    int16_t behind = 0;
    if (most == WITHOUT_END)
        behind = (int16_t)(size + 2);
    int count = most == WITHOUT_END ? least + (least == 0) : most;
    for (int i = 0; i < count && has_room(parser, size + 2); i++) {
        int left = most == WITHOUT_END ? 0 : most - i;
        if (i >= least)
            emit(parser, (struct pattern_step){.op = PATTERN_SPLIT, .to = 1, .other = behind});
        /* Where the end is, only whoever has room for all of it knows. */
        if (i >= least && most != WITHOUT_END && has_room(parser, (size_t)left * (size + 1)))
            program->steps[program->count - 1].other = (int16_t)((size_t)left * (size + 1));
        if (parser->status != ST_OK)
            break;
        memcpy(program->steps + program->count, part, size * sizeof(*part));
        program->count += size;
    }
    if (most == WITHOUT_END && least == 0)
        emit(parser, (struct pattern_step){.op = PATTERN_JUMP, .to = (int16_t)(-(int)size - 1)});
    else if (most == WITHOUT_END)
        emit(parser,
             (struct pattern_step){.op = PATTERN_SPLIT, .to = (int16_t)(-(int)size), .other = 1});
    free(part);
}

static bool parse_repeat(struct parser *parser, size_t start)
{
    if (take(parser, '*')) {
        repeat(parser, start, 0, WITHOUT_END);
    } else if (take(parser, '+')) {
        repeat(parser, start, 1, WITHOUT_END);
    } else if (take(parser, '?')) {
        repeat(parser, start, 0, 1);
    } else if (take(parser, '{')) {
        int least = parse_count(parser);
        int most = least;
        if (take(parser, ','))
            most = peek(parser) == '}' ? WITHOUT_END : parse_count(parser);
        if (!take(parser, '}') || (most != WITHOUT_END && most < least))
            fail(parser, ST_INVALID, "this is no number of repeats; a brace itself is \\{");
        if (parser->status == ST_OK)
            repeat(parser, start, least, most);
    } else {
        return false;
    }
    return true;
}

static void parse_all(struct parser *parser)
{
    while (peek(parser) != -1 && peek(parser) != '|' && peek(parser) != ')') {
        size_t start = parser->program->count;
        parse_atom(parser);
        while (parser->status == ST_OK && parse_repeat(parser, start))
            ;
    }
}

static void parse_either(struct parser *parser)
{
    struct pattern_program *program = parser->program;
    int jumps =
        -1; /* the last of those that must reach the end, each of which names the one before */

    for (;;) {
        size_t start = program->count;
        parse_all(parser);
        if (!take(parser, '|'))
            break;
        int16_t behind = (int16_t)(program->count - start + 2);
        insert(parser, start, (struct pattern_step){.op = PATTERN_SPLIT, .to = 1, .other = behind});
        emit(parser, (struct pattern_step){.op = PATTERN_JUMP, .to = (int16_t)jumps});
        if (parser->status != ST_OK)
            return;
        jumps = (int)program->count - 1;
    }
    while (jumps >= 0) {
        int before = program->steps[jumps].to;
        program->steps[jumps].to = (int16_t)((int)program->count - jumps);
        jumps = before;
    }
}

enum status pattern_compile(struct slice text, struct pattern_program *ret, struct error *err)
{
    struct parser parser = {.text = text, .program = ret, .status = ST_OK, .err = err};

    if (text.size > PATTERN_SIZE_MAX)
        return error_set(err, ST_LIMIT, "%zu bytes, limit %d", text.size, PATTERN_SIZE_MAX);
    parser.any_case = slice_starts_with(text, SLICE("(?i)"));
    parser.at = parser.any_case ? 4 : 0;
    parse_either(&parser);
    if (parser.status == ST_OK && parser.at < text.size)
        fail(&parser, ST_INVALID, "no group is open that this could close");
    if (parser.status == ST_OK)
        ret->steps[ret->count++] = (struct pattern_step){.op = PATTERN_END};
    return parser.status;
}
