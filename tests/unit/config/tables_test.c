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
        if (field->type == CONFIG_SECTION && field->fields != NULL)
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
        cmocka_unit_test(test_the_sample_files_load),
        cmocka_unit_test(test_the_sample_is_the_default_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
