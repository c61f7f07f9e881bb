/* SPDX-License-Identifier: Apache-2.0 */
/* unix_bench.c -- see unix_bench.h. */
#include "support/unix_bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"

struct unix_bench unix_bench;

/* --- The receiver ----------------------------------------------------------------------------- */

void unix_bench_start(const struct unix_receiver_settings *changes)
{
    char address[LISTENER_NAME_MAX];
    const struct listener_settings listening = {.mode = 0600};
    struct unix_receiver_settings settings = *changes;

    temp_dir_make(&unix_bench.dir);
    snprintf(address, sizeof(address), "unix:%.90s/a.sock", unix_bench.dir.path);
    assert_int_equal(listener_open(address, &listening, &unix_bench.listener, &unix_bench.err),
                     ST_OK);
    assert_int_equal(loop_create(&unix_bench.loop, &unix_bench.err), ST_OK);
    if (unix_bench.admission.limit == 0)
        admission_init(&unix_bench.admission, (size_t)64 << 20);
    settings.listeners = &unix_bench.listener;
    settings.listener_count = 1;
    settings.limits = otlp_limits_default;
    if (settings.connections_max == 0)
        settings.connections_max = 64;
    if (settings.connections_per_uid_max == 0)
        settings.connections_per_uid_max = 64;
    assert_int_equal(unix_receiver_start(&settings, unix_bench.loop, unix_bench.journal.journal,
                                         &unix_bench.admission, &unix_bench.receiver,
                                         &unix_bench.err),
                     ST_OK);
}

int unix_bench_setup(void **state)
{
    (void)state;
    memset(&unix_bench, 0, sizeof(unix_bench));
    test_journal_open(&unix_bench.journal);
    unix_bench_start(&(struct unix_receiver_settings){0});
    return 0;
}

int unix_bench_setup_bare(void **state)
{
    (void)state;
    memset(&unix_bench, 0, sizeof(unix_bench));
    return 0;
}

int unix_bench_teardown(void **state)
{
    (void)state;
    test_journal_release_syncs();
    unix_receiver_stop(unix_bench.receiver);
    assert_int_equal(admission_used(&unix_bench.admission), 0);
    listener_close(&unix_bench.listener);
    loop_destroy(unix_bench.loop);
    test_journal_close(&unix_bench.journal);
    temp_dir_remove(&unix_bench.dir);
    return 0;
}

/* --- A client within the test's thread -------------------------------------------------------- */

void unix_bench_turn(void)
{
    assert_int_equal(
        loop_run_once(unix_bench.loop, clock_monotonic_ns() + 2 * NS_PER_MS, &unix_bench.err),
        ST_OK);
}

int unix_bench_dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, unix_bench.listener.path, strlen(unix_bench.listener.path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    unix_bench.heard_size = 0;
    unix_bench.heard[0] = 0;
    return fd;
}

void unix_bench_say_bytes(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            unix_bench_turn();
            continue;
        }
        data += sent;
        size -= (size_t)sent;
    }
}

void unix_bench_say(int fd, const char *text)
{
    unix_bench_say_bytes(fd, text, strlen(text));
}

bool unix_bench_listen(int fd)
{
    char *out = unix_bench.heard + unix_bench.heard_size;
    ssize_t got = recv(fd, out, sizeof(unix_bench.heard) - 1 - unix_bench.heard_size, 0);

    if (got < 0) {
        assert_true(errno == EAGAIN || errno == ECONNRESET);
        return errno == EAGAIN;
    }
    unix_bench.heard_size += (size_t)got;
    unix_bench.heard[unix_bench.heard_size] = 0;
    return got > 0;
}

void unix_bench_hear(int fd, const char *text)
{
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX && strstr(unix_bench.heard, text) == NULL; i++) {
        unix_bench_turn();
        (void)unix_bench_listen(fd);
    }
    if (strstr(unix_bench.heard, text) == NULL)
        fail_msg("'%s' was not heard, but '%s'", text, unix_bench.heard);
}

void unix_bench_hear_end(int fd)
{
    for (int i = 0; i < UNIX_BENCH_TURNS_MAX; i++) {
        unix_bench_turn();
        if (!unix_bench_listen(fd))
            return;
    }
    fail_msg("the connection was not closed");
}

void unix_bench_hang_up(int fd)
{
    assert_int_equal(close(fd), 0);
}

void unix_bench_expect_records(uint64_t count)
{
    for (int i = 0;
         i < UNIX_BENCH_TURNS_MAX && journal_committed(unix_bench.journal.journal) < count + 1; i++)
        unix_bench_turn();
    assert_int_equal(journal_committed(unix_bench.journal.journal), count + 1);
    assert_int_equal(test_journal_read(&unix_bench.journal), count);
}
