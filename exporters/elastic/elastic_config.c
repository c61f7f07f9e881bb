/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_config.c -- see elastic_config.h. */
#include "elastic_config.h"

#include <stdio.h>
#include <string.h>

enum {
    STREAM_PART_MAX = 100, /* bytes: Elasticsearch's limit of a data set and of a namespace */
    INDEX_MAX = ELASTIC_NAME_MAX - 1, /* and of a whole name */
    PIPELINE_MAX = 128,
};

#define OTEL_SUFFIX ".otel"

static const char *const flavors[] = {"auto", "elasticsearch", "opensearch", NULL};
static const char *const shapes[] = {"ecs", "otel", NULL};

static const struct config_field stream_fields[] = {
    {.key = "dataset",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct elastic_stream_config, dataset),
     .default_text = "telltale",
     .help = "The middle of logs-DATASET-NAMESPACE. In the shape otel it ends in '.otel', which is "
             "added where it does not."},
    {.key = "namespace",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct elastic_stream_config, data_namespace),
     .default_text = "default",
     .help = "The end of that name: a team, a site, a tenant."},
    {.key = NULL},
};

const struct config_field elastic_fields[] = {
    HTTP_CONFIG_FIELDS(
        struct elastic_config, http,
        "http:// or https://, host:port and, if you like, a path, below which /_bulk "
        "is; or unix:/path of a socket."),
    HTTP_CONFIG_BODY_FIELDS(struct elastic_config, http, http_compressions_gzip, "gzip", "5MB"),
    {.key = "api_key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct elastic_config, api_key_file),
     .help = "A file with an API key in its encoded form, as Elasticsearch shows it when it is "
             "made. It is read again when it changes."},
    {.key = "flavor",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct elastic_config, flavor),
     .choices = flavors,
     .default_text = "auto",
     .help = "What is at the other end: Elasticsearch 8.18 or newer, or OpenSearch. 'auto' asks, "
             "GET / at its first request, and says to any other version what all of them know."},
    {.key = "shape",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct elastic_config, shape),
     .choices = shapes,
     .default_text = "ecs",
     .help = "What documents look like: the Elastic Common Schema, or OpenTelemetry's records as "
             "the Collector writes them. See docs/SHAPES.md."},
    {.key = "data_stream",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct elastic_config, data_stream),
     .fields = stream_fields,
     .help = "The data stream that documents are created in."},
    {.key = "index",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct elastic_config, index),
     .help =
         "A data stream, alias or index of another name, instead of data_stream. Documents then "
         "do not say where they belong."},
    {.key = "pipeline",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct elastic_config, pipeline),
     .help = "An ingest pipeline that documents pass."},
    {.key = "error_reasons",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct elastic_config, error_reasons),
     .default_text = "false",
     .help =
         "Keep the reason of an error, not only its type, in logs and dead letters. Reasons may "
         "quote what agents said."},
    {.key = NULL},
};

/* Elasticsearch's own rules, and no byte that JSON or a path would have to escape. */
static enum status check_name(const char *key, const char *name, size_t size_max,
                              const char *forbidden, struct error *err)
{
    size_t size = strlen(name);

    if (size == 0 || size > size_max)
        return error_set(err, ST_LIMIT, "%s must have 1 to %zu bytes", key, size_max);
    if (strchr("-_+.", name[0]) != NULL)
        return error_set(err, ST_INVALID, "%s must not begin with '%c'", key, name[0]);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        if (c <= ' ' || c >= 0x7f || is_upper || strchr("\\/*?\"<>|,#:%", c) != NULL ||
            strchr(forbidden, c) != NULL)
            return error_set(err, ST_INVALID, "%s: '%s' has bytes that no %s may have", key, name,
                             key);
    }
    return ST_OK;
}

static enum status check_pipeline(const char *name, struct error *err)
{
    size_t size = strlen(name);

    if (size == 0 || size > PIPELINE_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@~") != size)
        return error_set(err, ST_INVALID,
                         "pipeline must be 1 to %d letters, digits, and of '.-_@~'", PIPELINE_MAX);
    return ST_OK;
}

enum status elastic_config_check(const struct elastic_config *config, struct error *err)
{
    const char *scheme;
    const struct http_config http = elastic_config_http(config, &scheme);

    if (config->api_key_file != NULL && config->http.token_file != NULL)
        return error_set(err, ST_INVALID, "api_key_file and token_file exclude another");
    enum status st = http_config_check(&http, err);
    if (st != ST_OK) {
        return config->api_key_file != NULL ? error_context(err, "api_key_file, as token_file")
                                            : st;
    }
    st = check_name("data_stream.dataset", config->data_stream.dataset,
                    STREAM_PART_MAX - strlen(OTEL_SUFFIX), "-", err);
    if (st == ST_OK)
        st = check_name("data_stream.namespace", config->data_stream.data_namespace,
                        STREAM_PART_MAX, "-", err);
    if (st == ST_OK && config->index != NULL)
        st = check_name("index", config->index, INDEX_MAX, "", err);
    if (st == ST_OK && config->pipeline != NULL)
        st = check_pipeline(config->pipeline, err);
    return st;
}

struct http_config elastic_config_http(const struct elastic_config *config,
                                       const char **ret_token_scheme)
{
    struct http_config http = config->http;

    *ret_token_scheme = NULL;
    if (config->api_key_file != NULL) {
        http.token_file = config->api_key_file;
        *ret_token_scheme = "ApiKey";
    }
    return http;
}

void elastic_config_dataset(const struct elastic_config *config, char out[ELASTIC_NAME_MAX])
{
    const char *name = config->data_stream.dataset;
    size_t size = strlen(name);
    size_t suffix = strlen(OTEL_SUFFIX);
    bool has_suffix = size > suffix && strcmp(name + size - suffix, OTEL_SUFFIX) == 0;

    snprintf(out, ELASTIC_NAME_MAX, "%s%s", name,
             config->shape == ELASTIC_SHAPE_OTEL && !has_suffix ? OTEL_SUFFIX : "");
}

void elastic_config_target(const struct elastic_config *config, char out[ELASTIC_NAME_MAX])
{
    char dataset[ELASTIC_NAME_MAX];

    if (config->index != NULL) {
        snprintf(out, ELASTIC_NAME_MAX, "%s", config->index);
        return;
    }
    elastic_config_dataset(config, dataset);
    /* Both parts were checked, so that nothing is cut. */
    snprintf(out, ELASTIC_NAME_MAX, "logs-%.100s-%.100s", dataset,
             config->data_stream.data_namespace);
}
