/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_grpc_reply_test.c -- what endpoints and answers mean, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/otlp_grpc/grpc_endpoint.h"
#include "exporters/otlp_grpc/grpc_outcome.h"
#include "support/grpc_codes.h"
#include "telltale/otlp_reply.h"

/* google.rpc.Status with one RetryInfo of 7.5 s. */
#define RETRY_7500MS                                                                               \
    SLICE("\x08\x08\x1a\x36"                                                                       \
          "\x0a\x28type.googleapis.com/google.rpc.RetryInfo"                                       \
          "\x12\x0a\x0a\x08\x08\x07\x10\x80\xca\xb5\xee\x01")

static void test_endpoints_become_targets(void **state)
{
    static const struct {
        const char *text;
        const char *target; /* NULL: refused */
        bool is_local;
        enum grpc_endpoint_scheme scheme;
    } rows[] = {
        {"collector.example.com:4317", "dns:///collector.example.com:4317", false,
         GRPC_SCHEME_NONE},
        {"collector.example.com", "dns:///collector.example.com:4317", false, GRPC_SCHEME_NONE},
        {"HTTPS://soc.example:443", "dns:///soc.example:443", false, GRPC_SCHEME_HTTPS},
        {"http://127.0.0.2:1", "dns:///127.0.0.2:1", true, GRPC_SCHEME_HTTP},
        {"localhost:65535", "dns:///localhost:65535", true, GRPC_SCHEME_NONE},
        {"[::1]:4317", "dns:///[::1]:4317", true, GRPC_SCHEME_NONE},
        {"[2001:db8::1]", "dns:///[2001:db8::1]:4317", false, GRPC_SCHEME_NONE},
        {"127.0.0.1.evil.example", "dns:///127.0.0.1.evil.example:4317", false, GRPC_SCHEME_NONE},
        {"unix:/run/otlp.sock", "unix:/run/otlp.sock", true, GRPC_SCHEME_NONE},
        {"unix:///run/otlp.sock", "unix:/run/otlp.sock", true, GRPC_SCHEME_NONE},
        {"unix:run/otlp.sock", NULL, false, GRPC_SCHEME_NONE},
        {"", NULL, false, GRPC_SCHEME_NONE},
        {":4317", NULL, false, GRPC_SCHEME_NONE},
        {"host:", NULL, false, GRPC_SCHEME_NONE},
        {"host:0", NULL, false, GRPC_SCHEME_NONE},
        {"host:65536", NULL, false, GRPC_SCHEME_NONE},
        {"host:43170000000000000000", NULL, false, GRPC_SCHEME_NONE},
        {"host:4317/v1/logs", NULL, false, GRPC_SCHEME_NONE},
        {"https://host/", NULL, false, GRPC_SCHEME_NONE},
        {"ftp://host", NULL, false, GRPC_SCHEME_NONE},
        {"[::1", NULL, false, GRPC_SCHEME_NONE},
        {"host name:1", NULL, false, GRPC_SCHEME_NONE},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct grpc_endpoint endpoint;
        struct error err = {.status = ST_OK};
        enum status st = grpc_endpoint_parse(rows[i].text, &endpoint, &err);
        if (rows[i].target == NULL) {
            assert_int_equal(st, ST_INVALID);
            assert_non_null(strstr(err.text, "endpoint '"));
            continue;
        }
        assert_int_equal(st, ST_OK);
        assert_string_equal(endpoint.target, rows[i].target);
        assert_int_equal(endpoint.is_local, rows[i].is_local);
        assert_int_equal(endpoint.scheme, rows[i].scheme);
    }
}

static void test_retry_info_is_found_among_other_details(void **state)
{
    (void)state;
    struct otlp_retry_info info = otlp_reply_find_retry_info(RETRY_7500MS);
    assert_true(info.present);
    assert_int_equal(info.delay_ms, 7500);

    info = otlp_reply_find_retry_info(SLICE("\x08\x08\x12\x03now\x1a\x0c\x0a\x0ax/y.RetryX\x1a\x18"
                                            "\x0a\x16/google.rpc.RetryInfo\xff"));
    assert_false(info.present); /* damaged */

    info = otlp_reply_find_retry_info(SLICE("\x12\x03now\x1a\x05\x0a\x03x/y\x1a\x17"
                                            "\x0a\x15/google.rpc.RetryInfo"));
    assert_true(info.present); /* a delay of nothing: use our own backoff */
    assert_int_equal(info.delay_ms, 0);
}

static void test_retry_info_cut_anywhere_is_harmless(void **state)
{
    (void)state;
    const struct slice whole = RETRY_7500MS;

    for (size_t size = 0; size < whole.size; size++)
        assert_false(otlp_reply_find_retry_info(slice_of(whole.data, size)).present);
}

static void test_absurd_delays_are_cut(void **state)
{
    (void)state;
    /* seconds = 2^63 - 1, then seconds = -1 */
    struct otlp_retry_info info = otlp_reply_find_retry_info(
        SLICE("\x1a\x25\x0a\x15/google.rpc.RetryInfo\x12\x0c\x0a\x0a\x08\xff\xff\xff\xff\xff\xff"
              "\xff\xff\x7f"));
    assert_true(info.present);
    assert_int_equal(info.delay_ms, UINT32_MAX);
    info = otlp_reply_find_retry_info(
        SLICE("\x1a\x26\x0a\x15/google.rpc.RetryInfo\x12\x0d\x0a\x0b\x08\xff\xff\xff\xff\xff\xff"
              "\xff\xff\xff\x01"));
    assert_true(info.present);
    assert_int_equal(info.delay_ms, 0);
}

static void test_every_code_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < GRPC_CODE_COUNT; i++) {
        const struct grpc_code_meaning *row = &grpc_code_meanings[i];
        struct grpc_outcome_input input = {.code = row->code,
                                           .message = SLICE("because"),
                                           .request_size = 1000,
                                           .record_count = 10};
        struct export_report report = {.rejected_count = 0};
        struct error err = {.status = ST_OK};

        assert_int_equal(row->code, (int)i);
        assert_int_equal(grpc_outcome(&input, &report, &err), row->plain);
        assert_int_equal(report.retry_after_ms, row->plain_delay_ms);
        if (row->plain != EXPORT_DONE) {
            assert_string_equal(report.message, "because");
            assert_int_equal(strncmp(err.text, grpc_outcome_code_name(input.code),
                                     strlen(grpc_outcome_code_name(input.code))),
                             0);
            assert_int_not_equal(err.status, ST_OK);
        }
        report = (struct export_report){.rejected_count = 0};
        input.rpc_status = RETRY_7500MS;
        assert_int_equal(grpc_outcome(&input, &report, &err), row->with_delay);
        assert_int_equal(report.retry_after_ms, row->delay_ms);
    }
}

static enum export_result outcome_of(int code, struct slice message, size_t request_size)
{
    const struct grpc_outcome_input input = {.code = (grpc_status_code)code,
                                             .message = message,
                                             .request_size = request_size,
                                             .record_count = 2};
    struct export_report report = {.rejected_count = 0};
    struct error err;

    return grpc_outcome(&input, &report, &err);
}

static void test_a_large_or_named_message_is_too_large(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(GRPC_STATUS_RESOURCE_EXHAUSTED, SLICE("no"), 1 << 20),
                     EXPORT_RETRY);
    assert_int_equal(outcome_of(GRPC_STATUS_RESOURCE_EXHAUSTED, SLICE("no"), (1 << 20) + 1),
                     EXPORT_TOO_LARGE);
    assert_int_equal(outcome_of(GRPC_STATUS_RESOURCE_EXHAUSTED,
                                SLICE("grpc: received message larger than max (900 vs. 800)"), 900),
                     EXPORT_TOO_LARGE);
}

/* No receiver has seen the batch when a proxy or the transport answered in its place. */
static void test_a_status_made_up_by_the_transport_rejects_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        outcome_of(GRPC_STATUS_UNKNOWN, SLICE("Received http2 header with status: 500"), 10),
        EXPORT_RETRY);
    assert_int_equal(
        outcome_of(GRPC_STATUS_INTERNAL, SLICE("Received RST_STREAM with error code 2"), 10),
        EXPORT_RETRY);
    assert_int_equal(outcome_of(99, SLICE("what"), 10), EXPORT_REJECTED);
    assert_int_equal(outcome_of(-1, SLICE("what"), 10), EXPORT_REJECTED);
}

static void read_partial(struct slice response, struct export_report *report)
{
    const struct grpc_outcome_input input = {
        .code = GRPC_STATUS_OK, .response = response, .record_count = 10};
    struct error err;

    *report = (struct export_report){.rejected_count = 0};
    assert_int_equal(grpc_outcome(&input, report, &err), EXPORT_DONE);
}

static void test_partial_success_is_counted(void **state)
{
    (void)state;
    struct export_report report;

    read_partial(SLICE_EMPTY, &report);
    assert_int_equal(report.rejected_count, 0);
    assert_string_equal(report.message, "");
    read_partial(SLICE("\x0a\x00"), &report); /* what a Collector sends */
    assert_int_equal(report.rejected_count, 0);
    read_partial(SLICE("\x0a\x08\x08\x03\x12\x04"
                       "a\nb!"),
                 &report);
    assert_int_equal(report.rejected_count, 3);
    assert_string_equal(report.message, "a b!");
    read_partial(SLICE("\x0a\x06\x12\x04warn"), &report);
    assert_int_equal(report.rejected_count, 0);
    assert_string_equal(report.message, "warn");
}

static void test_partial_success_that_lies_is_bounded(void **state)
{
    (void)state;
    struct export_report report;

    read_partial(SLICE("\x0a\x03\x08\xff\x7f"), &report); /* 16383 of 10 */
    assert_int_equal(report.rejected_count, 10);
    read_partial(SLICE("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &report); /* -1 */
    assert_int_equal(report.rejected_count, 0);
    read_partial(SLICE("\x0a\x7f\x08"), &report); /* not protobuf */
    assert_int_equal(report.rejected_count, 0);
    assert_non_null(strstr(report.message, "no response to an Export"));
}

static void test_long_words_are_cut_between_characters(void **state)
{
    (void)state;
    char words[400];
    struct export_report report = {.rejected_count = 0};
    struct error err;

    memset(words, 'x', sizeof(words));
    memcpy(words + 254, "\xc3\xa9", 2); /* would be cut in its middle */
    const struct grpc_outcome_input input = {.code = GRPC_STATUS_UNAVAILABLE,
                                             .message = slice_of(words, sizeof(words))};
    assert_int_equal(grpc_outcome(&input, &report, &err), EXPORT_RETRY);
    assert_int_equal(strlen(report.message), 254);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_become_targets),
        cmocka_unit_test(test_retry_info_is_found_among_other_details),
        cmocka_unit_test(test_retry_info_cut_anywhere_is_harmless),
        cmocka_unit_test(test_absurd_delays_are_cut),
        cmocka_unit_test(test_every_code_has_its_outcome),
        cmocka_unit_test(test_a_large_or_named_message_is_too_large),
        cmocka_unit_test(test_a_status_made_up_by_the_transport_rejects_nothing),
        cmocka_unit_test(test_partial_success_is_counted),
        cmocka_unit_test(test_partial_success_that_lies_is_bounded),
        cmocka_unit_test(test_long_words_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
