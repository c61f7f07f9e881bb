/* SPDX-License-Identifier: Apache-2.0 */
/* seen_record.c -- see seen_record.h. */
#include "support/seen_record.h"

#include <stdarg.h>
#include <stdio.h>

void seen_init(struct seen_record *seen)
{
    made_init(&seen->made);
}

void seen_fini(struct seen_record *seen)
{
    made_fini(&seen->made);
}

void seen_add_texts(struct seen_record *seen, ...)
{
    const char *key;
    va_list args;

    va_start(args, seen);
    while ((key = va_arg(args, const char *)) != NULL)
        made_text(&seen->made, key, va_arg(args, const char *));
    va_end(args);
}

const struct record_view *seen_read(struct seen_record *seen)
{
    struct error err;

    enum status st = otlp_read_record(seen_bytes(seen), &otlp_limits_default, seen->attributes,
                                      COUNT_OF(seen->attributes), &seen->view, &err);
    if (st != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    ASSERT(st == ST_OK);
    return &seen->view;
}

struct slice seen_bytes(const struct seen_record *seen)
{
    return buf_slice(&seen->made.bytes);
}
