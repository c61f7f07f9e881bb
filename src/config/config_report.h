/* SPDX-License-Identifier: Apache-2.0 */
/* config_report.h -- everything that is wrong with a configuration file, with its place.
 *
 *     telltale.yaml:14:9: exporters.otlp_grpc/soc: unknown option 'timout'; did you mean 'timeout'?
 *        14 |         timout: 5s
 *           |         ^~~~~~
 *
 * Problems are collected in any order and written in the order of the file.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stdint.h>

#include "config/config_pool.h"
#include "telltale/buf.h"

/* A part of the source, in bytes. */
struct config_place {
    size_t offset;
    size_t size; /* 0: a position */
};

struct config_report {
    const char *file;         /* how the source is called; borrowed */
    struct slice source;      /* borrowed */
    struct config_pool *pool; /* borrowed; holds the messages */
    struct config_problem *problems;
    size_t count; /* all of them, also those that are not kept */
};

/* Past this many the rest is counted and not shown. */
enum { CONFIG_PROBLEMS_MAX = 100 };

void config_report_init(struct config_report *report, struct config_pool *pool, const char *file,
                        struct slice source);

/* Notes a problem of the option `path` ("journal.max_size"; "" for the file as a whole). */
void config_report_add(struct config_report *report, struct config_place place, const char *path,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The same for a place that holds a secret: its line is not shown. */
void config_report_add_secret(struct config_report *report, struct config_place place,
                              const char *path, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Appends the whole report. */
MUST_CHECK enum status config_report_write(const struct config_report *report, struct buf *out,
                                           struct error *err);
