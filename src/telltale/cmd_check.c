/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c -- telltale check FILE: every mistake of a configuration, before the daemon
 * sees it.  With --print the effective configuration, defaults and all, goes to stdout.
 *
 * The daemon does it, `telltaled --check`: it has the exporters, whose options are checked too,
 * and whose libraries no other verb needs. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "telltale/command.h"

#define DAEMON_NAME "telltaled"

/* The daemon's program, which is installed beside this one; where that cannot be told, its name, to
 * be looked for as a shell does. */
static void find_daemon(char out[static PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", out, PATH_MAX);
    const char *slash = size > 0 ? memrchr(out, '/', (size_t)size) : NULL;
    size_t room = slash != NULL ? PATH_MAX - (size_t)(slash + 1 - out) : 0;

    if (room >= sizeof(DAEMON_NAME))
        memcpy(out + (slash + 1 - out), DAEMON_NAME, sizeof(DAEMON_NAME));
    else
        memcpy(out, DAEMON_NAME, sizeof(DAEMON_NAME));
}

/* Does not return, unless there is no such program. */
static int check_file(const struct command_options *options, const char *path, bool print)
{
    enum { ARGUMENTS_MAX = 10 };
    static const char called[] = "telltale"; /* its complaints begin with argv[0] */
    const char *arguments[ARGUMENTS_MAX] = {called, "--check", "--config", path};
    size_t count = 4;
    char program[PATH_MAX];

    if (print)
        arguments[count++] = "--print";
    if (options->run_dir != NULL) {
        arguments[count++] = "--run-dir";
        arguments[count++] = options->run_dir;
    }
    if (options->state_dir != NULL) {
        arguments[count++] = "--state-dir";
        arguments[count++] = options->state_dir;
    }
    find_daemon(program);
    (void)execvp(program, (char *const *)arguments);
    fprintf(stderr, "telltale: '%s', which checks configurations: %m\n", program);
    return COMMAND_FAILED;
}

static int run_check(const struct command_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"print", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    bool print = false;

    for (;;) {
        int option = getopt_long(argc, argv, "p", known, NULL);
        if (option == -1)
            break;
        if (option != 'p')
            return command_usage(&command_check);
        print = true;
    }
    if (argc - optind != 1)
        return command_usage(&command_check);
    return check_file(options, argv[optind], print);
}

const struct command command_check = {
    .name = "check",
    .synopsis = "[--print] FILE",
    .summary = "show every mistake of a configuration file",
    .run = run_check,
};
