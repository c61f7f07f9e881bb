/* SPDX-License-Identifier: Apache-2.0 */
/* story_file_test.c -- which call an operation on a file belongs to, and how that is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/timeline.h"
#include "support/seen_record.h"
#include "util/clock.h"

/* 2026-11-20T22:24:20Z */
#define MOMENT UINT64_C(1795213460000000000)

static const struct record_group no_group;
static struct story story;
static struct error err;
static char text[8192];

static int set_up(void **state)
{
    (void)state;
    story_init(&story);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    story_fini(&story);
    return 0;
}

static void begin(struct seen_record *seen, uint64_t ms)
{
    seen_init(seen);
    made_fixed64(&seen->made, RECORD_TIME_UNIX_NANO, MOMENT + ms * NS_PER_MS);
    made_text(&seen->made, "gen_ai.tool.name", "edit");
}

static void finish(struct seen_record *seen)
{
    assert_int_equal(story_add(&story, &no_group, seen_bytes(seen), &err), ST_OK);
    seen_fini(seen);
}

/* On a .js file, `ms` behind MOMENT. */
static void add_operation(uint64_t ms)
{
    struct seen_record seen;

    begin(&seen, ms);
    seen_add_texts(&seen, "agent.event.kind", "agent.file", "agent.event.phase", "point",
                   "agent.file.operation", "update", "agent.file.path_source", "none",
                   "file.extension", "js", (const char *)NULL);
    made_int(&seen.made, "lines", 3);
    finish(&seen);
}

static void begin_edit(struct seen_record *seen, uint64_t ms, const char *path, int duration_ms)
{
    begin(seen, ms);
    seen_add_texts(seen, "agent.event.kind", "agent.tool", "agent.event.phase", "end", "file.path",
                   path, (const char *)NULL);
    made_int(&seen->made, "agent.duration_ms", duration_ms);
}

static void add_edit(uint64_t ms, const char *path, int duration_ms)
{
    struct seen_record seen;

    begin_edit(&seen, ms, path, duration_ms);
    made_text(&seen.made, "agent.outcome", "success");
    finish(&seen);
}

static void tell(bool everything)
{
    const struct timeline_style style = {.columns = 100, .everything = everything};
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    assert_int_equal(timeline_write(&story, &style, &out, &err), ST_OK);
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_fini(&out);
}

static void check_told(bool everything, const char *wanted, bool is_wanted)
{
    tell(everything);
    if ((strstr(text, wanted) != NULL) != is_wanted)
        fail_msg("'%s' is %s in:\n%s", wanted, is_wanted ? "not" : "found", text);
}

static void test_operation_belongs_to_the_one_call_that_was_running(void **state)
{
    (void)state;
    add_operation(100);
    add_edit(110, "a.ts", 50); /* another kind of file */
    add_edit(111, "a.js", 50);
    add_edit(400, "b.js", 20); /* began later */
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, 2);
    check_told(false, "edit a.js\n                result    ok, 50 ms, update of 3 lines\n", true);
    check_told(true, "update of 3 lines", true);
    check_told(true, "file      ", false);
}

static void test_operation_may_come_shortly_before_its_call_begins(void **state)
{
    (void)state;
    add_operation(100);
    add_edit(140, "a.js", 10);
    add_operation(5000);
    add_edit(6500, "a.js", 10); /* too long after it */
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, 1);
    assert_int_equal(story.events[2].part_of, STORY_NO_EVENT);
}

static void test_operation_that_may_belong_to_two_calls_belongs_to_none(void **state)
{
    (void)state;
    add_operation(100);
    add_edit(110, "a.js", 50);
    add_edit(111, "b.js", 50);
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, STORY_NO_EVENT);
    check_told(true, "file      update", true);
    check_told(true, "update of", false);
}

static void test_call_of_two_operations_has_none(void **state)
{
    (void)state;
    add_operation(100);
    add_operation(101);
    add_edit(110, "a.js", 50);
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, STORY_NO_EVENT);
    assert_int_equal(story.events[1].part_of, STORY_NO_EVENT);
}

static void test_operation_is_not_of_another_session_or_a_call_that_did_not_run(void **state)
{
    struct seen_record seen;

    (void)state;
    add_operation(100);
    begin_edit(&seen, 110, "a.js", 50);
    made_text(&seen.made, "session.id", "other");
    finish(&seen);
    begin_edit(&seen, 120, "a.js", 50);
    made_bool(&seen.made, "agent.tool.executed", false);
    finish(&seen);
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, STORY_NO_EVENT);
}

static void test_operation_of_another_program_is_shown_by_itself(void **state)
{
    struct seen_record seen;

    (void)state;
    begin(&seen, 100);
    seen_add_texts(&seen, "agent.event.kind", "agent.file", "agent.file.operation", "update",
                   "agent.file.path_source", "none", "agent.peer.attestation", "kernel",
                   "agent.peer.executable.path", "/tmp/other", (const char *)NULL);
    finish(&seen);
    begin_edit(&seen, 110, "a.js", 50);
    seen_add_texts(&seen, "agent.peer.attestation", "kernel", "agent.peer.executable.path",
                   "/usr/bin/node", (const char *)NULL);
    finish(&seen);
    assert_int_equal(story_join(&story, &err), ST_OK);
    assert_int_equal(story.events[0].part_of, STORY_NO_EVENT);
}

static void test_lines_of_a_call_that_went_wrong_are_not_told(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        struct seen_record seen;
        begin_edit(&seen, i, "a.js", 1);
        made_text(&seen.made, "agent.outcome", i == 0 ? "failure" : "success");
        made_int(&seen.made, "agent.file.lines_added", 4);
        made_int(&seen.made, "agent.file.lines_removed", 1);
        finish(&seen);
    }
    assert_int_equal(story_join(&story, &err), ST_OK);
    check_told(false, "FAILED, 1 ms\n", true);
    check_told(false, "ok, 1 ms, +4 -1 lines\n", true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_operation_belongs_to_the_one_call_that_was_running),
        TEST(test_operation_may_come_shortly_before_its_call_begins),
        TEST(test_operation_that_may_belong_to_two_calls_belongs_to_none),
        TEST(test_call_of_two_operations_has_none),
        TEST(test_operation_is_not_of_another_session_or_a_call_that_did_not_run),
        TEST(test_operation_of_another_program_is_shown_by_itself),
        TEST(test_lines_of_a_call_that_went_wrong_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
