/* SPDX-License-Identifier: Apache-2.0 */
/* repeated_requests_test.c -- requests that come again over OTLP/HTTP, also while the first is on
 * its way to the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "net/listener.h"
#include "receivers/otlp_http_receiver.h"
#include "support/test_journal.h"

#define TIMED     "1795213460123456789"
#define TO_SECOND "1795213460000000000"

static struct {
    struct test_journal journal;
    struct temp_dir dir;
    struct listener listener;
    struct admission admission;
    struct otlp_http_receiver *receiver;
    struct metric *repeated;
    uint64_t repeated_before;
} fixture;

static void start(uint64_t pending_bytes_max)
{
    const struct listener_settings listening = {.mode = 0600};
    char address[LISTENER_NAME_MAX];
    struct otlp_http_settings settings;
    struct error err;

    memset(&fixture, 0, sizeof(fixture));
    test_journal_open_with(&fixture.journal, UINT64_C(1) << 30, pending_bytes_max);
    temp_dir_make(&fixture.dir);
    snprintf(address, sizeof(address), "unix:%.90s/h.sock", fixture.dir.path);
    assert_int_equal(listener_open(address, &listening, &fixture.listener, &err), ST_OK);
    admission_init(&fixture.admission, (size_t)64 << 20);
    otlp_http_settings_default(&settings);
    settings.listeners = &fixture.listener;
    settings.listener_count = 1;
    assert_int_equal(otlp_http_receiver_start(&settings, fixture.journal.journal,
                                              &fixture.admission, &fixture.receiver, &err),
                     ST_OK);
    fixture.repeated = metric_register(METRIC_COUNTER, "telltale_receiver_repeated_requests_total",
                                       "", "receiver=\"otlp_http\"");
    fixture.repeated_before = metric_get(fixture.repeated);
}

static int setup(void **state)
{
    (void)state;
    start(UINT64_C(64) << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_journal_release_syncs();
    otlp_http_receiver_stop(fixture.receiver);
    assert_int_equal(admission_used(&fixture.admission), 0);
    listener_close(&fixture.listener);
    test_journal_close(&fixture.journal);
    temp_dir_remove(&fixture.dir);
    return 0;
}

static uint64_t repeated(void)
{
    return metric_get(fixture.repeated) - fixture.repeated_before;
}

/* --- A client --------------------------------------------------------------------------------- */

static int connect_to_receiver(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/h.sock", fixture.dir.path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends a request of one record with this body and time; more attributes may follow. */
static void ask(int fd, const char *body, const char *time, const char *more)
{
    char json[2048], request[2560];
    int size =
        snprintf(json, sizeof(json),
                 "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"%s\","
                 "\"body\":{\"stringValue\":\"%s\"}}%s]}]}]}",
                 time, body, more);
    int all = snprintf(request, sizeof(request),
                       "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       size, json);

    assert_int_equal(send(fd, request, (size_t)all, MSG_NOSIGNAL), all);
}

/* The status of its answer; what follows fits into one piece. */
static int answer_of(int fd)
{
    char text[2048];
    int status = 0;
    ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

    assert_true(got > 0);
    text[got] = 0;
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    return status;
}

static bool is_answered(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, 0) != 0;
}

static int post(int fd, const char *body, const char *time, const char *more)
{
    ask(fd, body, time, more);
    return answer_of(fd);
}

static void wait_for_more_than(size_t used)
{
    while (admission_used(&fixture.admission) <= used)
        (void)sched_yield();
}

/* While syncs are held: its batch is on its way, or its body waits. */
static void ask_and_wait(int fd, const char *body)
{
    size_t used = admission_used(&fixture.admission);

    ask(fd, body, TIMED, "");
    wait_for_more_than(used);
}

/* --- One by one ---------------------------------------------------------------------------------
 */

static void test_what_is_durable_is_answered_again_and_kept_once(void **state)
{
    (void)state;
    int fd = connect_to_receiver(), other = connect_to_receiver();

    assert_int_equal(post(fd, "first", TIMED, ""), 200);
    assert_int_equal(post(fd, "first", TIMED, ""), 200);
    assert_int_equal(post(other, "first", TIMED, ""), 200);
    assert_int_equal(repeated(), 2);
    assert_int_equal(post(fd, "second", TIMED, ""), 200);
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    assert_string_equal(test_journal_body(&fixture.journal, 0), "first");
    assert_string_equal(test_journal_body(&fixture.journal, 1), "second");
    (void)close(fd);
    (void)close(other);
}

/* They may be two events that say the same. */
static void test_records_without_a_time_of_their_own_are_kept_each_time(void **state)
{
    (void)state;
    static const char *const times[] = {"0", TO_SECOND};
    int fd = connect_to_receiver();

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(post(fd, "same", times[i], ""), 200);
        assert_int_equal(post(fd, "same", times[i], ""), 200);
    }
    assert_int_equal(post(fd, "same", TIMED, ",{}"), 200);
    assert_int_equal(post(fd, "same", TIMED, ",{}"), 200);
    assert_int_equal(repeated(), 0);
    assert_int_equal(post(fd, "same", TIMED, ",{\"timeUnixNano\":\"" TO_SECOND "\"}"), 200);
    assert_int_equal(post(fd, "same", TIMED, ",{\"timeUnixNano\":\"" TO_SECOND "\"}"), 200);
    assert_int_equal(repeated(), 1); /* one of them has a time that is fine enough */
    assert_int_equal(test_journal_read(&fixture.journal), 10);
    (void)close(fd);
}

static void test_what_was_refused_in_part_is_taken_each_time(void **state)
{
    (void)state;
    int fd = connect_to_receiver();
    char bad[1200];

    /* A key over the limit of 1 KiB. */
    snprintf(bad, sizeof(bad), ",{\"attributes\":[{\"key\":\"%01100d\"}]}", 0);
    assert_int_equal(post(fd, "good", TIMED, bad), 200);
    assert_int_equal(post(fd, "good", TIMED, bad), 200);
    assert_int_equal(repeated(), 0);
    assert_true(test_journal_read(&fixture.journal) >= 2); /* and what says that some was refused */
    assert_string_equal(test_journal_body(&fixture.journal, 0), "good");
    (void)close(fd);
}

/* --- While the first is on its way --------------------------------------------------------------
 */

static void test_a_copy_is_answered_with_the_first_and_kept_once(void **state)
{
    (void)state;
    int first = connect_to_receiver(), second = connect_to_receiver();
    int third = connect_to_receiver();

    test_journal_hold_syncs();
    ask_and_wait(first, "held");
    ask_and_wait(second, "held");
    ask_and_wait(third, "held");
    assert_false(is_answered(first) || is_answered(second) || is_answered(third));
    test_journal_release_syncs();
    assert_int_equal(answer_of(first), 200);
    assert_int_equal(answer_of(second), 200);
    assert_int_equal(answer_of(third), 200);
    assert_int_equal(repeated(), 2);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    (void)close(first);
    (void)close(second);
    (void)close(third);
}

static void test_a_copy_of_one_that_fails_is_not_answered_with_success(void **state)
{
    (void)state;
    int first = connect_to_receiver(), second = connect_to_receiver();

    test_journal_hold_syncs();
    ask_and_wait(first, "lost");
    ask_and_wait(second, "lost");
    test_journal_fail_syncs();
    assert_int_equal(answer_of(first), 503);
    assert_int_equal(answer_of(second), 503);
    assert_int_equal(repeated(), 0);
    (void)close(first);
    (void)close(second);
}

/* The journal's queue has room for one batch, so the first still waits when its sender goes. */
static void test_a_copy_of_one_whose_sender_went_is_kept_once(void **state)
{
    (void)state;
    int before = connect_to_receiver(), first = connect_to_receiver();
    int second = connect_to_receiver();

    test_journal_hold_syncs();
    ask_and_wait(before, "before");
    ask_and_wait(first, "gone");
    (void)close(first);
    ask_and_wait(second, "gone");
    test_journal_release_syncs();
    assert_int_equal(answer_of(before), 200);
    assert_int_equal(answer_of(second), 200);
    assert_int_equal(test_journal_read(&fixture.journal), 2);
    assert_string_equal(test_journal_body(&fixture.journal, 1), "gone");
    (void)close(before);
    (void)close(second);
}

static int setup_with_a_short_queue(void **state)
{
    (void)state;
    start(1);
    return 0;
}

static void *release_in_thread(void *context)
{
    (void)context;
    test_journal_release_syncs();
    return NULL;
}

static void test_stop_answers_copies(void **state)
{
    (void)state;
    int first = connect_to_receiver(), second = connect_to_receiver();
    pthread_t releaser;

    test_journal_hold_syncs();
    ask_and_wait(first, "last");
    ask_and_wait(second, "last");
    assert_int_equal(pthread_create(&releaser, NULL, release_in_thread, NULL), 0);
    otlp_http_receiver_stop(fixture.receiver);
    fixture.receiver = NULL;
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assert_int_equal(answer_of(first), 200);
    int status = answer_of(second); /* it may have been met only when nothing was taken any more */
    assert_true(status == 200 || status == 503);
    assert_int_equal(test_journal_read(&fixture.journal), 1);
    (void)close(first);
    (void)close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_durable_is_answered_again_and_kept_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_records_without_a_time_of_their_own_are_kept_each_time,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_refused_in_part_is_taken_each_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_is_answered_with_the_first_and_kept_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_of_one_that_fails_is_not_answered_with_success,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_of_one_whose_sender_went_is_kept_once,
                                        setup_with_a_short_queue, teardown),
        cmocka_unit_test_setup_teardown(test_stop_answers_copies, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
