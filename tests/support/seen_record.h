/* SPDX-License-Identifier: Apache-2.0 */
/* seen_record.h -- a made record as its readers see it. */
#pragma once

#include "support/made_record.h"

struct seen_record {
    struct made_record made; /* filled by the test */
    struct record_view view; /* of seen_read() */
    struct attribute_view attributes[64];
};

void seen_init(struct seen_record *seen);
void seen_fini(struct seen_record *seen);

/* Attributes as texts: key, value, key, value, ..., NULL. */
void seen_add_texts(struct seen_record *seen, ...) __attribute__((sentinel));

/* Reads what was made; the test ends when it is no record. */
const struct record_view *seen_read(struct seen_record *seen);

/* The bytes of the record. */
struct slice seen_bytes(const struct seen_record *seen);
