/* SPDX-License-Identifier: Apache-2.0 */
/* facets.c -- see facets.h.  The JSON reader keeps a count of open brackets and no stack: it
 * only has to find where a value ends, and reads broken JSON as far as it makes sense. */
#include "normalize/facets.h"

#include "util/text_scan.h"
#include "util/utf8.h"

enum { NAMES_MAX = 8, NAME_SIZE_MAX = 64 };

static size_t skip_space(struct slice text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
                              text.data[at] == '\n' || text.data[at] == '\r'))
        at++;
    return at;
}

/* The position behind the string that begins at `at`; text.size + 1 when it does not end. */
static size_t skip_string(struct slice text, size_t at)
{
    for (at++; at < text.size; at++) {
        if (text.data[at] == '\\')
            at++;
        else if (text.data[at] == '"')
            return at + 1;
    }
    return text.size + 1;
}

/* The position behind the value that begins at `at`; text.size + 1 when it does not end. */
static size_t skip_value(struct slice text, size_t at)
{
    size_t depth = 0;
    while (at < text.size) {
        uint8_t c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            if (depth == 0)
                return at;
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return at; /* the end of the object that a bare word stands in */
            if (--depth == 0)
                return at + 1;
        } else if (c == ',' && depth == 0) {
            return at;
        }
        at++;
    }
    return text.size + 1;
}

/* Whether the JSON string is `name`, escapes resolved: a model that writes "c\u006dd" means
 * cmd. */
bool json_name_equal(struct slice json, struct slice name)
{
    struct slice inner = slice_of(json.data + 1, json.size - 2);
    if (memchr(inner.data, '\\', inner.size) == NULL)
        return slice_equal(inner, name);
    uint8_t room[NAME_SIZE_MAX];
    struct buf decoded = {.data = room, .capacity = sizeof(room), .limit = sizeof(room)};
    struct slice text;
    return json_decode_text(json, &decoded, &text) && slice_equal(text, name);
}

bool json_next_member(struct json_members *members, struct slice *ret_name, struct slice *ret_value)
{
    struct slice json = members->json;
    uint8_t before = members->at == 0 ? '{' : ',';
    size_t at = skip_space(json, members->at);
    if (at >= json.size || json.data[at] != before)
        return false;
    at = skip_space(json, at + 1);
    if (at >= json.size || json.data[at] != '"')
        return false;
    size_t name_end = skip_string(json, at);
    if (name_end > json.size)
        return false;
    struct slice name = slice_of(json.data + at, name_end - at);
    at = skip_space(json, name_end);
    if (at >= json.size || json.data[at] != ':')
        return false;
    at = skip_space(json, at + 1);
    size_t end = skip_value(json, at);
    if (end > json.size)
        return false;
    *ret_name = name;
    *ret_value = slice_of(json.data + at, end - at);
    members->at = end;
    return true;
}

void json_find_members(struct slice json, const struct slice *names, size_t count,
                       struct slice *ret_values)
{
    struct json_members members = {.json = json};
    struct slice name, value;
    ASSERT(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        ret_values[i] = SLICE_EMPTY;
    while (json_next_member(&members, &name, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (json_name_equal(name, names[i]))
                ret_values[i] = value;
        }
    }
}

/* Four hexadecimal digits; -1 when they are not there. */
static int32_t read_hex4(struct slice text, size_t at)
{
    int32_t value = 0;
    for (size_t i = at; i < at + 4; i++) {
        uint8_t c = i < text.size ? text.data[i] : 0;
        int32_t digit = text_hex_digit(c);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Decodes the escape whose letter is at `*at`, moves `*at` behind it; NULL: there is none such.
 * Half of a surrogate pair becomes U+FFFD. */
static uint8_t *decode_escape(struct slice text, size_t *at, uint8_t *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t letter = *at < text.size ? text.data[*at] : 0;
    const char *known = letter != 0 ? strchr(letters, letter) : NULL;
    ++*at;
    if (known != NULL) {
        *out++ = (uint8_t)meanings[known - letters];
        return out;
    }
    int32_t unit = letter == 'u' ? read_hex4(text, *at) : -1;
    if (unit < 0)
        return NULL;
    *at += 4;
    uint32_t c = (uint32_t)unit;
    if (c >= 0xd800 && c < 0xdc00 && *at + 1 < text.size && text.data[*at] == '\\' &&
        text.data[*at + 1] == 'u') {
        int32_t low = read_hex4(text, *at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            *at += 6;
            return utf8_put(out, 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00));
        }
    }
    return utf8_put(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
}

bool json_decode_text(struct slice json, struct buf *out, struct slice *ret)
{
    if (json.size < 2 || json.data[0] != '"' || json.data[json.size - 1] != '"' ||
        json.size > buf_room(out))
        return false; /* decoding never makes it longer */
    struct slice inner = slice_of(json.data + 1, json.size - 2);
    uint8_t *start = out->data + out->size;
    uint8_t *end = start;
    for (size_t at = 0; at < inner.size;) {
        const uint8_t *from = inner.data + at;
        const uint8_t *escape = memchr(from, '\\', inner.size - at);
        size_t plain = escape != NULL ? (size_t)(escape - from) : inner.size - at;
        memcpy(end, from, plain);
        end += plain;
        at += plain;
        if (escape != NULL) {
            at++;
            end = decode_escape(inner, &at, end);
            if (end == NULL)
                return false;
        }
    }
    *ret = slice_of(start, (size_t)(end - start));
    out->size += ret->size;
    return true;
}

bool json_decode_texts(struct slice json, struct buf *out, struct slice *ret, size_t max,
                       size_t *ret_count)
{
    size_t count = 0;
    size_t at = 0;
    if (json.size == 0 || json.data[0] != '[')
        return false;
    do {
        at = skip_space(json, at + 1);
        if (at < json.size && json.data[at] == ']' && count == 0)
            break;
        if (at >= json.size || json.data[at] != '"' || count == max)
            return false;
        size_t end = skip_string(json, at);
        if (end > json.size ||
            !json_decode_text(slice_of(json.data + at, end - at), out, &ret[count]))
            return false;
        count++;
        at = skip_space(json, end);
    } while (at < json.size && json.data[at] == ',');
    *ret_count = count;
    return at + 1 == json.size && json.data[at] == ']';
}

/* --- Commands -------------------------------------------------------------------------------- */

static bool is_plain_word(struct slice word)
{
    for (size_t i = 0; i < word.size; i++) {
        uint8_t c = word.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != 0 && strchr("_@%+=:,./-", c) != NULL);
        if (!plain)
            return false;
    }
    return word.size > 0;
}

static uint8_t *put_quoted(uint8_t *out, struct slice word)
{
    static const char quote[] = "'\\''"; /* ends the quotes, a quote, begins them again */
    *out++ = '\'';
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] != '\'') {
            *out++ = word.data[i];
            continue;
        }
        memcpy(out, quote, sizeof(quote) - 1);
        out += sizeof(quote) - 1;
    }
    *out++ = '\'';
    return out;
}

bool shell_join(const struct slice *words, size_t count, struct buf *out, struct slice *ret)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += 4 * words[i].size + 3;
    if (room > buf_room(out))
        return false;
    uint8_t *start = out->data + out->size;
    uint8_t *end = start;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *end++ = ' ';
        if (is_plain_word(words[i])) {
            memcpy(end, words[i].data, words[i].size);
            end += words[i].size;
        } else {
            end = put_quoted(end, words[i]);
        }
    }
    *ret = slice_of(start, (size_t)(end - start));
    out->size += ret->size;
    return true;
}

/* --- Patches --------------------------------------------------------------------------------- */

static void take_path(struct patch *patch, struct slice path, enum patch_operation operation)
{
    if (path.size == 0)
        return;
    if (patch->path_count == 0)
        patch->first = operation;
    if (patch->path_count < PATCH_FILES_MAX)
        patch->paths[patch->path_count++] = path;
    else
        patch->has_more = true;
}

static void take_move(struct patch *patch, struct slice path)
{
    if (patch->path_count == 0 || patch->has_more || path.size == 0)
        return;
    struct slice *last = &patch->paths[patch->path_count - 1];
    if (patch->path_count == 1)
        patch->first_previous = *last;
    *last = path;
}

static void take_line(struct patch *patch, struct slice line)
{
    static const struct {
        const char *text;
        enum patch_operation operation;
    } headers[] = {
        {"*** Add File: ", PATCH_ADD},
        {"*** Update File: ", PATCH_UPDATE},
        {"*** Delete File: ", PATCH_DELETE},
    };
    if (line.data[0] == '+') {
        patch->lines_added++;
    } else if (line.data[0] == '-') {
        patch->lines_removed++;
    } else if (slice_starts_with(line, SLICE("*** Move to: "))) {
        take_move(patch, slice_from(line, 13));
    } else if (line.data[0] == '*') {
        for (size_t i = 0; i < COUNT_OF(headers); i++) {
            struct slice header = slice_of_text(headers[i].text);
            if (slice_starts_with(line, header))
                take_path(patch, slice_from(line, header.size), headers[i].operation);
        }
    }
}

bool patch_read(struct slice text, struct patch *ret)
{
    *ret = (struct patch){.path_count = 0};
    while (text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        size_t size = newline != NULL ? (size_t)(newline - text.data) : text.size;
        struct slice line = slice_of(text.data, size);
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        if (line.size > 0)
            take_line(ret, line);
        text = slice_from(text, size + 1);
    }
    return ret->path_count > 0;
}
