/* SPDX-License-Identifier: Apache-2.0 */
/* store_record.c -- see store_record.h.
 *
 * JSON becomes the bytes of a request in one pass, and those are walked.  The limits are wider than
 * those for what agents send: normalization and the exporter have added attributes since.
 */
#include "store/store_record.h"

#include <stdlib.h>

#include "telltale/store_file.h"
#include "wire/otlp_json.h"

enum {
    ATTRIBUTE_COUNT_MAX = 4096,
    KEY_SIZE_MAX = 64 << 10,
    KEEP_SIZE = 1 << 20, /* the memory kept between lines */
};

static const struct otlp_limits limits = {
    .record_size_max = STORE_LINE_SIZE_MAX,
    .attribute_count_max = ATTRIBUTE_COUNT_MAX,
    .key_size_max = KEY_SIZE_MAX,
    .depth_max = OTLP_DEPTH_MAX,
};

struct store_record {
    struct buf request;        /* the line as protobuf */
    struct record_group group; /* during a walk: the last one seen; its slices are borrowed */
    store_record_fn on_record; /* during a walk, as `context` */
    void *context;
    struct attribute_view attributes[ATTRIBUTE_COUNT_MAX];
};

enum status store_record_create(struct store_record **ret, struct error *err)
{
    struct store_record *record = calloc(1, sizeof(*record));
    if (record == NULL)
        return error_set(err, ST_NO_MEMORY, "create a reader of records");
    buf_init(&record->request, STORE_LINE_SIZE_MAX);
    *ret = record;
    return ST_OK;
}

void store_record_destroy(struct store_record *record)
{
    if (record == NULL)
        return;
    buf_fini(&record->request);
    free(record);
}

static enum status take_group(void *context, const struct record_group *group, struct error *err)
{
    struct store_record *record = context;

    (void)err;
    record->group = *group;
    return ST_OK;
}

static enum status take_record(void *context, struct slice bytes, struct error *err)
{
    struct store_record *record = context;
    struct record_view view;

    enum status st =
        otlp_read_record(bytes, &limits, record->attributes, ATTRIBUTE_COUNT_MAX, &view, err);
    if (st != ST_OK)
        return st;
    const struct store_record_view whole = {
        .group = &record->group, .bytes = bytes, .record = &view};
    return record->on_record(record->context, &whole, err);
}

enum status store_record_read(struct store_record *record, struct slice line,
                              store_record_fn on_record, void *context, struct error *err)
{
    const struct otlp_request_visitor visitor = {
        .context = record, .on_group = take_group, .on_record = take_record};

    buf_trim(&record->request, KEEP_SIZE);
    enum status st = otlp_json_read_request(line, SIGNAL_LOGS, &limits, &record->request, err);
    if (st != ST_OK)
        return st;
    record->on_record = on_record;
    record->context = context;
    return otlp_walk_request(buf_slice(&record->request), &visitor, err);
}
