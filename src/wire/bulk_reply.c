/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_reply.c -- see include/telltale/bulk_reply.h:
 *
 *     {"errors":true,"took":3,"items":[
 *         {"create":{"status":201}},
 *         {"create":{"status":201,"failure_store":"used"}},
 *         {"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"..."}}}]}
 *
 * One pass; nearly all items are the first of these, byte for byte, so that they are compared and
 * not scanned.  An item that is no object of one member with a status in it is damage: what became
 * of its record is not known then, and nothing in the answer can be trusted.  Of a member that
 * stands twice the last one counts. */
#include "telltale/bulk_reply.h"

#include "wire/json_scan.h"

struct reading {
    struct json_scan scan;
    struct buf *text; /* borrowed; decoded texts of one error; it does not grow */
};

typedef bool (*read_member_fn)(struct reading *reading, const struct json_text *key, void *ret);

/* Calls `read_member` for each member, which reads or skips its value. */
static bool read_object(struct reading *reading, read_member_fn read_member, void *ret)
{
    struct json_scan *scan = &reading->scan;
    struct json_text key;
    bool more;

    if (!json_open(scan, '{', '}', &more))
        return false;
    while (more) {
        if (!json_read_key(scan, &key) || !read_member(reading, &key, ret) ||
            !json_read_separator(scan, '}', &more))
            return false;
    }
    return true;
}

/* The same for what may be something else, which is skipped. */
static bool read_object_or_skip(struct reading *reading, read_member_fn read_member, void *ret)
{
    return json_peek(&reading->scan) == '{' ? read_object(reading, read_member, ret)
                                            : json_skip_value(&reading->scan);
}

/* A text, decoded; empty when there is no room for it, or when it is something else. */
static bool read_text(struct reading *reading, struct slice *ret)
{
    struct buf *out = reading->text;
    struct json_text text;

    *ret = SLICE_EMPTY;
    if (json_peek(&reading->scan) != '"')
        return json_skip_value(&reading->scan);
    if (!json_read_text(&reading->scan, &text))
        return false;
    if (text.size + JSON_TEXT_SLACK > buf_room(out))
        return true;
    uint8_t *start = out->data + out->size;
    size_t size = (size_t)(json_text_decode(&text, start) - start);
    out->size += size;
    *ret = slice_of(start, size);
    return true;
}

/* --- Items ----------------------------------------------------------------------------------- */

static bool read_error_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct bulk_failure *failure = ret;

    if (json_text_equal(key, SLICE("type")))
        return read_text(reading, &failure->type);
    if (json_text_equal(key, SLICE("reason")))
        return read_text(reading, &failure->reason);
    return json_skip_value(&reading->scan);
}

/* A status is a number of three digits. */
static bool read_status(struct json_scan *scan, unsigned *ret)
{
    enum { FIRST = 100, LAST = 999 };
    struct json_number number;
    const uint8_t *place = scan->at;
    uint8_t byte = json_peek(scan);

    if ((byte < '0' || byte > '9') || !json_read_number(scan, &number) || !number.is_integer ||
        number.integer < FIRST || number.integer > LAST)
        return json_scan_fail(scan, ST_INVALID, place, "a status must stand here");
    *ret = (unsigned)number.integer;
    return true;
}

static bool read_item_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct json_scan *scan = &reading->scan;
    struct bulk_item *item = ret;
    struct json_text word;

    if (json_text_equal(key, SLICE("status")))
        return read_status(scan, &item->status);
    if (json_text_equal(key, SLICE("failure_store")) && json_peek(scan) == '"') {
        if (!json_read_text(scan, &word))
            return false;
        item->is_in_failure_store = json_text_equal(&word, SLICE("used"));
        return true;
    }
    if (json_text_equal(key, SLICE("error"))) {
        struct bulk_failure failure = {.type = SLICE_EMPTY};
        buf_clear(reading->text);
        if (!read_object_or_skip(reading, read_error_member, &failure))
            return false;
        item->type = failure.type;
        item->reason = failure.reason;
        return true;
    }
    return json_skip_value(scan);
}

static bool read_item(struct reading *reading, struct bulk_item *ret)
{
    struct json_scan *scan = &reading->scan;
    const uint8_t *place = scan->at;
    struct json_text action;
    bool any = false, more = false;

    *ret = (struct bulk_item){.status = 0};
    if (!json_open(scan, '{', '}', &any))
        return false;
    if (!any)
        return json_scan_fail(scan, ST_INVALID, place, "an item without an action");
    if (!json_read_key(scan, &action) || !read_object(reading, read_item_member, ret) ||
        !json_read_separator(scan, '}', &more))
        return false;
    if (more || ret->status == 0)
        return json_scan_fail(scan, ST_INVALID, place,
                              more ? "an item with two actions" : "an item without a status");
    return true;
}

/* The item that nearly all are. */
static bool take_created(struct json_scan *scan, struct bulk_item *ret)
{
    const struct slice created = SLICE("{\"create\":{\"status\":201}}");

    if ((size_t)(scan->end - scan->at) < created.size ||
        memcmp(scan->at, created.data, created.size) != 0)
        return false;
    enum { CREATED = 201 };
    scan->at += created.size;
    *ret = (struct bulk_item){.status = CREATED};
    return true;
}

struct items {
    size_t expected, count;
    bool is_read;
    const struct bulk_reply_reader *reader; /* borrowed */
};

static bool read_items(struct reading *reading, struct items *items)
{
    struct json_scan *scan = &reading->scan;
    struct bulk_item item;
    bool more;

    if (items->is_read)
        return json_scan_fail(scan, ST_INVALID, scan->at, "items stand twice");
    items->is_read = true;
    if (!json_open(scan, '[', ']', &more))
        return false;
    while (more) {
        if (items->count == items->expected)
            return json_scan_fail(scan, ST_INVALID, scan->at, "more items than were sent");
        if (!take_created(scan, &item) && !read_item(reading, &item))
            return false;
        items->reader->on_item(items->reader->context, items->count++, &item);
        if (!json_read_separator(scan, ']', &more))
            return false;
    }
    return true;
}

static bool read_reply_member(struct reading *reading, const struct json_text *key, void *ret)
{
    if (json_text_equal(key, SLICE("items")))
        return read_items(reading, ret);
    return json_skip_value(&reading->scan);
}

enum status bulk_reply_read(struct slice reply, size_t item_count, struct buf *text,
                            const struct bulk_reply_reader *reader, struct error *err)
{
    struct reading reading = {.scan = json_scan_start(reply), .text = text};
    struct items items = {.expected = item_count, .reader = reader};

    /* Without its texts an error would be taken for another. */
    buf_clear(text);
    enum status st = buf_reserve(text, text->limit, err);
    if (st != ST_OK)
        return st;
    if (!read_object(&reading, read_reply_member, &items) || !json_read_end(&reading.scan)) {
        return error_set(err, ST_INVALID, "no answer to a bulk request: byte %zu: %s",
                         (size_t)(reading.scan.place - reading.scan.start), reading.scan.reason);
    }
    if (items.count != item_count)
        return error_set(err, ST_INVALID, "an answer with %zu items to a request of %zu",
                         items.count, item_count);
    return ST_OK;
}

/* --- Requests that were refused whole -------------------------------------------------------- */

struct whole {
    struct bulk_failure failure;
    bool is_read;
};

static bool read_whole_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct whole *whole = ret;

    if (!json_text_equal(key, SLICE("error")))
        return json_skip_value(&reading->scan);
    buf_clear(reading->text);
    whole->failure = (struct bulk_failure){.type = SLICE_EMPTY};
    uint8_t byte = json_peek(&reading->scan);
    whole->is_read = byte == '{' || byte == '"';
    if (byte == '"')
        return read_text(reading, &whole->failure.reason);
    return read_object_or_skip(reading, read_error_member, &whole->failure);
}

bool bulk_reply_read_failure(struct slice reply, struct buf *text, struct bulk_failure *ret)
{
    struct reading reading = {.scan = json_scan_start(reply), .text = text};
    struct whole whole = {.is_read = false};
    struct error ignored;

    buf_clear(text);
    if (buf_reserve(text, text->limit, &ignored) != ST_OK)
        return false;
    if (!read_object(&reading, read_whole_member, &whole) || !json_read_end(&reading.scan) ||
        !whole.is_read)
        return false;
    *ret = whole.failure;
    return true;
}

/* --- What a server is ------------------------------------------------------------------------ */

struct server_reading {
    struct bulk_server server;
    bool has_number;
};

/* "8.19.2" */
static bool read_number_text(struct json_scan *scan, struct server_reading *ret)
{
    enum { NUMBER_MAX = 1000 };
    unsigned parts[2] = {0, 0};
    struct json_text text;
    size_t part = 0;

    if (!json_read_text(scan, &text))
        return false;
    for (size_t i = 0; i < text.raw_size && part < COUNT_OF(parts); i++) {
        unsigned digit = (unsigned)(text.raw[i] - '0');
        if (text.raw[i] == '.')
            part++;
        else if (digit > 9 || parts[part] >= NUMBER_MAX)
            return true; /* no number of ours */
        else
            parts[part] = parts[part] * 10 + digit;
    }
    ret->has_number = part > 0;
    ret->server.major = parts[0];
    ret->server.minor = parts[1];
    return true;
}

static bool read_version_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct json_scan *scan = &reading->scan;
    struct server_reading *server = ret;
    struct json_text text;

    if (json_peek(scan) != '"')
        return json_skip_value(scan);
    if (json_text_equal(key, SLICE("number")))
        return read_number_text(scan, server);
    if (!json_read_text(scan, &text))
        return false;
    if (json_text_equal(key, SLICE("distribution")))
        server->server.is_opensearch = json_text_equal(&text, SLICE("opensearch"));
    if (json_text_equal(key, SLICE("build_flavor")))
        server->server.is_serverless = json_text_equal(&text, SLICE("serverless"));
    return true;
}

static bool read_server_member(struct reading *reading, const struct json_text *key, void *ret)
{
    if (json_text_equal(key, SLICE("version")))
        return read_object_or_skip(reading, read_version_member, ret);
    return json_skip_value(&reading->scan);
}

bool bulk_reply_read_server(struct slice reply, struct bulk_server *ret)
{
    struct reading reading = {.scan = json_scan_start(reply)};
    struct server_reading server = {.has_number = false};

    if (!read_object(&reading, read_server_member, &server) || !json_read_end(&reading.scan) ||
        !server.has_number)
        return false;
    *ret = server.server;
    return true;
}
