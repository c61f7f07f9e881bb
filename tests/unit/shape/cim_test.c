/* SPDX-License-Identifier: Apache-2.0 */
/* cim_test.c -- the names of CIM are documented ones, of the data models that the table says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shape/cim_fields.h"
#include "telltale/base.h"

/* Of the names that we use, those that each data model has: from the models that the maker's own
 * tests of add-ons use, pytest_splunk_addon/data_models/ of
 * https://github.com/splunk/pytest-splunk-addon at commit 41a6bfae (Apache-2.0). */
static const char *const documented[CIM_MODEL_COUNT] = {
    " action dest parent_process_id process process_current_directory process_id process_name "
    "process_path user user_id vendor_product ",
    " action dest file_hash file_name file_path file_size process_id user vendor_product ",
    " action app bytes_in bytes_out dest dest_port duration process_id session_id src src_port "
    "transport user vendor_product ",
    " action app bytes_in bytes_out dest dest_port duration http_method src status url "
    "url_domain user vendor_product ",
    " action dest object object_category src status user vendor_product ",
    " action app authentication_method dest duration process reason session_id signature src "
    "user user_id ",
    " app dest id severity signature src user ",
    " action app dest object object_category signature src user user_id vendor_product ",
};

static void check(const char *name, unsigned models)
{
    char word[64] = " ";

    strcat(strcat(word, name), " ");
    assert_true(models != 0);
    for (unsigned model = 0; model < CIM_MODEL_COUNT; model++) {
        if ((models & 1U << model) != 0 && strstr(documented[model], word) == NULL)
            fail_msg("%s is no field of %s", name, cim_model_names[model]);
    }
}

static void test_names_are_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < cim_field_count; i++)
        check(cim_fields[i].name, cim_fields[i].models);
    for (size_t i = 0; i < CIM_FACT_COUNT; i++)
        check(cim_concluded[i].name, cim_concluded[i].models);
}

static void test_names_stand_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < cim_field_count; i++) {
        for (size_t at = i + 1; at < cim_field_count; at++)
            assert_string_not_equal(cim_fields[i].name, cim_fields[at].name);
        for (size_t at = 0; at < CIM_FACT_COUNT; at++)
            assert_string_not_equal(cim_fields[i].name, cim_concluded[at].name);
        for (size_t key = 0; key < SCHEMA_KEY_COUNT; key++)
            assert_string_not_equal(cim_fields[i].name, schema_attributes[key].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_documented),
        cmocka_unit_test(test_names_stand_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
