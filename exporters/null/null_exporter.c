/* SPDX-License-Identifier: Apache-2.0 */
/* null_exporter.c -- an exporter that accepts everything: the template for a new one. */
#include "telltale/exporter.h"

struct null_config {
    uint64_t unused;
};

static const struct config_field null_fields[] = {{.key = NULL}};

static enum status null_create(const void *config, const struct exporter_context *context,
                               void **ret_self, struct error *err)
{
    (void)config;
    (void)context;
    (void)err;
    *ret_self = NULL;
    return ST_OK;
}

static enum export_result null_send(void *self, const struct batch *batch, uint64_t deadline_ns,
                                    struct export_report *report, struct error *err)
{
    (void)self;
    (void)deadline_ns;
    (void)err;
    report->sent_bytes = batch->size_bytes;
    return EXPORT_DONE;
}

static void null_destroy(void *self)
{
    (void)self;
}

extern const struct exporter_ops exporter_null;
const struct exporter_ops exporter_null = {
    .name = "null",
    .fields = null_fields,
    .signals = SIGNALS_ALL,
    .config_size = sizeof(struct null_config),
    .create = null_create,
    .send = null_send,
    .destroy = null_destroy,
};
