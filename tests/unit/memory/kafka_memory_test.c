/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_memory_test.c -- making messages with each allocation failing: an error that says so, or
 * the rest comes later; and the next batch is made whole.  librdkafka's own allocations end the
 * process when they fail, which the journal survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "exporters/kafka/kafka_messages.h"
#include "support/failing_alloc.h"
#include "support/session_batch.h"

struct scene {
    struct session_batch *batch;
    enum kafka_encoding encoding;
};

static size_t count_fates(const struct kafka_messages *messages, size_t count, enum kafka_fate fate)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += messages->fates[i] == fate;
    return found;
}

static bool run(void *context, unsigned at, unsigned length)
{
    const struct scene *scene = context;
    const struct batch *batch = &scene->batch->batch;
    const struct kafka_config config = {
        .encoding = (int)scene->encoding, .key = KAFKA_KEY_SESSION, .max_message_size = 10000};
    struct kafka_messages messages;
    struct error err;

    kafka_messages_init(&messages, &config);
    failing_alloc_begin(at, length);
    enum status st = kafka_messages_make(&messages, batch, &err);
    bool has_failed = failing_alloc_end();
    if (st == ST_OK) {
        size_t later = count_fates(&messages, batch->record_count, KAFKA_LATER);
        assert_int_equal(later > 0, has_failed);
        assert_int_equal(count_fates(&messages, batch->record_count, KAFKA_IN_MESSAGE) + later,
                         batch->record_count);
    } else {
        assert_int_equal(st, ST_NO_MEMORY);
        assert_true(has_failed);
    }
    assert_int_equal(kafka_messages_make(&messages, batch, &err), ST_OK);
    assert_int_equal(count_fates(&messages, batch->record_count, KAFKA_IN_MESSAGE),
                     batch->record_count);
    kafka_messages_fini(&messages);
    return has_failed;
}

static void test_a_batch_that_finds_no_memory_comes_again(void **state)
{
    (void)state;
    for (int encoding = KAFKA_OTLP_PROTO; encoding <= KAFKA_OTLP_JSON; encoding++) {
        struct scene scene = {session_batch_make(2), (enum kafka_encoding)encoding};
        for (size_t i = 0; i < 100; i++) {
            char session[16];
            snprintf(session, sizeof(session), "s-%zu", i % 5);
            session_batch_add(scene.batch, session, 100, (uint32_t)(i % 2));
        }
        failing_alloc_try("messages of a batch", run, &scene, 10);
        session_batch_free(scene.batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_that_finds_no_memory_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
