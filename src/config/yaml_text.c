/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.c -- valid UTF-8, no control characters, no line that begins with '%', no key written
 * with '?'.  YAML forbids some of that too, but its readers do not find all of it: there are
 * malformed directives that libfyaml 0.7 never comes back from, and malformed '?' keys that it uses
 * freed memory for.  Nothing in a configuration needs either. */
#include "config/yaml_text.h"

#include "util/utf8.h"

/* Where the next character stands. */
struct line_place {
    bool at_start;     /* of a line */
    bool after_indent; /* behind nothing but blanks and '-', or where a value may begin */
    uint8_t last;      /* the byte before it */
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_break(const uint8_t *data, size_t size)
{
    return data[0] == '\n' || data[0] == '\r' ||
           (size == 3 && data[0] == 0xE2 && data[1] == 0x80 && (data[2] & 0xFE) == 0xA8);
}

static const char *reason_against(const uint8_t *data, size_t left, const struct line_place *place,
                                  size_t *ret_size)
{
    *ret_size = utf8_size(data, data + left);
    if (*ret_size == 0)
        return "this is not a text file: not UTF-8";
    bool space = data[0] == '\t' || data[0] == '\n' || data[0] == '\r';
    bool control = *ret_size == 1 ? (data[0] < 0x20 && !space) || data[0] == 0x7F
                                  : data[0] == 0xC2 && data[1] < 0xA0;
    if (control)
        return "this is not a text file: a control character";
    if (place->at_start && data[0] == '%')
        return "directives are not supported";
    if (place->after_indent && data[0] == '?' &&
        (left == 1 || is_blank(data[1]) || data[1] == '\n' || data[1] == '\r'))
        return "keys behind '?' are not supported; write 'key: value'";
    return NULL;
}

static void pass(struct line_place *place, const uint8_t *data, size_t size)
{
    bool is_mark = size == 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF;

    place->at_start = is_break(data, size) || (is_mark && place->at_start);
    bool begins_value = is_blank(data[0]) && (place->last == ':' || place->last == '{' ||
                                              place->last == '[' || place->last == ',');
    place->after_indent = place->at_start || begins_value ||
                          (place->after_indent && (is_blank(data[0]) || data[0] == '-'));
    place->last = data[size - 1];
}

bool yaml_text_check(struct config_report *report)
{
    const struct slice source = report->source;
    struct line_place place = {.at_start = true, .after_indent = true};
    size_t size;

    for (size_t i = 0; i < source.size; i += size) {
        const uint8_t *data = source.data + i;
        const char *reason = reason_against(data, source.size - i, &place, &size);
        if (reason != NULL) {
            config_report_add(report, (struct config_place){i, 1}, "", "%s", reason);
            return false;
        }
        pass(&place, data, size);
    }
    return true;
}
