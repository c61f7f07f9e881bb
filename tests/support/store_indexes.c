/* SPDX-License-Identifier: Apache-2.0 */
/* store_indexes.c -- see store_indexes.h. */
#include "support/store_indexes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "telltale/store_index.h"

static void look_at_file(int dir_fd, const char *name, struct store_indexes *ret)
{
    struct store_file_name file;
    struct store_index *index;
    struct error err;

    if (!store_file_name_parse(name, &file) || !file.compressed)
        return;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    ASSERT(fd >= 0);
    enum status st = store_index_open(dir_fd, &file, fd, &index, &err);
    (void)close(fd); /* only read from */
    ret->compressed++;
    ret->good += st == ST_OK;
    ret->refused += st != ST_OK && st != ST_NOT_FOUND;
    if (st == ST_OK)
        store_index_close(index);
}

static void look_at_index(int dir_fd, const char *name, struct store_indexes *ret)
{
    char file[STORE_FILE_NAME_SIZE * 2];
    const char *suffix = strstr(name, STORE_INDEX_SUFFIX);

    if (suffix == NULL || suffix[strlen(STORE_INDEX_SUFFIX)] != 0)
        return;
    snprintf(file, sizeof(file), "%.*s.jsonl.zst", (int)(suffix - name), name);
    ret->left_over += faccessat(dir_fd, file, F_OK, 0) < 0;
}

struct store_indexes store_indexes_look(const char *path)
{
    struct store_indexes ret = {0};
    struct dirent *item;

    DIR *stream = opendir(path);
    ASSERT(stream != NULL);
    while ((item = readdir(stream)) != NULL) {
        look_at_file(dirfd(stream), item->d_name, &ret);
        look_at_index(dirfd(stream), item->d_name, &ret);
    }
    (void)closedir(stream); /* only read from */
    return ret;
}
