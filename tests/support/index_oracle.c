/* SPDX-License-Identifier: Apache-2.0 */
/* index_oracle.c -- see index_oracle.h. */
#include "support/index_oracle.h"

#include <ctype.h>
#include <stdio.h>

#include "query/field.h"
#include "query/lookup.h"

static struct error err;

static void expect_frame(struct index_oracle *oracle, const char *what, struct slice value)
{
    if (!frame_set_has(&oracle->set, oracle->frame) && oracle->trouble == NULL) {
        oracle->trouble = what;
        snprintf(oracle->trouble_text, sizeof(oracle->trouble_text), "%.*s",
                 (int)(value.size < 100 ? value.size : 100), (const char *)value.data);
    }
    frame_set_clear(&oracle->set);
}

static bool is_of_word(uint8_t byte)
{
    return byte >= 0x80 || byte == '_' || isalnum(byte);
}

/* Every word by itself, in upper case, and the whole text as a part of one. */
static bool ask_text(void *context, struct slice text)
{
    struct index_oracle *oracle = context;
    char word[256];

    store_index_find_text(oracle->index, text, false, false, &oracle->set);
    expect_frame(oracle, "text", text);
    for (size_t at = 0; at < text.size;) {
        size_t end = at;
        while (end < text.size && is_of_word(text.data[end]))
            end++;
        size_t size = end - at;
        if (size > 0 && size <= sizeof(word)) {
            for (size_t i = 0; i < size; i++)
                word[i] = (char)(text.data[at + i] < 0x80 ? toupper(text.data[at + i])
                                                          : text.data[at + i]);
            store_index_find_text(oracle->index, slice_of(word, size), true, true, &oracle->set);
            expect_frame(oracle, "word", slice_of(word, size));
            oracle->words++;
        }
        at = end + 1;
    }
    return false;
}

static bool ask_id(void *context, struct slice text)
{
    struct index_oracle *oracle = context;

    store_index_find_id(oracle->index, text, &oracle->set);
    expect_frame(oracle, "id", text);
    oracle->ids++;
    return false;
}

static bool ask_attribute(void *context, const struct attribute_view *attribute)
{
    struct index_oracle *oracle = context;
    char digits[32];

    ask_text(oracle, attribute->key);
    field_each_text(&attribute->value, ask_text, oracle);
    if (!store_index_has_key(attribute->key))
        return false;
    field_each_text(&attribute->value, ask_id, oracle);
    if (attribute->value.type == ANY_TYPE_INT) {
        int size = snprintf(digits, sizeof(digits), "%lld", (long long)attribute->value.integer);
        ask_id(oracle, slice_of(digits, (size_t)size));
    }
    return false;
}

static void ask_trace(struct index_oracle *oracle, struct slice id)
{
    char text[2 * TRACE_ID_SIZE + 1];

    if (id.size != TRACE_ID_SIZE)
        return;
    for (size_t i = 0; i < id.size; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    ask_id(oracle, slice_of(text, 2 * id.size));
}

static enum status ask_record(void *context, const struct store_record_view *view,
                              struct error *ignored)
{
    struct index_oracle *oracle = context;
    const struct record_view *record = view->record;

    (void)ignored;
    ask_text(oracle, record->event_name);
    ask_text(oracle, record->severity_text);
    ask_text(oracle, lookup_scope_name(view->group));
    field_each_text(&record->body, ask_text, oracle);
    for (size_t i = 0; i < record->attribute_count; i++)
        ask_attribute(oracle, &record->attributes[i]);
    lookup_each_resource(view->group, ask_attribute, oracle);
    ask_trace(oracle, record->trace_id);
    uint64_t time = lookup_time(record);
    store_index_find_times(oracle->index, time, time + 1, &oracle->set);
    expect_frame(oracle, "time", record->event_name);
    struct slice uid = lookup_text(record, "log.record.uid");
    store_index_find_uid(oracle->index, uid, &oracle->set);
    expect_frame(oracle, "uid", uid);
    return ST_OK;
}

void index_oracle_init(struct index_oracle *oracle, const struct store_index *index)
{
    *oracle = (struct index_oracle){.index = index};
    ASSERT(store_record_create(&oracle->reader, &err) == ST_OK);
    ASSERT(frame_set_init(&oracle->set, store_index_frame_count(index), &err) == ST_OK);
}

void index_oracle_fini(struct index_oracle *oracle)
{
    store_record_destroy(oracle->reader);
    frame_set_fini(&oracle->set);
}

bool index_oracle_ask(struct index_oracle *oracle, struct slice line, size_t frame)
{
    oracle->frame = frame;
    (void)(store_record_read(oracle->reader, line, ask_record, oracle, &err) == ST_OK); /* none */
    return oracle->trouble == NULL;
}
