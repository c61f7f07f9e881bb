/* SPDX-License-Identifier: Apache-2.0 */
/* gemini_fixture.h -- set-up of the tests that put together records of Gemini CLI and Qwen Code,
 * one after another, and look at what the normalizer makes of them. */
#pragma once

#include "support/made_record.h"

struct gemini_fixture {
    struct made_record made; /* the record that is being put together */
    struct normalizer *normalizer;
    const char *scope; /* of the record */
};

/* Of the test that runs: between gemini_set_up() and gemini_tear_down(), which are for cmocka. */
extern struct gemini_fixture gemini;

int gemini_set_up(void **state);
int gemini_tear_down(void **state);

/* Begins the next record, one of session s1, in the scope gemini-cli or qwen-code. */
void gemini_make_event(const char *scope, const char *name);

/* Begins the record of a call of the tool. */
void gemini_make_call(const char *tool);
void qwen_make_call(const char *tool);

/* A record of the scope's agent that says which approval mode session s1 is in. */
void gemini_set_mode(const char *scope, const char *mode);

/* The record so far.  Free with normalized_destroy(). */
struct normalized *gemini_normalize(void);

/* Normalizes it for what is remembered of it. */
void gemini_drop(void);
