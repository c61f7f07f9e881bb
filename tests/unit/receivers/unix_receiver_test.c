/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver_test.c -- the Unix protocol over real sockets into a real journal: events, answers
 * and the end of a connection.  What goes over a limit is in unix_limits_test.c, many senders in
 * unix_senders_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/unix_bench.h"

/* --- Events ----------------------------------------------------------------------------------- */

static void test_event_is_durable_and_names_its_sender(void **state)
{
    (void)state;
    char text[32];
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO
                   "{\"kind\":\"agent.prompt\",\"body\":\"hello\",\"attributes\":{\"a\":1,\"agent."
                   "content.state\":\"present\"}}\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_string_equal(unix_bench.heard, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&unix_bench.journal), 1);
    assert_string_equal(test_journal_body(&unix_bench.journal, 0), "hello");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "a"), "1");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.event.kind"),
                        "agent.prompt");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.transport"),
                        "unix_socket");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.peer.attestation"),
                        "kernel");
    snprintf(text, sizeof(text), "%d", getpid());
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.peer.pid"), text);
    snprintf(text, sizeof(text), "%u", getuid());
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.peer.uid"), text);
    unix_bench_hang_up(fd);
}

static void test_nothing_is_acknowledged_before_the_sync(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    test_journal_hold_syncs();
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"held\"}\n");
    for (int i = 0; i < 20; i++)
        unix_bench_turn();
    assert_true(unix_bench_listen(fd));
    assert_int_equal(unix_bench.heard_size, 0);
    assert_int_equal(journal_committed(unix_bench.journal.journal), 1);
    test_journal_release_syncs();
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_int_equal(journal_committed(unix_bench.journal.journal), 2);
    unix_bench_hang_up(fd);
}

/* Errors come before the ack that covers them, and neighbours are kept. */
static void test_refused_events_do_not_affect_their_neighbours(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO
                   "{\"body\":\"one\"}\n{broken\n{\"body\":\"three\"}\n[]\n{\"body\":\"five\"}\n");
    unix_bench_hear(fd, "{\"ack\":5}\n");
    const char *second =
        strstr(unix_bench.heard, "{\"error\":{\"event\":2,\"code\":\"invalid_json\"");
    const char *fourth =
        strstr(unix_bench.heard, "{\"error\":{\"event\":4,\"code\":\"invalid_json\"");
    assert_non_null(second);
    assert_non_null(fourth);
    assert_true(second < fourth);
    assert_true(fourth < strstr(unix_bench.heard, "{\"ack\":5}\n"));
    assert_int_equal(test_journal_read(&unix_bench.journal), 3);
    assert_string_equal(test_journal_body(&unix_bench.journal, 0), "one");
    assert_string_equal(test_journal_body(&unix_bench.journal, 1), "three");
    assert_string_equal(test_journal_body(&unix_bench.journal, 2), "five");
    unix_bench_hang_up(fd);
}

static void test_refused_event_alone_is_acknowledged_too(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "nonsense\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_non_null(strstr(unix_bench.heard, "invalid_json"));
    unix_bench_hang_up(fd);
}

static void test_event_in_the_middle_of_a_refused_one_waits_for_the_sync(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    test_journal_hold_syncs();
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"one\"}\nnonsense\n");
    unix_bench_hear(fd, "\"event\":2");
    assert_null(strstr(unix_bench.heard, "ack"));
    test_journal_release_syncs();
    unix_bench_hear(fd, "{\"ack\":2}\n");
    unix_bench_hang_up(fd);
}

static bool group_names(const struct record_group *group, const char *text)
{
    return memmem(group->resource_logs_fields.data, group->resource_logs_fields.size, text,
                  strlen(text)) != NULL;
}

static void test_refusals_are_recorded(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "bad\nbad\nbad\n");
    unix_bench_hear(fd, "{\"ack\":3}\n");
    unix_bench_expect_records(1);
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.event.kind"),
                        "agent.pipeline");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.pipeline.reason"),
                        "parse_error");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.pipeline.count"),
                        "3");
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "agent.transport"),
                        "internal");
    const struct batch *batch = &unix_bench.journal.batch;
    const struct record_group *group = &batch->groups[batch->records[0].group_index];
    assert_true(group_names(group, "telltale"));
    assert_true(group_names(group, "host.name"));
    assert_false(group_names(group, "unknown_agent"));
    unix_bench_hang_up(fd);
}

static void test_sender_without_a_first_line_gets_no_answers(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, "{\"body\":\"one\"}\nbad\n{\"body\":\"two\"}\n");
    unix_bench_expect_records(2);
    assert_true(unix_bench_listen(fd));
    assert_int_equal(unix_bench.heard_size, 0);
    unix_bench_hang_up(fd);
}

static void test_unknown_version_is_refused(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, "{\"telltale\":2,\"ack\":true}\n{\"body\":\"one\"}\n");
    unix_bench_hear(fd, "{\"error\":{\"code\":\"unsupported_version\"");
    unix_bench_hear_end(fd);
    assert_int_equal(test_journal_read(&unix_bench.journal), 0);
    unix_bench_hang_up(fd);
}

static void test_last_line_needs_no_newline(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"one\"}\n{\"body\":\"last\"}");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    unix_bench_hear(fd, "{\"ack\":2}\n");
    unix_bench_hear_end(fd);
    assert_int_equal(test_journal_read(&unix_bench.journal), 2);
    assert_string_equal(test_journal_body(&unix_bench.journal, 1), "last");
    unix_bench_hang_up(fd);
}

static void test_event_cut_by_the_end_is_refused(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"one\"}\n{\"body\":\"la");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    unix_bench_hear(fd, "{\"ack\":2}\n");
    assert_non_null(strstr(unix_bench.heard, "{\"error\":{\"event\":2,\"code\":\"invalid_json\""));
    assert_int_equal(test_journal_read(&unix_bench.journal), 1);
    unix_bench_hang_up(fd);
}

/* As a hook with no time does it: write, close, gone. */
static void test_events_of_a_sender_that_is_gone_are_kept(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, "{\"body\":\"one\"}\n{\"body\":\"two\"}\n");
    unix_bench_hang_up(fd);
    unix_bench_expect_records(2);
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && unix_receiver_connections(unix_bench.receiver) > 0;
         i++)
        unix_bench_turn();
    assert_int_equal(unix_receiver_connections(unix_bench.receiver), 0);
}

static void test_empty_lines_are_no_events(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "\n\r\n{\"body\":\"one\"}\n\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    unix_bench_hang_up(fd);
}

static void test_hook_with_a_dialect_is_kept_whole(void **state)
{
    (void)state;
    static const char line[] = "{\"dialect\":\"claude_code_hook\",\"hook_event_name\":\"Stop\"}";
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO);
    unix_bench_say(fd, line);
    unix_bench_say(fd, "\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&unix_bench.journal), 1);
    assert_string_equal(test_journal_attribute(&unix_bench.journal, 0, "log.record.original"),
                        line);
    unix_bench_hang_up(fd);
}

static void test_events_stand_under_their_own_resource(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd,
                   UNIX_BENCH_HELLO "{\"body\":\"0\"}\n"
                                    "{\"body\":\"1\",\"resource\":{\"service.name\":\"proxy\"}}\n"
                                    "{\"resource\":{\"service.name\":\"proxy\"},\"body\":\"2\"}\n"
                                    "{\"body\":\"3\"}\n");
    unix_bench_hear(fd, "{\"ack\":4}\n");
    assert_int_equal(test_journal_read(&unix_bench.journal), 4);
    const struct batch *batch = &unix_bench.journal.batch;
    for (size_t i = 0; i < 4; i++) {
        const struct record_group *group = &batch->groups[batch->records[i].group_index];
        bool has_own = i == 1 || i == 2;
        assert_int_equal(group_names(group, "proxy"), has_own);
        assert_int_equal(group_names(group, "unknown_agent"), !has_own);
        assert_true(group_names(group, "host.name"));
        assert_int_equal(test_journal_body(&unix_bench.journal, i)[0], '0' + (int)i);
    }
    unix_bench_hang_up(fd);
}

static void test_failed_disk_is_an_error_and_no_ack_without_it(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    test_journal_fail_syncs();
    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"one\"}\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    assert_non_null(strstr(unix_bench.heard, "{\"error\":{\"event\":1,\"code\":\"internal\""));
    unix_bench_hang_up(fd);
}

static void test_stop_writes_the_last_acks(void **state)
{
    (void)state;
    int fd = unix_bench_dial();

    unix_bench_say(fd, UNIX_BENCH_HELLO "{\"body\":\"one\"}\n");
    unix_bench_hear(fd, "{\"ack\":1}\n");
    test_journal_hold_syncs();
    unix_bench_say(fd, "{\"body\":\"two\"}\n");
    for (int i = 0; i < 5; i++)
        unix_bench_turn();
    test_journal_release_syncs();
    unix_receiver_stop(unix_bench.receiver);
    unix_bench.receiver = NULL;
    while (unix_bench_listen(fd))
        continue;
    assert_non_null(strstr(unix_bench.heard, "\"code\":\"stopping\""));
    assert_non_null(strstr(unix_bench.heard, "{\"ack\":2}\n"));
    assert_int_equal(test_journal_read(&unix_bench.journal), 2);
    unix_bench_hang_up(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_BENCH_TEST(test_event_is_durable_and_names_its_sender),
        UNIX_BENCH_TEST(test_nothing_is_acknowledged_before_the_sync),
        UNIX_BENCH_TEST(test_refused_events_do_not_affect_their_neighbours),
        UNIX_BENCH_TEST(test_refused_event_alone_is_acknowledged_too),
        UNIX_BENCH_TEST(test_event_in_the_middle_of_a_refused_one_waits_for_the_sync),
        UNIX_BENCH_TEST(test_refusals_are_recorded),
        UNIX_BENCH_TEST(test_sender_without_a_first_line_gets_no_answers),
        UNIX_BENCH_TEST(test_unknown_version_is_refused),
        UNIX_BENCH_TEST(test_last_line_needs_no_newline),
        UNIX_BENCH_TEST(test_event_cut_by_the_end_is_refused),
        UNIX_BENCH_TEST(test_events_of_a_sender_that_is_gone_are_kept),
        UNIX_BENCH_TEST(test_empty_lines_are_no_events),
        UNIX_BENCH_TEST(test_hook_with_a_dialect_is_kept_whole),
        UNIX_BENCH_TEST(test_events_stand_under_their_own_resource),
        UNIX_BENCH_TEST(test_failed_disk_is_an_error_and_no_ack_without_it),
        UNIX_BENCH_TEST(test_stop_writes_the_last_acks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
