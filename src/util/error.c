/* SPDX-License-Identifier: Apache-2.0 */
/* error.c -- see error.h. */
#include "telltale/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

noreturn void assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, cond);
    abort();
}

void error_record(struct error *err, enum status status, const char *fmt, ...)
{
    va_list args;

    ASSERT(status != ST_OK);
    err->status = status;
    err->os_errno = 0;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
}

void error_record_errno(struct error *err, enum status status, const char *fmt, ...)
{
    int saved = errno;
    va_list args;

    ASSERT(status != ST_OK);
    err->status = status;
    err->os_errno = saved;
    va_start(args, fmt);
    int used = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(err->text)) {
        snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %s",
                 strerrordesc_np(saved));
    }
}

enum status error_context(struct error *err, const char *fmt, ...)
{
    char context[sizeof(err->text)];
    va_list args;

    ASSERT(err->status != ST_OK);
    va_start(args, fmt);
    int used = vsnprintf(context, sizeof(context), fmt, args);
    va_end(args);

    size_t cause = strlen(err->text);
    if (used < 0 || (size_t)used + 2 + cause >= sizeof(err->text))
        return err->status;
    memmove(err->text + used + 2, err->text, cause + 1);
    memcpy(err->text, context, (size_t)used);
    memcpy(err->text + used, ": ", 2);
    return err->status;
}
