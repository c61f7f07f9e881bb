/* SPDX-License-Identifier: Apache-2.0 */
/* config_dirs.c -- relative variables are ignored, as the base directory specification asks;
 * relative options are taken from the working directory, since a person typed them. */
#include "config/config_dirs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool given(const char *text)
{
    return text != NULL && text[0] != 0;
}

static bool is_absolute(const char *text)
{
    return text != NULL && text[0] == '/';
}

/* Joins with one slash; `name` may be NULL. */
static enum status join(char out[PATH_MAX], const char *dir, const char *name, struct error *err)
{
    size_t size = strlen(dir);

    while (size > 1 && dir[size - 1] == '/')
        size--;
    int used = snprintf(out, PATH_MAX, "%.*s%s%s", (int)size, dir,
                        name != NULL && dir[size - 1] != '/' ? "/" : "", name != NULL ? name : "");
    if (used < 0 || used >= PATH_MAX)
        return error_set(err, ST_INVALID, "the directory '%.64s...' has too long a path", dir);
    return ST_OK;
}

static enum status take_option(char out[PATH_MAX], const char *option,
                               const struct config_dirs_input *input, struct error *err)
{
    char absolute[PATH_MAX];

    if (is_absolute(option))
        return join(out, option, NULL, err);
    if (!is_absolute(input->working_dir))
        return error_set(err, ST_INVALID, "the directory '%.64s' is not absolute", option);
    enum status st = join(absolute, input->working_dir, option, err);
    if (st != ST_OK)
        return st;
    return join(out, absolute, NULL, err);
}

static enum status choose_run_dir(const struct config_dirs_input *input, struct config_dirs *dirs,
                                  struct error *err)
{
    char name[32];

    if (given(input->run_dir))
        return take_option(dirs->run_dir, input->run_dir, input, err);
    if (input->uid == 0)
        return join(dirs->run_dir, "/run/telltale", NULL, err);
    if (is_absolute(input->xdg_runtime_dir))
        return join(dirs->run_dir, input->xdg_runtime_dir, "telltale", err);
    snprintf(name, sizeof(name), "telltale-%lu", (unsigned long)input->uid);
    dirs->run_dir_shared_parent = true;
    return join(dirs->run_dir, "/tmp", name, err);
}

static enum status choose_state_dir(const struct config_dirs_input *input, struct config_dirs *dirs,
                                    struct error *err)
{
    if (given(input->state_dir))
        return take_option(dirs->state_dir, input->state_dir, input, err);
    if (input->uid == 0)
        return join(dirs->state_dir, "/var/lib/telltale", NULL, err);
    if (is_absolute(input->xdg_state_home))
        return join(dirs->state_dir, input->xdg_state_home, "telltale", err);
    if (is_absolute(input->home))
        return join(dirs->state_dir, input->home, ".local/state/telltale", err);
    return error_set(err, ST_INVALID,
                     "no state directory: neither HOME nor XDG_STATE_HOME is set; use --state-dir");
}

enum status config_dirs_choose(const struct config_dirs_input *input, struct config_dirs *ret,
                               struct error *err)
{
    struct config_dirs dirs = {0};

    enum status st = choose_run_dir(input, &dirs, err);
    if (st != ST_OK)
        return st;
    st = choose_state_dir(input, &dirs, err);
    if (st != ST_OK)
        return st;
    *ret = dirs;
    return ST_OK;
}

enum status config_dirs_resolve(const char *run_dir, const char *state_dir, struct config_dirs *ret,
                                struct error *err)
{
    char working_dir[PATH_MAX];
    const struct config_dirs_input input = {
        .uid = geteuid(),
        .run_dir = run_dir,
        .state_dir = state_dir,
        .working_dir = getcwd(working_dir, sizeof(working_dir)),
        .xdg_runtime_dir = getenv("XDG_RUNTIME_DIR"),
        .xdg_state_home = getenv("XDG_STATE_HOME"),
        .home = getenv("HOME"),
    };

    return config_dirs_choose(&input, ret, err);
}
