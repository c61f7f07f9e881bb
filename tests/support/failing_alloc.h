/* SPDX-License-Identifier: Apache-2.0 */
/* failing_alloc.h -- memory that is refused when a test says so.
 *
 * For the tests in tests/unit/memory/, whose linker leads malloc(), calloc(), realloc(),
 * reallocarray() and strdup() of our code and of the test here.  Those of libraries are not led
 * here, and never fail.
 *
 * Threads: any may allocate; the functions below are for the test's thread.
 */
#pragma once

#include <stdbool.h>

/* Lets allocation number `at` (from 1, of all threads, from now on) and those behind it, `length`
 * in all, fail. */
void failing_alloc_begin(unsigned at, unsigned length);

/* None fails from now on.  Returns whether one has. */
bool failing_alloc_end(void);

/* Calls `run` with 1, 2, 3, ... until it says that no allocation has failed: with the one
 * allocation failing, and then with all from there on.  `run` begins, works, ends and checks.
 * Prints how many there were; fewer than `points_min` fail the test. */
typedef bool failing_alloc_run(void *context, unsigned at, unsigned length);
void failing_alloc_try(const char *scenario, failing_alloc_run *run, void *context,
                       unsigned points_min);
