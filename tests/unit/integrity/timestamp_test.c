/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_test.c -- time stamps, right and wrong: what each wrong one is called, and that no byte
 * of a right one can be changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/made_tsa.h"
#include "support/temp_dir.h"
#include "telltale/timestamp.h"

struct scene {
    struct temp_dir dir;
    struct test_cert ca, other_ca, stamping, server;
    struct made_tsa tsa;
    struct timestamp_authority *authority, *other;
    struct timestamp_query query;
    struct buf request, answer;
};

static struct timestamp_authority *read_authority(struct scene *scene, const char *name,
                                                  const struct test_cert *ca)
{
    char path[TEST_PATH_MAX];
    struct timestamp_authority *authority;
    struct error err;

    test_certs_write(scene->dir.path, name, ca->cert, path);
    assert_int_equal(timestamp_authority_read(path, &authority, &err), ST_OK);
    return authority;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    const struct hash imprint = hash_bytes(SLICE("a checkpoint\n"));
    struct error err;

    assert_non_null(scene);
    *state = scene;
    temp_dir_make(&scene->dir);
    test_certs_make_ca(&scene->ca);
    test_certs_make_ca(&scene->other_ca);
    test_certs_make_stamping(&scene->ca, "tsa.example", &scene->stamping);
    test_certs_make_signed(&scene->ca, "www.example", &scene->server);
    scene->authority = read_authority(scene, "ca.pem", &scene->ca);
    scene->other = read_authority(scene, "other.pem", &scene->other_ca);
    made_tsa_init(&scene->tsa, &scene->stamping);
    buf_init(&scene->request, 4096);
    buf_init(&scene->answer, 65536);
    assert_int_equal(timestamp_query_make(&imprint, NULL, &scene->query, &err), ST_OK);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    timestamp_authority_destroy(scene->authority);
    timestamp_authority_destroy(scene->other);
    made_tsa_fini(&scene->tsa);
    buf_fini(&scene->request);
    buf_fini(&scene->answer);
    temp_dir_remove(&scene->dir);
    free(scene);
    return 0;
}

static void ask(struct scene *scene)
{
    struct error err;

    buf_clear(&scene->request);
    buf_clear(&scene->answer);
    assert_int_equal(timestamp_query_put(&scene->query, &scene->request, &err), ST_OK);
    made_tsa_grant(&scene->tsa, buf_slice(&scene->request), &scene->answer);
}

/* What the answer means to who believes `authority`, with words in which `part` stands. */
static void expect(struct scene *scene, struct timestamp_authority *authority,
                   enum timestamp_word word, const char *part)
{
    struct timestamp_reply reply;
    struct error err = {.text = ""};

    enum timestamp_word got =
        timestamp_reply_read(buf_slice(&scene->answer), &scene->query, authority, &reply, &err);
    if (got != word || (word != TIMESTAMP_GRANTED && strstr(err.text, part) == NULL))
        fail_msg("%d: %s", got, err.text);
    if (word == TIMESTAMP_REFUSED)
        assert_true(reply.trouble > 0);
    assert_int_equal(reply.token.size > 0, word == TIMESTAMP_GRANTED);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_a_right_answer_is_granted(void **state)
{
    struct scene *scene = *state;
    struct timestamp_reply reply;
    struct timestamp_info info;
    struct buf text, token;
    struct error err;

    ask(scene);
    expect(scene, scene->authority, TIMESTAMP_GRANTED, NULL);
    expect(scene, NULL, TIMESTAMP_GRANTED, NULL);
    assert_int_equal(timestamp_reply_read(buf_slice(&scene->answer), &scene->query,
                                          scene->authority, &reply, &err),
                     TIMESTAMP_GRANTED);
    assert_int_equal(reply.info.unix_s, scene->tsa.unix_s);
    assert_string_equal(reply.info.policy, "1.2.3.4");
    assert_string_equal(reply.info.signer, "tsa.example");
    assert_true(hash_equal(&reply.info.imprint, &scene->query.imprint));
    buf_init(&text, 65536);
    buf_init(&token, 65536);
    assert_int_equal(timestamp_token_put_text(reply.token, &text, &err), ST_OK);
    assert_int_equal(timestamp_token_take_text(buf_slice(&text), &token, &err), ST_OK);
    assert_int_equal(timestamp_token_check(buf_slice(&token), scene->authority, &info, &err),
                     TIMESTAMP_GOOD);
    assert_int_equal(info.unix_s, scene->tsa.unix_s);
    text.data[text.size - 1] = '*';
    assert_int_equal(timestamp_token_take_text(buf_slice(&text), &token, &err), ST_INVALID);
    buf_fini(&text);
    buf_fini(&token);
}

static void test_each_request_has_a_nonce_of_its_own(void **state)
{
    struct scene *scene = *state;
    struct timestamp_query again;
    struct error err;

    assert_int_equal(timestamp_query_make(&scene->query.imprint, NULL, &again, &err), ST_OK);
    assert_memory_not_equal(again.nonce, scene->query.nonce, sizeof(again.nonce));
}

static void test_an_answer_to_something_else_is_refused(void **state)
{
    struct scene *scene = *state;
    static const struct {
        enum made_tsa_fault fault;
        const char *words;
    } wrong[] = {
        {MADE_OTHER_IMPRINT, "something else"},
        {MADE_SHA512, "no time stamp over a SHA-256"},
        {MADE_OTHER_NONCE, "not the nonce"},
        {MADE_NO_NONCE, "not the nonce"},
        {MADE_WRONG_SIGNATURE, "signature"},
        {MADE_WITHOUT_CERTIFICATE, "not one signer"},
        {MADE_LARGE, "too long"},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        scene->tsa.fault = wrong[i].fault;
        ask(scene);
        expect(scene, scene->authority, TIMESTAMP_REFUSED, wrong[i].words);
        expect(scene, NULL, TIMESTAMP_REFUSED, wrong[i].words);
    }
    scene->tsa.fault = MADE_RIGHT;
    scene->query.policy = "1.2.3.5";
    ask(scene);
    expect(scene, scene->authority, TIMESTAMP_REFUSED, "another policy");
    scene->query.policy = "1.2.3.4";
    ask(scene);
    expect(scene, scene->authority, TIMESTAMP_GRANTED, NULL);
}

static void test_a_status_says_what_to_do(void **state)
{
    struct scene *scene = *state;
    static const struct {
        int status, bit;
        enum timestamp_word word;
        const char *words;
    } table[] = {
        {2, -1, TIMESTAMP_REFUSED, "does not say why"},
        {2, 0, TIMESTAMP_REFUSED, "SHA-256"},
        {2, 2, TIMESTAMP_REFUSED, "no such request"},
        {2, 5, TIMESTAMP_REFUSED, "does not understand"},
        {2, 14, TIMESTAMP_LATER, "does not know the time"},
        {2, 15, TIMESTAMP_REFUSED, "set 'policy'"},
        {2, 16, TIMESTAMP_REFUSED, "extension"},
        {2, 17, TIMESTAMP_REFUSED, "additional information"},
        {2, 25, TIMESTAMP_LATER, "failure of its own"},
        {2, 20, TIMESTAMP_REFUSED, "does not say why"},
        {3, -1, TIMESTAMP_LATER, "not ready"},
        {4, -1, TIMESTAMP_REFUSED, "about to be revoked"},
        {5, -1, TIMESTAMP_REFUSED, "was revoked"},
        {6, -1, TIMESTAMP_REFUSED, "there is none of"},
        {200, -1, TIMESTAMP_REFUSED, "there is none of"}, /* -56 */
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        buf_clear(&scene->answer);
        made_tsa_deny(table[i].status, "be\x1b[2Jcause", table[i].bit, &scene->answer);
        expect(scene, scene->authority, table[i].word, table[i].words);
        expect(scene, scene->authority, table[i].word, "be [2Jcause");
    }
    buf_clear(&scene->answer);
    made_tsa_deny(0, "but no token", -1, &scene->answer);
    expect(scene, scene->authority, TIMESTAMP_REFUSED, "without a time stamp");
}

static void test_every_cut_and_changed_byte_is_refused(void **state)
{
    struct scene *scene = *state;
    struct timestamp_reply reply;
    struct error err;

    ask(scene);
    size_t size = scene->answer.size;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(timestamp_reply_read(slice_of(scene->answer.data, i), &scene->query,
                                              scene->authority, &reply, &err),
                         TIMESTAMP_REFUSED);
    size_t granted = 0;
    for (size_t i = 0; i < size; i++) {
        scene->answer.data[i] ^= 0x04;
        granted += timestamp_reply_read(buf_slice(&scene->answer), &scene->query, scene->authority,
                                        &reply, &err) == TIMESTAMP_GRANTED;
        scene->answer.data[i] ^= 0x04;
    }
    /* A few bytes say nothing: versions, the name of a key, parameters of algorithms. */
    assert_in_range(granted, 0, 24);
    expect(scene, scene->authority, TIMESTAMP_GRANTED, NULL);
    assert_int_equal(buf_append(&scene->answer, "x", 1, &err), ST_OK);
    expect(scene, scene->authority, TIMESTAMP_REFUSED, "not one of RFC 3161");
}

static enum timestamp_verdict stamp_and_check(struct scene *scene, const struct test_cert *cert,
                                              uint64_t unix_s,
                                              struct timestamp_authority *authority)
{
    struct timestamp_info info;
    struct made_tsa tsa;
    struct error err = {.text = ""};

    made_tsa_init(&tsa, cert);
    tsa.unix_s = unix_s;
    buf_clear(&scene->answer);
    made_tsa_stamp(&tsa, scene->query.imprint.bytes, &scene->answer);
    made_tsa_fini(&tsa);
    enum timestamp_verdict verdict =
        timestamp_token_check(buf_slice(&scene->answer), authority, &info, &err);
    assert_int_equal(err.text[0] != 0, verdict != TIMESTAMP_GOOD);
    return verdict;
}

static void test_who_signed_counts(void **state)
{
    struct scene *scene = *state;
    const uint64_t now = scene->tsa.unix_s, day = 24 * 60 * 60;
    const struct test_cert *good = &scene->stamping, *bad = &scene->server;

    assert_int_equal(stamp_and_check(scene, good, now, scene->authority), TIMESTAMP_GOOD);
    assert_int_equal(stamp_and_check(scene, good, now, NULL), TIMESTAMP_GOOD);
    assert_int_equal(stamp_and_check(scene, good, now, scene->other), TIMESTAMP_UNKNOWN);
    assert_int_equal(stamp_and_check(scene, bad, now, scene->authority), TIMESTAMP_NOT_FOR_IT);
    assert_int_equal(stamp_and_check(scene, bad, now, NULL), TIMESTAMP_NOT_FOR_IT);
    /* The certificate is good from a day ago to a day from now. */
    assert_int_equal(stamp_and_check(scene, good, now + 2 * day, scene->authority),
                     TIMESTAMP_NOT_IN_TIME);
    assert_int_equal(stamp_and_check(scene, good, now - 2 * day, scene->authority),
                     TIMESTAMP_NOT_IN_TIME);
    assert_int_equal(stamp_and_check(scene, good, now + day / 2, scene->authority), TIMESTAMP_GOOD);
    assert_int_equal(stamp_and_check(scene, good, now, scene->authority), TIMESTAMP_GOOD);
}

static void test_a_file_of_certificates_is_read_whole(void **state)
{
    struct scene *scene = *state;
    char path[TEST_PATH_MAX], text[3 * TEST_PEM_MAX];
    struct timestamp_authority *authority;
    struct error err;

    assert_int_equal(timestamp_authority_read("/nowhere/ca.pem", &authority, &err), ST_NOT_FOUND);
    test_certs_write(scene->dir.path, "none.pem", "nothing\n", path);
    assert_int_equal(timestamp_authority_read(path, &authority, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "there is no certificate"));
    (void)snprintf(text, sizeof(text), "%s%.200s", scene->ca.cert, scene->other_ca.cert);
    test_certs_write(scene->dir.path, "cut.pem", text, path);
    assert_int_equal(timestamp_authority_read(path, &authority, &err), ST_INVALID);
    (void)snprintf(text, sizeof(text), "%s# and another\n%s", scene->server.cert, scene->ca.cert);
    test_certs_write(scene->dir.path, "two.pem", text, path);
    assert_int_equal(timestamp_authority_read(path, &authority, &err), ST_OK);
    assert_int_equal(stamp_and_check(scene, &scene->stamping, scene->tsa.unix_s, authority),
                     TIMESTAMP_GOOD);
    timestamp_authority_destroy(authority);
    assert_int_equal(timestamp_policy_check("1.2.840.3", &err), ST_OK);
    assert_int_equal(timestamp_policy_check("sha256", &err), ST_INVALID);
    assert_int_equal(timestamp_policy_check("1..2", &err), ST_INVALID);
    assert_int_equal(timestamp_policy_check("", &err), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_right_answer_is_granted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_request_has_a_nonce_of_its_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_to_something_else_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_status_says_what_to_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_cut_and_changed_byte_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_signed_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_of_certificates_is_read_whole, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
