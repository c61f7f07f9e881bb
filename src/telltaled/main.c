/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- telltaled(8): reads its arguments and runs the daemon. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telltaled/config_trial.h"
#include "telltaled/daemon.h"
#include "util/log.h"

enum exit_code { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void print_help(FILE *out)
{
    fputs(
        "usage: telltaled [--config FILE] [--run-dir DIR] [--state-dir DIR] [--check [--print]]\n\n"
        "  --config FILE    its configuration; without one everything has its default\n"
        "  --run-dir DIR    where its sockets are made\n"
        "  --state-dir DIR  where its journal and its store are kept\n"
        "  --check          show every mistake of the configuration and start nothing\n"
        "  --print          with --check: print the configuration that results\n"
        "  --help           this text; telltaled(8) has more\n"
        "  --version        the version\n",
        out);
}

/* Descriptors that the connection limits of the receivers need, with room for the rest. */
enum { DESCRIPTORS_WANTED = 16384 };

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* then a receiver refuses connections earlier */
}

/* What starting up needs once (the libraries' tables, the configuration) goes back to the system
 * when it is freed, instead of leaving holes in a heap that stays: almost a megabyte of an idle
 * daemon.  From then on large buffers come and go with each request and are better kept. */
enum {
    STARTING_MMAP_THRESHOLD = 64 << 10,
    RUNNING_MMAP_THRESHOLD = 32 << 20,
    RUNNING_TRIM_THRESHOLD = 4 << 20,
};

static void prepare_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, STARTING_MMAP_THRESHOLD); /* a hint */
}

static void settle_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, RUNNING_MMAP_THRESHOLD);
    (void)mallopt(M_TRIM_THRESHOLD, RUNNING_TRIM_THRESHOLD);
}

/* A failed write says so by its result, where it can be handled; and what we make is ours. */
static void prepare_process(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    raise_descriptor_limit();

    (void)sigaction(SIGPIPE, &ignore, NULL); /* cannot fail for these signals */
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    (void)umask(0077);
}

static int run(const struct daemon_options *options)
{
    struct daemon *daemon = NULL;
    struct error err;

    enum status st = daemon_start(options, &daemon, &err);
    settle_memory();
    if (st == ST_OK)
        st = daemon_run(daemon, &err);
    if (st != ST_OK)
        log_error("daemon.failed", "error=%s", LOG_TEXT(err.text));
    bool has_run = daemon != NULL;
    daemon_stop(daemon);
    if (has_run)
        log_info("daemon.stopped", "pid=%d", (int)getpid());
    return st == ST_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* What the command line says. */
struct arguments {
    const char *config_path, *run_dir, *state_dir;
    bool check, print;
};

/* False: the program ends with *ret_exit. */
static bool read_arguments(int argc, char **argv, struct arguments *ret, int *ret_exit)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},    {"run-dir", required_argument, NULL, 'r'},
        {"state-dir", required_argument, NULL, 's'}, {"check", no_argument, NULL, 'k'},
        {"print", no_argument, NULL, 'p'},           {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},         {NULL, 0, NULL, 0},
    };
    int option;

    *ret_exit = EXIT_CLEAN;
    while ((option = getopt_long(argc, argv, "c:", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret->config_path = optarg;
            break;
        case 'r':
            ret->run_dir = optarg;
            break;
        case 's':
            ret->state_dir = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'p':
            ret->print = true;
            break;
        case 'h':
            print_help(stdout);
            return false;
        case 'v':
            puts("telltaled " TELLTALE_VERSION);
            return false;
        default:
            print_help(stderr);
            *ret_exit = EXIT_USAGE;
            return false;
        }
    }
    if (optind == argc && (ret->check || !ret->print))
        return true;
    print_help(stderr);
    *ret_exit = EXIT_USAGE;
    return false;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.config_path = NULL};
    struct daemon_options options = {.config_path = NULL};
    struct error err;
    int exit_code;

    if (!read_arguments(argc, argv, &arguments, &exit_code))
        return exit_code;
    enum status st =
        config_dirs_resolve(arguments.run_dir, arguments.state_dir, &options.dirs, &err);
    if (arguments.check) {
        if (st == ST_OK)
            return config_trial(arguments.config_path, &options.dirs, arguments.print)
                       ? EXIT_CLEAN
                       : EXIT_FAILED;
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, err.text);
        return EXIT_FAILED;
    }
    prepare_memory();
    prepare_process();
    if (st != ST_OK) {
        log_error("daemon.failed", "error=%s", LOG_TEXT(err.text));
        return EXIT_FAILED;
    }
    options.config_path = arguments.config_path;
    return run(&options);
}
