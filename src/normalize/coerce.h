/* SPDX-License-Identifier: Apache-2.0 */
/* coerce.h -- values as senders write them, to the types that the model wants.
 *
 * Senders write numbers and booleans as text, doubles as ints, and words like "none" where they
 * mean nothing at all.
 *
 * Threads: pure functions.
 */
#pragma once

#include "wire/otlp.h"

/* A text that says that there is no value: "", none, unknown, unix-socket, [REDACTED],
 * <REDACTED>. */
bool text_is_sentinel(struct slice text);

/* [REDACTED] or <REDACTED>. */
bool text_is_redacted(struct slice text);

/* Compares without regard to the case of ASCII letters. */
bool text_equal_nocase(struct slice text, const char *word);

/* Each: false when the value is not one, whatever its type. */
bool coerce_int(const struct any_view *value, int64_t *ret);
bool coerce_double(const struct any_view *value, double *ret);
bool coerce_bool(const struct any_view *value, bool *ret);
