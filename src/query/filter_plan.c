/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan.c -- see filter_plan.h.  What is the rarest in a store stands first: most lines are
 * refused by the first demand. */
#include "query/filter_plan.h"

#include <string.h>

enum { SESSION_PART_MIN = 8, EXACT_DIGITS_MAX = 15 };

static void demand_text(struct store_plan *plan, struct slice text, unsigned flags)
{
    store_plan_demand(plan);
    store_plan_add(plan, text, flags);
}

static bool is_digits(struct slice text)
{
    size_t at = 0;

    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at == text.size;
}

/* One of comma-separated words, which the record may have with agent. before it.  An empty word
 * stands for a record that says nothing. */
static void demand_list(struct store_plan *plan, const char *list, unsigned flags)
{
    if (list == NULL || *list == 0)
        return;
    store_plan_demand(plan);
    while (*list != 0) {
        size_t size = strcspn(list, ",");
        store_plan_add(plan, slice_of(list, size), flags);
        list += size;
        list += *list == ',';
    }
}

static void demand_session(struct store_plan *plan, const char *session)
{
    if (session == NULL)
        return;
    struct slice id = slice_of_text(session);
    store_plan_demand(plan);
    if (id.size < SESSION_PART_MIN) {
        store_plan_add(plan, id, PLAN_WHOLE | PLAN_MAYBE_ID);
    } else {
        store_plan_add(plan, id, PLAN_BEGINS | PLAN_MAYBE_ID);
        store_plan_add(plan, id, PLAN_ENDS | PLAN_MAYBE_ID);
    }
}

/* The longest part of a glob that stands for itself. */
static struct slice glob_literal(struct slice glob)
{
    struct slice best = SLICE_EMPTY;
    size_t begin = 0;

    for (size_t i = 0; i <= glob.size; i++) {
        if (i < glob.size && strchr("*?\\", glob.data[i]) == NULL)
            continue;
        if (i - begin > best.size)
            best = slice_of(glob.data + begin, i - begin);
        begin = i + 1;
    }
    return best;
}

/* What "KEY=VALUE" demands of the value.  Numbers can be written in several ways. */
static void demand_equal(struct store_plan *plan, const struct condition *condition)
{
    struct slice value = condition->value;
    bool is_made =
        condition->field.place == FIELD_TIME || condition->field.place == FIELD_OBSERVED_TIME ||
        condition->field.place == FIELD_SUMMARY || condition->field.place == FIELD_SEVERITY_NUMBER;

    if (is_made)
        return;
    if (condition->has_number) {
        bool is_plain = is_digits(value) && value.size <= EXACT_DIGITS_MAX &&
                        (value.size == 1 || value.data[0] != '0');
        if (is_plain)
            demand_text(plan, value, PLAN_IN_BYTES);
    } else if (slice_equal(value, SLICE("true")) || slice_equal(value, SLICE("false"))) {
        demand_text(plan, value, PLAN_IN_BYTES);
    } else {
        demand_text(plan, value, PLAN_WHOLE | PLAN_MAYBE_ID | PLAN_IN_BYTES);
    }
}

static void demand_value(struct store_plan *plan, const struct condition *condition)
{
    if (condition->is_negated)
        return;
    if (condition->test == TEST_EQUAL)
        demand_equal(plan, condition);
    else if (condition->test == TEST_GLOB && condition->field.place != FIELD_SUMMARY &&
             condition->field.place != FIELD_TIME && condition->field.place != FIELD_OBSERVED_TIME)
        demand_text(plan, glob_literal(condition->value), PLAN_IN_BYTES);
}

/* A field must be there to be compared. */
static void demand_key(struct store_plan *plan, const struct condition *condition)
{
    enum field_place place = condition->field.place;

    if (!condition->is_negated && (place == FIELD_ATTRIBUTE || place == FIELD_RESOURCE))
        demand_text(plan, slice_of_text(condition->field.key), PLAN_ENDS);
}

static void demand_pattern(struct store_plan *plan, const struct pattern *grep)
{
    char literal[PATTERN_LITERAL_MAX];
    bool any_case;

    if (grep == NULL)
        return;
    size_t size = pattern_literal(grep, literal, &any_case);
    demand_text(plan, slice_of(literal, size), PLAN_IN_BYTES | (any_case ? PLAN_ANY_CASE : 0));
}

enum status filter_plan_create(const struct query_filter *filter, struct store_plan **ret,
                               struct error *err)
{
    enum status st = store_plan_create(ret, err);

    if (st != ST_OK)
        return st;
    struct store_plan *plan = *ret;
    store_plan_set_times(plan, filter->since_unix_ns, filter->until_unix_ns);
    demand_session(plan, filter->session);
    for (size_t i = 0; i < filter->condition_count; i++)
        demand_value(plan, &filter->conditions[i]);
    if (filter->text != NULL)
        demand_text(plan, slice_of_text(filter->text), PLAN_ANY_CASE | PLAN_IN_BYTES);
    demand_pattern(plan, filter->grep);
    if (filter->tool != NULL)
        demand_text(plan, slice_of_text(filter->tool), PLAN_WHOLE);
    demand_list(plan, filter->users, PLAN_ENDS);
    demand_list(plan, filter->outcomes, PLAN_ENDS);
    demand_list(plan, filter->agents, PLAN_ENDS);
    demand_list(plan, filter->kinds, PLAN_ENDS);
    demand_list(plan, filter->hosts, PLAN_ENDS);
    for (size_t i = 0; i < filter->condition_count; i++)
        demand_key(plan, &filter->conditions[i]);
    return ST_OK;
}
