/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_process.c -- see daemon_process.h. */
#include "support/daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "telltale/base.h"
#include "util/clock.h"

enum { START_TIMEOUT_S = 30, POLL_US = 2000 };

static void write_config(const char *path, const char *config)
{
    FILE *file = fopen(path, "we");

    ASSERT(file != NULL && fputs(config, file) >= 0);
    ASSERT(fclose(file) == 0);
}

static pid_t spawn(const char *const *arguments, const char *home)
{
    char log[DAEMON_PATH_MAX];
    posix_spawn_file_actions_t actions;
    pid_t pid;

    snprintf(log, sizeof(log), "%s/log", home);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log,
                                           O_WRONLY | O_CREAT | O_APPEND, 0600);
    int failed = posix_spawn(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fprintf(stderr, "cannot start '%s': %s\n", arguments[0], strerror(failed));
    ASSERT(failed == 0);
    return pid;
}

static bool is_listening(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return connected;
}

void daemon_process_start_other(struct daemon_process *daemon, const char *const *arguments,
                                struct temp_dir *home)
{
    uint64_t deadline_ns = clock_monotonic_ns() + START_TIMEOUT_S * NS_PER_S;

    daemon->home = home;
    daemon->pid = spawn(arguments, home->path);
    while (!is_listening(daemon->socket_path)) {
        if (clock_monotonic_ns() > deadline_ns || waitpid(daemon->pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "%s does not start: see '%s/log'\n", arguments[0], home->path);
            abort();
        }
        (void)usleep(POLL_US);
    }
}

void daemon_process_start(struct daemon_process *daemon, const char *program, struct temp_dir *home,
                          const char *config)
{
    char config_path[DAEMON_PATH_MAX];
    char state_dir[DAEMON_PATH_MAX];
    char run_dir[DAEMON_PATH_MAX];

    snprintf(config_path, sizeof(config_path), "%s/telltale.yaml", home->path);
    snprintf(state_dir, sizeof(state_dir), "%s/state", home->path);
    snprintf(run_dir, sizeof(run_dir), "%s/run", home->path);
    snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/run/agent.sock", home->path);
    write_config(config_path, config);
    daemon_process_start_other(daemon,
                               (const char *const[]){program, "--config", config_path,
                                                     "--state-dir", state_dir, "--run-dir", run_dir,
                                                     NULL},
                               home);
}

void daemon_process_stop(struct daemon_process *daemon)
{
    int status;

    (void)kill(daemon->pid, SIGTERM);
    ASSERT(waitpid(daemon->pid, &status, 0) == daemon->pid);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

uint64_t daemon_process_cpu_ns(const struct daemon_process *daemon)
{
    clockid_t clock;
    struct timespec used;

    ASSERT(clock_getcpuclockid(daemon->pid, &clock) == 0);
    ASSERT(clock_gettime(clock, &used) == 0);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* The number behind `key` in a file of the process. */
static uint64_t read_number(const struct daemon_process *daemon, const char *name, const char *key)
{
    char path[64];
    char line[256];
    size_t key_size = strlen(key);
    uint64_t value = 0;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)daemon->pid, name);
    FILE *file = fopen(path, "re");
    ASSERT(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, key_size) == 0)
            value = strtoull(line + key_size, NULL, 10);
    }
    (void)fclose(file);
    return value;
}

uint64_t daemon_process_resident_kib(const struct daemon_process *daemon)
{
    return read_number(daemon, "status", "VmRSS:");
}

uint64_t daemon_process_own_kib(const struct daemon_process *daemon)
{
    return read_number(daemon, "status", "RssAnon:");
}

uint64_t daemon_process_peak_resident_kib(const struct daemon_process *daemon)
{
    return read_number(daemon, "status", "VmHWM:");
}

uint64_t daemon_process_written_bytes(const struct daemon_process *daemon)
{
    return read_number(daemon, "io", "write_bytes:");
}
