/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_config_test.c -- what options may be, and what librdkafka is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exporters/kafka/kafka_broker_name.h"
#include "exporters/kafka/kafka_config.h"
#include "exporters/kafka/kafka_outcome.h"
#include "exporters/kafka/kafka_properties.h"
#include "support/temp_dir.h"

static const char *const far[] = {"kafka-1.example:9093", "kafka-2.example"};
static const char *const near[] = {"127.0.0.1:9092", "[::1]:9092", "localhost"};
static const char *const all_signals[] = {"logs", "traces", "metrics"};

static struct kafka_config usual(void)
{
    return (struct kafka_config){.brokers = {near, COUNT_OF(near)},
                                 .topics = {"otlp_logs", "otlp_spans", "otlp_metrics"},
                                 .max_message_size = 1000000,
                                 .client_id = "telltale",
                                 .signals = {all_signals, COUNT_OF(all_signals)}};
}

static void test_names_of_brokers(void **state)
{
    static const struct {
        const char *text;
        bool good;
        bool local;
    } rows[] = {
        {"kafka.example:9092", true, false},
        {"kafka.example", true, false},
        {"192.0.2.7:1", true, false},
        {"127.0.0.1:9092", true, true},
        {"127.8.9.10", true, true},
        {"LocalHost:65535", true, true},
        {"[::1]:9092", true, true},
        {"[2001:db8::1]", true, false},
        {"127.0.0.1.example:9092", true, false},
        {"", false, false},
        {":9092", false, false},
        {"kafka:0", false, false},
        {"kafka:65536", false, false},
        {"kafka:999999", false, false},
        {"kafka:", false, false},
        {"kafka:12x", false, false},
        {"SSL://kafka:9092", false, false},
        {"kafka,other", false, false},
        {"kafka other", false, false},
        {"[::1", false, false},
        {"[localhost]:9092", false, false},
        {"::1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool local = false;
        struct error err;
        enum status st = kafka_broker_name_check(rows[i].text, &local, &err);
        assert_int_equal(st, rows[i].good ? ST_OK : ST_INVALID);
        assert_int_equal(local, rows[i].local);
    }
    char name[300];
    bool local;
    struct error err;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = 0;
    assert_int_equal(kafka_broker_name_check(name, &local, &err), ST_INVALID);
}

static void assert_refused(const struct kafka_config *config, const char *words)
{
    struct error err = {.text = ""};

    assert_int_not_equal(kafka_config_check(config, &err), ST_OK);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' says nothing of '%s'", err.text, words);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const char *const bad_signals[] = {"logs", "dreams"};
    static const char *const bad_brokers[] = {"127.0.0.1:9092", "kafka:x"};
    static const struct config_text_pair own[] = {{"schema", "mine"}};
    struct kafka_config config = usual();
    struct error err;

    (void)state;
    assert_int_equal(kafka_config_check(&config, &err), ST_OK);
    config.brokers.count = 0;
    assert_refused(&config, "brokers: the list is empty");
    config = usual();
    config.brokers = (struct config_text_list){bad_brokers, 2};
    assert_refused(&config, "kafka:x");
    config = usual();
    config.topics.traces = "no such name";
    assert_refused(&config, "topics.traces");
    config.topics.traces = "..";
    assert_refused(&config, "topics.traces");
    config = usual();
    config.tls.cert_file = "/c.pem";
    assert_refused(&config, "tls.cert_file");
    config = usual();
    config.tls = (struct kafka_tls_config){.insecure = true, .ca_file = "/ca.pem"};
    assert_refused(&config, "tls.insecure");
    config = usual();
    config.headers = (struct config_text_map){own, 1};
    assert_refused(&config, "schema");
    config = usual();
    config.signals = (struct config_text_list){bad_signals, 2};
    assert_refused(&config, "dreams");
}

static void test_properties_that_are_ours_or_unknown_are_refused(void **state)
{
    static const struct {
        const char *key;
        const char *value;
        const char *words; /* NULL: taken */
    } rows[] = {
        {"socket.timeout.ms", "30000", NULL},
        {"linger.ms", "5", NULL},
        {"broker.address.family", "v4", NULL},
        {"socket.timeout.ms", "soon", "does not take this value of 'socket.timeout.ms'"},
        {"no.such.thing", "1", "librdkafka knows no 'no.such.thing'"},
        {"enable.idempotence", "false", "'enable.idempotence' is not to be set"},
        {"acks", "1", "'acks'"},
        {"request.required.acks", "1", "'request.required.acks'"},
        {"retries", "0", "'retries'"},
        {"max.in.flight", "1000", "'max.in.flight'"},
        {"message.timeout.ms", "1", "'message.timeout.ms'"},
        {"plugin.library.paths", "/tmp/x.so", "'plugin.library.paths'"},
        {"ssl.engine.location", "/tmp/x.so", "'ssl.engine.location'"},
        {"sasl.kerberos.kinit.cmd", "rm -rf /", "'sasl.kerberos.kinit.cmd'"},
        {"sasl.password", "s3cret", "'sasl.password'"},
        {"security.protocol", "plaintext", "'security.protocol'"},
        {"enable.ssl.certificate.verification", "false", "'enable.ssl.certificate"},
        {"ssl.endpoint.identification.algorithm", "none", "'ssl.endpoint"},
        {"test.mock.num.brokers", "1", "'test.mock"},
        {"compression.codec", "none", "'compression.codec'"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct config_text_pair pair = {rows[i].key, rows[i].value};
        struct kafka_config config = usual();
        struct error err;
        config.properties = (struct config_text_map){&pair, 1};
        if (rows[i].words == NULL) {
            assert_int_equal(kafka_config_check(&config, &err), ST_OK);
            continue;
        }
        assert_refused(&config, rows[i].words);
        assert_int_not_equal(kafka_config_check(&config, &err), ST_OK);
        assert_null(strstr(err.text, "s3cret"));
    }
}

/* What librdkafka has been told of `name`; "" when nothing. */
static const char *told(const rd_kafka_conf_t *conf, const char *name)
{
    static char value[512];
    size_t size = sizeof(value);

    value[0] = 0;
    if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
        value[0] = 0;
    return value;
}

static rd_kafka_conf_t *make(const struct kafka_config *config)
{
    rd_kafka_conf_t *conf = NULL;
    struct error err;

    assert_int_equal(kafka_properties_make(config, &conf, &err), ST_OK);
    return conf;
}

static void test_delivery_is_idempotent_and_bounded(void **state)
{
    struct kafka_config config = usual();

    (void)state;
    rd_kafka_conf_t *conf = make(&config);
    assert_string_equal(told(conf, "bootstrap.servers"), "127.0.0.1:9092,[::1]:9092,localhost");
    assert_string_equal(told(conf, "enable.idempotence"), "true");
    assert_string_equal(told(conf, "partitioner"), "murmur2_random");
    assert_string_equal(told(conf, "compression.codec"), "zstd");
    assert_string_equal(told(conf, "message.max.bytes"), "1000000");
    assert_string_equal(told(conf, "security.protocol"), "plaintext");
    rd_kafka_conf_destroy(conf);
}

static void test_who_is_not_on_this_host_is_spoken_to_in_tls(void **state)
{
    struct kafka_config config = usual();

    (void)state;
    config.brokers = (struct config_text_list){far, COUNT_OF(far)};
    rd_kafka_conf_t *conf = make(&config);
    assert_string_equal(told(conf, "security.protocol"), "ssl");
    assert_string_equal(told(conf, "ssl.endpoint.identification.algorithm"), "https");
    assert_string_equal(told(conf, "enable.ssl.certificate.verification"), "true");
    rd_kafka_conf_destroy(conf);
    config.tls.insecure = true; /* told so */
    conf = make(&config);
    assert_string_equal(told(conf, "security.protocol"), "plaintext");
    rd_kafka_conf_destroy(conf);
    config = usual();
    config.tls.ca_file = "/ca.pem";
    conf = make(&config);
    assert_string_equal(told(conf, "security.protocol"), "ssl");
    assert_string_equal(told(conf, "ssl.ca.location"), "/ca.pem");
    rd_kafka_conf_destroy(conf);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_a_password_is_the_first_line_of_its_file(void **state)
{
    struct temp_dir dir;
    char path[TEMP_DIR_PATH_MAX + 16];
    struct kafka_config config = usual();
    rd_kafka_conf_t *conf = NULL;
    struct error err;

    (void)state;
    temp_dir_make(&dir);
    snprintf(path, sizeof(path), "%s/password", dir.path);
    config.brokers = (struct config_text_list){far, COUNT_OF(far)};
    config.sasl = (struct kafka_sasl_config){.username = "me", .password_file = path};
    assert_int_equal(kafka_properties_make(&config, &conf, &err), ST_IO);
    write_file(path, "");
    assert_int_equal(kafka_properties_make(&config, &conf, &err), ST_INVALID);
    write_file(path, "s3cret pass\r\nsecond line\n");
    conf = make(&config);
    assert_string_equal(told(conf, "sasl.password"), "s3cret pass");
    assert_string_equal(told(conf, "sasl.username"), "me");
    assert_string_equal(told(conf, "sasl.mechanisms"), "PLAIN");
    assert_string_equal(told(conf, "security.protocol"), "sasl_ssl");
    rd_kafka_conf_destroy(conf);
    char large[5000];
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = 0;
    write_file(path, large);
    assert_int_equal(kafka_properties_make(&config, &conf, &err), ST_LIMIT);
    temp_dir_remove(&dir);
}

static void test_an_error_that_nobody_knows_is_tried_again(void **state)
{
    (void)state;
    assert_int_equal(kafka_verdict_of(RD_KAFKA_RESP_ERR_NO_ERROR), KAFKA_DONE);
    assert_int_equal(kafka_verdict_of((rd_kafka_resp_err_t)12345), KAFKA_RETRY);
    assert_int_equal(kafka_verdict_of(RD_KAFKA_RESP_ERR__FATAL), KAFKA_RETRY);
    assert_int_equal(kafka_verdict_of(RD_KAFKA_RESP_ERR__SSL), KAFKA_REPAIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_brokers),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
        cmocka_unit_test(test_properties_that_are_ours_or_unknown_are_refused),
        cmocka_unit_test(test_delivery_is_idempotent_and_bounded),
        cmocka_unit_test(test_who_is_not_on_this_host_is_spoken_to_in_tls),
        cmocka_unit_test(test_a_password_is_the_first_line_of_its_file),
        cmocka_unit_test(test_an_error_that_nobody_knows_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
