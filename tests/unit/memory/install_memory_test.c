/* SPDX-License-Identifier: Apache-2.0 */
/* install_memory_test.c -- settings of agents are changed and changed back with each allocation
 * failing in turn: the file is the old one or the new one, never one that says half, and the next
 * try ends as if nothing had been. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "install/install_plan.h"
#include "install/install_record.h"
#include "install/json_edit.h"
#include "install/settings_file.h"
#include "install/text_diff.h"
#include "support/failing_alloc.h"
#include "support/temp_dir.h"

static const char before[] = "{\n  \"model\": \"opus\", // the best\n"
                             "  \"env\": { \"OTEL_LOGS_EXPORTER\": \"console\" },\n"
                             "  \"hooks\": { \"Stop\": [ { \"hooks\": [] } ] }\n}\n";

static const char wanted[] = "{\"env\":{\"OTEL_LOGS_EXPORTER\":\"otlp\"},\"hooks\":{"
                             "\"Start\":[{\"command\":\"x\"}],\"Stop\":[{\"command\":\"x\"}]}}";

struct desk {
    struct temp_dir dir;
    char file[PATH_MAX];
    struct settings_path path;
    struct install_settings settings;
    cJSON *wanted;    /* owned; little, for all is done thousands of times */
    struct buf after; /* what it is to become */
};

/* cJSON's memory comes from where ours does. */
static void *allocate(size_t size)
{
    return malloc(size);
}

static enum status merge(struct desk *desk, struct buf *text, cJSON *record, struct error *err)
{
    cJSON *edits = cJSON_CreateArray();
    cJSON *kept = cJSON_CreateArray();
    struct buf old;
    struct buf diff;

    buf_init(&old, JSON_EDIT_ROOM);
    buf_init(&diff, JSON_EDIT_ROOM);
    enum status st = edits != NULL && kept != NULL ? ST_OK : error_set(err, ST_NO_MEMORY, "lists");
    if (st == ST_OK)
        st = buf_append(&old, text->data, text->size, err);
    if (st == ST_OK)
        st = json_edit_merge(text, desk->wanted, true, edits, kept, err);
    if (st == ST_OK)
        st = text_diff_append(buf_slice(&old), buf_slice(text), &diff, err);
    if (st == ST_OK)
        st = install_record_add(record, desk->file, false, edits, NULL, err);
    cJSON_Delete(edits);
    cJSON_Delete(kept);
    buf_fini(&old);
    buf_fini(&diff);
    return st;
}

static enum status change(struct desk *desk, struct error *err)
{
    cJSON *record = NULL;
    struct buf text;

    buf_init(&text, JSON_EDIT_ROOM);
    enum status st = install_record_read(desk->dir.path, &record, err);
    if (st == ST_OK)
        st = settings_file_read(&desk->path, &text, err);
    if (st == ST_OK)
        st = merge(desk, &text, record, err);
    if (st == ST_OK)
        st = install_record_write(desk->dir.path, record, err);
    if (st == ST_OK)
        st = settings_file_write(&desk->path, buf_slice(&text), err);
    cJSON_Delete(record);
    buf_fini(&text);
    return st;
}

static enum status change_back(struct desk *desk, struct error *err)
{
    cJSON *kept = cJSON_CreateArray();
    cJSON *record = NULL;
    struct buf text;

    buf_init(&text, JSON_EDIT_ROOM);
    enum status st = kept != NULL ? install_record_read(desk->dir.path, &record, err)
                                  : error_set(err, ST_NO_MEMORY, "a list");
    if (st == ST_OK)
        st = settings_file_read(&desk->path, &text, err);
    if (st == ST_OK) {
        const cJSON *entry = cJSON_GetObjectItemCaseSensitive(record, desk->file);
        st = json_edit_undo(&text, cJSON_GetObjectItemCaseSensitive(entry, "edits"), kept, err);
    }
    if (st == ST_OK) {
        assert_int_equal(cJSON_GetArraySize(kept), 0); /* all is there as it was made */
        st = settings_file_write(&desk->path, buf_slice(&text), err);
    }
    cJSON_Delete(kept);
    cJSON_Delete(record);
    buf_fini(&text);
    return st;
}

static void assert_file(const struct desk *desk, struct slice expected)
{
    struct error err;
    struct buf text;

    buf_init(&text, JSON_EDIT_ROOM);
    assert_int_equal(settings_file_read(&desk->path, &text, &err), ST_OK);
    assert_true(slice_equal(buf_slice(&text), expected));
    buf_fini(&text);
}

static void lay_out(struct desk *desk)
{
    char record[PATH_MAX];
    struct error err;

    snprintf(record, sizeof(record), "%s/install-hooks.json", desk->dir.path);
    (void)unlink(record);
    assert_int_equal(settings_file_write(&desk->path, SLICE(before), &err), ST_OK);
}

static bool run(void *context, unsigned at, unsigned length)
{
    struct desk *desk = context;
    struct error err;

    lay_out(desk);
    failing_alloc_begin(at, length);
    enum status st = change(desk, &err);
    enum status undone = st == ST_OK ? change_back(desk, &err) : ST_NO_MEMORY;
    bool has_failed = failing_alloc_end();
    if ((st != ST_OK && st != ST_NO_MEMORY) || (undone != ST_OK && undone != ST_NO_MEMORY))
        fail_msg("allocation %u: %s", at, err.text);
    assert_file(desk, st == ST_OK && undone != ST_OK ? buf_slice(&desk->after) : SLICE(before));
    /* The next try does the rest, and what was noted twice is undone once. */
    assert_int_equal(change(desk, &err), ST_OK);
    assert_file(desk, buf_slice(&desk->after));
    assert_int_equal(change_back(desk, &err), ST_OK);
    assert_file(desk, SLICE(before));
    return has_failed;
}

static void test_settings_are_never_changed_by_half_for_want_of_memory(void **state)
{
    struct desk *desk = *state;
    struct error err;

    lay_out(desk);
    assert_int_equal(change(desk, &err), ST_OK);
    assert_int_equal(settings_file_read(&desk->path, &desk->after, &err), ST_OK);
    failing_alloc_try("settings changed and changed back", run, desk, 100);
}

static bool run_plan(void *context, unsigned at, unsigned length)
{
    const struct install_settings *settings = context;
    struct install_plan whole;
    struct install_plan plan;
    struct error err;

    assert_int_equal(install_plan_make(settings, &whole, &err), ST_OK);
    failing_alloc_begin(at, length);
    enum status st = install_plan_make(settings, &plan, &err);
    bool has_failed = failing_alloc_end();
    assert_int_equal(st, has_failed ? ST_NO_MEMORY : ST_OK);
    if (st == ST_OK)
        assert_true(cJSON_Compare(plan.files[0].wanted, whole.files[0].wanted, true));
    install_plan_fini(&plan);
    install_plan_fini(&whole);
    return has_failed;
}

static void test_a_plan_is_whole_or_there_is_none(void **state)
{
    struct desk *desk = *state;

    for (int i = 0; i < INSTALL_AGENT_COUNT; i++) {
        desk->settings.agent = (enum install_agent)i;
        failing_alloc_try(install_agent_name(desk->settings.agent), run_plan, &desk->settings, 50);
    }
}

static int make_desk(void **state)
{
    static cJSON_Hooks hooks = {allocate, free};
    static struct desk desk;

    cJSON_InitHooks(&hooks);
    temp_dir_make(&desk.dir);
    snprintf(desk.file, sizeof(desk.file), "%s/settings.json", desk.dir.path);
    desk.path.text = desk.file;
    desk.settings = (struct install_settings){.home = desk.dir.path,
                                              .hook = "/usr/bin/telltale-hook",
                                              .socket = "/run/telltale/agent.sock",
                                              .endpoint = "http://127.0.0.1:4318"};
    buf_init(&desk.after, JSON_EDIT_ROOM);
    desk.wanted = cJSON_Parse(wanted);
    assert_non_null(desk.wanted);
    *state = &desk;
    return 0;
}

static int drop_desk(void **state)
{
    struct desk *desk = *state;

    buf_fini(&desk->after);
    cJSON_Delete(desk->wanted);
    temp_dir_remove(&desk->dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings_are_never_changed_by_half_for_want_of_memory,
                                        make_desk, drop_desk),
        cmocka_unit_test_setup_teardown(test_a_plan_is_whole_or_there_is_none, make_desk,
                                        drop_desk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
