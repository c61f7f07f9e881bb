/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_body.c -- see elastic_body.h. */
#include "elastic_body.h"

#include <stdio.h>
#include <string.h>

enum {
    BODY_SIZE_LIMIT = 128 * 1024 * 1024, /* of our buffer: one record is far below it */
    IDLE_KEEP_SIZE = 64 * 1024,          /* of buffers, when nothing is to be sent */
    ID_SIZE_MAX = 64,
    GROUP_NONE = UINT32_MAX,
};

#define LINE_END "\"}}\n"

enum status elastic_body_init(struct elastic_body *body, const struct elastic_config *config,
                              struct error *err)
{
    char dataset[ELASTIC_NAME_MAX];
    char target[ELASTIC_NAME_MAX];

    *body = (struct elastic_body){.size_max = (size_t)config->http.max_body_size};
    buf_init(&body->bytes, BODY_SIZE_LIMIT);
    buf_init(&body->positions, BODY_SIZE_LIMIT);
    elastic_config_dataset(config, dataset);
    elastic_config_target(config, target);
    /* The name has nothing that JSON escapes: elastic_config_check(). */
    int size = snprintf(body->line_text, sizeof(body->line_text),
                        "{\"create\":{\"_index\":\"%s\",\"_id\":\"", target);
    ASSERT(size > 0 && (size_t)size < sizeof(body->line_text));
    body->line_start = slice_of(body->line_text, (size_t)size);
    const struct shape_options options = {
        .dataset = config->index == NULL ? dataset : NULL,
        .data_namespace = config->data_stream.data_namespace,
    };
    enum shape shape = config->shape == ELASTIC_SHAPE_OTEL ? SHAPE_OTEL : SHAPE_ECS;
    return shaper_create(shape, &options, &body->shaper, err);
}

void elastic_body_fini(struct elastic_body *body)
{
    shaper_destroy(body->shaper);
    buf_fini(&body->bytes);
    buf_fini(&body->positions);
}

/* Whether it can stand in the line as it is: letters, digits and dashes.  Without branches, because
 * nobody can foretell which digit of an id is a letter. */
static bool is_plain_id(struct slice uid)
{
    unsigned odd = 0;

    if (uid.size == 0 || uid.size > ID_SIZE_MAX)
        return false;
    for (size_t i = 0; i < uid.size; i++) {
        unsigned c = uid.data[i];
        unsigned is_letter = (c | 32) - 'a' < 26;
        unsigned is_digit = c - '0' < 10;
        odd |= (is_letter | is_digit | (c == '-')) ^ 1;
    }
    return odd == 0;
}

/* FNV-1a: nobody gains by two records of one number that have the same. */
static uint64_t hash_of(struct slice bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static size_t put_hex(char *out, uint64_t value)
{
    enum { DIGITS = 16 };

    for (int i = 0; i < DIGITS; i++)
        out[i] = "0123456789abcdef"[value >> 4 * (DIGITS - 1 - i) & 15];
    return DIGITS;
}

static struct slice make_id(const struct batch *batch, const struct record *record,
                            char out[ID_SIZE_MAX])
{
    size_t size = 0;

    for (size_t i = 0; i < JOURNAL_ID_SIZE; i++) {
        out[size++] = "0123456789abcdef"[batch->journal_id[i] >> 4];
        out[size++] = "0123456789abcdef"[batch->journal_id[i] & 15];
    }
    size += put_hex(out + size, record->sequence);
    size += put_hex(out + size, hash_of(record->bytes));
    return slice_of(out, size);
}

static enum status put_action(struct elastic_body *body, struct slice id, struct error *err)
{
    struct buf *out = &body->bytes;

    enum status st = buf_reserve(out, body->line_start.size + id.size + sizeof(LINE_END) - 1, err);
    if (st != ST_OK)
        return st;
    buf_append_reserved(out, body->line_start.data, body->line_start.size);
    buf_append_reserved(out, id.data, id.size);
    buf_append_reserved(out, LINE_END, sizeof(LINE_END) - 1);
    return ST_OK;
}

/* Appends both lines; on failure the body is as it was. */
static enum status put_record(struct elastic_body *body, const struct batch *batch, size_t index,
                              struct error *err)
{
    const struct record *record = &batch->records[index];
    struct record_facts facts;
    char made[ID_SIZE_MAX];
    size_t start = body->bytes.size;
    uint32_t position = (uint32_t)index;

    enum status st = shaper_read(body->shaper, record->bytes, &facts, err);
    if (st != ST_OK)
        return st;
    st = put_action(body, is_plain_id(facts.uid) ? facts.uid : make_id(batch, record, made), err);
    if (st == ST_OK)
        st = shaper_append(body->shaper, &body->bytes, err);
    if (st == ST_OK)
        st = buf_append(&body->bytes, "\n", 1, err);
    if (st == ST_OK)
        st = buf_append(&body->positions, &position, sizeof(position), err);
    if (st != ST_OK)
        body->bytes.size = start;
    return st;
}

static bool is_full(const struct elastic_body *body)
{
    return body->bytes.size > body->size_max && elastic_body_count(body) > 1;
}

enum status elastic_body_write(struct elastic_body *body, const struct batch *batch,
                               struct export_report *report, struct error *err)
{
    uint32_t group = GROUP_NONE;
    enum status group_status = ST_OK;

    buf_clear(&body->bytes);
    buf_clear(&body->positions);
    for (size_t i = 0; i < batch->record_count; i++) {
        size_t start = body->bytes.size;
        if (batch->records[i].group_index != group) {
            group = batch->records[i].group_index;
            group_status = shaper_set_group(body->shaper, &batch->groups[group], err);
        }
        enum status st = group_status == ST_OK ? put_record(body, batch, i, err) : group_status;
        if (st == ST_NO_MEMORY)
            return st;
        if (st != ST_OK) {
            report->tell(report, i, st == ST_LIMIT ? ITEM_TOO_LARGE : ITEM_REJECTED, err->text);
            continue;
        }
        if (!is_full(body))
            continue;
        body->bytes.size = start;
        body->positions.size -= sizeof(uint32_t);
        for (; i < batch->record_count; i++)
            report->tell(report, i, ITEM_AGAIN, NULL);
    }
    return ST_OK;
}

size_t elastic_body_count(const struct elastic_body *body)
{
    return body->positions.size / sizeof(uint32_t);
}

size_t elastic_body_position(const struct elastic_body *body, size_t index)
{
    uint32_t position;

    ASSERT(index < elastic_body_count(body));
    memcpy(&position, body->positions.data + index * sizeof(position), sizeof(position));
    return position;
}

void elastic_body_trim(struct elastic_body *body)
{
    if (body->bytes.capacity > IDLE_KEEP_SIZE)
        buf_trim(&body->bytes, IDLE_KEEP_SIZE);
    if (body->positions.capacity > IDLE_KEEP_SIZE)
        buf_trim(&body->positions, IDLE_KEEP_SIZE);
}
