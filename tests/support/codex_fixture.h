/* SPDX-License-Identifier: Apache-2.0 */
/* codex_fixture.h -- set-up of the tests that put together records of Codex, one after another,
 * and look at what the normalizer makes of them. */
#pragma once

#include "support/made_record.h"

#define CODEX_SCOPE "codex_otel.log_only"

struct codex_fixture {
    struct made_record made; /* the record that is being put together */
    struct normalizer *normalizer;
};

/* Of the test that runs: between codex_set_up() and codex_tear_down(), which are for cmocka. */
extern struct codex_fixture codex;

int codex_set_up(void **state);
int codex_tear_down(void **state);

/* Begins the next record; `conversation` may be NULL. */
void codex_make_event(const char *name, const char *conversation);

/* The record so far, as one of CODEX_SCOPE.  Free with normalized_destroy(). */
struct normalized *codex_normalize(void);
