/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan.c -- see filter_plan.h.  What is the rarest in a store stands first: most lines are
 * refused by the first demand. */
#include "query/filter_plan.h"

#include <stdio.h>
#include <string.h>

#include "telltale/store_index.h"

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

/* One of comma-separated words, each of which the record may have with agent. before it.  An empty
 * word stands for a record that says nothing. */
static void demand_list(struct store_plan *plan, const char *list)
{
    enum { NAME_SIZE_MAX = 1024 };
    char prefixed[NAME_SIZE_MAX];

    if (list == NULL || *list == 0)
        return;
    store_plan_demand(plan);
    while (*list != 0) {
        struct slice word = slice_of(list, strcspn(list, ","));
        int size = snprintf(prefixed, sizeof(prefixed), "agent.%.*s", SLICE_ARG(word));
        if ((size_t)size >= sizeof(prefixed)) {
            store_plan_drop(plan);
            return;
        }
        store_plan_add(plan, word, PLAN_ENDS | PLAN_ID);
        store_plan_add(plan, slice_of(prefixed, (size_t)size), PLAN_ID | PLAN_INDEX);
        list += word.size;
        list += *list == ',';
    }
}

static void demand_session(struct store_plan *plan, const char *session)
{
    if (session == NULL)
        return;
    struct slice id = slice_of_text(session);
    store_plan_demand(plan);
    store_plan_add(plan, id, id.size < SESSION_PART_MIN ? PLAN_WHOLE | PLAN_ID : PLAN_ID_PART);
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
            demand_text(plan, value, PLAN_NO_WORD | PLAN_IN_BYTES);
    } else if (slice_equal(value, SLICE("true")) || slice_equal(value, SLICE("false"))) {
        demand_text(plan, value, PLAN_NO_WORD | PLAN_IN_BYTES);
    } else if (condition->field.place == FIELD_SPAN_ID) {
        demand_text(plan, value, PLAN_WHOLE | PLAN_NO_WORD);
    } else if (condition->field.place == FIELD_ATTRIBUTE &&
               slice_equal(slice_of_text(condition->field.key), SLICE("log.record.uid"))) {
        demand_text(plan, value, PLAN_WHOLE | PLAN_UID);
    } else {
        bool is_id = condition->field.place == FIELD_TRACE_ID ||
                     (condition->field.place == FIELD_ATTRIBUTE &&
                      store_index_has_key(slice_of_text(condition->field.key)));
        demand_text(plan, value, PLAN_WHOLE | PLAN_IN_BYTES | (is_id ? PLAN_ID : 0));
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
        demand_text(plan, glob_literal(condition->value), PLAN_NO_WORD | PLAN_IN_BYTES);
}

/* A field must be there to be compared. */
static void demand_key(struct store_plan *plan, const struct condition *condition)
{
    enum field_place place = condition->field.place;

    if (!condition->is_negated && (place == FIELD_ATTRIBUTE || place == FIELD_RESOURCE))
        demand_text(plan, slice_of_text(condition->field.key), PLAN_ENDS | PLAN_NO_WORD);
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

/* Nothing but the time counts. */
static bool takes_all(const struct query_filter *filter)
{
    return filter->session == NULL && filter->kinds == NULL && filter->outcomes == NULL &&
           filter->tool == NULL && filter->agents == NULL && filter->users == NULL &&
           filter->hosts == NULL && filter->text == NULL && filter->word_count == 0 &&
           filter->grep == NULL && filter->condition_count == 0;
}

enum status filter_plan_create(const struct query_filter *filter, struct store_plan **ret,
                               struct error *err)
{
    enum status st = store_plan_create(ret, err);

    if (st != ST_OK)
        return st;
    struct store_plan *plan = *ret;
    store_plan_set_times(plan, filter->since_unix_ns, filter->until_unix_ns);
    if (!takes_all(filter))
        store_plan_set_partial(plan);
    demand_session(plan, filter->session);
    for (size_t i = 0; i < filter->condition_count; i++)
        demand_value(plan, &filter->conditions[i]);
    if (filter->text != NULL)
        demand_text(plan, slice_of_text(filter->text), PLAN_ANY_CASE | PLAN_IN_BYTES);
    for (size_t i = 0; i < filter->word_count; i++)
        demand_text(plan, slice_of_text(filter->words[i]),
                    PLAN_WORDS | PLAN_ANY_CASE | PLAN_IN_BYTES);
    demand_pattern(plan, filter->grep);
    if (filter->tool != NULL)
        demand_text(plan, slice_of_text(filter->tool), PLAN_WHOLE | PLAN_ID);
    demand_list(plan, filter->users);
    demand_list(plan, filter->outcomes);
    demand_list(plan, filter->agents);
    demand_list(plan, filter->kinds);
    demand_list(plan, filter->hosts);
    for (size_t i = 0; i < filter->condition_count; i++)
        demand_key(plan, &filter->conditions[i]);
    return ST_OK;
}
