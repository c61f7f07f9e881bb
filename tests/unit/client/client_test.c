/* SPDX-License-Identifier: Apache-2.0 */
/* client_test.c -- libtelltale against a daemon whose every word the test chooses. */
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

#include "support/temp_dir.h"
#include "telltale/client.h"
#include "util/clock.h"

#define FOREVER UINT64_MAX

struct fixture {
    struct temp_dir dir;
    char path[108];
    int listener;
    int server; /* the daemon's end */
    struct telltale_client *client;
    struct error err;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    fixture = (struct fixture){.server = -1};
    temp_dir_make(&fixture.dir);
    snprintf(fixture.path, sizeof(fixture.path), "%.90s/a.sock", fixture.dir.path);
    memcpy(address.sun_path, fixture.path, sizeof(address.sun_path));
    fixture.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fixture.listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fixture.listener, 8) < 0)
        return -1;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    telltale_client_close(fixture->client);
    if (fixture->server >= 0)
        (void)close(fixture->server);
    (void)close(fixture->listener);
    temp_dir_remove(&fixture->dir);
    return 0;
}

static void open_client(struct fixture *fixture)
{
    assert_int_equal(telltale_client_open(fixture->path, FOREVER, &fixture->client, &fixture->err),
                     ST_OK);
    fixture->server = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fixture->server >= 0);
}

static enum status send_event(struct fixture *fixture, const char *event)
{
    return telltale_client_send(fixture->client, event, strlen(event), FOREVER, &fixture->err);
}

static void daemon_says(const struct fixture *fixture, const char *text)
{
    assert_int_equal(send(fixture->server, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void daemon_hears(const struct fixture *fixture, const char *expected)
{
    char heard[512];
    size_t size = strlen(expected);

    assert_true(size < sizeof(heard));
    assert_int_equal(recv(fixture->server, heard, size, MSG_WAITALL), size);
    assert_memory_equal(heard, expected, size);
}

static void test_events_follow_a_first_line(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{\"body\":\"one\"}"), ST_OK);
    assert_int_equal(send_event(fixture, "{\"body\":\"two\"}\n"), ST_OK);
    daemon_hears(fixture,
                 "{\"telltale\":1,\"ack\":true}\n{\"body\":\"one\"}\n{\"body\":\"two\"}\n");
    assert_int_equal(telltale_client_sent(fixture->client), 2);
    daemon_says(fixture, "{\"ack\":1}\n{\"ack\":2}\n");
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_OK);
    assert_int_equal(telltale_client_acked(fixture->client), 2);
}

static void test_wait_without_events_returns_at_once(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(telltale_client_wait(fixture->client, 0, &fixture->err), ST_OK);
}

static void test_deadline_passes_without_an_ack(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    daemon_says(fixture, "{\"ack\":1}\n{\"ac");
    assert_int_equal(
        telltale_client_wait(fixture->client, clock_monotonic_ns() + 10 * NS_PER_MS, &fixture->err),
        ST_AGAIN);
    assert_int_equal(telltale_client_acked(fixture->client), 1);
    daemon_says(fixture, "k\":2}\n"); /* it can be waited for again */
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_OK);
}

static void test_refused_event_is_named(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "bad"), ST_OK);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    daemon_says(fixture, "{\"error\":{\"event\":1,\"code\":\"invalid_json\",\"message\":\"byte 0: "
                         "\\\"b\\\" is no value\"}}\n{\"ack\":2}\n");
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_INVALID);
    assert_non_null(strstr(fixture->err.text, "event 1: invalid_json: byte 0"));
    assert_int_equal(telltale_client_refused(fixture->client), 1);
    assert_int_equal(telltale_client_acked(fixture->client), 2);
}

static void test_refused_connection_is_told(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    daemon_says(fixture,
                "{\"error\":{\"code\":\"too_many_connections\",\"message\":\"no more\"}}\n");
    assert_int_equal(shutdown(fixture->server, SHUT_RDWR), 0);
    enum status st = send_event(fixture, "{}");
    if (st == ST_OK)
        st = telltale_client_wait(fixture->client, FOREVER, &fixture->err);
    assert_int_equal(st, ST_IO);
    assert_non_null(strstr(fixture->err.text, "too_many_connections: no more"));
}

static void test_daemon_that_goes_leaves_events_unacknowledged(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    assert_int_equal(shutdown(fixture->server, SHUT_RDWR), 0);
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_IO);
    assert_int_equal(telltale_client_acked(fixture->client), 0);
    assert_int_equal(send_event(fixture, "{}"), ST_IO);
}

static void test_ack_of_what_was_not_sent_is_no_daemon_of_ours(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    daemon_says(fixture, "{\"ack\":2}\n");
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_CORRUPT);
}

static void test_answers_that_are_none_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char noise[5000];

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{}"), ST_OK);
    memset(noise, 'x', sizeof(noise) - 1); /* a line without an end */
    noise[sizeof(noise) - 1] = 0;
    daemon_says(fixture, noise);
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_CORRUPT);
}

static void test_event_of_several_lines_is_refused(void **state)
{
    struct fixture *fixture = *state;

    open_client(fixture);
    assert_int_equal(send_event(fixture, "{}\n{}"), ST_INVALID);
    assert_int_equal(send_event(fixture, ""), ST_INVALID);
    assert_int_equal(send_event(fixture, "\n"), ST_INVALID);
    assert_int_equal(telltale_client_sent(fixture->client), 0);
}

static void test_nobody_listens(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(close(fixture->listener), 0);
    fixture->listener = -1;
    assert_int_equal(telltale_client_open(fixture->path, FOREVER, &fixture->client, &fixture->err),
                     ST_NOT_FOUND);
    assert_int_equal(
        telltale_client_open("/no/such/socket", FOREVER, &fixture->client, &fixture->err),
        ST_NOT_FOUND);
    assert_null(fixture->client);
}

/* The daemon reads nothing: the socket fills, and the deadline ends it. */
static void test_sending_to_a_daemon_that_does_not_read_ends_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    enum { SIZE = 4 << 20 };
    char *event = malloc(SIZE);

    assert_non_null(event);
    memset(event, 'x', SIZE);
    open_client(fixture);
    assert_int_equal(telltale_client_send(fixture->client, event, SIZE,
                                          clock_monotonic_ns() + 10 * NS_PER_MS, &fixture->err),
                     ST_AGAIN);
    assert_int_equal(send_event(fixture, "{}"), ST_AGAIN); /* a part of an event is out */
    free(event);
}

/* A daemon that does not read before its answers are read. */
static void *answer_then_read(void *context)
{
    struct fixture *fixture = context;
    static char bytes[65536];
    char line[128];
    size_t left = ((size_t)4 << 20) + 1 + strlen("{\"telltale\":1,\"ack\":true}\n");

    for (int i = 1; i <= 20000; i++) {
        int size = snprintf(line, sizeof(line),
                            "{\"error\":{\"event\":1,\"code\":\"x\",\"message\":\"%d\"}}\n", i);
        if (send(fixture->server, line, (size_t)size, MSG_NOSIGNAL) != size)
            return NULL;
    }
    while (left > 0) {
        ssize_t got = recv(fixture->server, bytes, sizeof(bytes), 0);
        if (got <= 0)
            return NULL;
        left -= (size_t)got;
    }
    (void)send(fixture->server, "{\"ack\":1}\n", 10, MSG_NOSIGNAL);
    return NULL;
}

static void test_answers_are_read_while_sending(void **state)
{
    struct fixture *fixture = *state;
    enum { SIZE = 4 << 20 };
    char *event = malloc(SIZE);
    pthread_t thread;

    assert_non_null(event);
    memset(event, 'x', SIZE);
    open_client(fixture);
    assert_int_equal(pthread_create(&thread, NULL, answer_then_read, fixture), 0);
    assert_int_equal(telltale_client_send(fixture->client, event, SIZE, FOREVER, &fixture->err),
                     ST_OK);
    assert_int_equal(telltale_client_wait(fixture->client, FOREVER, &fixture->err), ST_INVALID);
    assert_int_equal(telltale_client_refused(fixture->client), 20000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(event);
}

#define CLIENT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_events_follow_a_first_line),
        CLIENT_TEST(test_wait_without_events_returns_at_once),
        CLIENT_TEST(test_deadline_passes_without_an_ack),
        CLIENT_TEST(test_refused_event_is_named),
        CLIENT_TEST(test_refused_connection_is_told),
        CLIENT_TEST(test_daemon_that_goes_leaves_events_unacknowledged),
        CLIENT_TEST(test_ack_of_what_was_not_sent_is_no_daemon_of_ours),
        CLIENT_TEST(test_answers_that_are_none_are_refused),
        CLIENT_TEST(test_event_of_several_lines_is_refused),
        CLIENT_TEST(test_nobody_listens),
        CLIENT_TEST(test_sending_to_a_daemon_that_does_not_read_ends_at_the_deadline),
        CLIENT_TEST(test_answers_are_read_while_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
