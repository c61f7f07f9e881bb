/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_messages_test.c -- sessions of a batch, and the messages that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/kafka/kafka_key.h"
#include "exporters/kafka/kafka_messages.h"
#include "support/made_span.h"
#include "support/session_batch.h"

static struct kafka_config config_of(enum kafka_encoding encoding, size_t size_max)
{
    return (struct kafka_config){.encoding = (int)encoding,
                                 .key = KAFKA_KEY_SESSION,
                                 .max_message_size =
                                     size_max + KAFKA_MESSAGE_OVERHEAD + KAFKA_KEY_SIZE_MAX};
}

/* Every record that is in a message stands there once, behind those of its session that came
 * before, and no message is larger than it may be.  Returns how many are in one. */
static size_t check_messages(const struct kafka_messages *messages, const struct batch *batch)
{
    uint32_t *numbers = calloc(batch->record_count, sizeof(*numbers));
    size_t in_messages = 0;

    for (size_t i = 0; i < messages->count; i++) {
        const struct kafka_message *message = &messages->items[i];
        struct slice value = slice_of(messages->bytes.data + message->offset, message->size);
        assert_in_range(message->size, 1, messages->size_max);
        size_t count = session_batch_read(value, messages->encoding == KAFKA_OTLP_JSON, numbers,
                                          batch->record_count);
        size_t expected = 0;
        uint32_t before = 0;
        for (uint32_t k = 0; k < message->count; k++) {
            uint32_t index = messages->order[message->first + k];
            struct slice key = kafka_key_of(SIGNAL_LOGS, batch->records[index].bytes);
            assert_true(k == 0 || index > before);
            before = index;
            assert_true(!messages->by_session || slice_equal(key, message->key));
            expected += messages->fates[index] == KAFKA_IN_MESSAGE;
        }
        assert_int_equal(count, expected);
        for (size_t k = 0; k < count; k++)
            assert_true(numbers[k] < batch->record_count);
        in_messages += count;
    }
    free(numbers);
    return in_messages;
}

static void test_the_key_is_the_session(void **state)
{
    static const struct {
        const char *session;
        const char *conversation;
        const char *key;
    } rows[] = {
        {"s-1", NULL, "s-1"},
        {NULL, "c-1", "c-1"},
        {"s-1", "c-1", "s-1"},
        {NULL, NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct made_record made;
        made_init(&made);
        made_text(&made, "other", "x");
        if (rows[i].conversation != NULL)
            made_text(&made, "gen_ai.conversation.id", rows[i].conversation);
        if (rows[i].session != NULL)
            made_text(&made, "session.id", rows[i].session);
        made_int(&made, "behind", 3);
        struct slice key = kafka_key_of(SIGNAL_LOGS, buf_slice(&made.bytes));
        assert_true(slice_equal(key, slice_of_text(rows[i].key)));
        /* Cut anywhere, a record has this key or none. */
        for (size_t size = 0; size < made.bytes.size; size++) {
            uint8_t *copy = malloc(size + 1);
            memcpy(copy, made.bytes.data, size);
            struct slice cut = kafka_key_of(SIGNAL_LOGS, slice_of(copy, size));
            assert_true(cut.size == 0 || cut.size <= 3);
            free(copy);
        }
        made_fini(&made);
    }
}

static void test_the_last_session_counts_and_no_key_is_too_long(void **state)
{
    char name[KAFKA_KEY_SIZE_MAX + 50];
    struct made_record made;

    (void)state;
    memset(name, 's', sizeof(name));
    name[sizeof(name) - 1] = 0;
    made_init(&made);
    made_text(&made, "session.id", "first");
    made_text(&made, "session.id", name);
    struct slice key = kafka_key_of(SIGNAL_LOGS, buf_slice(&made.bytes));
    assert_int_equal(key.size, KAFKA_KEY_SIZE_MAX);
    made_text(&made, "session.id", "last");
    key = kafka_key_of(SIGNAL_LOGS, buf_slice(&made.bytes));
    assert_true(slice_equal(key, SLICE("last")));
    made_int(&made, "session.id", 5); /* no text: no session */
    assert_int_equal(kafka_key_of(SIGNAL_LOGS, buf_slice(&made.bytes)).size, 0);
    made_fini(&made);
}

static void test_a_span_goes_by_its_session_or_else_by_its_trace(void **state)
{
    struct made_span made;

    (void)state;
    made_span_init(&made, "x");
    struct slice key = kafka_key_of(SIGNAL_TRACES, buf_slice(&made.bytes));
    assert_int_equal(key.size, 16);
    made_span_text(&made, "session.id", "s-1");
    key = kafka_key_of(SIGNAL_TRACES, buf_slice(&made.bytes));
    assert_true(slice_equal(key, SLICE("s-1")));
    assert_int_equal(kafka_key_of(SIGNAL_METRICS, buf_slice(&made.bytes)).size, 0);
    made_span_fini(&made);
}

static struct session_batch *mixed_batch(size_t count, size_t sessions, size_t padding)
{
    struct session_batch *batch = session_batch_make(3);

    for (size_t i = 0; i < count; i++) {
        char session[32];
        snprintf(session, sizeof(session), "session-%zu", i * 7 % sessions);
        session_batch_add(batch, i % 11 == 10 ? NULL : session, padding, (uint32_t)(i % 3));
    }
    return batch;
}

static void test_a_session_is_a_message_and_keeps_its_order(void **state)
{
    (void)state;
    for (int encoding = KAFKA_OTLP_PROTO; encoding <= KAFKA_OTLP_JSON; encoding++) {
        struct kafka_config config = config_of((enum kafka_encoding)encoding, 1000000);
        struct session_batch *batch = mixed_batch(1000, 17, 20);
        struct kafka_messages messages;
        struct error err;

        kafka_messages_init(&messages, &config);
        assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
        assert_int_equal(messages.count, 18); /* and those without */
        assert_int_equal(check_messages(&messages, &batch->batch), 1000);
        messages.by_session = false;
        assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
        assert_int_equal(messages.count, 1);
        assert_int_equal(messages.items[0].key.size, 0);
        assert_int_equal(check_messages(&messages, &batch->batch), 1000);
        kafka_messages_fini(&messages);
        session_batch_free(batch);
    }
}

static void test_messages_are_cut_between_records(void **state)
{
    (void)state;
    for (int encoding = KAFKA_OTLP_PROTO; encoding <= KAFKA_OTLP_JSON; encoding++) {
        for (size_t size_max = 300; size_max < 3000; size_max += 97) {
            struct kafka_config config = config_of((enum kafka_encoding)encoding, size_max);
            struct session_batch *batch = mixed_batch(100, 2, 30);
            struct kafka_messages messages;
            struct error err;

            kafka_messages_init(&messages, &config);
            assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
            size_t there = check_messages(&messages, &batch->batch);
            for (size_t i = 0; i < 100; i++)
                there += messages.fates[i] == KAFKA_OVERSIZED;
            assert_int_equal(there, 100);
            assert_true(size_max < 600 || there == check_messages(&messages, &batch->batch));
            kafka_messages_fini(&messages);
            session_batch_free(batch);
        }
    }
}

static void test_a_record_too_large_costs_only_itself(void **state)
{
    enum { COUNT = 9 };
    (void)state;
    for (int encoding = KAFKA_OTLP_PROTO; encoding <= KAFKA_OTLP_JSON; encoding++) {
        for (size_t large = 0; large < COUNT; large++) {
            struct kafka_config config = config_of((enum kafka_encoding)encoding, 4000);
            struct session_batch *batch = session_batch_make(1);
            struct kafka_messages messages;
            struct error err;

            for (size_t i = 0; i < COUNT; i++)
                session_batch_add(batch, "s", i == large ? 4000 : 900, 0);
            kafka_messages_init(&messages, &config);
            assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
            assert_int_equal(check_messages(&messages, &batch->batch), COUNT - 1);
            for (size_t i = 0; i < COUNT; i++)
                assert_int_equal(messages.fates[i],
                                 i == large ? KAFKA_OVERSIZED : KAFKA_IN_MESSAGE);
            kafka_messages_fini(&messages);
            session_batch_free(batch);
        }
    }
}

static void test_a_record_that_json_cannot_hold_costs_only_itself(void **state)
{
    struct kafka_config config = config_of(KAFKA_OTLP_JSON, 4000);
    struct session_batch *batch = session_batch_make(1);
    struct kafka_messages messages;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        session_batch_add(batch, "s", 0, 0);
    /* Behind the session, a body whose length leads out of the record. */
    made_field(&batch->made[2], 5, SLICE("\x2a\x7f"));
    batch->records[2].bytes = buf_slice(&batch->made[2].bytes);
    kafka_messages_init(&messages, &config);
    assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
    assert_int_equal(messages.fates[2], KAFKA_BROKEN);
    assert_int_equal(check_messages(&messages, &batch->batch), 4);
    kafka_messages_fini(&messages);
    session_batch_free(batch);
}

static void test_what_the_buffer_does_not_hold_comes_later(void **state)
{
    struct kafka_config config = config_of(KAFKA_OTLP_PROTO, 4000);
    struct session_batch *batch = mixed_batch(100, 5, 100);
    struct kafka_messages messages;
    struct error err;
    size_t later = 0;

    (void)state;
    kafka_messages_init(&messages, &config);
    messages.bytes.limit = 9000;
    assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
    for (size_t i = 0; i < 100; i++)
        later += messages.fates[i] == KAFKA_LATER;
    assert_in_range(later, 1, 99);
    assert_int_equal(check_messages(&messages, &batch->batch) + later, 100);
    /* Not one message fits: nothing can be sent. */
    buf_fini(&messages.bytes);
    messages.bytes.limit = 100;
    assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_LIMIT);
    kafka_messages_fini(&messages);
    session_batch_free(batch);
}

static void test_many_sessions_are_told_apart(void **state)
{
    struct kafka_config config = config_of(KAFKA_OTLP_PROTO, 4000);
    struct session_batch *batch = mixed_batch(SESSION_BATCH_MAX, SESSION_BATCH_MAX, 0);
    struct kafka_messages messages;
    struct error err;

    (void)state;
    kafka_messages_init(&messages, &config);
    messages.stamp = UINT32_MAX - 10; /* the marks of groups begin anew meanwhile */
    assert_int_equal(kafka_messages_make(&messages, &batch->batch, &err), ST_OK);
    assert_in_range(messages.count, SESSION_BATCH_MAX * 10 / 11, SESSION_BATCH_MAX);
    assert_int_equal(check_messages(&messages, &batch->batch), SESSION_BATCH_MAX);
    kafka_messages_trim(&messages, 0);
    assert_int_equal(messages.bytes.capacity, 0);
    kafka_messages_fini(&messages);
    session_batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_key_is_the_session),
        cmocka_unit_test(test_the_last_session_counts_and_no_key_is_too_long),
        cmocka_unit_test(test_a_span_goes_by_its_session_or_else_by_its_trace),
        cmocka_unit_test(test_a_session_is_a_message_and_keeps_its_order),
        cmocka_unit_test(test_messages_are_cut_between_records),
        cmocka_unit_test(test_a_record_too_large_costs_only_itself),
        cmocka_unit_test(test_a_record_that_json_cannot_hold_costs_only_itself),
        cmocka_unit_test(test_what_the_buffer_does_not_hold_comes_later),
        cmocka_unit_test(test_many_sessions_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
