/* SPDX-License-Identifier: Apache-2.0 */
/* intake_sign_test.c -- signatures against published vectors: RFC 4231 for HMAC, AWS's test suite
 * for Signature Version 4; a JWT by the key it was made with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "exporters/http/intake_sign.h"

static struct error err;

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_hmac_is_that_of_rfc_4231(void **state)
{
    uint8_t key[20];
    char hex[SIGN_HEX_SIZE];

    (void)state;
    memset(key, 0x0b, sizeof(key));
    assert_int_equal(sign_hmac_hex(slice_of(key, sizeof(key)), SLICE("Hi There"), hex, &err),
                     ST_OK);
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(sign_hmac_hex(SLICE("Jefe"), SLICE("what do ya want for nothing?"), hex, &err),
                     ST_OK);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(sign_sha256_hex(SLICE_EMPTY, hex, &err), ST_OK);
    assert_string_equal(hex, EMPTY_HASH);
}

/* get-vanilla, get-vanilla-query-order-key-case and post-vanilla of AWS's suite; the last one, with
 * a path to be escaped again, was made by botocore. */
static void test_requests_are_signed_as_aws_has_it(void **state)
{
    static const struct {
        const char *method, *path, *query, *signature;
    } cases[] = {
        {"GET", "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET", "", "Param2=value2&Param1=value1",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"POST", "", NULL, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"POST", "/a%20b/logs:import", "a-b=1&a=1",
         "e96650641cac5f0541ab2404c7796062da7080d57747740ebc6a756c44e81df3"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[512];
        const struct sigv4_request request = {
            .method = cases[i].method,
            .host = "example.amazonaws.com",
            .path = cases[i].path,
            .query = cases[i].query,
            .region = "us-east-1",
            .service = "service",
            .key_id = "AKIDEXAMPLE",
            .secret_key = SLICE("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            .time = "20150830T123600Z",
            .body_hash = EMPTY_HASH,
        };
        (void)snprintf(expected, sizeof(expected),
                       "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                       "aws4_request, SignedHeaders=host;x-amz-date, Signature=%s",
                       cases[i].signature);
        assert_int_equal(sigv4_authorization(&request, &out, &err), ST_OK);
        assert_string_equal((const char *)out.data, expected);
    }
    buf_fini(&out);
}

static void test_what_goes_along_is_signed(void **state)
{
    struct buf out;
    struct sigv4_request request = {
        .method = "POST",
        .host = "h",
        .path = "/p",
        .region = "r",
        .service = "aoss",
        .key_id = "K",
        .secret_key = SLICE("S"),
        .session_token = "T",
        .time = "20150830T123600Z",
        .body_hash = EMPTY_HASH,
        .sign_body_hash = true,
    };

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(sigv4_authorization(&request, &out, &err), ST_OK);
    assert_non_null(strstr((const char *)out.data,
                           "SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                           "x-amz-security-token,"));
    buf_fini(&out);
}

static void test_forms_are_escaped(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(sign_put_escaped(&out, SLICE("https://a.b/.default~ +&=\xc3\xa9"), &err),
                     ST_OK);
    assert_true(
        slice_equal(buf_slice(&out), SLICE("https%3A%2F%2Fa.b%2F.default~%20%2B%26%3D%C3%A9")));
    buf_fini(&out);
}

static void decode(const char *text, size_t size, uint8_t *out, size_t *ret_size)
{
    char padded[8192];
    size_t length = size;

    memcpy(padded, text, size);
    while (length % 4 != 0)
        padded[length++] = '=';
    for (size_t i = 0; i < length; i++)
        padded[i] = padded[i] == '-' ? '+' : padded[i] == '_' ? '/' : padded[i];
    int decoded = EVP_DecodeBlock(out, (const uint8_t *)padded, (int)length);
    assert_true(decoded >= 0);
    *ret_size = (size_t)decoded - (length - size);
}

static void test_a_jwt_verifies(void **state)
{
    uint8_t signature[4096];
    size_t size;
    struct buf out;
    char *pem_text;

    (void)state;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *pem = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL), 1);
    long pem_size = BIO_get_mem_data(pem, &pem_text);
    buf_init(&out, 1 << 16);
    assert_int_equal(sign_put_jwt(&out, SLICE("{\"iss\":\"me\"}"), "id\"1",
                                  slice_of(pem_text, (size_t)pem_size), &err),
                     ST_OK);
    assert_int_equal(buf_append(&out, "", 1, &err), ST_OK);
    const char *text = (const char *)out.data;
    const char *dot = strrchr(text, '.');
    decode(dot + 1, strlen(dot + 1), signature, &size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, size, out.data, (size_t)(dot - text)), 1);
    decode(text, strcspn(text, "."), signature, &size);
    assert_true(slice_equal(slice_of(signature, size),
                            SLICE("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"id\\\"1\"}")));
    EVP_MD_CTX_free(context);
    BIO_free(pem);
    EVP_PKEY_free(key);
    buf_fini(&out);
}

static void test_what_is_no_key_signs_nothing(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(sign_put_jwt(&out, SLICE("{}"), "id", SLICE("no key"), &err), ST_INVALID);
    assert_string_equal(err.text, "the private key is no RSA key in PEM");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac_is_that_of_rfc_4231),
        cmocka_unit_test(test_requests_are_signed_as_aws_has_it),
        cmocka_unit_test(test_what_goes_along_is_signed),
        cmocka_unit_test(test_forms_are_escaped),
        cmocka_unit_test(test_a_jwt_verifies),
        cmocka_unit_test(test_what_is_no_key_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
