/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_literal.c -- what every match of a pattern has in it (pattern_program.h).
 *
 * A match goes through the program from its start to its end.  The steps that no jump ahead leads
 * past are on every way; a run of them that each take one byte is a text that every match has.
 * Jumps back repeat what has been gone through once already. */
#include "query/pattern_program.h"

#include <string.h>

/* The byte that the step takes, a letter of either case as the small one; -1: there are several. */
static int byte_of(const struct pattern_program *program, const struct pattern_step *step,
                   bool *ret_any_case)
{
    int found = -1;

    *ret_any_case = false;
    if (step->op == PATTERN_BYTE)
        return step->byte < 0x80 ? step->byte : -1;
    if (step->op != PATTERN_SET)
        return -1;
    const uint8_t *set = program->sets[step->set];
    size_t members = 0;
    for (int byte = 0; byte <= UINT8_MAX; byte++) {
        if (!pattern_set_has(set, (uint8_t)byte))
            continue;
        members++;
        found = byte;
    }
    bool is_small = found >= 'a' && found <= 'z';
    if (members != 2 || !is_small || !pattern_set_has(set, (uint8_t)(found - 'a' + 'A')))
        return -1;
    *ret_any_case = true;
    return found;
}

static void mark_target(bool *is_passed, size_t at, int16_t offset)
{
    for (int16_t i = 1; i < offset; i++)
        is_passed[at + (size_t)i] = true;
}

/* Marks the steps that some way leaves out. */
static void mark_passed(const struct pattern_program *program, bool *is_passed)
{
    for (size_t i = 0; i < program->count; i++) {
        const struct pattern_step *step = &program->steps[i];
        if (step->op == PATTERN_SPLIT)
            mark_target(is_passed, i, step->other);
        if (step->op == PATTERN_SPLIT || step->op == PATTERN_JUMP)
            mark_target(is_passed, i, step->to);
    }
}

size_t pattern_program_literal(const struct pattern_program *program, char out[PATTERN_LITERAL_MAX],
                               bool *ret_any_case)
{
    bool is_passed[PATTERN_STEPS_MAX + 1] = {false};
    char run[PATTERN_LITERAL_MAX];
    size_t size = 0, best = 0;
    bool any_case = false, is_either;

    mark_passed(program, is_passed);
    *ret_any_case = false;
    for (size_t i = 0; i < program->count; i++) {
        int byte = is_passed[i] ? -1 : byte_of(program, &program->steps[i], &is_either);
        if (byte < 0 || size == PATTERN_LITERAL_MAX) {
            size = 0;
            any_case = false;
        }
        if (byte < 0)
            continue;
        run[size++] = (char)byte;
        any_case |= is_either;
        if (size > best) {
            best = size;
            memcpy(out, run, size);
            *ret_any_case = any_case;
        }
    }
    return best;
}
