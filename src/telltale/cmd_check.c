/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c -- telltale check FILE: every mistake of a configuration, before the daemon
 * sees it.  With --print the effective configuration, defaults and all, goes to stdout. */
#include <getopt.h>
#include <stdio.h>

#include "config/config.h"
#include "config/config_print.h"
#include "deliver/exporter_list.h"
#include "telltale/command.h"

enum { OUTPUT_SIZE_MAX = 16 * 1024 * 1024 };

static int print_effective(const struct config *config, struct buf *out)
{
    struct error err;

    buf_clear(out);
    if (config_print(config, out, &err) != ST_OK) {
        fprintf(stderr, "telltale: %s\n", err.text);
        return COMMAND_FAILED;
    }
    if (fwrite(out->data, 1, out->size, stdout) != out->size || fflush(stdout) != 0) {
        perror("telltale: stdout");
        return COMMAND_FAILED;
    }
    return COMMAND_OK;
}

static int check_file(const struct command_options *options, const char *path, bool print)
{
    const struct config *config;
    struct config_source source = {.path = path};
    struct config_dirs dirs;
    struct error err;
    struct buf out;
    int result;

    if (!command_dirs(options, &dirs))
        return COMMAND_FAILED;
    source.dirs = &dirs;
    source.exporters = exporter_list(&source.exporter_count);
    buf_init(&out, OUTPUT_SIZE_MAX);
    if (config_load(&source, &config, &out, &err) == ST_OK) {
        result = print ? print_effective(config, &out) : COMMAND_OK;
        config_destroy(config);
    } else {
        fprintf(stderr, "%.*stelltale: %s\n", SLICE_ARG(buf_slice(&out)), err.text);
        result = COMMAND_FAILED;
    }
    buf_fini(&out);
    return result;
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
