/* SPDX-License-Identifier: Apache-2.0 */
/* hook_line_fuzz.c -- any bytes as a line that may carry a hook, and as what a hook was given:
 * read, normalized in every hook dialect, and written to the store; and what telltale-hook takes
 * for plain JSON, the daemon can read. */
#include "normalize/dialect.h"
#include "normalize/hook_fields.h"
#include "receivers/native_intake.h"
#include "support/made_record.h"
#include "support/taken.h"
#include "telltale-hook/event_line.h"
#include "telltale-hook/json_check.h"
#include "wire/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16, LINE_MAX_SIZE = 1 << 18, BATCH_SIZE = 64 << 20 };
#define NOW_NS UINT64_C(1795209900000000000)

static struct native_intake *intake;
static struct store_record *reader;
static struct buf line;

static void set_up(void)
{
    struct error err;
    if (intake != NULL)
        return;
    buf_init(&line, LINE_MAX_SIZE);
    ASSERT(native_intake_create(&otlp_limits_default, &intake, &err) == ST_OK);
    ASSERT(store_record_create(&reader, &err) == ST_OK);
}

static void add(struct append_batch *batch, struct slice text, bool must)
{
    struct error err = {.status = ST_OK};
    size_t before = append_batch_count(batch);
    enum status st = native_intake_add(intake, text, made_peer(), NOW_NS, &err);
    ASSERT(st == ST_OK || !must);
    if (st == ST_OK)
        taken_check(batch, before, SLICE_EMPTY, reader);
    else
        ASSERT((st == ST_INVALID || st == ST_LIMIT) && err.text[0] != 0);
}

static void add_as_hook(struct append_batch *batch, const char *dialect, struct slice payload)
{
    struct event_facts facts = {.dialect = dialect, .event = "Stop", .id = "x", .unix_ns = NOW_NS};
    struct event_line made;
    struct error err;
    event_line_make(&facts, payload, &made);
    buf_clear(&line);
    for (size_t i = 0; i < COUNT_OF(made.parts); i++)
        ASSERT(buf_append(&line, made.parts[i].data, made.parts[i].size, &err) == ST_OK);
    ASSERT(memchr(line.data, '\n', line.size - 1) == NULL);
    add(batch, slice_of(line.data, line.size - 1), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct append_batch *batch;
    struct error err;

    if (size > INPUT_MAX)
        return -1;
    set_up();
    ASSERT(append_batch_create(BATCH_SIZE, &batch, &err) == ST_OK);
    native_intake_use_batch(intake, batch);
    if (memchr(data, '\n', size) == NULL)
        add(batch, input, false);
    for (size_t i = 0; i < dialect_count; i++) {
        if (dialect_list[i]->sources == hook_sources)
            add_as_hook(batch, dialect_list[i]->name, input);
    }
    if (json_is_plain_object(input)) {
        struct json_scan scan = json_scan_start(input);
        ASSERT(json_skip_value(&scan) && json_read_end(&scan));
    }
    append_batch_destroy(batch);
    return 0;
}
