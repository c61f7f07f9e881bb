/* SPDX-License-Identifier: Apache-2.0 */
/* condition.h -- one thing that a record must say: "agent.decision.outcome=deny".
 *
 *     KEY  !KEY                     is there, is not
 *     KEY=VALUE  KEY!=VALUE         the same text or number; of a list, any of its members
 *     KEY~GLOB  KEY!~GLOB           the whole text: * is any part of it, ? one byte, \ before both
 *     KEY<VALUE  <=  >  >=          as numbers where both read as numbers, else as texts
 *
 * KEY is a field's name (field.h) and ends at the first of these signs.  Those with '!' are true
 * of a record that has no such field; those with '<' and '>' are not.
 *
 * Threads: pure functions.
 */
#pragma once

#include "query/field.h"

enum { CONDITION_SIZE_MAX = 4096, CONDITION_NUMBER_MAX = 64 };

enum condition_test {
    TEST_EXISTS,
    TEST_EQUAL,
    TEST_GLOB,
    TEST_LESS,
    TEST_LESS_OR_EQUAL,
    TEST_GREATER,
    TEST_GREATER_OR_EQUAL,
};

struct condition {
    struct field field;
    enum condition_test test;
    bool is_negated;
    struct slice value; /* borrowed from the text that it was read from */
    bool has_number;
    double number; /* what `value` says as a number */
};

/* `text` is borrowed as long as the condition is used, which must not be copied.  ST_INVALID, with
 * how one is written; ST_LIMIT. */
MUST_CHECK enum status condition_read(struct slice text, struct condition *ret, struct error *err);

/* `scratch` as for field_read(). */
bool condition_holds(const struct condition *condition, const struct field_record *record,
                     struct buf *scratch);

/* Time is bounded by the product of both sizes. */
bool condition_glob_matches(struct slice glob, struct slice text);
