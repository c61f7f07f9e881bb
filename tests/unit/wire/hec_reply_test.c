/* SPDX-License-Identifier: Apache-2.0 */
/* hec_reply_test.c -- reading what Splunk's HTTP Event Collector answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "telltale/hec_reply.h"

static struct buf text;

static int make_text(void **state)
{
    (void)state;
    buf_init(&text, 128);
    return 0;
}

static int drop_text(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

static bool read_text(const char *reply, struct hec_reply *ret)
{
    return hec_reply_read(slice_of_text(reply), &text, ret);
}

static void test_an_answer_has_a_code_and_perhaps_more(void **state)
{
    struct hec_reply reply;

    (void)state;
    assert_true(read_text("{\"text\":\"Success\",\"code\":0}", &reply));
    assert_int_equal(reply.code, 0);
    assert_true(slice_equal(reply.text, SLICE("Success")));
    assert_false(reply.has_ack_id || reply.has_event_number);
    assert_true(read_text(" {\"ackId\" : 9007199254740993 , \"code\" : 0 } \r\n", &reply));
    assert_true(reply.has_ack_id);
    assert_int_equal(reply.ack_id, 9007199254740993);
    assert_true(read_text("{\"text\":\"a \\\"b\\\" \\u00e9\",\"code\":6,\"invalid-event-number\":"
                          "12,\"other\":[{\"code\":1}]}",
                          &reply));
    assert_int_equal(reply.code, 6);
    assert_true(reply.has_event_number && !reply.has_ack_id);
    assert_int_equal(reply.event_number, 12);
    assert_true(slice_equal(reply.text, SLICE("a \"b\" \xc3\xa9")));
}

static void test_of_a_member_that_stands_twice_the_last_one_counts(void **state)
{
    struct hec_reply reply;

    (void)state;
    assert_true(read_text("{\"code\":6,\"code\":9,\"ackId\":1,\"ackId\":null}", &reply));
    assert_int_equal(reply.code, 9);
    assert_false(reply.has_ack_id);
    assert_false(read_text("{\"code\":0,\"code\":\"0\"}", &reply));
}

static void test_numbers_that_count_nothing_are_as_if_absent(void **state)
{
    static const char *const odd[] = {
        "-1", "1.5", "1e3000", "\"1\"", "true", "[1]", "{}", "null", "99999999999999999999"};
    struct hec_reply reply;
    char body[128];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        snprintf(body, sizeof(body), "{\"code\":6,\"ackId\":%s,\"invalid-event-number\":%s}",
                 odd[i], odd[i]);
        if (read_text(body, &reply))
            assert_false(reply.has_ack_id || reply.has_event_number);
        snprintf(body, sizeof(body), "{\"code\":%s}", odd[i]);
        assert_false(read_text(body, &reply));
    }
}

static void test_what_is_no_answer_is_told(void **state)
{
    static const char *const broken[] = {"",
                                         "{",
                                         "{}",
                                         "[]",
                                         "null",
                                         "OK",
                                         "<html></html>",
                                         "{\"text\":\"x\"}",
                                         "{\"code\":0",
                                         "{\"code\":0,}",
                                         "{\"code\":0}x",
                                         "{\"code\":0}{\"code\":0}",
                                         "{\"code\":10000}",
                                         "{\"code\":0,\"text\":\"\xff\"}"};
    struct hec_reply reply;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        if (read_text(broken[i], &reply))
            fail_msg("%s", broken[i]);
        assert_false(reply.has_ack_id || reply.has_event_number || reply.text.size > 0);
    }
}

static void test_words_that_are_too_long_are_left_away(void **state)
{
    struct hec_reply reply;
    char body[512] = "{\"code\":4,\"text\":\"";

    (void)state;
    memset(body + strlen(body), 'x', 300);
    strcat(body, "\"}");
    assert_true(read_text(body, &reply));
    assert_int_equal(reply.code, 4);
    assert_int_equal(reply.text.size, 0);
}

static enum hec_ack ack_of(const char *reply, uint64_t id)
{
    return hec_reply_read_ack(slice_of_text(reply), id);
}

static void test_acknowledgements_are_read_by_their_id(void **state)
{
    static const char *const unsaid[] = {"",
                                         "{}",
                                         "{\"acks\":{}}",
                                         "{\"acks\":[]}",
                                         "{\"acks\":null}",
                                         "{\"acks\":{\"07\":true}}",
                                         "{\"acks\":{\"7\":1}}",
                                         "{\"acks\":{\"7\":\"true\"}}",
                                         "{\"acks\":{\"7\":true}",
                                         "{\"acks\":{\"7\":true}}}",
                                         "{\"7\":true}",
                                         "{\"acks\":{\"7\":tru}}",
                                         "true"};

    (void)state;
    assert_int_equal(ack_of("{\"acks\":{\"7\":true}}", 7), HEC_ACK_TRUE);
    assert_int_equal(ack_of("{\"acks\":{\"6\":true,\"7\":false,\"8\":true}}", 7), HEC_ACK_PENDING);
    assert_int_equal(ack_of("{\"x\":{\"acks\":{}},\"acks\":{\"\\u0037\":true}}", 7), HEC_ACK_TRUE);
    assert_int_equal(ack_of("{\"acks\":{\"18446744073709551615\":true}}", UINT64_MAX),
                     HEC_ACK_TRUE);
    assert_int_equal(ack_of("{\"acks\":{\"7\":true,\"7\":false}}", 7), HEC_ACK_PENDING);
    for (size_t i = 0; i < COUNT_OF(unsaid); i++) {
        if (ack_of(unsaid[i], 7) != HEC_ACK_UNSAID)
            fail_msg("%s", unsaid[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_has_a_code_and_perhaps_more),
        cmocka_unit_test(test_of_a_member_that_stands_twice_the_last_one_counts),
        cmocka_unit_test(test_numbers_that_count_nothing_are_as_if_absent),
        cmocka_unit_test(test_what_is_no_answer_is_told),
        cmocka_unit_test(test_words_that_are_too_long_are_left_away),
        cmocka_unit_test(test_acknowledgements_are_read_by_their_id),
    };
    return cmocka_run_group_tests(tests, make_text, drop_text);
}
