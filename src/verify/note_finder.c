/* SPDX-License-Identifier: Apache-2.0 */
/* note_finder.c -- see note_finder.h.
 *
 * Plain notes are collected line by line: the first line behind the signatures of one begins the
 * next.  Of each line the strings are looked at too, from one quote to the next that no backslash
 * stands before.  Text that is no JSON may hold quotes that mean something else; then what is
 * between them is not a note, or it is one all the same.
 */
#include "verify/note_finder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "wire/json_scan.h"

#define SIGNATURE_START SLICE("\xe2\x80\x94 ") /* em dash, space */

enum { READ_SIZE = 256 << 10 };

void note_finder_init(struct note_finder *finder, note_found_fn on_note, void *context)
{
    *finder = (struct note_finder){.on_note = on_note, .context = context};
    buf_init(&finder->plain, NOTE_FOUND_SIZE_MAX);
    for (size_t i = 0; i < NOTE_NESTING_MAX; i++)
        buf_init(&finder->strings[i], (size_t)NOTE_LINE_SIZE_MAX + JSON_TEXT_SLACK);
}

void note_finder_fini(struct note_finder *finder)
{
    buf_fini(&finder->plain);
    for (size_t i = 0; i < NOTE_NESTING_MAX; i++)
        buf_fini(&finder->strings[i]);
}

/* --- Strings --------------------------------------------------------------------------------- */

/* Whether there is an empty line with a signature behind it. */
static bool looks_like_note(struct slice text)
{
    const struct slice mark = SLICE("\n\n\xe2\x80\x94 ");

    return text.size > mark.size && text.size <= NOTE_FOUND_SIZE_MAX &&
           text.data[text.size - 1] == '\n' &&
           memmem(text.data, text.size, mark.data, mark.size) != NULL;
}

/* A SEQUENCE of 256 bytes or more. */
static bool looks_like_token(struct slice text)
{
    return text.size >= TOKEN_FOUND_SIZE_MIN && text.size <= TOKEN_FOUND_SIZE_MAX &&
           slice_starts_with(text, SLICE("MII"));
}

static enum status look_into(struct note_finder *finder, struct slice text, size_t level,
                             struct error *err);

/* A string between quotes that has been decoded. */
static enum status take_string(struct note_finder *finder, struct slice text, size_t level,
                               struct error *err)
{
    if (looks_like_note(text))
        return finder->on_note(finder->context, text, finder->line, err);
    if (finder->on_token != NULL && looks_like_token(text))
        return finder->on_token(finder->context, text, finder->line, err);
    if (level + 1 < NOTE_NESTING_MAX && memchr(text.data, '"', text.size) != NULL)
        return look_into(finder, text, level + 1, err);
    return ST_OK;
}

/* Goes on behind the quote that ends a string which is no JSON from `at` on. */
static struct json_scan behind_string(const struct json_scan *scan, const uint8_t *at)
{
    while (at < scan->end && *at != '"')
        at += *at == '\\' && scan->end - at > 1 ? 2 : 1;
    if (at < scan->end)
        at++;
    return json_scan_start(slice_of(at, (size_t)(scan->end - at)));
}

/* The strings in `text`.  A note of one line has escapes, and so has a string in a string: all
 * others are not even decoded.  A token has none, unless who writes '/' with one. */
static enum status look_into(struct note_finder *finder, struct slice text, size_t level,
                             struct error *err)
{
    struct json_scan scan = json_scan_start(text);
    struct buf *out = &finder->strings[level];
    struct json_text string;
    enum status st = ST_OK;

    while (st == ST_OK) {
        const uint8_t *quote = memchr(scan.at, '"', (size_t)(scan.end - scan.at));
        if (quote == NULL)
            break;
        scan.at = quote;
        if (!json_read_text(&scan, &string)) {
            scan = behind_string(&scan, scan.place > quote ? scan.place : quote + 1);
            continue;
        }
        if (string.size == string.raw_size) {
            struct slice plain = slice_of(string.raw, string.size);
            if (finder->on_token != NULL && looks_like_token(plain))
                st = finder->on_token(finder->context, plain, finder->line, err);
            continue;
        }
        buf_clear(out);
        st = buf_reserve(out, string.size + JSON_TEXT_SLACK, err);
        if (st != ST_OK)
            break;
        (void)json_text_decode(&string, out->data); /* its end is known */
        st = take_string(finder, slice_of(out->data, string.size), level, err);
    }
    return st;
}

/* --- Plain notes ------------------------------------------------------------------------------ */

static enum status end_plain(struct note_finder *finder, struct error *err)
{
    enum status st = ST_OK;

    if (finder->has_signature && looks_like_note(buf_slice(&finder->plain)))
        st = finder->on_note(finder->context, buf_slice(&finder->plain), finder->plain_line, err);
    buf_clear(&finder->plain);
    finder->has_signature = false;
    return st;
}

/* A checkpoint has no empty line but the one before its signatures: a second one, or too many
 * bytes, and what was collected was none. */
static enum status take_plain(struct note_finder *finder, struct slice line, struct error *err)
{
    struct buf *plain = &finder->plain;
    bool is_signature = slice_starts_with(line, SIGNATURE_START);
    enum status st = ST_OK;

    if (finder->has_signature && !is_signature)
        st = end_plain(finder, err);
    if (st != ST_OK)
        return st;
    bool is_behind_empty = plain->size >= 2 && plain->data[plain->size - 1] == '\n' &&
                           plain->data[plain->size - 2] == '\n';
    if ((is_behind_empty && !is_signature) || plain->size + line.size + 1 > NOTE_FOUND_SIZE_MAX)
        buf_clear(plain);
    if ((line.size == 0 && plain->size == 0) || line.size + 1 > NOTE_FOUND_SIZE_MAX)
        return ST_OK;
    if (plain->size == 0)
        finder->plain_line = finder->line;
    st = buf_append(plain, line.data, line.size, err);
    if (st == ST_OK)
        st = buf_append(plain, "\n", 1, err);
    finder->has_signature = is_signature && (is_behind_empty || finder->has_signature);
    return st;
}

/* --- Public ---------------------------------------------------------------------------------- */

enum status note_finder_line(struct note_finder *finder, struct slice line, struct error *err)
{
    finder->line++;
    if (line.size > NOTE_LINE_SIZE_MAX) {
        finder->lines_passed_over++;
        return end_plain(finder, err);
    }
    enum status st = take_plain(finder, line, err);
    return st == ST_OK ? look_into(finder, line, 0, err) : st;
}

enum status note_finder_end(struct note_finder *finder, struct error *err)
{
    return end_plain(finder, err);
}

/* Gives the whole lines in `text` away and moves the rest to its start. */
static enum status give_lines(struct note_finder *finder, struct buf *text, size_t scanned,
                              struct error *err)
{
    size_t start = 0;
    enum status st = ST_OK;

    for (;;) {
        const uint8_t *newline =
            scanned < text->size ? memchr(text->data + scanned, '\n', text->size - scanned) : NULL;
        if (newline == NULL || st != ST_OK)
            break;
        size_t end = (size_t)(newline - text->data);
        st = note_finder_line(finder, slice_of(text->data + start, end - start), err);
        start = end + 1;
        scanned = start;
    }
    text->size -= start;
    memmove(text->data, text->data + start, text->size);
    return st;
}

static enum status read_lines(struct note_finder *finder, int fd, struct buf *text,
                              struct error *err)
{
    bool is_too_long = false;

    for (;;) {
        size_t got = 0;
        size_t scanned = text->size;
        enum status st = buf_reserve(text, READ_SIZE, err);
        if (st == ST_OK)
            st = fd_read_up_to(fd, text->data + text->size, READ_SIZE, &got, err);
        if (st != ST_OK)
            return st;
        if (got == 0)
            break;
        text->size += got;
        if (is_too_long) { /* its end is looked for */
            const uint8_t *newline = memchr(text->data, '\n', text->size);
            size_t skip = newline != NULL ? (size_t)(newline - text->data) + 1 : text->size;
            text->size -= skip;
            memmove(text->data, text->data + skip, text->size);
            is_too_long = newline == NULL;
            scanned = 0;
        }
        st = give_lines(finder, text, scanned, err);
        if (st != ST_OK)
            return st;
        if (text->size > NOTE_LINE_SIZE_MAX) {
            finder->line++;
            finder->lines_passed_over++;
            is_too_long = true;
            buf_clear(text);
        }
    }
    enum status st = text->size > 0 ? note_finder_line(finder, buf_slice(text), err) : ST_OK;
    return st == ST_OK ? note_finder_end(finder, err) : st;
}

enum status note_finder_file(struct note_finder *finder, const char *path, struct error *err)
{
    struct buf text;

    finder->line = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "open '%s'", path);
    buf_init(&text, (size_t)NOTE_LINE_SIZE_MAX + (size_t)2 * READ_SIZE);
    enum status st = read_lines(finder, fd, &text, err);
    buf_fini(&text);
    (void)close(fd); /* only read from */
    return st == ST_OK ? ST_OK : error_context(err, "'%s'", path);
}
