/* SPDX-License-Identifier: Apache-2.0 */
/* install_plan.h -- what an agent's own settings must say, so that it reports to the daemon: its
 * hooks start telltale-hook, and its OpenTelemetry exporter sends to our OTLP/HTTP receiver.
 *
 * Sources: the agents' documentation of their settings; docs/SCHEMA.md lists what each then sends.
 *
 * Threads: pure functions.
 */
#pragma once

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>

#include "telltale/error.h"

enum install_agent { INSTALL_CODEX, INSTALL_CLAUDE_CODE, INSTALL_GEMINI, INSTALL_CURSOR };
enum { INSTALL_AGENT_COUNT = 4, INSTALL_FILES_MAX = 2, INSTALL_BLOCK_MAX = 1024 };

struct install_settings {
    enum install_agent agent;
    const char *home;        /* of the user */
    const char *project_dir; /* NULL: for the user, in all projects */
    const char *hook;        /* path of telltale-hook */
    const char *socket;      /* that it is to use; NULL: its own default */
    const char *spool;       /* the same; NULL or empty: its own default */
    const char *endpoint;    /* "http://127.0.0.1:4318" */
    bool no_content;         /* prompts and tool arguments stay out of OTLP records */
};

/* One file.  Either `wanted`, to be merged into JSON, or `block`, lines of TOML. */
struct install_file {
    char path[PATH_MAX];
    size_t project_size; /* of struct settings_path */
    cJSON *wanted;       /* owned */
    char block[INSTALL_BLOCK_MAX];
};

struct install_plan {
    struct install_file files[INSTALL_FILES_MAX];
    size_t file_count;
    const char *note; /* what the user has to do; NULL: nothing */
};

/* "codex", "claude-code", "gemini", "cursor"; false: there is no such agent. */
bool install_agent_find(const char *name, enum install_agent *ret);
const char *install_agent_name(enum install_agent agent);
const char *install_agent_product(enum install_agent agent); /* agent.product of its records */

/* ST_INVALID: a path is too long or has characters that no settings file should have. */
MUST_CHECK enum status install_plan_make(const struct install_settings *settings,
                                         struct install_plan *ret, struct error *err);
void install_plan_fini(struct install_plan *plan);
