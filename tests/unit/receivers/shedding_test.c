/* SPDX-License-Identifier: Apache-2.0 */
/* shedding_test.c -- which events are refused first, and which never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config_shed.h"
#include "receivers/native_intake.h"
#include "support/test_journal.h"

static struct admission admission;
static struct shedding shedding;
static struct native_intake *intake;
static struct append_batch *batch;
static struct error err;

static enum status start(const char *const *kinds, size_t count)
{
    const struct shedding_settings settings = {
        .kinds = kinds, .kind_count = count, .admission = &admission};

    admission_init(&admission, 1000);
    return shedding_init(&shedding, &settings, &err);
}

static int set_up(void **state)
{
    (void)state;
    static const char *const kinds[] = {"agent.resource", "agent.tool", "agent.model"};

    if (start(kinds, COUNT_OF(kinds)) != ST_OK ||
        native_intake_create(&otlp_limits_default, &intake, &err) != ST_OK ||
        append_batch_create(1 << 20, &batch, &err) != ST_OK)
        return -1;
    native_intake_set_shedding(intake, &shedding);
    native_intake_use_batch(intake, batch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    native_intake_destroy(intake);
    append_batch_destroy(batch);
    return 0;
}

static enum status add(const char *line)
{
    return native_intake_add(intake, slice_of_text(line), SLICE_EMPTY, 1, &err);
}

#define TOOL(MORE)                                                                                 \
    "{\"kind\":\"agent.tool\",\"attributes\":{\"gen_ai.tool.name\":\"Bash\","                      \
    "\"agent.tool.category\":\"shell\"" MORE "}}"

static void test_room_is_short_near_the_end_of_memory_or_journal(void **state)
{
    (void)state;

    assert_false(shedding_is_short(74, 100, 89, 100));
    assert_true(shedding_is_short(75, 100, 0, 100));
    assert_true(shedding_is_short(0, 100, 90, 100));
}

static void test_nothing_is_shed_while_there_is_room(void **state)
{
    (void)state;

    assert_int_equal(add(TOOL("")), ST_OK);
    assert_int_equal(append_batch_count(batch), 1);
}

static void test_listed_kind_is_shed_when_room_is_short(void **state)
{
    (void)state;

    shedding.is_short = true;
    assert_int_equal(add(TOOL("")), ST_AGAIN);
    assert_non_null(strstr(err.text, "agent.tool"));
    assert_int_equal(append_batch_count(batch), 0);
    assert_int_equal(native_intake_last(intake).kind, KIND_TOOL);
    assert_int_equal(refusal_of_event(ST_AGAIN), REFUSAL_SHED);
}

static void test_other_kinds_are_kept_when_room_is_short(void **state)
{
    (void)state;

    shedding.is_short = true;
    assert_int_equal(add("{\"kind\":\"agent.approval\",\"attributes\":{\"agent.decision.outcome\":"
                         "\"allow\",\"agent.decision.source\":\"user\"}}"),
                     ST_OK);
    assert_int_equal(add("{\"kind\":\"agent.error\",\"attributes\":{\"error.type\":\"x\"}}"),
                     ST_OK);
    assert_int_equal(append_batch_count(batch), 2);
}

static void test_what_was_denied_is_never_shed(void **state)
{
    (void)state;

    shedding.is_short = true;
    assert_int_equal(add(TOOL(",\"agent.outcome\":\"denied\"")), ST_OK);
    assert_int_equal(add(TOOL(",\"agent.decision.outcome\":\"deny\"")), ST_OK);
    assert_int_equal(append_batch_count(batch), 2);
}

static void test_what_somebody_decided_is_never_shed(void **state)
{
    (void)state;

    shedding.is_short = true;
    assert_int_equal(add(TOOL(",\"agent.decision.outcome\":\"allow\"")), ST_OK);
}

/* One that lacks what its kind requires is agent.other: nobody knows what it would say. */
static void test_event_that_says_too_little_is_kept(void **state)
{
    (void)state;

    shedding.is_short = true;
    assert_int_equal(add("{\"kind\":\"agent.tool\"}"), ST_OK);
}

static void test_reports_about_refusals_are_kept(void **state)
{
    (void)state;
    const struct refusal_count count = {3, 1, 2};

    shedding.is_short = true;
    assert_int_equal(
        native_intake_add_refusal(intake, (size_t)REFUSAL_COUNT + KIND_TOOL, &count, 5, &err),
        ST_OK);
    assert_int_equal(append_batch_count(batch), 1);
}

static void test_kinds_that_tell_of_decisions_cannot_be_listed(void **state)
{
    (void)state;

    for (const struct config_shed_kind *kind = config_shed_kinds; kind->name != NULL; kind++) {
        assert_int_equal(start(&kind->name, 1), kind->may_be_shed ? ST_OK : ST_INVALID);
    }
    static const char *const never[] = {"agent.approval", "agent.review",   "agent.network",
                                        "agent.sandbox",  "agent.pipeline", "agent.other"};
    for (size_t i = 0; i < COUNT_OF(never); i++)
        assert_int_equal(start(&never[i], 1), ST_INVALID);
}

static void test_configuration_knows_the_kinds_of_the_model(void **state)
{
    (void)state;
    size_t count = 0;

    for (; config_shed_kinds[count].name != NULL; count++)
        ;
    assert_int_equal(count, KIND_COUNT);
    for (size_t i = 0; i < KIND_COUNT; i++)
        assert_non_null(config_shed_find(schema_kinds[i].name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_is_short_near_the_end_of_memory_or_journal),
        cmocka_unit_test_setup_teardown(test_nothing_is_shed_while_there_is_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_listed_kind_is_shed_when_room_is_short, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_other_kinds_are_kept_when_room_is_short, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_denied_is_never_shed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_somebody_decided_is_never_shed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_event_that_says_too_little_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reports_about_refusals_are_kept, set_up, tear_down),
        cmocka_unit_test(test_kinds_that_tell_of_decisions_cannot_be_listed),
        cmocka_unit_test(test_configuration_knows_the_kinds_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
