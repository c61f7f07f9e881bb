/* SPDX-License-Identifier: Apache-2.0 */
/* filter_options.h -- the options that say which records are meant, the same for every verb that
 * reads the store.
 *
 * Threads: the main thread.
 */
#pragma once

#include <getopt.h>
#include <limits.h>

#include "config/config_dirs.h"
#include "query/filter.h"

enum filter_option {
    OPTION_SINCE = 0x100,
    OPTION_UNTIL,
    OPTION_AGENT,
    OPTION_USER,
    OPTION_HOST,
    OPTION_TEXT,
    OPTION_GREP,
    OPTION_WORD,
    OPTION_UID,
    OPTION_STORE,
};

#define FILTER_OPTIONS_SHORT "s:k:o:t:w:"

/* Rows for getopt_long(). */
#define FILTER_OPTIONS_LONG                                                                        \
    {"since", required_argument, NULL, OPTION_SINCE},                                              \
        {"until", required_argument, NULL, OPTION_UNTIL},                                          \
        {"session", required_argument, NULL, 's'}, {"kind", required_argument, NULL, 'k'},         \
        {"outcome", required_argument, NULL, 'o'}, {"tool", required_argument, NULL, 't'},         \
        {"where", required_argument, NULL, 'w'}, {"agent", required_argument, NULL, OPTION_AGENT}, \
        {"user", required_argument, NULL, OPTION_USER},                                            \
        {"host", required_argument, NULL, OPTION_HOST},                                            \
        {"text", required_argument, NULL, OPTION_TEXT},                                            \
        {"grep", required_argument, NULL, OPTION_GREP},                                            \
        {"word", required_argument, NULL, OPTION_WORD},                                            \
        {"uid", required_argument, NULL, OPTION_UID},                                              \
    {                                                                                              \
        "store", required_argument, NULL, OPTION_STORE                                             \
    }

#define FILTER_OPTIONS_SYNOPSIS                                                                    \
    "[--since TIME] [--until TIME] [--session ID] [--kind KIND,...]\n"                             \
    "                      [--outcome OUTCOME,...] [--tool NAME] [--agent NAME,...]\n"             \
    "                      [--user USER,...] [--host HOST,...] [--where CONDITION]...\n"           \
    "                      [--text TEXT] [--word WORD]... [--grep PATTERN] [--uid UID]\n"          \
    "                      [--store DIR]"

struct filter_options {
    struct query_filter filter;
    struct condition conditions[FILTER_CONDITIONS_MAX];
    char uid_condition[CONDITION_SIZE_MAX];
    struct buf scratch;
    char store_dir[PATH_MAX];
};

/* The store is that of `dirs`.  `options` must not be copied. */
void filter_options_init(struct filter_options *options, const struct config_dirs *dirs);
void filter_options_fini(struct filter_options *options);

/* Takes an option that getopt_long() gave.  False: it is none of these, or makes no sense, which
 * was said on stderr. */
bool filter_options_take(struct filter_options *options, int option, const char *value);

/* A count from 1 or 0 to `max`; a time as time_parse() reads it.  False: said on stderr. */
bool option_read_count(const char *text, unsigned long max, unsigned long *ret);
bool option_read_time(const char *text, uint64_t *ret);
