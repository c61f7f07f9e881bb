/* SPDX-License-Identifier: Apache-2.0 */
/* index_template_test.c -- the index templates in deploy/elastic have the fields that documents
 * have, with the types of the tables in src/shape/.  UPDATE_GOLDEN=1 writes them anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "shape/ecs_fields.h"
#include "support/golden.h"

#define DEPLOY_DIR TEST_CORPUS_DIR "/../../deploy/elastic"

enum { IGNORE_ABOVE = 8191 /* characters: Lucene's terms end at 32766 bytes */ };

/* A field whose type has another name in the other product. */
#define FLATTENED "flattened"

static bool for_opensearch;

static cJSON *add_object(cJSON *parent, const char *name)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    assert_non_null(object);
    return object;
}

static cJSON *object_at(cJSON *parent, const char *name)
{
    cJSON *found = cJSON_GetObjectItemCaseSensitive(parent, name);
    return found != NULL ? found : add_object(parent, name);
}

static void add_text(cJSON *parent, const char *name, const char *value)
{
    assert_non_null(cJSON_AddStringToObject(parent, name, value));
}

static void add_number(cJSON *parent, const char *name, double value)
{
    assert_non_null(cJSON_AddNumberToObject(parent, name, value));
}

/* `path` as "event.id", below `properties`. */
static cJSON *field_at(cJSON *properties, const char *path)
{
    const char *dot;
    char part[ECS_PATH_MAX];

    for (; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
        properties = object_at(object_at(properties, part), "properties");
    }
    assert_null(cJSON_GetObjectItemCaseSensitive(properties, path));
    return add_object(properties, path);
}

static void put_keyword(cJSON *field)
{
    add_text(field, "type", "keyword");
    add_number(field, "ignore_above", IGNORE_ABOVE);
}

static void put(cJSON *properties, const char *path, const char *type)
{
    cJSON *field = field_at(properties, path);
    bool is_flattened = strcmp(type, FLATTENED) == 0;

    if (strcmp(type, "keyword") == 0) {
        put_keyword(field);
        return;
    }
    add_text(field, "type", is_flattened && for_opensearch ? "flat_object" : type);
    if (is_flattened && !for_opensearch)
        add_number(field, "ignore_above", IGNORE_ABOVE);
}

static void put_ecs_field(cJSON *properties, const struct ecs_field *field)
{
    if (field->type == ECS_WILDCARD) { /* the type of that name is not in every distribution */
        cJSON *object = field_at(properties, field->path);
        put_keyword(object);
        add_text(object_at(add_object(object, "fields"), "text"), "type", "match_only_text");
    } else if (field->type == ECS_STORED) {
        cJSON *object = field_at(properties, field->path);
        add_text(object, "type", "keyword");
        assert_non_null(cJSON_AddFalseToObject(object, "index"));
        assert_non_null(cJSON_AddFalseToObject(object, "doc_values"));
    } else {
        put(properties, field->path, ecs_type_name((enum ecs_type)field->type));
    }
}

/* What both shapes have. */
static void put_common(cJSON *properties)
{
    static const char *const holders[] = {"", "resource.", "scope."};
    char path[ECS_PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(holders); i++) {
        snprintf(path, sizeof(path), "%sattributes", holders[i]);
        put(properties, path, FLATTENED);
        snprintf(path, sizeof(path), "%sattribute_list.key", holders[i]);
        put(properties, path, "keyword");
        snprintf(path, sizeof(path), "%sattribute_list.value", holders[i]);
        put(properties, path, "match_only_text");
    }
    put(properties, "resource.schema_url", "keyword");
    put(properties, "scope.name", "keyword");
    put(properties, "scope.version", "keyword");
    put(properties, "scope.schema_url", "keyword");
    put(properties, "data_stream.type", "keyword");
    put(properties, "data_stream.dataset", "keyword");
    put(properties, "data_stream.namespace", "keyword");
}

static void put_ecs(cJSON *properties)
{
    struct ecs_field fields[ECS_FIELDS_MAX];
    char paths[ECS_FIELDS_MAX][ECS_PATH_MAX];
    size_t count = ecs_all_fields(fields, paths);

    for (size_t i = 0; i < count; i++)
        put_ecs_field(properties, &fields[i]);
}

static void put_otel(cJSON *properties)
{
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"@timestamp", "date_nanos"},
        {"observed_timestamp", "date_nanos"},
        {"severity_number", "long"},
        {"severity_text", "keyword"},
        {"event_name", "keyword"},
        {"trace_id", "keyword"},
        {"span_id", "keyword"},
        {"trace_flags", "long"},
        {"body.text", "match_only_text"},
        {"body.structured", FLATTENED},
        {"dropped_attributes_count", "long"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        put(properties, rows[i].path, rows[i].type);
}

static cJSON *make_settings(void)
{
    cJSON *settings = cJSON_CreateObject();

    add_text(settings, "index.codec", "best_compression");
    add_text(settings, "index.refresh_interval", "5s");
    return settings;
}

/* What is not in the table is kept and not indexed, whatever it is: `dynamic` false. */
static cJSON *make_template(const char *pattern, void (*put_fields)(cJSON *properties))
{
    cJSON *all = cJSON_CreateObject();
    cJSON *patterns = cJSON_AddArrayToObject(all, "index_patterns");

    assert_true(cJSON_AddItemToArray(patterns, cJSON_CreateString(pattern)));
    add_number(all, "priority", 500);
    (void)add_object(all, "data_stream");
    if (!for_opensearch) { /* so that it can be installed without a lifecycle */
        const char *const names[] = {"telltale-lifecycle"};
        cJSON_AddItemToObject(all, "composed_of", cJSON_CreateStringArray(names, 1));
        cJSON_AddItemToObject(all, "ignore_missing_component_templates",
                              cJSON_CreateStringArray(names, 1));
    }
    cJSON *template = add_object(all, "template");
    assert_true(cJSON_AddItemToObject(template, "settings", make_settings()));
    cJSON *mappings = add_object(template, "mappings");
    assert_non_null(cJSON_AddFalseToObject(mappings, "dynamic"));
    assert_non_null(cJSON_AddFalseToObject(mappings, "date_detection"));
    cJSON *properties = add_object(mappings, "properties");
    put_fields(properties);
    put_common(properties);
    return all;
}

static void check(const char *product, const char *shape, const char *pattern,
                  void (*put_fields)(cJSON *properties))
{
    char path[512];

    for_opensearch = strcmp(product, "opensearch") == 0;
    cJSON *all = make_template(pattern, put_fields);
    char *text = cJSON_Print(all);
    assert_non_null(text);
    snprintf(path, sizeof(path), "%s/%s/index-template-%s.json", DEPLOY_DIR, product, shape);
    golden_check(path, slice_of_text(text));
    free(text);
    cJSON_Delete(all);
}

static void test_templates_have_the_fields_of_documents(void **state)
{
    static const char *const products[] = {"elasticsearch", "opensearch"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        check(products[i], "ecs", "logs-telltale-*", put_ecs);
        check(products[i], "otel", "logs-telltale.otel-*", put_otel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates_have_the_fields_of_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
