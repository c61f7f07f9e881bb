/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.c -- valid UTF-8, no control characters, no line that begins with '%'.  YAML
 * forbids most of that too, but its readers do not find all of it: there are malformed
 * directives that libfyaml 0.7 never comes back from. */
#include "config/yaml_text.h"

/* Bytes of the valid character at `data`, 0 when there is none: not well formed, a surrogate,
 * beyond U+10FFFF, or longer than needed. */
static size_t character_size(const uint8_t *data, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = data[0];

    if (first < 0x80)
        return 1;
    size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC0 || first > 0xF4 || size > left)
        return 0;
    uint32_t value = first & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((data[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (data[i] & 0x3F);
    }
    bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < least[size] || surrogate || value > 0x10FFFF ? 0 : size;
}

static const char *reason_against(const uint8_t *data, size_t left, bool line_start,
                                  size_t *ret_size)
{
    *ret_size = character_size(data, left);
    if (*ret_size == 0)
        return "this is not a text file: not UTF-8";
    bool space = data[0] == '\t' || data[0] == '\n' || data[0] == '\r';
    bool control = *ret_size == 1 ? (data[0] < 0x20 && !space) || data[0] == 0x7F
                                  : data[0] == 0xC2 && data[1] < 0xA0;
    if (control)
        return "this is not a text file: a control character";
    if (line_start && data[0] == '%')
        return "directives are not supported";
    return NULL;
}

bool yaml_text_check(struct config_report *report)
{
    const struct slice source = report->source;
    bool line_start = true;
    size_t size;

    for (size_t i = 0; i < source.size; i += size) {
        const char *reason = reason_against(source.data + i, source.size - i, line_start, &size);
        if (reason != NULL) {
            config_report_add(report, (struct config_place){i, 1}, "", "%s", reason);
            return false;
        }
        line_start = source.data[i] == '\n' || source.data[i] == '\r' ||
                     (i == 0 && size == 3 && source.data[0] == 0xEF && source.data[1] == 0xBB &&
                      source.data[2] == 0xBF); /* a byte order mark */
    }
    return true;
}
