/* SPDX-License-Identifier: Apache-2.0 */
/* config_report.c -- places are kept as byte offsets and become lines and columns only here.
 * Columns count characters, as editors do.  In the quoted line every control character,
 * tabs included, is one blank, so that the marks below stand right and no file can send
 * escape sequences to a terminal. */
#include "config/config_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/utf8.h"

enum {
    QUOTE_COLUMNS_MAX = 120, /* longer lines are cut; marks behind that are left out */
    QUOTE_SIZE_MAX = 4 * QUOTE_COLUMNS_MAX,
    MESSAGE_SIZE_MAX = 512,
};

struct config_problem {
    struct config_place place;
    size_t order; /* keeps the sort stable */
    const char *path;
    const char *message;
    bool secret;
};

void config_report_init(struct config_report *report, struct config_pool *pool, const char *file,
                        struct slice source)
{
    *report = (struct config_report){.file = file, .source = source, .pool = pool};
}

/* Puts blanks for what a terminal could act upon: control characters, also those of two
 * bytes (U+0080 to U+009F).  The size stays. */
static void make_harmless(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        bool two_bytes = byte == 0xC2 && i + 1 < size && (uint8_t)text[i + 1] < 0xA0;
        if (byte < 0x20 || byte == 0x7F || two_bytes)
            text[i] = ' ';
        if (two_bytes)
            text[++i] = ' ';
    }
}

static void add(struct config_report *report, const struct config_problem *problem, const char *fmt,
                va_list args)
{
    char message[MESSAGE_SIZE_MAX];
    size_t index = report->count;

    report->count++;
    if (index >= CONFIG_PROBLEMS_MAX)
        return;
    if (report->problems == NULL) {
        report->problems =
            config_pool_alloc(report->pool, CONFIG_PROBLEMS_MAX * sizeof(report->problems[0]));
    }
    int size = vsnprintf(message, sizeof(message), fmt, args);
    if (report->problems == NULL || size < 0)
        return; /* the pool remembers the failure */
    size = (size_t)size < sizeof(message) ? size : (int)sizeof(message) - 1;
    make_harmless(message, (size_t)size);
    report->problems[index] = *problem;
    report->problems[index].order = index;
    report->problems[index].message = config_pool_copy(report->pool, message, (size_t)size);
}

void config_report_add(struct config_report *report, struct config_place place, const char *path,
                       const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(report, &(struct config_problem){.place = place, .path = path}, fmt, args);
    va_end(args);
}

void config_report_add_secret(struct config_report *report, struct config_place place,
                              const char *path, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(report, &(struct config_problem){.place = place, .path = path, .secret = true}, fmt, args);
    va_end(args);
}

/* Where a place stands, for people. */
struct position {
    size_t line, column; /* from 1 */
    struct slice text;   /* the line */
    size_t width;        /* characters of the place on this line, at least 1 */
};

static struct position position_of(struct slice source, struct config_place place)
{
    struct position result = {.line = 1, .column = 1, .width = 0};
    size_t offset = place.offset < source.size ? place.offset : source.size;
    size_t start = 0;

    for (size_t i = 0; i < offset; i++) {
        if (source.data[i] == '\n') {
            result.line++;
            start = i + 1;
        }
    }
    for (size_t i = start; i < offset; i++)
        result.column += !utf8_is_tail(source.data[i]);
    size_t end = offset;
    while (end < source.size && source.data[end] != '\n' && source.data[end] != '\r')
        end++;
    for (size_t i = offset; i < end && i - offset < place.size; i++)
        result.width += !utf8_is_tail(source.data[i]);
    if (result.width == 0)
        result.width = 1;
    result.text = slice_of(source.data + start, end - start);
    return result;
}

static int compare_problems(const void *a, const void *b)
{
    const struct config_problem *left = a;
    const struct config_problem *right = b;

    if (left->place.offset != right->place.offset)
        return left->place.offset < right->place.offset ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

static enum status append(struct buf *out, struct error *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static enum status append(struct buf *out, struct error *err, const char *fmt, ...)
{
    char text[MESSAGE_SIZE_MAX * 2];
    va_list args;

    va_start(args, fmt);
    int size = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (size < 0)
        return error_set(err, ST_INVALID, "format of a report line");
    return buf_append(out, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1,
                      err);
}

/* Copies at most QUOTE_COLUMNS_MAX characters of `line`. */
static size_t copy_line(struct slice line, char *out)
{
    size_t columns = 0;
    size_t size = 0;

    for (size_t i = 0; i < line.size; i++) {
        columns += !utf8_is_tail(line.data[i]);
        if (columns > QUOTE_COLUMNS_MAX || size == QUOTE_SIZE_MAX)
            break;
        out[size++] = (char)line.data[i];
    }
    make_harmless(out, size);
    return size;
}

static enum status append_quote(const struct position *position, struct buf *out, struct error *err)
{
    char line[QUOTE_SIZE_MAX];
    char marks[QUOTE_COLUMNS_MAX + 1];
    size_t size = copy_line(position->text, line);

    enum status st = append(out, err, "%5zu | %.*s\n", position->line, (int)size, line);
    if (st != ST_OK || position->column > QUOTE_COLUMNS_MAX)
        return st;
    size_t width = position->width;
    if (width > QUOTE_COLUMNS_MAX - position->column + 1)
        width = QUOTE_COLUMNS_MAX - position->column + 1;
    memset(marks, ' ', position->column - 1);
    memset(marks + position->column - 1, '~', width);
    marks[position->column - 1] = '^';
    return append(out, err, "      | %.*s\n", (int)(position->column - 1 + width), marks);
}

enum status config_report_write(const struct config_report *report, struct buf *out,
                                struct error *err)
{
    size_t kept = report->count < CONFIG_PROBLEMS_MAX ? report->count : CONFIG_PROBLEMS_MAX;

    if (report->problems == NULL)
        return ST_OK;
    qsort(report->problems, kept, sizeof(report->problems[0]), compare_problems);
    for (size_t i = 0; i < kept; i++) {
        const struct config_problem *problem = &report->problems[i];
        struct position position = position_of(report->source, problem->place);
        bool has_path = problem->path != NULL && problem->path[0] != 0;

        enum status st =
            append(out, err, "%s:%zu:%zu: %s%s%s\n", report->file, position.line, position.column,
                   has_path ? problem->path : "", has_path ? ": " : "",
                   problem->message != NULL ? problem->message : "invalid");
        if (st == ST_OK && !problem->secret && report->source.size > 0)
            st = append_quote(&position, out, err);
        if (st != ST_OK)
            return st;
    }
    if (report->count > kept)
        return append(out, err, "%s: and %zu more\n", report->file, report->count - kept);
    return ST_OK;
}
