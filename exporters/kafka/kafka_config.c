/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_config.c -- see kafka_config.h.
 *
 * Plain text is spoken to this machine only (all brokers are loopback addresses), unless the
 * configuration says tls.insecure.
 */
#include "kafka_config.h"

#include <stddef.h>
#include <string.h>

#include "kafka_broker_name.h"
#include "kafka_properties.h"
#include "telltale/signals.h"

enum {
    BROKERS_MAX = 64,
    TOPIC_SIZE_MAX = 249, /* Kafka's own limit */
    HEADERS_MAX = 32,
    HEADERS_SIZE_MAX = 4096,
    HEADER_OVERHEAD = 10, /* two lengths as varints */
};

static const char *const encoding_choices[] = {"otlp_proto", "otlp_json", NULL};
static const char *const key_choices[] = {"session", "none", NULL};
static const char *const compression_choices[] = {"zstd", "none", "gzip", "snappy", "lz4", NULL};
static const char *const mechanism_choices[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};

static const struct config_field topic_fields[] = {
    {.key = "logs",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct kafka_topics, logs),
     .default_text = "otlp_logs",
     .help = "The topic of log records: the events."},
    {.key = "traces",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct kafka_topics, traces),
     .default_text = "otlp_spans",
     .help = "The topic of spans."},
    {.key = "metrics",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct kafka_topics, metrics),
     .default_text = "otlp_metrics",
     .help = "The topic of metrics."},
    {.key = NULL},
};

static const struct config_field tls_fields[] = {
    {.key = "insecure",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct kafka_tls_config, insecure),
     .default_text = "false",
     .help = "Speak plain text to brokers that are not on this host, the password included."},
    {.key = "ca_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct kafka_tls_config, ca_file),
     .help = "Certificates (PEM) that the brokers' must descend from; the system's when absent."},
    {.key = "cert_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct kafka_tls_config, cert_file),
     .help = "Our own certificate chain (PEM), for brokers that ask for one."},
    {.key = "key_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct kafka_tls_config, key_file),
     .help = "The private key (PEM) of cert_file."},
    {.key = NULL},
};

static const struct config_field sasl_fields[] = {
    {.key = "mechanism",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct kafka_sasl_config, mechanism),
     .choices = mechanism_choices,
     .default_text = "SCRAM-SHA-512",
     .help = "How the password is proven. PLAIN sends it, the others do not."},
    {.key = "username",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct kafka_sasl_config, username),
     .required = true,
     .help = "Who we are."},
    {.key = "password_file",
     .type = CONFIG_PATH,
     .offset = offsetof(struct kafka_sasl_config, password_file),
     .required = true,
     .help = "A file with the password. It is read again when it changes."},
    {.key = NULL},
};

const struct config_field kafka_fields[] = {
    {.key = "brokers",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct kafka_config, brokers),
     .required = true,
     .help = "Some brokers of the cluster, host:port each (9092 when no port is given); they name "
             "the others."},
    {.key = "topics",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct kafka_config, topics),
     .fields = topic_fields,
     .help = "Where each signal goes. The defaults are those of the OpenTelemetry Collector."},
    {.key = "encoding",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct kafka_config, encoding),
     .choices = encoding_choices,
     .default_text = "otlp_proto",
     .help = "What a message is: an OTLP export request in protobuf or in JSON, as the Collector's "
             "Kafka receiver reads them."},
    {.key = "key",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct kafka_config, key),
     .choices = key_choices,
     .default_text = "session",
     .help = "What the key of a message is. `session`: the session (of a span without one, its "
             "trace), which keeps the events of a session in one partition and in order. `none`: "
             "no key, larger messages, any partition."},
    {.key = "compression",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct kafka_config, compression),
     .choices = compression_choices,
     .default_text = "zstd",
     .help = "How batches of messages are compressed. zstd needs Kafka 2.1 or newer."},
    {.key = "compression_level",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct kafka_config, compression_level),
     .max = 12,
     .default_text = "0",
     .help = "From 1, the fastest, to 12, the smallest (gzip: 9); 0 is the codec's own."},
    {.key = "max_message_size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct kafka_config, max_message_size),
     .min = UINT64_C(16) * 1024,
     .max = UINT64_C(64) * 1024 * 1024,
     .default_text = "1000000",
     .help = "The largest message, measured before compression; an event that does not fit alone "
             "becomes a dead letter. Not more than the topic's max.message.bytes, which is "
             "1048588 by default."},
    {.key = "client_id",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct kafka_config, client_id),
     .default_text = "telltale",
     .help = "The name that brokers log and give quotas to."},
    {.key = "headers",
     .type = CONFIG_TEXT_MAP,
     .offset = offsetof(struct kafka_config, headers),
     .help = "Headers of every message, beside our own: content-type, schema, log-origin, "
             "first-index."},
    {.key = "tls",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct kafka_config, tls),
     .fields = tls_fields,
     .help = "Used when a broker is not on this host; and there, with ca_file or cert_file."},
    {.key = "sasl",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct kafka_config, sasl),
     .fields = sasl_fields,
     .help = "How we log in; not at all when absent."},
    {.key = "properties",
     .type = CONFIG_TEXT_MAP,
     .offset = offsetof(struct kafka_config, properties),
     .secret = true,
     .help = "Settings of librdkafka by their names there, for what has no option here. Refused "
             "are those that have one, and those that delivery depends on."},
    {.key = "signals",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct kafka_config, signals),
     .default_text = "[logs, traces, metrics]",
     .help = "What is sent there; the rest passes it by."},
    {.key = NULL},
};

static bool all_local(const struct kafka_config *config)
{
    for (size_t i = 0; i < config->brokers.count; i++) {
        bool local = false;
        struct error ignored;
        if (kafka_broker_name_check(config->brokers.items[i], &local, &ignored) != ST_OK || !local)
            return false;
    }
    return true;
}

bool kafka_config_wants_tls(const struct kafka_config *config)
{
    const struct kafka_tls_config *tls = &config->tls;

    if (tls->insecure)
        return false;
    return tls->ca_file != NULL || tls->cert_file != NULL || !all_local(config);
}

const char *kafka_config_topic(const struct kafka_config *config, enum signal signal)
{
    const struct kafka_topics *topics = &config->topics;

    return signal == SIGNAL_TRACES    ? topics->traces
           : signal == SIGNAL_METRICS ? topics->metrics
                                      : topics->logs;
}

const char *kafka_config_mechanism(const struct kafka_config *config)
{
    return mechanism_choices[config->sasl.mechanism];
}

const char *kafka_config_compression(const struct kafka_config *config)
{
    return compression_choices[config->compression];
}

size_t kafka_config_headers_size(const struct kafka_config *config)
{
    size_t size = 0;

    for (size_t i = 0; i < config->headers.count; i++) {
        const struct config_text_pair *pair = &config->headers.pairs[i];
        size += strlen(pair->key) + strlen(pair->value) + HEADER_OVERHEAD;
    }
    return size;
}

static enum status check_brokers(const struct kafka_config *config, struct error *err)
{
    if (config->brokers.count == 0)
        return error_set(err, ST_INVALID, "brokers: the list is empty");
    if (config->brokers.count > BROKERS_MAX)
        return error_set(err, ST_LIMIT, "brokers: %zu of them, limit %d", config->brokers.count,
                         BROKERS_MAX);
    for (size_t i = 0; i < config->brokers.count; i++) {
        bool local;
        enum status st = kafka_broker_name_check(config->brokers.items[i], &local, err);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status check_topics(const struct kafka_config *config, struct error *err)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    for (unsigned signal = 0; signal < SIGNAL_COUNT; signal++) {
        const char *topic = kafka_config_topic(config, (enum signal)signal);
        size_t size = strlen(topic);
        if (size == 0 || size > TOPIC_SIZE_MAX || strspn(topic, legal) != size ||
            strcmp(topic, ".") == 0 || strcmp(topic, "..") == 0)
            return error_set(err, ST_INVALID, "topics.%s: '%s' is no name of a topic",
                             signal_name((enum signal)signal), topic);
    }
    return ST_OK;
}

static enum status check_tls(const struct kafka_config *config, struct error *err)
{
    const struct kafka_tls_config *tls = &config->tls;

    if ((tls->cert_file == NULL) != (tls->key_file == NULL))
        return error_set(err, ST_INVALID, "tls.cert_file needs tls.key_file, and the reverse");
    if (tls->insecure && (tls->ca_file != NULL || tls->cert_file != NULL))
        return error_set(err, ST_INVALID, "tls.insecure: certificates have no use in plain text");
    return ST_OK;
}

static bool is_own_header(const char *name)
{
    static const char *const own[] = {"content-type", "schema", "log-origin", "first-index"};

    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (strcmp(own[i], name) == 0)
            return true;
    }
    return false;
}

static enum status check_headers(const struct kafka_config *config, struct error *err)
{
    if (config->headers.count > HEADERS_MAX)
        return error_set(err, ST_LIMIT, "headers: more than %d", HEADERS_MAX);
    if (kafka_config_headers_size(config) > HEADERS_SIZE_MAX)
        return error_set(err, ST_LIMIT, "headers: more than %d bytes", HEADERS_SIZE_MAX);
    for (size_t i = 0; i < config->headers.count; i++) {
        const char *name = config->headers.pairs[i].key;
        if (name[0] == 0 || is_own_header(name))
            return error_set(err, ST_INVALID, "headers: '%s' cannot be set", name);
    }
    return ST_OK;
}

enum status kafka_config_check(const struct kafka_config *config, struct error *err)
{
    enum status st = check_brokers(config, err);
    if (st == ST_OK)
        st = check_topics(config, err);
    if (st == ST_OK)
        st = check_tls(config, err);
    if (st == ST_OK)
        st = check_headers(config, err);
    if (st == ST_OK)
        st = kafka_properties_check(config, err);
    if (st == ST_OK)
        st = signals_check("signals", &config->signals, err);
    return st;
}
