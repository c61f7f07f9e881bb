/* SPDX-License-Identifier: Apache-2.0 */
/* record_text.h -- what is in a record, as text that a person can check. */
#pragma once

#include "telltale/buf.h"
#include "wire/otlp.h"

/* Appends "    key = value" lines for the attributes of `record`, sorted by key, without those
 * whose keys are among `hidden` (ends with NULL).  Long texts are cut. */
void record_text_attributes(const struct record_view *record, const char *const *hidden,
                            struct buf *out);

/* Appends the plain form of a value. */
void record_text_value(const struct any_view *value, struct buf *out);

/* The value of the attribute with that key; NULL: there is none.  Of several the last. */
const struct any_view *record_text_find(const struct record_view *record, const char *key);
