/* SPDX-License-Identifier: Apache-2.0 */
/* config_reference.c -- only whole values are replaced: a secret in the middle of a text is
 * a quoting problem in every language that has tried it.  What was put in is not looked
 * through again.  The scheme of a Unix socket's address may stand before the reference. */
#include "config/config_reference.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

static const char unix_scheme[] = "unix:";

static enum status copy(struct config_pool *pool, const char *text, size_t size, const char **ret,
                        struct error *err)
{
    const char *result = config_pool_copy(pool, text, size);

    if (result == NULL)
        return error_set(err, ST_NO_MEMORY, "copy a text of %zu bytes", size);
    *ret = result;
    return ST_OK;
}

static enum status from_environment(struct config_pool *pool, const char *name, const char **ret,
                                    struct error *err)
{
    const char *value = getenv(name);

    if (value == NULL)
        return error_set(err, ST_INVALID, "the environment variable '%.64s' is not set", name);
    if (strlen(value) > CONFIG_SECRET_SIZE_MAX)
        return error_set(err, ST_INVALID, "the environment variable '%.64s' is too long", name);
    return copy(pool, value, strlen(value), ret, err);
}

/* The name may be that of a pipe or a device: they are refused, never waited for. */
static enum status read_regular_file(const char *path, char *data, size_t size, size_t *ret_got,
                                     struct error *err)
{
    struct stat stat;
    enum status st;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set_errno(err, ST_INVALID, "open '%.100s'", path);
    if (fstat(fd, &stat) < 0) {
        st = error_set_errno(err, ST_INVALID, "stat '%.100s'", path);
        goto out;
    }
    if (!S_ISREG(stat.st_mode)) {
        st = error_set(err, ST_INVALID, "'%.100s' is not a regular file", path);
        goto out;
    }
    st = fd_read_up_to(fd, data, size, ret_got, err);
    if (st != ST_OK)
        error_context(err, "'%.100s'", path);
out:
    (void)close(fd); /* only read from */
    return st;
}

static enum status from_file(struct config_pool *pool, const char *path, const char **ret,
                             struct error *err)
{
    size_t size = 0;

    if (path[0] != '/')
        return error_set(err, ST_INVALID, "the path '%.64s' is not absolute", path);
    char *data = malloc(CONFIG_SECRET_SIZE_MAX + 1);
    if (data == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%.100s'", path);
    enum status st = read_regular_file(path, data, CONFIG_SECRET_SIZE_MAX + 1, &size, err);
    if (st != ST_OK)
        goto out;
    if (size > CONFIG_SECRET_SIZE_MAX) {
        st = error_set(err, ST_INVALID, "'%.100s' is larger than %d bytes", path,
                       CONFIG_SECRET_SIZE_MAX);
        goto out;
    }
    if (size > 0 && data[size - 1] == '\n')
        size--;
    if (memchr(data, 0, size) != NULL) {
        st = error_set(err, ST_INVALID, "'%.100s' is not a text file", path);
        goto out;
    }
    st = copy(pool, data, size, ret, err);
out:
    explicit_bzero(data, CONFIG_SECRET_SIZE_MAX + 1);
    free(data);
    return st;
}

static enum status below(struct config_pool *pool, const char *dir, const char *rest,
                         const char **ret, struct error *err)
{
    const char *result = config_pool_printf(pool, "%s%s", dir, rest);

    if (result == NULL)
        return error_set(err, ST_NO_MEMORY, "join a path");
    *ret = result;
    return ST_OK;
}

static enum status resolve_behind_scheme(struct config_pool *pool, const struct config_dirs *dirs,
                                         const char *text, const char **ret, struct error *err)
{
    const char *path;

    enum status st = config_reference_resolve(pool, dirs, text + strlen(unix_scheme), &path, err);
    return st == ST_OK ? below(pool, unix_scheme, path, ret, err) : st;
}

enum status config_reference_resolve(struct config_pool *pool, const struct config_dirs *dirs,
                                     const char *text, const char **ret, struct error *err)
{
    char name[PATH_MAX];

    if (strncmp(text, "unix:${", strlen("unix:${")) == 0)
        return resolve_behind_scheme(pool, dirs, text, ret, err);

    if (strncmp(text, "${", 2) != 0)
        return copy(pool, text, strlen(text), ret, err);
    const char *end = strchr(text, '}');
    if (end == NULL || (size_t)(end - text) >= sizeof(name))
        return error_set(err, ST_INVALID, "the reference has no end");
    size_t size = (size_t)(end - text) - 2;
    memcpy(name, text + 2, size);
    name[size] = 0;
    if (strcmp(name, "run_dir") == 0)
        return below(pool, dirs->run_dir, end + 1, ret, err);
    if (strcmp(name, "state_dir") == 0)
        return below(pool, dirs->state_dir, end + 1, ret, err);
    if (end[1] != 0)
        return error_set(err, ST_INVALID, "text behind a reference; it must be the whole value");
    if (strncmp(name, "env:", 4) == 0)
        return from_environment(pool, name + 4, ret, err);
    if (strncmp(name, "file:", 5) == 0)
        return from_file(pool, name + 5, ret, err);
    return error_set(err, ST_INVALID,
                     "unknown reference '${%.32s}'; known are ${env:NAME}, ${file:/path}, "
                     "${run_dir} and ${state_dir}",
                     name);
}
