/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- telltale(1): finds the verb and runs it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "telltale/command.h"

static const struct command *const commands[] = {
    &command_status,        &command_emit,        &command_tail,   &command_query,
    &command_sessions,      &command_timeline,    &command_around, &command_report,
    &command_verify,        &command_export,      &command_hold,   &command_retention,
    &command_journal,       &command_dead_letter, &command_losses, &command_check,
    &command_install_hooks, &command_doctor,
};

static void print_help(FILE *out)
{
    fputs("usage: telltale VERB [ARGUMENT...] [--run-dir DIR] [--state-dir DIR]\n\n", out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-14s%s\n", commands[i]->name, commands[i]->summary);
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

int command_end(const struct command *command, enum status status, const struct error *err)
{
    if (status != ST_OK)
        fprintf(stderr, "telltale %s: %s\n", command->name, err->text);
    return status == ST_OK && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
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
    static char name_for_getopt[] = "telltale"; /* its complaints begin with argv[0] */

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i]->name, argv[0]) == 0) {
            if (argc > 1 && strcmp(argv[1], "--help") == 0) {
                printf("usage: telltale %s %s\n", commands[i]->name, commands[i]->synopsis);
                return COMMAND_OK;
            }
            optind = 0; /* the verb has options of its own: getopt() starts anew */
            argv[0] = name_for_getopt;
            return commands[i]->run(options, argc, argv);
        }
    }
    fprintf(stderr, "telltale: there is no verb '%s'; telltale --help lists them\n", argv[0]);
    return COMMAND_USAGE;
}

/* Takes "--NAME VALUE" or "--NAME=VALUE" out of argv at `index`; false: it is another word. */
static bool take_option(int *argc, char **argv, int index, const char *name, const char **ret)
{
    size_t size = strlen(name);
    int words = 0;

    if (strcmp(argv[index], name) == 0 && index + 1 < *argc) {
        *ret = argv[index + 1];
        words = 2;
    } else if (strncmp(argv[index], name, size) == 0 && argv[index][size] == '=') {
        *ret = argv[index] + size + 1;
        words = 1;
    } else {
        return false;
    }
    memmove(argv + index, argv + index + words,
            (size_t)(*argc - index - words + 1) * sizeof(*argv));
    *argc -= words;
    return true;
}

/* The directories may be named before the verb or behind it, up to a "--". */
static void take_directories(int *argc, char **argv, struct command_options *options)
{
    int index = 1;

    while (index < *argc && strcmp(argv[index], "--") != 0) {
        if (!take_option(argc, argv, index, "--run-dir", &options->run_dir) &&
            !take_option(argc, argv, index, "--state-dir", &options->state_dir))
            index++;
    }
}

int main(int argc, char **argv)
{
    struct command_options options = {NULL, NULL};

    take_directories(&argc, argv, &options);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("telltale " TELLTALE_VERSION);
        return COMMAND_OK;
    }
    if (argc == 1) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    return run_verb(&options, argc - 1, argv + 1);
}
