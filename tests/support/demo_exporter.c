/* SPDX-License-Identifier: Apache-2.0 */
/* demo_exporter.c -- see demo_exporter.h. */
#include "support/demo_exporter.h"

static const char *const compression_choices[] = {"none", "gzip", "zstd", NULL};

static const struct config_field tls_fields[] = {
    {
        .key = "ca",
        .type = CONFIG_PATH,
        .offset = offsetof(struct demo_config, tls.ca) - offsetof(struct demo_config, tls),
        .required = true,
    },
    {
        .key = "verify",
        .type = CONFIG_BOOL,
        .offset = offsetof(struct demo_config, tls.verify) - offsetof(struct demo_config, tls),
        .default_text = "true",
    },
    {.key = NULL},
};

static const struct config_field demo_fields[] = {
    {
        .key = "endpoint",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct demo_config, endpoint),
        .required = true,
    },
    {
        .key = "token",
        .type = CONFIG_TEXT,
        .offset = offsetof(struct demo_config, token),
        .secret = true,
    },
    {
        .key = "compression",
        .type = CONFIG_ENUM,
        .offset = offsetof(struct demo_config, compression),
        .choices = compression_choices,
        .default_text = "none",
    },
    {
        .key = "level",
        .type = CONFIG_INTEGER,
        .offset = offsetof(struct demo_config, level),
        .min = 1,
        .max = 9,
        .default_text = "6",
    },
    {
        .key = "age",
        .type = CONFIG_DURATION,
        .offset = offsetof(struct demo_config, age),
        .min = UINT64_C(1000000000), /* and no upper limit */
        .default_text = "1h",
    },
    {
        .key = "headers",
        .type = CONFIG_TEXT_MAP,
        .offset = offsetof(struct demo_config, headers),
        .default_text = "{}",
    },
    {
        .key = "tls",
        .type = CONFIG_SECTION,
        .offset = offsetof(struct demo_config, tls),
        .fields = tls_fields,
    },
    {.key = NULL},
};

static const struct config_field demo_file_fields[] = {
    {.key = "dir", .type = CONFIG_PATH, .offset = offsetof(struct demo_file_config, dir)},
    {.key = NULL},
};

static enum status demo_check(const void *config, struct error *err)
{
    const struct demo_config *demo = config;

    if (strcmp(demo->endpoint, "refuse me") == 0)
        return error_set(err, ST_INVALID, "the endpoint asks to be refused");
    return ST_OK;
}

static enum status demo_create(const void *config, const struct exporter_context *context,
                               void **ret_self, struct error *err)
{
    (void)config;
    (void)context;
    (void)err;
    *ret_self = NULL;
    return ST_OK;
}

static enum export_result demo_send(void *self, const struct batch *batch, uint64_t deadline_ns,
                                    struct export_report *report, struct error *err)
{
    (void)self;
    (void)batch;
    (void)deadline_ns;
    (void)report;
    (void)err;
    return EXPORT_DONE;
}

static void demo_destroy(void *self)
{
    (void)self;
}

const struct exporter_ops demo_exporter = {
    .name = "demo",
    .fields = demo_fields,
    .config_size = sizeof(struct demo_config),
    .check = demo_check,
    .create = demo_create,
    .send = demo_send,
    .destroy = demo_destroy,
};

const struct exporter_ops demo_file_exporter = {
    .name = "file",
    .in_order_only = true,
    .fields = demo_file_fields,
    .config_size = sizeof(struct demo_file_config),
    .create = demo_create,
    .send = demo_send,
    .destroy = demo_destroy,
};

const struct exporter_ops demo_queue_exporter = {
    .name = "queue",
    .one_lane = true,
    .fields = demo_file_fields,
    .config_size = sizeof(struct demo_file_config),
    .create = demo_create,
    .send = demo_send,
    .destroy = demo_destroy,
};

const struct exporter_ops *const demo_exporters[DEMO_EXPORTER_COUNT] = {
    &demo_exporter,
    &demo_file_exporter,
    &demo_queue_exporter,
};
