/* SPDX-License-Identifier: Apache-2.0 */
/* failing_alloc.c -- see failing_alloc.h. */
#include "support/failing_alloc.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "telltale/base.h"

/* The linker's names: __real_x is x, and who calls x calls __wrap_x. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);

static atomic_bool is_armed;
static atomic_bool has_failed;
static atomic_uint calls;
static unsigned first, last;

static bool fails(void)
{
    if (!atomic_load(&is_armed))
        return false;
    unsigned call = atomic_fetch_add(&calls, 1) + 1;
    if (call < first || call > last)
        return false;
    atomic_store(&has_failed, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void failing_alloc_begin(unsigned at, unsigned length)
{
    ASSERT(!atomic_load(&is_armed));
    first = at;
    last = length < UINT_MAX - at ? at + length - 1 : UINT_MAX;
    atomic_store(&calls, 0);
    atomic_store(&has_failed, false);
    atomic_store(&is_armed, true);
}

bool failing_alloc_end(void)
{
    atomic_store(&is_armed, false);
    return atomic_load(&has_failed);
}

static unsigned count_points(failing_alloc_run *run, void *context, unsigned length)
{
    unsigned at = 1;

    while (run(context, at, length))
        at++;
    return at - 1;
}

void failing_alloc_try(const char *scenario, failing_alloc_run *run, void *context,
                       unsigned points_min)
{
    unsigned one = count_points(run, context, 1);
    unsigned all = count_points(run, context, UINT_MAX);

    printf("allocations: %s: %u points; %u with none from there on\n", scenario, one, all);
    ASSERT(one >= points_min); /* the refusals did reach the work */
}
