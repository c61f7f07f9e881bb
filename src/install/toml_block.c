/* SPDX-License-Identifier: Apache-2.0 */
/* toml_block.c -- see toml_block.h.  A table may stand only once in TOML, so one that somebody
 * else wrote is a reason to leave the file alone. */
#include "install/toml_block.h"

#include <string.h>

#define MARK_BEGIN "# telltale: begin (telltale install-hooks --undo takes this out)\n"
#define MARK_END   "# telltale: end\n"

static size_t find(struct slice text, const char *needle, size_t from)
{
    size_t size = strlen(needle);

    if (text.size == 0 || from > text.size)
        return SIZE_MAX;
    const uint8_t *found = memmem(text.data + from, text.size - from, needle, size);
    return found != NULL ? (size_t)(found - text.data) : SIZE_MAX;
}

/* Whether `name` is a table of the text, or a key with dots that makes it one. */
static bool has_table(struct slice text, struct slice name)
{
    size_t at = 0;

    while (at < text.size) {
        while (at < text.size &&
               (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '['))
            at++;
        size_t behind = at + name.size;
        if (behind < text.size && memcmp(text.data + at, name.data, name.size) == 0 &&
            strchr("]. =\t", text.data[behind]) != NULL)
            return true;
        const uint8_t *newline =
            at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;
        at = newline != NULL ? (size_t)(newline - text.data) + 1 : text.size;
    }
    return false;
}

static enum status cut(struct buf *text, size_t start, size_t end)
{
    memmove(text->data + start, text->data + end, text->size - end);
    text->size -= end - start;
    return ST_OK;
}

/* Where the block with its marks stands; false: nowhere. */
static bool find_block(struct slice text, size_t *ret_start, size_t *ret_end)
{
    *ret_start = find(text, MARK_BEGIN, 0);
    if (*ret_start == SIZE_MAX)
        return false;
    size_t end = find(text, MARK_END, *ret_start);
    if (end == SIZE_MAX)
        return false;
    *ret_end = end + strlen(MARK_END);
    /* The empty line in front of it is ours too. */
    if (*ret_start >= 2 && memcmp(text.data + *ret_start - 2, "\n\n", 2) == 0)
        --*ret_start;
    return true;
}

bool toml_block_is_there(struct slice text)
{
    size_t start;
    size_t end;

    return find_block(text, &start, &end);
}

enum status toml_block_put(struct buf *text, const char *block, struct error *err)
{
    const char *name_end = strchr(block, ']');
    size_t start;
    size_t end;

    if (find_block(buf_slice(text), &start, &end))
        (void)cut(text, start, end);
    const struct slice name = slice_of(block + 1, (size_t)(name_end - block - 1));
    if (has_table(buf_slice(text), name))
        return error_set(err, ST_INVALID, "there is a table [%.*s] already", SLICE_ARG(name));
    bool lacks_newline = text->size > 0 && text->data[text->size - 1] != '\n';
    enum status st = lacks_newline ? buf_append(text, "\n", 1, err) : ST_OK;
    if (st == ST_OK && text->size > 0)
        st = buf_append(text, "\n", 1, err);
    if (st == ST_OK)
        st = buf_append(text, MARK_BEGIN, strlen(MARK_BEGIN), err);
    if (st == ST_OK)
        st = buf_append(text, block, strlen(block), err);
    return st == ST_OK ? buf_append(text, MARK_END, strlen(MARK_END), err) : st;
}

enum status toml_block_remove(struct buf *text, const char *block, struct error *err)
{
    size_t start;
    size_t end;

    if (!find_block(buf_slice(text), &start, &end))
        return error_set(err, ST_NOT_FOUND, "what was put there is not there any more");
    const struct slice whole = slice_of(text->data + start, end - start);
    if (find(whole, block, 0) == SIZE_MAX)
        return error_set(err, ST_NOT_FOUND, "what was put there has been changed");
    return cut(text, start, end);
}
