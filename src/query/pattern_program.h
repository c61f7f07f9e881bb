/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_program.h -- what a regular expression is compiled into (pattern.c).
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/pattern.h"

enum { PATTERN_SET_SIZE = 32, PATTERN_SETS_MAX = 256 };

enum pattern_op {
    PATTERN_END,
    PATTERN_BYTE,
    PATTERN_SET,   /* one byte of a set */
    PATTERN_SPLIT, /* on at `to` and at `other` */
    PATTERN_JUMP,  /* on at `to` */
    PATTERN_LINE_BEGIN,
    PATTERN_LINE_END,
    PATTERN_WORD_EDGE,
    PATTERN_NO_WORD_EDGE,
};

struct pattern_step {
    enum pattern_op op;
    uint8_t byte;
    uint16_t set;      /* index into sets */
    int16_t to, other; /* relative to this step */
};

struct pattern_program {
    struct pattern_step steps[PATTERN_STEPS_MAX + 1];
    size_t count; /* with PATTERN_END */
    uint8_t sets[PATTERN_SETS_MAX][PATTERN_SET_SIZE];
    size_t set_count;
};

static inline bool pattern_set_has(const uint8_t *set, uint8_t byte)
{
    return (set[byte / 8] >> byte % 8 & 1) != 0;
}

static inline void pattern_set_add(uint8_t *set, uint8_t byte)
{
    set[byte / 8] |= (uint8_t)(1U << byte % 8);
}

/* As pattern_create(); `ret` is all zero before. */
MUST_CHECK enum status pattern_compile(struct slice text, struct pattern_program *ret,
                                       struct error *err);

/* As pattern_literal(). */
size_t pattern_program_literal(const struct pattern_program *program, char out[PATTERN_LITERAL_MAX],
                               bool *ret_any_case);
