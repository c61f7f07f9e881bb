/* SPDX-License-Identifier: Apache-2.0 */
/* tables_test.c -- the tables that this build has, and what is made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/config_doc.h"
#include "config/config_print.h"
#include "config/config_tables.h"
#include "deliver/exporter_list.h"
#include "support/golden.h"
#include "telltale/retention.h"

#define TREE_DIR TEST_CORPUS_DIR "/../.."

enum { OUTPUT_SIZE_MAX = 1024 * 1024 };

static const struct config_dirs test_dirs = {.run_dir = "/run/test", .state_dir = "/state/test"};

static bool has_key(const struct config_field *fields, const char *key)
{
    for (const struct config_field *field = fields; field->key != NULL; field++) {
        if (strcmp(field->key, key) == 0)
            return true;
    }
    return false;
}

static void check_fields(const struct config_field *fields)
{
    for (const struct config_field *field = fields; field->key != NULL; field++) {
        assert_false(has_key(field + 1, field->key));
        assert_non_null(field->help);
        assert_true(field->max == 0 || field->max >= field->min);
        assert_true(field->type != CONFIG_ENUM || field->choices != NULL);
        assert_true(field->type != CONFIG_SECTION_MAP || field->item_size > sizeof(char *));
        if (field->fields != NULL)
            check_fields(field->fields);
    }
}

static void test_every_option_has_one_meaning_and_says_it(void **state)
{
    size_t count;
    const struct exporter_ops *const *exporters = exporter_list(&count);

    (void)state;
    assert_true(count > 0);
    check_fields(config_root_fields);
    check_fields(config_delivery_fields);
    for (size_t i = 0; i < count; i++) {
        check_fields(exporters[i]->fields);
        for (const struct config_field *field = exporters[i]->fields; field->key != NULL; field++)
            assert_false(has_key(config_delivery_fields, field->key));
    }
}

/* A default that its own table refuses is a broken invariant: it would end this program. */
static void test_every_default_is_good(void **state)
{
    char text[256];
    struct config_source source = {.path = "test.yaml", .dirs = &test_dirs};
    const struct config *config;
    struct error err;
    struct buf report;

    (void)state;
    source.exporters = exporter_list(&source.exporter_count);
    for (size_t i = 0; i < source.exporter_count; i++) {
        snprintf(text, sizeof(text), "exporters: { %s/x: {} }", source.exporters[i]->name);
        source.text = slice_of_text(text);
        buf_init(&report, OUTPUT_SIZE_MAX);
        enum status st = config_load(&source, &config, &report, &err);
        buf_fini(&report);
        if (st == ST_OK) {
            assert_int_equal(config->exporter_count, 1);
            config_destroy(config);
        } else {
            assert_int_equal(st, ST_INVALID); /* it requires options */
        }
    }
}

static void test_the_reference_page_is_that_of_the_tables(void **state)
{
    size_t count;
    const struct exporter_ops *const *exporters = exporter_list(&count);
    struct error err;
    struct buf out;

    (void)state;
    buf_init(&out, OUTPUT_SIZE_MAX);
    assert_int_equal(config_doc(exporters, count, &out, &err), ST_OK);
    golden_check(TREE_DIR "/docs/CONFIGURATION.md", buf_slice(&out));
    buf_fini(&out);
}

static void load_sample(const char *path)
{
    struct config_source source = {.path = path, .dirs = &test_dirs};
    const struct config *config = NULL;
    struct error err;
    struct buf report;

    source.exporters = exporter_list(&source.exporter_count);
    buf_init(&report, OUTPUT_SIZE_MAX);
    enum status st = config_load(&source, &config, &report, &err);
    if (st != ST_OK)
        fprintf(stderr, "%s\n%.*s\n", err.text, SLICE_ARG(buf_slice(&report)));
    assert_int_equal(st, ST_OK);
    buf_fini(&report);
    config_destroy(config);
}

static void test_the_sample_files_load(void **state)
{
    (void)state;
    load_sample(TREE_DIR "/deploy/telltale.yaml");
    load_sample(TREE_DIR "/deploy/container/telltale.yaml");
}

/* --- Sections with names of the file's own: the rules of the store's retention -----------------
 */

static const struct retention_config *retention_of(const struct config *config)
{
    const struct config_exporter *exporter = &config->exporters[0];

    for (const struct config_field *field = exporter->ops->fields; field->key != NULL; field++) {
        if (field->fields == retention_fields)
            return (const void *)((const char *)exporter->config + field->offset);
    }
    return NULL;
}

static enum status load_text(const char *text, const struct config **ret, struct buf *report)
{
    struct config_source source = {
        .path = "test.yaml", .dirs = &test_dirs, .text = slice_of_text(text)};
    struct error err;

    source.exporters = exporter_list(&source.exporter_count);
    buf_init(report, OUTPUT_SIZE_MAX);
    return config_load(&source, ret, report, &err);
}

static const char rules_text[] = "exporters:\n"
                                 "  file:\n"
                                 "    retention:\n"
                                 "      min_free: 5%\n"
                                 "      rules:\n"
                                 "        prompts:\n"
                                 "          kinds: [agent.prompt, agent.response]\n"
                                 "          keep: 30d\n"
                                 "        denied: { outcomes: [denied], users: [\"1000\"],\n"
                                 "                  min_severity: warn, keep: 104w }\n";

static void test_sections_have_names_and_an_order(void **state)
{
    const struct config *config[2];
    struct buf printed[2];
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf report;
        buf_init(&printed[i], OUTPUT_SIZE_MAX);
        /* What is printed loads as the same. */
        enum status st =
            load_text(i == 0 ? rules_text : (const char *)printed[0].data, &config[i], &report);
        assert_int_equal(st, ST_OK);
        const struct retention_config *retention = retention_of(config[i]);
        const struct retention_rule *rules = retention->rules.items;
        assert_int_equal(retention->min_free.percent, 5);
        assert_int_equal(retention->rules.count, 2);
        assert_string_equal(rules[0].name, "prompts");
        assert_int_equal(rules[0].kinds.count, 2);
        assert_string_equal(rules[0].kinds.items[1], "agent.response");
        assert_true(rules[0].keep_ns == 30 * UINT64_C(86400000000000));
        assert_string_equal(rules[1].name, "denied");
        assert_string_equal(rules[1].users.items[0], "1000");
        assert_int_equal(rules[1].min_severity, 4);
        assert_int_equal(config_print(config[i], &printed[i], &err), ST_OK);
        assert_int_equal(buf_append(&printed[i], "", 1, &err), ST_OK);
        buf_fini(&report);
    }
    assert_string_equal((const char *)printed[0].data, (const char *)printed[1].data);
    for (size_t i = 0; i < 2; i++) {
        config_destroy(config[i]);
        buf_fini(&printed[i]);
    }
}

static void expect_problem(const char *retention, const char *expected)
{
    char text[512];
    const struct config *config;
    struct error err;
    struct buf report;

    snprintf(text, sizeof(text), "exporters:\n  file:\n    retention:\n      %s\n", retention);
    assert_int_equal(load_text(text, &config, &report), ST_INVALID);
    assert_int_equal(buf_append(&report, "", 1, &err), ST_OK);
    if (strstr((const char *)report.data, expected) == NULL)
        fail_msg("'%s' is not in:\n%s", expected, (const char *)report.data);
    buf_fini(&report);
}

static void test_mistakes_in_named_sections_have_their_place(void **state)
{
    (void)state;
    expect_problem("rules: [a]", "test.yaml:4:14: exporters.file.retention.rules: needs a map of "
                                 "names, with options each, but this is a list");
    expect_problem("rules: { a: { keep: 3d, kind: x } }",
                   "test.yaml:4:31: exporters.file.retention.rules.a: unknown option 'kind'; did "
                   "you mean 'kinds'?");
    expect_problem(
        "rules: { a: {} }",
        "test.yaml:4:16: exporters.file.retention.rules.a: the option 'keep' is required");
    expect_problem("rules: { a b: { keep: 3d } }",
                   "test.yaml:4:16: exporters.file.retention.rules: 'a b' is not a name");
    expect_problem("rules: { a: { keep: 3d, kinds: [agent.promt] } }",
                   "test.yaml:4:39: exporters.file.retention.rules.a.kinds: unknown value "
                   "'agent.promt'; did you mean 'agent.prompt'?");
    expect_problem("rules: { a: { keep: 3d, users: [\"x,y\"] } }",
                   "retention.rules.a: 'x,y' is not a name: empty, or with a comma");
    expect_problem("min_free: 101%", "test.yaml:4:17: exporters.file.retention.min_free: '101%' is "
                                     "more than all there is");
    expect_problem("min_free: some", "exporters.file.retention.min_free: 'some' is not a size");
}

/* The sample states the defaults, so that uncommenting nothing changes nothing. */
static void test_the_sample_is_the_default_configuration(void **state)
{
    struct config_source source = {.dirs = &test_dirs};
    const struct config *config;
    struct buf printed[2];
    struct error err;

    (void)state;
    source.exporters = exporter_list(&source.exporter_count);
    for (size_t i = 0; i < 2; i++) {
        struct buf report;
        buf_init(&report, OUTPUT_SIZE_MAX);
        buf_init(&printed[i], OUTPUT_SIZE_MAX);
        assert_int_equal(config_load(&source, &config, &report, &err), ST_OK);
        assert_int_equal(config_print(config, &printed[i], &err), ST_OK);
        config_destroy(config);
        source.path = TREE_DIR "/deploy/telltale.yaml";
    }
    assert_int_equal(printed[0].size, printed[1].size);
    assert_memory_equal(printed[0].data, printed[1].data, printed[0].size);
    buf_fini(&printed[0]);
    buf_fini(&printed[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_has_one_meaning_and_says_it),
        cmocka_unit_test(test_every_default_is_good),
        cmocka_unit_test(test_the_reference_page_is_that_of_the_tables),
        cmocka_unit_test(test_sections_have_names_and_an_order),
        cmocka_unit_test(test_mistakes_in_named_sections_have_their_place),
        cmocka_unit_test(test_the_sample_files_load),
        cmocka_unit_test(test_the_sample_is_the_default_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
