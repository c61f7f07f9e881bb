/* SPDX-License-Identifier: Apache-2.0 */
/* key_text.c -- see key_text.h. */
#include "verify/key_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "telltale/signed_note.h"
#include "util/fd.h"

void key_texts_init(struct key_texts *keys, size_t limit)
{
    *keys = (struct key_texts){.limit = limit};
}

void key_texts_fini(struct key_texts *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free(keys->items[i]);
    free(keys->items);
    *keys = (struct key_texts){.limit = keys->limit};
}

static enum status add_key(struct key_texts *keys, struct slice text, struct error *err)
{
    struct note_vkey vkey;

    enum status st = note_vkey_parse(text, &vkey, err);
    if (st != ST_OK)
        return st;
    if (keys->count == keys->limit)
        return error_set(err, ST_LIMIT, "more than %zu keys", keys->limit);
    char **items = reallocarray(keys->items, keys->count + 1, sizeof(*items));
    if (items != NULL)
        keys->items = items;
    char *copy = items != NULL ? strndup((const char *)text.data, text.size) : NULL;
    if (copy == NULL)
        return error_set(err, ST_NO_MEMORY, "keep a key");
    keys->items[keys->count++] = copy;
    return ST_OK;
}

static enum status add_lines(struct key_texts *keys, struct slice text, struct error *err)
{
    size_t before = keys->count;

    while (text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline != NULL ? (size_t)(newline - text.data) : text.size;
        struct slice line = slice_of(text.data, size);
        text = slice_from(text, size + 1);
        while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL)
            line.size--;
        if (line.size == 0 || line.data[0] == '#')
            continue;
        enum status st = add_key(keys, line, err);
        if (st != ST_OK)
            return st;
    }
    return keys->count > before ? ST_OK : error_set(err, ST_INVALID, "there is no key in it");
}

static enum status add_file(struct key_texts *keys, int fd, struct error *err)
{
    char *text = malloc(KEY_FILE_SIZE_MAX + 1);
    size_t got = 0;

    if (text == NULL)
        return error_set(err, ST_NO_MEMORY, "read keys");
    enum status st = fd_read_up_to(fd, text, KEY_FILE_SIZE_MAX + 1, &got, err);
    if (st == ST_OK && got > KEY_FILE_SIZE_MAX)
        st = error_set(err, ST_LIMIT, "more than %d bytes", KEY_FILE_SIZE_MAX);
    if (st == ST_OK)
        st = add_lines(keys, slice_of(text, got), err);
    free(text);
    return st;
}

enum status key_texts_add(struct key_texts *keys, const char *text, struct error *err)
{
    struct note_vkey vkey;

    if (note_vkey_parse(slice_of_text(text), &vkey, err) == ST_OK)
        return add_key(keys, slice_of_text(text), err);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ST_NOT_FOUND, "'%.100s' is neither a verifier key nor a file", text);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%.100s'", text);
    enum status st = add_file(keys, fd, err);
    (void)close(fd); /* only read from */
    return st == ST_OK ? ST_OK : error_context(err, "'%.100s'", text);
}
