/* SPDX-License-Identifier: Apache-2.0 */
/* elastic_server.c -- see elastic_server.h. */
#include "elastic_server.h"

#include <stdio.h>

#include "telltale/bulk_reply.h"

/* What is said of each item, and no more: an answer is then about 25 bytes a record. */
#define FILTER_PATH                                                                                \
    "filter_path=errors,items.*.status,items.*.failure_store,items.*.error.type,"                  \
    "items.*.error.reason"

/* What a version of Elasticsearch knows of. */
struct abilities {
    bool require_data_stream; /* since 8.13: create no plain index where a template is missing */
    bool include_source_on_error; /* since 8.18: keep what agents said out of reasons */
};

void elastic_server_init(struct elastic_server *server, const struct elastic_config *config)
{
    *server = (struct elastic_server){.config = config};
}

void elastic_server_forget(struct elastic_server *server)
{
    server->is_known = false;
}

static bool is_at_least(const struct bulk_server *server, unsigned major, unsigned minor)
{
    return server->major > major || (server->major == major && server->minor >= minor);
}

static struct abilities abilities_of(const struct bulk_server *server)
{
    struct abilities none = {.require_data_stream = false};

    if (server->is_opensearch)
        return none;
    return (struct abilities){
        .require_data_stream = server->is_serverless || is_at_least(server, 8, 13),
        .include_source_on_error = server->is_serverless || is_at_least(server, 8, 18),
    };
}

static void learn(struct elastic_server *server, struct abilities abilities)
{
    const struct elastic_config *config = server->config;

    /* Another index than data_stream's may be one in the old way. */
    bool requires_stream = abilities.require_data_stream && config->index == NULL;
    int size = snprintf(server->query, sizeof(server->query), FILTER_PATH "%s%s%s%s",
                        requires_stream ? "&require_data_stream=true" : "",
                        abilities.include_source_on_error ? "&include_source_on_error=false" : "",
                        config->pipeline != NULL ? "&pipeline=" : "",
                        config->pipeline != NULL ? config->pipeline : "");
    ASSERT(size > 0 && (size_t)size < sizeof(server->query));
    server->is_known = true;
}

/* A server that will not say what it is - many API keys may not ask - is told the least. */
static enum export_result ask(struct elastic_server *server, struct http_client *client,
                              uint64_t deadline_ns, struct export_report *report, struct error *err)
{
    const struct http_request request = {.method = "GET", .path = "/"};
    struct http_response response;
    struct bulk_server found = {.major = 0};

    const struct http_outcome_input input = {
        .transport = http_client_send(client, &request, deadline_ns, &response, err),
        .response = &response,
    };
    if (input.transport != HTTP_ANSWERED || http_outcome_judge(&input) == HTTP_VERDICT_RETRY)
        return http_outcome(&input, report, err);
    if (response.status != 200 || !bulk_reply_read_server(response.body, &found))
        found = (struct bulk_server){.major = 0};
    learn(server, abilities_of(&found));
    return EXPORT_DONE;
}

enum export_result elastic_server_learn(struct elastic_server *server, struct http_client *client,
                                        uint64_t deadline_ns, struct export_report *report,
                                        struct error *err)
{
    if (server->is_known)
        return EXPORT_DONE;
    if (server->config->flavor == ELASTIC_AUTO)
        return ask(server, client, deadline_ns, report, err);
    bool is_elastic = server->config->flavor == ELASTIC_ELASTICSEARCH;
    learn(server, (struct abilities){is_elastic, is_elastic});
    return EXPORT_DONE;
}
