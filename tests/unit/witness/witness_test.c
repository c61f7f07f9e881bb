/* SPDX-License-Identifier: Apache-2.0 */
/* witness_test.c -- the exporter shows checkpoints to a witness that answers from a script: what it
 * sends, what it makes of each status, and what it still knows behind a restart or a lost answer.
 * The proofs are checked as a witness would, from the roots alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "integrity/strict_base64.h"
#include "support/http_sink.h"
#include "support/option.h"
#include "support/shown_log.h"
#include "support/temp_dir.h"
#include "support/told_notes.h"
#include "telltale/clocks.h"

extern const struct exporter_ops exporter_witness;

static const struct exporter_ops *ops = &exporter_witness;
static const uint8_t witness_seed[NOTE_PRIVATE_KEY_SIZE] = {7, 7, 7};

enum {
    COSIGNATURES_MAX = 64,
    SIZES_MAX = 4096,
    COSIGNATURE_SIZE = 4 + 8 + 64,
    COSIGNED_S = 1700000000
};

struct scene {
    struct temp_dir dir;
    struct http_sink *sink;
    void *config;
    void *exporter;
    struct shown_log log;
    struct note_vkey witness;
    char witness_text[NOTE_VKEY_SIZE], endpoint[64];
    struct hash roots[SIZES_MAX]; /* by size */
    /* The sink's thread may still send the one before. */
    struct buf cosignatures[COSIGNATURES_MAX];
    size_t cosigned; /* index of the newest */
    struct told_notes told;
    struct exporter_notes notes;
    struct export_report report;
};

static void make_witness_key(struct scene *scene)
{
    struct error err;
    uint8_t key[NOTE_PUBLIC_KEY_SIZE];
    size_t size = sizeof(key);

    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, witness_seed, 32);
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, key, &size), 1);
    EVP_PKEY_free(pkey);
    assert_int_equal(note_vkey_make(SLICE("witness.example/w1"), NOTE_KEY_COSIGNATURE, key,
                                    &scene->witness, &err),
                     ST_OK);
    note_vkey_format(&scene->witness, scene->witness_text);
}

static void start(struct scene *scene)
{
    struct error err;
    const struct exporter_context context = {
        .name = "witness/w1",
        .state_dir = scene->dir.path,
        .notes = scene->notes,
    };

    if (ops->create(scene->config, &context, &scene->exporter, &err) != ST_OK)
        fail_msg("%s", err.text);
}

static void restart(struct scene *scene)
{
    ops->destroy(scene->exporter);
    start(scene);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct error err;

    assert_non_null(scene);
    *state = scene;
    temp_dir_make(&scene->dir);
    scene->sink = http_sink_start(&(struct http_sink_settings){.unix_path = NULL});
    make_witness_key(scene);
    shown_log_init(&scene->log);
    for (size_t i = 0; i < COSIGNATURES_MAX; i++)
        buf_init(&scene->cosignatures[i], 4096);
    tree_growth_root(&scene->log.growth, &scene->roots[0]);
    scene->notes = told_notes_listen(&scene->told);
    (void)snprintf(scene->endpoint, sizeof(scene->endpoint), "http://127.0.0.1:%d/w",
                   http_sink_port(scene->sink));
    scene->config = option_make_config(ops);
    option_set_text(ops, scene->config, "endpoint", scene->endpoint);
    option_set_text(ops, scene->config, "key", scene->witness_text);
    option_set_number(ops, scene->config, "every", 1);
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
    for (size_t i = 0; i < COSIGNATURES_MAX; i++)
        buf_fini(&scene->cosignatures[i]);
    free(scene->config);
    temp_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

/* --- The log ---------------------------------------------------------------------------------- */

/* The line of a witness with this seed under the last checkpoint. */
static void cosign(struct scene *scene, const uint8_t *seed)
{
    char text[8192], line[256];
    uint8_t blob[COSIGNATURE_SIZE];
    size_t size = 64;
    struct note *note = malloc(sizeof(*note));
    struct error err;

    assert_non_null(note);
    assert_int_equal(note_parse(buf_slice(&scene->log.note), note, &err), ST_OK);
    int used = snprintf(text, sizeof(text), "cosignature/v1\ntime %d\n%.*s", COSIGNED_S,
                        (int)note->text.size, (const char *)note->text.data);
    free(note);
    for (int i = 0; i < 4; i++)
        blob[i] = (uint8_t)(scene->witness.id >> (24 - 8 * i));
    for (int i = 0; i < 8; i++)
        blob[4 + i] = (uint8_t)((uint64_t)COSIGNED_S >> (56 - 8 * i));
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, pkey), 1);
    assert_int_equal(EVP_DigestSign(context, blob + 12, &size, (const uint8_t *)text, (size_t)used),
                     1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    char base64[128] = {0};
    base64_put(slice_of(blob, sizeof(blob)), base64);
    used = snprintf(line, sizeof(line), "\xe2\x80\x94 %s %s\n", scene->witness.name, base64);
    scene->cosigned++;
    assert_true(scene->cosigned < COSIGNATURES_MAX);
    assert_int_equal(buf_append(&scene->cosignatures[scene->cosigned], line, (size_t)used, &err),
                     ST_OK);
}

static void grow(struct scene *scene, unsigned leaves)
{
    shown_log_grow(&scene->log, leaves);
    assert_true(scene->log.checkpoint.size < SIZES_MAX);
    scene->roots[scene->log.checkpoint.size] = scene->log.checkpoint.root;
    cosign(scene, witness_seed);
}

/* The record of the last checkpoint comes by. */
static void send_record(struct scene *scene)
{
    shown_log_send(&scene->log, ops, scene->exporter, &scene->report);
}

static void grow_and_send(struct scene *scene, unsigned leaves)
{
    grow(scene, leaves);
    send_record(scene);
}

/* --- The witness ------------------------------------------------------------------------------ */

static struct http_sink_answer cosigned(const struct scene *scene)
{
    return (struct http_sink_answer){.status = 200,
                                     .body = buf_slice(&scene->cosignatures[scene->cosigned])};
}

static struct http_sink_answer elsewhere(const char *size)
{
    return (struct http_sink_answer){.status = 409,
                                     .headers = "Content-Type: text/x.tlog.size\r\n",
                                     .body = slice_of_text(size)};
}

static void answer_with(struct scene *scene, struct http_sink_answer first,
                        struct http_sink_answer second)
{
    const struct http_sink_answer answers[] = {first, second};

    http_sink_script(scene->sink, answers, 2);
}

/* Request `index` shows `size`, and proves that it continues `old`. */
static void expect_request(struct scene *scene, size_t index, uint64_t old, uint64_t size)
{
    assert_true(http_sink_count(scene->sink) > index);
    const struct http_sink_request *request = http_sink_request(scene->sink, index);
    struct slice body = request->body;
    struct merkle_path path = {.count = 0};
    struct checkpoint shown;
    struct note *note = malloc(sizeof(*note));
    char head[64];
    struct error err;

    assert_non_null(note);
    assert_true(strncmp(request->head, "POST /w/add-checkpoint HTTP/1.1\r\n", 33) == 0);
    int used = snprintf(head, sizeof(head), "old %llu\n", (unsigned long long)old);
    if (!slice_starts_with(body, slice_of_text(head)))
        fail_msg("%.*s", (int)body.size, (const char *)body.data);
    body = slice_from(body, (size_t)used);
    for (; body.data[0] != '\n'; body = slice_from(body, HASH_BASE64_SIZE + 1)) {
        assert_true(path.count < 63 && body.size > HASH_BASE64_SIZE);
        assert_true(
            hash_parse_base64(slice_of(body.data, HASH_BASE64_SIZE), &path.hashes[path.count++]));
        assert_int_equal(body.data[HASH_BASE64_SIZE], '\n');
    }
    assert_int_equal(note_parse(slice_from(body, 1), note, &err), ST_OK);
    assert_int_equal(note_verify(note, &scene->log.signer.vkey, NULL, &err), ST_OK);
    assert_int_equal(checkpoint_parse(note->text, &shown, &err), ST_OK);
    free(note);
    assert_int_equal(shown.size, size);
    if (merkle_check_consistency(old, &scene->roots[old], size, &scene->roots[size], &path, &err) !=
        ST_OK)
        fail_msg("%s", err.text);
}

/* The last cosignature on record is of `size`, and good. */
static void expect_told(struct scene *scene, size_t count, uint64_t size)
{
    assert_int_equal(told_notes_count(&scene->told, "witness", "cosigned"), count);
    const struct told_note *told = told_notes_last(&scene->told, "witness", "cosigned");
    struct note *note = malloc(sizeof(*note));
    uint64_t unix_s;
    struct error err;

    assert_non_null(note);
    assert_int_equal(told->size, size);
    assert_string_equal(told->origin, "log.example");
    assert_int_equal(note_parse(slice_of_text(told->note), note, &err), ST_OK);
    assert_int_equal(note_verify(note, &scene->witness, &unix_s, &err), ST_OK);
    assert_int_equal(note_verify(note, &scene->log.signer.vkey, NULL, &err), ST_OK);
    assert_int_equal(unix_s, COSIGNED_S);
    free(note);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_checkpoints_are_cosigned_one_after_the_other(void **state)
{
    struct scene *scene = *state;
    uint64_t old = 0;

    for (unsigned i = 0; i < 40; i++) {
        grow(scene, 1 + i * 7 % 13);
        answer_with(scene, cosigned(scene), cosigned(scene));
        send_record(scene);
        uint64_t size = tree_growth_size(&scene->log.growth);
        expect_request(scene, i, old, size);
        expect_told(scene, i + 1, size);
        assert_null(scene->report.notice);
        old = size;
    }
}

static void test_what_was_shown_stands_behind_a_restart(void **state)
{
    struct scene *scene = *state;

    grow(scene, 5);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    restart(scene);
    grow(scene, 6);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    expect_request(scene, 1, 5, 11);
    expect_told(scene, 2, 11);
}

/* The witness may have cosigned and the answer be lost: both of its sizes can be gone on from. */
static void test_a_lost_answer_is_asked_for_again(void **state)
{
    struct scene *scene = *state;
    const struct http_sink_answer lost = {.deed = SINK_CLOSE_UNANSWERED};

    grow(scene, 5);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    answer_with(scene, lost, lost);
    grow_and_send(scene, 4);
    assert_non_null(scene->report.notice);
    size_t lost_count = http_sink_count(scene->sink);
    expect_request(scene, lost_count - 1, 5, 9);
    answer_with(scene, elsewhere("9\n"), cosigned(scene));
    restart(scene);
    scene->log.transport =
        "unix_socket"; /* a record that is none of it: what waits is not known yet */
    send_record(scene);
    assert_int_equal(http_sink_count(scene->sink), lost_count);
    scene->log.transport = "internal";
    send_record(scene); /* the same checkpoint once more, as in a heartbeat */
    expect_request(scene, lost_count, 5, 9);
    expect_request(scene, lost_count + 1, 9, 9);
    expect_told(scene, 2, 9);
    grow(scene, 30);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    expect_request(scene, lost_count + 2, 9, 39);
    expect_told(scene, 3, 39);
}

static void test_a_witness_that_forgot_is_shown_all(void **state)
{
    struct scene *scene = *state;

    grow(scene, 5);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    grow(scene, 5);
    answer_with(scene, elsewhere("0\n"), cosigned(scene));
    send_record(scene);
    expect_request(scene, 1, 5, 10);
    expect_request(scene, 2, 0, 10);
    expect_told(scene, 2, 10);
}

/* The state is gone, and the witness has a size that the record leads on from. */
static void test_a_size_of_the_record_is_gone_on_from(void **state)
{
    struct scene *scene = *state;

    grow(scene, 5);
    tree_growth_step(&scene->log.growth);
    grow(scene, 5);
    answer_with(scene, elsewhere("5\n"), cosigned(scene));
    send_record(scene);
    expect_request(scene, 0, 0, 10);
    expect_request(scene, 1, 5, 10);
    expect_told(scene, 1, 10);
}

static void test_a_refusal_is_on_record_once(void **state)
{
    struct scene *scene = *state;
    static const struct {
        int status;
        const char *words;
    } refusals[] = {{404, "does not know this log"},
                    {403, "no key of this log"},
                    {400, "does not understand"},
                    {422, "does not continue"}};
    struct error err;

    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const struct http_sink_answer no = {.status = refusals[i].status,
                                            .body = SLICE("because\x1b[2J\n")};
        uint64_t later = clock_unix_ns() + 100000 * NS_PER_S * (i + 1);
        answer_with(scene, no, no);
        grow_and_send(scene, 3);
        assert_int_equal(ops->tick(scene->exporter, later, &err), ST_IO);
        assert_int_equal(ops->tick(scene->exporter, later, &err), ST_OK); /* not due */
        assert_int_equal(ops->tick(scene->exporter, later + 60 * NS_PER_S, &err), ST_IO);
        assert_non_null(strstr(err.text, refusals[i].words));
        assert_non_null(strstr(err.text, "because"));
        assert_int_equal(told_notes_count(&scene->told, "witness", NULL), i + 1);
        assert_true(scene->told.items[i].is_alarm);
        assert_non_null(strstr(scene->told.items[i].reason, refusals[i].words));
        assert_string_equal(strstr(scene->told.items[i].reason, "because"), "because [2J");
    }
    answer_with(scene, elsewhere("2\n"), elsewhere("2\n"));
    assert_int_equal(ops->tick(scene->exporter, clock_unix_ns() + 900000 * NS_PER_S, &err),
                     ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "not known any more"));
    assert_int_equal(told_notes_count(&scene->told, "witness", NULL), COUNT_OF(refusals) + 1);
}

/* The last alarm, after the only request behind those before. */
static void expect_alarm(struct scene *scene, size_t requests, const char *words)
{
    assert_int_equal(http_sink_count(scene->sink), requests);
    assert_true(scene->told.count > 0);
    const struct told_note *told = &scene->told.items[scene->told.count - 1];
    assert_true(told->is_alarm);
    if (strstr(told->reason, words) == NULL)
        fail_msg("%s", told->reason);
}

static void test_a_log_that_was_set_back_is_an_alarm(void **state)
{
    struct scene *scene = *state;

    grow(scene, 5);
    answer_with(scene, elsewhere("9\n"), elsewhere("9\n"));
    send_record(scene);
    expect_alarm(scene, 1, "size 9 of this log, and the newest here is 5: the log was set back");
}

/* What it says to go on from is what it was shown to go on from. */
static void test_another_tree_of_the_same_size_is_an_alarm(void **state)
{
    struct scene *scene = *state;

    grow(scene, 5);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    answer_with(scene, elsewhere("5\n"), elsewhere("5\n"));
    grow_and_send(scene, 4);
    expect_alarm(scene, 2, "another tree");
}

static void test_a_witness_that_is_away_is_no_alarm(void **state)
{
    struct scene *scene = *state;
    const struct http_sink_answer busy = {.status = 503};
    struct error err;

    answer_with(scene, busy, busy);
    grow_and_send(scene, 3);
    assert_non_null(scene->report.notice);
    assert_non_null(strstr(scene->report.upkeep.text, "503"));
    assert_int_equal(scene->told.count, 0);
    answer_with(scene, cosigned(scene), cosigned(scene));
    assert_int_equal(ops->tick(scene->exporter, clock_unix_ns() + NS_PER_S, &err), ST_OK);
    expect_told(scene, 1, 3);
    assert_int_equal(ops->tick(scene->exporter, clock_unix_ns() + 2 * NS_PER_S, &err), ST_OK);
    assert_int_equal(http_sink_count(scene->sink), 2);
}

static void test_what_the_witness_did_not_sign_is_no_answer(void **state)
{
    struct scene *scene = *state;
    static const uint8_t other_seed[NOTE_PRIVATE_KEY_SIZE] = {8};
    const struct http_sink_answer bad[] = {
        {.status = 200, .body = SLICE("")},
        {.status = 200, .body = SLICE("<html>\n")},
        {.status = 200, .body = SLICE("\xe2\x80\x94 other.example AAAAAAAA\n")},
        {.status = 200, .body = SLICE("more\n\n\xe2\x80\x94 witness.example/w1 AAAAAAAA\n")},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        answer_with(scene, bad[i], bad[i]);
        restart(scene);
        grow_and_send(scene, 2);
        assert_non_null(scene->report.notice);
    }
    restart(scene);
    grow(scene, 2);
    cosign(scene, other_seed);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    assert_int_equal(told_notes_count(&scene->told, "witness", "cosigned"), 0);
}

static void test_only_our_own_words_are_shown(void **state)
{
    struct scene *scene = *state;

    grow(scene, 3);
    scene->log.transport = "unix_socket";
    send_record(scene);
    scene->log.transport = "internal";
    grow(scene, 3);
    tree_growth_last(&scene->log.growth)->hashes[0].bytes[3] ^=
        1; /* not the tree that was signed */
    send_record(scene);
    assert_int_equal(http_sink_count(scene->sink), 0);
    assert_null(scene->report.notice);
    scene->log.without_growth = true;
    send_record(scene);
    assert_int_equal(http_sink_count(scene->sink), 0);
    assert_non_null(strstr(scene->report.notice, "integrity.witness"));
}

static void test_a_log_is_shown_only_every_so_often(void **state)
{
    struct scene *scene = *state;
    struct error err;

    option_set_number(ops, scene->config, "every", 3600 * NS_PER_S);
    grow(scene, 3);
    answer_with(scene, cosigned(scene), cosigned(scene));
    send_record(scene);
    for (int i = 0; i < 10; i++)
        grow_and_send(scene, 1);
    assert_int_equal(http_sink_count(scene->sink), 1);
    answer_with(scene, cosigned(scene), cosigned(scene));
    assert_int_equal(ops->tick(scene->exporter, clock_unix_ns() + 3601 * NS_PER_S, &err), ST_OK);
    expect_request(scene, 1, 3, 13);
    expect_told(scene, 2, 13);
}

static void test_a_key_of_a_log_is_refused(void **state)
{
    struct scene *scene = *state;
    char text[NOTE_VKEY_SIZE];
    struct error err;

    note_vkey_format(&scene->log.signer.vkey, text);
    option_set_text(ops, scene->config, "key", text);
    assert_int_equal(ops->check(scene->config, &err), ST_INVALID);
    option_set_text(ops, scene->config, "key", "nonsense");
    assert_int_equal(ops->check(scene->config, &err), ST_INVALID);
    option_set_text(ops, scene->config, "key", scene->witness_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_checkpoints_are_cosigned_one_after_the_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_shown_stands_behind_a_restart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_answer_is_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_witness_that_forgot_is_shown_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_size_of_the_record_is_gone_on_from, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_refusal_is_on_record_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_log_that_was_set_back_is_an_alarm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_another_tree_of_the_same_size_is_an_alarm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_witness_that_is_away_is_no_alarm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_witness_did_not_sign_is_no_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_only_our_own_words_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_log_is_shown_only_every_so_often, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_of_a_log_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
