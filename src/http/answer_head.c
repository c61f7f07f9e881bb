/* SPDX-License-Identifier: Apache-2.0 */
/* answer_head.c -- see answer_head.h.  Times are compared with the server's own clock where it
 * tells it, so that a wrong clock on either side does not make a wait of hours. */
#include "http/answer_head.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

#include "http/http_limits.h"
#include "telltale/base.h"

enum { DATE_MAX = 64 }; /* the longest form has 33 bytes */

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_from(text, 1);
    while (text.size > 0 && text.data[text.size - 1] <= ' ')
        text.size--;
    return text;
}

static bool name_is(struct slice name, const char *wanted)
{
    return name.size == strlen(wanted) &&
           strncasecmp((const char *)name.data, wanted, name.size) == 0;
}

static bool read_date(struct slice value, int64_t *ret)
{
    char text[DATE_MAX];

    if (value.size == 0 || value.size >= sizeof(text) || memchr(value.data, 0, value.size) != NULL)
        return false;
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(value));
    time_t when = curl_getdate(text, NULL);
    *ret = when;
    return when >= 0;
}

static void take_retry_after(struct answer_head *head, struct slice value)
{
    uint64_t seconds = 0;
    size_t i = 0;

    for (; i < value.size && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
        if (seconds < UINT32_MAX)
            seconds = seconds * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->has_retry_seconds = value.size > 0 && i == value.size;
    head->retry_seconds = seconds;
    head->has_retry_date =
        !head->has_retry_seconds && value.size > 0 && read_date(value, &head->retry_date_unix);
}

static void take_type(struct answer_head *head, struct slice value)
{
    size_t size = 0;

    for (; size < value.size && size < sizeof(head->type) - 1; size++) {
        uint8_t c = value.data[size];
        if (c == ';' || c <= ' ' || c >= 0x7f)
            break;
        head->type[size] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    head->type[size] = 0;
}

static void take_location(struct answer_head *head, struct slice value)
{
    size_t size = 0;

    for (; size < value.size && size < sizeof(head->location) - 1; size++) {
        uint8_t c = value.data[size];
        head->location[size] = (char)(c <= ' ' || c >= 0x7f ? '?' : c);
    }
    head->location[size] = 0;
}

bool answer_head_take(struct answer_head *head, struct slice line)
{
    size_t size = head->size + line.size;

    if (size > HTTP_ANSWER_HEAD_MAX)
        return false;
    if (slice_starts_with(line, SLICE("HTTP/")))
        *head = (struct answer_head){.size = 0};
    head->size = size;
    const uint8_t *colon = line.size > 0 ? memchr(line.data, ':', line.size) : NULL;
    if (colon == NULL)
        return true;
    struct slice name = slice_of(line.data, (size_t)(colon - line.data));
    struct slice value = trim(slice_from(line, name.size + 1));
    if (name_is(name, "content-type"))
        take_type(head, value);
    else if (name_is(name, "content-encoding"))
        head->is_encoded = value.size > 0 && !name_is(value, "identity");
    else if (name_is(name, "retry-after"))
        take_retry_after(head, value);
    else if (name_is(name, "date"))
        head->has_date = read_date(value, &head->date_unix);
    else if (name_is(name, "location"))
        take_location(head, value);
    return true;
}

bool answer_head_retry_after(const struct answer_head *head, int64_t now_unix, uint32_t *ret_ms)
{
    uint64_t seconds = 0;

    if (head->has_retry_date) {
        int64_t now = head->has_date ? head->date_unix : now_unix;
        if (head->retry_date_unix > now)
            seconds = (uint64_t)head->retry_date_unix - (uint64_t)now;
    } else if (head->has_retry_seconds) {
        seconds = head->retry_seconds;
    } else {
        return false;
    }
    *ret_ms = seconds >= UINT32_MAX / 1000 ? UINT32_MAX : (uint32_t)(seconds * 1000);
    return true;
}
