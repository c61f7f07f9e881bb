/* SPDX-License-Identifier: Apache-2.0 */
/* hook_bench.c -- how long an agent waits for a hook: from the start of telltale-hook to its end,
 * which is when the disk has the event.
 *
 *     hook_bench [BIN_DIR [HOOKS]]
 *
 * One after the other, as an agent runs them, against a real daemon below TMPDIR with the
 * configuration's defaults.  "nothing" is a program that does nothing, started in the same way;
 * "daemon" is the rest. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/daemon_process.h"
#include "support/latency_histogram.h"
#include "telltale/base.h"
#include "util/clock.h"

enum {
    HOOKS_DEFAULT = 1000,
    WARM_UP = 20,
    PAUSE_US = 5000,
    PATH_SIZE = 512,
    PAYLOAD_MAX = 1 << 20
};

extern char **environ;

static const struct load {
    const char *name;
    size_t output_size; /* of the tool */
} loads[] = {{"1 KiB", 512}, {"64 KiB", 64 << 10}, {"1 MiB", (1 << 20) - 1024}};

/* The payload stands in a file, so that the time is the hook's and not that of a writer. */
static int make_payload(size_t output_size)
{
    static char payload[PAYLOAD_MAX];
    int size =
        snprintf(payload, sizeof(payload),
                 "{\"session_id\":\"0198a1c2-5d3e-7f40-9a1b-2c3d4e5f6071\",\"cwd\":\"/home/dev\","
                 "\"hook_event_name\":\"PostToolUse\",\"model\":\"m\",\"turn_id\":\"t\","
                 "\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"},"
                 "\"tool_use_id\":\"call_1\",\"tool_response\":\"");
    memset(payload + size, 'x', output_size);
    memcpy(payload + (size_t)size + output_size, "\"}", 2);
    size_t all = (size_t)size + output_size + 2;
    int fd = memfd_create("payload", MFD_CLOEXEC);
    ASSERT(fd >= 0 && write(fd, payload, all) == (ssize_t)all);
    return fd;
}

static uint64_t run(char *const *arguments, int payload_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    ASSERT(lseek(payload_fd, 0, SEEK_SET) == 0);
    ASSERT(posix_spawn_file_actions_init(&actions) == 0);
    ASSERT(posix_spawn_file_actions_adddup2(&actions, payload_fd, STDIN_FILENO) == 0);
    uint64_t begun_ns = clock_monotonic_ns();
    ASSERT(posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environ) == 0);
    while (waitpid(pid, &status, 0) < 0)
        ASSERT(errno == EINTR);
    uint64_t took_ns = clock_monotonic_ns() - begun_ns;
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
    return took_ns;
}

static void measure(const char *name, char *const *arguments, size_t output_size, int hooks)
{
    struct latency_histogram latency = {0};
    int payload_fd = make_payload(output_size);
    for (int i = 0; i < WARM_UP + hooks; i++) {
        uint64_t took_ns = run(arguments, payload_fd);
        if (i >= WARM_UP)
            latency_histogram_add(&latency, took_ns, 1);
        (void)usleep(PAUSE_US); /* an agent does other things too */
    }
    printf("%-10s p50 %6.2f ms   p99 %6.2f ms   max %6.2f ms\n", name,
           (double)latency_histogram_quantile(&latency, 50) / 1e6,
           (double)latency_histogram_quantile(&latency, 99) / 1e6, (double)latency.max_ns / 1e6);
    (void)close(payload_fd); /* a memory file */
}

int main(int argc, char **argv)
{
    char own[PATH_SIZE] = "";
    char config[PATH_SIZE];
    int hooks = argc > 2 ? atoi(argv[2]) : HOOKS_DEFAULT;
    struct daemon_process daemon;
    struct temp_dir home;
    char telltaled[PATH_SIZE], hook[PATH_SIZE];
    char nothing[] = "/bin/true", agent[] = "codex", option[] = "--socket";

    ASSERT(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    *strrchr(own, '/') = 0;
    const char *bin = argc > 1 ? argv[1] : own;
    (void)snprintf(telltaled, sizeof(telltaled), "%.400s/telltaled", bin);
    (void)snprintf(hook, sizeof(hook), "%.400s/telltale-hook", bin);
    temp_dir_make(&home);
    (void)snprintf(config, sizeof(config),
                   "receivers:\n  otlp_http: { listen: [ 'unix:%.200s/http' ] }\n"
                   "exporters:\n  file/forensic: {}\n",
                   home.path);
    daemon_process_start(&daemon, telltaled, &home, config);
    char *const of_nothing[] = {nothing, NULL};
    char *const of_hook[] = {hook, agent, option, daemon.socket_path, NULL};
    printf("%d hooks each, from start to end\n", hooks);
    measure("nothing", of_nothing, 0, hooks);
    for (size_t i = 0; i < COUNT_OF(loads); i++)
        measure(loads[i].name, of_hook, loads[i].output_size, hooks);
    daemon_process_stop(&daemon);
    temp_dir_remove(&home);
    return 0;
}
