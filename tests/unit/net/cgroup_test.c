/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_test.c -- containers in the texts of /proc/PID/cgroup.  The lines are put together from
 * the naming schemes that the runtimes document; none of the runtimes runs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/cgroup.h"

#define ID    "4f2a8be5f1a9c0d3e6b7a8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f70819203"
#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define POD   "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d.slice/"

static struct cgroup cgroup;

static const char *id_in(const char *text)
{
    cgroup_read(slice_of_text(text), &cgroup);
    return cgroup.container_id;
}

static void test_runtimes_are_known_by_their_names(void **state)
{
    static const char *const texts[] = {
        "0::/system.slice/docker-" ID ".scope\n",
        "0::/docker/" ID "\n",
        "0::" POD "cri-containerd-" ID ".scope\n",
        "0::/kubepods/besteffort/pod0a1b2c3d-0000-4000-8000-0123456789ab/" ID "\n",
        "0::" POD "crio-" ID ".scope\n",
        "0::/machine.slice/libpod-" ID ".scope/container\n",
        "0::/libpod_parent/libpod-" ID "\n",
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope\n",
        "0::/system.slice/containerd.service/kubepods-pod0a1b2c3d.slice:cri-containerd:" ID "\n",
        "0::/ecs/0123456789abcdef0123456789abcdef/" ID "\n",
        "0::/../../docker/" ID "\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(id_in(texts[i]), ID);
}

static void test_what_is_no_container_has_no_id(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        ":\n",
        "0::\n",
        "0::/\n",
        "0::/user.slice/user-1000.slice/session-2.scope\n",
        "0::/system.slice/telltaled.service\n",
        "0::/machine.slice/libpod-conmon-" ID ".scope\n",
        "0::" POD "crio-conmon-" ID ".scope\n",
        "0::/x" ID "\n",                  /* nothing parts name and id */
        "0::/docker/" ID "0\n",           /* 65 digits */
        "0::/docker/4F2A8BE5" OTHER "\n", /* capitals, and too long */
        "0:name=" ID ":/\n",              /* not in the path */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(id_in(texts[i]), "");
}

static void test_inside_a_container_none_makes_itself_another(void **state)
{
    (void)state;
    assert_string_equal(id_in("0::/docker/" ID "/docker/" OTHER "\n"), ID);
    assert_string_equal(id_in("0::/docker/" ID "/cri-containerd-" OTHER ".scope\n"), ID);
}

static void test_line_of_the_container_is_kept(void **state)
{
    (void)state;
    assert_string_equal(id_in("12:pids:/docker/" ID "\n1:name=systemd:/docker/" ID "\n0::/\n"), ID);
    assert_string_equal(cgroup.line, "12:pids:/docker/" ID);
    (void)id_in("12:pids:/\n0::/system.slice/x.service\n");
    assert_string_equal(cgroup.line, "0::/system.slice/x.service");
    (void)id_in("12:pids:/a\n11:cpu:/b\n");
    assert_string_equal(cgroup.line, "12:pids:/a");
}

static void test_a_line_that_was_cut_does_not_count(void **state)
{
    (void)state;
    assert_string_equal(id_in("0::/docker/" ID), "");
    assert_string_equal(cgroup.line, "");
}

static void test_names_that_act_on_a_terminal_are_escaped(void **state)
{
    (void)state;
    (void)id_in("0::/user.slice/\x1b[2J\xff\\x.service\n");
    assert_string_equal(cgroup.line, "0::/user.slice/\\x1b[2J\\xff\\x5cx.service");
}

static void test_long_names_are_cut_between_characters(void **state)
{
    char text[2048] = "0::/";

    (void)state;
    for (size_t at = 4; at + 2 < sizeof(text); at += 2)
        (void)snprintf(text + at, sizeof(text) - at, "\xc3\xa4");
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = 0;
    (void)id_in(text);
    size_t size = strlen(cgroup.line);
    assert_in_range(size, CGROUP_LINE_MAX - 8, CGROUP_LINE_MAX - 1);
    assert_string_equal(cgroup.line + size - 3, "...");
    assert_memory_equal(cgroup.line + size - 5, "\xc3\xa4", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runtimes_are_known_by_their_names),
        cmocka_unit_test(test_what_is_no_container_has_no_id),
        cmocka_unit_test(test_inside_a_container_none_makes_itself_another),
        cmocka_unit_test(test_line_of_the_container_is_kept),
        cmocka_unit_test(test_a_line_that_was_cut_does_not_count),
        cmocka_unit_test(test_names_that_act_on_a_terminal_are_escaped),
        cmocka_unit_test(test_long_names_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
