/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_messages_fuzz.c -- any bytes as records of a batch: each has a key within it and within the
 * limit, ends in one message or is left out for a reason, and no message is too large. */
#include <stdlib.h>
#include <string.h>

#include "exporters/kafka/kafka_key.h"
#include "exporters/kafka/kafka_messages.h"
#include "telltale/base.h"

enum { RECORDS_MAX = 16, SIZE_MAX_OF_MESSAGE = 300 };

static void check_keys(const struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        struct slice bytes = batch->records[i].bytes;
        for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
            struct slice key = kafka_key_of((enum signal)signal, bytes);
            ASSERT(key.size <= KAFKA_KEY_SIZE_MAX);
            ASSERT(key.size == 0 ||
                   (key.data >= bytes.data && key.data + key.size <= bytes.data + bytes.size));
        }
    }
}

static void check_messages(const struct kafka_messages *messages, const struct batch *batch)
{
    uint32_t held[RECORDS_MAX] = {0};

    for (size_t i = 0; i < messages->count; i++) {
        const struct kafka_message *message = &messages->items[i];
        ASSERT(message->size > 0 && message->size <= messages->size_max);
        ASSERT(message->offset + message->size <= messages->bytes.size);
        for (uint32_t k = 0; k < message->count; k++) {
            uint32_t record = messages->order[message->first + k];
            held[record] += messages->fates[record] == KAFKA_IN_MESSAGE;
        }
    }
    for (size_t i = 0; i < batch->record_count; i++)
        ASSERT(held[i] == (messages->fates[i] == KAFKA_IN_MESSAGE));
}

/* The first byte says how many records the rest is cut into. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct record_group group = {.signal = SIGNAL_LOGS};
    struct record records[RECORDS_MAX];
    struct kafka_messages messages;
    struct error err;

    if (size < 1)
        return 0;
    size_t count = 1 + data[0] % RECORDS_MAX;
    size_t each = (size - 1) / count;
    for (size_t i = 0; i < count; i++)
        records[i] =
            (struct record){.sequence = i + 1, .bytes = slice_of(data + 1 + i * each, each)};
    const struct batch batch = {
        .records = records, .record_count = count, .groups = &group, .group_count = 1};
    check_keys(&batch);
    for (int encoding = KAFKA_OTLP_PROTO; encoding <= KAFKA_OTLP_JSON; encoding++) {
        const struct kafka_config config = {
            .encoding = encoding,
            .key = KAFKA_KEY_SESSION,
            .max_message_size = SIZE_MAX_OF_MESSAGE + KAFKA_MESSAGE_OVERHEAD + KAFKA_KEY_SIZE_MAX};
        kafka_messages_init(&messages, &config);
        if (kafka_messages_make(&messages, &batch, &err) == ST_OK)
            check_messages(&messages, &batch);
        kafka_messages_fini(&messages);
    }
    return 0;
}
