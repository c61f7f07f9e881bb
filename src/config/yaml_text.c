/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.c -- valid UTF-8, no control characters, no line that begins with '%'.  YAML
 * forbids most of that too, but its readers do not find all of it: there are malformed
 * directives that libfyaml 0.7 never comes back from. */
#include "config/yaml_text.h"

#include "util/utf8.h"

static const char *reason_against(const uint8_t *data, size_t left, bool line_start,
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
