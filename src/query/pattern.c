/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c -- see pattern.h.
 *
 * The expression becomes a program of steps, and all its ways are followed at once, byte by byte:
 * a step is in the list of a byte once or not at all, so that nothing is ever tried again.
 *
 * Rejected: regexec(), for glibc's takes memory and time without bound for some expressions, and
 * PCRE2, whose limits count backtracking but not the bytes that a repeat runs over: with a[^b]*b a
 * text of many a's costs its length squared below every limit.  Texts here are hostile and
 * megabytes long.  RE2 has the guarantee, but only for C++.
 *
 * Offsets of steps are relative to the step, so that a part of a program can be moved and copied:
 *
 *     x|y    SPLIT x JUMP y            x*     SPLIT x JUMP
 *     x+     x SPLIT                   x?     SPLIT x
 *     x{2,4} x x SPLIT x SPLIT x       .      SET of first bytes, then (SET of further bytes)*
 */
#include "query/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "query/pattern_program.h"

enum { SHOWN_MAX = 100 };

/* --- Matching -------------------------------------------------------------------------------- */

struct step_list {
    uint16_t steps[PATTERN_STEPS_MAX + 1];
    size_t count;
};

struct pattern {
    struct pattern_program program;
    uint8_t first[PATTERN_SET_SIZE]; /* bytes that a match can begin with */
    bool always_begins;              /* it can begin at any place: `first` says nothing */
    struct step_list now, next;
    /* Which turn a step was put into a list last, so that it is there once. */
    uint64_t seen[PATTERN_STEPS_MAX + 1];
    uint64_t turn;
    uint16_t stack[PATTERN_STEPS_MAX + 1];
};

/* What assertions look at: the bytes on both sides; -1 at an end of the text. */
struct edge {
    int before, after;
};

static bool is_word(int byte)
{
    return byte == '_' || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static bool holds(enum pattern_op op, struct edge edge)
{
    switch (op) {
    case PATTERN_LINE_BEGIN:
        return edge.before == -1 || edge.before == '\n';
    case PATTERN_LINE_END:
        return edge.after == -1 || edge.after == '\n';
    case PATTERN_WORD_EDGE:
        return is_word(edge.before) != is_word(edge.after);
    case PATTERN_NO_WORD_EDGE:
        return is_word(edge.before) == is_word(edge.after);
    default:
        return true;
    }
}

/* Where a step leads: offsets go both ways. */
static size_t step_target(size_t at, int16_t offset)
{
    return (size_t)((ptrdiff_t)at + offset);
}

static void push(struct pattern *pattern, size_t *depth, size_t step)
{
    if (pattern->seen[step] == pattern->turn)
        return;
    pattern->seen[step] = pattern->turn;
    pattern->stack[(*depth)++] = (uint16_t)step;
}

/* Adds the steps that wait for a byte and can be reached from `start` without one.  True: the end
 * of the program is among what can be reached. */
static bool follow(struct pattern *pattern, struct step_list *list, size_t start, struct edge edge)
{
    size_t depth = 0;

    push(pattern, &depth, start);
    while (depth > 0) {
        size_t at = pattern->stack[--depth];
        const struct pattern_step *step = &pattern->program.steps[at];
        switch (step->op) {
        case PATTERN_END:
            return true;
        case PATTERN_BYTE:
        case PATTERN_SET:
            list->steps[list->count++] = (uint16_t)at;
            break;
        case PATTERN_SPLIT:
            push(pattern, &depth, step_target(at, step->other));
            push(pattern, &depth, step_target(at, step->to));
            break;
        case PATTERN_JUMP:
            push(pattern, &depth, step_target(at, step->to));
            break;
        default:
            if (holds(step->op, edge))
                push(pattern, &depth, at + 1);
            break;
        }
    }
    return false;
}

static bool takes(const struct pattern *pattern, size_t at, uint8_t byte)
{
    const struct pattern_step *step = &pattern->program.steps[at];

    return step->op == PATTERN_BYTE ? step->byte == byte
                                    : pattern_set_has(pattern->program.sets[step->set], byte);
}

/* One byte for every step of `now`. */
static bool advance(struct pattern *pattern, uint8_t byte, struct edge behind)
{
    pattern->next.count = 0;
    pattern->turn++;
    for (size_t i = 0; i < pattern->now.count; i++) {
        size_t at = pattern->now.steps[i];
        if (takes(pattern, at, byte) && follow(pattern, &pattern->next, at + 1, behind))
            return true;
    }
    return false;
}

bool pattern_matches(struct pattern *pattern, struct slice text)
{
    int before = -1;

    pattern->turn++;
    pattern->now.count = 0;
    for (size_t at = 0;; at++) {
        int after = at < text.size ? text.data[at] : -1;
        bool may_begin = pattern->always_begins ||
                         (after >= 0 && pattern_set_has(pattern->first, (uint8_t)after));
        if (may_begin &&
            follow(pattern, &pattern->now, 0, (struct edge){.before = before, .after = after}))
            return true;
        if (after == -1)
            return false;
        int behind = at + 1 < text.size ? text.data[at + 1] : -1;
        if (pattern->now.count == 0) {
            before = after;
            pattern->turn++; /* what an assertion held back may be asked again */
            continue;
        }
        if (advance(pattern, (uint8_t)after, (struct edge){.before = after, .after = behind}))
            return true;
        struct step_list *now = &pattern->now;
        now->count = pattern->next.count;
        memcpy(now->steps, pattern->next.steps, now->count * sizeof(now->steps[0]));
        before = after;
    }
}

/* --- Making one ------------------------------------------------------------------------------ */

/* As if every assertion held, which is true of some text. */
static void find_first_bytes(struct pattern *pattern)
{
    const struct pattern_program *program = &pattern->program;
    size_t depth = 0;

    pattern->turn++;
    push(pattern, &depth, 0);
    while (depth > 0) {
        size_t at = pattern->stack[--depth];
        const struct pattern_step *step = &program->steps[at];
        if (step->op == PATTERN_END) {
            pattern->always_begins = true;
        } else if (step->op == PATTERN_BYTE) {
            pattern_set_add(pattern->first, step->byte);
        } else if (step->op == PATTERN_SET) {
            for (size_t i = 0; i < PATTERN_SET_SIZE; i++)
                pattern->first[i] |= program->sets[step->set][i];
        } else if (step->op == PATTERN_SPLIT) {
            push(pattern, &depth, step_target(at, step->other));
            push(pattern, &depth, step_target(at, step->to));
        } else {
            push(pattern, &depth, step->op == PATTERN_JUMP ? step_target(at, step->to) : at + 1);
        }
    }
}

enum status pattern_create(struct slice text, struct pattern **ret, struct error *err)
{
    struct pattern *pattern = calloc(1, sizeof(*pattern));

    if (pattern == NULL)
        return error_set(err, ST_NO_MEMORY, "a pattern");
    enum status st = pattern_compile(text, &pattern->program, err);
    if (st != ST_OK) {
        error_context(err, "pattern '%.*s'", (int)(text.size < SHOWN_MAX ? text.size : SHOWN_MAX),
                      (const char *)text.data);
        free(pattern);
        return st;
    }
    find_first_bytes(pattern);
    *ret = pattern;
    return ST_OK;
}

void pattern_destroy(struct pattern *pattern)
{
    free(pattern);
}

size_t pattern_literal(const struct pattern *pattern, char out[PATTERN_LITERAL_MAX],
                       bool *ret_any_case)
{
    return pattern_program_literal(&pattern->program, out, ret_any_case);
}
