/* SPDX-License-Identifier: Apache-2.0 */
/* base.h -- the few words we add to C. */
#pragma once

#include <stdnoreturn.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define COUNT_OF(array)   (sizeof(array) / sizeof((array)[0]))

/* Always compiled in, release builds too: a broken invariant must not reach the disk. */
#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))

noreturn void assert_failed(const char *cond, const char *file, int line);
