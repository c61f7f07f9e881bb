/* SPDX-License-Identifier: Apache-2.0 */
/* proof_source.c -- see proof_source.h. */
#include "verify/proof_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "telltale/line_file.h"
#include "util/fd.h"

enum { READ_SIZE = 64 << 10 };

void proof_source_init(struct proof_source *source)
{
    *source = (struct proof_source){.fd = -1};
    buf_init(&source->text, (size_t)LINE_FILE_LINE_MAX + READ_SIZE);
}

static void close_file(struct proof_source *source)
{
    if (source->fd >= 0)
        (void)close(source->fd); /* only read from */
    source->fd = -1;
}

void proof_source_fini(struct proof_source *source)
{
    close_file(source);
    if (source->text.data != NULL)
        explicit_bzero(source->text.data, source->text.capacity); /* seeds */
    buf_fini(&source->text);
    if (source->line != NULL)
        explicit_bzero(source->line, sizeof(*source->line));
    free(source->line);
    source->line = NULL;
}

enum status proof_source_open(struct proof_source *source, int dir_fd, const char *name,
                              struct error *err)
{
    close_file(source);
    buf_clear(&source->text);
    source->start = 0;
    source->is_torn = false;
    store_proof_reader_init(&source->reader);
    if (source->line == NULL)
        source->line = malloc(sizeof(*source->line));
    if (source->line == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%s'", name);
    source->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (source->fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", name);
    if (fstat(source->fd, &source->info) < 0)
        return error_set_errno(err, ST_IO, "fstat '%s'", name);
    source->left = source->info.st_size > 0 ? (uint64_t)source->info.st_size : 0;
    return ST_OK;
}

/* ST_NOT_FOUND: there is no more. */
static enum status read_more(struct proof_source *source, struct error *err)
{
    struct buf *text = &source->text;
    size_t size = source->left < READ_SIZE ? (size_t)source->left : READ_SIZE;
    size_t got = 0;

    text->size -= source->start;
    if (text->size > 0)
        memmove(text->data, text->data + source->start, text->size);
    source->start = 0;
    if (size == 0)
        return ST_NOT_FOUND;
    if (text->size > LINE_FILE_LINE_MAX)
        return error_set(err, ST_INVALID, "a line is longer than %d bytes", LINE_FILE_LINE_MAX);
    enum status st = buf_reserve(text, size, err);
    if (st == ST_OK)
        st = fd_read_up_to(source->fd, text->data + text->size, size, &got, err);
    if (st != ST_OK)
        return st;
    text->size += got;
    source->left -= got;
    return got > 0 ? ST_OK : ST_NOT_FOUND;
}

static bool is_last_with_hole(const struct proof_source *source, struct slice line)
{
    size_t behind = source->start + line.size + 1;
    const struct buf *text = &source->text;

    return line_file_has_hole(line) && source->left == 0 &&
           (behind == text->size || memchr(text->data + behind, '\n', text->size - behind) == NULL);
}

enum status proof_source_next(struct proof_source *source, struct error *err)
{
    size_t scanned = source->start;

    for (;;) {
        struct buf *text = &source->text;
        const uint8_t *newline =
            scanned < text->size ? memchr(text->data + scanned, '\n', text->size - scanned) : NULL;
        if (newline != NULL) {
            const uint8_t *start = text->data + source->start;
            struct slice line = slice_of(start, (size_t)(newline - start));
            source->is_torn = is_last_with_hole(source, line);
            if (source->is_torn)
                return ST_NOT_FOUND;
            source->start += line.size + 1;
            return store_proof_read_line(&source->reader, line, source->line, err);
        }
        scanned = text->size - source->start;
        enum status st = read_more(source, err);
        if (st == ST_NOT_FOUND)
            source->is_torn = text->size > 0;
        if (st != ST_OK)
            return st;
    }
}
