/* SPDX-License-Identifier: Apache-2.0 */
/* command.h -- the verbs of telltale(1).
 *
 * Each verb is a file of its own, cmd_<verb>.c, that ends with its `struct command`; main.c
 * lists them.  A verb writes what was asked for to stdout and everything else to stderr.
 *
 * Threads: the command has one.
 */
#pragma once

#include "config/config_dirs.h"
#include "telltale/error.h"

/* What a verb returns becomes the exit status. */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1, /* it was tried, or looked at, and the answer is no */
    COMMAND_USAGE = 2,  /* the command line makes no sense */
    COMMAND_UNSURE = 3, /* nothing says no, but there is something that cannot be told */
};

/* The options of every verb. */
struct command_options {
    const char *run_dir, *state_dir; /* NULL: not given */
};

struct command {
    const char *name;
    const char *synopsis; /* its arguments, "FILE" */
    const char *summary;  /* a few words, for the list of verbs */
    /* argv[0] is the program.  getopt() may be used; optind is reset. */
    int (*run)(const struct command_options *options, int argc, char **argv);
};

extern const struct command command_around;
extern const struct command command_check;
extern const struct command command_dead_letter;
extern const struct command command_doctor;
extern const struct command command_emit;
extern const struct command command_export;
extern const struct command command_hold;
extern const struct command command_install_hooks;
extern const struct command command_journal;
extern const struct command command_losses;
extern const struct command command_query;
extern const struct command command_report;
extern const struct command command_retention;
extern const struct command command_sessions;
extern const struct command command_status;
extern const struct command command_tail;
extern const struct command command_timeline;
extern const struct command command_verify;

/* Says on stderr how `command` is called; returns COMMAND_USAGE. */
int command_usage(const struct command *command);

/* The directories that the options choose.  False: not possible, which was said on stderr. */
bool command_dirs(const struct command_options *options, struct config_dirs *ret);

/* The end of a verb that answers on stdout: writes out what is left, and says on stderr what
 * failed, which is in `err` unless `status` is ST_OK. */
int command_end(const struct command *command, enum status status, const struct error *err);
