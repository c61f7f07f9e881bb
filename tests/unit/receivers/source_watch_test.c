/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of source_watch.h, with processes that live and end as they are told. */
#include "receivers/source_watch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"

#define LIMIT_NS (10 * NS_PER_S)

enum { TOLD_MAX = 16 };

struct told {
    struct source_report reports[TOLD_MAX];
    size_t count;
};

static void take(void *context, const struct source_report *report)
{
    struct told *told = context;

    assert_true(told->count < TOLD_MAX);
    told->reports[told->count++] = *report;
}

static pid_t start_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(child > 0);
    return child;
}

static void end_process(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static struct source_id id_of(pid_t pid)
{
    struct peer peer = {.pid = pid, .uid = geteuid(), .attestation = PEER_BY_KERNEL};

    int directory = peer_process_open(pid);
    assert_true(peer_process_read(directory, &peer.process));
    (void)close(directory);
    return source_id_of_peer(&peer);
}

static struct source_watch *make_watch(void)
{
    struct source_watch *watch;
    struct error err;

    assert_int_equal(source_watch_create(LIMIT_NS, &watch, &err), ST_OK);
    return watch;
}

/* At `s` seconds of both clocks. */
static void note(struct source_watch *watch, const struct source_id *id, const char *session,
                 uint64_t s)
{
    struct normalized_source said = {.product = "codex"};

    snprintf(said.session, sizeof(said.session), "%s", session);
    source_watch_note(watch, id, &said, s * NS_PER_S, s * NS_PER_S);
}

static size_t sweep(struct source_watch *watch, uint64_t s, struct told *told)
{
    told->count = 0;
    source_watch_sweep(watch, s * NS_PER_S, s * NS_PER_S, take, told);
    return told->count;
}

static void test_silence_and_its_end_are_told_once_each(void **state)
{
    struct source_watch *watch = make_watch();
    pid_t child = start_process();
    struct source_id id = id_of(child);
    struct told told;

    (void)state;
    note(watch, &id, "s1", 100);
    note(watch, &id, "", 101);
    assert_int_equal(sweep(watch, 110, &told), 0);
    assert_int_equal(sweep(watch, 111, &told), 1);
    assert_int_equal(told.reports[0].pid, child);
    assert_true(strlen(told.reports[0].executable) > 0);
    assert_string_equal(told.reports[0].said.session, "s1");
    assert_string_equal(told.reports[0].said.product, "codex");
    assert_false(told.reports[0].has_resumed);
    assert_int_equal(told.reports[0].from_ns, 101 * NS_PER_S);
    assert_int_equal(told.reports[0].to_ns, 111 * NS_PER_S);
    assert_int_equal(sweep(watch, 200, &told), 0);

    note(watch, &id, "", 300);
    note(watch, &id, "", 301);
    assert_int_equal(sweep(watch, 302, &told), 1);
    assert_true(told.reports[0].has_resumed);
    assert_int_equal(told.reports[0].from_ns, 101 * NS_PER_S);
    assert_int_equal(told.reports[0].to_ns, 301 * NS_PER_S);
    assert_int_equal(sweep(watch, 303, &told), 0);
    assert_int_equal(sweep(watch, 400, &told), 1);
    assert_false(told.reports[0].has_resumed);
    end_process(child);
    source_watch_destroy(watch);
}

static void test_who_has_ended_is_not_silent(void **state)
{
    struct source_watch *watch = make_watch();
    pid_t child = start_process();
    struct source_id id = id_of(child);
    struct told told;

    (void)state;
    note(watch, &id, "s", 100);
    end_process(child);
    assert_int_equal(sweep(watch, 200, &told), 0);
    source_watch_destroy(watch);
}

static void test_zombie_has_ended(void **state)
{
    struct source_watch *watch = make_watch();
    pid_t child = start_process();
    struct source_id id = id_of(child);
    struct told told;
    siginfo_t info;

    (void)state;
    note(watch, &id, "s", 100);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(sweep(watch, 200, &told), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    source_watch_destroy(watch);
}

static void test_pid_that_is_used_again_is_another_source(void **state)
{
    struct source_watch *watch = make_watch();
    struct source_id id = id_of(getpid());
    struct source_id older = id;
    struct told told;

    (void)state;
    older.start_ticks--;
    note(watch, &older, "old", 100); /* that process is not there, and is not taken */
    note(watch, &id, "new", 150);
    assert_int_equal(sweep(watch, 200, &told), 1);
    assert_string_equal(told.reports[0].said.session, "new");
    source_watch_destroy(watch);
}

static void test_claimed_process_counts_where_only_the_user_is_known(void **state)
{
    struct source_watch *watch = make_watch();
    struct peer tcp = {.uid = geteuid(), .attestation = PEER_BY_UID};
    struct source_id id = source_id_of_peer(&tcp);
    struct normalized_source said = {.product = "gemini_cli", .claimed_pid = (int32_t)getpid()};
    struct told told;

    (void)state;
    source_watch_note(watch, &id, &said, 100 * NS_PER_S, 100 * NS_PER_S);
    assert_int_equal(sweep(watch, 200, &told), 1);
    assert_int_equal(told.reports[0].pid, getpid());

    tcp.uid++; /* the process is of another user */
    id = source_id_of_peer(&tcp);
    source_watch_note(watch, &id, &said, 300 * NS_PER_S, 300 * NS_PER_S);
    assert_int_equal(sweep(watch, 301, &told), 0);
    tcp.attestation = PEER_UNKNOWN; /* and here not even a user is known */
    id = source_id_of_peer(&tcp);
    source_watch_note(watch, &id, &said, 300 * NS_PER_S, 300 * NS_PER_S);
    assert_int_equal(sweep(watch, 400, &told), 0);
    source_watch_destroy(watch);
}

static void test_hooks_are_no_sources(void **state)
{
    struct source_watch *watch = make_watch();
    struct source_id id = id_of(getpid());
    struct normalized_source said = {.is_hook = true};
    struct told told;

    (void)state;
    source_watch_note(watch, &id, &said, 100 * NS_PER_S, 100 * NS_PER_S);
    assert_int_equal(sweep(watch, 200, &told), 0);
    source_watch_destroy(watch);
}

static void test_time_without_sockets_does_not_count(void **state)
{
    struct source_watch *watch = make_watch();
    struct source_id id = id_of(getpid());
    struct told told;

    (void)state;
    note(watch, &id, "s", 100);
    source_watch_restart(watch, 500 * NS_PER_S);
    assert_int_equal(sweep(watch, 509, &told), 0);
    assert_int_equal(sweep(watch, 510, &told), 1);
    assert_int_equal(told.reports[0].from_ns, 100 * NS_PER_S);
    source_watch_destroy(watch);
}

static void test_many_are_told_one_sweep_after_another_and_nobody_takes_all_places(void **state)
{
    enum { CHILDREN = SOURCES_PER_UID_MAX + 1 };
    static pid_t children[CHILDREN];
    struct source_watch *watch = make_watch();
    struct told told;
    size_t silent = 0, got;
    uint64_t s = 200;

    (void)state;
    for (size_t i = 0; i < CHILDREN; i++) {
        children[i] = start_process();
        struct source_id id = id_of(children[i]);
        note(watch, &id, "s", 100);
    }
    while ((got = sweep(watch, s++, &told)) > 0) {
        assert_true(got <= SOURCE_TELLS_PER_SWEEP);
        silent += got;
    }
    assert_int_equal(silent, SOURCES_PER_UID_MAX);
    for (size_t i = 0; i < CHILDREN; i++)
        end_process(children[i]);

    /* Their places are free again after as many sweeps as it takes to look at all of them. */
    for (size_t i = 0; i < SOURCES_PER_UID_MAX / SOURCE_LOOKS_PER_SWEEP + 1; i++)
        assert_int_equal(sweep(watch, s++, &told), 0);
    struct source_id id = id_of(getpid());
    note(watch, &id, "s", s);
    assert_int_equal(sweep(watch, s + 100, &told), 1);
    source_watch_destroy(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_and_its_end_are_told_once_each),
        cmocka_unit_test(test_who_has_ended_is_not_silent),
        cmocka_unit_test(test_zombie_has_ended),
        cmocka_unit_test(test_pid_that_is_used_again_is_another_source),
        cmocka_unit_test(test_claimed_process_counts_where_only_the_user_is_known),
        cmocka_unit_test(test_hooks_are_no_sources),
        cmocka_unit_test(test_time_without_sockets_does_not_count),
        cmocka_unit_test(test_many_are_told_one_sweep_after_another_and_nobody_takes_all_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
