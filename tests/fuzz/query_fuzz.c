/* SPDX-License-Identifier: Apache-2.0 */
/* query_fuzz.c -- a pattern, a condition and a text, up to the first two zero bytes and behind
 * them: whatever they are, an answer comes, and it is always the same. */
#include "query/condition.h"
#include "query/pattern.h"
#include "support/made_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES_MAX = 8, SCRATCH_MAX = 1 << 20 };

static struct slice take_part(struct slice *left)
{
    const uint8_t *end = left->size > 0 ? memchr(left->data, 0, left->size) : NULL;
    struct slice part = end != NULL ? slice_of(left->data, (size_t)(end - left->data)) : *left;

    *left = slice_from(*left, part.size + 1);
    return part;
}

static void check_pattern(struct slice expression, struct slice text)
{
    struct pattern *pattern = NULL;
    struct error err;

    enum status st = pattern_create(expression, &pattern, &err);
    ASSERT(st == ST_OK || st == ST_INVALID || st == ST_LIMIT);
    if (st != ST_OK)
        return;
    bool found = pattern_matches(pattern, text);
    ASSERT(pattern_matches(pattern, text) == found);
    pattern_destroy(pattern);
}

static void check_condition(struct slice asked, struct slice text)
{
    static const struct record_group no_group;
    struct attribute_view attributes[ATTRIBUTES_MAX];
    struct condition condition, opposite;
    struct record_view view;
    struct made_record made;
    struct error err;
    struct buf scratch;

    if (condition_read(asked, &condition, &err) != ST_OK)
        return;
    made_init(&made);
    made_bytes_text(&made, "k", text);
    made_int(&made, "n", (int64_t)text.size);
    ASSERT(otlp_read_record(buf_slice(&made.bytes), &otlp_limits_default, attributes,
                            ATTRIBUTES_MAX, &view, &err) == ST_OK);
    const struct field_record record = {.group = &no_group, .view = &view};
    buf_init(&scratch, SCRATCH_MAX);
    opposite = condition;
    opposite.field.key = opposite.field.name + (condition.field.key - condition.field.name);
    opposite.is_negated = !condition.is_negated;
    ASSERT(condition_holds(&condition, &record, &scratch) !=
           condition_holds(&opposite, &record, &scratch));
    buf_fini(&scratch);
    made_fini(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice left = slice_of(data, size);
    struct slice expression = take_part(&left);
    struct slice condition = take_part(&left);

    check_pattern(expression, left);
    check_condition(condition, left);
    return 0;
}
