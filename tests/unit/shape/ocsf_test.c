/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_test.c -- documents of OCSF against the published schema: every class and object has what it
 * requires and nothing that is unknown, of the types and values that it may have.
 *
 * ocsf_schema.json has the parts of OCSF that we fill, of versions 1.8.0 and 1.9.0-dev; its source
 * and its making are in ocsf_schema.py. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "shape/ocsf_kind.h"
#include "support/collected.h"
#include "support/every_record.h"
#include "support/made_record.h"
#include "support/random_otlp.h"
#include "telltale/shape.h"

#define SCHEMA_FILE TEST_CORPUS_DIR "/../unit/shape/ocsf_schema.json"

enum { OUT_MAX = 1 << 26, PATH_SIZE = 256, PORT_MAX = 65535, ALL_CLASSES = OCSF_CLASS_COUNT };

static struct error err;

struct checking {
    struct shaper *shaper;
    const cJSON *schema; /* of the version */
    FILE *out;           /* where the documents are wanted; NULL: nowhere */
    size_t documents;
    bool has_class[ALL_CLASSES];
};

static cJSON *read_json(const char *path)
{
    FILE *file = fopen(path, "r");
    struct buf text;
    char part[4096];
    size_t size;

    assert_non_null(file);
    buf_init(&text, OUT_MAX);
    while ((size = fread(part, 1, sizeof(part), file)) > 0)
        assert_int_equal(buf_append(&text, part, size, &err), ST_OK);
    assert_int_equal(fclose(file), 0);
    cJSON *tree = cJSON_ParseWithLength((const char *)text.data, text.size);
    assert_non_null(tree);
    buf_fini(&text);
    return tree;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    assert_non_null(text);
    return text;
}

static bool has_text(const cJSON *list, const char *text)
{
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        if (strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

/* --- Values ---------------------------------------------------------------------------------- */

static void check_enum(const char *path, const cJSON *attribute, const cJSON *value)
{
    const cJSON *allowed = member(attribute, "enum");
    char number[32];

    if (allowed == NULL)
        return;
    (void)snprintf(number, sizeof(number), "%.0f", value->valuedouble);
    const char *text = cJSON_IsString(value) ? value->valuestring : number;
    if (!has_text(allowed, text))
        fail_msg("%s may not be %s", path, text);
}

static void check_pattern(const char *path, const char *pattern, const char *text)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("%s: %s", path, text);
    regfree(&regex);
}

static void check_scalar(const char *path, const char *type, const cJSON *value)
{
    static const char *const integers[] = {"integer_t", "long_t", "timestamp_t", "port_t"};

    for (size_t i = 0; i < COUNT_OF(integers); i++) {
        if (strcmp(type, integers[i]) != 0)
            continue;
        if (!cJSON_IsNumber(value) || value->valuedouble != (double)(int64_t)value->valuedouble)
            fail_msg("%s is no %s", path, type);
        if (strcmp(type, "port_t") == 0)
            assert_in_range((int64_t)value->valuedouble, 0, PORT_MAX);
        if (strcmp(type, "integer_t") == 0)
            assert_int_equal((int32_t)value->valuedouble, (int64_t)value->valuedouble);
        return;
    }
    if (!cJSON_IsString(value))
        fail_msg("%s is no %s", path, type);
    if (strcmp(type, "ip_t") == 0)
        check_pattern(path, "^([0-9]{1,3}[.]){3}[0-9]{1,3}$|^[0-9A-Fa-f:.]{2,40}$",
                      value->valuestring);
    if (strcmp(type, "email_t") == 0)
        check_pattern(path, "^[a-zA-Z0-9!#$%&'*+-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\\.[a-zA-Z0-9.-]+$",
                      value->valuestring);
}

/* --- Objects --------------------------------------------------------------------------------- */

static void check_required(const char *path, const cJSON *definition, const cJSON *object)
{
    const cJSON *one_of = member(definition, "at_least_one");
    bool has_one = one_of == NULL;

    for (const cJSON *name = member(definition, "required")->child; name != NULL;
         name = name->next) {
        if (member(object, name->valuestring) == NULL)
            fail_msg("%s lacks %s", path, name->valuestring);
    }
    for (const cJSON *name = one_of == NULL ? NULL : one_of->child; name != NULL; name = name->next)
        has_one = has_one || member(object, name->valuestring) != NULL;
    if (!has_one)
        fail_msg("%s has none of what it needs", path);
}

static void check_object(const struct checking *checking, const char *path, const cJSON *definition,
                         const cJSON *object, const cJSON *profiles);

static void check_value(const struct checking *checking, const char *path, const cJSON *attribute,
                        const cJSON *value)
{
    const char *type = text_of(attribute, "type");
    const cJSON *object = member(member(checking->schema, "objects"), type);

    if (object != NULL)
        check_object(checking, path, object, value, NULL);
    else if (strcmp(type, "object") == 0) /* unmapped: anything */
        assert_true(cJSON_IsObject(value));
    else
        check_scalar(path, type, value);
    check_enum(path, attribute, value);
}

static void check_attribute(const struct checking *checking, const char *path,
                            const cJSON *definition, const cJSON *value, const cJSON *profiles)
{
    const cJSON *attribute = member(member(definition, "attributes"), value->string);
    char below[PATH_SIZE];

    int size = snprintf(below, sizeof(below), "%s.%s", path, value->string);
    assert_in_range(size, 1, sizeof(below) - 1);
    if (attribute == NULL)
        fail_msg("%s is unknown", below);
    const cJSON *profile = member(attribute, "profile");
    if (profile != NULL && profiles != NULL && !has_text(profiles, profile->valuestring))
        fail_msg("%s needs the profile %s", below, profile->valuestring);
    if (member(attribute, "is_array") == NULL) {
        check_value(checking, below, attribute, value);
        return;
    }
    assert_true(cJSON_IsArray(value));
    for (const cJSON *item = value->child; item != NULL; item = item->next)
        check_value(checking, below, attribute, item);
}

static void check_object(const struct checking *checking, const char *path, const cJSON *definition,
                         const cJSON *object, const cJSON *profiles)
{
    if (!cJSON_IsObject(object))
        fail_msg("%s is no object", path);
    check_required(path, definition, object);
    for (const cJSON *value = object->child; value != NULL; value = value->next)
        check_attribute(checking, path, definition, value, profiles);
}

/* --- Documents ------------------------------------------------------------------------------- */

static double number_at(const cJSON *tree, const char *name)
{
    const cJSON *value = member(tree, name);
    assert_true(cJSON_IsNumber(value));
    return value->valuedouble;
}

static void check_observables(const cJSON *tree)
{
    const cJSON *list = member(tree, "observables");

    for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL; item = item->next) {
        char *path = strdup(text_of(item, "name")), *rest = path, *part;
        const cJSON *node = tree;
        assert_non_null(path);
        while ((part = strsep(&rest, ".")) != NULL) {
            node = member(node, part);
            node = cJSON_IsArray(node) ? node->child : node;
            if (node == NULL)
                fail_msg("nothing at the observable %s", text_of(item, "name"));
        }
        if (cJSON_IsString(node))
            assert_string_equal(node->valuestring, text_of(item, "value"));
        else
            assert_true(node->valuedouble == strtod(text_of(item, "value"), NULL));
        free(path);
    }
}

/* Numbers that stand in another one too. */
static void check_numbers(const cJSON *tree, const cJSON *class)
{
    double uid = number_at(tree, "class_uid");

    assert_string_equal(text_of(tree, "class_name"), text_of(class, "caption"));
    assert_true(number_at(tree, "category_uid") == (double)((int)uid / 1000));
    assert_true(number_at(tree, "type_uid") == uid * 100 + number_at(tree, "activity_id"));
}

/* The page tells of the class of each kind. */
static void check_page(const cJSON *tree, const char *uid)
{
    const cJSON *kind = member(member(tree, "unmapped"), "agent.event.kind");

    for (size_t i = 0; i < KIND_COUNT && cJSON_IsString(kind); i++) {
        if (strcmp(schema_kinds[i].name, kind->valuestring) == 0 &&
            strstr(ocsf_kind_rows[i].classes, uid) == NULL)
            fail_msg("%s is not documented as %s", kind->valuestring, uid);
    }
}

static cJSON *make_document(struct checking *checking, const struct record_group *group,
                            struct slice record)
{
    struct record_facts facts;
    struct buf document;

    buf_init(&document, OUT_MAX);
    assert_int_equal(shaper_set_group(checking->shaper, group, &err), ST_OK);
    assert_int_equal(shaper_read(checking->shaper, record, &facts, &err), ST_OK);
    assert_int_equal(shaper_append(checking->shaper, &document, &err), ST_OK);
    cJSON *tree = cJSON_ParseWithLength((const char *)document.data, document.size);
    assert_non_null(tree);
    if (checking->out != NULL)
        (void)fprintf(checking->out, "%.*s\n", (int)document.size, (const char *)document.data);
    buf_fini(&document);
    return tree;
}

static void check_document(struct checking *checking, const struct record_group *group,
                           struct slice record)
{
    cJSON *tree = make_document(checking, group, record);
    char uid[32];

    checking->documents++;
    (void)snprintf(uid, sizeof(uid), "%.0f", number_at(tree, "class_uid"));
    for (size_t i = 0; i < ALL_CLASSES; i++)
        checking->has_class[i] = checking->has_class[i] || ocsf_classes[i].uid == atoi(uid);
    if (checking->schema != NULL) {
        const cJSON *class = member(member(checking->schema, "classes"), uid);
        assert_non_null(class);
        check_object(checking, uid, class, tree, member(member(tree, "metadata"), "profiles"));
        check_numbers(tree, class);
        assert_string_equal(text_of(member(tree, "metadata"), "version"),
                            text_of(checking->schema, "version"));
    }
    check_observables(tree);
    check_page(tree, uid);
    cJSON_Delete(tree);
}

static void check_record(void *context, const struct record_group *group,
                         const struct normalized *record)
{
    check_document(context, group, buf_slice(&record->bytes));
}

/* What no agent sends: odd values at the keys of the model, or none. */
static void check_random_records(struct checking *checking)
{
    enum { REQUESTS = 60 };
    struct random random = {.state = 11};

    for (int i = 0; i < REQUESTS; i++) {
        struct buf request;
        struct collected collected;
        struct record_facts facts;
        buf_init(&request, OUT_MAX);
        random_request(&random, &request);
        assert_int_equal(collected_read(&collected, buf_slice(&request), &err), ST_OK);
        for (size_t at = 0; at < collected.record_count; at++) {
            const struct record *record = &collected.records[at];
            const struct record_group *group = &collected.groups[record->group_index];
            assert_int_equal(shaper_set_group(checking->shaper, group, &err), ST_OK);
            if (shaper_read(checking->shaper, record->bytes, &facts, &err) == ST_OK)
                check_document(checking, group, record->bytes);
        }
        collected_fini(&collected);
        buf_fini(&request);
    }
}

/* --- Cases ----------------------------------------------------------------------------------- */

enum { PAIRS_MAX = 6, NONE = -1 };

struct verdict_case {
    const char *kind;
    const char *pairs[PAIRS_MAX][2];
    int type_uid, action, disposition;
};

static const struct verdict_case cases[] = {
    {"agent.session", {{"agent.event.phase", "start"}, {"session.id", "s"}}, 600203, NONE, NONE},
    {"agent.session", {{"agent.event.phase", "end"}, {"session.id", "s"}}, 600204, NONE, NONE},
    {"agent.tool",
     {{"gen_ai.tool.name", "Bash"},
      {"agent.tool.category", "shell"},
      {"agent.event.phase", "start"},
      {"process.command_line", "ls"}},
     100701,
     NONE,
     NONE},
    {"agent.tool",
     {{"gen_ai.tool.name", "Bash"},
      {"agent.tool.category", "shell"},
      {"agent.event.phase", "end"},
      {"agent.outcome", "denied"}},
     100701,
     2,
     2},
    {"agent.tool",
     {{"gen_ai.tool.name", "Write"},
      {"agent.tool.category", "file_write"},
      {"file.path", "/src/"},
      {"agent.file.operation", "create"}},
     100101,
     NONE,
     NONE},
    {"agent.tool",
     {{"gen_ai.tool.name", "Read"}, {"agent.tool.category", "file_read"}},
     600302,
     NONE,
     NONE},
    {"agent.tool",
     {{"gen_ai.tool.name", "Fetch"},
      {"agent.tool.category", "web_fetch"},
      {"url.full", "https://example.com/a"},
      {"url.domain", "example.com"}},
     400203,
     NONE,
     NONE},
    {"agent.tool",
     {{"gen_ai.tool.name", "Fetch"},
      {"agent.tool.category", "web_fetch"},
      {"url.domain", "example.com"}},
     600302,
     NONE,
     NONE},
    {"agent.tool", {{"gen_ai.tool.name", "x"}, {"agent.tool.category", "mcp"}}, 600399, NONE, NONE},
    {"agent.approval",
     {{"agent.decision.outcome", "allow"},
      {"agent.decision.source", "user"},
      {"gen_ai.tool.name", "Bash"}},
     600399,
     1,
     8},
    {"agent.approval",
     {{"agent.decision.outcome", "allow"},
      {"agent.decision.source", "config"},
      {"agent.decision.scope", "permanent"},
      {"gen_ai.tool.name", "Bash"}},
     300301,
     1,
     1},
    {"agent.approval",
     {{"agent.decision.outcome", "deny"}, {"agent.decision.source", "user"}},
     600399,
     2,
     25},
    {"agent.approval",
     {{"agent.decision.outcome", "modify"}, {"agent.decision.source", "hook"}},
     600399,
     4,
     1},
    {"agent.approval",
     {{"agent.decision.outcome", "deny"}, {"agent.decision.source", "config"}},
     600399,
     2,
     2},
    {"agent.approval",
     {{"agent.decision.outcome", "ask"}, {"agent.decision.source", "config"}},
     600399,
     0,
     17},
    {"agent.review",
     {{"agent.decision.outcome", "deny"},
      {"agent.decision.source", "auto_reviewer"},
      {"agent.review.risk_level", "critical"},
      {"process.command_line", "rm -rf /"},
      {"file.path", "/etc/passwd"},
      {"server.address", "::1"}},
     200401,
     2,
     2},
    {"agent.file",
     {{"file.path", "/a/new"},
      {"agent.file.path_previous", "/a/old"},
      {"agent.file.operation", "rename"}},
     100105,
     NONE,
     NONE},
    {"agent.network",
     {{"server.address", "example.com"}, {"agent.decision.outcome", "deny"}},
     400105,
     2,
     2},
    {"agent.network",
     {{"server.address", "10.1.2.3"}, {"agent.outcome", "failure"}},
     400104,
     NONE,
     NONE},
    {"agent.network",
     {{"server.address", "example.com"}, {"http.request.method", "POST"}},
     400206,
     NONE,
     NONE},
    {"agent.network",
     {{"server.address", "example.com"}, {"http.request.method", "BREW"}},
     400101,
     NONE,
     NONE},
    {"agent.mcp",
     {{"agent.mcp.server.name", "db"},
      {"agent.mcp.connection.state", "disconnected"},
      {"agent.mcp.server.origin", "stdio"}},
     100702,
     NONE,
     NONE},
    {"agent.mcp",
     {{"agent.mcp.server.name", "db"}, {"agent.mcp.connection.state", "failed"}},
     400104,
     NONE,
     NONE},
    {"agent.mcp", {{"mcp.method.name", "tools/list"}}, 600399, NONE, NONE},
    {"agent.sandbox", {{"agent.sandbox.outcome", "denied"}}, 100701, 2, 2},
    {"agent.extension",
     {{"agent.extension.type", "skill"}, {"agent.extension.action", "invoke"}},
     600203,
     NONE,
     NONE},
    {"agent.auth",
     {{"agent.auth.action", "logout"}, {"user.email", "no address"}},
     300202,
     NONE,
     NONE},
};

static void check_case(struct checking *checking, struct normalizer *normalizer,
                       const struct verdict_case *verdict)
{
    const struct record_group none = {.signal = SIGNAL_LOGS};
    struct made_record made;

    made_init(&made);
    for (size_t i = 0; i < PAIRS_MAX && verdict->pairs[i][0] != NULL; i++)
        made_text(&made, verdict->pairs[i][0], verdict->pairs[i][1]);
    struct normalized *record = made_normalize_native(&made, normalizer, verdict->kind);
    cJSON *tree = make_document(checking, &none, buf_slice(&record->bytes));
    const cJSON *action = member(tree, "action_id"), *disposition = member(tree, "disposition_id");
    if (number_at(tree, "type_uid") != verdict->type_uid)
        fail_msg("%s of %s is %.0f, not %d", verdict->kind, verdict->pairs[1][1],
                 number_at(tree, "type_uid"), verdict->type_uid);
    assert_int_equal(action == NULL ? NONE : action->valueint, verdict->action);
    assert_int_equal(disposition == NULL ? NONE : disposition->valueint, verdict->disposition);
    cJSON_Delete(tree);
    check_document(checking, &none, buf_slice(&record->bytes));
    normalized_destroy(record);
    made_fini(&made);
}

static void check_cases(struct checking *checking)
{
    struct normalizer *normalizer = made_normalizer();

    made_set_scope(normalizer, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(checking, normalizer, &cases[i]);
    normalizer_destroy(normalizer);
}

/* --- All ------------------------------------------------------------------------------------- */

/* With OCSF_DOCUMENTS the documents are written there and not judged: ocsf_schema.py does. */
static void check_version(enum shape shape, const char *name)
{
    const char *path = getenv("OCSF_DOCUMENTS");
    struct checking checking = {.out = path == NULL ? NULL : fopen(path, "a")};
    const struct recorded_session_reader reader = {check_record, &checking};
    cJSON *schema = NULL;

    if (checking.out == NULL) {
        schema = read_json(SCHEMA_FILE);
        checking.schema = member(schema, name);
        assert_non_null(checking.schema);
    }
    assert_int_equal(shaper_create(shape, NULL, &checking.shaper, &err), ST_OK);
    every_record_read(&reader);
    every_kind_read(&reader);
    check_random_records(&checking);
    check_cases(&checking);
    assert_true(checking.documents > 300);
    for (size_t i = 0; i < ALL_CLASSES; i++) {
        if (!checking.has_class[i])
            fail_msg("no document of %s", ocsf_classes[i].name);
    }
    shaper_destroy(checking.shaper);
    cJSON_Delete(schema);
    if (checking.out != NULL)
        assert_int_equal(fclose(checking.out), 0);
}

static void test_documents_are_valid_ocsf_1_8(void **state)
{
    (void)state;
    check_version(SHAPE_OCSF, "1.8.0");
}

static void test_documents_are_valid_ocsf_1_9(void **state)
{
    (void)state;
    check_version(SHAPE_OCSF_1_9, "1.9.0-dev");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_are_valid_ocsf_1_8),
        cmocka_unit_test(test_documents_are_valid_ocsf_1_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
