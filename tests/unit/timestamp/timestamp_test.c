/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_test.c -- the exporter has checkpoints stamped by an authority that may say anything:
 * when it asks, what it puts on record, and what it still knows behind a restart. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/http_sink.h"
#include "support/made_tsa.h"
#include "support/option.h"
#include "support/shown_log.h"
#include "support/temp_dir.h"
#include "support/told_notes.h"
#include "telltale/clocks.h"
#include "telltale/timestamp.h"

extern const struct exporter_ops exporter_timestamp;

static const struct exporter_ops *ops = &exporter_timestamp;

#define HOUR_NS   (3600 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

static uint64_t now_ns; /* the clock on the wall */

struct scene {
    struct temp_dir dir;
    struct http_sink *sink;
    void *config;
    void *exporter;
    struct shown_log log;
    struct timestamp_authority *authority;
    char ca_path[TEST_PATH_MAX], endpoint[64];
    struct told_notes told;
    struct exporter_notes listener;
    bool has_no_room; /* for what is told */
    struct export_report report;
    pthread_mutex_t lock;
    /* shared with the sink's thread, under lock */
    struct made_tsa tsa;
    struct buf body; /* instead of what the authority says; empty: not */
};

static uint64_t read_clock(void)
{
    return now_ns;
}

static bool tell(void *context, const char *exporter, const struct exporter_note *note)
{
    struct scene *scene = context;

    assert_string_equal(exporter, "timestamp/t1");
    return !scene->has_no_room && scene->listener.tell(scene->listener.context, exporter, note);
}

static void answer(void *context, const struct http_sink_request *request, struct buf *body)
{
    struct scene *scene = context;
    struct error err;

    (void)pthread_mutex_lock(&scene->lock);
    if (scene->body.size > 0)
        ASSERT(buf_append(body, scene->body.data, scene->body.size, &err) == ST_OK);
    else
        made_tsa_grant(&scene->tsa, request->body, body);
    (void)pthread_mutex_unlock(&scene->lock);
}

static void start(struct scene *scene)
{
    struct error err;
    const struct exporter_context context = {
        .name = "timestamp/t1",
        .state_dir = scene->dir.path,
        .notes = {.context = scene, .tell = tell},
        .read_clock = read_clock,
    };

    if (ops->create(scene->config, &context, &scene->exporter, &err) != ST_OK)
        fail_msg("%s", err.text);
}

static void restart(struct scene *scene)
{
    ops->destroy(scene->exporter);
    start(scene);
}

static void answer_with(struct scene *scene, int status, const char *headers)
{
    const struct http_sink_answer script = {.status = status, .headers = headers};

    http_sink_script(scene->sink, &script, 1);
}

#define STAMP_TYPE "Content-Type: application/timestamp-reply\r\n"

static void answer_right(struct scene *scene)
{
    (void)pthread_mutex_lock(&scene->lock);
    buf_clear(&scene->body);
    scene->tsa.fault = MADE_RIGHT;
    (void)pthread_mutex_unlock(&scene->lock);
    answer_with(scene, 200, STAMP_TYPE);
}

static void answer_body(struct scene *scene, struct slice body)
{
    struct error err;

    (void)pthread_mutex_lock(&scene->lock);
    buf_clear(&scene->body);
    assert_int_equal(buf_append(&scene->body, body.data, body.size, &err), ST_OK);
    (void)pthread_mutex_unlock(&scene->lock);
}

static void answer_wrong(struct scene *scene, enum made_tsa_fault fault)
{
    answer_right(scene);
    (void)pthread_mutex_lock(&scene->lock);
    scene->tsa.fault = fault;
    (void)pthread_mutex_unlock(&scene->lock);
}

static void make_authority(struct scene *scene)
{
    struct test_cert ca, cert;
    struct error err;

    test_certs_make_ca(&ca);
    test_certs_make_stamping(&ca, "tsa.example", &cert);
    test_certs_write(scene->dir.path, "ca.pem", ca.cert, scene->ca_path);
    assert_int_equal(timestamp_authority_read(scene->ca_path, &scene->authority, &err), ST_OK);
    made_tsa_init(&scene->tsa, &cert);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct error err;

    assert_non_null(scene);
    *state = scene;
    temp_dir_make(&scene->dir);
    (void)pthread_mutex_init(&scene->lock, NULL);
    buf_init(&scene->body, 1 << 20);
    make_authority(scene);
    scene->sink = http_sink_start(&(struct http_sink_settings){.answer = answer, .context = scene});
    answer_right(scene);
    shown_log_init(&scene->log);
    scene->listener = told_notes_listen(&scene->told);
    now_ns = UINT64_C(1800000000) * NS_PER_S;
    (void)snprintf(scene->endpoint, sizeof(scene->endpoint), "http://127.0.0.1:%d/tsr",
                   http_sink_port(scene->sink));
    scene->config = option_make_config(ops);
    option_set_text(ops, scene->config, "endpoint", scene->endpoint);
    option_set_text(ops, scene->config, "ca_file", scene->ca_path);
    option_set_number(ops, scene->config, "every", HOUR_NS);
    option_set_number(ops, scene->config, "connect_timeout", 5 * NS_PER_S);
    option_set_number(ops, scene->config, "max_response_size", 65536);
    assert_int_equal(ops->check(scene->config, &err), ST_OK);
    start(scene);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    ops->destroy(scene->exporter);
    http_sink_stop(scene->sink);
    shown_log_fini(&scene->log);
    made_tsa_fini(&scene->tsa);
    timestamp_authority_destroy(scene->authority);
    buf_fini(&scene->body);
    (void)pthread_mutex_destroy(&scene->lock);
    free(scene->config);
    temp_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void send_record(struct scene *scene)
{
    shown_log_send(&scene->log, ops, scene->exporter, &scene->report);
}

static void grow_and_send(struct scene *scene, unsigned leaves)
{
    shown_log_grow(&scene->log, leaves);
    send_record(scene);
}

static enum status tick(struct scene *scene, uint64_t step_ns, struct error *err)
{
    now_ns += step_ns;
    err->text[0] = 0;
    return ops->tick(scene->exporter, now_ns, err);
}

static void expect_quiet(struct scene *scene, uint64_t step_ns)
{
    size_t before = http_sink_count(scene->sink);
    struct error err;

    if (tick(scene, step_ns, &err) != ST_OK)
        fail_msg("%s", err.text);
    assert_int_equal(http_sink_count(scene->sink), before);
}

/* So many stamps were told; the last is over the last checkpoint, and good. */
static const struct told_note *expect_told(struct scene *scene, size_t count)
{
    struct timestamp_info info;
    struct buf token;
    struct error err;

    assert_int_equal(told_notes_count(&scene->told, "timestamp", "stamped"), count);
    const struct told_note *told = told_notes_last(&scene->told, "timestamp", "stamped");
    assert_int_equal(told->size, scene->log.checkpoint.size);
    assert_string_equal(told->origin, "log.example");
    assert_string_equal(told->actor, "tsa.example");
    assert_false(told->is_alarm);
    assert_true(slice_equal(slice_of_text(told->note), buf_slice(&scene->log.note)));
    buf_init(&token, 65536);
    assert_int_equal(timestamp_token_take_text(slice_of_text(told->token), &token, &err), ST_OK);
    assert_int_equal(timestamp_token_check(buf_slice(&token), scene->authority, &info, &err),
                     TIMESTAMP_GOOD);
    buf_fini(&token);
    struct hash hash = hash_bytes(buf_slice(&scene->log.note));
    assert_true(hash_equal(&info.imprint, &hash));
    assert_int_equal(told->token_unix_s, info.unix_s);
    return told;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_the_newest_checkpoint_is_stamped_every_so_often(void **state)
{
    struct scene *scene = *state;
    char type[64];
    struct error err;

    grow_and_send(scene, 3);
    assert_null(scene->report.notice);
    assert_int_equal(scene->report.upkeep.text[0], 0);
    expect_told(scene, 1);
    const struct http_sink_request *request = http_sink_request(scene->sink, 0);
    assert_true(strncmp(request->head, "POST /tsr HTTP/1.1\r\n", 20) == 0);
    assert_true(http_sink_header(request, "content-type", type, sizeof(type)));
    assert_string_equal(type, "application/timestamp-query");
    for (int i = 0; i < 10; i++) {
        now_ns += MINUTE_NS;
        grow_and_send(scene, 1);
    }
    assert_int_equal(http_sink_count(scene->sink), 1);
    expect_quiet(scene, 49 * MINUTE_NS);
    assert_int_equal(tick(scene, MINUTE_NS, &err), ST_OK);
    assert_int_equal(http_sink_count(scene->sink), 2);
    expect_told(scene, 3); /* the first once more: its record did not come by */
    send_record(scene);    /* the same, as in a heartbeat */
    expect_quiet(scene, 2 * HOUR_NS);
}

static void test_a_restart_asks_no_earlier(void **state)
{
    struct scene *scene = *state;
    struct error err;

    grow_and_send(scene, 3);
    expect_told(scene, 1);
    for (int i = 0; i < 5; i++) {
        restart(scene);
        now_ns += NS_PER_S;
        grow_and_send(scene, 1);
    }
    assert_int_equal(http_sink_count(scene->sink), 1);
    assert_int_equal(tick(scene, HOUR_NS, &err), ST_OK);
    assert_int_equal(http_sink_count(scene->sink), 2);
}

/* Killed between the answer and the journal. */
static void test_a_stamp_is_told_until_its_record_comes_by(void **state)
{
    struct scene *scene = *state;
    char token[8192];

    grow_and_send(scene, 3);
    (void)snprintf(token, sizeof(token), "%s", expect_told(scene, 1)->token);
    restart(scene);
    send_record(scene);
    expect_quiet(scene, 0);
    expect_told(scene, 1); /* it may come by yet */
    expect_quiet(scene, MINUTE_NS);
    assert_string_equal(expect_told(scene, 2)->token, token);
    expect_quiet(scene, MINUTE_NS);
    expect_told(scene, 2);
    shown_log_send_stamp(&scene->log, ops, scene->exporter, SLICE("MIIanother"));
    restart(scene);
    shown_log_send_stamp(&scene->log, ops, scene->exporter, slice_of_text(token));
    expect_quiet(scene, HOUR_NS);
    restart(scene);
    send_record(scene);
    expect_quiet(scene, HOUR_NS);
    expect_told(scene, 2);
    assert_int_equal(http_sink_count(scene->sink), 1);
}

static void test_a_stamp_without_room_is_told_later(void **state)
{
    struct scene *scene = *state;
    struct error err;

    scene->has_no_room = true;
    grow_and_send(scene, 3);
    assert_non_null(scene->report.notice);
    assert_int_equal(tick(scene, NS_PER_S, &err), ST_AGAIN);
    scene->has_no_room = false;
    expect_quiet(scene, NS_PER_S);
    expect_told(scene, 1);
    expect_quiet(scene, NS_PER_S);
    expect_told(scene, 1);
    assert_int_equal(http_sink_count(scene->sink), 1);
}

/* `waits` in minutes: it is asked behind each of them, and not before. */
static void expect_waits(struct scene *scene, const unsigned *waits, size_t count)
{
    struct error err;

    for (size_t i = 0; i < count; i++) {
        size_t before = http_sink_count(scene->sink);
        expect_quiet(scene, waits[i] * MINUTE_NS - NS_PER_S);
        assert_int_equal(tick(scene, NS_PER_S, &err), ST_IO);
        assert_true(http_sink_count(scene->sink) > before);
    }
}

static void test_an_authority_that_is_away_is_asked_less_and_less_often(void **state)
{
    struct scene *scene = *state;
    static const unsigned waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    static const unsigned wished[] = {120};
    struct error err;

    answer_with(scene, 503, NULL);
    grow_and_send(scene, 3);
    assert_non_null(scene->report.notice);
    assert_non_null(strstr(scene->report.upkeep.text, "503"));
    expect_waits(scene, waits, COUNT_OF(waits));
    answer_with(scene, 429, "Retry-After: 7200\r\n");
    assert_int_equal(tick(scene, HOUR_NS, &err), ST_IO);
    expect_waits(scene, wished, 1);
    assert_int_equal(scene->told.count, 0); /* no alarm */
    answer_right(scene);
    assert_int_equal(tick(scene, 2 * HOUR_NS, &err), ST_OK);
    expect_told(scene, 1);
    answer_with(scene, 503, NULL);
    shown_log_send_stamp(&scene->log, ops, scene->exporter,
                         slice_of_text(expect_told(scene, 1)->token));
    now_ns += HOUR_NS;
    grow_and_send(scene, 1);
    expect_waits(scene, waits, 2); /* from the start */
}

/* A daemon that is restarted all the time. */
static void test_a_restart_behind_a_failure_waits_a_minute(void **state)
{
    struct scene *scene = *state;

    answer_with(scene, 503, NULL);
    grow_and_send(scene, 3);
    size_t before = http_sink_count(scene->sink);
    for (int i = 0; i < 5; i++) {
        restart(scene);
        now_ns += 10 * NS_PER_S;
        grow_and_send(scene, 1);
    }
    assert_int_equal(http_sink_count(scene->sink), before);
    now_ns += 10 * NS_PER_S;
    grow_and_send(scene, 1);
    assert_true(http_sink_count(scene->sink) > before);
}

static void test_a_refusal_is_on_record_once(void **state)
{
    struct scene *scene = *state;
    static const struct {
        int status, bit;
        const char *words;
    } refusals[] = {{2, 15, "set 'policy'"}, {2, 2, "no such request"}, {5, -1, "was revoked"}};
    struct buf body;
    struct error err;

    buf_init(&body, 4096);
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        buf_clear(&body);
        made_tsa_deny(refusals[i].status, "because\x1b[2J", refusals[i].bit, &body);
        answer_body(scene, buf_slice(&body));
        now_ns += 2 * HOUR_NS;
        grow_and_send(scene, 3);
        assert_non_null(scene->report.notice);
        assert_int_equal(tick(scene, 2 * HOUR_NS, &err), ST_IO);
        assert_non_null(strstr(err.text, refusals[i].words));
        const struct told_note *told = &scene->told.items[scene->told.count - 1];
        assert_true(told->is_alarm);
        assert_int_equal(told->size, scene->log.checkpoint.size);
        assert_non_null(strstr(told->reason, refusals[i].words));
        assert_non_null(strstr(told->reason, "because [2J"));
    }
    assert_int_equal(scene->told.count, COUNT_OF(refusals));
    buf_clear(&body);
    made_tsa_deny(3, "later", -1, &body);
    answer_body(scene, buf_slice(&body));
    assert_int_equal(tick(scene, 2 * HOUR_NS, &err), ST_IO);
    assert_non_null(strstr(err.text, "not ready"));
    assert_int_equal(scene->told.count, COUNT_OF(refusals)); /* no alarm */
    buf_fini(&body);
}

/* The next request gets an answer that is refused with these words. */
static void expect_refused(struct scene *scene, const char *words)
{
    size_t before = told_notes_count(&scene->told, "timestamp", "stamped");
    size_t asked = http_sink_count(scene->sink);

    restart(scene);
    now_ns += 2 * HOUR_NS;
    grow_and_send(scene, 1);
    assert_non_null(scene->report.notice);
    assert_true(http_sink_count(scene->sink) > asked);
    assert_int_equal(told_notes_count(&scene->told, "timestamp", "stamped"), before);
    const struct told_note *told = &scene->told.items[scene->told.count - 1];
    assert_true(told->is_alarm);
    if (strstr(told->reason, words) == NULL)
        fail_msg("'%s' is not in '%s'", words, told->reason);
}

static void test_what_is_no_stamp_is_no_answer(void **state)
{
    struct scene *scene = *state;
    static const struct {
        enum made_tsa_fault fault;
        const char *words;
    } wrong[] = {{MADE_OTHER_IMPRINT, "something else"},
                 {MADE_OTHER_NONCE, "nonce"},
                 {MADE_NO_NONCE, "nonce"},
                 {MADE_WRONG_SIGNATURE, "signature"},
                 {MADE_WITHOUT_CERTIFICATE, "not one signer"},
                 {MADE_LARGE, "more than"}};
    uint8_t large[70000] = {0x30, 0x83, 1, 0, 0};

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        answer_wrong(scene, wrong[i].fault);
        expect_refused(scene, wrong[i].words);
    }
    answer_right(scene);
    answer_body(scene, SLICE("<html>Login</html>"));
    expect_refused(scene, "not one of RFC 3161");
    answer_body(scene, slice_of(large, 5));
    expect_refused(scene, "not one of RFC 3161, or cut off");
    answer_body(scene, slice_of(large, sizeof(large)));
    expect_refused(scene, "more than");
    answer_right(scene);
    answer_with(scene, 200, "Content-Type: text/html\r\n");
    expect_refused(scene, "'text/html'");
    answer_with(scene, 200, NULL);
    expect_refused(scene, "is the endpoint that of an authority?");
    answer_with(scene, 404, STAMP_TYPE);
    expect_refused(scene, "404");
    answer_with(scene, 401, NULL);
    expect_refused(scene, "credentials");
    answer_with(scene, 400, NULL);
    expect_refused(scene, "400");
    answer_right(scene);
    option_set_text(ops, scene->config, "policy", "1.2.3.9");
    expect_refused(scene, "another policy");
    option_set_text(ops, scene->config, "policy", "1.2.3.4");
    restart(scene);
    now_ns += 2 * HOUR_NS;
    grow_and_send(scene, 1);
    expect_told(scene, 1);
}

static void test_a_lost_answer_is_no_alarm(void **state)
{
    struct scene *scene = *state;
    const struct http_sink_answer lost = {.deed = SINK_CLOSE_UNANSWERED};
    struct error err;

    http_sink_script(scene->sink, &lost, 1);
    grow_and_send(scene, 3);
    assert_non_null(scene->report.notice);
    assert_int_equal(scene->told.count, 0);
    answer_right(scene);
    assert_int_equal(tick(scene, MINUTE_NS, &err), ST_OK);
    expect_told(scene, 1);
}

static void test_only_our_own_words_are_stamped(void **state)
{
    struct scene *scene = *state;

    scene->log.transport = "unix_socket";
    grow_and_send(scene, 3);
    scene->log.transport = "internal";
    shown_log_grow(&scene->log, 3);
    scene->log.note.data[0] = 0xff; /* no UTF-8: no note */
    send_record(scene);
    assert_int_equal(http_sink_count(scene->sink), 0);
    assert_null(scene->report.notice);
    scene->log.without_growth = true;
    grow_and_send(scene, 3);
    expect_told(scene, 1);
}

static void test_without_its_certificates_nothing_is_asked(void **state)
{
    struct scene *scene = *state;
    char path[TEST_PATH_MAX];
    struct error err;

    (void)snprintf(path, sizeof(path), "%.200s.away", scene->ca_path);
    assert_int_equal(rename(scene->ca_path, path), 0);
    grow_and_send(scene, 3);
    assert_non_null(scene->report.notice);
    assert_int_equal(tick(scene, MINUTE_NS, &err), ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "ca_file"));
    assert_int_equal(http_sink_count(scene->sink), 0);
    assert_int_equal(rename(path, scene->ca_path), 0);
    assert_int_equal(tick(scene, MINUTE_NS, &err), ST_OK);
    expect_told(scene, 1);
}

static void test_a_policy_is_an_oid(void **state)
{
    struct scene *scene = *state;
    struct error err;

    option_set_text(ops, scene->config, "policy", "basic");
    assert_int_equal(ops->check(scene->config, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "policy"));
    option_set_text(ops, scene->config, "policy", "1.2.3.4.5");
    assert_int_equal(ops->check(scene->config, &err), ST_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_newest_checkpoint_is_stamped_every_so_often),
        TEST(test_a_restart_asks_no_earlier),
        TEST(test_a_stamp_is_told_until_its_record_comes_by),
        TEST(test_a_stamp_without_room_is_told_later),
        TEST(test_an_authority_that_is_away_is_asked_less_and_less_often),
        TEST(test_a_restart_behind_a_failure_waits_a_minute),
        TEST(test_a_refusal_is_on_record_once),
        TEST(test_what_is_no_stamp_is_no_answer),
        TEST(test_a_lost_answer_is_no_alarm),
        TEST(test_only_our_own_words_are_stamped),
        TEST(test_without_its_certificates_nothing_is_asked),
        TEST(test_a_policy_is_an_oid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
