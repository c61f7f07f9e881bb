/* SPDX-License-Identifier: Apache-2.0 */
/* retention_test.c -- what goes of a store and when, decided on facts alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "telltale/retention.h"
#include "util/clock.h"

#define DAY_S  UINT64_C(86400)
#define DAY_NS (DAY_S * NS_PER_S)

enum { NOW_DAY = 1000 };

static const struct retention_rule rules[] = {
    {.name = "prompts", .keep_ns = 30 * DAY_NS},
    {.name = "denied", .keep_ns = 730 * DAY_NS},
};

static const struct retention_config with_rules = {
    .max_age_ns = 180 * DAY_NS,
    .slack_ns = DAY_NS,
    .rules = {rules, COUNT_OF(rules)},
};

static const struct retention_config without_rules = {.max_age_ns = 180 * DAY_NS};

/* --- One file -------------------------------------------------------------------------------- */

/* Ages are in days; 0 records of a class: no ages. */
struct class_case {
    uint64_t count;
    double first_age, last_age;
};

struct file_case {
    const char *name;
    const struct retention_config *config;
    double begun_age, written_age;
    bool has_holds, is_seen, is_damaged;
    uint64_t held;
    struct class_case classes[3];
    enum retention_action action;
    uint64_t due;   /* classes */
    double next_in; /* days; only of KEEP; -1: never */
};

static const struct file_case file_cases[] = {
    {"young, nothing to ask", &without_rules, 10, 9, .action = RETENTION_KEEP, .next_in = 171},
    {"on the day", &without_rules, 181, 180, .action = RETENTION_KEEP, .next_in = 0},
    {"too old", &without_rules, 182, 180.5, .action = RETENTION_DELETE, .due = 1},
    {"too old, and there are holds", &without_rules, 182, 180.5, .has_holds = true,
     .action = RETENTION_LOOK},
    {"too old, seen, not held", &without_rules, 182, 180.5, .has_holds = true, .is_seen = true,
     .classes = {{5, 182, 180.5}}, .action = RETENTION_DELETE, .due = 1},
    {"too old, held whole", &without_rules, 182, 180.5, .has_holds = true, .is_seen = true,
     .held = 5, .action = RETENTION_KEEP, .next_in = -1},
    {"a rule may be due", &with_rules, 30.5, 30.4, .action = RETENTION_LOOK},
    {"no rule can be due", &with_rules, 29.5, 29.4, .action = RETENTION_KEEP, .next_in = 0.5},
    {"all of one rule", &with_rules, 30.5, 30.4, .is_seen = true, .classes = {{7, 30.5, 30.4}},
     .action = RETENTION_DELETE, .due = 1},
    {"some are due, within the slack", &with_rules, 30.5, 30.4, .is_seen = true,
     .classes = {{7, 30.5, 30.4}, {0, 0, 0}, {3, 30.5, 30.4}}, .action = RETENTION_KEEP, .due = 1,
     .next_in = 0.5},
    {"some are due, beyond the slack", &with_rules, 31.5, 31.4, .is_seen = true,
     .classes = {{7, 31.5, 31.4}, {0, 0, 0}, {3, 31.5, 31.4}}, .action = RETENTION_ERASE, .due = 1},
    {"the rest goes when it is old", &with_rules, 180.5, 180.2, .is_seen = true,
     .classes = {{0, 0, 0}, {0, 0, 0}, {3, 180.5, 180.2}}, .action = RETENTION_DELETE, .due = 4},
    {"a longer rule keeps its own", &with_rules, 182, 181.5, .is_seen = true,
     .classes = {{0, 0, 0}, {1, 182, 181.5}, {3, 182, 181.5}}, .action = RETENTION_ERASE, .due = 4},
    {"to the end of the longer rule", &with_rules, 182, 181.5, .is_seen = true,
     .classes = {{0, 0, 0}, {1, 182, 182}, {0, 0, 0}}, .action = RETENTION_KEEP, .next_in = 548},
    {"what is held stays, the rest goes", &with_rules, 800, 799, .has_holds = true, .is_seen = true,
     .held = 1, .classes = {{2, 800, 799}, {1, 800, 799}, {3, 800, 799}}, .action = RETENTION_ERASE,
     .due = 7},
    {"a damaged file is not written again", &with_rules, 182, 181.5, .is_seen = true,
     .is_damaged = true, .classes = {{1, 181.5, 181.5}, {1, 181.5, 181.5}, {1, 181.5, 181.5}},
     .action = RETENTION_KEEP, .due = 5, .next_in = 548.5},
    {"and goes when nothing in it can be kept", &with_rules, 731, 730.5, .is_seen = true,
     .is_damaged = true, .classes = {{1, 730.5, 730.5}, {1, 730.5, 730.5}, {1, 730.5, 730.5}},
     .action = RETENTION_DELETE, .due = 7},
    {"without a line of ours", &with_rules, 181, 180.5, .is_seen = true,
     .action = RETENTION_DELETE},
};

static uint64_t ago(double days)
{
    return (uint64_t)((NOW_DAY - days) * (double)DAY_S) * NS_PER_S;
}

static void test_age_and_rules_decide_of_each_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(file_cases); i++) {
        const struct file_case *item = &file_cases[i];
        struct retention_survey survey = {.held = item->held, .is_damaged = item->is_damaged};
        struct retention_file file = {
            .begun_unix_s = ago(item->begun_age) / NS_PER_S,
            .written_unix_s = ago(item->written_age) / NS_PER_S,
            .survey = item->is_seen ? &survey : NULL,
        };
        for (size_t c = 0; c < COUNT_OF(item->classes); c++)
            survey.classes[c] =
                (struct retention_tally){item->classes[c].count, ago(item->classes[c].first_age),
                                         ago(item->classes[c].last_age)};
        struct retention_step step =
            retention_judge(item->config, &file, item->has_holds, NOW_DAY * DAY_NS);
        if (step.action != item->action)
            fail_msg("%s: action %d", item->name, (int)step.action);
        if (step.action != RETENTION_LOOK && item->is_seen && item->due != step.classes)
            fail_msg("%s: due are %#llx", item->name, (unsigned long long)step.classes);
        uint64_t next = item->next_in < 0 ? RETENTION_NEVER : ago(-item->next_in);
        if (step.action == RETENTION_KEEP && step.when_unix_ns != next)
            fail_msg("%s: next in %.3f days", item->name,
                     (double)(int64_t)(step.when_unix_ns - NOW_DAY * DAY_NS) / (double)DAY_NS);
    }
}

static void test_no_limit_means_never(void **state)
{
    (void)state;
    const struct retention_config config = {.slack_ns = RETENTION_NEVER};
    const struct retention_file file = {.begun_unix_s = 0, .written_unix_s = 1};
    struct retention_step step = retention_judge(&config, &file, false, RETENTION_NEVER - 1);

    assert_int_equal(step.action, RETENTION_KEEP);
    assert_true(step.when_unix_ns == RETENTION_NEVER);
}

/* --- The store ------------------------------------------------------------------------------- */

/* Files of 100 bytes, the oldest `count` days old; 'h' in `marks`: seen, with a held record; 's':
 * seen, without; '?': not seen. */
struct store {
    size_t count;
    const char *marks;
    struct retention_survey held, free;
};

static void read_store_file(void *files, size_t index, struct retention_file *ret)
{
    struct store *store = files;
    char mark = store->marks[index];

    store->held = (struct retention_survey){.held = 1};
    store->free = (struct retention_survey){.classes = {{1, 0, 0}}};
    *ret = (struct retention_file){
        .begun_unix_s = ago((double)(store->count - index)) / NS_PER_S,
        .written_unix_s = ago((double)(store->count - index)) / NS_PER_S,
        .size_bytes = 100,
        .survey = mark == 'h'   ? &store->held
                  : mark == 's' ? &store->free
                                : NULL,
    };
}

struct store_case {
    const char *name;
    const char *marks;
    struct retention_config config;
    uint64_t disk_free; /* of a disk of 10000 */
    bool has_holds, holds_all;
    enum retention_action action;
    size_t index;
    enum retention_cause cause;
    bool is_stuck;
};

static const struct store_case store_cases[] = {
    {"nothing is over", "????", {.max_files = 4, .max_size_bytes = 450}, 10000, .action = 0},
    {"one too many",
     "????",
     {.max_files = 3},
     10000,
     .action = RETENTION_DELETE,
     .index = 0,
     .cause = RETENTION_BY_COUNT},
    {"too large, with the active file",
     "????",
     {.max_size_bytes = 449},
     10000,
     .action = RETENTION_DELETE,
     .index = 0,
     .cause = RETENTION_BY_SIZE},
    {"too little free",
     "????",
     {.min_free = {.bytes = 3000}},
     2999,
     .action = RETENTION_DELETE,
     .cause = RETENTION_BY_FREE},
    {"a share is free", "????", {.min_free = {.percent = 30}}, 3000, .action = RETENTION_KEEP},
    {"a share is not free",
     "????",
     {.min_free = {.percent = 30}},
     2999,
     .action = RETENTION_DELETE,
     .cause = RETENTION_BY_FREE},
    {"too old comes first",
     "????",
     {.max_files = 3, .max_age_ns = 3 * DAY_NS},
     10000,
     .action = RETENTION_DELETE,
     .cause = RETENTION_BY_AGE},
    {"the young stay",
     "????",
     {.max_files = 1, .min_age_ns = 5 * DAY_NS},
     10000,
     .action = RETENTION_KEEP,
     .cause = RETENTION_BY_COUNT,
     .is_stuck = true},
    {"the old may go",
     "????",
     {.max_files = 1, .min_age_ns = 3 * DAY_NS},
     10000,
     .action = RETENTION_DELETE,
     .cause = RETENTION_BY_COUNT},
    {"with holds nothing goes unseen",
     "????",
     {.max_files = 1},
     10000,
     .has_holds = true,
     .action = RETENTION_LOOK,
     .cause = RETENTION_BY_COUNT},
    {"the first that is not held",
     "hs??",
     {.max_files = 1},
     10000,
     .has_holds = true,
     .action = RETENTION_DELETE,
     .index = 1,
     .cause = RETENTION_BY_COUNT},
    {"what is held does not count",
     "hh?s",
     {.max_files = 2, .max_size_bytes = 250},
     10000,
     .has_holds = true,
     .action = RETENTION_KEEP},
    {"room is room",
     "hhhh",
     {.min_free = {.bytes = 3000}},
     2999,
     .has_holds = true,
     .action = RETENTION_KEEP,
     .cause = RETENTION_BY_FREE,
     .is_stuck = true},
    {"a hold that cannot be read",
     "????",
     {.max_files = 1, .max_age_ns = DAY_NS},
     10000,
     .has_holds = true,
     .holds_all = true,
     .action = RETENTION_KEEP,
     .cause = RETENTION_BY_COUNT,
     .is_stuck = true},
};

static void test_bounds_take_the_oldest_that_may_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(store_cases); i++) {
        const struct store_case *item = &store_cases[i];
        struct store store = {.count = 4, .marks = item->marks};
        const struct retention_state facts = {
            .config = &item->config,
            .files = &store,
            .read_file = read_store_file,
            .count = store.count,
            .total_size_bytes = 400,
            .active_size_bytes = 50,
            .disk_size_bytes = 10000,
            .disk_free_bytes = item->disk_free,
            .has_holds = item->has_holds,
            .holds_all = item->holds_all,
        };
        bool is_stuck;
        /* A little later than on the day, so that what is as old as a bound is beyond it. */
        struct retention_step step = retention_next(&facts, NOW_DAY * DAY_NS + 1, &is_stuck);
        if (step.action != item->action || step.cause != item->cause || is_stuck != item->is_stuck)
            fail_msg("%s: action %d, cause %d, stuck %d", item->name, (int)step.action,
                     (int)step.cause, (int)is_stuck);
        if (step.action != RETENTION_KEEP && step.index != item->index)
            fail_msg("%s: file %u", item->name, (unsigned)step.index);
    }
}

/* --- In words -------------------------------------------------------------------------------- */

static void expect_reason(struct retention_step step, const char *expected)
{
    struct error err;
    struct buf out;

    buf_init(&out, 1024);
    assert_int_equal(retention_put_reason(&with_rules, &step, &out, &err), ST_OK);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
    buf_fini(&out);
}

static void test_reasons_have_names(void **state)
{
    (void)state;
    expect_reason((struct retention_step){.classes = 1}, "rules.prompts");
    expect_reason((struct retention_step){.classes = 6}, "rules.denied,max_age");
    expect_reason((struct retention_step){.classes = 4}, "max_age");
    expect_reason((struct retention_step){.cause = RETENTION_BY_SIZE}, "max_size");
    expect_reason((struct retention_step){.cause = RETENTION_BY_COUNT}, "max_files");
    expect_reason((struct retention_step){.cause = RETENTION_BY_FREE}, "min_free");
}

static void test_what_undercuts_the_least_age_is_no_configuration(void **state)
{
    (void)state;
    struct retention_config config = with_rules;
    struct error err;

    assert_int_equal(retention_check(&config, &err), ST_OK);
    config.min_age_ns = 30 * DAY_NS;
    assert_int_equal(retention_check(&config, &err), ST_OK);
    config.min_age_ns++;
    assert_int_equal(retention_check(&config, &err), ST_INVALID);
    assert_string_equal(err.text,
                        "retention.rules.prompts: keep is shorter than retention.min_age");
    config = without_rules;
    config.min_age_ns = 181 * DAY_NS;
    assert_int_equal(retention_check(&config, &err), ST_INVALID);
    config.max_age_ns = 0;
    assert_int_equal(retention_check(&config, &err), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age_and_rules_decide_of_each_file),
        cmocka_unit_test(test_no_limit_means_never),
        cmocka_unit_test(test_bounds_take_the_oldest_that_may_go),
        cmocka_unit_test(test_reasons_have_names),
        cmocka_unit_test(test_what_undercuts_the_least_age_is_no_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
