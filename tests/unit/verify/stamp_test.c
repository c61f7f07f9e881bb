/* SPDX-License-Identifier: Apache-2.0 */
/* stamp_test.c -- time stamps in what was kept elsewhere: up to where a store is stamped, and what
 * is said of stamps that prove nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/made_tsa.h"
#include "support/proved_store.h"
#include "support/shown_log.h"
#include "telltale/timestamp.h"
#include "verify/verify.h"
#include "wire/json_put.h"

enum { TEXT_MAX = 1 << 20 };

struct scene {
    struct proved_store store;
    struct test_cert ca, other_ca, stamping, server, foreign;
    char ca_path[TEST_PATH_MAX], other_path[TEST_PATH_MAX], copy_path[TEST_PATH_MAX];
    char key[NOTE_VKEY_SIZE];
    uint64_t now_s;
    struct buf copy; /* NDJSON */
    struct verify_report report;
    struct verify_summary summary;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    const char *dir = scene->store.dir.path;

    *state = scene;
    proved_store_init(&scene->store);
    proved_store_fill(&scene->store);
    proved_store_first_key(&scene->store, scene->key);
    test_certs_make_ca(&scene->ca);
    test_certs_make_ca(&scene->other_ca);
    test_certs_make_stamping(&scene->ca, "tsa.example", &scene->stamping);
    test_certs_make_signed(&scene->ca, "www.example", &scene->server);
    test_certs_make_stamping(&scene->other_ca, "other.example", &scene->foreign);
    test_certs_write(dir, "ca.pem", scene->ca.cert, scene->ca_path);
    test_certs_write(dir, "other.pem", scene->other_ca.cert, scene->other_path);
    (void)snprintf(scene->copy_path, sizeof(scene->copy_path), "%.200s/copy", dir);
    buf_init(&scene->copy, TEXT_MAX);
    verify_report_init(&scene->report);
    scene->now_s = (uint64_t)time(NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    verify_report_fini(&scene->report);
    buf_fini(&scene->copy);
    proved_store_fini(&scene->store);
    free(scene);
    return 0;
}

/* --- Records as they were kept ---------------------------------------------------------------- */

static void make_token(struct slice note, const struct test_cert *cert, uint64_t unix_s,
                       enum made_tsa_fault fault, struct buf *out)
{
    struct made_tsa tsa;
    struct buf der;
    struct error err;
    struct hash imprint = hash_bytes(note);

    buf_init(&der, TEXT_MAX);
    made_tsa_init(&tsa, cert);
    tsa.unix_s = unix_s;
    tsa.fault = fault;
    made_tsa_stamp(&tsa, imprint.bytes, &der);
    made_tsa_fini(&tsa);
    assert_int_equal(timestamp_token_put_text(buf_slice(&der), out, &err), ST_OK);
    buf_fini(&der);
}

/* A line with both, the token first and its slashes escaped, as some write JSON. */
static void keep_line(struct scene *scene, struct slice note, struct slice token)
{
    struct json_put json;
    struct error err;

    json_start(&json, &scene->copy, &err);
    json_put(&json, SLICE("{\"token\":\""));
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] == '/')
            json_put(&json, SLICE("\\"));
        json_put(&json, slice_of(token.data + i, 1));
    }
    json_put(&json, SLICE("\",\"note\":"));
    json_put_text(&json, note);
    json_put(&json, SLICE("}\n"));
    assert_int_equal(json_finish(&json), ST_OK);
}

/* The checkpoint of now, and a stamp of it. */
static uint64_t keep_stamp(struct scene *scene, const struct test_cert *cert, uint64_t unix_s,
                           enum made_tsa_fault fault)
{
    struct buf note, token;

    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&token, TEXT_MAX);
    proved_store_sign(&scene->store, &note);
    make_token(buf_slice(&note), cert, unix_s, fault, &token);
    keep_line(scene, buf_slice(&note), buf_slice(&token));
    buf_fini(&note);
    buf_fini(&token);
    return scene->store.tree.end;
}

static void verify_with(struct scene *scene, const char *const *stamp_cas, size_t count)
{
    const char *keys[] = {scene->key};
    const char *copies[] = {scene->copy_path};
    const struct verify_options options = {
        .store_dir = scene->store.path,
        .keys = keys,
        .key_count = 1,
        .stamp_cas = stamp_cas,
        .stamp_ca_count = count,
        .copies = copies,
        .copy_count = 1,
        .threads = 1,
    };
    struct error err;

    FILE *file = fopen(scene->copy_path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(scene->copy.data, 1, scene->copy.size, file), scene->copy.size);
    assert_int_equal(fclose(file), 0);
    verify_report_fini(&scene->report);
    verify_report_init(&scene->report);
    if (verify_store(&options, &scene->report, &scene->summary, &err) != ST_OK)
        fail_msg("%s", err.text);
}

static void verify(struct scene *scene)
{
    const char *stamp_cas[] = {scene->ca_path};

    verify_with(scene, stamp_cas, 1);
}

static void expect_finding(const struct scene *scene, enum verify_answer answer, const char *words)
{
    for (size_t i = 0; i < scene->report.count; i++) {
        const struct verify_finding *finding = &scene->report.findings[i];
        if (finding->answer == answer && strstr(finding->text, words) != NULL)
            return;
    }
    for (size_t i = 0; i < scene->report.count; i++)
        print_message("%s\n", scene->report.findings[i].text);
    fail_msg("nobody says '%s'", words);
}

static void expect(const struct scene *scene, enum verify_answer answer, const char *words)
{
    assert_int_equal(verify_report_answer(&scene->report, VERIFY_ATTESTED), answer);
    expect_finding(scene, answer, words);
}

static void expect_stamped(const struct scene *scene, enum verify_answer answer, uint64_t size,
                           uint64_t unix_s)
{
    char words[128], when[40];
    struct tm parts;
    time_t seconds = (time_t)unix_s;

    assert_int_equal(verify_report_answer(&scene->report, VERIFY_ATTESTED), answer);
    assert_non_null(gmtime_r(&seconds, &parts));
    assert_true(strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0);
    (void)snprintf(words, sizeof(words), "stamped up to size %llu, which was there at %s, says ",
                   (unsigned long long)size, when);
    expect_finding(scene, VERIFY_YES, words);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_the_largest_size_and_its_first_stamp_are_told(void **state)
{
    struct scene *scene = *state;

    keep_stamp(scene, &scene->stamping, scene->now_s - 3000, MADE_RIGHT);
    proved_store_write(&scene->store, 3);
    keep_stamp(scene, &scene->stamping, scene->now_s - 1000, MADE_RIGHT);
    uint64_t size = keep_stamp(scene, &scene->stamping, scene->now_s - 2000, MADE_RIGHT);
    verify(scene);
    expect_stamped(scene, VERIFY_YES, size, scene->now_s - 2000);
}

static void test_two_authorities_are_told_apart(void **state)
{
    struct scene *scene = *state;
    const char *stamp_cas[] = {scene->ca_path, scene->other_path};

    uint64_t first = keep_stamp(scene, &scene->stamping, scene->now_s, MADE_RIGHT);
    proved_store_write(&scene->store, 3);
    uint64_t second = keep_stamp(scene, &scene->foreign, scene->now_s, MADE_RIGHT);
    verify_with(scene, stamp_cas, 2);
    expect_stamped(scene, VERIFY_YES, first, scene->now_s);
    expect_stamped(scene, VERIFY_YES, second, scene->now_s);
}

static void test_without_a_stamp_nothing_is_stamped(void **state)
{
    struct scene *scene = *state;
    struct buf note;

    buf_init(&note, NOTE_SIZE_MAX);
    proved_store_sign(&scene->store, &note);
    keep_line(scene, buf_slice(&note), SLICE("MIIsomething"));
    verify(scene);
    expect(scene, VERIFY_CANNOT, "no checkpoint has a time stamp of this authority");
    buf_fini(&note);
}

static void test_nobody_who_does_not_ask_hears_of_stamps(void **state)
{
    struct scene *scene = *state;

    keep_stamp(scene, &scene->server, scene->now_s, MADE_WRONG_SIGNATURE);
    verify_with(scene, NULL, 0);
    assert_int_equal(verify_report_answer(&scene->report, VERIFY_ATTESTED), VERIFY_YES);
}

static void test_a_stamp_of_another_note_is_refused(void **state)
{
    struct scene *scene = *state;
    struct buf note, token;

    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&token, TEXT_MAX);
    proved_store_sign(&scene->store, &note);
    make_token(SLICE("another note\n"), &scene->stamping, scene->now_s, MADE_RIGHT, &token);
    keep_line(scene, buf_slice(&note), buf_slice(&token));
    verify(scene);
    expect(scene, VERIFY_NO, "over another note than the one beside it");
    buf_clear(&scene->copy);
    keep_line(scene, SLICE("what stands there is no note"), buf_slice(&token));
    verify(scene);
    expect(scene, VERIFY_CANNOT, "the note that the time stamp is over is not here");
    buf_fini(&note);
    buf_fini(&token);
}

static void test_stamps_of_others_are_refused(void **state)
{
    struct scene *scene = *state;
    const uint64_t now = scene->now_s, day = 24 * 60 * 60;
    const struct {
        const struct test_cert *cert;
        uint64_t unix_s;
        enum made_tsa_fault fault;
        enum verify_answer answer;
        const char *words;
    } bad[] = {
        {&scene->foreign, now, MADE_RIGHT, VERIFY_CANNOT, "not the one to believe"},
        {&scene->server, now, MADE_RIGHT, VERIFY_NO, "not one for time stamps"},
        {&scene->stamping, now + 3 * day, MADE_RIGHT, VERIFY_NO, "not valid at its time"},
        {&scene->stamping, now - 3 * day, MADE_RIGHT, VERIFY_NO, "not valid at its time"},
        {&scene->stamping, now, MADE_WRONG_SIGNATURE, VERIFY_NO, "signature of the time stamp"},
        {&scene->stamping, now, MADE_WITHOUT_CERTIFICATE, VERIFY_NO, "not one signer"},
        {&scene->stamping, now, MADE_SHA512, VERIFY_NO, "damaged"},
        {&scene->stamping, now, MADE_OTHER_IMPRINT, VERIFY_NO, "over another note"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        buf_clear(&scene->copy);
        keep_stamp(scene, bad[i].cert, bad[i].unix_s, bad[i].fault);
        verify(scene);
        expect(scene, bad[i].answer, bad[i].words);
        for (size_t at = 0; at < scene->report.count; at++)
            assert_null(strstr(scene->report.findings[at].text, "stamped up to"));
    }
}

/* Who holds all keys takes the end back, and signs what is left as of then. */
static void test_what_was_stamped_and_cut_off_is_found(void **state)
{
    struct scene *scene = *state;
    char command[PROVED_STORE_PATH_SIZE + 64];

    uint64_t size = keep_stamp(scene, &scene->stamping, scene->now_s, MADE_RIGHT);
    verify(scene);
    expect_stamped(scene, VERIFY_YES, size, scene->now_s);
    (void)snprintf(command, sizeof(command),
                   "cd '%s' && sed -i '$d' active.jsonl && sed -i '$d' active.proof && "
                   "sed -i '$d' checkpoints.jsonl",
                   scene->store.path);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test's own */
    verify(scene);
    expect(scene, VERIFY_NO, "");
    expect_stamped(scene, VERIFY_NO, size, scene->now_s);
}

static void test_stamps_of_another_log_are_passed_by(void **state)
{
    struct scene *scene = *state;
    struct shown_log other;
    struct buf token;

    shown_log_init(&other);
    shown_log_grow(&other, 99);
    buf_init(&token, TEXT_MAX);
    make_token(buf_slice(&other.note), &scene->stamping, scene->now_s, MADE_RIGHT, &token);
    keep_line(scene, buf_slice(&other.note), buf_slice(&token));
    uint64_t size = keep_stamp(scene, &scene->stamping, scene->now_s, MADE_RIGHT);
    verify(scene);
    expect_stamped(scene, VERIFY_YES, size, scene->now_s);
    buf_fini(&token);
    shown_log_fini(&other);
}

static void test_a_file_without_certificates_is_an_error(void **state)
{
    struct scene *scene = *state;
    const char *stamp_cas[] = {scene->store.path};
    const struct verify_options options = {
        .store_dir = scene->store.path, .stamp_cas = stamp_cas, .stamp_ca_count = 1};
    struct error err;

    assert_int_equal(verify_store(&options, &scene->report, &scene->summary, &err), ST_INVALID);
    stamp_cas[0] = "/nowhere/ca.pem";
    assert_int_equal(verify_store(&options, &scene->report, &scene->summary, &err), ST_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_largest_size_and_its_first_stamp_are_told),
        TEST(test_two_authorities_are_told_apart),
        TEST(test_without_a_stamp_nothing_is_stamped),
        TEST(test_nobody_who_does_not_ask_hears_of_stamps),
        TEST(test_a_stamp_of_another_note_is_refused),
        TEST(test_stamps_of_others_are_refused),
        TEST(test_what_was_stamped_and_cut_off_is_found),
        TEST(test_stamps_of_another_log_are_passed_by),
        TEST(test_a_file_without_certificates_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
