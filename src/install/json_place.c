/* SPDX-License-Identifier: Apache-2.0 */
/* json_place.c -- see json_place.h.
 *
 * Comments become blanks in a copy, so the places are those of the text. */
#include "install/json_place.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/json_scan.h"

enum { INDENT_MAX = 64, PRINT_DEPTH_MAX = 32 };

/* --- Reading ------------------------------------------------------------------------------ */

/* Behind the string that begins at `at`. */
static size_t skip_string(struct slice text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at < text.size ? at + 1 : text.size;
}

static bool starts(struct slice text, size_t at, const char *two)
{
    return at + 1 < text.size && memcmp(text.data + at, two, 2) == 0;
}

/* Behind the comment that begins at `at`; a line's end is left. */
static size_t skip_comment(struct slice text, size_t at)
{
    bool is_line = starts(text, at, "//");

    for (at += 2; at < text.size; at++) {
        if (is_line && text.data[at] == '\n')
            return at;
        if (!is_line && starts(text, at, "*/"))
            return at + 2;
    }
    return text.size;
}

/* A copy of the text, comments blanked, for free(); NULL: no memory. */
static char *blanked(struct slice text)
{
    char *copy = malloc(text.size + 1);
    size_t at = 0;

    if (copy == NULL)
        return NULL;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    while (at < text.size) {
        if (text.data[at] == '"') {
            at = skip_string(text, at);
        } else if (starts(text, at, "//") || starts(text, at, "/*")) {
            size_t end = skip_comment(text, at);
            for (; at < end; at++)
                copy[at] = text.data[at] == '\n' ? '\n' : ' ';
        } else {
            at++;
        }
    }
    return copy;
}

/* A member or an element. */
struct entry {
    size_t start; /* of its key, if it has one */
    size_t value_start, value_end;
    struct json_text key;
};

struct walk {
    struct json_scan scan;
    bool is_object, more;
};

static size_t offset(const struct walk *walk)
{
    return (size_t)(walk->scan.at - walk->scan.start);
}

static struct walk walk_start(struct slice blank, size_t start)
{
    struct walk walk = {.scan = json_scan_start(blank)};

    walk.scan.at += start;
    walk.is_object = blank.data[start] == '{';
    if (walk.is_object || blank.data[start] == '[')
        (void)json_open(&walk.scan, blank.data[start], walk.is_object ? '}' : ']', &walk.more);
    return walk;
}

/* False: there are no more, or what follows is no JSON. */
static bool walk_next(struct walk *walk, struct entry *ret)
{
    if (!walk->more)
        return false;
    (void)json_peek(&walk->scan);
    ret->start = offset(walk);
    if (walk->is_object && !json_read_key(&walk->scan, &ret->key))
        return false;
    (void)json_peek(&walk->scan);
    ret->value_start = offset(walk);
    if (!json_skip_value(&walk->scan))
        return false;
    ret->value_end = offset(walk);
    return json_read_separator(&walk->scan, walk->is_object ? '}' : ']', &walk->more);
}

static struct json_place place_of(struct slice blank, size_t start, size_t end)
{
    struct json_place place = {.start = start, .end = end, .kind = (char)blank.data[start]};
    struct walk walk = walk_start(blank, start);
    struct entry entry;

    while (walk_next(&walk, &entry))
        place.count++;
    return place;
}

static enum status refuse(struct slice blank, const struct json_scan *scan, struct error *err)
{
    size_t line = 1;
    size_t column = 1;

    for (const uint8_t *at = blank.data; at < scan->place; at++) {
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    return error_set(err, ST_INVALID, "line %zu, column %zu: %s", line, column, scan->reason);
}

static enum status find_whole(struct slice blank, struct json_place *ret, struct error *err)
{
    struct json_scan scan = json_scan_start(blank);

    (void)json_peek(&scan);
    size_t start = (size_t)(scan.at - scan.start);
    if (!json_skip_value(&scan))
        return refuse(blank, &scan, err);
    size_t end = (size_t)(scan.at - scan.start);
    if (!json_read_end(&scan))
        return refuse(blank, &scan, err);
    *ret = place_of(blank, start, end);
    return ST_OK;
}

/* How often the key stands in the object; its first member. */
static size_t find_member(struct slice blank, size_t start, const char *key, struct entry *ret,
                          size_t *ret_index)
{
    struct walk walk = walk_start(blank, start);
    struct entry entry;
    size_t found = 0;

    for (size_t index = 0; walk.is_object && walk_next(&walk, &entry); index++) {
        if (!json_text_equal(&entry.key, slice_of_text(key)))
            continue;
        if (found++ == 0) {
            *ret = entry;
            *ret_index = index;
        }
    }
    return found;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NO_MEMORY, "read the settings");
}

enum status json_place_find(struct slice text, const char *const *path, size_t count,
                            struct json_place *ret, struct error *err)
{
    char *copy = blanked(text);
    size_t index;

    if (copy == NULL)
        return no_memory(err);
    const struct slice blank = slice_of(copy, text.size);
    enum status st = find_whole(blank, ret, err);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct entry entry;
        size_t found = find_member(blank, ret->start, path[i], &entry, &index);
        if (found == 1)
            *ret = place_of(blank, entry.value_start, entry.value_end);
        else if (found > 1) /* readers differ about which counts */
            st = error_set(err, ST_INVALID, "'%s' stands there more than once", path[i]);
        else
            st = error_set(err, ST_NOT_FOUND, "there is no '%s'", path[i]);
    }
    free(copy);
    return st;
}

enum status json_place_find_member(struct slice text, const struct json_place *object,
                                   const char *key, size_t *ret, struct error *err)
{
    char *copy = blanked(text);
    struct entry entry;

    if (copy == NULL)
        return no_memory(err);
    size_t found = find_member(slice_of(copy, text.size), object->start, key, &entry, ret);
    free(copy);
    return found == 1 ? ST_OK : error_set(err, ST_NOT_FOUND, "there is no '%s'", key);
}

static cJSON *value_at(const char *copy, size_t start, size_t end)
{
    return cJSON_ParseWithLength(copy + start, end - start);
}

enum status json_place_find_element(struct slice text, const struct json_place *array,
                                    const cJSON *element, size_t *ret, struct error *err)
{
    char *copy = blanked(text);
    enum status st = ST_NOT_FOUND;
    struct entry entry;

    if (copy == NULL)
        return no_memory(err);
    struct walk walk = walk_start(slice_of(copy, text.size), array->start);
    for (size_t index = 0; st == ST_NOT_FOUND && walk_next(&walk, &entry); index++) {
        cJSON *value = value_at(copy, entry.value_start, entry.value_end);
        if (value == NULL) {
            st = ST_NO_MEMORY; /* find_whole() saw that it is JSON */
        } else if (cJSON_Compare(value, element, true)) {
            st = ST_OK;
            *ret = index;
        }
        cJSON_Delete(value);
    }
    free(copy);
    if (st == ST_NO_MEMORY)
        return no_memory(err);
    return st == ST_OK ? ST_OK : error_set(err, ST_NOT_FOUND, "there is no such element");
}

cJSON *json_place_value(struct slice text, const struct json_place *place)
{
    char *copy = blanked(text);
    cJSON *value = copy != NULL ? value_at(copy, place->start, place->end) : NULL;

    free(copy);
    return value;
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool json_place_is_blank(struct slice text)
{
    size_t at = 0;

    while (at < text.size) {
        if (starts(text, at, "//") || starts(text, at, "/*"))
            at = skip_comment(text, at);
        else if (is_white(text.data[at]))
            at++;
        else
            return false;
    }
    return true;
}

/* --- Writing ------------------------------------------------------------------------------ */

static enum status splice(struct buf *text, size_t start, size_t end, struct slice with,
                          struct error *err)
{
    size_t rest = text->size - end;

    enum status st = buf_reserve(text, with.size, err);
    if (st != ST_OK)
        return st;
    memmove(text->data + start + with.size, text->data + end, rest);
    if (with.size > 0)
        memcpy(text->data + start, with.data, with.size);
    text->size = start + with.size + rest;
    return ST_OK;
}

/* White space that a line begins with. */
struct indent {
    char text[INDENT_MAX + 1];
};

static struct indent indent_at(struct slice text, size_t at)
{
    struct indent indent = {{0}};
    size_t size = 0;

    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    for (; at < text.size && (text.data[at] == ' ' || text.data[at] == '\t') && size < INDENT_MAX;
         at++)
        indent.text[size++] = (char)text.data[at];
    return indent;
}

/* What one level is worth in this file: two blanks if it does not say. */
static struct indent indent_unit(struct slice text)
{
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == '\n' && (text.data[i + 1] == ' ' || text.data[i + 1] == '\t'))
            return indent_at(text, i + 1);
    }
    return (struct indent){"  "};
}

static enum status put(struct buf *out, const char *text, struct error *err)
{
    return buf_append(out, text, strlen(text), err);
}

struct print {
    struct buf *out;
    const char *base, *unit;
    struct error *err;
};

static enum status put_line_start(const struct print *print, size_t depth)
{
    enum status st = put(print->out, "\n", print->err);

    if (st == ST_OK)
        st = put(print->out, print->base, print->err);
    for (size_t i = 0; i < depth && st == ST_OK; i++)
        st = put(print->out, print->unit, print->err);
    return st;
}

static enum status put_compact(struct buf *out, const cJSON *value, struct error *err)
{
    char *text = cJSON_PrintUnformatted(value);
    enum status st =
        text != NULL ? put(out, text, err) : error_set(err, ST_NO_MEMORY, "print a value");

    cJSON_free(text);
    return st;
}

static enum status put_key(struct buf *out, const char *key, struct error *err)
{
    cJSON *text = cJSON_CreateString(key);
    enum status st =
        text != NULL ? put_compact(out, text, err) : error_set(err, ST_NO_MEMORY, "print a key");

    cJSON_Delete(text);
    return st == ST_OK ? put(out, ": ", err) : st;
}

/* One level below the last: `depth` counts from the container that is inserted into. */
static enum status put_pretty(const struct print *print, const cJSON *value, size_t depth)
{
    bool is_object = cJSON_IsObject(value);
    const cJSON *item;

    if ((!is_object && !cJSON_IsArray(value)) || value->child == NULL || depth == PRINT_DEPTH_MAX)
        return put_compact(print->out, value, print->err);
    enum status st = put(print->out, is_object ? "{" : "[", print->err);
    cJSON_ArrayForEach(item, value)
    {
        if (st == ST_OK && item != value->child)
            st = put(print->out, ",", print->err);
        if (st == ST_OK)
            st = put_line_start(print, depth + 1);
        if (st == ST_OK && is_object)
            st = put_key(print->out, item->string, print->err);
        if (st == ST_OK)
            st = put_pretty(print, item, depth + 1);
    }
    if (st == ST_OK)
        st = put_line_start(print, depth);
    return st == ST_OK ? put(print->out, is_object ? "}" : "]", print->err) : st;
}

static enum status put_entry(const struct print *print, const char *key, const cJSON *value,
                             size_t depth, bool on_one_line)
{
    enum status st = key != NULL ? put_key(print->out, key, print->err) : ST_OK;

    if (st != ST_OK)
        return st;
    return on_one_line ? put_compact(print->out, value, print->err)
                       : put_pretty(print, value, depth);
}

/* The entries around index `at`; with index count - 1 the last. */
static void find_entries(struct slice text, const struct json_place *container, size_t at,
                         struct entry *ret_before, struct entry *ret_this, struct entry *ret_after)
{
    char *copy = blanked(text);
    struct entry entry;
    size_t index = 0;

    if (copy == NULL)
        return;
    struct walk walk = walk_start(slice_of(copy, text.size), container->start);
    for (; walk_next(&walk, &entry); index++) {
        if (index + 1 == at)
            *ret_before = entry;
        if (index == at)
            *ret_this = entry;
        if (index == at + 1)
            *ret_after = entry;
    }
    free(copy);
}

static bool has_newline(struct slice text, size_t start, size_t end)
{
    return memchr(text.data + start, '\n', end - start) != NULL;
}

/* Into "{}": a line of its own, and one for the end. */
static enum status insert_first(struct buf *text, const struct json_place *container,
                                const char *key, const cJSON *value, struct buf *piece,
                                struct error *err)
{
    const struct slice whole = buf_slice(text);
    struct indent base = indent_at(whole, container->start);
    struct indent unit = indent_unit(whole);
    const struct print print = {piece, base.text, unit.text, err};
    size_t start = container->start + 1;
    size_t end = container->end - 1;

    enum status st = put_line_start(&print, 1);
    if (st == ST_OK)
        st = put_entry(&print, key, value, 1, false);
    if (st == ST_OK && json_place_is_blank(slice_of(whole.data + start, end - start)) &&
        !has_newline(whole, start, end))
        st = put_line_start(&print, 0);
    else
        end = start; /* what stands there, a comment perhaps, stays behind it */
    return st == ST_OK ? splice(text, start, end, buf_slice(piece), err) : st;
}

static enum status insert_behind(struct buf *text, const struct json_place *container,
                                 const char *key, const cJSON *value, struct buf *piece,
                                 struct error *err)
{
    const struct slice whole = buf_slice(text);
    struct entry none = {0};
    struct entry last = {0};

    find_entries(whole, container, container->count - 1, &none, &last, &none);
    if (last.value_end == 0)
        return error_set(err, ST_NO_MEMORY, "find the last value");
    bool on_one_line = !has_newline(whole, container->start, last.start);
    struct indent base = indent_at(whole, last.start);
    struct indent unit = indent_unit(whole);
    const struct print print = {piece, base.text, unit.text, err};
    enum status st = put(piece, ",", err);
    if (st == ST_OK)
        st = on_one_line ? put(piece, " ", err) : put_line_start(&print, 0);
    if (st == ST_OK)
        st = put_entry(&print, key, value, 0, on_one_line);
    return st == ST_OK ? splice(text, last.value_end, last.value_end, buf_slice(piece), err) : st;
}

enum status json_place_insert(struct buf *text, const struct json_place *container, const char *key,
                              const cJSON *value, struct error *err)
{
    struct buf piece;

    buf_init(&piece, SIZE_MAX / 2); /* bounded by our own values */
    enum status st = container->count == 0
                         ? insert_first(text, container, key, value, &piece, err)
                         : insert_behind(text, container, key, value, &piece, err);
    buf_fini(&piece);
    return st;
}

enum status json_place_replace(struct buf *text, const struct json_place *place, const cJSON *value,
                               struct error *err)
{
    struct buf piece;

    buf_init(&piece, SIZE_MAX / 2);
    enum status st = put_compact(&piece, value, err);
    if (st == ST_OK)
        st = splice(text, place->start, place->end, buf_slice(&piece), err);
    buf_fini(&piece);
    return st;
}

static bool is_space(const struct buf *text, size_t start, size_t end)
{
    while (start < end && is_white(text->data[start]))
        start++;
    return start == end;
}

enum status json_place_remove(struct buf *text, const struct json_place *container, size_t index,
                              struct error *err)
{
    struct entry before = {0};
    struct entry this = {0};
    struct entry after = {0};

    find_entries(buf_slice(text), container, index, &before, &this, &after);
    if (this.value_end == 0)
        return error_set(err, ST_NO_MEMORY, "find the value");
    if (before.value_end != 0)
        return splice(text, before.value_end, this.value_end, SLICE_EMPTY, err);
    if (after.value_end != 0)
        return splice(text, this.start, after.start, SLICE_EMPTY, err);
    size_t start =
        is_space(text, container->start + 1, this.start) ? container->start + 1 : this.start;
    size_t end =
        is_space(text, this.value_end, container->end - 1) ? container->end - 1 : this.value_end;
    return splice(text, start, end, SLICE_EMPTY, err);
}
