/* SPDX-License-Identifier: Apache-2.0 */
/* text_diff.c -- see text_diff.h: the longest common subsequence of lines, by the table. */
#include "install/text_diff.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3, CELLS_MAX = 4 << 20, LINES_MAX = 200000 };

struct lines {
    struct slice *items; /* owned */
    size_t count;
};

struct diff {
    struct lines before, after;
    char *marks;         /* owned: ' ', '-', '+' of each line of the result */
    struct slice *lines; /* owned: those lines */
    size_t count;
};

static enum status split(struct slice text, struct lines *ret, struct error *err)
{
    size_t capacity = 1;

    for (size_t i = 0; i < text.size; i++)
        capacity += text.data[i] == '\n';
    if (capacity > LINES_MAX)
        return error_set(err, ST_LIMIT, "a file of more than %d lines", LINES_MAX);
    ret->items = calloc(capacity, sizeof(*ret->items));
    if (ret->items == NULL)
        return error_set(err, ST_NO_MEMORY, "compare two texts");
    while (text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline != NULL ? (size_t)(newline - text.data) : text.size;
        ret->items[ret->count++] = slice_of(text.data, size);
        text = slice_from(text, newline != NULL ? size + 1 : size);
    }
    return ST_OK;
}

static void put(struct diff *diff, char mark, struct slice line)
{
    diff->marks[diff->count] = mark;
    diff->lines[diff->count++] = line;
}

/* The lines between the equal ends, from `a` and `b` on, `rows` and `columns` of them. */
static void put_middle(struct diff *diff, size_t a, size_t b, size_t rows, size_t columns,
                       const uint32_t *table)
{
    size_t i = 0;
    size_t j = 0;
    size_t width = columns + 1;

    while (i < rows || j < columns) {
        const struct slice *old = &diff->before.items[a + i];
        const struct slice *new = &diff->after.items[b + j];
        if (i < rows && j < columns && slice_equal(*old, *new)) {
            put(diff, ' ', *old);
            i++;
            j++;
        } else if (j == columns || (i < rows && (table == NULL || table[(i + 1) * width + j] >=
                                                                      table[i * width + j + 1]))) {
            put(diff, '-', *old);
            i++;
        } else {
            put(diff, '+', *new);
            j++;
        }
    }
}

/* Lengths of the longest common subsequences of the ends; NULL: too large, or no memory. */
static uint32_t *make_table(const struct diff *diff, size_t a, size_t b, size_t rows,
                            size_t columns)
{
    size_t width = columns + 1;

    if ((rows + 1) * width > CELLS_MAX)
        return NULL;
    uint32_t *table = calloc((rows + 1) * width, sizeof(*table));
    if (table == NULL)
        return NULL;
    for (size_t i = rows; i > 0; i--) {
        for (size_t j = columns; j > 0; j--) {
            uint32_t down = table[i * width + j - 1];
            uint32_t right = table[(i - 1) * width + j];
            bool same = slice_equal(diff->before.items[a + i - 1], diff->after.items[b + j - 1]);
            table[(i - 1) * width + j - 1] = same           ? table[i * width + j] + 1
                                             : down > right ? down
                                                            : right;
        }
    }
    return table;
}

static void compare(struct diff *diff)
{
    const struct lines *before = &diff->before;
    const struct lines *after = &diff->after;
    size_t start = 0;
    size_t end = 0;

    while (start < before->count && start < after->count &&
           slice_equal(before->items[start], after->items[start]))
        start++;
    while (
        end < before->count - start && end < after->count - start &&
        slice_equal(before->items[before->count - 1 - end], after->items[after->count - 1 - end]))
        end++;
    size_t rows = before->count - start - end;
    size_t columns = after->count - start - end;
    for (size_t i = 0; i < start; i++)
        put(diff, ' ', before->items[i]);
    uint32_t *table = make_table(diff, start, start, rows, columns);
    put_middle(diff, start, start, rows, columns, table);
    free(table);
    for (size_t i = before->count - end; i < before->count; i++)
        put(diff, ' ', before->items[i]);
}

static bool is_near_change(const struct diff *diff, size_t index)
{
    size_t from = index > CONTEXT ? index - CONTEXT : 0;

    for (size_t i = from; i <= index + CONTEXT && i < diff->count; i++) {
        if (diff->marks[i] != ' ')
            return true;
    }
    return false;
}

static enum status write_out(const struct diff *diff, struct buf *out, struct error *err)
{
    bool skipping = false;
    enum status st = ST_OK;

    for (size_t i = 0; i < diff->count && st == ST_OK; i++) {
        bool shown = is_near_change(diff, i);
        if (!shown && !skipping)
            st = buf_append(out, " ...\n", 5, err);
        skipping = !shown;
        if (!shown)
            continue;
        st = buf_append(out, &diff->marks[i], 1, err);
        if (st == ST_OK)
            st = buf_append(out, diff->lines[i].data, diff->lines[i].size, err);
        if (st == ST_OK)
            st = buf_append(out, "\n", 1, err);
    }
    return st;
}

enum status text_diff_append(struct slice before, struct slice after, struct buf *out,
                             struct error *err)
{
    struct diff diff = {0};

    enum status st = split(before, &diff.before, err);
    if (st == ST_OK)
        st = split(after, &diff.after, err);
    if (st == ST_OK) {
        size_t most = diff.before.count + diff.after.count + 1;
        diff.marks = calloc(most, 1);
        diff.lines = calloc(most, sizeof(*diff.lines));
        if (diff.marks == NULL || diff.lines == NULL)
            st = error_set(err, ST_NO_MEMORY, "compare two texts");
    }
    if (st == ST_OK) {
        compare(&diff);
        st = write_out(&diff, out, err);
    }
    free(diff.before.items);
    free(diff.after.items);
    free(diff.marks);
    free(diff.lines);
    return st;
}
