/* SPDX-License-Identifier: Apache-2.0 */
/* ecs_test.c -- the tables of ECS: names and types are those that are published, no field is an
 * object as well, and what the page says of a kind is what its records get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shape/ecs_fields.h"
#include "shape/ecs_kind.h"
#include "support/every_record.h"

/* The fields that we fill, with their types and whether they are arrays, as in
 * generated/ecs/ecs_flat.yml of https://github.com/elastic/ecs, tag v9.4.0 (Apache-2.0). */
static const struct {
    const char *path, *type;
    bool is_array;
} published[] = {
    {"@timestamp", "date", false},
    {"client.address", "keyword", false},
    {"client.domain", "keyword", false},
    {"client.ip", "ip", false},
    {"client.port", "long", false},
    {"container.id", "keyword", false},
    {"container.image.name", "keyword", false},
    {"container.name", "keyword", false},
    {"destination.address", "keyword", false},
    {"destination.bytes", "long", false},
    {"destination.domain", "keyword", false},
    {"destination.ip", "ip", false},
    {"destination.port", "long", false},
    {"ecs.version", "keyword", false},
    {"error.message", "match_only_text", false},
    {"error.stack_trace", "wildcard", false},
    {"error.type", "keyword", false},
    {"event.action", "keyword", false},
    {"event.category", "keyword", true},
    {"event.code", "keyword", false},
    {"event.created", "date", false},
    {"event.dataset", "keyword", false},
    {"event.duration", "long", false},
    {"event.id", "keyword", false},
    {"event.ingested", "date", false},
    {"event.kind", "keyword", false},
    {"event.original", "keyword", false},
    {"event.outcome", "keyword", false},
    {"event.provider", "keyword", false},
    {"event.reason", "keyword", false},
    {"event.sequence", "long", false},
    {"event.severity", "long", false},
    {"event.type", "keyword", true},
    {"file.extension", "keyword", false},
    {"file.hash.sha256", "keyword", false},
    {"file.mime_type", "keyword", false},
    {"file.name", "keyword", false},
    {"file.path", "keyword", false},
    {"file.size", "long", false},
    {"gen_ai.agent.id", "keyword", false},
    {"gen_ai.agent.name", "keyword", false},
    {"gen_ai.operation.name", "keyword", false},
    {"gen_ai.request.model", "keyword", false},
    {"gen_ai.response.id", "keyword", false},
    {"gen_ai.response.model", "keyword", false},
    {"gen_ai.system", "keyword", false},
    {"gen_ai.tool.call.id", "keyword", false},
    {"gen_ai.tool.name", "keyword", false},
    {"gen_ai.usage.input_tokens", "integer", false},
    {"gen_ai.usage.output_tokens", "integer", false},
    {"host.architecture", "keyword", false},
    {"host.id", "keyword", false},
    {"host.name", "keyword", false},
    {"host.os.name", "keyword", false},
    {"host.os.type", "keyword", false},
    {"host.os.version", "keyword", false},
    {"http.request.method", "keyword", false},
    {"http.response.status_code", "long", false},
    {"log.level", "keyword", false},
    {"message", "match_only_text", false},
    {"network.protocol", "keyword", false},
    {"network.transport", "keyword", false},
    {"orchestrator.cluster.name", "keyword", false},
    {"orchestrator.namespace", "keyword", false},
    {"orchestrator.resource.name", "keyword", false},
    {"organization.id", "keyword", false},
    {"process.args", "keyword", true},
    {"process.command_line", "wildcard", false},
    {"process.executable", "keyword", false},
    {"process.exit_code", "long", false},
    {"process.name", "keyword", false},
    {"process.parent.pid", "long", false},
    {"process.pid", "long", false},
    {"process.user.name", "keyword", false},
    {"process.working_directory", "keyword", false},
    {"rule.name", "keyword", false},
    {"rule.ruleset", "keyword", false},
    {"server.address", "keyword", false},
    {"server.domain", "keyword", false},
    {"server.ip", "ip", false},
    {"server.port", "long", false},
    {"service.environment", "keyword", false},
    {"service.name", "keyword", false},
    {"service.node.name", "keyword", false},
    {"service.version", "keyword", false},
    {"source.address", "keyword", false},
    {"source.bytes", "long", false},
    {"source.domain", "keyword", false},
    {"source.ip", "ip", false},
    {"source.port", "long", false},
    {"span.id", "keyword", false},
    {"trace.id", "keyword", false},
    {"url.domain", "keyword", false},
    {"url.full", "wildcard", false},
    {"url.scheme", "keyword", false},
    {"user.email", "keyword", false},
    {"user.id", "keyword", false},
    {"user.name", "keyword", false},
};

/* The values that ECS allows, from the same file. */
static const char *const allowed_kinds[] = {
    "alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal", NULL};
static const char *const allowed_categories[] = {
    "api",      "authentication", "configuration", "database",      "driver",
    "email",    "file",           "host",          "iam",           "intrusion_detection",
    "library",  "malware",        "network",       "package",       "process",
    "registry", "session",        "threat",        "vulnerability", "web",
    NULL};
static const char *const allowed_types[] = {
    "access",       "admin",    "allowed", "change", "connection", "creation",  "deletion",
    "denied",       "device",   "end",     "error",  "group",      "indicator", "info",
    "installation", "protocol", "start",   "user",   NULL};
static const char *const allowed_outcomes[] = {"failure", "success", "unknown", NULL};

static struct ecs_field fields[ECS_FIELDS_MAX];
static char paths[ECS_FIELDS_MAX][ECS_PATH_MAX];
static size_t field_count;
static struct error err;

static bool is_ours(const char *path)
{
    return strncmp(path, "ai_agent.", 9) == 0 || strcmp(path, "session.id") == 0;
}

static bool type_agrees(const struct ecs_field *field, const char *type, bool is_array)
{
    const char *own = field->type == ECS_DATE ? "date" : ecs_type_name((enum ecs_type)field->type);
    return strcmp(own, type) == 0 && is_array == (field->type == ECS_KEYWORDS);
}

static void test_fields_are_published_with_the_same_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        size_t at = 0;
        if (is_ours(fields[i].path))
            continue;
        while (at < COUNT_OF(published) && strcmp(published[at].path, fields[i].path) != 0)
            at++;
        if (at == COUNT_OF(published))
            fail_msg("%s is no field of ECS", fields[i].path);
        if (!type_agrees(&fields[i], published[at].type, published[at].is_array))
            fail_msg("%s has another type in ECS", fields[i].path);
    }
}

static void test_no_field_is_an_object_as_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        size_t size = strlen(fields[i].path);
        for (size_t at = 0; at < field_count; at++) {
            if (at == i)
                continue;
            assert_string_not_equal(fields[at].path, fields[i].path);
            if (strncmp(fields[at].path, fields[i].path, size) == 0 && fields[at].path[size] == '.')
                fail_msg("%s stands below %s", fields[at].path, fields[i].path);
        }
    }
}

static void test_each_key_of_the_model_has_a_field(void **state)
{
    (void)state;
    for (unsigned key = 0; key < SCHEMA_KEY_COUNT; key++) {
        size_t at = 0;
        while (at < field_count && !(fields[at].key == key && (fields[at].source <= FROM_DOMAIN ||
                                                               fields[at].source == FROM_EITHER)))
            at++;
        if (at == field_count)
            fail_msg("%s has no field", schema_attributes[key].key);
    }
}

/* A field whose type holds what the key may say: a number no text, a list no single value. */
static void test_fields_can_hold_what_their_keys_say(void **state)
{
    static const char *const held[] = {[VALUE_TEXT] = "keyword match_only_text wildcard ip",
                                       [VALUE_INT] = "long integer",
                                       [VALUE_DOUBLE] = "double long", /* of nanoseconds */
                                       [VALUE_BOOL] = "boolean",
                                       [VALUE_TEXTS] = "keyword"};
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].source == FROM_RECORD || fields[i].key >= SCHEMA_KEY_COUNT)
            continue;
        enum value_type type = schema_attributes[fields[i].key].type;
        assert_non_null(strstr(held[type], ecs_type_name((enum ecs_type)fields[i].type)));
        assert_int_equal(type == VALUE_TEXTS, fields[i].type == ECS_KEYWORDS);
        assert_int_equal(fields[i].source == FROM_MS,
                         type == VALUE_DOUBLE && fields[i].type == ECS_LONG);
    }
}

static bool is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(word, *words) == 0)
            return true;
    }
    return false;
}

static void check_verdict(void *context, const struct record_group *group,
                          const struct normalized *record)
{
    struct record_reader *reader = context;
    struct record_facts facts;
    struct ecs_verdict verdict;

    (void)group;
    assert_int_equal(record_reader_read(reader, buf_slice(&record->bytes), &facts, &err), ST_OK);
    assert_in_range(reader->kind, 0, KIND_COUNT - 1);
    const struct ecs_kind_row *row = &ecs_kind_rows[reader->kind];
    ecs_judge(reader, reader->kind, &verdict);
    assert_true(is_among(verdict.kind, allowed_kinds));
    if (strcmp(verdict.kind, "event") != 0)
        assert_non_null(strstr(row->categories, verdict.kind));
    for (size_t i = 0; verdict.categories[i] != NULL; i++) {
        assert_true(is_among(verdict.categories[i], allowed_categories));
        assert_non_null(strstr(row->categories, verdict.categories[i]));
    }
    assert_non_null(verdict.types[0]);
    for (size_t i = 0; verdict.types[i] != NULL; i++) {
        assert_true(is_among(verdict.types[i], allowed_types));
        assert_non_null(strstr(row->types, verdict.types[i]));
    }
    assert_true(is_among(verdict.outcome, allowed_outcomes));
}

static void test_verdicts_are_allowed_and_documented(void **state)
{
    struct record_reader *reader = NULL;
    const struct record_group none = {.signal = SIGNAL_LOGS};
    (void)state;
    assert_int_equal(record_reader_create(&reader, &err), ST_OK);
    assert_int_equal(record_reader_set_group(reader, &none, &err), ST_OK);
    const struct recorded_session_reader on_each = {check_verdict, reader};
    every_record_read(&on_each);
    record_reader_destroy(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_published_with_the_same_type),
        cmocka_unit_test(test_no_field_is_an_object_as_well),
        cmocka_unit_test(test_each_key_of_the_model_has_a_field),
        cmocka_unit_test(test_fields_can_hold_what_their_keys_say),
        cmocka_unit_test(test_verdicts_are_allowed_and_documented),
    };
    field_count = ecs_all_fields(fields, paths);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
