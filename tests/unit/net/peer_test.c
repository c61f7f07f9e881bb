/* SPDX-License-Identifier: Apache-2.0 */
/* peer_test.c -- real sockets with real processes at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/peer.h"

enum { OTHER_USER = 12345 };

static struct error err;

/* --- Unix --------------------------------------------------------------------------------- */

/* A listening socket without a file. */
static int listen_unix(struct sockaddr_un *address, socklen_t *size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *size = sizeof(sa_family_t); /* the kernel chooses an abstract name */
    assert_int_equal(bind(fd, (struct sockaddr *)address, *size), 0);
    *size = sizeof(*address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int connect_to(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, address, size), 0);
    return fd;
}

static void test_peer_of_a_unix_socket_is_told_with_its_program(void **state)
{
    struct sockaddr_un address;
    socklen_t size;
    struct peer peer;
    char own[4096] = "";

    (void)state;
    int listening = listen_unix(&address, &size);
    int ours = connect_to((struct sockaddr *)&address, size);
    int fd = accept(listening, NULL, NULL);
    assert_int_equal(peer_of_unix_socket(fd, &peer, &err), ST_OK);
    assert_int_equal(peer.attestation, PEER_BY_KERNEL);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    assert_string_equal(peer.process.executable, own);
    assert_int_equal(peer.process.started[4], '-');
    assert_int_equal(peer.process.started[strlen(peer.process.started) - 1], 'Z');
    (void)close(fd);
    (void)close(ours);
    (void)close(listening);
}

static void test_of_a_process_that_has_gone_only_the_numbers_are_told(void **state)
{
    struct sockaddr_un address;
    socklen_t size;
    struct peer peer;

    (void)state;
    int listening = listen_unix(&address, &size);
    pid_t child = fork();
    if (child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        _exit(fd < 0 || connect(fd, (struct sockaddr *)&address, size) < 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    int fd = accept(listening, NULL, NULL);
    assert_int_equal(peer_of_unix_socket(fd, &peer, &err), ST_OK);
    assert_int_equal(peer.pid, child);
    assert_int_equal(peer.uid, geteuid());
    assert_string_equal(peer.process.executable, "");
    assert_string_equal(peer.process.started, "");
    assert_string_equal(peer.process.cgroup.line, "");
    (void)close(fd);
    (void)close(listening);
}

static void test_directory_of_a_process_never_becomes_another_s(void **state)
{
    struct peer_process process;

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    int directory = peer_process_open(child);
    assert_true(directory >= 0);
    assert_true(peer_process_read(directory, &process));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(peer_process_read(directory, &process));
    (void)close(directory);
}

/* --- TCP ---------------------------------------------------------------------------------- */

struct tcp_pair {
    int listening, theirs, ours;
};

static void tcp_listen(struct tcp_pair *pair, struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pair->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(pair->listening, (struct sockaddr *)address, size), 0);
    assert_int_equal(getsockname(pair->listening, (struct sockaddr *)address, &size), 0);
    assert_int_equal(listen(pair->listening, 8), 0);
}

static struct tcp_pair tcp_connect(void)
{
    struct tcp_pair pair;
    struct sockaddr_in address;

    tcp_listen(&pair, &address);
    pair.theirs = connect_to((struct sockaddr *)&address, sizeof(address));
    pair.ours = accept(pair.listening, NULL, NULL);
    assert_true(pair.ours >= 0);
    return pair;
}

static void tcp_close(struct tcp_pair *pair)
{
    (void)close(pair->ours);
    if (pair->theirs >= 0)
        (void)close(pair->theirs);
    (void)close(pair->listening);
}

static void test_user_of_a_loopback_socket_is_told(void **state)
{
    struct tcp_pair pair = tcp_connect();
    struct peer peer;

    (void)state;
    peer_of_loopback_socket(pair.ours, &peer);
    assert_int_equal(peer.attestation, PEER_BY_UID);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.pid, 0);
    tcp_close(&pair);
}

static void test_another_user_of_a_loopback_socket_is_told(void **state)
{
    struct tcp_pair pair;
    struct sockaddr_in address;
    struct peer peer;
    int done[2];

    (void)state;
    if (geteuid() != 0)
        skip();
    tcp_listen(&pair, &address);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        (void)close(done[1]);
        if (setuid(OTHER_USER) < 0)
            _exit(1);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            _exit(1);
        _exit(read(done[0], &byte, 1) != 0); /* until the other end is closed */
    }
    (void)close(done[0]);
    pair.theirs = -1;
    pair.ours = accept(pair.listening, NULL, NULL);
    peer_of_loopback_socket(pair.ours, &peer);
    assert_int_equal(peer.attestation, PEER_BY_UID);
    assert_int_equal(peer.uid, OTHER_USER);
    (void)close(done[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    tcp_close(&pair);
}

static void test_a_closed_socket_belongs_to_nobody(void **state)
{
    struct tcp_pair pair = tcp_connect();
    struct peer peer;

    (void)state;
    (void)close(pair.theirs);
    pair.theirs = -1;
    peer_of_loopback_socket(pair.ours, &peer);
    assert_int_equal(peer.attestation, PEER_UNKNOWN);
    tcp_close(&pair);
}

static void test_addresses_are_told_without_ports(void **state)
{
    struct tcp_pair pair = tcp_connect();
    const in_addr_t loopback = htonl(INADDR_LOOPBACK);
    struct peer_address address;
    int of_unix[2];

    (void)state;
    peer_address_of_socket(pair.ours, &address);
    assert_int_equal(address.size, sizeof(loopback));
    assert_memory_equal(address.bytes, &loopback, sizeof(loopback));
    tcp_close(&pair);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, of_unix), 0);
    peer_address_of_socket(of_unix[0], &address);
    assert_int_equal(address.size, 0);
    (void)close(of_unix[0]);
    (void)close(of_unix[1]);
}

static void test_unix_sockets_are_no_loopback_sockets(void **state)
{
    int pair[2];
    struct peer peer;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    peer_of_loopback_socket(pair[0], &peer);
    assert_int_equal(peer.attestation, PEER_UNKNOWN);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_of_a_unix_socket_is_told_with_its_program),
        cmocka_unit_test(test_of_a_process_that_has_gone_only_the_numbers_are_told),
        cmocka_unit_test(test_directory_of_a_process_never_becomes_another_s),
        cmocka_unit_test(test_user_of_a_loopback_socket_is_told),
        cmocka_unit_test(test_another_user_of_a_loopback_socket_is_told),
        cmocka_unit_test(test_a_closed_socket_belongs_to_nobody),
        cmocka_unit_test(test_addresses_are_told_without_ports),
        cmocka_unit_test(test_unix_sockets_are_no_loopback_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
