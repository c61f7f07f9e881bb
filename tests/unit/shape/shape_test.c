/* SPDX-License-Identifier: Apache-2.0 */
/* shape_test.c -- what is true of every document: it is JSON, says all that the record says, has
 * no members but those of its shape, and never two types at one path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "support/collected.h"
#include "support/every_record.h"
#include "support/made_record.h"
#include "support/random_otlp.h"
#include "telltale/shape.h"
#include "wire/otlp.h"

enum { OUT_MAX = 1 << 26, PATHS_MAX = 4096, LEAVES_MAX = 20000, PATH_SIZE = 256 };

static struct error err;

static const struct shape_options options = {.dataset = "agents", .data_namespace = "default"};

/* What may stand at the top; of cim the keys of the model besides. */
static const char *const members[SHAPE_COUNT][40] = {
    [SHAPE_OTEL] = {"@timestamp", "observed_timestamp", "data_stream", "severity_number",
                    "severity_text", "event_name", "trace_id", "span_id", "trace_flags",
                    "dropped_attributes_count", "body", "attributes", "attribute_list", "resource",
                    "scope", NULL},
    [SHAPE_ECS] = {"@timestamp",  "ai_agent",     "client",     "container",
                   "data_stream", "destination",  "ecs",        "error",
                   "event",       "file",         "gen_ai",     "host",
                   "http",        "log",          "message",    "network",
                   "rule",        "orchestrator", "process",    "organization",
                   "server",      "service",      "session",    "source",
                   "span",        "trace",        "url",        "user",
                   "resource",    "scope",        "attributes", "attribute_list",
                   NULL},
    [SHAPE_OCSF_1_9] = {"ai_agent", NULL},
    [SHAPE_CIM] = {"timestamp",
                   "vendor_product",
                   "action",
                   "app",
                   "user",
                   "dest",
                   "src",
                   "severity",
                   "signature",
                   "id",
                   "object",
                   "object_category",
                   "status",
                   "duration",
                   "event_name",
                   "observed_timestamp",
                   "severity_number",
                   "severity_text",
                   "trace_id",
                   "span_id",
                   "trace_flags",
                   "dropped_attributes_count",
                   "resource",
                   "scope",
                   "body",
                   "attributes",
                   "attribute_list",
                   NULL},
};
static const char *const ocsf_names[] = {"class_uid",
                                         "class_name",
                                         "category_uid",
                                         "category_name",
                                         "activity_id",
                                         "activity_name",
                                         "type_uid",
                                         "time",
                                         "severity_id",
                                         "severity",
                                         "status_id",
                                         "status",
                                         "status_detail",
                                         "status_code",
                                         "message",
                                         "metadata",
                                         "actor",
                                         "device",
                                         "duration",
                                         "raw_data",
                                         "observables",
                                         "unmapped",
                                         "action_id",
                                         "action",
                                         "disposition_id",
                                         "disposition",
                                         "risk_level_id",
                                         "risk_level",
                                         "policy",
                                         "ai_model",
                                         "message_context",
                                         "process",
                                         "exit_code",
                                         "file",
                                         "script",
                                         "finding_info",
                                         "evidences",
                                         "user",
                                         "service",
                                         "auth_protocol_id",
                                         "auth_protocol",
                                         "privileges",
                                         "src_endpoint",
                                         "dst_endpoint",
                                         "connection_info",
                                         "app_protocol_name",
                                         "traffic",
                                         "http_request",
                                         "http_response",
                                         "url",
                                         "app",
                                         "api",
                                         "resources",
                                         NULL};
static const char *const cim_names[] = {"authentication_method",
                                        "bytes_in",
                                        "bytes_out",
                                        "dest_port",
                                        "file_hash",
                                        "file_name",
                                        "file_path",
                                        "file_size",
                                        "http_method",
                                        "parent_process_id",
                                        "process",
                                        "process_current_directory",
                                        "process_id",
                                        "process_name",
                                        "process_path",
                                        "reason",
                                        "session_id",
                                        "src_port",
                                        "transport",
                                        "url",
                                        "url_domain",
                                        "user_id",
                                        NULL};

/* Objects that an index takes as one field, whatever is in them. */
static const char *const containers[] = {"attributes",
                                         "resource.attributes",
                                         "scope.attributes",
                                         "body.structured",
                                         "unmapped.attributes",
                                         "unmapped.resource.attributes",
                                         "unmapped.scope.attributes",
                                         NULL};

struct path {
    char text[PATH_SIZE];
    int type;
};

struct leaves {
    char *texts[LEAVES_MAX]; /* owned */
    size_t count;
};

struct walk {
    enum shape shape;
    struct shaper *shaper;
    struct path *paths;
    size_t path_count;
    size_t documents;
};

static bool is_among(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(text, *list) == 0)
            return true;
    }
    return false;
}

/* --- One type at each path ------------------------------------------------------------------ */

static int type_of(const cJSON *node)
{
    int type = node->type & 0xff;
    return type == cJSON_False ? cJSON_True : type;
}

static void check_path(struct walk *walk, const char *path, const cJSON *node)
{
    for (size_t i = 0; i < walk->path_count; i++) {
        if (strcmp(walk->paths[i].text, path) != 0)
            continue;
        if (walk->paths[i].type != type_of(node))
            fail_msg("%s has two types", path);
        return;
    }
    assert_true(walk->path_count < PATHS_MAX);
    struct path *added = &walk->paths[walk->path_count++];
    (void)snprintf(added->text, sizeof(added->text), "%s", path);
    added->type = type_of(node);
}

static void check_types(struct walk *walk, const char *path, const cJSON *node)
{
    char below[PATH_SIZE];

    if (path[0] != '\0')
        check_path(walk, path, node);
    if (is_among(path, containers))
        return;
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        int size = cJSON_IsArray(node) ? snprintf(below, sizeof(below), "%s[]", path)
                                       : snprintf(below, sizeof(below), "%s%s%s", path,
                                                  path[0] != '\0' ? "." : "", child->string);
        assert_in_range(size, 1, sizeof(below) - 1);
        check_types(walk, below, child);
    }
}

/* --- Keys stand once, and only those of the shape --------------------------------------------- */

static void check_keys_once(const cJSON *node)
{
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        for (const cJSON *other = child->next; cJSON_IsObject(node) && other != NULL;
             other = other->next)
            assert_string_not_equal(child->string, other->string);
        check_keys_once(child);
    }
}

static bool is_of_model(const char *name)
{
    for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++) {
        if (strcmp(schema_attributes[key].key, name) == 0)
            return true;
    }
    return false;
}

static void check_members(enum shape shape, const cJSON *tree)
{
    for (const cJSON *child = tree->child; child != NULL; child = child->next) {
        bool is_known = is_among(child->string, members[shape]) ||
                        (shape == SHAPE_CIM &&
                         (is_of_model(child->string) || is_among(child->string, cim_names))) ||
                        (shape_is_ocsf(shape) && is_among(child->string, ocsf_names));
        if (!is_known)
            fail_msg("%s of %s", child->string, shape_name(shape));
    }
}

/* --- Everything is said ------------------------------------------------------------------------
 */

static void add_leaf(struct leaves *leaves, const char *text)
{
    assert_true(leaves->count < LEAVES_MAX);
    leaves->texts[leaves->count] = strdup(text);
    assert_non_null(leaves->texts[leaves->count++]);
}

static void add_number(struct leaves *leaves, double number)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%.12g", number);
    add_leaf(leaves, text);
}

/* Texts that are JSON are looked into. */
static void gather_leaves(struct leaves *leaves, const cJSON *node)
{
    if (cJSON_IsString(node)) {
        add_leaf(leaves, node->valuestring);
        if (node->valuestring[0] == '{' || node->valuestring[0] == '[') {
            cJSON *inner = cJSON_Parse(node->valuestring);
            if (inner != NULL)
                gather_leaves(leaves, inner);
            cJSON_Delete(inner);
        }
        char *end;
        double number = strtod(node->valuestring, &end);
        if (*end == '\0' && end != node->valuestring)
            add_number(leaves, number);
    } else if (cJSON_IsNumber(node)) {
        add_number(leaves, node->valuedouble);
    } else if (cJSON_IsBool(node)) {
        add_leaf(leaves, cJSON_IsTrue(node) ? "true" : "false");
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        gather_leaves(leaves, child);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool has_leaf(const struct leaves *leaves, const char *text)
{
    return bsearch(&text, leaves->texts, leaves->count, sizeof(text), compare_texts) != NULL;
}

static void check_said(const struct leaves *leaves, const struct any_view *value)
{
    char number[64];

    if (value->type == ANY_TYPE_ARRAY || value->type == ANY_TYPE_KVLIST) {
        struct pb_walk walk = pb_walk_start(value->bytes);
        struct pb_field field;
        while (pb_next(&walk, &field) == PB_FIELD) {
            struct attribute_view inner;
            if (field.number != LIST_VALUES)
                continue;
            if (value->type == ANY_TYPE_ARRAY)
                assert_int_equal(otlp_read_any(field.bytes, &inner.value, &err), ST_OK);
            else
                assert_int_equal(otlp_read_attribute(field.bytes, &inner, &err), ST_OK);
            check_said(leaves, &inner.value);
        }
        return;
    }
    if (value->type == ANY_TYPE_STRING) {
        char *text = strndup((const char *)value->bytes.data, value->bytes.size);
        assert_non_null(text);
        if (!has_leaf(leaves, text))
            fail_msg("'%s' is not in the document", text);
        free(text);
    } else if (value->type == ANY_TYPE_BOOL) {
        assert_true(has_leaf(leaves, value->integer != 0 ? "true" : "false"));
    } else if (value->type == ANY_TYPE_INT || value->type == ANY_TYPE_DOUBLE) {
        (void)snprintf(number, sizeof(number), "%.12g",
                       value->type == ANY_TYPE_INT ? (double)value->integer : value->number);
        if (!has_leaf(leaves, number) && strstr(number, "n") == NULL) /* nan, inf */
            fail_msg("%s is not in the document", number);
    }
}

static void check_all_said(const cJSON *tree, const struct record_view *view)
{
    static struct leaves leaves;

    gather_leaves(&leaves, tree);
    qsort(leaves.texts, leaves.count, sizeof(leaves.texts[0]), compare_texts);
    for (size_t i = 0; i < view->attribute_count; i++)
        check_said(&leaves, &view->attributes[i].value);
    check_said(&leaves, &view->body);
    while (leaves.count > 0)
        free(leaves.texts[--leaves.count]);
}

/* --- The walk ------------------------------------------------------------------------------------
 */

static cJSON *make_document(struct shaper *shaper, const struct record_group *group,
                            struct slice record)
{
    struct record_facts facts;
    struct buf document;

    buf_init(&document, OUT_MAX);
    assert_int_equal(shaper_set_group(shaper, group, &err), ST_OK);
    assert_int_equal(shaper_read(shaper, record, &facts, &err), ST_OK);
    assert_int_equal(shaper_append(shaper, &document, &err), ST_OK);
    assert_null(memchr(document.data, '\n', document.size));
    const char *end = NULL;
    assert_int_equal(buf_append(&document, "", 1, &err), ST_OK);
    cJSON *tree = cJSON_ParseWithOpts((const char *)document.data, &end, 1);
    if (tree == NULL)
        fail_msg("no JSON: %.2000s", (const char *)document.data);
    assert_true(cJSON_IsObject(tree));
    buf_fini(&document);
    return tree;
}

static void check_document(struct walk *walk, const struct record_group *group,
                           const struct record_view *view, struct slice record)
{
    cJSON *tree = make_document(walk->shaper, group, record);
    walk->documents++;
    check_keys_once(tree);
    check_members(walk->shape, tree);
    check_types(walk, "", tree);
    check_all_said(tree, view);
    cJSON_Delete(tree);
}

static void check_record(void *context, const struct record_group *group,
                         const struct normalized *record)
{
    check_document(context, group, &record->whole, buf_slice(&record->bytes));
}

static void walk_init(struct walk *walk, enum shape shape)
{
    *walk = (struct walk){.shape = shape};
    walk->paths = calloc(PATHS_MAX, sizeof(*walk->paths));
    assert_non_null(walk->paths);
    assert_int_equal(shaper_create(shape, &options, &walk->shaper, &err), ST_OK);
}

static void walk_fini(struct walk *walk)
{
    shaper_destroy(walk->shaper);
    free(walk->paths);
}

static void test_documents_of_all_records_can_share_an_index(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        struct walk walk;
        walk_init(&walk, (enum shape)shape);
        const struct recorded_session_reader reader = {check_record, &walk};
        every_record_read(&reader);
        assert_true(walk.documents > 300);
        walk_fini(&walk);
    }
}

static void check_random_request(struct walk *walk, struct random *random)
{
    static struct attribute_view attributes[NORMALIZED_ATTRIBUTES_MAX];
    struct buf request;
    struct collected collected;
    struct record_view view;

    buf_init(&request, OUT_MAX);
    random_request(random, &request);
    assert_int_equal(collected_read(&collected, buf_slice(&request), &err), ST_OK);
    for (size_t i = 0; i < collected.record_count; i++) {
        const struct record *record = &collected.records[i];
        if (otlp_read_record(record->bytes, &otlp_limits_default, attributes,
                             NORMALIZED_ATTRIBUTES_MAX, &view, &err) != ST_OK)
            continue;
        check_document(walk, &collected.groups[record->group_index], &view, record->bytes);
    }
    collected_fini(&collected);
    buf_fini(&request);
}

static void test_records_that_no_agent_sends_can_share_it_too(void **state)
{
    enum { REQUESTS = 60 };
    (void)state;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        struct walk walk;
        struct random random = {.state = 7};
        walk_init(&walk, (enum shape)shape);
        for (int i = 0; i < REQUESTS; i++)
            check_random_request(&walk, &random);
        assert_true(walk.documents > REQUESTS);
        walk_fini(&walk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_of_all_records_can_share_an_index),
        cmocka_unit_test(test_records_that_no_agent_sends_can_share_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
