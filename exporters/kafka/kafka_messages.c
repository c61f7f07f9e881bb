/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_messages.c -- see kafka_messages.h.
 *
 * Protobuf: the size of a message is known before it is made, so records are taken until the next
 * one would be too much; then it is encoded at once.  Its groups are numbered anew, so that a
 * message costs by what is in it and not by what the batch has.
 *
 * JSON: each record is written as a line of its own, `{"resourceLogs":[X]}`, and the Xs are laid
 * behind one another.  A resource is repeated with each record; compression makes up for it.
 */
#include "kafka_messages.h"

#include <stdlib.h>
#include <string.h>

#include "kafka_key.h"
#include "telltale/encode.h"

enum {
    BYTES_MAX = 72 * 1024 * 1024, /* of all messages of a send */
    CAPACITY_LEAST = 64,
    FIELD_OVERHEAD = 6, /* a tag below 16 and a length */
    LINE_ENDING = 3,    /* "]}\n" */
};

void kafka_messages_init(struct kafka_messages *messages, const struct kafka_config *config)
{
    size_t overhead =
        KAFKA_MESSAGE_OVERHEAD + KAFKA_KEY_SIZE_MAX + kafka_config_headers_size(config);

    *messages = (struct kafka_messages){
        .encoding = (enum kafka_encoding)config->encoding,
        .by_session = config->key == KAFKA_KEY_SESSION,
        .size_max = config->max_message_size - overhead,
    };
    buf_init(&messages->bytes, BYTES_MAX);
    buf_init(&messages->line, BYTES_MAX);
    kafka_sessions_init(&messages->sessions);
}

static void free_records(struct kafka_messages *messages)
{
    free(messages->items);
    free(messages->fates);
    free(messages->records);
    messages->items = NULL;
    messages->fates = NULL;
    messages->records = NULL;
    messages->capacity = 0;
    messages->count = 0;
}

static void free_groups(struct kafka_messages *messages)
{
    free(messages->groups);
    free(messages->group_place);
    free(messages->group_stamp);
    messages->groups = NULL;
    messages->group_place = NULL;
    messages->group_stamp = NULL;
    messages->group_capacity = 0;
}

void kafka_messages_fini(struct kafka_messages *messages)
{
    free_records(messages);
    free_groups(messages);
    kafka_sessions_fini(&messages->sessions);
    buf_fini(&messages->bytes);
    buf_fini(&messages->line);
}

void kafka_messages_trim(struct kafka_messages *messages, size_t keep)
{
    buf_trim(&messages->bytes, keep);
    buf_trim(&messages->line, keep);
    messages->count = 0;
}

static size_t grown(size_t wanted)
{
    size_t capacity = CAPACITY_LEAST;

    while (capacity < wanted)
        capacity *= 2;
    return capacity;
}

static enum status make_room(struct kafka_messages *messages, const struct batch *batch,
                             struct error *err)
{
    if (batch->record_count > messages->capacity) {
        size_t capacity = grown(batch->record_count);
        free_records(messages);
        messages->items = calloc(capacity, sizeof(*messages->items));
        messages->fates = calloc(capacity, sizeof(*messages->fates));
        messages->records = calloc(capacity, sizeof(*messages->records));
        if (messages->items == NULL || messages->fates == NULL || messages->records == NULL)
            return error_set(err, ST_NO_MEMORY, "messages of %zu records", batch->record_count);
        messages->capacity = capacity;
    }
    if (batch->group_count > messages->group_capacity) {
        size_t capacity = grown(batch->group_count);
        free_groups(messages);
        messages->groups = calloc(capacity, sizeof(*messages->groups));
        messages->group_place = calloc(capacity, sizeof(*messages->group_place));
        messages->group_stamp = calloc(capacity, sizeof(*messages->group_stamp));
        if (messages->groups == NULL || messages->group_place == NULL ||
            messages->group_stamp == NULL)
            return error_set(err, ST_NO_MEMORY, "messages of %zu groups", batch->group_count);
        messages->group_capacity = capacity;
    }
    return ST_OK;
}

static struct kafka_message *open_message(struct kafka_messages *messages,
                                          const struct kafka_session *session, uint32_t first)
{
    struct kafka_message *message = &messages->items[messages->count];

    *message =
        (struct kafka_message){.key = session->key, .offset = messages->bytes.size, .first = first};
    return message;
}

/* Records that cannot be in a message stand between those that are: `first` and `count` name a
 * range, and fates say which of it counts. */
static void close_message(struct kafka_messages *messages, struct kafka_message *message,
                          uint32_t end)
{
    message->count = end - message->first;
    message->size = messages->bytes.size - message->offset;
    messages->count++;
}

/* --- Protobuf ------------------------------------------------------------------------------- */

static size_t record_size(const struct record *record)
{
    return record->bytes.size + FIELD_OVERHEAD;
}

static size_t group_size(const struct record_group *group)
{
    return group->request_fields.size + group->resource_logs_fields.size +
           group->scope_logs_fields.size + (size_t)(2 * FIELD_OVERHEAD);
}

/* The group's number in the present message; SIZE_MAX: it has none yet. */
static size_t place_of(const struct kafka_messages *messages, uint32_t group)
{
    return messages->group_stamp[group] == messages->stamp ? messages->group_place[group]
                                                           : SIZE_MAX;
}

/* Stamps are never 0, and start anew before they repeat. */
static void new_stamp(struct kafka_messages *messages)
{
    if (messages->stamp == UINT32_MAX) {
        memset(messages->group_stamp, 0, messages->group_capacity * sizeof(*messages->group_stamp));
        messages->stamp = 0;
    }
    messages->stamp++;
}

/* Takes records of the session from place `at` on into `ret_part`; returns the place behind. */
static uint32_t gather(struct kafka_messages *messages, const struct batch *batch, uint32_t at,
                       uint32_t end, struct batch *ret_part)
{
    size_t size = 0;
    size_t record_count = 0;
    size_t group_count = 0;

    new_stamp(messages);
    for (; at < end; at++) {
        const struct record *record = &batch->records[messages->order[at]];
        const struct record_group *group = &batch->groups[record->group_index];
        size_t place = place_of(messages, record->group_index);
        size_t more = record_size(record) + (place == SIZE_MAX ? group_size(group) : 0);
        if (record_size(record) + group_size(group) > messages->size_max) {
            messages->fates[messages->order[at]] = KAFKA_OVERSIZED;
            continue;
        }
        if (size + more > messages->size_max)
            break;
        if (place == SIZE_MAX) {
            place = group_count++;
            messages->groups[place] = *group;
            messages->group_place[record->group_index] = (uint32_t)place;
            messages->group_stamp[record->group_index] = messages->stamp;
        }
        messages->records[record_count] = *record;
        messages->records[record_count++].group_index = (uint32_t)place;
        size += more;
    }
    *ret_part = (struct batch){.records = messages->records,
                               .record_count = record_count,
                               .groups = messages->groups,
                               .group_count = group_count,
                               .size_bytes = size};
    return at;
}

/* Returns how far it came; *ret_st is not ST_OK when that is not the end. */
static uint32_t make_protobuf(struct kafka_messages *messages, const struct batch *batch,
                              const struct kafka_session *session, enum status *ret_st,
                              struct error *err)
{
    uint32_t end = session->first + session->count;
    uint32_t at = session->first;

    *ret_st = ST_OK;
    while (at < end) {
        struct batch part;
        struct kafka_message *message = open_message(messages, session, at);
        uint32_t behind = gather(messages, batch, at, end, &part);
        if (part.record_count > 0) {
            *ret_st = encode_otlp_request(&part, &messages->bytes, err);
            if (*ret_st != ST_OK)
                return at;
            close_message(messages, message, behind);
        }
        at = behind;
    }
    return at;
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* Lays the line's inside behind the message, which is begun with the line's own beginning. */
static enum status append_line(struct kafka_messages *messages, const struct kafka_message *message,
                               struct error *err)
{
    struct buf *bytes = &messages->bytes;
    struct slice line = buf_slice(&messages->line);
    const uint8_t *bracket = memchr(line.data, '[', line.size);

    ASSERT(bracket != NULL && line.size > LINE_ENDING);
    enum status st = buf_reserve(bytes, line.size, err);
    if (st != ST_OK)
        return st;
    if (bytes->size == message->offset) {
        buf_append_reserved(bytes, line.data, line.size - 1); /* without the end of line */
        return ST_OK;
    }
    size_t inside = (size_t)(bracket - line.data) + 1;
    bytes->data[bytes->size - (LINE_ENDING - 1)] = ',';
    bytes->size -= LINE_ENDING - 2;
    buf_append_reserved(bytes, line.data + inside, line.size - inside - 1);
    return ST_OK;
}

static uint32_t make_json(struct kafka_messages *messages, const struct batch *batch,
                          const struct kafka_session *session, enum status *ret_st,
                          struct error *err)
{
    uint32_t end = session->first + session->count;
    struct kafka_message *message = open_message(messages, session, session->first);
    uint32_t at = session->first;

    *ret_st = ST_OK;
    for (; at < end && *ret_st == ST_OK; at++) {
        const struct record *record = &batch->records[messages->order[at]];
        uint8_t *fate = &messages->fates[messages->order[at]];
        buf_clear(&messages->line);
        enum status st = encode_otlp_json_line(&batch->groups[record->group_index], record->bytes,
                                               SLICE_EMPTY, &messages->line, err);
        if (st == ST_NO_MEMORY) {
            *ret_st = st;
            break;
        }
        if (st != ST_OK || messages->line.size > messages->size_max) {
            *fate = st == ST_CORRUPT ? KAFKA_BROKEN : KAFKA_OVERSIZED;
            continue;
        }
        if (messages->bytes.size > message->offset &&
            messages->bytes.size - message->offset + messages->line.size > messages->size_max) {
            close_message(messages, message, at);
            message = open_message(messages, session, at);
        }
        *ret_st = append_line(messages, message, err);
        if (*ret_st != ST_OK)
            break;
    }
    if (messages->bytes.size > message->offset)
        close_message(messages, message, at);
    return at;
}

/* --- Both ----------------------------------------------------------------------------------- */

enum status kafka_messages_make(struct kafka_messages *messages, const struct batch *batch,
                                struct error *err)
{
    messages->count = 0;
    buf_clear(&messages->bytes);
    enum status st = make_room(messages, batch, err);
    if (st == ST_OK)
        st = kafka_sessions_find(&messages->sessions, batch, messages->by_session, err);
    if (st != ST_OK)
        return st;
    messages->order = messages->sessions.order;
    memset(messages->fates, KAFKA_IN_MESSAGE, batch->record_count);

    for (size_t i = 0; i < messages->sessions.count; i++) {
        const struct kafka_session *session = &messages->sessions.items[i];
        uint32_t at = messages->encoding == KAFKA_OTLP_JSON
                          ? make_json(messages, batch, session, &st, err)
                          : make_protobuf(messages, batch, session, &st, err);
        if (st == ST_OK)
            continue;
        if (messages->count == 0)
            return st;
        /* What is there goes out; the rest of this session and those behind it come again. */
        for (; at < batch->record_count; at++)
            messages->fates[messages->order[at]] = KAFKA_LATER;
        return ST_OK;
    }
    return ST_OK;
}
