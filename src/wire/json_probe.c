/* SPDX-License-Identifier: Apache-2.0 */
/* json_probe.c -- see include/telltale/json_probe.h.  Of a member that stands twice the last one
 * counts, as with most readers. */
#include "telltale/json_probe.h"

#include "wire/json_scan.h"

struct probing {
    struct json_scan scan;
    struct buf *text;
    struct slice value;
    bool found;
};

static bool take_value(struct probing *probing)
{
    struct error ignored;
    struct json_text text;

    if (json_peek(&probing->scan) != '"') {
        const uint8_t *start = probing->scan.at;
        if (!json_skip_value(&probing->scan))
            return false;
        probing->value = slice_of(start, (size_t)(probing->scan.at - start));
        probing->found = true;
        return true;
    }
    if (!json_read_text(&probing->scan, &text))
        return false;
    buf_clear(probing->text);
    if (buf_reserve(probing->text, text.size + JSON_TEXT_SLACK, &ignored) != ST_OK)
        return json_scan_fail(&probing->scan, ST_LIMIT, probing->scan.at, "too long");
    probing->text->size =
        (size_t)(json_text_decode(&text, probing->text->data) - probing->text->data);
    probing->value = buf_slice(probing->text);
    probing->found = true;
    return true;
}

/* Reads a value, and looks for `path` in it. */
static bool look(struct probing *probing, struct slice path, unsigned depth)
{
    struct json_scan *scan = &probing->scan;
    struct json_text key;
    bool more;

    if (path.size == 0)
        return take_value(probing);
    if (json_peek(scan) != '{' || depth == JSON_PROBE_DEPTH_MAX)
        return json_skip_value(scan);
    const uint8_t *dot = memchr(path.data, '.', path.size);
    struct slice name = path;
    if (dot != NULL)
        name.size = (size_t)(dot - path.data);
    struct slice rest = slice_from(path, name.size + 1);
    if (!json_open(scan, '{', '}', &more))
        return false;
    while (more) {
        if (!json_read_key(scan, &key))
            return false;
        bool good =
            json_text_equal(&key, name) ? look(probing, rest, depth + 1) : json_skip_value(scan);
        if (!good || !json_read_separator(scan, '}', &more))
            return false;
    }
    return true;
}

enum json_probe_result json_probe(struct slice json, const char *path, struct buf *text,
                                  struct slice *ret)
{
    struct probing probing = {.scan = json_scan_start(json), .text = text};

    *ret = SLICE_EMPTY;
    if (!look(&probing, slice_of_text(path), 0) || !json_read_end(&probing.scan))
        return JSON_PROBE_NOT_JSON;
    *ret = probing.value;
    return probing.found ? JSON_PROBE_FOUND : JSON_PROBE_ABSENT;
}
