/* SPDX-License-Identifier: Apache-2.0 */
/* store_indexed.c -- see store_indexed.h. */
#include "support/store_indexed.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "telltale/store_index.h"
#include "telltale/store_index_builder.h"
#include "util/le.h"

enum { HEAD_SIZE = 8, ENTRY_SIZE = 8, FOOT_SIZE = 9, TEXT_MAX = 256 << 20 };

static struct slice read_file(int dir_fd, const char *name)
{
    struct stat info;

    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    ASSERT(fd >= 0 && fstat(fd, &info) == 0);
    uint8_t *data = malloc((size_t)info.st_size + 1);
    ASSERT(data != NULL && read(fd, data, (size_t)info.st_size) == info.st_size);
    (void)close(fd); /* only read from */
    return slice_of(data, (size_t)info.st_size);
}

static void add_frame(struct store_index_builder *builder, struct slice frame, size_t size,
                      struct buf *text)
{
    struct error err;

    buf_clear(text);
    ASSERT(buf_reserve(text, size, &err) == ST_OK);
    ASSERT(ZSTD_decompress(text->data, size, frame.data, frame.size) == size);
    text->size = size;
    ASSERT(store_index_builder_add(builder, buf_slice(text), &err) == ST_OK);
    ASSERT(store_index_builder_end_frame(builder, frame.size, &err) == ST_OK);
}

static void make_index(int dir_fd, const struct store_file_name *name)
{
    struct store_index_builder *builder;
    char text[STORE_FILE_NAME_SIZE];
    struct slice index;
    struct error err;
    struct buf lines;

    store_file_name_format(name, text);
    struct slice file = read_file(dir_fd, text);
    size_t frames = le32_get(file.data + file.size - FOOT_SIZE);
    size_t table = file.size - (HEAD_SIZE + frames * ENTRY_SIZE + FOOT_SIZE);
    buf_init(&lines, TEXT_MAX);
    ASSERT(store_index_builder_create(&builder, &err) == ST_OK);
    for (size_t i = 0, at = 0; i < frames; i++) {
        const uint8_t *entry = file.data + table + HEAD_SIZE + i * ENTRY_SIZE;
        add_frame(builder, slice_of(file.data + at, le32_get(entry)), le32_get(entry + 4), &lines);
        at += le32_get(entry);
    }
    const struct store_index_file whose = {.size_bytes = file.size,
                                           .seek_table = slice_from(file, table)};
    ASSERT(store_index_builder_finish(builder, &whose, &index, &err) == ST_OK);
    store_index_name(name, text);
    int fd = openat(dir_fd, text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, index.data, index.size) == (ssize_t)index.size && close(fd) == 0);
    store_index_builder_destroy(builder);
    buf_fini(&lines);
    free((void *)(uintptr_t)file.data);
}

void store_indexed_make(const char *dir)
{
    DIR *stream = opendir(dir);
    const struct dirent *item;
    struct store_file_name name;
    char text[STORE_FILE_NAME_SIZE];

    ASSERT(stream != NULL);
    while ((item = readdir(stream)) != NULL) {
        if (!store_file_name_parse(item->d_name, &name) || !name.compressed)
            continue;
        store_index_name(&name, text);
        if (faccessat(dirfd(stream), text, F_OK, 0) != 0)
            make_index(dirfd(stream), &name);
    }
    (void)closedir(stream); /* only read from */
}
