/* SPDX-License-Identifier: Apache-2.0 */
/* listener_test.c -- taking a socket's place safely, modes, addresses, peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/peer.h"
#include "support/temp_dir.h"

struct fixture {
    struct temp_dir dir;
    char path[LISTENER_PATH_MAX];
    char address[LISTENER_NAME_MAX];
    struct error err;
};

static const struct listener_settings private_socket = {.mode = 0600};

static int setup(void **state)
{
    static struct fixture fixture;

    temp_dir_make(&fixture.dir);
    snprintf(fixture.path, sizeof(fixture.path), "%.90s/a.sock", fixture.dir.path);
    snprintf(fixture.address, sizeof(fixture.address), "unix:%s", fixture.path);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    temp_dir_remove(&fixture->dir);
    return 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        assert_int_equal(close(fd), 0);
        return -1;
    }
    return fd;
}

static void test_unix_socket_has_its_mode_and_names_its_peer(void **state)
{
    struct fixture *fixture = *state;
    struct listener listener;
    struct stat there;
    struct peer peer;

    assert_int_equal(listener_open(fixture->address, &private_socket, &listener, &fixture->err),
                     ST_OK);
    assert_string_equal(listener.name, fixture->address);
    assert_int_equal(lstat(fixture->path, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0600);
    int client = connect_to(fixture->path);
    assert_true(client >= 0);
    int server = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    assert_int_equal(peer_of_unix_socket(server, &peer, &fixture->err), ST_OK);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, getuid());
    assert_int_equal(peer.gid, getgid());
    assert_int_equal(close(server), 0);
    assert_int_equal(close(client), 0);
    listener_close(&listener);
    assert_int_equal(lstat(fixture->path, &there), -1);
}

static void test_live_socket_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct listener first;
    struct listener second;

    assert_int_equal(listener_open(fixture->address, &private_socket, &first, &fixture->err),
                     ST_OK);
    assert_int_equal(listener_open(fixture->address, &private_socket, &second, &fixture->err),
                     ST_AGAIN);
    assert_non_null(strstr(fixture->err.text, "another process listens"));
    assert_non_null(strstr(fixture->err.text, fixture->path));
    int client = connect_to(fixture->path);
    assert_true(client >= 0);
    assert_int_equal(close(client), 0);
    listener_close(&first);
}

/* A backlog of one that is full answers EAGAIN, and is alive all the same. */
static void test_live_socket_with_a_full_backlog_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct listener first;
    struct listener second;
    const struct listener_settings narrow = {.mode = 0600, .backlog = 1};
    int clients[8];

    assert_int_equal(listener_open(fixture->address, &narrow, &first, &fixture->err), ST_OK);
    for (size_t i = 0; i < 8; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        memcpy(address.sun_path, fixture->path, strlen(fixture->path) + 1);
        int result = connect(clients[i], (const struct sockaddr *)&address, sizeof(address));
        if (i == 7)
            assert_int_equal(result, -1);
    }
    assert_int_equal(listener_open(fixture->address, &private_socket, &second, &fixture->err),
                     ST_AGAIN);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(close(clients[i]), 0);
    listener_close(&first);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct listener dead;
    struct listener listener;

    assert_int_equal(listener_open(fixture->address, &private_socket, &dead, &fixture->err), ST_OK);
    assert_int_equal(close(dead.fd), 0); /* as a killed process leaves it */
    assert_int_equal(connect_to(fixture->path), -1);
    assert_int_equal(listener_open(fixture->address, &private_socket, &listener, &fixture->err),
                     ST_OK);
    int client = connect_to(fixture->path);
    assert_true(client >= 0);
    assert_int_equal(close(client), 0);
    listener_close(&listener);
}

static void test_file_that_is_no_socket_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct listener listener;
    struct stat there;

    int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(listener_open(fixture->address, &private_socket, &listener, &fixture->err),
                     ST_INVALID);
    assert_non_null(strstr(fixture->err.text, "not a socket"));
    assert_int_equal(lstat(fixture->path, &there), 0);
    assert_true(S_ISREG(there.st_mode));
}

/* Somebody has put his own socket at our path since: it is not ours to remove. */
static void test_closing_leaves_another_socket_alone(void **state)
{
    struct fixture *fixture = *state;
    struct listener first;
    struct listener second;
    struct stat there;

    assert_int_equal(listener_open(fixture->address, &private_socket, &first, &fixture->err),
                     ST_OK);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(listener_open(fixture->address, &private_socket, &second, &fixture->err),
                     ST_OK);
    listener_close(&first);
    assert_int_equal(lstat(fixture->path, &there), 0);
    listener_close(&second);
}

static void test_unknown_group_is_refused_and_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct listener listener;
    const struct listener_settings settings = {.mode = 0660, .group = "no-such-group-here"};

    assert_int_equal(listener_open(fixture->address, &settings, &listener, &fixture->err),
                     ST_INVALID);
    assert_non_null(strstr(fixture->err.text, "no group 'no-such-group-here'"));
    assert_int_equal(rmdir(fixture->dir.path), 0); /* it is empty */
    temp_dir_remove(&fixture->dir);
    temp_dir_make(&fixture->dir);
}

static void test_own_group_can_be_given_by_number(void **state)
{
    struct fixture *fixture = *state;
    struct listener listener;
    char group[16];
    const struct listener_settings settings = {.mode = 0660, .group = group};

    snprintf(group, sizeof(group), "%u", getgid());
    assert_int_equal(listener_open(fixture->path, &settings, &listener, &fixture->err), ST_OK);
    listener_close(&listener);
}

static void test_too_long_a_path_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct listener listener;
    char path[200];

    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    assert_int_equal(listener_open(path, &private_socket, &listener, &fixture->err), ST_INVALID);
}

static void test_tcp_port_that_is_taken_says_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    const struct listener_settings settings = {0};
    struct listener first;
    struct listener second;

    assert_int_equal(listener_open("127.0.0.1:0", &settings, &first, &fixture->err), ST_OK);
    assert_false(first.is_unix);
    assert_int_equal(strncmp(first.name, "127.0.0.1:", 10), 0);
    assert_string_not_equal(first.name, "127.0.0.1:0");
    assert_int_equal(listener_open(first.name, &settings, &second, &fixture->err), ST_AGAIN);
    assert_non_null(strstr(fixture->err.text, first.name));
    assert_non_null(strstr(fixture->err.text, "configure another port"));
    listener_close(&first);
}

static void test_only_loopback_unless_allowed(void **state)
{
    struct fixture *fixture = *state;
    struct listener_settings settings = {0};
    struct listener listener;

    assert_int_equal(listener_open("0.0.0.0:0", &settings, &listener, &fixture->err), ST_INVALID);
    assert_non_null(strstr(fixture->err.text, "allow_remote"));
    settings.allow_remote = true;
    assert_int_equal(listener_open("0.0.0.0:0", &settings, &listener, &fixture->err), ST_OK);
    listener_close(&listener);
}

static void test_addresses_that_are_none_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct listener_settings settings = {0};
    struct listener listener;
    static const char *const wrong[] = {"",
                                        "4318",
                                        ":4318",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:http",
                                        "::1:4318",
                                        "example:4318",
                                        "unix:relative/path",
                                        "[::1:4318",
                                        "127.0.0.1:99999999999"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(listener_open(wrong[i], &settings, &listener, &fixture->err), ST_INVALID);
}

#define NET_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(test_unix_socket_has_its_mode_and_names_its_peer),
        NET_TEST(test_live_socket_is_not_replaced),
        NET_TEST(test_live_socket_with_a_full_backlog_is_not_replaced),
        NET_TEST(test_stale_socket_is_replaced),
        NET_TEST(test_file_that_is_no_socket_is_left_alone),
        NET_TEST(test_closing_leaves_another_socket_alone),
        NET_TEST(test_unknown_group_is_refused_and_leaves_nothing),
        NET_TEST(test_own_group_can_be_given_by_number),
        NET_TEST(test_too_long_a_path_is_refused),
        NET_TEST(test_tcp_port_that_is_taken_says_what_to_do),
        NET_TEST(test_only_loopback_unless_allowed),
        NET_TEST(test_addresses_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
