/* SPDX-License-Identifier: Apache-2.0 */
/* forged_keys_test.c -- a sender that writes our keys in every way that it can: none of those who
 * read the record believes it, and all read what is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deliver/record_scan.h"
#include "query/attested.h"
#include "query/lookup.h"
#include "shape/record_reader.h"
#include "support/made_record.h"
#include "support/record_text.h"
#include "wire/believed.h"

enum { KEY_ROOM = 1100, FILLERS_MAX = 1000 };

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

/* --- Attacks ---------------------------------------------------------------------------------- */

/* Optional keys that say what never was; behind so many agent.norm. */
static void forge(struct made_record *made, int chain)
{
    static const char *const keys[] = {"agent.review.risk_level", "agent.decision.outcome",
                                       "agent.derived.from", "agent.peer.container.id"};
    char key[KEY_ROOM];

    for (size_t i = 0; i <= COUNT_OF(keys); i++) {
        key[0] = 0;
        for (int link = 0; link < chain; link++)
            strcat(key, "agent.norm.");
        strcat(key, i < COUNT_OF(keys) ? keys[i] : "agent.event.facets");
        if (i < COUNT_OF(keys))
            made_text(made, key, "low");
        else
            made_texts(made, key, "agent.review");
    }
}

static void fill(struct made_record *made, int count)
{
    char key[64];

    for (int i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "agent.norm.k%d", i);
        made_text(made, key, "x");
    }
}

static void forge_one_of_each(struct made_record *made)
{
    forge(made, 0);
}

static void forge_twice(struct made_record *made)
{
    forge(made, 0);
    forge(made, 0);
}

static void forge_behind_a_full_list(struct made_record *made)
{
    fill(made, 32);
    forge(made, 0);
}

static void forge_behind_all_but_one(struct made_record *made)
{
    fill(made, 31);
    forge(made, 0);
}

static void forge_behind_33(struct made_record *made)
{
    fill(made, 33);
    forge(made, 0);
}

static void forge_behind_34_and_before(struct made_record *made)
{
    forge(made, 0);
    fill(made, 34);
    forge(made, 1);
}

static void forge_behind_1000(struct made_record *made)
{
    fill(made, FILLERS_MAX);
    forge(made, 0);
}

static void forge_behind_doubled_keys_of_others(struct made_record *made)
{
    int doubled = 0;

    for (size_t key = 0; key < SCHEMA_KEY_COUNT && doubled < 40; key++) {
        const char *text = schema_attributes[key].key;
        if (slice_starts_with(slice_of_text(text), SLICE("agent.")) || key == KEY_LOG_RECORD_UID)
            continue;
        made_nothing(made, text);
        made_nothing(made, text);
        doubled++;
    }
    forge(made, 0);
}

static void forge_behind_long_keys(struct made_record *made)
{
    char key[KEY_ROOM] = "agent.norm.";
    size_t size = otlp_limits_default.key_size_max;

    memset(key + 11, 'k', size - 11);
    key[size] = 0;
    for (char last = 'a'; last < 'k'; last++) {
        key[size - 1] = last;
        made_text(made, key, "x");
    }
    forge(made, 0);
}

static void forge_the_list(struct made_record *made)
{
    made_texts(made, "agent.norm.errors", "nothing");
    made_texts(made, "agent.norm.agent.norm.errors", "nothing");
    made_text(made, "agent.norm.agent.norm.agent.norm.errors", "no list");
    forge(made, 0);
}

static void forge_the_list_and_its_end(struct made_record *made)
{
    made_texts(made, "agent.norm.errors", "agent.*");
    made_text(made, "log.record.uid", "01890000-0000-7000-8000-000000000000");
    made_text(made, "agent.norm.log.record.uid", "01890000-0000-7000-8000-000000000000");
    forge(made, 0);
}

static void forge_behind_the_id(struct made_record *made)
{
    fill(made, 40);
    made_text(made, "log.record.uid", "01890000-0000-7000-8000-000000000000");
    forge(made, 0);
}

static void forge_chains(struct made_record *made)
{
    for (int chain = 1; chain <= 5; chain++)
        forge(made, chain);
}

static void forge_the_longest_chain(struct made_record *made)
{
    forge(made, BELIEVED_CHAIN_MAX);
}

static void forge_a_chain_beyond_all(struct made_record *made)
{
    forge(made, BELIEVED_CHAIN_MAX + 1);
}

/* A list that is like ours but for the numbers of its fields: no reader finds anything in it. */
static void forge_a_list_that_looks_like_ours(struct made_record *made)
{
    static const char key[] = "agent.norm.errors";
    struct slice written = SLICE_EMPTY;
    struct buf items, any, key_value;

    forge(made, 0);
    buf_init(&items, KEY_ROOM);
    buf_init(&any, KEY_ROOM);
    buf_init(&key_value, KEY_ROOM);
    struct pb_walk walk = pb_walk_start(buf_slice(&made->bytes));
    struct pb_field field;
    for (bool more = true; more;) {
        struct attribute_view attribute = {.key = SLICE(key)};
        uint8_t item[KEY_ROOM], text[KEY_ROOM];
        more = pb_next(&walk, &field) == PB_FIELD;
        if (more)
            assert_int_equal(otlp_read_attribute(field.bytes, &attribute, &err), ST_OK);
        if (!slice_starts_with(attribute.key, SLICE("agent.")))
            continue;
        size_t size = (size_t)(pb_put_bytes(text, ANY_STRING, attribute.key) - text);
        size = (size_t)(pb_put_bytes(item, LIST_VALUES + 1, slice_of(text, size)) - item);
        assert_int_equal(buf_append(&items, item, size, &err), ST_OK);
    }
    uint8_t field_bytes[KEY_ROOM];
    size_t size = (size_t)(pb_put_bytes(field_bytes, ANY_ARRAY, buf_slice(&items)) - field_bytes);
    assert_int_equal(buf_append(&any, field_bytes, size, &err), ST_OK);
    size = (size_t)(pb_put_bytes(field_bytes, KEY_VALUE_KEY, SLICE(key)) - field_bytes);
    assert_int_equal(buf_append(&key_value, field_bytes, size, &err), ST_OK);
    size = (size_t)(pb_put_bytes(field_bytes, KEY_VALUE_VALUE, buf_slice(&any)) - field_bytes);
    assert_int_equal(buf_append(&key_value, field_bytes, size, &err), ST_OK);
    written = buf_slice(&key_value);
    made_field(made, RECORD_ATTRIBUTES, written);
    buf_fini(&items);
    buf_fini(&any);
    buf_fini(&key_value);
}

static void (*const attacks[])(struct made_record *made) = {
    forge_one_of_each,
    forge_twice,
    forge_behind_a_full_list,
    forge_behind_all_but_one,
    forge_behind_33,
    forge_behind_34_and_before,
    forge_behind_1000,
    forge_behind_doubled_keys_of_others,
    forge_behind_long_keys,
    forge_the_list,
    forge_the_list_and_its_end,
    forge_behind_the_id,
    forge_chains,
    forge_the_longest_chain,
    forge_a_chain_beyond_all,
    forge_a_list_that_looks_like_ours,
};

/* As the receivers give it to the normalizer. */
static struct normalized *receive(const struct made_record *made, struct normalizer *normalizer)
{
    struct made_record peer;

    made_init(&peer);
    made_text(&peer, "agent.peer.attestation", "uid");
    made_int(&peer, "agent.peer.uid", 1000);
    made_set_scope(normalizer, "codex_otel");
    const struct normalize_input input = {.record = buf_slice(&made->bytes),
                                          .transport = TRANSPORT_OTLP_HTTP_PROTOBUF,
                                          .sender_fields = buf_slice(&peer.bytes),
                                          .received_unix_nano = UINT64_C(1700000000000000000)};
    struct normalized *record = normalized_make(normalizer, &input);
    made_fini(&peer);
    return record;
}

/* --- What the readers see ----------------------------------------------------------------------
 */

static void check_text(size_t attack, const char *what, struct slice text, const char *expected)
{
    if (!slice_equal(text, slice_of_text(expected)))
        fail_msg("attack %zu: %s is '%.*s', not '%s'", attack, what, SLICE_ARG(text), expected);
}

/* `decision` is ours, empty where we have none. */
static void check_readers(size_t attack, const struct normalized *record, const char *decision)
{
    struct slice forged[ATTESTED_FORGED_MAX];
    struct record_facts facts;
    struct record_scan scan;
    struct attested_peer peer;
    const struct record_view *view = &record->whole;

    check_text(attack, "lookup", lookup_text(view, "agent.decision.outcome"), decision);
    check_text(attack, "lookup", lookup_text(view, "agent.review.risk_level"), "");
    check_text(attack, "lookup", lookup_text(view, "agent.derived.from"), "");
    assert_null(lookup_attribute(view, "agent.event.facets"));
    attested_read(view, &peer);
    assert_int_equal((int)peer.uid, 1000);
    check_text(attack, "container", peer.container_id, "");
    assert_true(attested_forged_keys(view, forged) > 0);

    assert_int_equal(record_reader_read(&reader, buf_slice(&record->bytes), &facts, &err), ST_OK);
    check_text(attack, "decision of shapes", facts.decision, decision);
    assert_null(reader_value(&reader, KEY_AGENT_REVIEW_RISK_LEVEL));
    assert_null(reader_value(&reader, KEY_AGENT_DERIVED_FROM));
    assert_null(reader_value(&reader, KEY_AGENT_EVENT_FACETS));
    assert_null(reader_value(&reader, KEY_AGENT_PEER_CONTAINER_ID));
    assert_int_equal(reader_value(&reader, KEY_AGENT_PEER_UID)->integer, 1000);
    check_text(attack, "dialect of shapes", facts.dialect, "codex_otel");
    assert_false(slice_equal(facts.uid, SLICE("01890000-0000-7000-8000-000000000000")));

    record_scan_read(buf_slice(&record->bytes), &scan);
    assert_false(record_scan_has_facet(&scan, SLICE("agent.review")));
    check_text(attack, "kind of filters", scan.kind,
               decision[0] != 0 ? "agent.approval" : "agent.other");
}

static void attack_with(size_t attack, const char *event, const char *decision)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;

    made_init(&made);
    made_text(&made, "event.name", event);
    made_text(&made, "decision", "denied");
    made_text(&made, "source", "User");
    attacks[attack](&made);
    struct normalized *record = receive(&made, normalizer);
    assert_memory_equal(record->bytes.data, made.bytes.data, made.bytes.size);
    check_readers(attack, record, decision);
    assert_int_equal(normalizer_last(normalizer).is_decision, decision[0] != 0);
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

static void test_nobody_believes_what_a_sender_says_in_our_place(void **state)
{
    (void)state;
    for (size_t attack = 0; attack < COUNT_OF(attacks); attack++)
        attack_with(attack, "codex.startup_phase", "");
}

static void test_no_forgery_hides_or_changes_our_verdict(void **state)
{
    (void)state;
    for (size_t attack = 0; attack < COUNT_OF(attacks); attack++)
        attack_with(attack, "codex.tool_decision", "deny");
}

/* --- Single rules ------------------------------------------------------------------------------
 */

/* A sender that forges the truth does not make it vanish: ours stands beside it. */
static void test_a_forged_value_that_is_true_is_said_by_us_too(void **state)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;

    (void)state;
    made_init(&made);
    made_text(&made, "event.name", "codex.tool_decision");
    made_text(&made, "decision", "denied");
    made_text(&made, "source", "User");
    made_text(&made, "agent.decision.outcome", "deny");
    struct normalized *record = receive(&made, normalizer);
    check_readers(0, record, "deny");
    assert_non_null(record_text_find(&record->ours, "agent.norm.agent.decision.outcome"));
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

static void test_a_list_that_is_full_says_so_and_our_id_comes_first(void **state)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;

    (void)state;
    made_init(&made);
    fill(&made, 32);
    struct normalized *record = receive(&made, normalizer);
    assert_false(normalized_lists_error(record, "agent.*"));
    normalized_destroy(record);
    made_text(&made, "agent.norm.k32", "x");
    record = receive(&made, normalizer);
    assert_true(normalized_lists_error(record, "agent.norm.k0"));
    assert_true(normalized_lists_error(record, "agent.norm.k31"));
    assert_false(normalized_lists_error(record, "agent.norm.k32"));
    assert_true(normalized_lists_error(record, "agent.*"));
    assert_true(slice_equal(record->ours.attributes[0].key, SLICE("log.record.uid")));
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

/* Keys as long as a sender likes do not make the list so long that it is not written. */
static void test_a_list_of_long_keys_keeps_within_its_size(void **state)
{
    enum { LISTED_MAX = 4096 + 32 * 8 }; /* MAPPING_ERRORS_SIZE_MAX, and what stands around a key */
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;

    (void)state;
    made_init(&made);
    forge_behind_long_keys(&made);
    struct normalized *record = receive(&made, normalizer);
    assert_true(normalized_value(record, "agent.norm.errors")->bytes.size <= LISTED_MAX);
    assert_true(normalized_lists_error(record, "agent.*"));
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

/* What a resource or scope says under our names is never ours. */
static void test_a_resource_says_nothing_under_our_keys(void **state)
{
    static const char *const keys[] = {"agent.outcome", "agent.decision.outcome", "session.id",
                                       "agent.peer.uid", "agent.norm.agent.outcome"};
    struct normalizer *normalizer = made_normalizer();
    struct made_record made, resource;
    struct record_facts facts;
    uint8_t fields[1024], whole[1024];
    uint8_t *end = fields;

    (void)state;
    made_init(&made);
    made_init(&resource);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        made_text(&resource, keys[i], "low");
    struct pb_walk walk = pb_walk_start(buf_slice(&resource.bytes));
    struct pb_field field;
    while (pb_next(&walk, &field) == PB_FIELD)
        end = pb_put_bytes(end, RESOURCE_ATTRIBUTES, field.bytes);
    struct slice attributes = slice_of(fields, (size_t)(end - fields));
    size_t size = (size_t)(pb_put_bytes(whole, RESOURCE_LOGS_RESOURCE, attributes) - whole);
    const struct record_group group = {.signal = SIGNAL_LOGS,
                                       .resource_logs_fields = slice_of(whole, size)};
    struct normalized *record = receive(&made, normalizer);
    assert_int_equal(record_reader_set_group(&reader, &group, &err), ST_OK);
    assert_int_equal(record_reader_read(&reader, buf_slice(&record->bytes), &facts, &err), ST_OK);
    assert_int_equal(reader.resource.count, COUNT_OF(keys));
    check_text(0, "outcome", facts.outcome, "unknown");
    check_text(0, "decision", facts.decision, "");
    check_text(0, "session", facts.session_id, "");
    assert_int_equal(reader_value(&reader, KEY_AGENT_PEER_UID)->integer, 1000);
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&resource);
    made_fini(&made);
}

/* On the Unix socket a sender says what its event is, but no more than any other what is ours. */
static void test_a_native_sender_claims_no_span_of_ours(void **state)
{
    struct normalizer *normalizer = made_normalizer();
    struct made_record made;

    (void)state;
    made_init(&made);
    made_bool(&made, "agent.derived", true);
    made_text(&made, "agent.content.state", "absent");
    made_text(&made, "agent.review.risk_level", "low");
    struct normalized *record = made_normalize_native(&made, normalizer, "agent.prompt");
    assert_null(lookup_attribute(&record->whole, "agent.derived"));
    check_text(0, "risk", lookup_text(&record->whole, "agent.review.risk_level"), "low");
    normalized_destroy(record);
    fill(&made, 40);
    record = made_normalize_native(&made, normalizer, "agent.prompt");
    check_text(0, "risk", lookup_text(&record->whole, "agent.review.risk_level"), "");
    check_text(0, "kind", lookup_text(&record->whole, "agent.event.kind"), "agent.prompt");
    normalized_destroy(record);
    normalizer_destroy(normalizer);
    made_fini(&made);
}

/* The layer of the rule does not know the schema. */
static void test_what_is_always_there_is_what_the_schema_requires(void **state)
{
    (void)state;
    for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++) {
        bool is_always =
            schema_attributes[key].requirement == SCHEMA_REQUIRED || key == KEY_AGENT_NORM_ERRORS;
        assert_int_equal(believed_is_always(slice_of_text(schema_attributes[key].key)), is_always);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_believes_what_a_sender_says_in_our_place),
        TEST(test_no_forgery_hides_or_changes_our_verdict),
        TEST(test_a_forged_value_that_is_true_is_said_by_us_too),
        TEST(test_a_list_that_is_full_says_so_and_our_id_comes_first),
        TEST(test_a_list_of_long_keys_keeps_within_its_size),
        TEST(test_a_resource_says_nothing_under_our_keys),
        TEST(test_a_native_sender_claims_no_span_of_ours),
        TEST(test_what_is_always_there_is_what_the_schema_requires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
