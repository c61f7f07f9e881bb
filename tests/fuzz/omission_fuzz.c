/* SPDX-License-Identifier: Apache-2.0 */
/* omission_fuzz.c -- any bytes as a record, a span and what stands around them, as delivery reads
 * them.  Without content, what is clean stays as it is, and no attribute is left whose key says
 * that it is content; and a filter takes its words from the record. */
#include "deliver/omission.h"
#include "deliver/record_scan.h"
#include "normalize/schema_content.h"
#include "wire/otlp_span.h"

enum { INPUT_MAX = 1 << 16 };

/* Of the last key, which is what readers take. */
static void check_attribute(struct slice attribute)
{
    struct pb_walk walk = pb_walk_start(attribute);
    struct slice key = SLICE_EMPTY;
    struct pb_field field;

    while (pb_next(&walk, &field) == PB_FIELD) {
        if (field.number == KEY_VALUE_KEY && field.type == WIRE_BYTES)
            key = field.bytes;
    }
    ASSERT(!content_is_at(key));
}

static void check_record(struct slice record, uint32_t attributes)
{
    struct pb_walk walk = pb_walk_start(record);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        ASSERT(attributes != RECORD_ATTRIBUTES || field.number != RECORD_BODY);
        if (field.number == attributes && field.type == WIRE_BYTES)
            check_attribute(field.bytes);
    }
    ASSERT(step == PB_END);
}

static void clean(struct omission *omission, enum signal signal, const struct record *record,
                  struct slice around, struct batch *ret)
{
    static struct record_group group;
    struct error err;

    group = (struct record_group){
        .resource_logs_fields = around, .scope_logs_fields = around, .signal = signal};
    const struct batch batch = {
        .records = record, .record_count = 1, .groups = &group, .group_count = 1};
    ASSERT(omission_apply(omission, content_is_at, &batch, ret, &err) == ST_OK);
}

static void check_within(struct slice part, struct slice whole)
{
    ASSERT(part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void check_scan(struct slice record)
{
    struct record_scan scan;

    record_scan_read(record, &scan);
    check_within(scan.kind, record);
    check_within(scan.facets, record);
    check_within(scan.outcome, record);
    (void)record_scan_has_facet(&scan, SLICE("agent.tool")); /* either */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t attributes[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = RECORD_ATTRIBUTES, [SIGNAL_TRACES] = SPAN_ATTRIBUTES};
    static struct omission first, second;
    static bool is_ready;
    struct batch once;
    struct batch twice;

    if (!is_ready) {
        omission_init(&first);
        omission_init(&second);
        is_ready = true;
    }
    if (size > INPUT_MAX)
        return -1;
    const struct record record = {.sequence = 1, .bytes = slice_of(data, size)};
    check_scan(record.bytes);
    for (int signal = SIGNAL_LOGS; signal <= SIGNAL_TRACES; signal++) {
        clean(&first, (enum signal)signal, &record, record.bytes, &once);
        check_record(once.records[0].bytes, attributes[signal]);
        clean(&second, (enum signal)signal, &once.records[0], once.groups[0].resource_logs_fields,
              &twice);
        ASSERT(slice_equal(once.records[0].bytes, twice.records[0].bytes));
        ASSERT(
            slice_equal(once.groups[0].resource_logs_fields, twice.groups[0].resource_logs_fields));
    }
    return 0;
}
