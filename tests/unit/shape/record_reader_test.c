/* SPDX-License-Identifier: Apache-2.0 */
/* record_reader_test.c -- what a reader takes for the model's word, and what for a sender's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shape/record_reader.h"
#include "support/made_record.h"

static struct error err;

static struct record_reader reader;
static const struct record_group no_group = {.signal = SIGNAL_LOGS};

static int start(void **state)
{
    (void)state;
    assert_int_equal(record_reader_init(&reader, &err), ST_OK);
    assert_int_equal(record_reader_set_group(&reader, &no_group, &err), ST_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    record_reader_fini(&reader);
    return 0;
}

static struct record_facts read_record(const struct made_record *made)
{
    struct record_facts facts;
    assert_int_equal(record_reader_read(&reader, buf_slice(&made->bytes), &facts, &err), ST_OK);
    return facts;
}

static void check_text(struct slice text, const char *expected)
{
    if (!slice_equal(text, slice_of_text(expected)))
        fail_msg("'%.*s', not '%s'", SLICE_ARG(text), expected);
}

/* Whether the attribute stands in the list of pairs. */
static bool is_listed(size_t index)
{
    assert_true(index < reader.record.count);
    return reader.record.reads[index].is_listed;
}

static void test_longest_chain_and_of_several_the_last_counts(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "agent.outcome", "success");
    made_text(&made, "agent.norm.agent.norm.agent.outcome", "denied");
    made_text(&made, "agent.norm.agent.outcome", "failure");
    made_text(&made, "agent.event.kind", "agent.tool");
    made_text(&made, "agent.event.kind", "agent.file");
    struct record_facts facts = read_record(&made);
    check_text(facts.outcome, "denied");
    check_text(facts.kind, "agent.file");
    assert_int_equal(reader.kind, KIND_FILE);
    assert_false(reader.record.reads[0].is_model);
    assert_true(reader.record.reads[1].is_model);
    assert_true(is_listed(3)); /* its key stands again */
    assert_false(is_listed(4));
    made_fini(&made);
}

static void test_chain_that_we_never_write_says_nothing(void **state)
{
    struct made_record made;
    char key[256] = "";
    (void)state;
    made_init(&made);
    for (int i = 0; i < BELIEVED_CHAIN_MAX + 1; i++)
        strcat(key, "agent.norm.");
    strcat(key, "agent.outcome");
    made_text(&made, key, "success");
    made_text(&made, key + strlen("agent.norm."), "failure");
    check_text(read_record(&made).outcome, "failure");
    made_fini(&made);
}

static void test_value_of_another_type_is_the_senders(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "process.exit.code", "1");
    made_int(&made, "session.id", 5);
    made_texts(&made, "agent.mcp.servers", "one");
    made_int(&made, "agent.duration_ms", 3);
    made_double(&made, "agent.cost.usd", 1.0 / 0.0);
    check_text(read_record(&made).session_id, "");
    assert_null(reader_value(&reader, KEY_PROCESS_EXIT_CODE));
    assert_null(reader_value(&reader, KEY_AGENT_COST_USD));
    assert_non_null(reader_value(&reader, KEY_AGENT_MCP_SERVERS));
    assert_non_null(reader_value(&reader, KEY_AGENT_DURATION_MS));
    assert_false(reader.record.reads[0].is_model);
    made_fini(&made);
}

static void test_what_is_listed_as_forged_is_not_believed(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "agent.decision.outcome", "allow");
    made_text(&made, "agent.event.kind", "agent.tool");
    made_texts(&made, "agent.norm.errors", "agent.decision.outcome");
    struct record_facts facts = read_record(&made);
    check_text(facts.decision, "");
    check_text(facts.kind, "agent.tool");
    assert_false(reader.record.reads[0].is_model);
    made_fini(&made);
}

static void test_kind_stays_even_if_it_is_listed(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "agent.event.kind", "agent.tool");
    made_texts(&made, "agent.norm.errors", "agent.event.kind");
    check_text(read_record(&made).kind, "agent.tool");
    made_fini(&made);
}

static void test_forged_decision_of_an_agent_is_not_believed(void **state)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "event.name", "codex.sse_event");
    made_text(&made, "agent.decision.outcome", "allow");
    made_text(&made, "agent.norm.agent.review.risk_level", "low");
    struct normalized *record = made_normalize_otlp(&made, normalizer, "codex_otel");
    struct record_facts facts;
    assert_int_equal(record_reader_read(&reader, buf_slice(&record->bytes), &facts, &err), ST_OK);
    check_text(facts.decision, "");
    assert_null(reader_value(&reader, KEY_AGENT_REVIEW_RISK_LEVEL));
    check_text(facts.dialect, "codex_otel");
    assert_int_equal(facts.uid.size, 36);
    normalized_destroy(record);
    made_fini(&made);
    normalizer_destroy(normalizer);
}

static void test_peer_counts_behind_the_attestation_alone(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_int(&made, "agent.peer.uid", 0);
    made_text(&made, "agent.norm.agent.peer.attestation", "kernel");
    made_int(&made, "agent.norm.agent.peer.pid", 4711);
    made_int(&made, "agent.peer.gid", 0);
    (void)read_record(&made);
    assert_null(reader_value(&reader, KEY_AGENT_PEER_UID));
    assert_null(reader_value(&reader, KEY_AGENT_PEER_GID));
    assert_int_equal(reader_value(&reader, KEY_AGENT_PEER_PID)->integer, 4711);
    made_fini(&made);
}

static void test_odd_keys_are_listed(void **state)
{
    static const char *const odd[] = {"",          ".",
                                      "a.",        ".a",
                                      "a..b",      "a b",
                                      "a\"b",      "a\\",
                                      "a\n",       "\x7f",
                                      "\xc3\xa9",  "12345678..9",
                                      "1234567..", "abcdefgh.abcdefgh.abcdefg\x01"};
    static const char *const usual[] = {"a",
                                        "a.b",
                                        "a.b.c",
                                        "gen_ai.x-y/z:0",
                                        "12345678.9",
                                        "1234567.8",
                                        "!#$%&'()*+,-/:;<=>?@[]^_`{|}~"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        if (reader_is_usual_key(slice_of_text(odd[i])))
            fail_msg("'%s' is usual", odd[i]);
    }
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (!reader_is_usual_key(slice_of_text(usual[i])))
            fail_msg("'%s' is odd", usual[i]);
    }
    assert_false(reader_is_usual_key(SLICE("a\0b")));
}

/* Each byte at each place within two words. */
static void test_bytes_of_keys_are_judged_alike_at_every_place(void **state)
{
    char key[19];
    (void)state;
    for (size_t place = 0; place < sizeof(key); place++) {
        for (int byte = 0; byte < 256; byte++) {
            memset(key, 'k', sizeof(key));
            key[place] = (char)byte;
            bool is_usual = byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\' &&
                            (byte != '.' || (place != 0 && place != sizeof(key) - 1));
            assert_int_equal(reader_is_usual_key(slice_of(key, sizeof(key))), is_usual);
        }
    }
}

static void test_long_values_are_listed(void **state)
{
    struct made_record made;
    char *text = malloc(READER_VALUE_MAX + 2);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', READER_VALUE_MAX + 1);
    text[READER_VALUE_MAX + 1] = '\0';
    made_init(&made);
    made_text(&made, "long", text);
    made_text(&made, "short", "x");
    (void)read_record(&made);
    assert_true(is_listed(0));
    assert_false(is_listed(1));
    made_fini(&made);
    free(text);
}

static void test_more_attributes_than_before_are_read(void **state)
{
    enum { MANY = 3000 };
    struct made_record made;
    char key[32];
    (void)state;
    made_init(&made);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof(key), "key.%d", i % (MANY - 1));
        made_int(&made, key, i);
    }
    made_text(&made, "session.id", "s");
    check_text(read_record(&made).session_id, "s");
    assert_int_equal(reader.record.count, MANY + 1);
    assert_true(is_listed(0)); /* key.0 stands twice */
    for (size_t i = 1; i < MANY; i++)
        assert_false(is_listed(i));
    made_fini(&made);
}

/* Room grows by doubling: no count of attributes may fill it in a way that was not thought of. */
static void test_any_number_of_attributes_is_read(void **state)
{
    enum { MANY = 1100 };
    static uint8_t resource[16 * 1024];
    struct made_record made;
    (void)state;
    made_init(&made);
    for (int count = 1; count <= MANY; count++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key.%d", count);
        made_int(&made, key, count);
        (void)read_record(&made);
        assert_int_equal(reader.record.count, count);
    }
    made_fini(&made);
    uint8_t *end = resource;
    for (int count = 1; count <= 600; count++) {
        uint8_t fields[sizeof(resource) + 16];
        end = pb_put_bytes(end, RESOURCE_ATTRIBUTES, SLICE("\x0a\x01k"));
        size_t size = (size_t)(end - resource);
        size = (size_t)(pb_put_bytes(fields, RESOURCE_LOGS_RESOURCE, slice_of(resource, size)) -
                        fields);
        const struct record_group group = {.signal = SIGNAL_LOGS,
                                           .resource_logs_fields = slice_of(fields, size)};
        assert_int_equal(record_reader_set_group(&reader, &group, &err), ST_OK);
        assert_int_equal(reader.resource.count, count);
    }
    assert_int_equal(record_reader_set_group(&reader, &no_group, &err), ST_OK);
}

static void test_time_falls_back_to_what_is_in_range(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_fixed64(&made, RECORD_TIME_UNIX_NANO, UINT64_MAX);
    made_text(&made, "log.record.uid", "019ab4d2-0000-7000-8000-000000000000");
    struct record_facts facts = read_record(&made);
    assert_int_equal(facts.time_unix_ns, UINT64_C(0x019ab4d20000) * 1000000);
    assert_int_equal(facts.received_unix_ns, facts.time_unix_ns);
    made_fixed64(&made, RECORD_OBSERVED_TIME_UNIX_NANO, 77);
    assert_int_equal(read_record(&made).time_unix_ns, 77);
    made_fini(&made);
}

static void test_uid_of_another_form_tells_no_time(void **state)
{
    struct made_record made;
    (void)state;
    made_init(&made);
    made_text(&made, "log.record.uid", "019ab4d2-0000-4000-8000-000000000000");
    assert_int_equal(read_record(&made).received_unix_ns, 0);
    made_fini(&made);
}

static void test_bytes_that_are_no_record_are_refused(void **state)
{
    struct record_facts facts;
    (void)state;
    assert_int_equal(record_reader_read(&reader, SLICE("\x32\x05x"), &facts, &err), ST_CORRUPT);
    const struct record_group broken = {.resource_logs_fields = SLICE("\x0a\x09x"),
                                        .signal = SIGNAL_LOGS};
    assert_int_equal(record_reader_set_group(&reader, &broken, &err), ST_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_chain_and_of_several_the_last_counts),
        cmocka_unit_test(test_chain_that_we_never_write_says_nothing),
        cmocka_unit_test(test_value_of_another_type_is_the_senders),
        cmocka_unit_test(test_what_is_listed_as_forged_is_not_believed),
        cmocka_unit_test(test_kind_stays_even_if_it_is_listed),
        cmocka_unit_test(test_forged_decision_of_an_agent_is_not_believed),
        cmocka_unit_test(test_peer_counts_behind_the_attestation_alone),
        cmocka_unit_test(test_odd_keys_are_listed),
        cmocka_unit_test(test_bytes_of_keys_are_judged_alike_at_every_place),
        cmocka_unit_test(test_long_values_are_listed),
        cmocka_unit_test(test_more_attributes_than_before_are_read),
        cmocka_unit_test(test_any_number_of_attributes_is_read),
        cmocka_unit_test(test_time_falls_back_to_what_is_in_range),
        cmocka_unit_test(test_uid_of_another_form_tells_no_time),
        cmocka_unit_test(test_bytes_that_are_no_record_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
