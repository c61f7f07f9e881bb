/* SPDX-License-Identifier: Apache-2.0 */
/* http_answers_test.c -- what OTLP senders get, read by protobuf-c and cJSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "receivers/http_answers.h"

#define HOSTILE "a \"quoted\" \x01 and \xff broken text"

static void test_partial_success_in_protobuf(void **state)
{
    (void)state;
    struct buf out;
    struct error err;

    buf_init(&out, 4096);
    assert_int_equal(http_answer_export(OTLP_PROTOBUF, SIGNAL_LOGS, 7, "too deep", &out, &err),
                     ST_OK);
    Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceResponse *response =
        opentelemetry__proto__collector__logs__v1__export_logs_service_response__unpack(
            NULL, out.size, out.data);
    assert_non_null(response);
    assert_int_equal(response->partial_success->rejected_log_records, 7);
    assert_string_equal(response->partial_success->error_message, "too deep");
    opentelemetry__proto__collector__logs__v1__export_logs_service_response__free_unpacked(response,
                                                                                           NULL);
    buf_fini(&out);
}

static void test_full_success_in_protobuf_is_empty(void **state)
{
    (void)state;
    struct buf out;
    struct error err;

    buf_init(&out, 4096);
    assert_int_equal(http_answer_export(OTLP_PROTOBUF, SIGNAL_LOGS, 0, "", &out, &err), ST_OK);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

static void test_partial_success_in_json(void **state)
{
    (void)state;
    struct buf out;
    struct error err;

    buf_init(&out, 4096);
    assert_int_equal(http_answer_export(OTLP_JSON, SIGNAL_LOGS, 7, HOSTILE, &out, &err), ST_OK);
    cJSON *json = cJSON_ParseWithLength((const char *)out.data, out.size);
    assert_non_null(json);
    const cJSON *partial = cJSON_GetObjectItemCaseSensitive(json, "partialSuccess");
    const cJSON *rejected = cJSON_GetObjectItemCaseSensitive(partial, "rejectedLogRecords");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(partial, "errorMessage");
    assert_string_equal(cJSON_GetStringValue(rejected), "7");
    assert_memory_equal(cJSON_GetStringValue(message), "a \"quoted\" \x01", 12);
    cJSON_Delete(json);
    buf_fini(&out);
}

static void test_status_in_both_encodings(void **state)
{
    (void)state;
    struct buf out;
    struct error err;

    buf_init(&out, 4096);
    assert_int_equal(http_answer_status(OTLP_PROTOBUF, RPC_UNAVAILABLE, "full", &out, &err), ST_OK);
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, out.size, out.data);
    assert_non_null(status);
    assert_int_equal(status->code, 14);
    assert_string_equal(status->message, "full");
    google__rpc__status__free_unpacked(status, NULL);

    buf_clear(&out);
    assert_int_equal(http_answer_status(OTLP_JSON, RPC_INVALID_ARGUMENT, HOSTILE, &out, &err),
                     ST_OK);
    cJSON *json = cJSON_ParseWithLength((const char *)out.data, out.size);
    assert_non_null(json);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "code")->valueint, 3);
    cJSON_Delete(json);
    buf_fini(&out);
}

static void test_answer_over_the_limit_of_its_buffer_fails(void **state)
{
    (void)state;
    struct buf out;
    struct error err;

    buf_init(&out, 8);
    assert_int_equal(http_answer_status(OTLP_JSON, RPC_UNAVAILABLE, "full", &out, &err), ST_LIMIT);
    assert_int_equal(http_answer_export(OTLP_PROTOBUF, SIGNAL_LOGS, 1, "some words", &out, &err),
                     ST_LIMIT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_success_in_protobuf),
        cmocka_unit_test(test_full_success_in_protobuf_is_empty),
        cmocka_unit_test(test_partial_success_in_json),
        cmocka_unit_test(test_status_in_both_encodings),
        cmocka_unit_test(test_answer_over_the_limit_of_its_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
