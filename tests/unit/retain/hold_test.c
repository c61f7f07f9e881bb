/* SPDX-License-Identifier: Apache-2.0 */
/* hold_test.c -- legal holds as files, and what they cover. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/temp_dir.h"
#include "telltale/hold.h"
#include "telltale/record_class.h"
#include "util/clock.h"

#define MADE UINT64_C(1790000000000000000)

enum { TEXT_MAX = 64 << 10 };

static struct hold hold_of_session(const char *id)
{
    struct hold hold = {.made_unix_ns = MADE, .by = "alice as root", .reason = "inquiry \"7\"\n"};
    snprintf(hold.id, sizeof(hold.id), "%s", id);
    hold.question.session = "0199-abcd-session";
    return hold;
}

/* --- The file --------------------------------------------------------------------------------- */

static void test_a_hold_reads_as_it_was_written(void **state)
{
    (void)state;
    const char *const conditions[] = {"agent.outcome=denied", "tool~\"*\""};
    struct hold hold = hold_of_session("case-7");
    struct hold *again;
    struct error err;
    struct buf text;

    hold.question.from_unix_ns = MADE - 5 * NS_PER_S;
    hold.question.to_unix_ns = MADE + 1;
    hold.question.users = "1000,b\xc3\xb6rge";
    hold.question.conditions = (struct config_text_list){conditions, 2};
    hold.released_unix_ns = MADE + 2;
    hold.released_by = "bob";
    hold.released_reason = "over";
    buf_init(&text, TEXT_MAX);
    assert_int_equal(hold_put(&hold, &text, &err), ST_OK);
    assert_int_equal(hold_read(buf_slice(&text), &again, &err), ST_OK);
    assert_string_equal(again->id, "case-7");
    assert_true(again->made_unix_ns == MADE && again->released_unix_ns == MADE + 2);
    assert_string_equal(again->by, hold.by);
    assert_string_equal(again->reason, hold.reason);
    assert_string_equal(again->released_by, "bob");
    assert_string_equal(again->released_reason, "over");
    assert_string_equal(again->question.session, hold.question.session);
    assert_string_equal(again->question.users, hold.question.users);
    assert_true(again->question.from_unix_ns == hold.question.from_unix_ns);
    assert_true(again->question.to_unix_ns == hold.question.to_unix_ns);
    assert_null(again->question.kinds);
    assert_false(again->question.is_everything);
    assert_int_equal(again->question.conditions.count, 2);
    assert_string_equal(again->question.conditions.items[1], conditions[1]);
    hold_destroy(again);
    buf_fini(&text);
}

/* What might be a wider hold than the one that is read is none. */
static void test_what_is_not_wholly_understood_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\"}",
        "{\"id\":\"a/b\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\","
        "\"session\":\"s\"}",
        "{\"id\":\"a\",\"at\":\"yesterday\",\"by\":\"x\",\"reason\":\"y\",\"session\":\"s\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"session\":"
        "\"s\",\"sessions\":\"t\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"session\":"
        "\"s\",\"session\":\"t\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"session\":"
        "\"s\\u0000\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"session\":"
        "7}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\","
        "\"everything\":false}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\","
        "\"everything\":true,\"session\":\"s\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\","
        "\"from\":\"2026-01-02T00:00:00Z\",\"to\":\"2026-01-02T00:00:00Z\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"session\":"
        "\"s\"} x",
    };
    struct hold *hold = NULL;
    struct error err;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (hold_read(slice_of_text(texts[i]), &hold, &err) != ST_INVALID)
            fail_msg("taken: %s", texts[i]);
        assert_true(err.text[0] != 0);
    }
}

static void test_a_hold_says_what_who_and_why(void **state)
{
    (void)state;
    struct hold hold = hold_of_session("a");
    struct error err;

    assert_int_equal(hold_check(&hold, &err), ST_OK);
    hold.question.session = NULL;
    assert_int_equal(hold_check(&hold, &err), ST_INVALID);
    hold.question.is_everything = true;
    assert_int_equal(hold_check(&hold, &err), ST_OK);
    hold.reason = NULL;
    assert_int_equal(hold_check(&hold, &err), ST_INVALID);
    hold.reason = "";
    assert_int_equal(hold_check(&hold, &err), ST_INVALID);
    hold.reason = "no UTF-8: \xff";
    assert_int_equal(hold_check(&hold, &err), ST_INVALID);
}

/* --- The directory ---------------------------------------------------------------------------- */

static void expect_ids(int dir_fd, bool with_released, const char *first, const char *second)
{
    struct hold_list list;
    struct error err;

    assert_int_equal(hold_list_read(&list, dir_fd, with_released, &err), ST_OK);
    assert_int_equal(list.count, (first != NULL) + (second != NULL));
    if (first != NULL)
        assert_string_equal(list.items[0]->id, first);
    if (second != NULL)
        assert_string_equal(list.items[1]->id, second);
    hold_list_fini(&list);
}

static uint64_t stamp_of(int dir_fd)
{
    struct error err;
    uint64_t stamp;

    assert_int_equal(hold_stamp_read(dir_fd, &stamp, &err), ST_OK);
    return stamp;
}

static void test_holds_come_and_end(void **state)
{
    (void)state;
    struct hold a = hold_of_session("a");
    struct hold b = hold_of_session("b");
    struct hold_list list;
    struct temp_dir dir;
    struct error err;

    temp_dir_make(&dir);
    expect_ids(dir.fd, true, NULL, NULL);
    uint64_t none = stamp_of(dir.fd);
    assert_int_equal(hold_release(dir.fd, "a", "x", "y", MADE, &err), ST_NOT_FOUND);
    assert_int_equal(hold_add(dir.fd, &b, &err), ST_OK);
    uint64_t one = stamp_of(dir.fd);
    assert_true(one != none);
    assert_int_equal(hold_add(dir.fd, &a, &err), ST_OK);
    assert_true(stamp_of(dir.fd) != one);
    assert_int_equal(hold_add(dir.fd, &a, &err), ST_INVALID);
    expect_ids(dir.fd, false, "a", "b");
    assert_int_equal(hold_release(dir.fd, "a", "bob", "over", MADE + 9, &err), ST_OK);
    expect_ids(dir.fd, false, "b", NULL);
    assert_int_equal(hold_list_read(&list, dir.fd, true, &err), ST_OK);
    assert_int_equal(list.count, 2);
    assert_true(list.items[0]->released_unix_ns == MADE + 9);
    assert_string_equal(list.items[0]->released_by, "bob");
    assert_string_equal(list.items[0]->reason, a.reason);
    assert_true(list.items[1]->released_unix_ns == 0);
    hold_list_fini(&list);
    assert_int_equal(hold_release(dir.fd, "a", "bob", "over", MADE, &err), ST_NOT_FOUND);
    assert_int_equal(hold_add(dir.fd, &a, &err), ST_INVALID); /* an id means one hold for ever */
    temp_dir_remove(&dir);
}

static void write_file(int dir_fd, const char *name, const char *text)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void test_what_cannot_be_read_might_hold_anything(void **state)
{
    (void)state;
    struct hold a = hold_of_session("a");
    struct hold_list list;
    struct temp_dir dir;
    struct error err;

    temp_dir_make(&dir);
    assert_int_equal(hold_add(dir.fd, &a, &err), ST_OK);
    write_file(dir.fd, HOLD_DIR_NAME "/torn.json", "{\"id\":\"torn\"");
    write_file(dir.fd, HOLD_DIR_NAME "/being-made.json.tmp", "{");
    assert_int_equal(hold_list_read(&list, dir.fd, false, &err), ST_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.unreadable, 1);
    assert_non_null(strstr(list.trouble, "holds/torn.json"));
    assert_true(hold_list_holds(&list));
    hold_list_fini(&list);
    /* Nor one that says it is another, for it could not be ended. */
    assert_int_equal(hold_release(dir.fd, "torn", "bob", "it was torn", MADE, &err), ST_OK);
    assert_int_equal(renameat(dir.fd, HOLD_DIR_NAME "/a.json", dir.fd, HOLD_DIR_NAME "/b.json"), 0);
    assert_int_equal(hold_list_read(&list, dir.fd, false, &err), ST_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(list.unreadable, 1);
    hold_list_fini(&list);
    temp_dir_remove(&dir);
}

static void test_nothing_is_deleted_while_a_hold_is_added(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct error err;
    int lock;
    int other;

    temp_dir_make(&dir);
    assert_int_equal(hold_lock_shared(dir.fd, &lock, &err), ST_OK);
    assert_true(lock >= 0);
    assert_int_equal(hold_lock_shared(dir.fd, &other, &err), ST_OK);
    close(other);
    close(lock);
    int adding = openat(dir.fd, HOLD_DIR_NAME, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(adding, LOCK_EX), 0);
    assert_int_equal(hold_lock_shared(dir.fd, &lock, &err), ST_AGAIN);
    assert_int_equal(lock, -1);
    close(adding);
    temp_dir_remove(&dir);
}

/* --- What is covered -------------------------------------------------------------------------- */

#define UID "019e0000-0000-7000-8000-000000000001"

/* A line of kind, session and outcome; what is "" is not said. */
static struct slice line_of(char out[TEXT_MAX], const char *kind, const char *session,
                            const char *outcome, const char *more)
{
    int size = snprintf(
        out, TEXT_MAX,
        "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{"
        "\"timeUnixNano\":\"5000000000\",\"attributes\":["
        "{\"key\":\"session.id\",\"value\":{\"stringValue\":\"%s\"}},"
        "{\"key\":\"log.record.uid\",\"value\":{\"stringValue\":\"" UID "\"}},"
        "{\"key\":\"agent.outcome\",\"value\":{\"stringValue\":\"%s\"}},%s"
        "{\"key\":\"agent.event.kind\",\"value\":{\"stringValue\":\"%s\"}}]}]}]}]}\n",
        session, outcome, more, kind);
    assert_true(size > 0 && size < TEXT_MAX);
    return slice_of(out, (size_t)size);
}

static struct record_class classify(const struct retention_config *config, struct hold *hold,
                                    struct slice line)
{
    struct hold *items[] = {hold};
    const struct hold_list list = {.items = items, .count = hold != NULL};
    struct record_classifier *classifier;
    struct record_class found;
    struct error err;

    assert_int_equal(record_classifier_create(config, &list, &classifier, &err), ST_OK);
    record_classify(classifier, line, &found);
    assert_true(record_classifier_counts(classifier)[0] == found.is_held);
    record_classifier_destroy(classifier);
    return found;
}

static void test_the_first_rule_that_fits_counts(void **state)
{
    (void)state;
    static const char *const prompts[] = {"agent.prompt"};
    static const char *const denied[] = {"denied"};
    static const char *const sessions[] = {"session-one"};
    static const char *const users[] = {"1000"};
    const struct retention_rule rules[] = {
        {.name = "users", .users = {users, 1}},
        {.name = "severe", .min_severity = 5},
        {.name = "prompts", .kinds = {prompts, 1}, .sessions = {sessions, 1}},
        {.name = "denied", .outcomes = {denied, 1}, .exclude_kinds = {prompts, 1}},
    };
    const struct retention_config config = {.rules = {rules, COUNT_OF(rules)}};
    char text[TEXT_MAX];
    static const struct {
        const char *kind, *session, *outcome, *more;
        size_t class;
    } cases[] = {
        {"agent.prompt", "session-one", "denied", "", 2},
        /* A part of an id is another id. */
        {"agent.prompt", "session-on", "denied", "", 4},
        {"agent.tool", "session-one", "denied", "", 3},
        {"agent.tool", "session-one", "success", "", 4},
        {"agent.tool", "x", "success",
         "{\"key\":\"agent.severity\",\"value\":{\"intValue\":\"16\"}},", 4},
        {"agent.tool", "x", "success",
         "{\"key\":\"agent.severity\",\"value\":{\"intValue\":\"17\"}},", 1},
        /* Whoever says he is uid 1000 need not be: the kernel's word stands at the end. */
        {"agent.tool", "x", "success",
         "{\"key\":\"user.name\",\"value\":{\"stringValue\":\"1000\"}},", 4},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice line =
            line_of(text, cases[i].kind, cases[i].session, cases[i].outcome, cases[i].more);
        struct record_class found = classify(&config, NULL, line);
        if (found.class != cases[i].class)
            fail_msg("case %u: class %u", (unsigned)i, (unsigned)found.class);
        assert_false(found.is_held);
        assert_true(found.arrived_unix_ns == (UINT64_C(0x019e0000) << 16) * NS_PER_MS);
    }
    struct record_class found = classify(&config, NULL, SLICE("no record\n"));
    assert_int_equal(found.class, 4);
    assert_int_equal(found.arrived_unix_ns, 0);
}

static void expect_held(const struct hold_question *question, struct slice line, bool expected)
{
    static const struct retention_config config = {.max_age_ns = 0};
    struct hold hold = {.made_unix_ns = MADE, .by = "x", .reason = "y", .question = *question};

    assert_int_equal(classify(&config, &hold, line).is_held, expected);
}

#define HELD(expected, ...) expect_held(&(const struct hold_question){__VA_ARGS__}, line, expected)

static void test_a_hold_covers_what_its_question_finds(void **state)
{
    (void)state;
    static const char *const yes[] = {"agent.outcome=denied"};
    static const char *const no[] = {"agent.outcome=denied", "agent.outcome=success"};
    static const char *const none[] = {"="};
    const uint64_t arrived = (UINT64_C(0x019e0000) << 16) * NS_PER_MS;
    char text[TEXT_MAX];
    struct slice line = line_of(text, "agent.tool", "session-one", "denied", "");

    HELD(true, .session = "session-one");
    HELD(false, .session = "session-two");
    HELD(true, .kinds = "prompt,tool");
    HELD(true, .conditions = {yes, 1});
    HELD(false, .conditions = {no, 2});
    HELD(true, .grep = "sess.*one");
    HELD(false, .grep = "sess.*two");
    HELD(true, .is_everything = true);
    /* When it happened, by the agent's word, or when it came, by ours. */
    HELD(true, .from_unix_ns = 5 * NS_PER_S, .to_unix_ns = 5 * NS_PER_S + 1);
    HELD(true, .from_unix_ns = arrived, .to_unix_ns = arrived + 1);
    HELD(false, .from_unix_ns = 5 * NS_PER_S + 1, .to_unix_ns = arrived);
    HELD(true, .from_unix_ns = arrived);
    HELD(false, .from_unix_ns = arrived, .session = "session-two");
    /* What cannot be asked holds everything. */
    HELD(true, .grep = "(");
    HELD(true, .conditions = {none, 1});
    line = SLICE("no record\n");
    HELD(true, .session = "session-two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hold_reads_as_it_was_written),
        cmocka_unit_test(test_what_is_not_wholly_understood_is_refused),
        cmocka_unit_test(test_a_hold_says_what_who_and_why),
        cmocka_unit_test(test_holds_come_and_end),
        cmocka_unit_test(test_what_cannot_be_read_might_hold_anything),
        cmocka_unit_test(test_nothing_is_deleted_while_a_hold_is_added),
        cmocka_unit_test(test_the_first_rule_that_fits_counts),
        cmocka_unit_test(test_a_hold_covers_what_its_question_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
