/* SPDX-License-Identifier: Apache-2.0 */
/* unix_receiver_test.c -- the Unix protocol over real sockets into a real journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"
#include "receivers/unix_receiver.h"
#include "support/test_journal.h"
#include "telltale/client.h"
#include "util/clock.h"

#define HELLO "{\"telltale\":1,\"ack\":true}\n"

struct fixture {
    struct test_journal journal;
    struct temp_dir dir;
    struct loop *loop;
    struct listener listener;
    struct admission admission;
    struct unix_receiver *receiver;
    struct error err;
    char heard[65536]; /* what the client of the present test was told */
    size_t heard_size;
};

static struct fixture fixture;

static void start(const struct unix_receiver_settings *changes)
{
    char address[LISTENER_NAME_MAX];
    const struct listener_settings listening = {.mode = 0600};
    struct unix_receiver_settings settings = *changes;

    temp_dir_make(&fixture.dir);
    snprintf(address, sizeof(address), "unix:%.90s/a.sock", fixture.dir.path);
    assert_int_equal(listener_open(address, &listening, &fixture.listener, &fixture.err), ST_OK);
    assert_int_equal(loop_create(&fixture.loop, &fixture.err), ST_OK);
    if (fixture.admission.limit == 0)
        admission_init(&fixture.admission, (size_t)64 << 20);
    settings.listeners = &fixture.listener;
    settings.listener_count = 1;
    settings.limits = otlp_limits_default;
    if (settings.connections_max == 0)
        settings.connections_max = 64;
    if (settings.connections_per_uid_max == 0)
        settings.connections_per_uid_max = 64;
    assert_int_equal(unix_receiver_start(&settings, fixture.loop, fixture.journal.journal,
                                         &fixture.admission, &fixture.receiver, &fixture.err),
                     ST_OK);
}

static int setup(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    test_journal_open(&fixture.journal);
    start(&(struct unix_receiver_settings){0});
    return 0;
}

static int setup_journal_only(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_journal_release_syncs();
    unix_receiver_stop(fixture.receiver);
    assert_int_equal(admission_used(&fixture.admission), 0);
    listener_close(&fixture.listener);
    loop_destroy(fixture.loop);
    test_journal_close(&fixture.journal);
    temp_dir_remove(&fixture.dir);
    return 0;
}

/* --- A client within the test's thread ------------------------------------------------------ */

static void turn(void)
{
    assert_int_equal(
        loop_run_once(fixture.loop, clock_monotonic_ns() + 2 * NS_PER_MS, &fixture.err), ST_OK);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, fixture.listener.path, strlen(fixture.listener.path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    fixture.heard_size = 0;
    fixture.heard[0] = 0;
    return fd;
}

/* Sends all, turning the loop while the socket is full. */
static void say_bytes(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            turn();
            continue;
        }
        data += sent;
        size -= (size_t)sent;
    }
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* Takes what was answered so far; false at the end of the stream. */
static bool listen_now(int fd)
{
    char *out = fixture.heard + fixture.heard_size;
    ssize_t got = recv(fd, out, sizeof(fixture.heard) - 1 - fixture.heard_size, 0);

    if (got < 0) {
        assert_true(errno == EAGAIN || errno == ECONNRESET);
        return errno == EAGAIN;
    }
    fixture.heard_size += (size_t)got;
    fixture.heard[fixture.heard_size] = 0;
    return got > 0;
}

enum { TURNS_MAX = 5000 };

/* Turns until `text` was heard. */
static void hear(int fd, const char *text)
{
    for (int i = 0; i < TURNS_MAX && strstr(fixture.heard, text) == NULL; i++) {
        turn();
        (void)listen_now(fd);
    }
    if (strstr(fixture.heard, text) == NULL)
        fail_msg("'%s' was not heard, but '%s'", text, fixture.heard);
}

static void hear_end(int fd)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        turn();
        if (!listen_now(fd))
            return;
    }
    fail_msg("the connection was not closed");
}

static void hang_up(int fd)
{
    assert_int_equal(close(fd), 0);
}

/* Turns until so many records are durable. */
static void expect_records(uint64_t count)
{
    for (int i = 0; i < TURNS_MAX && journal_committed(fixture.journal.journal) < count + 1; i++)
        turn();
    assert_int_equal(journal_committed(fixture.journal.journal), count + 1);
    assert_int_equal(test_journal_read(&fixture.journal), count);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void test_event_is_durable_and_names_its_sender(void **state)
{
    (void)state;
    char text[32];
    int fd = dial();

    say(fd, HELLO "{\"kind\":\"agent.prompt\",\"body\":\"hello\",\"attributes\":{\"a\":1,\"agent."
                  "content.state\":\"present\"}}\n");
    hear(fd, "{\"ack\":1}\n");
    assert_string_equal(fixture.heard, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "hello");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "a"), "1");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.event.kind"),
                        "agent.prompt");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.transport"),
                        "unix_socket");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.attestation"),
                        "kernel");
    snprintf(text, sizeof(text), "%d", getpid());
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.pid"), text);
    snprintf(text, sizeof(text), "%u", getuid());
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.peer.uid"), text);
    hang_up(fd);
}

static void test_nothing_is_acknowledged_before_the_sync(void **state)
{
    (void)state;
    int fd = dial();

    test_journal_hold_syncs();
    say(fd, HELLO "{\"body\":\"held\"}\n");
    for (int i = 0; i < 20; i++)
        turn();
    assert_true(listen_now(fd));
    assert_int_equal(fixture.heard_size, 0);
    assert_int_equal(journal_committed(fixture.journal.journal), 1);
    test_journal_release_syncs();
    hear(fd, "{\"ack\":1}\n");
    assert_int_equal(journal_committed(fixture.journal.journal), 2);
    hang_up(fd);
}

/* Errors come before the ack that covers them, and neighbours are kept. */
static void test_refused_events_do_not_affect_their_neighbours(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "{\"body\":\"one\"}\n{broken\n{\"body\":\"three\"}\n[]\n{\"body\":\"five\"}\n");
    hear(fd, "{\"ack\":5}\n");
    const char *second = strstr(fixture.heard, "{\"error\":{\"event\":2,\"code\":\"invalid_json\"");
    const char *fourth = strstr(fixture.heard, "{\"error\":{\"event\":4,\"code\":\"invalid_json\"");
    assert_non_null(second);
    assert_non_null(fourth);
    assert_true(second < fourth);
    assert_true(fourth < strstr(fixture.heard, "{\"ack\":5}\n"));
    assert_int_equal(test_journal_read(&fixture.journal), 3);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "one");
    assert_string_equal(test_journal_body(&fixture.journal, 1), "three");
    assert_string_equal(test_journal_body(&fixture.journal, 2), "five");
    hang_up(fd);
}

static void test_refused_event_alone_is_acknowledged_too(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "nonsense\n");
    hear(fd, "{\"ack\":1}\n");
    assert_non_null(strstr(fixture.heard, "invalid_json"));
    hang_up(fd);
}

static void test_event_in_the_middle_of_a_refused_one_waits_for_the_sync(void **state)
{
    (void)state;
    int fd = dial();

    test_journal_hold_syncs();
    say(fd, HELLO "{\"body\":\"one\"}\nnonsense\n");
    hear(fd, "\"event\":2");
    assert_null(strstr(fixture.heard, "ack"));
    test_journal_release_syncs();
    hear(fd, "{\"ack\":2}\n");
    hang_up(fd);
}

static bool group_names(const struct record_group *group, const char *text)
{
    return memmem(group->resource_logs_fields.data, group->resource_logs_fields.size, text,
                  strlen(text)) != NULL;
}

static void test_refusals_are_recorded(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "bad\nbad\nbad\n");
    hear(fd, "{\"ack\":3}\n");
    expect_records(1);
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.event.kind"),
                        "agent.pipeline");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.pipeline.reason"),
                        "parse_error");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.pipeline.count"), "3");
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "agent.transport"), "internal");
    const struct batch *batch = &fixture.journal.batch;
    const struct record_group *group = &batch->groups[batch->records[0].group_index];
    assert_true(group_names(group, "telltale"));
    assert_true(group_names(group, "host.name"));
    assert_false(group_names(group, "unknown_agent"));
    hang_up(fd);
}

static void test_sender_without_a_first_line_gets_no_answers(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, "{\"body\":\"one\"}\nbad\n{\"body\":\"two\"}\n");
    expect_records(2);
    assert_true(listen_now(fd));
    assert_int_equal(fixture.heard_size, 0);
    hang_up(fd);
}

static void test_unknown_version_is_refused(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, "{\"telltale\":2,\"ack\":true}\n{\"body\":\"one\"}\n");
    hear(fd, "{\"error\":{\"code\":\"unsupported_version\"");
    hear_end(fd);
    assert_int_equal(test_journal_read(&fixture.journal), 0);
    hang_up(fd);
}

static void test_last_line_needs_no_newline(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "{\"body\":\"one\"}\n{\"body\":\"last\"}");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    hear(fd, "{\"ack\":2}\n");
    hear_end(fd);
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    assert_string_equal(test_journal_body(&fixture.journal, 1), "last");
    hang_up(fd);
}

static void test_event_cut_by_the_end_is_refused(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "{\"body\":\"one\"}\n{\"body\":\"la");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    hear(fd, "{\"ack\":2}\n");
    assert_non_null(strstr(fixture.heard, "{\"error\":{\"event\":2,\"code\":\"invalid_json\""));
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    hang_up(fd);
}

/* As a hook with no time does it: write, close, gone. */
static void test_events_of_a_sender_that_is_gone_are_kept(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, "{\"body\":\"one\"}\n{\"body\":\"two\"}\n");
    hang_up(fd);
    expect_records(2);
    for (int i = 0; i < TURNS_MAX && unix_receiver_connections(fixture.receiver) > 0; i++)
        turn();
    assert_int_equal(unix_receiver_connections(fixture.receiver), 0);
}

static void test_empty_lines_are_no_events(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "\n\r\n{\"body\":\"one\"}\n\n");
    hear(fd, "{\"ack\":1}\n");
    hang_up(fd);
}

static void test_hook_with_a_dialect_is_kept_whole(void **state)
{
    (void)state;
    static const char line[] = "{\"dialect\":\"claude_code_hook\",\"hook_event_name\":\"Stop\"}";
    int fd = dial();

    say(fd, HELLO);
    say(fd, line);
    say(fd, "\n");
    hear(fd, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    assert_string_equal(test_journal_attribute(&fixture.journal, 0, "log.record.original"), line);
    hang_up(fd);
}

static void test_events_stand_under_their_own_resource(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "{\"body\":\"0\"}\n"
                  "{\"body\":\"1\",\"resource\":{\"service.name\":\"proxy\"}}\n"
                  "{\"resource\":{\"service.name\":\"proxy\"},\"body\":\"2\"}\n"
                  "{\"body\":\"3\"}\n");
    hear(fd, "{\"ack\":4}\n");
    assert_int_equal(test_journal_read(&fixture.journal), 4);
    const struct batch *batch = &fixture.journal.batch;
    for (size_t i = 0; i < 4; i++) {
        const struct record_group *group = &batch->groups[batch->records[i].group_index];
        bool has_own = i == 1 || i == 2;
        assert_int_equal(group_names(group, "proxy"), has_own);
        assert_int_equal(group_names(group, "unknown_agent"), !has_own);
        assert_true(group_names(group, "host.name"));
        assert_int_equal(test_journal_body(&fixture.journal, i)[0], '0' + (int)i);
    }
    hang_up(fd);
}

/* --- Limits -------------------------------------------------------------------------------------
 */

static void test_too_large_event_is_skipped_and_its_neighbours_are_kept(void **state)
{
    (void)state;
    enum { SIZE = 17 << 20, PIECE = 1 << 20 };
    char *piece = malloc(PIECE);
    int fd = dial();

    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    say(fd, HELLO "{\"body\":\"before\"}\n{\"body\":\"");
    for (int i = 0; i < SIZE / PIECE; i++)
        say_bytes(fd, piece, PIECE);
    say(fd, "\"}\n{\"body\":\"after\"}\n");
    free(piece);
    hear(fd, "{\"ack\":3}\n");
    assert_non_null(strstr(fixture.heard, "{\"error\":{\"event\":2,\"code\":\"too_large\""));
    assert_true(test_journal_read(&fixture.journal) >= 2);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "before");
    assert_string_equal(test_journal_body(&fixture.journal, 1), "after");
    hang_up(fd);
}

static void test_large_event_within_the_limit_is_kept(void **state)
{
    (void)state;
    enum { SIZE = 9 << 20 };
    char *body = malloc(SIZE);
    int fd = dial();

    assert_non_null(body);
    memset(body, 'x', SIZE);
    say(fd, HELLO "{\"body\":\"");
    say_bytes(fd, body, SIZE);
    say(fd, "\"}\n");
    free(body);
    hear(fd, "{\"ack\":1}\n");
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    assert_true(fixture.journal.batch.records[0].bytes.size > SIZE);
    hang_up(fd);
}

/* Its errors overflow, its events do not. */
static void test_sender_that_never_reads_is_served(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    int fd = dial();

    say(fd, HELLO);
    for (int i = 0; i < COUNT; i++)
        say(fd, "bad\n");
    say(fd, "{\"body\":\"kept\"}\n");
    for (int i = 0; i < TURNS_MAX && journal_committed(fixture.journal.journal) < 2; i++)
        turn();
    /* Now it reads after all: it is told how much it has missed. */
    for (int i = 0; i < TURNS_MAX && strstr(fixture.heard, "{\"ack\":20001}") == NULL; i++) {
        fixture.heard_size = fixture.heard_size > 60000 ? 0 : fixture.heard_size;
        (void)listen_now(fd);
        turn();
    }
    assert_non_null(strstr(fixture.heard, "\"code\":\"errors_lost\""));
    assert_non_null(strstr(fixture.heard, "{\"ack\":20001}"));
    hang_up(fd);
}

static void test_connections_over_the_limit_are_told_so(void **state)
{
    (void)state;
    int fds[3];

    test_journal_open(&fixture.journal);
    start(&(struct unix_receiver_settings){.connections_max = 2});
    for (int i = 0; i < 2; i++) {
        fds[i] = dial();
        say(fds[i], HELLO "{\"body\":\"x\"}\n");
        hear(fds[i], "{\"ack\":1}\n");
    }
    fds[2] = dial();
    hear(fds[2], "{\"error\":{\"code\":\"too_many_connections\"");
    hear_end(fds[2]);
    hang_up(fds[2]);
    hang_up(fds[0]);
    for (int i = 0; i < TURNS_MAX && unix_receiver_connections(fixture.receiver) > 1; i++)
        turn();
    fds[2] = dial();
    say(fds[2], HELLO "{\"body\":\"x\"}\n");
    hear(fds[2], "{\"ack\":1}\n");
    hang_up(fds[1]);
    hang_up(fds[2]);
}

static void test_connections_of_one_user_are_limited(void **state)
{
    (void)state;

    test_journal_open(&fixture.journal);
    start(&(struct unix_receiver_settings){.connections_per_uid_max = 1});
    int first = dial();
    turn();
    int second = dial();
    hear(second, "{\"error\":{\"code\":\"too_many_connections\",\"message\":\"this user");
    hear_end(second);
    hang_up(first);
    hang_up(second);
}

/* Unfinished events want more than there is: some are given up, so that another can pass. */
static void test_short_memory_costs_the_largest_unfinished_event(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20, UNFINISHED = 3 };
    int fds[UNFINISHED];
    char *piece = malloc(PIECE);

    test_journal_open(&fixture.journal);
    admission_init(&fixture.admission, (size_t)2 << 20);
    start(&(struct unix_receiver_settings){.stall_ns = 1});
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    for (int i = 0; i < UNFINISHED; i++) {
        fds[i] = dial();
        say(fds[i], HELLO "{\"body\":\"");
        say_bytes(fds[i], piece, PIECE / 2);
        for (int j = 0; j < 20; j++)
            turn();
    }
    assert_true(admission_used(&fixture.admission) >= (size_t)2 << 20);
    for (int i = 0; i < UNFINISHED; i++)
        say_bytes(fds[i], piece, PIECE);
    int refused = 0;
    for (int i = 0; i < UNFINISHED; i++) {
        fixture.heard_size = 0;
        fixture.heard[0] = 0;
        say(fds[i], "\"}\n");
        hear(fds[i], "{\"ack\":1}\n");
        refused += strstr(fixture.heard, "\"code\":\"overloaded\"") != NULL;
        hang_up(fds[i]);
    }
    assert_in_range(refused, 1, UNFINISHED - 1);
    free(piece);
}

/* --- The journal ----------------------------------------------------------------------------- */

static void test_full_journal_refuses_each_event(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    int fd;

    test_journal_open_with(&fixture.journal, 1 << 20, 64 << 20);
    start(&(struct unix_receiver_settings){0});
    fd = dial();
    say(fd, HELLO);
    char line[1024];
    memset(line, 'x', sizeof(line));
    memcpy(line, "{\"body\":\"", 9);
    memcpy(line + sizeof(line) - 4, "\"}\n", 4);
    for (int i = 0; i < COUNT; i++) {
        say(fd, line);
        (void)listen_now(fd);
        fixture.heard_size = fixture.heard_size > 60000 ? 0 : fixture.heard_size;
    }
    hear(fd, "\"code\":\"journal_full\"");
    for (int i = 0; i < TURNS_MAX && strstr(fixture.heard, "{\"ack\":3000}") == NULL; i++) {
        fixture.heard_size = fixture.heard_size > 60000 ? 0 : fixture.heard_size;
        turn();
        (void)listen_now(fd);
    }
    assert_non_null(strstr(fixture.heard, "{\"ack\":3000}"));
    hang_up(fd);
}

static void test_failed_disk_is_an_error_and_no_ack_without_it(void **state)
{
    (void)state;
    int fd = dial();

    test_journal_fail_syncs();
    say(fd, HELLO "{\"body\":\"one\"}\n");
    hear(fd, "{\"ack\":1}\n");
    assert_non_null(strstr(fixture.heard, "{\"error\":{\"event\":1,\"code\":\"internal\""));
    hang_up(fd);
}

/* The queue of the journal has room for one event or two: reading stops, and goes on. */
static void test_slow_journal_stops_reading_and_loses_nothing(void **state)
{
    (void)state;
    enum { COUNT = 20000 };

    test_journal_open_with(&fixture.journal, UINT64_C(1) << 30, 64 << 10);
    start(&(struct unix_receiver_settings){.batch_size_target = 16 << 10});
    int fd = dial();
    say(fd, HELLO);
    test_journal_hold_syncs();
    char line[64];
    int sent = 0;
    /* Until the socket is full: nobody reads it any more. */
    for (;; sent++) {
        int size = snprintf(line, sizeof(line), "{\"body\":\"%d\"}\n", sent);
        if (send(fd, line, (size_t)size, MSG_NOSIGNAL) < 0) {
            for (int i = 0; i < 50; i++)
                turn();
            if (send(fd, line, (size_t)size, MSG_NOSIGNAL) < 0)
                break;
        }
        assert_true(sent < 1000000);
    }
    assert_true(sent > 0);
    test_journal_release_syncs();
    for (int i = 0; i < COUNT; i++, sent++) {
        snprintf(line, sizeof(line), "{\"body\":\"%d\"}\n", sent);
        say(fd, line);
        if (i % 1000 == 0)
            (void)listen_now(fd);
    }
    char last[48];
    snprintf(last, sizeof(last), "{\"ack\":%d}\n", sent);
    for (int i = 0; i < TURNS_MAX && strstr(fixture.heard, last) == NULL; i++) {
        fixture.heard_size = fixture.heard_size > 60000 ? 0 : fixture.heard_size;
        turn();
        (void)listen_now(fd);
    }
    assert_non_null(strstr(fixture.heard, last));
    assert_int_equal(test_journal_read(&fixture.journal), sent);
    for (int i = 0; i < sent; i += 997) {
        snprintf(line, sizeof(line), "%d", i);
        assert_string_equal(test_journal_body(&fixture.journal, (size_t)i), line);
    }
    hang_up(fd);
}

static void test_stop_writes_the_last_acks(void **state)
{
    (void)state;
    int fd = dial();

    say(fd, HELLO "{\"body\":\"one\"}\n");
    hear(fd, "{\"ack\":1}\n");
    test_journal_hold_syncs();
    say(fd, "{\"body\":\"two\"}\n");
    for (int i = 0; i < 5; i++)
        turn();
    test_journal_release_syncs();
    unix_receiver_stop(fixture.receiver);
    fixture.receiver = NULL;
    while (listen_now(fd))
        continue;
    assert_non_null(strstr(fixture.heard, "\"code\":\"stopping\""));
    assert_non_null(strstr(fixture.heard, "{\"ack\":2}\n"));
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    hang_up(fd);
}

/* --- Senders without manners
 * ---------------------------------------------------------------------- */

enum { RESTLESS = 24, ACTIONS = 20000 };

/* Sends what the socket takes. */
static void mumble(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* One of them does one thing. */
static void act(int *fd, unsigned int choice)
{
    static const char *const words[] = {
        HELLO,
        "{\"body\":\"x\"}\n",
        "{\"body\":\"x\"}\nbad\n{\"body\":\"y\",\"resource\":{\"service.name\":\"z\"}}\n",
        "{\"body\":\"begins",
        "\"}\n",
        "\n\n\r\n",
        "{\"telltale\":9}\n",
        "bad\nbad\nbad\nbad\n",
    };
    char ignored[256];

    if (*fd < 0) {
        *fd = dial();
        return;
    }
    switch (choice % 12) {
    case 0:
        hang_up(*fd);
        *fd = -1;
        break;
    case 1:
        (void)shutdown(*fd, SHUT_WR); /* it may be closed from the other end */
        break;
    case 2:
        (void)recv(*fd, ignored, sizeof(ignored), 0);
        break;
    case 3:
        (void)shutdown(*fd, SHUT_RD);
        break;
    default:
        mumble(*fd, words[(choice / 12) % COUNT_OF(words)]);
        break;
    }
}

static void test_senders_that_come_and_go_leave_nothing_behind(void **state)
{
    (void)state;
    int fds[RESTLESS];
    uint64_t random = 88172645463325252U; /* xorshift */

    test_journal_open_with(&fixture.journal, UINT64_C(1) << 30, 16 << 10);
    start(&(struct unix_receiver_settings){.batch_size_target = 4 << 10, .connections_max = 20});
    for (int i = 0; i < RESTLESS; i++)
        fds[i] = -1;
    for (int i = 0; i < ACTIONS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (random % 64 == 0)
            test_journal_hold_syncs();
        else if (random % 64 < 8)
            test_journal_release_syncs();
        act(&fds[(random >> 8) % RESTLESS], (unsigned int)(random >> 20));
        if (random % 4 == 0)
            assert_int_equal(loop_run_once(fixture.loop, 0, &fixture.err), ST_OK);
    }
    test_journal_release_syncs();
    for (int i = 0; i < RESTLESS; i++) {
        if (fds[i] >= 0)
            hang_up(fds[i]);
    }
    for (int i = 0; i < TURNS_MAX && unix_receiver_connections(fixture.receiver) > 0; i++)
        turn();
    assert_int_equal(unix_receiver_connections(fixture.receiver), 0);
    int fd = dial(); /* and it still serves */
    say(fd, HELLO "{\"body\":\"x\"}\n");
    hear(fd, "{\"ack\":1}\n");
    hang_up(fd);
}

/* --- Many senders at once ------------------------------------------------------------------------
 */

enum { SENDERS = 4, EVENTS_OF_A_SENDER = 2000 };

static void *run_loop(void *context)
{
    struct error err;

    (void)context;
    return (void *)(uintptr_t)(loop_run(fixture.loop, &err) == ST_OK);
}

/* Gives the number of events that were acknowledged. */
static void *send_events(void *context)
{
    struct telltale_client *client;
    struct error err;
    char event[64];
    uint64_t acked = 0;

    if (telltale_client_open(fixture.listener.path, UINT64_MAX, &client, &err) != ST_OK)
        return NULL;
    enum status st = ST_OK;
    for (int i = 0; i < EVENTS_OF_A_SENDER && st == ST_OK; i++) {
        int size = snprintf(event, sizeof(event), "{\"body\":\"%s %d\"}", (char *)context, i);
        st = telltale_client_send(client, event, (size_t)size, UINT64_MAX, &err);
        if (st == ST_OK && i % 100 == 0)
            st = telltale_client_wait(client, UINT64_MAX, &err);
    }
    if (st == ST_OK && telltale_client_wait(client, UINT64_MAX, &err) == ST_OK)
        acked = telltale_client_acked(client);
    telltale_client_close(client);
    return (void *)(uintptr_t)acked;
}

static void assert_in_order(size_t count)
{
    int next[SENDERS] = {0};

    for (size_t i = 0; i < count; i++) {
        char sender[2];
        int number;
        assert_int_equal(sscanf(test_journal_body(&fixture.journal, i), "%1s %d", sender, &number),
                         2);
        assert_int_equal(number, next[sender[0] - 'a']++);
    }
}

static void test_events_of_many_clients_are_kept_each_in_its_order(void **state)
{
    (void)state;
    static char names[SENDERS][2] = {"a", "b", "c", "d"};
    pthread_t loop_thread;
    pthread_t threads[SENDERS];
    void *result;

    assert_int_equal(pthread_create(&loop_thread, NULL, run_loop, NULL), 0);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_events, names[i]), 0);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((uintptr_t)result, EVENTS_OF_A_SENDER);
    }
    loop_stop(fixture.loop);
    assert_int_equal(pthread_join(loop_thread, &result), 0);
    assert_true((bool)result);
    assert_int_equal(test_journal_read(&fixture.journal), SENDERS * EVENTS_OF_A_SENDER);
    assert_in_order(SENDERS * EVENTS_OF_A_SENDER);
}

#define UNIX_TEST(test)      cmocka_unit_test_setup_teardown(test, setup, teardown)
#define UNIX_TEST_BARE(test) cmocka_unit_test_setup_teardown(test, setup_journal_only, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_TEST(test_event_is_durable_and_names_its_sender),
        UNIX_TEST(test_nothing_is_acknowledged_before_the_sync),
        UNIX_TEST(test_refused_events_do_not_affect_their_neighbours),
        UNIX_TEST(test_refused_event_alone_is_acknowledged_too),
        UNIX_TEST(test_event_in_the_middle_of_a_refused_one_waits_for_the_sync),
        UNIX_TEST(test_refusals_are_recorded),
        UNIX_TEST(test_sender_without_a_first_line_gets_no_answers),
        UNIX_TEST(test_unknown_version_is_refused),
        UNIX_TEST(test_last_line_needs_no_newline),
        UNIX_TEST(test_event_cut_by_the_end_is_refused),
        UNIX_TEST(test_events_of_a_sender_that_is_gone_are_kept),
        UNIX_TEST(test_empty_lines_are_no_events),
        UNIX_TEST(test_hook_with_a_dialect_is_kept_whole),
        UNIX_TEST(test_events_stand_under_their_own_resource),
        UNIX_TEST(test_too_large_event_is_skipped_and_its_neighbours_are_kept),
        UNIX_TEST(test_large_event_within_the_limit_is_kept),
        UNIX_TEST(test_sender_that_never_reads_is_served),
        UNIX_TEST_BARE(test_connections_over_the_limit_are_told_so),
        UNIX_TEST_BARE(test_connections_of_one_user_are_limited),
        UNIX_TEST_BARE(test_short_memory_costs_the_largest_unfinished_event),
        UNIX_TEST_BARE(test_full_journal_refuses_each_event),
        UNIX_TEST(test_failed_disk_is_an_error_and_no_ack_without_it),
        UNIX_TEST_BARE(test_slow_journal_stops_reading_and_loses_nothing),
        UNIX_TEST(test_stop_writes_the_last_acks),
        UNIX_TEST_BARE(test_senders_that_come_and_go_leave_nothing_behind),
        UNIX_TEST(test_events_of_many_clients_are_kept_each_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
