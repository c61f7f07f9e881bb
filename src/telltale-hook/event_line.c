/* SPDX-License-Identifier: Apache-2.0 */
/* event_line.c -- see event_line.h.  No stdio: it would be most of the program. */
#include "telltale-hook/event_line.h"

#include "telltale-hook/json_check.h"

static uint8_t head[EVENT_HEAD_MAX];
static uint8_t encoded[EVENT_LINE_MAX]; /* touched only as far as it is written */

static uint8_t *put(uint8_t *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size); // NOLINT(bugprone-not-null-terminated-result): bytes of a line
    return out + size;
}

static uint8_t *put_number(uint8_t *out, uint64_t number)
{
    uint8_t digits[20];
    size_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

/* The name comes from a command line: letters, digits and a few signs of it. */
static uint8_t *put_name(uint8_t *out, const char *name)
{
    for (size_t i = 0; name[i] != 0 && i < EVENT_NAME_MAX; i++) {
        char c = name[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        *out++ = is_plain ? (uint8_t)c : '_';
    }
    return out;
}

static uint8_t *put_head(const struct event_facts *facts)
{
    uint8_t *out = put(head, "{\"dialect\":\"");
    out = put(out, facts->dialect);
    out = put(out, "\",\"id\":\"");
    out = put(out, facts->id);
    out = put(out, "\",\"time\":\"");
    out = put_number(out, facts->unix_ns);
    if (facts->event != NULL) {
        out = put(out, "\",\"event\":\"");
        out = put_name(out, facts->event);
    }
    return put(out, "\"");
}

static size_t encode(struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *out = encoded;
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t bits = (uint32_t)bytes.data[at] << 16;
        if (left > 1)
            bits |= (uint32_t)bytes.data[at + 1] << 8;
        if (left > 2)
            bits |= bytes.data[at + 2];
        *out++ = (uint8_t)digits[bits >> 18];
        *out++ = (uint8_t)digits[bits >> 12 & 63];
        *out++ = left > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? (uint8_t)digits[bits & 63] : '=';
    }
    return (size_t)(out - encoded);
}

void event_line_make(const struct event_facts *facts, struct slice hook, struct event_line *ret)
{
    bool is_cut = facts->is_cut;
    uint8_t *end = put_head(facts);
    if (!is_cut && hook.size <= EVENT_PLAIN_MAX && json_is_plain_object(hook)) {
        end = put(end, ",\"hook\":");
        ret->parts[1] = hook;
        ret->parts[2] = SLICE("}\n");
    } else {
        if (hook.size > EVENT_ENCODED_MAX) {
            hook.size = EVENT_ENCODED_MAX;
            is_cut = true;
        }
        end = put(end, is_cut ? ",\"hook_cut\":true,\"hook_base64\":\"" : ",\"hook_base64\":\"");
        ret->parts[1] = slice_of(encoded, encode(hook));
        ret->parts[2] = SLICE("\"}\n");
    }
    ret->parts[0] = slice_of(head, (size_t)(end - head));
    ret->size = ret->parts[0].size + ret->parts[1].size + ret->parts[2].size;
}
