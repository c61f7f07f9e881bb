/* SPDX-License-Identifier: Apache-2.0 */
/* made_tsa.c -- see made_tsa.h.  OpenSSL's own responder makes nothing that is wrong, so tokens are
 * put together from their parts. */
#include "support/made_tsa.h"

#include <string.h>
#include <time.h>

#include <openssl/ess.h>
#include <openssl/pem.h>

#include "telltale/base.h"

enum { LARGE_BYTES = 20000, DER_MAX = 65536 };

void made_tsa_init(struct made_tsa *tsa, const struct test_cert *cert)
{
    BIO *cert_bio = BIO_new_mem_buf(cert->cert, -1);
    BIO *key_bio = BIO_new_mem_buf(cert->key, -1);

    *tsa = (struct made_tsa){
        .cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL),
        .key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL),
        .unix_s = (uint64_t)time(NULL),
        .policy = "1.2.3.4",
    };
    ASSERT(tsa->cert != NULL && tsa->key != NULL);
    BIO_free(cert_bio);
    BIO_free(key_bio);
}

void made_tsa_fini(struct made_tsa *tsa)
{
    X509_free(tsa->cert);
    EVP_PKEY_free(tsa->key);
}

/* --- What it says ----------------------------------------------------------------------------- */

static TS_MSG_IMPRINT *make_imprint(const uint8_t *bytes, int nid, int size)
{
    uint8_t copy[64] = {0};
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();

    memcpy(copy, bytes, 32);
    ASSERT(X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_NULL, NULL) == 1);
    ASSERT(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
    ASSERT(TS_MSG_IMPRINT_set_msg(imprint, copy, size) == 1);
    X509_ALGOR_free(algorithm);
    return imprint;
}

static void set_imprint(const struct made_tsa *tsa, TS_TST_INFO *info, const uint8_t bytes[32])
{
    uint8_t other[32];
    bool is_long = tsa->fault == MADE_SHA512;

    memcpy(other, bytes, sizeof(other));
    other[31] ^= tsa->fault == MADE_OTHER_IMPRINT;
    TS_MSG_IMPRINT *imprint =
        make_imprint(other, is_long ? NID_sha512 : NID_sha256, is_long ? 64 : 32);
    ASSERT(TS_TST_INFO_set_msg_imprint(info, imprint) == 1);
    TS_MSG_IMPRINT_free(imprint);
}

static TS_TST_INFO *make_info(const struct made_tsa *tsa, const uint8_t imprint[32])
{
    TS_TST_INFO *info = TS_TST_INFO_new();
    ASN1_OBJECT *policy = OBJ_txt2obj(tsa->policy, 1);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_GENERALIZEDTIME *at = ASN1_GENERALIZEDTIME_set(NULL, (time_t)tsa->unix_s);

    ASSERT(info != NULL && policy != NULL && serial != NULL && at != NULL);
    ASSERT(ASN1_INTEGER_set(serial, 77) == 1 && TS_TST_INFO_set_version(info, 1) == 1);
    ASSERT(TS_TST_INFO_set_policy_id(info, policy) == 1);
    ASSERT(TS_TST_INFO_set_serial(info, serial) == 1 && TS_TST_INFO_set_time(info, at) == 1);
    set_imprint(tsa, info, imprint);
    ASN1_OBJECT_free(policy);
    ASN1_INTEGER_free(serial);
    ASN1_GENERALIZEDTIME_free(at);
    return info;
}

static void set_nonce(const struct made_tsa *tsa, TS_TST_INFO *info, const ASN1_INTEGER *nonce)
{
    ASN1_INTEGER *copy = ASN1_INTEGER_dup(nonce);

    ASSERT(copy != NULL);
    if (tsa->fault == MADE_OTHER_NONCE)
        ASSERT(ASN1_INTEGER_set(copy, 12345) == 1);
    if (tsa->fault != MADE_NO_NONCE)
        ASSERT(TS_TST_INFO_set_nonce(info, copy) == 1);
    ASN1_INTEGER_free(copy);
}

/* --- The token -------------------------------------------------------------------------------- */

static void add_signing_cert(const struct made_tsa *tsa, PKCS7_SIGNER_INFO *signer)
{
    uint8_t *der = NULL;
    ESS_SIGNING_CERT *signing = OSSL_ESS_signing_cert_new_init(tsa->cert, NULL, 0);
    int size = i2d_ESS_SIGNING_CERT(signing, &der);
    ASN1_STRING *sequence = ASN1_STRING_new();

    ASSERT(size > 0 && ASN1_STRING_set(sequence, der, size) == 1);
    ASSERT(PKCS7_add_signed_attribute(signer, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE,
                                      sequence) == 1);
    OPENSSL_free(der);
    ESS_SIGNING_CERT_free(signing);
}

static void set_content(PKCS7 *token, TS_TST_INFO *info)
{
    PKCS7 *content = PKCS7_new();
    ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
    uint8_t *der = NULL;
    int size = i2d_TS_TST_INFO(info, &der);

    ASSERT(size > 0 && bytes != NULL);
    content->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
    content->d.other = ASN1_TYPE_new();
    ASN1_TYPE_set(content->d.other, V_ASN1_OCTET_STRING, bytes);
    ASSERT(PKCS7_set_content(token, content) == 1);
    BIO *bio = PKCS7_dataInit(token, NULL);
    ASSERT(bio != NULL && BIO_write(bio, der, size) == size);
    ASSERT(PKCS7_dataFinal(token, bio) == 1);
    BIO_free_all(bio);
    OPENSSL_free(der);
}

static void put_token(const struct made_tsa *tsa, TS_TST_INFO *info, struct buf *out)
{
    static uint8_t filling[LARGE_BYTES];
    PKCS7 *token = PKCS7_new();
    uint8_t *der = NULL;
    struct error err;

    ASSERT(PKCS7_set_type(token, NID_pkcs7_signed) == 1);
    ASSERT(ASN1_INTEGER_set(token->d.sign->version, 3) == 1);
    if (tsa->fault != MADE_WITHOUT_CERTIFICATE)
        ASSERT(PKCS7_add_certificate(token, tsa->cert) == 1);
    PKCS7_SIGNER_INFO *signer = PKCS7_add_signature(token, tsa->cert, tsa->key, EVP_sha256());
    ASSERT(signer != NULL);
    ASSERT(PKCS7_add_signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                      OBJ_nid2obj(NID_id_smime_ct_TSTInfo)) == 1);
    add_signing_cert(tsa, signer);
    if (tsa->fault == MADE_LARGE) {
        ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
        ASSERT(ASN1_OCTET_STRING_set(string, filling, sizeof(filling)) == 1);
        ASSERT(PKCS7_add_attribute(signer, NID_pkcs9_unstructuredName, V_ASN1_OCTET_STRING,
                                   string) == 1);
    }
    set_content(token, info);
    int size = i2d_PKCS7(token, &der);
    ASSERT(size > 100 && size < DER_MAX);
    if (tsa->fault == MADE_WRONG_SIGNATURE)
        der[size - 1] ^= 1; /* the signature is the last of it */
    ASSERT(buf_append(out, der, (size_t)size, &err) == ST_OK);
    OPENSSL_free(der);
    PKCS7_free(token);
}

void made_tsa_stamp(const struct made_tsa *tsa, const uint8_t imprint[32], struct buf *out)
{
    TS_TST_INFO *info = make_info(tsa, imprint);

    put_token(tsa, info, out);
    TS_TST_INFO_free(info);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void put_tlv(struct buf *out, uint8_t tag, struct slice bytes)
{
    struct error err;
    const uint8_t head[] = {tag, 0x82, (uint8_t)(bytes.size >> 8), (uint8_t)bytes.size};
    const uint8_t short_head[] = {tag, (uint8_t)bytes.size};
    bool is_short = bytes.size < 128;

    ASSERT(bytes.size < DER_MAX && (is_short || bytes.size > 255)); /* DER has one way */
    ASSERT(buf_append(out, is_short ? short_head : head,
                      is_short ? sizeof(short_head) : sizeof(head), &err) == ST_OK);
    ASSERT(buf_append(out, bytes.data, bytes.size, &err) == ST_OK);
}

void made_tsa_grant(const struct made_tsa *tsa, struct slice request, struct buf *out)
{
    static const uint8_t granted[] = {0x30, 3, 2, 1, 0};
    const uint8_t *at = request.data;
    struct buf inside;
    struct error err;

    TS_REQ *asked = d2i_TS_REQ(NULL, &at, (long)request.size);
    ASSERT(asked != NULL && TS_REQ_get_nonce(asked) != NULL && TS_REQ_get_cert_req(asked) != 0);
    ASN1_OCTET_STRING *imprint = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(asked));
    ASSERT(ASN1_STRING_length(imprint) == 32);
    TS_TST_INFO *info = make_info(tsa, ASN1_STRING_get0_data(imprint));
    set_nonce(tsa, info, TS_REQ_get_nonce(asked));
    buf_init(&inside, DER_MAX);
    ASSERT(buf_append(&inside, granted, sizeof(granted), &err) == ST_OK);
    put_token(tsa, info, &inside);
    put_tlv(out, 0x30, buf_slice(&inside));
    buf_fini(&inside);
    TS_TST_INFO_free(info);
    TS_REQ_free(asked);
}

void made_tsa_deny(int status, const char *words, int bit, struct buf *out)
{
    struct buf text, inside, whole;
    uint8_t number = (uint8_t)status;
    uint8_t bits[5] = {0};

    buf_init(&text, 256);
    buf_init(&inside, 512);
    buf_init(&whole, 512);
    put_tlv(&inside, 2, slice_of(&number, 1));
    put_tlv(&text, 0x0c, slice_of_text(words));
    put_tlv(&inside, 0x30, buf_slice(&text));
    if (bit >= 0) {
        bits[0] = (uint8_t)(7 - bit % 8);
        bits[1 + bit / 8] = (uint8_t)(0x80 >> bit % 8);
        put_tlv(&inside, 3, slice_of(bits, 2 + (size_t)bit / 8));
    }
    put_tlv(&whole, 0x30, buf_slice(&inside));
    put_tlv(out, 0x30, buf_slice(&whole));
    buf_fini(&text);
    buf_fini(&inside);
    buf_fini(&whole);
}
