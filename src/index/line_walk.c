/* SPDX-License-Identifier: Apache-2.0 */
/* line_walk.c -- see line_walk.h.
 *
 * Most of a line are attributes with texts, as encode_otlp_json_line() writes them: these are tried
 * first, by comparing what stands between key and value.  Everything else is read as JSON by the
 * names of its members.  Members that the store does not have are told as texts.
 */
#include "index/line_walk.h"

struct walk {
    struct json_scan scan;
    const struct line_events *events;
    void *context;
    enum line_place place;
    unsigned depth;
    unsigned nested;             /* values within the value of an attribute, or a body */
    const struct json_text *key; /* of the attribute that is being read; NULL: none */
    bool is_logs;
};

enum member {
    MEMBER_OTHER,
    MEMBER_RESOURCE_LOGS,
    MEMBER_RESOURCE,
    MEMBER_SCOPE,
    MEMBER_RECORDS,
    MEMBER_TIME,
    MEMBER_OBSERVED_TIME,
    MEMBER_TRACE_ID,
    MEMBER_SPAN_ID,
    MEMBER_BODY,
    MEMBER_KEY,
    MEMBER_VALUE,
    MEMBER_STRING,
    MEMBER_INT,
    MEMBER_BYTES,
    MEMBER_FOREIGN,
};

/* In the order of their sizes. */
static const struct {
    struct slice name;
    enum member member;
} members[] = {
    {SLICE("key"), MEMBER_KEY},
    {SLICE("body"), MEMBER_BODY},
    {SLICE("value"), MEMBER_VALUE},
    {SLICE("scope"), MEMBER_SCOPE},
    {SLICE("spanId"), MEMBER_SPAN_ID},
    {SLICE("traceId"), MEMBER_TRACE_ID},
    {SLICE("intValue"), MEMBER_INT},
    {SLICE("resource"), MEMBER_RESOURCE},
    {SLICE("trace_id"), MEMBER_FOREIGN},
    {SLICE("int_value"), MEMBER_FOREIGN},
    {SLICE("logRecords"), MEMBER_RECORDS},
    {SLICE("bytesValue"), MEMBER_BYTES},
    {SLICE("scope_logs"), MEMBER_FOREIGN},
    {SLICE("stringValue"), MEMBER_STRING},
    {SLICE("log_records"), MEMBER_FOREIGN},
    {SLICE("bytes_value"), MEMBER_FOREIGN},
    {SLICE("timeUnixNano"), MEMBER_TIME},
    {SLICE("resourceLogs"), MEMBER_RESOURCE_LOGS},
    {SLICE("string_value"), MEMBER_FOREIGN},
    {SLICE("resourceSpans"), MEMBER_FOREIGN},
    /* Some as protobuf names them, which readers of OTLP JSON may take. */
    {SLICE("resource_logs"), MEMBER_FOREIGN},
    {SLICE("time_unix_nano"), MEMBER_FOREIGN},
    {SLICE("resourceMetrics"), MEMBER_FOREIGN},
    {SLICE("observedTimeUnixNano"), MEMBER_OBSERVED_TIME},
    {SLICE("observed_time_unix_nano"), MEMBER_FOREIGN},
};

enum { MEMBER_SIZE_MAX = 23 };

/* With which of these the names of a size begin. */
static const uint8_t first_of_size[MEMBER_SIZE_MAX + 2] = {
    0, 0, 0, 0, 1, 2, 4, 5, 6, 9, 10, 13, 16, 19, 21, 22, 23, 23, 23, 23, 23, 24, 24, 24, 25};

static enum member member_of(const struct json_text *name)
{
    if (name->size != name->raw_size)
        return MEMBER_FOREIGN;
    if (name->size > MEMBER_SIZE_MAX)
        return MEMBER_OTHER;
    for (size_t i = first_of_size[name->size]; i < first_of_size[name->size + 1]; i++) {
        if (memcmp(members[i].name.data, name->raw, name->size) == 0)
            return members[i].member;
    }
    return MEMBER_OTHER;
}

static bool fail(struct walk *walk)
{
    return json_scan_fail(&walk->scan, ST_INVALID, walk->scan.at, "not as a store has it");
}

static bool step_over(struct walk *walk, struct slice text)
{
    if ((size_t)(walk->scan.end - walk->scan.at) < text.size ||
        memcmp(walk->scan.at, text.data, text.size) != 0)
        return false;
    walk->scan.at += text.size;
    return true;
}

static void tell_attribute(struct walk *walk, enum line_value type, const struct json_text *value)
{
    struct line_attribute attribute = {
        .place = walk->place, .is_top = walk->nested == 1, .type = type, .key = *walk->key};
    if (value != NULL)
        attribute.value = *value;
    walk->events->on_attribute(walk->context, &attribute);
}

/* A text, a number in quotes or bytes, by the name of the member. */
static bool walk_text(struct walk *walk, enum member member)
{
    struct json_text text;

    if (!json_read_text(&walk->scan, &text))
        return false;
    switch (member) {
    case MEMBER_TIME:
    case MEMBER_OBSERVED_TIME: {
        uint64_t time = 0;
        for (size_t i = 0; i < text.raw_size; i++) {
            if ((unsigned)(text.raw[i] - '0') > 9 || time > (UINT64_MAX - 9) / 10)
                return fail(walk);
            time = time * 10 + (uint64_t)(text.raw[i] - '0');
        }
        walk->events->on_time(walk->context, member == MEMBER_OBSERVED_TIME, time);
        return true;
    }
    case MEMBER_TRACE_ID:
        walk->events->on_trace_id(walk->context, &text);
        return true;
    case MEMBER_SPAN_ID:
        return true;
    case MEMBER_STRING:
    case MEMBER_INT:
    case MEMBER_BYTES:
        if (walk->key == NULL && member == MEMBER_STRING)
            walk->events->on_text(walk->context, &text);
        else if (walk->key == NULL && member == MEMBER_BYTES)
            return fail(walk); /* a body of bytes: rare, and not worth a case */
        else if (walk->key != NULL)
            tell_attribute(walk,
                           member == MEMBER_STRING ? LINE_TEXT
                           : member == MEMBER_INT  ? LINE_INT
                                                   : LINE_BYTES,
                           &text);
        return true;
    default:
        walk->events->on_text(walk->context, &text);
        return true;
    }
}

static bool walk_value(struct walk *walk, enum member member);

/* The value of an attribute, whose key has been read. */
static bool walk_attribute_value(struct walk *walk, const struct json_text *key)
{
    const struct json_text *outer = walk->key;

    if (key->raw == NULL)
        return fail(walk);
    if (outer != NULL) /* an attribute within: its key is a text of the record, its value is not at
                          the top */
        walk->nested++;
    walk->key = key;
    bool good = walk_value(walk, MEMBER_VALUE);
    walk->key = outer;
    walk->nested -= outer != NULL;
    return good;
}

static bool walk_member(struct walk *walk, const struct json_text *name, struct json_text *key)
{
    enum member member = member_of(name);
    bool good;

    switch (member) {
    case MEMBER_FOREIGN:
        return fail(walk);
    case MEMBER_RESOURCE_LOGS:
        walk->is_logs = true;
        return walk_value(walk, member);
    case MEMBER_RESOURCE:
    case MEMBER_SCOPE:
        walk->place = member == MEMBER_RESOURCE ? LINE_RESOURCE : LINE_SCOPE;
        return walk_value(walk, member);
    case MEMBER_RECORDS:
        walk->place = LINE_RECORD;
        return walk_value(walk, member);
    case MEMBER_BODY:
        walk->nested++;
        good = walk_value(walk, member);
        walk->nested--;
        return good;
    case MEMBER_KEY:
        if (key->raw != NULL)
            return fail(walk);
        good = json_read_text(&walk->scan, key);
        if (good) /* by itself: there may be no value, or an empty list */
            walk->events->on_text(walk->context, key);
        return good;
    case MEMBER_VALUE:
        return walk_attribute_value(walk, key);
    default:
        return walk_value(walk, member);
    }
}

static bool walk_object(struct walk *walk, enum member of)
{
    struct json_text name;
    struct json_text key = {0};
    bool more;

    if (of == MEMBER_RECORDS)
        walk->events->on_record(walk->context, true);
    walk->nested += walk->key != NULL;
    if (!json_open(&walk->scan, '{', '}', &more))
        return false;
    if (!more && walk->key != NULL) /* an empty value */
        tell_attribute(walk, LINE_OTHER, NULL);
    while (more) {
        if (!json_read_key(&walk->scan, &name) || !walk_member(walk, &name, &key) ||
            !json_read_separator(&walk->scan, '}', &more))
            return false;
    }
    walk->nested -= walk->key != NULL;
    if (of == MEMBER_RECORDS)
        walk->events->on_record(walk->context, false);
    return true;
}

/* {"key":"...","value":{"stringValue":"..."}}; false: it is another one, and nothing was read. */
static bool walk_plain_attribute(struct walk *walk)
{
    struct line_attribute attribute = {
        .place = walk->place, .is_top = walk->nested == 0, .type = LINE_TEXT};
    const uint8_t *start = walk->scan.at;

    if (step_over(walk, SLICE("{\"key\":")) && json_read_text(&walk->scan, &attribute.key)) {
        if (step_over(walk, SLICE(",\"value\":{\"intValue\":")))
            attribute.type = LINE_INT;
        else if (!step_over(walk, SLICE(",\"value\":{\"stringValue\":")))
            goto other;
        if (json_peek(&walk->scan) == '"' && json_read_text(&walk->scan, &attribute.value) &&
            step_over(walk, SLICE("}}"))) {
            walk->events->on_attribute(walk->context, &attribute);
            return true;
        }
    }
other:
    walk->scan.at = start;
    return false;
}

static bool walk_array(struct walk *walk, enum member of)
{
    bool more;

    if (!json_open(&walk->scan, '[', ']', &more))
        return false;
    while (more) {
        if (walk->key != NULL || of != MEMBER_OTHER || !walk_plain_attribute(walk)) {
            if (walk->scan.reason != NULL || !walk_value(walk, of))
                return false;
        }
        if (!json_read_separator(&walk->scan, ']', &more))
            return false;
    }
    return true;
}

static bool walk_number(struct walk *walk, enum member member)
{
    const uint8_t *start = walk->scan.at;

    if (member == MEMBER_TIME || member == MEMBER_OBSERVED_TIME || !json_skip_value(&walk->scan))
        return fail(walk);
    if (walk->key == NULL)
        return true;
    if (member == MEMBER_INT) {
        size_t size = (size_t)(walk->scan.at - start);
        const struct json_text text = {.raw = start,
                                       .raw_size = size,
                                       .size = size,
                                       .behind = (size_t)(walk->scan.end - start)};
        tell_attribute(walk, LINE_INT, &text);
    } else {
        tell_attribute(walk, LINE_OTHER, NULL);
    }
    return true;
}

static bool walk_value(struct walk *walk, enum member member)
{
    bool good;

    if (walk->depth >= LINE_WALK_DEPTH_MAX)
        return fail(walk);
    walk->depth++;
    switch (json_peek(&walk->scan)) {
    case '{':
        good = walk_object(walk, member);
        break;
    case '[':
        good = walk_array(walk, member);
        break;
    case '"':
        good = walk_text(walk, member);
        break;
    default:
        good = walk_number(walk, member);
        break;
    }
    walk->depth--;
    return good;
}

bool line_walk(struct slice line, const struct line_events *events, void *context)
{
    struct walk walk = {.scan = json_scan_start(line), .events = events, .context = context};

    return json_peek(&walk.scan) == '{' && walk_value(&walk, MEMBER_OTHER) &&
           json_read_end(&walk.scan) && walk.is_logs;
}
