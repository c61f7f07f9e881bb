/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_reply_test.c -- answers to _bulk requests, whole and broken in each way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "telltale/bulk_reply.h"

enum { TEXT_MAX = 64, ITEMS_MAX = 16 };

static struct error err;

struct seen {
    size_t count;
    unsigned status[ITEMS_MAX];
    bool is_aside[ITEMS_MAX];
    char type[ITEMS_MAX][TEXT_MAX], reason[ITEMS_MAX][TEXT_MAX];
};

static void on_item(void *context, size_t index, const struct bulk_item *item)
{
    struct seen *seen = context;

    assert_int_equal(index, seen->count++);
    assert_true(index < ITEMS_MAX);
    seen->status[index] = item->status;
    seen->is_aside[index] = item->is_in_failure_store;
    snprintf(seen->type[index], TEXT_MAX, "%.*s", SLICE_ARG(item->type));
    snprintf(seen->reason[index], TEXT_MAX, "%.*s", SLICE_ARG(item->reason));
}

/* The answer lies in memory of exactly its size, so that reading behind it is seen. */
static enum status read_reply(const char *reply, size_t size, size_t count, struct seen *seen)
{
    const struct bulk_reply_reader reader = {on_item, seen};
    struct buf text;
    uint8_t *exact = malloc(size + 1);

    assert_non_null(exact);
    memcpy(exact, reply, size);
    exact = realloc(exact, size > 0 ? size : 1);
    *seen = (struct seen){.count = 0};
    buf_init(&text, 2 * TEXT_MAX);
    enum status st = bulk_reply_read(slice_of(exact, size), count, &text, &reader, &err);
    buf_fini(&text);
    free(exact);
    return st;
}

static void test_each_item_is_told_in_its_order(void **state)
{
    static const char reply[] =
        "{\"took\":3,\"errors\":true,\"items\":["
        "{\"create\":{\"status\":201}},"
        " { \"create\" : { \"status\" : 201, \"failure_store\":\"used\" } } ,"
        "{\"create\":{\"failure_store\":\"not_enabled\",\"status\":409,\"error\":{\"type\":\"v\"}}}"
        ","
        "{\"index\":{\"_id\":\"x\",\"error\":{\"caused_by\":{\"type\":\"no\"},\"type\":"
        "\"t\\u0079pe\","
        "\"reason\":\"a \\\"b\\\"\"},\"status\":400}},"
        "{\"create\":{\"status\":429,\"error\":\"words alone\"}},"
        "{\"create\":{\"status\":503,\"error\":null,\"failure_store\":7}}]}";
    static const struct {
        unsigned status;
        bool is_aside;
        const char *type, *reason;
    } rows[] = {{201, false, "", ""},  {201, true, "", ""},
                {409, false, "v", ""}, {400, false, "type", "a \"b\""},
                {429, false, "", ""},  {503, false, "", ""}};
    struct seen seen;

    (void)state;
    assert_int_equal(read_reply(reply, sizeof(reply) - 1, COUNT_OF(rows), &seen), ST_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(seen.status[i], rows[i].status);
        assert_int_equal(seen.is_aside[i], rows[i].is_aside);
        assert_string_equal(seen.type[i], rows[i].type);
        assert_string_equal(seen.reason[i], rows[i].reason);
    }
}

#define ITEM  "{\"create\":{\"status\":201}}"
#define REPLY "{\"errors\":false,\"items\":[" ITEM "," ITEM "]}"

static void test_an_answer_that_is_cut_anywhere_is_none(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(read_reply(REPLY, strlen(REPLY), 2, &seen), ST_OK);
    for (size_t size = 0; size < strlen(REPLY); size++) {
        if (read_reply(REPLY, size, 2, &seen) != ST_INVALID)
            fail_msg("cut to %zu bytes", size);
    }
}

static void test_what_is_no_answer_is_refused(void **state)
{
    static const char *const replies[] = {
        "",
        "ok",
        "null",
        "[]",
        "{}",
        "<html></html>",
        "{\"errors\":false}",
        "{\"items\":null}",
        "{\"items\":{}}",
        "{\"items\":[]}",
        "{\"items\":[" ITEM "]}",
        "{\"items\":[" ITEM "," ITEM "," ITEM "]}",
        "{\"items\":[" ITEM "],\"items\":[" ITEM "]}",
        "{\"items\":[" ITEM "," ITEM ",]}",
        "{\"items\":[" ITEM "," ITEM "]} {}",
        "{\"items\":[" ITEM ",{}]}",
        "{\"items\":[" ITEM ",null]}",
        "{\"items\":[" ITEM ",{\"create\":null}]}",
        "{\"items\":[" ITEM ",{\"create\":{}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":\"201\"}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":0}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":20.5}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":-201}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":4294967497}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":201},\"index\":{\"status\":201}}]}",
        "{\"items\":[" ITEM ",{\"create\":{\"status\":201}}x]}",
    };
    struct seen seen;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        err = (struct error){.status = ST_OK};
        if (read_reply(replies[i], strlen(replies[i]), 2, &seen) != ST_INVALID)
            fail_msg("%s", replies[i]);
        assert_true(err.text[0] != 0);
    }
}

/* It may be of any depth and length; no text is longer than we wish. */
static void test_large_and_deep_answers_are_bounded(void **state)
{
    enum { DEPTH = 100000 };
    char *deep = malloc(2 * DEPTH + 256);
    struct seen seen;

    (void)state;
    assert_non_null(deep);
    size_t size = (size_t)sprintf(deep, "{\"x\":");
    memset(deep + size, '[', DEPTH);
    memset(deep + size + DEPTH, ']', DEPTH);
    size += 2 * DEPTH;
    size += (size_t)sprintf(deep + size, ",\"items\":[" ITEM "," ITEM "]}");
    assert_int_equal(read_reply(deep, size, 2, &seen), ST_INVALID);

    size =
        (size_t)sprintf(deep, "{\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"t\","
                              "\"reason\":\"");
    memset(deep + size, 'r', DEPTH);
    size += DEPTH;
    size += (size_t)sprintf(deep + size, "\"}}}," ITEM "]}");
    assert_int_equal(read_reply(deep, size, 2, &seen), ST_OK);
    assert_string_equal(seen.type[0], "t");
    assert_string_equal(seen.reason[0], "");
    free(deep);
}

static void test_a_request_that_is_refused_whole_says_why(void **state)
{
    static const struct {
        const char *reply;
        bool is_failure;
        const char *type, *reason;
    } rows[] = {
        {"{\"error\":{\"root_cause\":[{\"type\":\"no\"}],\"type\":\"parse\",\"reason\":\"x "
         "\\u00e9\"},"
         "\"status\":400}",
         true, "parse", "x \xc3\xa9"},
        {"{\"error\":\"alone\",\"status\":405}", true, "", "alone"},
        {"{\"error\":7}", false, "", ""},
        {"{\"message\":\"other\"}", false, "", ""},
        {"{\"error\":{\"type\":\"parse\"}", false, "", ""},
        {"", false, "", ""},
    };
    struct bulk_failure failure;
    struct buf text;

    (void)state;
    buf_init(&text, 256);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        failure = (struct bulk_failure){.type = SLICE_EMPTY};
        assert_int_equal(bulk_reply_read_failure(slice_of_text(rows[i].reply), &text, &failure),
                         rows[i].is_failure);
        assert_true(slice_equal(failure.type, slice_of_text(rows[i].type)));
        assert_true(slice_equal(failure.reason, slice_of_text(rows[i].reason)));
    }
    buf_fini(&text);
}

static void test_servers_say_what_they_are(void **state)
{
    static const struct {
        const char *reply;
        bool is_known;
        struct bulk_server server;
    } rows[] = {
        {"{\"version\":{\"number\":\"8.19.21\",\"build_flavor\":\"default\"}}",
         true,
         {8, 19, 0, 0}},
        {"{\"name\":\"\",\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.19.6\"}}",
         true,
         {2, 19, true, 0}},
        {"{\"version\":{\"number\":\"8.11.0\",\"build_flavor\":\"serverless\"}}",
         true,
         {8, 11, 0, true}},
        {"{\"version\":{\"number\":\"9.5.0-SNAPSHOT\"}}", true, {9, 5, 0, 0}},
        {"{\"version\":{\"number\":\"nine\"}}", false, {0}},
        {"{\"version\":{\"number\":\"99999.1\"}}", false, {0}},
        {"{\"version\":{\"number\":9}}", false, {0}},
        {"{\"version\":\"8.1.0\"}", false, {0}},
        {"{}", false, {0}},
        {"", false, {0}},
    };
    struct bulk_server server;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        server = (struct bulk_server){.major = 0};
        if (bulk_reply_read_server(slice_of_text(rows[i].reply), &server) != rows[i].is_known)
            fail_msg("%s", rows[i].reply);
        assert_int_equal(server.major, rows[i].server.major);
        assert_int_equal(server.minor, rows[i].server.minor);
        assert_int_equal(server.is_opensearch, rows[i].server.is_opensearch);
        assert_int_equal(server.is_serverless, rows[i].server.is_serverless);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_item_is_told_in_its_order),
        cmocka_unit_test(test_an_answer_that_is_cut_anywhere_is_none),
        cmocka_unit_test(test_what_is_no_answer_is_refused),
        cmocka_unit_test(test_large_and_deep_answers_are_bounded),
        cmocka_unit_test(test_a_request_that_is_refused_whole_says_why),
        cmocka_unit_test(test_servers_say_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
