/* SPDX-License-Identifier: Apache-2.0 */
/* golden_test.c -- documents of each kind of event and of each agent, in golden/, that have been
 * read by a person.  UPDATE_GOLDEN=1 writes the files anew: read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "support/documented.h"
#include "support/every_record.h"
#include "support/golden.h"
#include "support/made_record.h"
#include "telltale/shape.h"

#define GOLDEN_DIR TEST_CORPUS_DIR "/../unit/shape/golden"

enum { UID_SIZE = 36, OUT_MAX = 1 << 26, PATH_SIZE = 512 };

static struct error err;

static const struct shape_options options = {.dataset = "agents", .data_namespace = "default"};

struct reading {
    struct shaper *shaper;
    struct buf text;
    size_t left; /* records that are still wanted */
};

/* The uid of a record differs at each run. */
static void hide_uid(char *text, struct slice uid)
{
    char *at;

    assert_int_equal(uid.size, UID_SIZE);
    char shown[UID_SIZE + 1];
    memcpy(shown, uid.data, uid.size);
    shown[UID_SIZE] = '\0';
    while ((at = strstr(text, shown)) != NULL)
        memset(at, 'u', UID_SIZE);
}

static void append(struct buf *out, const char *text)
{
    assert_int_equal(buf_append(out, text, strlen(text), &err), ST_OK);
}

/* "    path = value" for each value that is no object. */
static void append_leaves(struct buf *out, const char *path, const cJSON *node)
{
    char below[PATH_SIZE];

    if (strcmp(path, "metadata.product.version") == 0) /* ours */
        return;
    if (cJSON_IsObject(node)) {
        for (const cJSON *child = node->child; child != NULL; child = child->next) {
            int size = snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "",
                                child->string);
            assert_in_range(size, 0, sizeof(below) - 1);
            append_leaves(out, below, child);
        }
        return;
    }
    char *text = cJSON_PrintUnformatted(node);
    append(out, "    ");
    append(out, path);
    append(out, " = ");
    append(out, text);
    append(out, "\n");
    free(text);
}

static void append_document(void *context, const struct record_group *group,
                            const struct normalized *record)
{
    struct reading *reading = context;
    struct record_facts facts;
    struct buf document;

    if (reading->left == 0)
        return;
    reading->left--;
    buf_init(&document, OUT_MAX);
    assert_int_equal(shaper_set_group(reading->shaper, group, &err), ST_OK);
    assert_int_equal(shaper_read(reading->shaper, buf_slice(&record->bytes), &facts, &err), ST_OK);
    assert_int_equal(shaper_append(reading->shaper, &document, &err), ST_OK);
    assert_int_equal(buf_append(&document, "", 1, &err), ST_OK);
    hide_uid((char *)document.data, facts.uid);
    cJSON *tree = cJSON_Parse((const char *)document.data);
    assert_non_null(tree);
    assert_int_equal(buf_append(&reading->text, facts.kind.data, facts.kind.size, &err), ST_OK);
    append(&reading->text, "\n");
    append_leaves(&reading->text, "", tree);
    cJSON_Delete(tree);
    buf_fini(&document);
}

typedef void (*read_fn)(const char *name, const struct recorded_session_reader *reader);

static void read_recorded(const char *name, const struct recorded_session_reader *reader)
{
    struct normalizer *normalizer = made_normalizer();
    recorded_logs_read(normalizer, name, reader);
    normalizer_destroy(normalizer);
}

static void read_kinds(const char *name, const struct recorded_session_reader *reader)
{
    (void)name;
    every_kind_read(reader);
}

static void check_shape(enum shape shape, const char *golden, read_fn read, const char *name,
                        size_t count)
{
    struct reading reading = {.left = count};
    const struct recorded_session_reader reader = {append_document, &reading};
    char path[512];

    buf_init(&reading.text, OUT_MAX);
    assert_int_equal(shaper_create(shape, &options, &reading.shaper, &err), ST_OK);
    read(name, &reader);
    (void)snprintf(path, sizeof(path), "%s/%s-%s.txt", GOLDEN_DIR, golden, shape_name(shape));
    golden_check(path, buf_slice(&reading.text));
    shaper_destroy(reading.shaper);
    buf_fini(&reading.text);
}

static void check(const char *golden, read_fn read, const char *name, size_t count)
{
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++)
        check_shape((enum shape)shape, golden, read, name, count);
}

/* Of otel one kind tells as much as all. */
static void test_kinds(void **state)
{
    (void)state;
    check_shape(SHAPE_ECS, "kinds", read_kinds, NULL, SIZE_MAX);
    check_shape(SHAPE_CIM, "kinds", read_kinds, NULL, SIZE_MAX);
    check_shape(SHAPE_OCSF, "kinds", read_kinds, NULL, SIZE_MAX);
    check_shape(SHAPE_OTEL, "kinds", read_kinds, NULL, 1);
}

static void test_codex(void **state)
{
    (void)state;
    check("codex", read_recorded, "codex-0.169.0/http-protobuf/exfil/logs/001.bin", 6);
}

static void test_gemini(void **state)
{
    (void)state;
    check("gemini", read_recorded, "gemini-cli-0.61.0/grpc/mcpfail/logs/001.bin", 3);
}

static void test_qwen(void **state)
{
    (void)state;
    check("qwen", read_recorded, "qwen-code-0.15.10/grpc/refactor/logs/001.bin", 3);
}

static void test_opencode(void **state)
{
    (void)state;
    check("opencode", read_recorded, "opencode-1.18.33/http-json/refactor/logs/001.json", 3);
}

static void test_claude(void **state)
{
    (void)state;
    check("claude", documented_session_read, "claude-code/details.json", 8);
}

static void test_copilot(void **state)
{
    (void)state;
    check("copilot", documented_session_read, "copilot/chat.json", 3);
}

static void test_cursor(void **state)
{
    (void)state;
    check("cursor", documented_session_read, "cursor/export.json", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_codex),
        cmocka_unit_test(test_gemini),   cmocka_unit_test(test_qwen),
        cmocka_unit_test(test_opencode), cmocka_unit_test(test_claude),
        cmocka_unit_test(test_copilot),  cmocka_unit_test(test_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
