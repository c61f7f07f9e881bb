/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_config.h -- the options of the Kafka exporter and what they may be.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/batch.h"
#include "telltale/config_field.h"
#include "telltale/error.h"

enum kafka_encoding { KAFKA_OTLP_PROTO, KAFKA_OTLP_JSON };
enum kafka_key { KAFKA_KEY_SESSION, KAFKA_KEY_NONE };

struct kafka_tls_config {
    bool insecure;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
};

struct kafka_sasl_config {
    int mechanism;        /* index into the names of kafka_config_mechanism() */
    const char *username; /* NULL: no SASL */
    const char *password_file;
};

struct kafka_topics {
    const char *logs;
    const char *traces;
    const char *metrics;
};

struct kafka_config {
    struct config_text_list brokers;
    struct kafka_topics topics;
    int encoding; /* enum kafka_encoding */
    int key;      /* enum kafka_key */
    int compression;
    uint64_t compression_level; /* 0: the codec's own */
    uint64_t max_message_size;
    const char *client_id;
    struct config_text_map headers;
    struct kafka_tls_config tls;
    struct kafka_sasl_config sasl;
    struct config_text_map properties;
    struct config_text_list signals;
};

extern const struct config_field kafka_fields[];

/* Checks what the table cannot say.  ST_INVALID, ST_LIMIT. */
MUST_CHECK enum status kafka_config_check(const struct kafka_config *config, struct error *err);

/* Whether the connections are to be encrypted. */
bool kafka_config_wants_tls(const struct kafka_config *config);

const char *kafka_config_topic(const struct kafka_config *config, enum signal signal);

/* As librdkafka calls them. */
const char *kafka_config_mechanism(const struct kafka_config *config);
const char *kafka_config_compression(const struct kafka_config *config);

/* The bytes that all of `headers` take in a message, at most. */
size_t kafka_config_headers_size(const struct kafka_config *config);
