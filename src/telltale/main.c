/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- telltale(1): finds the verb and runs it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "telltale/command.h"

static const struct command *const commands[] = {
    &command_check,
};

static void print_help(FILE *out)
{
    fputs("usage: telltale [--run-dir DIR] [--state-dir DIR] VERB [ARGUMENT...]\n\n", out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n  --run-dir DIR    where the daemon's sockets are\n"
          "  --state-dir DIR  where its journal and its store are\n"
          "  --help           this text; telltale(1) has more\n"
          "  --version        the version\n",
          out);
}

int command_usage(const struct command *command)
{
    fprintf(stderr, "usage: telltale %s %s\n", command->name, command->synopsis);
    return COMMAND_USAGE;
}

bool command_dirs(const struct command_options *options, struct config_dirs *ret)
{
    struct error err;

    if (config_dirs_resolve(options->run_dir, options->state_dir, ret, &err) == ST_OK)
        return true;
    fprintf(stderr, "telltale: %s\n", err.text);
    return false;
}

static int run_verb(const struct command_options *options, int argc, char **argv)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i]->name, argv[0]) == 0) {
            optind = 0; /* the verb has options of its own: getopt() starts anew */
            return commands[i]->run(options, argc, argv);
        }
    }
    fprintf(stderr, "telltale: there is no verb '%s'; telltale --help lists them\n", argv[0]);
    return COMMAND_USAGE;
}

int main(int argc, char **argv)
{
    enum { OPTION_RUN_DIR = 256, OPTION_STATE_DIR, OPTION_HELP, OPTION_VERSION };
    static const struct option known[] = {
        {"run-dir", required_argument, NULL, OPTION_RUN_DIR},
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    struct command_options options = {NULL, NULL};

    for (;;) {
        int option = getopt_long(argc, argv, "+", known, NULL);
        if (option == -1)
            break;
        switch (option) {
        case OPTION_RUN_DIR:
            options.run_dir = optarg;
            break;
        case OPTION_STATE_DIR:
            options.state_dir = optarg;
            break;
        case OPTION_HELP:
            print_help(stdout);
            return COMMAND_OK;
        case OPTION_VERSION:
            puts("telltale " TELLTALE_VERSION);
            return COMMAND_OK;
        default:
            return COMMAND_USAGE;
        }
    }
    if (optind == argc) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    return run_verb(&options, argc - optind, argv + optind);
}
