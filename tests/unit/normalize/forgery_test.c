/* SPDX-License-Identifier: Apache-2.0 */
/* forgery_test.c -- senders that write our keys: theirs stay, ours win, and the forgery shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/check_normalized.h"
#include "support/codex_fixture.h"
#include "support/record_text.h"

static void make_denial(void)
{
    made_text(&codex.made, "event.name", "codex.tool_decision");
    made_text(&codex.made, "decision", "denied");
    made_text(&codex.made, "source", "User");
}

static void test_forged_verdict_does_not_win(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.decision.outcome", "allow");
    made_text(&codex.made, "agent.outcome", "success");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.decision.outcome", "deny");
    check_text(normalized, "agent.outcome", "denied");
    assert_true(slice_equal(record_text_find(&normalized->whole, "agent.outcome")->bytes,
                            SLICE("success")));
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.outcome"));
    assert_true(normalized_lists_error(normalized, "agent.outcome"));
    assert_true(normalized_lists_error(normalized, "agent.decision.outcome"));
    normalized_destroy(normalized);
}

static void test_forged_key_that_we_do_not_write_is_listed(void **state)
{
    (void)state;
    made_text(&codex.made, "event.name", "codex.startup_phase");
    made_text(&codex.made, "agent.review.risk_level", "low");
    struct normalized *normalized = codex_normalize();
    assert_true(normalized_lists_error(normalized, "agent.review.risk_level"));
    normalized_destroy(normalized);
}

static void test_same_value_is_not_repeated(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.outcome", "denied");
    made_text(&codex.made, "agent.dialect", "codex_otel");
    struct normalized *normalized = codex_normalize();
    assert_null(record_text_find(&normalized->ours, "agent.outcome"));
    assert_null(record_text_find(&normalized->ours, "agent.norm.agent.outcome"));
    assert_null(record_text_find(&normalized->ours, "agent.dialect"));
    assert_non_null(record_text_find(&normalized->ours, "agent.schema.version"));
    check_text(normalized, "agent.outcome", "denied");
    normalized_destroy(normalized);
}

static void test_forged_chain_is_outrun(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.norm.agent.outcome", "success");
    made_text(&codex.made, "agent.norm.agent.norm.agent.decision.outcome", "allow");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", "denied");
    check_text(normalized, "agent.decision.outcome", "deny");
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.norm.agent.outcome"));
    assert_true(normalized_lists_error(normalized, "agent.norm.agent.outcome"));
    normalized_destroy(normalized);
}

static void test_endless_chain_is_cut(void **state)
{
    (void)state;
    char key[1024] = "";
    for (size_t i = 0; i < 80; i++)
        memcpy(key + 11 * i, "agent.norm.", 11);
    memcpy(key + 880, "agent.outcome", 14);
    make_denial();
    made_text(&codex.made, key, "success");
    struct normalized *normalized = codex_normalize();
    assert_true(
        slice_equal(record_text_find(&normalized->ours, "agent.outcome")->bytes, SLICE("denied")));
    assert_true(normalized_lists_error(normalized, key));
    for (size_t i = 0; i < normalized->ours.attribute_count; i++)
        assert_true(normalized->ours.attributes[i].key.size < 200);
    normalized_destroy(normalized);
}

static void make_chain(char *key, int length, const char *rest)
{
    key[0] = 0;
    for (int i = 0; i < length; i++)
        strcat(key, "agent.norm.");
    strcat(key, rest);
}

static void test_no_length_of_a_forged_chain_wins(void **state)
{
    char key[256];

    (void)state;
    for (int length = 1; length <= 12; length++) {
        codex_make_event("codex.tool_decision", NULL);
        made_text(&codex.made, "decision", "denied");
        make_chain(key, length, "agent.outcome");
        made_text(&codex.made, key, "success");
        make_chain(key, length, "agent.peer.uid");
        made_int(&codex.made, key, 0);
        struct normalized *normalized = codex_normalize();
        check_text(normalized, "agent.outcome", "denied");
        assert_int_equal(normalized_value(normalized, "agent.peer.uid")->integer, 1000);
        assert_true(normalized_lists_error(normalized, key));
        normalized_destroy(normalized);
    }
}

static void test_forged_list_of_errors_does_not_win(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.norm.errors", "nothing");
    struct normalized *normalized = codex_normalize();
    assert_true(normalized_lists_error(normalized, "agent.norm.errors"));
    normalized_destroy(normalized);
}

static void test_second_forged_copy_is_seen(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.outcome", "denied"); /* as we would say it */
    made_text(&codex.made, "agent.outcome", "success");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.outcome", "denied");
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.outcome"));
    assert_true(normalized_lists_error(normalized, "agent.outcome"));
    normalized_destroy(normalized);
}

static void test_doubled_source_key_is_listed(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "decision", "approved");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.decision.outcome", "deny");
    assert_true(normalized_lists_error(normalized, "decision"));
    normalized_destroy(normalized);
}

static void test_senders_own_uid_stays_beside_ours(void **state)
{
    (void)state;
    made_text(&codex.made, "log.record.uid", "theirs");
    struct normalized *normalized = codex_normalize();
    assert_true(slice_equal(record_text_find(&normalized->whole, "log.record.uid")->bytes,
                            SLICE("theirs")));
    assert_int_equal(normalized_text(normalized, "log.record.uid").size, 36);
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.log.record.uid"));
    normalized_destroy(normalized);
}

static void test_forged_peer_is_put_out_of_reach(void **state)
{
    (void)state;
    made_int(&codex.made, "agent.peer.uid", 0);
    struct normalized *normalized = codex_normalize();
    assert_int_equal(normalized_value(normalized, "agent.peer.uid")->integer, 1000);
    assert_int_equal(normalized_value(normalized, "agent.peer.pid")->integer, 4711);
    assert_null(record_text_find(&normalized->ours, "agent.peer.uid"));
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.peer.uid"));
    assert_true(normalized_lists_error(normalized, "agent.peer.uid"));
    normalized_destroy(normalized);
}

static void test_forged_chain_before_a_peer_key_is_outrun(void **state)
{
    (void)state;
    made_int(&codex.made, "agent.norm.agent.peer.uid", 0);
    struct normalized *normalized = codex_normalize();
    assert_int_equal(normalized_value(normalized, "agent.peer.uid")->integer, 1000);
    assert_true(normalized_lists_error(normalized, "agent.norm.agent.peer.uid"));
    normalized_destroy(normalized);
}

/* Of what we do not know, theirs would be read as ours: all of ours stand further on, and the
 * attestation shows where. */
static void test_each_key_of_the_peer_is_ours_alone(void **state)
{
    static const char *const keys[] = {
        "agent.peer.attestation",  "agent.peer.pid",           "agent.peer.uid",
        "agent.peer.gid",          "agent.peer.creation.time", "agent.peer.executable.path",
        "agent.peer.linux.cgroup", "agent.peer.container.id",  "agent.peer.anything",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct made_record made;
        struct normalizer *normalizer = made_normalizer();
        made_init(&made);
        made_text(&made, keys[i], "forged");
        struct normalized *native = made_normalize_native(&made, normalizer, "agent.prompt");
        assert_true(normalized_lists_error(native, keys[i]));
        assert_null(record_text_find(&native->ours, "agent.peer.uid"));
        assert_int_equal(record_text_find(&native->ours, "agent.norm.agent.peer.uid")->integer,
                         1000);
        assert_true(slice_equal(record_text_find(&native->whole, keys[i])->bytes, SLICE("forged")));
        normalized_destroy(native);
        normalizer_destroy(normalizer);
        made_fini(&made);
    }
}

static void test_chain_before_another_key_leaves_the_peer_alone(void **state)
{
    (void)state;
    made_text(&codex.made, "agent.norm.client.address", "x");
    struct normalized *normalized = codex_normalize();
    assert_int_equal(record_text_find(&normalized->ours, "agent.peer.uid")->integer, 1000);
    normalized_destroy(normalized);
}

static void test_peer_is_appended_as_it_is(void **state)
{
    (void)state;
    struct normalized *normalized = codex_normalize();
    assert_int_equal(record_text_find(&normalized->ours, "agent.peer.uid")->integer, 1000);
    assert_int_equal(record_text_find(&normalized->ours, "agent.peer.pid")->integer, 4711);
    normalized_destroy(normalized);
}

static void test_names_that_agents_use_are_no_forgery(void **state)
{
    (void)state;
    made_text(&codex.made, "event.name", "codex.agent_response");
    made_text(&codex.made, "conversation.id", "c1");
    made_text(&codex.made, "agent.type", "subagent");
    made_text(&codex.made, "agent.name", "x");
    made_text(&codex.made, "agent.source", "y");
    struct normalized *normalized = codex_normalize();
    check_text(normalized, "agent.role", "subagent");
    assert_null(normalized_value(normalized, "agent.norm.errors"));
    normalized_destroy(normalized);
}

static void test_value_of_another_type_is_another_value(void **state)
{
    (void)state;
    make_denial();
    made_text(&codex.made, "agent.severity", "13");
    made_nothing(&codex.made, "agent.outcome");
    struct normalized *normalized = codex_normalize();
    assert_int_equal(record_text_find(&normalized->ours, "agent.norm.agent.severity")->integer, 13);
    assert_non_null(record_text_find(&normalized->ours, "agent.norm.agent.outcome"));
    normalized_destroy(normalized);
}

static void test_list_of_errors_has_an_end(void **state)
{
    (void)state;
    char key[64];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof(key), "agent.norm.k%d", i);
        made_text(&codex.made, key, "x");
    }
    struct normalized *normalized = codex_normalize();
    assert_true(normalized_lists_error(normalized, "agent.norm.k0"));
    assert_false(normalized_lists_error(normalized, "agent.norm.k199"));
    normalized_destroy(normalized);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, codex_set_up, codex_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forged_verdict_does_not_win),
        TEST(test_forged_key_that_we_do_not_write_is_listed),
        TEST(test_same_value_is_not_repeated),
        TEST(test_forged_chain_is_outrun),
        TEST(test_endless_chain_is_cut),
        TEST(test_no_length_of_a_forged_chain_wins),
        TEST(test_forged_list_of_errors_does_not_win),
        TEST(test_second_forged_copy_is_seen),
        TEST(test_doubled_source_key_is_listed),
        TEST(test_senders_own_uid_stays_beside_ours),
        TEST(test_forged_peer_is_put_out_of_reach),
        TEST(test_forged_chain_before_a_peer_key_is_outrun),
        TEST(test_each_key_of_the_peer_is_ours_alone),
        TEST(test_chain_before_another_key_leaves_the_peer_alone),
        TEST(test_peer_is_appended_as_it_is),
        TEST(test_names_that_agents_use_are_no_forgery),
        TEST(test_value_of_another_type_is_another_value),
        TEST(test_list_of_errors_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
