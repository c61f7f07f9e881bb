/* SPDX-License-Identifier: Apache-2.0 */
/* ecs_kind.h -- what a record is in the closed vocabulary of ECS: event.kind, event.category,
 * event.type and event.outcome.
 *
 * Threads: pure functions and constant tables.
 */
#pragma once

#include "shape/record_reader.h"

enum { ECS_WORDS_MAX = 4 };

struct ecs_verdict {
    const char *kind;
    const char *categories[ECS_WORDS_MAX]; /* ends with NULL */
    const char *types[ECS_WORDS_MAX];      /* ends with NULL */
    const char *outcome;
};

/* What the record of kind `kind` is; KIND_COUNT: it says none. */
void ecs_judge(const struct record_reader *reader, enum event_kind kind, struct ecs_verdict *ret);

/* For the documentation: the row of a kind, in words. */
struct ecs_kind_row {
    const char *categories, *types;
};
extern const struct ecs_kind_row ecs_kind_rows[KIND_COUNT];
