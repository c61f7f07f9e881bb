/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_properties.c -- see kafka_properties.h.
 *
 * Idempotence is on: acks=all, and librdkafka's own retries neither double nor reorder.  It holds
 * for the life of one producer; what comes again after that is told by log.record.uid.
 *
 * A message has no time limit of librdkafka's that would end before a send() does: the exporter
 * takes back what is not delivered by then (kafka_link.c).
 */
#include "kafka_properties.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "telltale/secret_file.h"

enum {
    PASSWORD_SIZE_MAX = 4096,
    REASON_SIZE = 512,
    BROKERS_SIZE_MAX = 64 * 1024,
};

struct property {
    const char *name;
    const char *value;
};

static const struct property fixed[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    /* As long as a send() may take at most, and a minute. */
    {"message.timeout.ms", "3660000"},
    /* Java's, so that everybody finds a session in the same partition. */
    {"partitioner", "murmur2_random"},
    /* What a batch has for one partition goes together; waiting for it ends the pause. */
    {"linger.ms", "100"},
    {"sticky.partitioning.linger.ms", "0"},
    /* Messages lie in the exporter's buffer, which has a limit of its own; this is only above it.
     */
    {"queue.buffering.max.kbytes", "131072"},
    {"queue.buffering.max.messages", "131072"},
    /* An unknown topic is known as such before the usual timeout of a request. */
    {"topic.metadata.propagation.max.ms", "5000"},
    {"reconnect.backoff.max.ms", "2000"},
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"log.connection.close", "false"},
    {"log_level", "0"},
    {"ssl.endpoint.identification.algorithm", "https"},
};

/* What `properties` may not touch; a name that ends with a dot stands for all that begin so. */
static const char *const reserved[] = {
    "acks",
    "bootstrap.servers",
    "builtin.features",
    "client.id",
    "compression.",
    "default_topic_conf",
    "delivery.timeout.ms",
    "dr_cb",
    "dr_msg_cb",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.ssl.certificate.verification",
    "enabled_events",
    "interceptors",
    "log.queue",
    "log_cb",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "opaque",
    "partitioner",
    "partitioner_cb",
    "plugin.",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queuing.strategy",
    "request.required.acks",
    "retries",
    "sasl.", /* one of them is a command that is run */
    "security.protocol",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.",
    "ssl.key.location",
    "statistics.interval.ms",
    "test.mock.",
    "transactional.id",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        size_t size = strlen(reserved[i]);
        if (strcmp(name, reserved[i]) == 0 ||
            (reserved[i][size - 1] == '.' && strncmp(name, reserved[i], size) == 0))
            return true;
    }
    return false;
}

/* librdkafka's words name the value too, which may be a secret. */
static enum status set(rd_kafka_conf_t *conf, const char *name, const char *value,
                       struct error *err)
{
    char reason[REASON_SIZE];

    switch (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason))) {
    case RD_KAFKA_CONF_OK:
        return ST_OK;
    case RD_KAFKA_CONF_UNKNOWN:
        return error_set(err, ST_INVALID, "librdkafka knows no '%s'", name);
    default:
        return error_set(err, ST_INVALID, "librdkafka does not take this value of '%s'", name);
    }
}

static enum status set_number(rd_kafka_conf_t *conf, const char *name, uint64_t value,
                              struct error *err)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    return set(conf, name, text, err);
}

static enum status set_wanted(rd_kafka_conf_t *conf, const struct kafka_config *config,
                              struct error *err)
{
    for (size_t i = 0; i < config->properties.count; i++) {
        const struct config_text_pair *pair = &config->properties.pairs[i];
        if (is_reserved(pair->key))
            return error_set(err, ST_INVALID, "properties: '%s' is not to be set here", pair->key);
        enum status st = set(conf, pair->key, pair->value, err);
        if (st != ST_OK)
            return error_context(err, "properties");
    }
    return ST_OK;
}

enum status kafka_properties_check(const struct kafka_config *config, struct error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    enum status st = set_wanted(conf, config, err);
    rd_kafka_conf_destroy(conf);
    return st;
}

static enum status set_brokers(rd_kafka_conf_t *conf, const struct kafka_config *config,
                               struct error *err)
{
    struct buf list;
    enum status st = ST_OK;

    buf_init(&list, BROKERS_SIZE_MAX);
    for (size_t i = 0; i < config->brokers.count && st == ST_OK; i++) {
        const char *name = config->brokers.items[i];
        if (i > 0)
            st = buf_append(&list, ",", 1, err);
        if (st == ST_OK)
            st = buf_append(&list, name, strlen(name), err);
    }
    if (st == ST_OK)
        st = buf_append(&list, "", 1, err);
    if (st == ST_OK)
        st = set(conf, "bootstrap.servers", (const char *)list.data, err);
    buf_fini(&list);
    return st;
}

static enum status set_tls(rd_kafka_conf_t *conf, const struct kafka_config *config,
                           struct error *err)
{
    const struct property files[] = {
        {"ssl.ca.location", config->tls.ca_file},
        {"ssl.certificate.location", config->tls.cert_file},
        {"ssl.key.location", config->tls.key_file},
    };
    bool tls = kafka_config_wants_tls(config);
    bool sasl = config->sasl.username != NULL;
    const char *protocol =
        tls ? (sasl ? "sasl_ssl" : "ssl") : (sasl ? "sasl_plaintext" : "plaintext");

    enum status st = set(conf, "security.protocol", protocol, err);
    for (size_t i = 0; tls && i < COUNT_OF(files) && st == ST_OK; i++) {
        if (files[i].value != NULL)
            st = set(conf, files[i].name, files[i].value, err);
    }
    return st;
}

/* The first line of the file, NUL-terminated. */
static enum status read_password(const char *path, struct buf *out, struct error *err)
{
    enum status st = secret_file_read(path, out, err);
    if (st == ST_OK)
        st = secret_reserve(out, 1, err);
    if (st != ST_OK)
        return error_context(err, "password file");
    buf_append_reserved(out, "", 1);
    char *password = (char *)out->data;
    password[strcspn(password, "\r\n")] = 0;
    return password[0] != 0 ? ST_OK : error_set(err, ST_INVALID, "'%s' is empty", path);
}

static enum status set_sasl(rd_kafka_conf_t *conf, const struct kafka_config *config,
                            struct error *err)
{
    struct buf password;

    if (config->sasl.username == NULL)
        return ST_OK;
    buf_init(&password, PASSWORD_SIZE_MAX);
    enum status st = set(conf, "sasl.mechanisms", kafka_config_mechanism(config), err);
    if (st == ST_OK)
        st = set(conf, "sasl.username", config->sasl.username, err);
    if (st == ST_OK)
        st = read_password(config->sasl.password_file, &password, err);
    if (st == ST_OK)
        st = set(conf, "sasl.password", (const char *)password.data, err);
    secret_wipe(&password);
    return st;
}

static enum status set_all(rd_kafka_conf_t *conf, const struct kafka_config *config,
                           struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < COUNT_OF(fixed) && st == ST_OK; i++)
        st = set(conf, fixed[i].name, fixed[i].value, err);
    if (st == ST_OK)
        st = set_brokers(conf, config, err);
    if (st == ST_OK)
        st = set(conf, "client.id", config->client_id, err);
    if (st == ST_OK)
        st = set(conf, "compression.codec", kafka_config_compression(config), err);
    if (st == ST_OK && config->compression_level > 0)
        st = set_number(conf, "compression.level", config->compression_level, err);
    if (st == ST_OK)
        st = set_number(conf, "message.max.bytes", config->max_message_size, err);
    if (st == ST_OK)
        st = set_tls(conf, config, err);
    if (st == ST_OK)
        st = set_sasl(conf, config, err);
    if (st == ST_OK)
        st = set_wanted(conf, config, err);
    return st;
}

enum status kafka_properties_make(const struct kafka_config *config, rd_kafka_conf_t **ret,
                                  struct error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    enum status st = set_all(conf, config, err);
    if (st != ST_OK) {
        rd_kafka_conf_destroy(conf);
        return st;
    }
    *ret = conf;
    return ST_OK;
}
