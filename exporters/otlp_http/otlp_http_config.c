/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_http_config.c -- see otlp_http_config.h. */
#include "otlp_http_config.h"

#include "telltale/signals.h"

static const char *const encodings[] = {"protobuf", "json", NULL};
static const char *const bare_500_policies[] = {"hold", "dead_letter", NULL};

const struct config_field otlp_http_fields[] = {
    HTTP_CONFIG_FIELDS(struct otlp_http_config, http,
                       "http:// or https://, host:port and, if you like, a path, below which "
                       "/v1/logs, /v1/traces and /v1/metrics are; or unix:/path of a socket."),
    HTTP_CONFIG_BODY_FIELDS(struct otlp_http_config, http, http_compressions_all, "gzip", "16MiB"),
    {.key = "encoding",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct otlp_http_config, encoding),
     .choices = encodings,
     .default_text = "protobuf",
     .help = "The form of requests. JSON costs more and is larger."},
    {.key = "logs_endpoint",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct otlp_http_config, logs_endpoint),
     .help = "The whole address for logs, if it is not below the endpoint."},
    {.key = "traces_endpoint",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct otlp_http_config, traces_endpoint),
     .help = "The same for traces."},
    {.key = "metrics_endpoint",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct otlp_http_config, metrics_endpoint),
     .help = "The same for metrics."},
    {.key = "on_bare_500",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct otlp_http_config, on_bare_500),
     .choices = bare_500_policies,
     .default_text = "hold",
     .help =
         "What an answer 500 means that does not say, by a google.rpc.Status, what was wrong. "
         "`hold`: something broke there, and the same is sent again every minute. "
         "`dead_letter`: one record is to blame, which is found by halving the request and "
         "becomes a dead letter; so does the backlog, slowly, while the destination is broken."},
    {.key = "signals",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct otlp_http_config, signals),
     .default_text = "[logs, traces, metrics]",
     .help = "What is sent there; the rest passes it by."},
    {.key = NULL},
};

enum status otlp_http_config_check(const struct otlp_http_config *config, struct error *err)
{
    const struct http_config *http = &config->http;

    enum status st = http_config_check(http, err);
    if (st == ST_OK)
        st = http_config_check_url(http, "logs_endpoint", config->logs_endpoint, err);
    if (st == ST_OK)
        st = http_config_check_url(http, "traces_endpoint", config->traces_endpoint, err);
    if (st == ST_OK)
        st = http_config_check_url(http, "metrics_endpoint", config->metrics_endpoint, err);
    if (st == ST_OK)
        st = signals_check("signals", &config->signals, err);
    return st;
}

const char *otlp_http_config_url(const struct otlp_http_config *config, enum signal signal)
{
    const char *const urls[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = config->logs_endpoint,
        [SIGNAL_TRACES] = config->traces_endpoint,
        [SIGNAL_METRICS] = config->metrics_endpoint,
    };
    return urls[signal];
}
